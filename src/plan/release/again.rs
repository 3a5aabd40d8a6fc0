//! DROP of something, then CREATE of it under the same name: a change of that thing, not an end and a beginning.

use super::idle::may_be_there;
use super::named::{Act, Named};
use super::{Item, Planned};
use crate::schema::{Change, Constraint, ConstraintKind};
use crate::sql::directive::DirectiveKind;

/// Takes each DROP whose thing comes back later into the item that brings it back, which then knows what it replaces.
pub(super) fn fold(items: &[Item]) -> Vec<Item> {
    let Some(start) = items.first().map(|item| item.before.clone()) else { return Vec::new() };
    let mut result: Vec<Item> = items.to_vec();
    let mut gone = vec![false; items.len()];
    let mut place: Vec<usize> = (0..items.len()).collect();
    for at in 0..items.len() {
        let Some((Act::Drops, named)) = items[at].named() else { continue };
        // Its table may have got another name or schema before.
        let made_here = || items[..at].iter().any(|item| item.named() == Some((Act::Creates, named.clone())));
        let was_there = named.is_in(&start) || named.is_in(&items[at].before) && !made_here();
        let may_be = || may_be_exchanged(&named) && may_be_there(&named, &start);
        if !(was_there || may_be()) || !replaceable(&named) || is_directed(&items[at]) {
            continue;
        }
        let back = items.iter().enumerate().skip(at + 1).find(|(_, item)| item.named() == Some((Act::Creates, named.clone())));
        let Some((back, again)) = back else { continue };
        let Planned::Change(drop) = &items[at].planned else { continue };
        if is_directed(again) || !same_kind(&named, &items[at], again) || loses_its_table(&named, &items[at], &items[at + 1..back]) {
            continue;
        }
        gone[at] = true;
        if is_check(again) {
            for between in (at + 1..back).filter(|between| is_of_default(&items[*between], &named)) {
                place[between] = back;
            }
        }
        let item = &mut result[back];
        item.instead_of = Some(Box::new(drop.clone()));
        item.before = items[at].before.clone();
        item.also.push(items[at].origin.clone());
    }
    // What has been put off comes right after what it waits for.
    let order = place.into_iter().enumerate().map(|(at, place)| (place, at != place));
    let mut kept: Vec<_> = order.zip(result).zip(gone).filter_map(|(item, gone)| (!gone).then_some(item)).collect();
    kept.sort_by_key(|(order, _)| *order);
    kept.into_iter().map(|(_, item)| item).collect()
}

fn is_check(item: &Item) -> bool {
    matches!(&item.planned, Planned::Change(Change::AddConstraint { constraint, .. }) if matches!(constraint.kind, ConstraintKind::Check { .. }))
}

/// Whether it says what a default of the table is: the old CHECK may refuse it, and is there until the new one comes.
fn is_of_default(item: &Item, of: &Named) -> bool {
    let Named::Constraint(on, _) = of else { return false };
    matches!(&item.planned, Planned::Change(Change::SetDefault { table, .. } | Change::DropDefault { table, .. }) if table == on)
}

/// A table or a column that comes back is empty: that is no change of it, and has recipes (and refusals) of its own.
fn replaceable(named: &Named) -> bool {
    match named {
        Named::Constraint(..) | Named::Index(_) | Named::View(_) | Named::Trigger(..) | Named::Routine(..) | Named::Other(_) => true,
        Named::Table(_) | Named::Column(..) | Named::Sequence(_) | Named::Type(_) => false,
    }
}

/// What is exchanged alike whether it is there or not, where a statement that can't be read may have made it.
fn may_be_exchanged(named: &Named) -> bool {
    match named {
        Named::Trigger(..) | Named::Index(_) => true,
        Named::Table(_)
        | Named::Column(..)
        | Named::Constraint(..)
        | Named::View(_)
        | Named::Sequence(_)
        | Named::Routine(..)
        | Named::Type(_)
        | Named::Other(_) => false,
    }
}

/// A foreign key that points elsewhere, or a UNIQUE that becomes a CHECK, shares nothing but the name.
fn same_kind(named: &Named, drop: &Item, again: &Item) -> bool {
    let Named::Constraint(table, name) = named else { return true };
    let before = drop.before.tables.get(table).and_then(|found| found.constraint(name));
    let Planned::Change(Change::AddConstraint { constraint, .. }) = &again.planned else { return false };
    before.is_some_and(|before| std::mem::discriminant(&before.kind) == std::mem::discriminant(&constraint.kind))
}

/// Whether the table that a foreign key references is dropped before it comes back: it must end before that.
fn loses_its_table(named: &Named, drop: &Item, between: &[Item]) -> bool {
    let Named::Constraint(table, name) = named else { return false };
    let before = drop.before.tables.get(table).and_then(|found| found.constraint(name));
    let Some(key) = before.and_then(Constraint::foreign_key) else { return false };
    between.iter().any(|item| matches!(&item.planned, Planned::Change(Change::DropTable { table, .. }) if table == &key.references))
}

/// A directive about one of the two tells them apart.
pub(super) fn is_directed(item: &Item) -> bool {
    item.directives.iter().any(|directive| match directive {
        DirectiveKind::Phase(_) | DirectiveKind::Strategy(_) => true,
        DirectiveKind::Allow { .. } | DirectiveKind::Up(_) | DirectiveKind::Down(_) | DirectiveKind::ContractAfter(_) => false,
    })
}
