//! Statements that change nothing where they stand: a DROP … IF EXISTS of what isn't there, a rule or a type that holds already.
//! What can't be told from the schema counts as a change.

use super::named::{Act, Named, named_by};
use super::{Item, Planned};
use crate::schema::change::OnConflict;
use crate::schema::{Catalog, Change, Identifier, Name, ObjectKind};

/// The items without those that change nothing.
pub(super) fn leave_out(items: Vec<Item>) -> Vec<Item> {
    let keep: Vec<bool> = (0..items.len()).map(|at| !is_idle(&items[at]) && !is_replaced(&items, at)).collect();
    items.into_iter().zip(keep).filter_map(|(item, keep)| keep.then_some(item)).collect()
}

/// Whether it drops what may be there, and a CREATE OR REPLACE of the same release says what it is from then on.
fn is_replaced(items: &[Item], at: usize) -> bool {
    let Some((Act::Drops, named)) = items[at].named() else { return false };
    let replaces = |item: &Item| {
        item.named().is_some_and(|(act, made)| act == Act::Creates && named.may_be(&made))
            && matches!(
                &item.planned,
                Planned::Change(
                    Change::CreateRoutine { on_conflict: OnConflict::Replace, .. }
                        | Change::CreateView { on_conflict: OnConflict::Replace, .. }
                        | Change::CreateTrigger { on_conflict: OnConflict::Replace, .. }
                )
            )
    };
    !named.is_in(&items[at].before) && items[at + 1..].iter().any(replaces)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest counts as a change, unless it drops what isn't there")]
fn is_idle(item: &Item) -> bool {
    let Planned::Change(change) = &item.planned else { return false };
    match change {
        Change::DropNotNull { table, column }
        | Change::SetNotNull { table, column }
        | Change::SetDefault { table, column, .. }
        | Change::DropDefault { table, column, .. }
        // USING may give other values of the same type.
        | Change::ChangeType { table, column, using: None, .. } => stays(item, table, column),
        Change::DropSchema { schema, .. } => {
            let name = Name::unqualified(schema.clone());
            !item.before.schemas.contains_key(schema) && !item.before.is_unknown(ObjectKind::Schema, &name)
        }
        Change::DropExtension { extension, .. } => {
            let name = Name::unqualified(extension.clone());
            !item.before.extensions.contains_key(extension) && !item.before.is_unknown(ObjectKind::Extension, &name)
        }
        _ => match named_by(change, &item.before, &item.after) {
            Some((Act::Drops, named)) => !named.is_in(&item.before) && !may_be_there(&named, &item.before),
            Some((Act::Creates, _)) | None => false,
        },
    }
}

/// Whether the table is surely as it was, and all that inherit from it. Of a column that only a statement made which can't be read, nothing
/// is known.
fn stays(item: &Item, table: &Name, column: &Identifier) -> bool {
    !item.before.is_unknown(ObjectKind::Table, table)
        && item.before.with_descendants(table).iter().all(|table| match (item.before.tables.get(table), item.after.tables.get(table)) {
            (Some(before), Some(after)) => before.column(column).is_some() && before == after,
            (None, _) | (_, None) => false,
        })
}

/// Whether a statement that can't be read may have made it.
pub(crate) fn may_be_there(named: &Named, catalog: &Catalog) -> bool {
    match named {
        Named::Table(name) | Named::Column(name, _) | Named::Constraint(name, _) | Named::Trigger(name, _) => {
            catalog.is_unknown(ObjectKind::Table, name)
        }
        Named::Index(name) => catalog.is_unknown(ObjectKind::Index, name),
        Named::View(name) => catalog.is_unknown(ObjectKind::View, name),
        Named::Sequence(name) => catalog.is_unknown(ObjectKind::Sequence, name),
        // Without its arguments a function may be any of several.
        Named::Routine(name, arguments) => {
            catalog.is_unknown(ObjectKind::Function, name)
                || arguments.is_empty() && catalog.routines.keys().any(|(found, _)| found == name)
        }
        Named::Type(name) => catalog.is_unknown(ObjectKind::Type, name),
        Named::Other(object) => catalog.is_unknown(object.kind, &object.name),
    }
}
