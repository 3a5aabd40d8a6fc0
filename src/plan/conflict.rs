//! Two changes of one release that would get in each other's way.

use super::recipe::Context;
use super::refusal::Refusal;
use super::release::{Item, Planned};
use crate::schema::{Change, Constraint, ConstraintKind, Enforcement, Identifier, Name, Table, Validity};
use crate::sql::write;

/// Refuses the change if another one of the release touches one of `columns` or one of the indexes and constraints that
/// are built anew for it.
pub(crate) fn refuse<'i>(
    ctx: &Context<'_>,
    table: &Name,
    columns: &[&Identifier],
    mut rebuilt: impl Iterator<Item = &'i Identifier>,
) -> Result<(), Refusal> {
    let rebuilt: Vec<&Identifier> = rebuilt.by_ref().collect();
    let own = ctx.release.iter().position(|item| std::ptr::eq(item, ctx.item)).unwrap_or_default();
    let other = ctx.release.iter().enumerate().find(|(at, item)| {
        item.origin != ctx.item.origin
            && match &item.planned {
                Planned::Change(change) => {
                    let dropped = item.instead_of.as_ref().is_some_and(|drop| touches(drop, table, columns, &rebuilt));
                    dropped
                        || touches(change, table, columns, &rebuilt)
                        || builds_on(change, table, columns, if *at < own { When::Before } else { When::After })
                }
                Planned::EnumSwap(swap) => swap.columns.iter().any(|(on, column)| on == table && columns.contains(&column)),
                Planned::FilledColumn { .. } => false,
            }
    });
    let other = other.map(|(_, item)| item);
    match other {
        None => Ok(()),
        Some(other) => Err(ctx.refuse(
            format!(
                "the same release also changes what this change replaces ({}:{}: {})",
                other.origin.file,
                other.origin.line,
                first_line(&other.origin.statement)
            ),
            "put one of the two into the next release",
        )),
    }
}

/// Refuses to write to every row of a table that may have rows which nobody can change: those that break a CHECK of earlier
/// releases that is NOT VALID.
pub(crate) fn refuse_fixed_rows(ctx: &Context<'_>, table: &Table) -> Result<(), Refusal> {
    let old = ctx.old.tables.get(ctx.name_before_release(&table.name));
    let was_there = |name: &Identifier| old.is_some_and(|old| old.constraint(name).is_some());
    let validates = |item: &Item, name: &Identifier| matches!(&item.planned, Planned::Change(Change::ValidateConstraint { constraint, .. }) if constraint == name);
    let checked_anew = |constraint: &&Constraint| {
        let checks = matches!(constraint.kind, ConstraintKind::Check { .. }) && constraint.enforcement == Enforcement::Enforced;
        let named = |name: &Identifier| was_there(name) && !ctx.release.iter().any(|item| validates(item, name));
        checks && constraint.validity == Validity::NotValid && constraint.name.as_ref().is_some_and(named)
    };
    match table.constraints.iter().find(checked_anew).and_then(|constraint| constraint.name.as_ref()) {
        None => Ok(()),
        Some(name) => Err(ctx.refuse(
            format!(
                "the CHECK {name} of {} is NOT VALID: a row that breaks it can't be changed, and this change writes to every row",
                table.name
            ),
            format!("put `ALTER TABLE {} VALIDATE CONSTRAINT {}` into a release before", write::name(&table.name), write::identifier(name)),
        )),
    }
}

/// Where in the release the other change stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

/// Whether the change gives something to a column (the first of `columns`) that will be gone, so that it would go with it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest builds nothing on a column")]
fn builds_on(change: &Change, table: &Name, columns: &[&Identifier], when: When) -> bool {
    let Some(gone) = columns.first() else { return false };
    // What comes after a change of type, and only in contract, meets the column that has the name by then.
    match change {
        Change::CreateIndex { index, .. } => &index.table == table && index.mentions(gone),
        Change::AddConstraint { table: on, constraint } => on == table && when == When::Before && constraint.columns().contains(gone),
        Change::SetNotNull { table: on, column } => on == table && columns.contains(&column) && (when == When::Before || columns.len() > 1),
        _ => false,
    }
}

fn first_line(statement: &str) -> &str {
    statement.lines().next().unwrap_or_default()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest changes neither a column's shape nor an index or a constraint that is built anew"
)]
fn touches(change: &Change, table: &Name, columns: &[&Identifier], rebuilt: &[&Identifier]) -> bool {
    let column_of = |on: &Name, column: &Identifier| on == table && columns.contains(&column);
    match change {
        Change::RenameColumn { table: on, column, to } => column_of(on, column) || column_of(on, to),
        Change::DropColumn { table: on, column, .. }
        | Change::ChangeType { table: on, column, .. }
        | Change::SetDefault { table: on, column, .. }
        | Change::DropDefault { table: on, column }
        | Change::DropNotNull { table: on, column }
        | Change::AddIdentity { table: on, column, .. }
        | Change::SetIdentity { table: on, column, .. }
        | Change::DropIdentity { table: on, column, .. } => column_of(on, column),
        Change::RenameTable { table: on, to } => on == table || &on.sibling(to.clone()) == table,
        Change::SetTableSchema { table: on, .. } | Change::DropTable { table: on, .. } => on == table,
        Change::DropConstraint { table: on, constraint, .. }
        | Change::RenameConstraint { table: on, constraint, .. }
        | Change::ValidateConstraint { table: on, constraint }
        | Change::AlterConstraint { table: on, constraint, .. } => on == table && rebuilt.contains(&constraint),
        Change::DropIndex { index, .. } | Change::RenameIndex { index, .. } => {
            index.schema == table.schema && rebuilt.contains(&&index.name)
        }
        _ => false,
    }
}
