//! What a release makes and takes away again leaves nothing behind, so nothing is planned for it.

use super::again::is_directed;
use super::named::{Act, Named};
use super::{Item, Planned};
use crate::schema::change::{Concurrency, DropBehavior, IfExists, Verb};
use crate::schema::{Change, ObjectKind};

/// Leaves out what was created and dropped again, with all that was done to it, where no other statement of the release mentions it.
pub(super) fn leave_out(mut items: Vec<Item>) -> Vec<Item> {
    while let Some(Pair { places, end, drop }) = pair(&items).or_else(|| built_on_what_goes(&items)) {
        forget(&mut items, places[0], end, &drop);
        let mut place = 0;
        items.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
    }
    items
}

/// Statements that leave nothing behind.
struct Pair {
    /// Their places, that of the CREATE first.
    places: Vec<usize>,
    /// The place of what ends it.
    end: usize,
    /// What takes it away.
    drop: Change,
}

/// A constraint or an index over a column that a later statement drops, which it goes with.
fn built_on_what_goes(items: &[Item]) -> Option<Pair> {
    let start = &items.first()?.before;
    (0..items.len()).find_map(|at| {
        let (Act::Creates, named) = items[at].named()? else { return None };
        let (table, columns, drop) = match &named {
            Named::Constraint(table, name) => {
                let columns = items[at].after.tables.get(table)?.constraint(name)?.columns();
                let (table, constraint) = (table.clone(), name.clone());
                let drop =
                    Change::DropConstraint { table: table.clone(), constraint, behavior: DropBehavior::Restrict, if_exists: IfExists::Fail };
                (table, columns, drop)
            }
            Named::Index(index) => {
                let found = items[at].after.indexes.get(index)?;
                let concurrency = Concurrency::Blocking;
                let drop =
                    Change::DropIndex { index: index.clone(), concurrency, behavior: DropBehavior::Restrict, if_exists: IfExists::Fail };
                (found.table.clone(), found.columns(), drop)
            }
            Named::Table(_)
            | Named::Column(..)
            | Named::View(_)
            | Named::Sequence(_)
            | Named::Trigger(..)
            | Named::Routine(..)
            | Named::Type(_)
            | Named::Other(_) => return None,
        };
        if named.is_in(start) || named.is_in(&items[at].before) || is_directed(&items[at]) || items[at].instead_of.is_some() {
            return None;
        }
        let goes = |item: &Item| {
            matches!(&item.planned, Planned::Change(Change::DropColumn { table: on, column, .. }) if on == &table && columns.contains(column))
        };
        let end = items.iter().enumerate().skip(at + 1).find(|(_, item)| goes(item))?.0;
        let told = items.iter().skip(at + 1).any(|item| mentions(item, &named));
        (!told && start.tables.contains_key(&table)).then(|| Pair { places: vec![at], end, drop })
    })
}

/// Takes the thing out of what the statements between its CREATE and its DROP see: it is never there for them.
fn forget(items: &mut [Item], first: usize, last: usize, drop: &Change) {
    let mut named = items[first].named().map(|(_, named)| named);
    for item in &mut items[first + 1..=last] {
        let to = named.as_ref().and_then(|named| renamed(item, named));
        // What can't be taken out alone stays, as it would be on a server.
        let _ = item.before.apply(&drop_by_name(drop, named.as_ref()));
        named = to.or(named);
        let _ = item.after.apply(&drop_by_name(drop, named.as_ref()));
    }
}

/// The same DROP of a thing that has another name at that time.
fn drop_by_name(drop: &Change, named: Option<&Named>) -> Change {
    let mut drop = drop.clone();
    if let (Change::DropConstraint { constraint: name, .. }, Some(Named::Constraint(_, at_that_time))) = (&mut drop, named) {
        name.clone_from(at_that_time);
    } else if let (Change::DropIndex { index: name, .. }, Some(Named::Index(at_that_time))) = (&mut drop, named) {
        name.clone_from(at_that_time);
    }
    drop
}

/// What the statement makes of the name of a constraint or an index.
fn renamed(item: &Item, named: &Named) -> Option<Named> {
    let Planned::Change(change) = &item.planned else { return None };
    if is_directed(item) {
        return None;
    }
    match (named, change) {
        (Named::Constraint(table, name), Change::RenameConstraint { table: on, constraint, to }) if table == on && name == constraint => {
            Some(Named::Constraint(table.clone(), to.clone()))
        }
        (Named::Index(name), Change::RenameIndex { index, to }) if name == index => Some(Named::Index(name.sibling(to.clone()))),
        _ => None,
    }
}

/// The places of the CREATE, the DROP, and of what lies between and is about that thing alone.
fn pair(items: &[Item]) -> Option<Pair> {
    let start = &items.first()?.before;
    (0..items.len()).find_map(|at| {
        let (Act::Creates, named) = items[at].named()? else { return None };
        // An index or a constraint that took the place of an old one for a while only: the last one takes it.
        let stands_in = matches!(named, Named::Index(_) | Named::Constraint(..));
        if named.is_in(start) && !stands_in || named.is_in(&items[at].before) || is_directed(&items[at]) {
            return None;
        }
        let (places, end, last_named) = life(items, at, named.clone())?;
        let Planned::Change(drop) = items[end].planned.clone() else { return None };
        // A later statement may mention it too: what was read from it lives on.
        let lives_on = |item: &Item| {
            [&named, &last_named].iter().any(|named| mentions(item, named) && item.named().is_none_or(|(_, other)| other != **named))
        };
        (!items.iter().skip(end + 1).any(lives_on)).then_some(Pair { places, end, drop })
    })
}

/// The places of the CREATE and the DROP and of all between them that is about the thing alone; the place of the DROP; and the
/// thing's name by then.
fn life(items: &[Item], at: usize, mut named: Named) -> Option<(Vec<usize>, usize, Named)> {
    let mut places = vec![at];
    for (place, item) in items.iter().enumerate().skip(at + 1) {
        if item.named() == Some((Act::Drops, named.clone())) {
            places.push(place);
            return (!is_directed(item)).then_some((places, place, named));
        }
        if let Some(to) = renamed(item, &named) {
            places.push(place);
            named = to;
        } else if is_about(item, &named) {
            places.push(place);
        } else if mentions(item, &named) {
            return None;
        }
    }
    None
}

/// Whether the statement may have to do with it: by its text, since a miss would leave out something that is needed.
fn mentions(item: &Item, named: &Named) -> bool {
    let is_of_rules = matches!(named, Named::Constraint(..) | Named::Index(_));
    !(is_of_rules && names_no_rule(item)) && item.statement.to_lowercase().contains(&named.word().to_lowercase())
}

/// Whether the change can name columns, but no constraint and no index that another statement has made.
fn names_no_rule(item: &Item) -> bool {
    let Planned::Change(change) = &item.planned else { return false };
    matches!(
        change,
        Change::AddColumn(_)
            | Change::DropColumn { .. }
            | Change::SetDefault { .. }
            | Change::DropDefault { .. }
            | Change::SetNotNull { .. }
            | Change::DropNotNull { .. }
            | Change::ChangeType { .. }
            | Change::CreateIndex { .. }
            | Change::CreateType(_)
            | Change::CreateView { .. }
            | Change::CreateSequence { .. }
            | Change::RenameColumn { .. }
    ) || matches!(change, Change::Data(data) if data.calls.is_empty() && !data.statement.to_uppercase().contains("ON CONSTRAINT"))
        || matches!(change, Change::Comment { object, .. } if !matches!(object.kind, ObjectKind::TableConstraint | ObjectKind::Index))
        || matches!(change, Change::AddConstraint { constraint, .. } if constraint.foreign_key().is_none())
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
            | Change::DropDefault { table: on, column: of, .. },
        ) => table == on && column == of,
        _ => false,
    }
}
