//! A UNIQUE or PRIMARY KEY over other columns: the new index is built beside, then the constraint moves to it in one transaction.

use super::super::add_unique::{As, index};
use super::super::{Context, Recipe, add_index, repair, set_not_null};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::refusal::Refusal;
use crate::schema::{Constraint, Identifier, Key, Name, NullsDistinct, TableKind, Timing};
use crate::sql::write;

/// Both shapes of the constraint.
pub(super) struct Two<'a> {
    pub(super) old: &'a Constraint,
    pub(super) new: &'a Constraint,
    pub(super) before: &'a Key,
    pub(super) key: &'a Key,
    pub(super) becomes: As,
}

/// Foreign keys that need the old key stand in the way of its end.
fn refuse_resting(ctx: &Context<'_>, table: &Name, name: &Identifier, two: &Two<'_>) -> Result<(), Refusal> {
    let mut resting = super::foreign_keys_on(ctx.before, table, &two.before.columns, |_, _| true);
    // One that the release drops and adds again is on the old key until that is done, which is after this.
    let comes_back = |child: &Name, constraint: &Constraint| {
        constraint.name.as_ref().is_some_and(|name| ctx.new.tables.get(child).is_some_and(|new| new.constraint(name).is_some()))
    };
    resting.extend(super::foreign_keys_on(ctx.old, ctx.name_before_release(table), &two.before.columns, comes_back));
    resting.dedup();
    if !resting.is_empty() {
        return Err(ctx.refuse(
            format!("foreign keys rest on {name} of {table}: {}", resting.join(", ")),
            "drop those foreign keys in this release and change the key in the next one, then add them again",
        ));
    }
    Ok(())
}

pub(super) fn plan(ctx: &Context<'_>, table: &Name, name: &Identifier, two: &Two<'_>) -> Result<Recipe, Refusal> {
    let known = ctx.table(table)?;
    if matches!(known.kind, TableKind::Partitioned { .. }) || two.key.without_overlaps {
        return Err(ctx.refuse(
            format!("the index of {name} can't be built CONCURRENTLY, since {table} is partitioned or the key is WITHOUT OVERLAPS"),
            "accept the lock with `-- concertina: strategy direct` above both statements",
        ));
    }
    refuse_resting(ctx, table, name, two)?;
    let subject = format!("{table}.{name}");
    let new_name = generated_name("new", table, name);
    let beside = index(table, &new_name, two.key);
    let build = add_index::build(&beside);
    let mut recipe = Recipe::default();
    if implied(two) {
        recipe.migrate.push(
            build
                .because("the old key is stricter, so nothing is refused; ON CONFLICT of new clients needs the new one")
                .hazard(HazardKind::RefusesWrites, format!("until contract the old {name} holds for new clients too")),
        );
    } else {
        recipe.contract.extend(repair::of_key(ctx, table, &two.key.columns));
        let build = build
            .because("old clients may still write duplicates until then; new clients never do")
            .hazard(HazardKind::RefusesWrites, format!("a duplicate in {table} is refused as soon as the build begins"));
        recipe.contract.push(match add_index::duplicates(&beside) {
            Some(sql) => build.after_zero(format!("keys of {table} that occur more than once"), sql),
            None => build,
        });
    }
    if two.becomes == As::PrimaryKey {
        for column in two.key.columns.iter().filter(|column| known.column(column).is_some_and(|found| !found.not_null)) {
            recipe.contract.extend(set_not_null::steps(ctx, table, column));
        }
    }
    let relation = write::name(table);
    let quoted = write::identifier(name);
    let kind = if two.becomes == As::PrimaryKey { "PRIMARY KEY" } else { "UNIQUE" };
    let timing = match two.new.timing {
        Timing::Immediate => "",
        Timing::Deferrable => " DEFERRABLE",
        Timing::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    let mut swap = vec![
        // It may be gone with a column of it.
        format!("ALTER TABLE {relation} DROP CONSTRAINT IF EXISTS {quoted}"),
        format!("ALTER TABLE {relation} ADD CONSTRAINT {quoted} {kind} USING INDEX {}{timing}", write::identifier(&new_name)),
    ];
    let end = ctx.new.tables.get(table).map_or(known, |table| table);
    let nullable = two.before.columns.iter().filter(|column| end.column(column).is_some_and(|found| !found.not_null));
    let let_go = |column: &Identifier| format!("ALTER TABLE {relation} ALTER COLUMN {} DROP NOT NULL", write::identifier(column));
    if two.becomes == As::PrimaryKey {
        swap.extend(nullable.filter(|column| !two.key.columns.contains(column)).map(let_go));
    }
    recipe.contract.push(
        Draft::own(&subject, "swap", format!("move {name} of {table} to the new index"), swap)
            .because("ON CONFLICT clauses of old clients need the old key until then; the index is built, so the lock is brief")
            .hazard(HazardKind::RefusesWrites, format!("until then the old {name} refuses duplicates that new clients may write"))
            .locks(table, LockMode::AccessExclusive, Held::Brief)
            .final_losing(format!("the guarantee of the old {name}: duplicates may come")),
    );
    Ok(recipe)
}

/// Whether a table that obeys the old key obeys the new one by itself.
fn implied(two: &Two<'_>) -> bool {
    two.old.timing == Timing::Immediate
        && (two.key.nulls == NullsDistinct::Distinct || two.before.nulls == NullsDistinct::NotDistinct || two.becomes == As::PrimaryKey)
        && two.before.columns.iter().all(|column| two.key.columns.contains(column))
}
