//! What a release makes and takes away again leaves nothing behind, so nothing is planned for it.

use super::again::is_directed;
use super::named::{Act, Named};
use super::{Item, Planned};
use crate::schema::change::Verb;
use crate::schema::{Change, ObjectKind};

/// Leaves out what was created and dropped again, with all that was done to it, where no other statement of the release mentions it.
pub(super) fn leave_out(mut items: Vec<Item>) -> Vec<Item> {
    while let Some(pair) = pair(&items) {
        forget(&mut items, &pair);
        let mut place = 0;
        items.retain(|_| {
            place += 1;
            !pair.contains(&(place - 1))
        });
    }
    items
}

/// Takes the thing out of what the statements between its CREATE and its DROP see: it is never there for them.
fn forget(items: &mut [Item], pair: &[usize]) {
    let (Some(first), Some(last)) = (pair.iter().min().copied(), pair.iter().max().copied()) else { return };
    let Planned::Change(drop) = items[last].planned.clone() else { return };
    for item in &mut items[first + 1..last] {
        // What can't be taken out alone stays, as it would be on a server.
        let _ = item.before.apply(&drop);
        let _ = item.after.apply(&drop);
    }
}

/// The places of the CREATE, the DROP, and of what lies between and is about that thing alone.
fn pair(items: &[Item]) -> Option<Vec<usize>> {
    let start = &items.first()?.before;
    (0..items.len()).find_map(|at| {
        let (Act::Creates, named) = items[at].named()? else { return None };
        // An index or a constraint that took the place of an old one for a while only: the last one takes it.
        let stands_in = matches!(named, Named::Index(_) | Named::Constraint(..));
        if named.is_in(start) && !stands_in || named.is_in(&items[at].before) || is_directed(&items[at]) {
            return None;
        }
        let end = items.iter().enumerate().skip(at + 1).find(|(_, item)| item.named() == Some((Act::Drops, named.clone())))?.0;
        if is_directed(&items[end]) {
            return None;
        }
        let mut places = vec![at, end];
        for (between, item) in items.iter().enumerate().take(end).skip(at + 1) {
            if is_about(item, &named) {
                places.push(between);
            } else if mentions(item, &named) {
                return None;
            }
        }
        // A later statement may mention it too: what was read from it lives on.
        (!items.iter().skip(end + 1).any(|item| mentions(item, &named) && item.named().is_none_or(|(_, other)| other != named)))
            .then_some(places)
    })
}

/// Whether the statement may have to do with it: by its text, since a miss would leave out something that is needed.
fn mentions(item: &Item, named: &Named) -> bool {
    item.statement.to_lowercase().contains(&named.word().to_lowercase())
}

/// Whether the change does nothing but to the thing itself, and goes with it.
fn is_about(item: &Item, named: &Named) -> bool {
    let Planned::Change(change) = &item.planned else { return false };
    match (named, change) {
        (Named::Table(name), Change::Data(data)) => {
            matches!(data.verb, Verb::Insert | Verb::Update | Verb::Delete | Verb::Truncate)
                && data.calls.is_empty()
                && data.writes.as_slice() == std::slice::from_ref(name)
        }
        (Named::Table(name), Change::CreateIndex { index, .. }) => &index.table == name,
        (Named::Table(name), Change::Comment { object, .. }) => &object.name == name && object.kind == ObjectKind::Table,
        (Named::Constraint(table, constraint), Change::ValidateConstraint { table: on, constraint: of }) => table == on && constraint == of,
        (Named::Column(table, column), Change::Data(data)) => {
            // A trigger would do something to the rows, too.
            let fires = item.before.triggers.values().any(|trigger| &trigger.table == table && trigger.enabled != 'D');
            data.plain
                && !fires
                && data.verb == Verb::Update
                && data.calls.is_empty()
                && data.writes.as_slice() == std::slice::from_ref(table)
                && data.assignments.iter().all(|(target, _)| target == column)
        }
        (
            Named::Column(table, column),
            Change::SetNotNull { table: on, column: of }
            | Change::DropNotNull { table: on, column: of }
            | Change::SetDefault { table: on, column: of, .. }
            | Change::DropDefault { table: on, column: of },
        ) => table == on && column == of,
        _ => false,
    }
}
