//! What a statement on a table changes of those below it (partitions, tables that inherit from it), where they have an own say.

use super::Context;
use crate::plan::refusal::Refusal;
use crate::schema::{Column, ConstraintKind, Identifier, Name, Sql, Table};
use crate::sql::write;

/// Statements that give the tables below the defaults that they had, if those differ from that of the table.
pub(super) fn defaults_before(ctx: &Context<'_>, table: &Name, column: &Identifier, of_table: Option<&Sql>) -> Vec<String> {
    let differs = |found: &&Column| found.default.as_ref() != of_table;
    let below = ctx.below(table).filter_map(|below| Some((below, below.column(column).filter(differs)?)));
    below.map(|(below, found)| write::alter_default(&below.name, true, column, found.default.as_ref())).collect()
}

/// Statements that make the column required again where it was: in the table and so in all below it, or only in some of those.
pub(super) fn not_null_before(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Vec<String> {
    let set = |table: &Name| format!("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", write::name(table), write::identifier(column));
    let is_required = |table: &Table| table.column(column).is_some_and(|found| found.not_null);
    if ctx.before.tables.get(table).is_none_or(|found| is_required(found)) {
        return vec![set(table)];
    }
    ctx.below(table).filter(|below| is_required(below)).map(|below| set(&below.name)).collect()
}

/// Refuses to drop a column over which a table below has a rule of its own, to which new clients would be held until contract.
pub(super) fn refuse_own_rules(ctx: &Context<'_>, table: &Table, column: &Column) -> Result<(), Refusal> {
    for below in ctx.below(&table.name) {
        let Some(own) = below.column(&column.name) else { continue };
        let name = write::name(&below.name);
        let over = below.constraints.iter().filter(|constraint| constraint.local && constraint.columns().contains(&column.name));
        let mut rules = over.filter(|constraint| !matches!(constraint.kind, ConstraintKind::NotNull { .. }));
        if own.not_null && own.default.is_none() && !column.not_null {
            return Err(ctx.refuse(
                format!("new clients leave {}.{} out, and {} requires it until the column is gone", table.name, column.name, below.name),
                format!("let go of it before: ALTER TABLE {name} ALTER COLUMN {} DROP NOT NULL", write::identifier(&column.name)),
            ));
        }
        if let Some(rule) = rules.find_map(|rule| rule.name.as_ref()) {
            return Err(ctx.refuse(
                format!(
                    "{} has {rule} of its own over {}, to which new clients are held until the column is gone",
                    below.name, column.name
                ),
                format!("drop it before: ALTER TABLE {name} DROP CONSTRAINT {}", write::identifier(rule)),
            ));
        }
    }
    Ok(())
}
