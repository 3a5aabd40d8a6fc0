//! Two changes of one release that would get in each other's way.

use super::recipe::company::has_word;
use super::recipe::drop_constraint::acts;
use super::recipe::{Context, as_written};
use super::refusal::Refusal;
use super::release::{Item, Planned};
use crate::schema::object::Trigger;
use crate::schema::{Change, Constraint, ConstraintKind, Enforcement, Identifier, Name, Part, Sql, Table, TableKind, Uniqueness, Validity};
use crate::sql::directive::PhaseName;
use crate::sql::write;

/// Refuses the change if another one of the release touches one of `columns` or one of the indexes and constraints that
/// are built anew for it.
pub(crate) fn refuse<'i>(
    ctx: &Context<'_>,
    table: &Name,
    columns: &[&Identifier],
    mut rebuilt: impl Iterator<Item = &'i Identifier>,
) -> Result<(), Refusal> {
    if let Some(other) = columns.first().and_then(|column| renames_what_it_references(ctx, table, column)) {
        return Err(ctx.refuse(
            format!(
                "a foreign key of the column is built anew, and the release renames what it references ({}:{}: {})",
                other.origin.file,
                other.origin.line,
                first_line(&other.origin.statement)
            ),
            "put one of the two into the next release",
        ));
    }
    let rebuilt: Vec<&Identifier> = rebuilt.by_ref().collect();
    // Whether the change is done by the end of migrate, and indexes can be built one by one.
    let is_whole = ctx.before.tables.get(table).is_some_and(|table| !matches!(table.kind, TableKind::Partitioned { .. }));
    let column = columns.first().and_then(|column| ctx.before.tables.get(table)?.column(column));
    let is_required = column.is_some_and(|column| column.not_null);
    let swaps = is_whole && as_written::directed_phase(ctx) != Some(PhaseName::Contract);
    let own = ctx.release.iter().position(|item| std::ptr::eq(item, ctx.item)).unwrap_or_default();
    let other = ctx.release.iter().enumerate().find(|(at, item)| {
        item.origin != ctx.item.origin
            && match &item.planned {
                Planned::Change(change) => {
                    let when = if *at < own { When::Before } else { When::After };
                    let dropped = item.instead_of.as_ref().is_some_and(|drop| {
                        touches(drop, table, columns, &rebuilt) || when == When::After && goes_along(item, drop, table, columns)
                    });
                    dropped
                        || touches(change, table, columns, &rebuilt) && !is_loosened(change, columns.len() > 1, is_required, when)
                        || builds_on(change, table, columns, when, swaps && item.instead_of.is_none())
                        || swaps && columns.len() == 1 && when == When::Before && ends_a_key(item, change, table, columns)
                }
                Planned::EnumSwap(swap) => swap.columns.iter().any(|(on, column)| {
                    on == table && (columns.contains(&column) || rebuilt.iter().any(|name| is_made_of(ctx, table, name, column)))
                }),
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

/// Whether the index or constraint of the table reads the column.
fn is_made_of(ctx: &Context<'_>, table: &Name, name: &Identifier, column: &Identifier) -> bool {
    let index = ctx.before.indexes.get(&table.sibling(name.clone()));
    let constraint = ctx.before.tables.get(table).and_then(|table| table.constraint(name));
    index.is_some_and(|index| index.mentions(column)) || constraint.is_some_and(|constraint| constraint.columns().contains(column))
}

/// The statement that renames another table, or a column of it, which a foreign key of this one references.
fn renames_what_it_references<'a>(ctx: &Context<'a>, table: &Name, column: &Identifier) -> Option<&'a Item> {
    let keys = ctx.before.tables.get(table)?.constraints.iter().filter_map(Constraint::foreign_key);
    let keys: Vec<_> = keys.filter(|key| key.columns.contains(column) && &key.references != table).collect();
    let is_referenced = |on: &Name, of: &Identifier, to: &Identifier| {
        let mut same = keys.iter().filter(|key| &key.references == on);
        same.any(|key| ctx.before.key_referenced_by(key).is_some_and(|columns| columns.contains(of) || columns.contains(to)))
    };
    let is_table = |on: &Name| keys.iter().any(|key| &key.references == on);
    ctx.release.iter().find(|item| match &item.planned {
        Planned::Change(Change::RenameColumn { table: on, column: of, to }) => is_referenced(on, of, to),
        Planned::Change(Change::RenameTable { table: on, .. } | Change::SetTableSchema { table: on, .. }) => is_table(on),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
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
    if let Some(trigger) = guard(ctx, table) {
        return Err(ctx.refuse(
            format!("trigger {trigger} of {} may refuse that a row is changed, and this change writes to every row", table.name),
            "let its function pass by updates that change nothing it minds, in a release before, by another function without RAISE for those; \
             or, of a RENAME, write `-- concertina: strategy compatibility-view`, which changes no row",
        ));
    }
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

/// A trigger that fires for each row that is changed, and whose function raises errors.
fn guard(ctx: &Context<'_>, table: &Table) -> Option<Identifier> {
    let raises = |function: &Name| {
        let bodies = ctx.before.routines_named(function);
        bodies.map(|routine| write::text(&routine.definition).to_lowercase()).any(|body| {
            body.match_indices("raise ").any(|(at, verb)| {
                let next = body[at + verb.len()..].trim_start();
                !["notice", "debug", "log", "info", "warning"].iter().any(|level| next.starts_with(level))
            })
        })
    };
    let fires = |trigger: &&Trigger| {
        let text = write::text(&trigger.definition).to_uppercase();
        trigger.table == table.name && trigger.enabled != 'D' && trigger.update_of.is_empty() && has_word(&text, "UPDATE")
    };
    ctx.before
        .triggers
        .values()
        .map(AsRef::as_ref)
        .filter(fires)
        .find(|trigger| raises(&trigger.function))
        .map(|trigger| trigger.name.clone())
}

/// Where in the release the other change stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

/// Whether the change loosens the column before, as what it then is, or afterwards in contract. A new default is part of a change of
/// type, and the default of a required column stays until contract.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else loosens a column")]
fn is_loosened(change: &Change, is_renamed: bool, is_required: bool, when: When) -> bool {
    match change {
        Change::DropNotNull { .. } => when == When::Before,
        Change::SetDefault { .. } => when == When::Before && is_renamed,
        Change::DropDefault { .. } if is_renamed => when == When::Before,
        Change::DropDefault { .. } => is_required == (when == When::After),
        _ => false,
    }
}

/// Whether what the item replaces is over the column, and would be gone with that when its turn comes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is replaced in expand, or by another one beside it")]
fn goes_along(item: &Item, drop: &Change, table: &Name, columns: &[&Identifier]) -> bool {
    match drop {
        Change::DropIndex { index, .. } => {
            let found = item.before.indexes.get(index).filter(|found| &found.table == table);
            found.is_some_and(|found| columns.iter().any(|column| found.mentions(column)))
        }
        Change::DropConstraint { table: on, constraint, .. } if on == table => {
            let found = item.before.tables.get(table).and_then(|found| found.constraint(constraint));
            let key = found.and_then(Constraint::foreign_key).filter(|key| columns.iter().any(|column| key.columns.contains(column)));
            key.is_some_and(|key| columns.len() == 1 || acts(key))
        }
        _ => false,
    }
}

/// Whether the change ends a unique key over the column. Old clients have it until contract, and the column that takes the name
/// does not.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else ends a key")]
fn ends_a_key(item: &Item, change: &Change, table: &Name, columns: &[&Identifier]) -> bool {
    let has = |found: &[Identifier]| found.iter().any(|column| columns.contains(&column));
    match change {
        Change::DropConstraint { table: on, constraint, .. } if on == table => {
            let found = item.before.tables.get(table).and_then(|found| found.constraint(constraint));
            found.is_some_and(|found| matches!(found.kind, ConstraintKind::Unique(_)) && has(&found.columns()))
        }
        Change::DropIndex { index, .. } => item.before.indexes.get(index).is_some_and(|found| {
            &found.table == table && found.uniqueness == Uniqueness::Unique && columns.iter().any(|column| found.mentions(column))
        }),
        _ => false,
    }
}

/// Whether the change gives something to a column (the first of `columns`) that will be gone, so that it would go with it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest builds nothing on a column")]
fn builds_on(change: &Change, table: &Name, columns: &[&Identifier], when: When, swaps: bool) -> bool {
    let Some(gone) = columns.first() else { return false };
    // What comes after a change of type, and only in contract, meets the column that has the name by then.
    let in_text = |sql: &Sql| has_word(&write::text(sql), gone.as_str());
    match change {
        Change::CreateTrigger { trigger, .. } => {
            &trigger.table == table && (trigger.update_of.contains(gone) || trigger.when.as_ref().is_some_and(in_text))
        }
        Change::CreateObject { definition, .. } => {
            let is_on_it = definition.object.name == *table || definition.depends_on.iter().any(|object| object.name == *table);
            let says = |part: &Part| matches!(part, Part::Relation(name) if name == table);
            (is_on_it || definition.create.parts.iter().any(says)) && in_text(&definition.create)
        }
        Change::Grant(grant) => grant.object.name == *table && grant.columns.contains(gone),
        Change::CreateSequence { sequence, .. } => sequence.owned_by.as_ref().is_some_and(|(on, column)| on == table && column == *gone),
        Change::CreateRoutine { routine, .. } => routine.reads.iter().any(|(on, column)| on == table && column == *gone),
        Change::AddColumn(add) => &add.table == table && add.column.generated.as_ref().is_some_and(|made| made.expression.mentions(gone)),
        // It is built once the column has its type.
        Change::CreateIndex { .. } if when == When::After && swaps => false,
        Change::CreateIndex { index, .. } => &index.table == table && index.mentions(gone),
        Change::AddConstraint { table: on, constraint } => on == table && when == When::Before && constraint.columns().contains(gone),
        Change::SetNotNull { table: on, column } => on == table && columns.contains(&column) && when == When::Before,
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
        | Change::DropDefault { table: on, column, .. }
        | Change::DropNotNull { table: on, column }
        | Change::AddIdentity { table: on, column, .. }
        | Change::SetIdentity { table: on, column, .. }
        | Change::DropIdentity { table: on, column, .. } => column_of(on, column),
        Change::RenameTable { table: on, to } => on == table || &on.sibling(to.clone()) == table,
        Change::SetTableSchema { table: on, .. } | Change::DropTable { table: on, .. } => on == table,
        Change::DropConstraint { table: on, constraint, .. }
        | Change::ValidateConstraint { table: on, constraint }
        | Change::AlterConstraint { table: on, constraint, .. } => on == table && rebuilt.contains(&constraint),
        Change::ClusterOn { table: on, index: Some(index) } => on == table && rebuilt.contains(&index),
        Change::DropIndex { index, .. }
        | Change::SetIndexOptions { index, .. }
        | Change::ResetIndexOptions { index, .. }
        | Change::SetIndexStatistics { index, .. } => index.schema == table.schema && rebuilt.contains(&&index.name),
        _ => false,
    }
}
