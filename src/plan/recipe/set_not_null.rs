//! SET NOT NULL on a column that old clients may leave NULL: in contract, by a constraint that is validated online.

use super::company::has_word;
use super::{Act, Context, Recipe};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::{Backfill, HazardKind, SyncTriggers};
use crate::plan::generated::generated_name;
use crate::plan::keyset::{self, Action};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Catalog, Change, Identifier, Name, Part, Sql, Table};
use crate::sql::postgres::narrow;
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, column: &Identifier) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let found = ctx.column(table, column)?;
    if found.not_null {
        return Ok(Recipe::default());
    }
    let mut recipe = Recipe::default();
    let refill = match refill(ctx, table, column)? {
        None => refill_as_written(ctx, table, column),
        refill => refill,
    };
    recipe.contract.extend(refill);
    recipe.contract.extend(gated_steps(ctx, table_name, column));
    Ok(recipe)
}

/// The same for contract, behind a gate that counts the NULLs that old clients have left.
pub(crate) fn gated_steps(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Vec<Draft> {
    let mut steps = steps(ctx, table, column);
    if let Some(first) = steps.first_mut() {
        "old clients may still write NULL until then; new clients never do".clone_into(&mut first.why);
        let count = format!("SELECT count(*) FROM {} WHERE {} IS NULL", write::name(table), write::identifier(column));
        first.gates.push(crate::plan::format::Gate::Zero { counts: format!("rows of {table} in which {column} is NULL"), sql: count });
    }
    steps
}

/// From a column without NULLs to one that refuses them, with no lock held while the table is read.
pub(crate) fn steps(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Vec<Draft> {
    let relation = write::name(table);
    let quoted = write::identifier(column);
    let subject = format!("{table}.{column}");
    let set = format!("ALTER TABLE {relation} ALTER COLUMN {quoted} SET NOT NULL");
    let unset = format!("ALTER TABLE {relation} ALTER COLUMN {quoted} DROP NOT NULL");
    let finish = |sql: Vec<String>, undo: Vec<String>| {
        Draft::own(&subject, "set-not-null", format!("refuse NULL in {subject}"), sql)
            .because("the constraint has been validated, so nothing is read under the lock")
            .locks(table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::column_not_null(table, column, "true"))
            .undone_by(undo)
            .hazard(HazardKind::RefusesWrites, format!("a NULL in {subject} is refused from here on"))
    };
    // A rule that the release brings comes in contract, and one that it ends goes in expand: neither is there to prove anything.
    let proven = |catalog: &Catalog, table: &Name| catalog.tables.get(table).is_some_and(|found| postgres::not_null_proven(found, column));
    if proven(ctx.old, ctx.name_before_release(table)) && proven(ctx.before, table) && proven(ctx.new, table) {
        return vec![finish(vec![set], vec![unset])];
    }
    let check = generated_name("not_null", table, column);
    let constraint = write::identifier(&check);
    let add = Draft::own(
        &subject,
        "check-not-null",
        format!("refuse NULL in {subject} in rows written from now on"),
        vec![format!("ALTER TABLE {relation} ADD CONSTRAINT {constraint} CHECK ({quoted} IS NOT NULL) NOT VALID")],
    )
    .because("the constraint isn't checked for the rows that are there, so the lock is brief")
    .locks(table, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::constraint_exists(table, &check))
    .undone_by(vec![format!("ALTER TABLE {relation} DROP CONSTRAINT {constraint}")]);
    let validate = validate(table, &check, &subject);
    let drop = format!("ALTER TABLE {relation} DROP CONSTRAINT {constraint}");
    let undo = vec![unset, format!("ALTER TABLE {relation} ADD CONSTRAINT {constraint} CHECK ({quoted} IS NOT NULL) NOT VALID")];
    vec![add, validate, finish(vec![set, drop], undo)]
}

/// VALIDATE CONSTRAINT: reads the table while readers and writers go on.
pub(crate) fn validate(table: &Name, constraint: &Identifier, subject: &str) -> Draft {
    Draft::own(
        subject,
        "validate",
        format!("check that all rows of {table} obey {constraint}"),
        vec![format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", write::name(table), write::identifier(constraint))],
    )
    .because("readers and writers go on while the table is read")
    .locks(table, LockMode::ShareUpdateExclusive, Held::Scan)
    .probed(probe::constraint_valid(table, constraint))
}

/// The UPDATE of the release that fills the column, once more: for rows that old clients have written since.
fn refill(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<Option<Draft>, Refusal> {
    let update = ctx.release.iter().find_map(|item| match &item.planned {
        Planned::Change(Change::Data(data)) if fills(data, &table.name, column) => Some(data),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    let Some((_, value)) = update.and_then(|data| data.assignments.iter().find(|(name, _)| name == column)) else {
        return Ok(None);
    };
    if !stays(ctx, value) {
        // The gate of what follows tells of such rows.
        return Ok(None);
    }
    let value = write::text(value);
    let quoted = write::identifier(column);
    let pending = format!("{quoted} IS NULL");
    let key = super::add_column::walking_key(ctx, table)?;
    refuse_renamed(ctx, &table.name, &key)?;
    let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", write::name(&table.name));
    let backfill = Backfill {
        sync: SyncTriggers::Fire,
        ..keyset::backfill(table, &key, &Action::Set(format!("{quoted} = {value}")), Some(&pending), remaining)
    };
    Ok(Some(
        Draft::chunked(format!("{}.{column}", table.name), "refill", format!("fill {column} in rows that old clients left NULL"), backfill)
            .because("old clients went on writing NULL after the rows were filled")
            .locks(&table.name, LockMode::RowExclusive, Held::Brief),
    ))
}

/// An UPDATE that fills the column from other rows, as it was written, for the rows that old clients have left NULL since.
fn refill_as_written(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Option<Draft> {
    let item = ctx.earlier().filter(|item| item.directives.is_empty()).find(|item| match &item.planned {
        Planned::Change(Change::Data(data)) => !fills(data, &table.name, column) && fills_from_others(ctx, data, &table.name, column),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })?;
    let sql = narrow::where_null(&item.statement, column)?;
    let draft = Draft::own(
        format!("{}.{column}", table.name),
        "refill",
        format!("fill {column} in rows that old clients left NULL"),
        super::statement::in_its_path(item, sql),
    );
    let draft = draft
        .because("old clients went on writing NULL after the rows were filled")
        .locks(&table.name, LockMode::RowExclusive, Held::Scan)
        .hazard(HazardKind::LongTransaction, "the rows that are filled stay locked until all are");
    Some(if ctx.is_new_column(&table.name, column) {
        draft.hazard(
            HazardKind::NewClientsReadOldValues,
            format!("until then new clients find NULL in {}.{column} of rows that old clients have written", table.name),
        )
    } else {
        draft
    })
}

/// Whether it sets the column, and all that it names is there in contract as well.
fn fills_from_others(ctx: &Context<'_>, data: &DataChange, table: &Name, column: &Identifier) -> bool {
    let changes_shape = |item: &&Item| match &item.planned {
        Planned::Change(
            Change::DropColumn { table, .. }
            | Change::RenameColumn { table, .. }
            | Change::RenameTable { table, .. }
            | Change::SetTableSchema { table, .. },
        ) => data.writes.contains(table) || data.reads.contains(table),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    // What is read without being named as a relation: nextval('…').
    let dropped = |item: &Item| item.named().is_some_and(|(act, named)| act == Act::Drops && has_word(&data.statement, &named.word()));
    data.verb == Verb::Update
        && data.calls.is_empty()
        && !ctx.release.iter().any(dropped)
        && data.writes.as_slice() == std::slice::from_ref(table)
        && data.columns.contains(column)
        && data.reads.iter().all(|read| ctx.new.relation_kind(read).is_some())
        && !ctx.release.iter().any(|item| changes_shape(&item))
}

/// Whether all that the value is made of outlives the release.
fn stays(ctx: &Context<'_>, value: &Sql) -> bool {
    let ends = |has: &dyn Fn(&Catalog) -> bool| !has(ctx.new) && ctx.release.iter().any(|item| has(&item.before));
    !value.parts.iter().any(|part| match part {
        Part::Relation(name) | Part::RelationLiteral(name) => ends(&|catalog| catalog.relation_kind(name).is_some()),
        Part::Function(name) => ends(&|catalog| catalog.routines.keys().any(|(known, _)| known == name)),
        Part::Text(_) | Part::Column { .. } | Part::Type(_) => false,
    })
}

/// In contract a key that the release renames has its new name only.
pub(crate) fn refuse_renamed(ctx: &Context<'_>, table: &Name, key: &[Identifier]) -> Result<(), Refusal> {
    let renamed = ctx.release.iter().any(|item| {
        matches!(&item.planned, Planned::Change(Change::RenameColumn { table: on, column, .. }) if on == table && key.contains(column))
    });
    if renamed {
        return Err(ctx.refuse(
            format!("the rows of {table} are changed once more in contract, and the same release renames the key by which they are walked"),
            "put one of the two into the next release",
        ));
    }
    Ok(())
}

fn fills(data: &DataChange, table: &Name, column: &Identifier) -> bool {
    data.verb == Verb::Update
        && data.plain
        && data.writes.first() == Some(table)
        && data.assignments.iter().any(|(name, value)| name == column && crate::plan::release::is_over_own_row(value))
}
