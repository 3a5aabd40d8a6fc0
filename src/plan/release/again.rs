//! DROP of something, then CREATE of it under the same name: a change of that thing, not an end and a beginning.

use super::named::{Act, Named};
use super::{Item, Planned};
use crate::schema::Change;
use crate::sql::directive::DirectiveKind;

/// Takes each DROP whose thing comes back later into the item that brings it back, which then knows what it replaces.
pub(super) fn fold(items: &[Item]) -> Vec<Item> {
    let Some(start) = items.first().map(|item| item.before.clone()) else { return Vec::new() };
    let mut result: Vec<Item> = items.to_vec();
    let mut gone = vec![false; items.len()];
    for at in 0..items.len() {
        let Some((Act::Drops, named)) = items[at].named() else { continue };
        // Its table may have got another name or schema before.
        let made_here = || items[..at].iter().any(|item| item.named() == Some((Act::Creates, named.clone())));
        let was_there = named.is_in(&start) || named.is_in(&items[at].before) && !made_here();
        if !was_there || !replaceable(&named) || is_directed(&items[at]) {
            continue;
        }
        let back = items.iter().enumerate().skip(at + 1).find(|(_, item)| item.named() == Some((Act::Creates, named.clone())));
        let Some((back, again)) = back else { continue };
        let Planned::Change(drop) = &items[at].planned else { continue };
        if is_directed(again) || !same_kind(&named, &items[at], again) {
            continue;
        }
        gone[at] = true;
        let item = &mut result[back];
        item.instead_of = Some(Box::new(drop.clone()));
        item.before = items[at].before.clone();
        item.also.push(items[at].origin.clone());
    }
    result.into_iter().zip(gone).filter_map(|(item, gone)| (!gone).then_some(item)).collect()
}

/// A table or a column that comes back is empty: that is no change of it, and has recipes (and refusals) of its own.
fn replaceable(named: &Named) -> bool {
    match named {
        Named::Constraint(..) | Named::Index(_) | Named::View(_) | Named::Trigger(..) | Named::Routine(..) | Named::Other(_) => true,
        Named::Table(_) | Named::Column(..) | Named::Sequence(_) | Named::Type(_) => false,
    }
}

/// A foreign key that points elsewhere, or a UNIQUE that becomes a CHECK, shares nothing but the name.
fn same_kind(named: &Named, drop: &Item, again: &Item) -> bool {
    let Named::Constraint(table, name) = named else { return true };
    let before = drop.before.tables.get(table).and_then(|found| found.constraint(name));
    let Planned::Change(Change::AddConstraint { constraint, .. }) = &again.planned else { return false };
    before.is_some_and(|before| std::mem::discriminant(&before.kind) == std::mem::discriminant(&constraint.kind))
}

/// A directive about one of the two tells them apart.
pub(super) fn is_directed(item: &Item) -> bool {
    item.directives.iter().any(|directive| match directive {
        DirectiveKind::Phase(_) | DirectiveKind::Strategy(_) => true,
        DirectiveKind::Allow { .. } | DirectiveKind::Up(_) | DirectiveKind::Down(_) | DirectiveKind::ContractAfter(_) => false,
    })
}
