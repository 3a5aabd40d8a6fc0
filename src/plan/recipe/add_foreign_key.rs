//! ADD FOREIGN KEY: both tables locked first, added without reading them, then validated while writers go on.

use super::add_check::{constraint_name, stays_unchecked};
use super::set_not_null::validate;
use super::{Context, Recipe, referenced, repair};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Constraint, ForeignKey, Identifier, Name, Sql, Table, TableKind, Validity};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table: &Name, constraint: &Constraint, key: &ForeignKey) -> Result<Recipe, Refusal> {
    let name = constraint_name(ctx, table, constraint)?;
    let known = ctx.table(table)?;
    if matches!(known.kind, TableKind::Partitioned { .. }) && ctx.major() < 18 {
        return Err(ctx.refuse(
            format!("{table} is partitioned: before PostgreSQL 18 a foreign key on it can't be added NOT VALID"),
            "add it to each partition first (NOT VALID, then VALIDATE), or accept the lock with `-- concertina: strategy direct`",
        ));
    }
    if let Some(column) = key.columns.iter().find(|column| ctx.is_new_column(table, column) && is_numbered(known, column)) {
        return Err(ctx.refuse(
            format!(
                "rows get {table}.{column} from a sequence, in no certain order: whether {} has a match is up to chance",
                key.references
            ),
            "give the column its values by an UPDATE, or add the foreign key in a later release",
        ));
    }
    let subject = format!("{table}.{name}");
    // A new column is written by new clients only, and a new table is referenced by new clients only.
    // Rows that the release itself fills reference rows that old clients delete, or change, as if nothing referenced them.
    let waits = referenced::comes_in_contract(ctx, key);
    let only_new = !waits && key.columns.iter().all(|column| ctx.stays_null_for_old(table, column) && !ctx.is_written(table, column));
    let add = add(table, constraint, &name, key);
    let mut steps = if only_new {
        Vec::new()
    } else {
        broken(ctx, table, key).map(|broken| repair::again(ctx, table, &key.columns, &broken)).transpose()?.unwrap_or_default()
    };
    steps.push(if only_new {
        add.because("only new clients write these columns")
    } else {
        let add = add.because(if waits {
            "what it references becomes unique in contract"
        } else {
            "old clients may still write rows without a match until then; new clients never do"
        });
        match orphans(ctx, table, key) {
            _ if stays_unchecked(ctx, table, &name) => add,
            Some(sql) => add.after_zero(format!("rows of {table} without a match in {}", key.references), sql),
            None => add,
        }
    });
    if constraint.validity == Validity::Valid {
        steps.push(validate(table, &name, &subject).locks(&key.references, LockMode::RowShare, Held::Scan));
    }
    Ok(if only_new { Recipe { migrate: steps, ..Recipe::default() } } else { Recipe { contract: steps, ..Recipe::default() } })
}

fn is_numbered(table: &Table, column: &Identifier) -> bool {
    let from_sequence = |default: &Sql| write::text(default).to_lowercase().contains("nextval(");
    table.column(column).is_some_and(|column| column.identity.is_some() || column.default.as_ref().is_some_and(from_sequence))
}

/// Adds it for rows written from now on. Clients touch the referenced table first, so it is locked first.
pub(crate) fn add(table: &Name, constraint: &Constraint, name: &Identifier, key: &ForeignKey) -> Draft {
    let relation = write::name(table);
    let unchecked = Constraint { name: Some(name.clone()), validity: Validity::NotValid, ..constraint.clone() };
    let tables = if &key.references == table { relation.clone() } else { format!("{}, {relation}", write::name(&key.references)) };
    Draft::own(
        format!("{table}.{name}"),
        "add-foreign-key",
        format!("add foreign key {name} from {table} to {} for rows written from now on", key.references),
        vec![
            format!("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"),
            format!("ALTER TABLE {relation} ADD {}", write::constraint(&unchecked)),
        ],
    )
    .locks(table, LockMode::ShareRowExclusive, Held::Brief)
    .locks(&key.references, LockMode::ShareRowExclusive, Held::Brief)
    .probed(probe::constraint_exists(table, name))
    .undone_by(vec![
        format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"),
        format!("ALTER TABLE {relation} DROP CONSTRAINT {}", write::identifier(name)),
    ])
    .hazard(
        HazardKind::RefusesWrites,
        format!("rows of {table} without a match in {}, and deletes there of rows that have one, are refused from here on", key.references),
    )
}

/// Counts the rows without a match.
fn orphans(ctx: &Context<'_>, table: &Name, key: &ForeignKey) -> Option<String> {
    Some(format!("SELECT count(*) FROM {} WHERE {}", write::name(table), broken(ctx, table, key)?))
}

/// What holds for a row without a match.
fn broken(ctx: &Context<'_>, table: &Name, key: &ForeignKey) -> Option<String> {
    let referenced = ctx.before.key_referenced_by(key)?;
    let child = write::identifier(&table.name);
    let own = |column: &Identifier| format!("{child}.{}", write::identifier(column));
    let pairs: Vec<String> = key
        .columns
        .iter()
        .zip(&referenced)
        .map(|(column, other)| format!("parent.{} = {}", write::identifier(other), own(column)))
        .collect();
    let given: Vec<String> = key.columns.iter().map(|column| format!("{} IS NOT NULL", own(column))).collect();
    Some(format!(
        "{} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
        given.join(" AND "),
        write::name(&key.references),
        pairs.join(" AND ")
    ))
}
