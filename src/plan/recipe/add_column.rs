//! ADD COLUMN: nullable, with a default that costs nothing, or with one that would rewrite the table.

use super::company::has_word;
use super::{Context, Recipe};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::compiled;
use crate::plan::draft::{Draft, path};
use crate::plan::format::HazardKind;
use crate::plan::keyset::{self, Action};
use crate::plan::mute::muted;
use crate::plan::probe;
use crate::plan::recipe::{add_check, add_foreign_key, add_unique, set_not_null};
use crate::plan::refusal::{Refusal, as_directive};
use crate::schema::change::{AddColumn, IfExists};
use crate::schema::object::Volatility;
use crate::schema::{Column, Constraint, ConstraintKind, Sql, TableKind};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, add: &AddColumn) -> Result<Recipe, Refusal> {
    let column = &add.column;
    if add.if_not_exists == IfExists::Skip && ctx.table(&add.table)?.column(&column.name).is_some() {
        return Ok(Recipe::default());
    }
    refuse_what_rewrites(ctx, add)?;
    let numbered = add.serial || column.identity.is_some();
    if column.not_null && column.default.is_none() && !numbered {
        return Err(without_value(ctx, add));
    }
    let mut recipe = if numbered {
        super::add_sequence_column::plan(ctx, add)?
    } else if is_filled(ctx, add) {
        filled_in_chunks(ctx, add)?
    } else {
        at_once(ctx, add)
    };
    for constraint in &add.constraints {
        let constraint = named(ctx, add, constraint);
        recipe.append(of_constraint(ctx, add, &constraint)?);
    }
    Ok(recipe)
}

/// Whether rows that are there get a value each.
pub(crate) fn is_filled(ctx: &Context<'_>, add: &AddColumn) -> bool {
    let volatile = |default: &Sql| postgres::volatility(default, ctx.before) == Volatility::Volatile;
    add.serial || add.column.identity.is_some() || add.column.default.as_ref().is_some_and(volatile)
}

fn at_once(ctx: &Context<'_>, add: &AddColumn) -> Recipe {
    let why = if add.column.default.is_some() {
        "old clients don't name the column, so their rows take the default; existing rows read it without being rewritten"
    } else {
        "old clients don't name the column, so their rows keep NULL there"
    };
    Recipe::expand(adding(ctx, add, &add.column, Vec::new()).because(why))
}

/// The step that adds `column`, with more statements in the same transaction.
pub(crate) fn adding(ctx: &Context<'_>, add: &AddColumn, column: &Column, more: Vec<String>) -> Draft {
    let table = write::name(&add.table);
    let name = write::identifier(&column.name);
    let mut sql = vec![format!("ALTER TABLE {table} ADD COLUMN {}", write::column(column))];
    sql.extend(more);
    sql.extend(compiled::again_for_new_column(ctx, &add.table));
    let draft = Draft::own(subject(add), "add-column", format!("add column {} to {}", column.name, add.table), sql)
        .locks(&add.table, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::column_exists(&add.table, &column.name))
        .undone_by(vec![format!("ALTER TABLE {table} DROP COLUMN {name}")]);
    if ctx.is_new_table(&add.table) { draft } else { draft.hazard(HazardKind::CachedPlans, cached_plans(&add.table)) }
}

pub(crate) fn cached_plans(table: &crate::schema::Name) -> String {
    format!("a prepared `SELECT *` or `RETURNING *` on {table} fails once in each session (\"cached plan must not change result type\")")
}

pub(crate) fn subject(add: &AddColumn) -> String {
    format!("{}.{}", add.table, add.column.name)
}

/// A volatile default would rewrite the table. So the column comes without it, new rows get it, old ones in chunks.
fn filled_in_chunks(ctx: &Context<'_>, add: &AddColumn) -> Result<Recipe, Refusal> {
    let Some(default) = add.column.default.as_ref().map(write::text) else { return Ok(Recipe::default()) };
    numbered_in_chunks(ctx, add, &add.column, &default, Vec::new())
}

/// A `default` that gives each row another value, for which `made` must be there.
pub(crate) fn numbered_in_chunks(
    ctx: &Context<'_>,
    add: &AddColumn,
    column: &Column,
    default: &str,
    mut made: Vec<String>,
) -> Result<Recipe, Refusal> {
    let table = ctx.table(&add.table)?;
    let mut bare = column.clone();
    bare.default = None;
    bare.not_null = false;
    let relation = write::name(&add.table);
    let name = write::identifier(&add.column.name);
    let set_default = format!("ALTER TABLE {relation} ALTER COLUMN {name} SET DEFAULT {default}");
    made.push(set_default);
    let mut recipe = Recipe::expand(
        adding(ctx, add, &bare, made)
            .because("the default gives each row another value, so adding it with the column would rewrite the table; set afterwards it is for new rows only"),
    );
    let pending = format!("{name} IS NULL");
    super::super::conflict::refuse_fixed_rows(ctx, table)?;
    let key = walking_key(ctx, table)?;
    let remaining = format!("SELECT count(*) FROM {relation} WHERE {pending}");
    let backfill = keyset::backfill(table, &key, &Action::Set(format!("{name} = {default}")), Some(&pending), remaining);
    let fill = Draft::chunked(subject(add), "fill", format!("give the rows that were there a {}", add.column.name), backfill)
        .because("new clients expect every row to have a value")
        .locks(&add.table, LockMode::RowExclusive, Held::Brief);
    recipe.migrate.extend(muted(ctx, &add.table, &add.column.name, None, fill));
    if column.not_null {
        recipe.migrate.extend(set_not_null::steps(ctx, &add.table, &add.column.name));
    }
    Ok(recipe)
}

/// The key by which to walk the table, or a refusal if there is none and `ctid` won't do.
pub(crate) fn walking_key(ctx: &Context<'_>, table: &crate::schema::Table) -> Result<Vec<crate::schema::Identifier>, Refusal> {
    match keyset::walking_key(ctx.before, table) {
        // The view that shows a key under both names is made when the rows are changed.
        Some(key) => match key.iter().find(|column| ctx.is_renamed_to(&table.name, column)) {
            Some(renamed) => Err(ctx.refuse(
                format!("the rows of {} are walked by {renamed}, which the same release renames", table.name),
                "put one of the two into the next release",
            )),
            None => Ok(key),
        },
        None if keyset::walkable_by_ctid(table) => Ok(Vec::new()),
        None => Err(ctx.refuse(
            format!("{} has no primary key or unique key without NULLs by which its rows could be changed in chunks", table.name),
            "give it a primary key first, or accept one long statement with `-- concertina: strategy direct`",
        )),
    }
}

/// A default that asks for the number last taken: a session that has taken none can't insert a row.
pub(crate) fn refuse_last_number(ctx: &Context<'_>, default: Option<&Sql>) -> Result<(), Refusal> {
    let asks = |default: &Sql| ["currval", "lastval"].into_iter().find(|function| has_word(&write::text(default), function));
    match default.and_then(asks) {
        None => Ok(()),
        Some(function) => Err(ctx.refuse(
            format!(
                "the default calls {function}, which fails in every session that has taken no number yet: also for rows of old clients"
            ),
            "set the value where the row is written, or in a trigger",
        )),
    }
}

fn refuse_what_rewrites(ctx: &Context<'_>, add: &AddColumn) -> Result<(), Refusal> {
    let column = &add.column;
    refuse_last_number(ctx, column.default.as_ref())?;
    let table = ctx.table(&add.table)?;
    let direct = "accept the rewrite for a small table with `-- concertina: strategy direct`";
    if let Some(generated) = column.generated.as_ref().filter(|generated| generated.kind == crate::schema::GeneratedKind::Stored) {
        return Err(ctx.refuse(
            format!(
                "adding a stored generated column to {} rewrites the table under a lock, and a plain column can't become one",
                add.table
            ),
            format!(
                "add a plain column, which a trigger fills for old clients, and let new clients write it:\n\
                 -- concertina: up {up} = {value}\nALTER TABLE {relation} ADD COLUMN {quoted} {data_type};\nor {direct}",
                up = as_directive(&add.table, &column.name),
                value = write::text(&generated.expression),
                relation = write::name(&add.table),
                quoted = write::identifier(&column.name),
                data_type = write::data_type(&column.data_type),
            ),
        ));
    }
    if postgres::is_constrained_domain(&column.data_type, ctx.before) {
        return Err(ctx.refuse(
            format!("adding a column of a domain with constraints to {} rewrites the table under a lock, whatever its default", add.table),
            format!("add a column of the domain's base type with a CHECK, or {direct}"),
        ));
    }
    if matches!(table.kind, TableKind::Foreign { .. }) {
        return Err(ctx.refuse(
            format!("{} is a foreign table: its columns live on another server", add.table),
            "say `-- concertina: strategy direct` once the other server is ready",
        ));
    }
    Ok(())
}

fn without_value(ctx: &Context<'_>, add: &AddColumn) -> Refusal {
    ctx.refuse(
        format!("{} is added NOT NULL without a default: rows that are there, and rows that old clients insert, would have no value", subject(add)),
        format!(
            "say how to fill it, from the other columns of the row, in a comment above the statement:\n-- concertina: up {} = <expression>\nor give the column a DEFAULT",
            as_directive(&add.table, &add.column.name)
        ),
    )
}

/// The constraint under the name that it has in the schema after the change.
fn named(ctx: &Context<'_>, add: &AddColumn, constraint: &Constraint) -> Constraint {
    if constraint.name.is_some() {
        return constraint.clone();
    }
    let before = ctx.before.tables.get(&add.table);
    let known = |candidate: &Constraint| before.is_some_and(|table| table.constraints.iter().any(|other| other.name == candidate.name));
    let made = ctx.after.tables.get(&add.table).and_then(|table| {
        table.constraints.iter().find(|candidate| {
            !known(candidate)
                && std::mem::discriminant(&candidate.kind) == std::mem::discriminant(&constraint.kind)
                && candidate.columns() == constraint.columns()
        })
    });
    made.cloned().unwrap_or_else(|| constraint.clone())
}

fn of_constraint(ctx: &Context<'_>, add: &AddColumn, constraint: &Constraint) -> Result<Recipe, Refusal> {
    match &constraint.kind {
        ConstraintKind::Check { expression } => add_check::plan(ctx, &add.table, constraint, expression),
        ConstraintKind::ForeignKey(key) => add_foreign_key::plan(ctx, &add.table, constraint, key),
        ConstraintKind::Unique(key) => add_unique::plan(ctx, &add.table, constraint, key, add_unique::As::Unique),
        ConstraintKind::PrimaryKey(key) => add_unique::plan(ctx, &add.table, constraint, key, add_unique::As::PrimaryKey),
        ConstraintKind::NotNull { .. } => Ok(Recipe::default()),
        ConstraintKind::Exclude(_) => Err(ctx.refuse(
            format!("an EXCLUDE constraint on {} is built while the table is locked", path(&add.table)),
            "add it in a statement of its own with `-- concertina: strategy direct`",
        )),
    }
}
