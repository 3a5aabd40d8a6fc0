//! DROP TABLE: in contract, when no client that uses it is left; held first, and dropped when nobody has missed it.

use super::{Context, Recipe};
use crate::engine::{Held, LockMode};
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::hold::HeldTable;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::schema::change::{DropBehavior, Verb};
use crate::schema::{Change, ConstraintKind, Name, Table, TableKind};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, name: &Name) -> Result<Recipe, Refusal> {
    let Some(table) = ctx.before.tables.get(name) else {
        // IF EXISTS, and it isn't there.
        return Ok(Recipe::default());
    };
    if ctx.new.tables.contains_key(name) {
        return Err(ctx.refuse(
            format!(
                "{name} is dropped and created again in one release: its rows would be lost, and both shapes can't be served under one name"
            ),
            "change the table with ALTER TABLE, or accept the loss with `-- concertina: strategy direct`",
        ));
    }
    refuse_copied(ctx, name)?;
    let cascade = match &ctx.item.planned {
        Planned::Change(Change::DropTable { behavior: DropBehavior::Cascade, .. }) => " CASCADE",
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => "",
    };
    let later = dependents::of_tables_dropped_later(ctx, name);
    let drop_key = |(child, key): &dependents::ForeignKeyOf| {
        format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}", write::name(child), write::identifier(key))
    };
    let mut sql: Vec<String> = later.iter().map(drop_key).collect();
    let kind = if matches!(table.kind, TableKind::Foreign { .. }) { "FOREIGN TABLE" } else { "TABLE" };
    sql.push(format!("DROP {kind} {}{cascade}", write::name(name)));
    let mut draft = Draft::own(name.to_string(), "drop-table", format!("drop table {name}"), sql)
        .because("no client that uses the table is left")
        .locks(name, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::relation_gone(name))
        .final_losing(format!("all rows of {name}"))
        .hazard(HazardKind::DataLoss, format!("all rows of {name} are gone"));
    for (child, _) in &later {
        draft = draft.locks(child, LockMode::AccessExclusive, Held::Brief);
    }
    for parent in table.parents.iter().chain(table.partition_of.iter().map(|partition| &partition.parent)) {
        draft = draft
            .locks(parent, LockMode::AccessExclusive, Held::Brief)
            .hazard(HazardKind::NewClientsReadOldValues, format!("until then new clients find the rows of {name} in {parent}"));
    }
    for parent in referenced(table) {
        draft = draft.locks(parent, LockMode::AccessExclusive, Held::Brief).hazard(
            HazardKind::RefusesWrites,
            format!("until then new clients can't delete rows of {parent} that rows of {name} still reference"),
        );
    }
    let mut recipe = dependents::end_foreign_keys(ctx, name, None)?;
    let gone = dependents::gone(ctx.before, ctx.after, name);
    if !gone.is_empty() {
        draft = draft.hazard(HazardKind::DropsDependents, format!("gone with it: {}", gone.join(", ")));
    }
    match HeldTable::of(ctx, table, &later) {
        Some(held) => recipe.hold(held.hold(&draft), held.drop(ctx, &draft)),
        None => recipe.contract.push(draft),
    }
    Ok(recipe)
}

/// Rows that old clients write after the copy would be in neither table once this one is gone.
fn refuse_copied(ctx: &Context<'_>, name: &Name) -> Result<(), Refusal> {
    if ctx.allows("drop-table") {
        return Ok(());
    }
    let copy = ctx.release.iter().find_map(|item| match &item.planned {
        Planned::Change(Change::Data(data))
            if matches!(data.verb, Verb::Insert | Verb::Update | Verb::Merge) && data.reads.contains(name) =>
        {
            data.writes.first()
        }
        Planned::Change(Change::CreateTable(create)) if item.statement.to_lowercase().contains(&format!("from {}", name.name)) => {
            Some(&create.table.name)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    match copy {
        None => Ok(()),
        Some(target) => Err(ctx.refuse(
            format!("the rows of {name} are copied to {target} once, and {name} is dropped: what old clients write to it after the copy would be lost"),
            format!(
                "keep one table and change it with ALTER TABLE (a RENAME serves both names), or keep {name} in this release, let new clients \
                 write both tables, and drop it in the next release after a second copy;\n\
                 if old clients don't write it any more, say so above the DROP TABLE:\n-- concertina: allow drop-table because \"…\""
            ),
        )),
    }
}

fn referenced(table: &Table) -> Vec<&Name> {
    let mut names: Vec<&Name> = table
        .constraints
        .iter()
        .filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey(key) if key.references != table.name => Some(&key.references),
            ConstraintKind::ForeignKey(_)
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::Exclude(_) => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}
