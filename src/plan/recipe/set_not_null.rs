//! SET NOT NULL on a column that old clients may leave NULL: in contract, by a constraint that is validated online.

use super::{Context, Recipe, refill};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::schema::{Catalog, Change, Identifier, Name};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, column: &Identifier) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let found = ctx.column(table, column)?;
    if found.not_null {
        return Ok(Recipe::default());
    }
    let mut recipe = Recipe::default();
    recipe.contract.extend(refill::steps(ctx, table, column)?);
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
