//! ADD COLUMN whose value follows from the row (an UPDATE of the release, or an `up` directive, says how): filled for old
//! clients by a trigger, for old rows in chunks, and then NOT NULL if that is wanted.

use super::add_column::{adding, subject, walking_key};
use super::{Context, Recipe, set_not_null};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::identity::differs;
use crate::plan::keyset::{self, Action};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::is_over_own_row;
use crate::plan::trigger::{Sync, over};
use crate::schema::change::AddColumn;
use crate::schema::object::Volatility;
use crate::schema::{Sql, Table};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, add: &AddColumn, up: &Sql, not_null: bool) -> Result<Recipe, Refusal> {
    let table = ctx.table(&add.table)?;
    check(ctx, add, up, table)?;
    let mut bare = add.column.clone();
    bare.not_null = false;
    let sync = sync(ctx, add, up, table);
    super::rename_column::refuse_later_triggers(ctx, &add.table, &sync)?;
    let relation = write::name(&add.table);
    let name = write::identifier(&add.column.name);
    let mut undo = sync.drop();
    undo.push(format!("ALTER TABLE {relation} DROP COLUMN {name}"));
    let expand = adding(ctx, add, &bare, sync.create())
        .because("a trigger fills the column in rows that old clients write, so new clients find it filled")
        .undone_by(undo);
    let mut recipe = Recipe::expand(expand);
    recipe.migrate.push(fill(ctx, add, up, table)?);
    if not_null {
        recipe.migrate.extend(set_not_null::steps(ctx, &add.table, &add.column.name));
    }
    recipe.contract.push(
        Draft::own(subject(add), "drop-trigger", format!("stop filling {} for old clients", subject(add)), sync.drop())
            .because("no client that doesn't know the column is left")
            .locks(&add.table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::trigger_gone(&add.table, sync.first_trigger()))
            .undone_by(sync.create()),
    );
    Ok(recipe)
}

fn check(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Result<(), Refusal> {
    if let Some(unknown) = up.own_columns().find(|name| table.column(name).is_none()) {
        return Err(ctx.refuse(
            format!("the value of {} names the column {unknown}, which {} does not have", subject(add), add.table),
            "name only columns of that table in `up`, without a table before them",
        ));
    }
    if let Some(renamed) = up.own_columns().find(|name| ctx.is_renamed_to(&add.table, name)) {
        return Err(ctx.refuse(
            format!("the value of {} reads {renamed}, which this release renames", subject(add)),
            "put the new column into the next release",
        ));
    }
    if !is_over_own_row(up) {
        return Err(ctx.refuse(
            format!("the value of {} reads more than its own row", subject(add)),
            "write `up` over the columns of the same row, without table names or subqueries",
        ));
    }
    Ok(())
}

/// The triggers that fill the column where the writer gave no value.
pub(crate) fn sync(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Sync {
    let name = write::identifier(&add.column.name);
    let mut changed: Vec<String> = up
        .own_columns()
        .filter_map(|source| table.column(source))
        .map(|column| {
            let quoted = write::identifier(&column.name);
            differs(ctx.before, column, &format!("OLD.{quoted}"), &format!("NEW.{quoted}"))
        })
        .collect();
    changed.sort();
    changed.dedup();
    // A value that a client gave itself stays; one that still is what the row once gave follows the row.
    let unchanged = format!("NOT ({})", differs(ctx.before, &add.column, &format!("OLD.{name}"), &format!("NEW.{name}")));
    let derived = format!("NOT ({})", differs(ctx.before, &add.column, &format!("OLD.{name}"), &format!("({})", over("OLD", up))));
    // Without a source the value doesn't follow from the row (a constant, a random value): what was filled once stays.
    let follows = if changed.is_empty() { "false".to_owned() } else { format!("{unchanged} AND {derived}") };
    Sync::filled(&add.table, &add.column.name, &over("NEW", up), &changed.join(" OR "), &follows)
}

fn fill(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Result<Draft, Refusal> {
    let relation = write::name(&add.table);
    let name = write::identifier(&add.column.name);
    let value = write::text(up);
    let volatile = postgres::volatility(up, ctx.before) == Volatility::Volatile;
    let pending = if volatile { format!("{name} IS NULL") } else { format!("{name} IS NULL AND ({value}) IS NOT NULL") };
    let remaining = format!("SELECT count(*) FROM {relation} WHERE {pending}");
    let key = walking_key(ctx, table)?;
    let backfill = keyset::backfill(table, &key, &Action::Set(format!("{name} = {value}")), Some(&pending), remaining);
    let draft = Draft::chunked(subject(add), "fill", format!("fill {} in the rows that were there", subject(add)), backfill)
        .because("new clients expect every row to have its value; rows that old clients write meanwhile are filled by the trigger")
        .locks(&add.table, LockMode::RowExclusive, Held::Brief);
    Ok(if volatile {
        draft.hazard(HazardKind::NotRepeatable, "each run gives other values; rows that have one are left alone")
    } else {
        draft
    })
}
