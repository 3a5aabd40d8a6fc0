//! Of several statements that say what a column's default is, or whether it may be NULL, the last one counts; none does if the
//! column or its table goes in the end.

use std::sync::Arc;

use super::again::is_directed;
use super::{Item, Planned};
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Catalog, Change, Column, Identifier, Name};
use crate::sql::write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Default,
    NotNull,
}

/// Leaves out what a later statement of the release takes back. That one then knows what was there before the first, and goes
/// too if it leads back to it.
pub(super) fn leave_out(mut items: Vec<Item>) -> Vec<Item> {
    let mut gone = vec![false; items.len()];
    for at in 0..items.len() {
        let Some((table, column, attribute)) = of(&items[at]).map(|(table, column, attribute)| (table.clone(), column.clone(), attribute))
        else {
            continue;
        };
        let same = |item: &Item| of(item) == Some((&table, &column, attribute));
        let Some(next) = (at + 1..items.len()).find(|next| same(&items[*next]) || drops(&items[*next], &table, &column)) else {
            continue;
        };
        if items[at + 1..next].iter().any(|item| rests_on(item, &table, &column, attribute)) {
            continue;
        }
        gone[at] = true;
        let is_last = drops(&items[next], &table, &column);
        let first = items[at].before.clone();
        let later = &mut items[next];
        restore(&mut later.before, &first, &table, &column, attribute);
        gone[next] = !is_last && is_same(&later.before, &later.after, &table, &column, attribute);
    }
    items.into_iter().zip(gone).filter_map(|(item, gone)| (!gone).then_some(item)).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else says what a default is, or whether a column may be NULL")]
fn of(item: &Item) -> Option<(&Name, &Identifier, Attribute)> {
    let Planned::Change(change) = &item.planned else { return None };
    if is_directed(item) {
        return None;
    }
    match change {
        Change::SetDefault { table, column, .. } | Change::DropDefault { table, column, .. } => Some((table, column, Attribute::Default)),
        Change::SetNotNull { table, column } | Change::DropNotNull { table, column } => Some((table, column, Attribute::NotNull)),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else drops a column")]
fn drops(item: &Item, table: &Name, column: &Identifier) -> bool {
    let Planned::Change(change) = &item.planned else { return false };
    match change {
        Change::DropColumn { table: of, column: dropped, .. } => of == table && dropped == column && !is_directed(item),
        Change::DropTable { table: of, .. } => of == table && !is_directed(item),
        _ => false,
    }
}

/// Whether a statement between two may need what the first one says.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is the same with either default")]
fn rests_on(item: &Item, table: &Name, column: &Identifier, attribute: Attribute) -> bool {
    let Planned::Change(change) = &item.planned else { return true };
    match change {
        Change::Data(data) if data.writes.contains(table) => match attribute {
            Attribute::Default => !matches!(data.verb, Verb::Delete | Verb::Truncate | Verb::Select),
            Attribute::NotNull => may_write_null(data, column),
        },
        Change::ChangeType { table: on, column: of, .. } => on == table && of == column,
        Change::RenameColumn { table: on, column: of, to } => on == table && (of == column || to == column),
        Change::RenameTable { table: on, .. } | Change::SetTableSchema { table: on, .. } => on == table,
        Change::AddConstraint { table: on, constraint } => on == table && constraint.columns().contains(column),
        Change::Opaque { .. } => true,
        _ => false,
    }
}

/// Whether the statement may leave NULL in the column: anything but a plain constant may be.
fn may_write_null(data: &DataChange, column: &Identifier) -> bool {
    match data.verb {
        Verb::Delete | Verb::Truncate | Verb::Select => false,
        Verb::Update if data.plain => data.assignments.iter().any(|(to, value)| {
            let text = write::text(value);
            to == column && !text.trim_start().starts_with(|first: char| first == '\'' || first.is_ascii_digit())
        }),
        Verb::Insert | Verb::Update | Verb::Merge | Verb::Copy => data.columns.is_empty() || data.columns.contains(column),
    }
}

fn found<'a>(catalog: &'a Catalog, table: &Name, column: &Identifier) -> Option<&'a Column> {
    catalog.tables.get(table)?.column(column)
}

fn restore(into: &mut Catalog, from: &Catalog, table: &Name, column: &Identifier, attribute: Attribute) {
    let Some(was) = found(from, table, column) else { return };
    let Some(table) = into.tables.get_mut(table) else { return };
    let Some(now) = Arc::make_mut(table).columns.iter_mut().find(|candidate| &candidate.name == column) else { return };
    match attribute {
        Attribute::Default => now.default.clone_from(&was.default),
        Attribute::NotNull => now.not_null = was.not_null,
    }
}

fn is_same(before: &Catalog, after: &Catalog, table: &Name, column: &Identifier, attribute: Attribute) -> bool {
    let (Some(before), Some(after)) = (found(before, table, column), found(after, table, column)) else { return false };
    match attribute {
        Attribute::Default => before.default == after.default,
        Attribute::NotNull => before.not_null == after.not_null,
    }
}
