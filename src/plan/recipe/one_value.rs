//! A default that gives every row the same value, in a column whose values a unique index tells apart.

use super::Context;
use crate::plan::dependents::holds_another_key;
use crate::plan::refusal::Refusal;
use crate::schema::{Catalog, Identifier, Name, Sql, Uniqueness};
use crate::sql::write;

/// The name of the rule that refuses the second row which leaves the column to this default.
pub(super) fn refused_by(catalog: &Catalog, table: &Name, column: &Identifier, default: &Sql) -> Option<String> {
    let default = write::text(default);
    if default.contains('(') || default.eq_ignore_ascii_case("null") {
        return None;
    }
    let mut unique = catalog.indexes_of(table).map(|(_, index)| index).filter(|index| index.uniqueness == Uniqueness::Unique);
    let index = unique.find(|index| index.mentions(column) && !holds_another_key(catalog, index, column))?;
    Some(index.constraint.as_ref().or(index.name.as_ref()).map_or_else(|| "its index".to_owned(), ToString::to_string))
}

/// Refuses a default that is set: old clients that leave the column out share it with the new ones.
pub(super) fn refuse_shared(ctx: &Context<'_>, table: &Name, column: &Identifier, default: &Sql) -> Result<(), Refusal> {
    let found = ctx.before.tables.get(table).and_then(|found| found.column(column));
    // Who left it out met an error so far, and the first one no longer does.
    if found.is_some_and(|found| found.not_null && found.default.is_none() && found.identity.is_none()) {
        return Ok(());
    }
    let before = found.and_then(|found| found.default.as_ref());
    let stays = before.is_some_and(|before| refused_by(ctx.before, table, column, before).is_some());
    match refused_by(ctx.before, table, column, default) {
        Some(name) if !stays && !ctx.is_new_table(table) => Err(ctx.refuse(
            format!(
                "clients of both releases that leave {table}.{column} out get {} there from here on, and {name} refuses the second one",
                write::text(default)
            ),
            format!("give it a default that differs from row to row, or drop {name} in a release before"),
        )),
        Some(_) | None => Ok(()),
    }
}
