//! RENAME TABLE and SET SCHEMA: the table takes its new name and a view with the old one shows it to old clients, in one
//! transaction. Columns that the release renames too go with it: old clients find them in the view under their old names.

use super::compatibility_view::{NOT_THROUGH_A_VIEW, Renamed, drop_view, hide_old, obstacle, renamed_columns, show_old};
use super::{Context, Recipe, company};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::{Change, Identifier, Name, Table};
use crate::sql::write;

/// `ALTER TABLE … RENAME TO`.
pub(crate) fn rename(ctx: &Context<'_>, from: &Name, to: &Identifier) -> Result<Recipe, Refusal> {
    let new = from.sibling(to.clone());
    let moving = Moving {
        there: format!("ALTER TABLE {} RENAME TO {}", write::name(from), write::identifier(to)),
        back: format!("ALTER TABLE {} RENAME TO {}", write::name(&new), write::identifier(&from.name)),
        to: new,
        slug: "rename-table",
        about: format!("rename {from} to {to} and show it to old clients under the old name"),
        also: String::new(),
    };
    plan(ctx, from, &moving)
}

/// `ALTER TABLE … SET SCHEMA`.
pub(crate) fn set_schema(ctx: &Context<'_>, from: &Name, schema: &Identifier) -> Result<Recipe, Refusal> {
    let Some(home) = &from.schema else { return Err(ctx.refuse(format!("the schema of {from} is not known"), "write it before the name")) };
    if home == schema {
        return Ok(Recipe::default());
    }
    let new = Name::new(schema.clone(), from.name.clone());
    let moving = Moving {
        there: format!("ALTER TABLE {} SET SCHEMA {}", write::name(from), write::identifier(schema)),
        back: format!("ALTER TABLE {} SET SCHEMA {}", write::name(&new), write::identifier(home)),
        to: new,
        slug: "set-schema",
        about: format!("move {from} to schema {schema} and show it to old clients where it was"),
        also: "; its indexes and the sequences that it owns are in the new schema at once".to_owned(),
    };
    plan(ctx, from, &moving)
}

/// A partition has its columns from its parent, which a view over the partition would have to follow.
fn refuse_beside_parent(ctx: &Context<'_>, table: &Name) -> Result<(), Refusal> {
    let parents = ctx
        .before
        .tables
        .get(table)
        .map(|found| found.partition_of.iter().map(|part| &part.parent).chain(&found.parents).cloned().collect::<Vec<Name>>());
    let is_of = |on: &Name| parents.iter().flatten().any(|parent| ctx.name_before_release(parent) == ctx.name_before_release(on));
    let renames = |item: &&Item| matches!(&item.planned, Planned::Change(Change::RenameColumn { table: on, .. }) if is_of(on));
    match ctx.release.iter().find(renames) {
        None => Ok(()),
        Some(other) => Err(ctx.refuse(
            format!("{table} has its columns from a table of which the release renames one ({}:{})", other.origin.file, other.origin.line),
            "put one of the two into the next release",
        )),
    }
}

/// How a table comes to its new name and back.
struct Moving {
    to: Name,
    there: String,
    back: String,
    slug: &'static str,
    about: String,
    also: String,
}

fn plan(ctx: &Context<'_>, from: &Name, moving: &Moving) -> Result<Recipe, Refusal> {
    refuse_beside_parent(ctx, from)?;
    if !ctx.before.tables.contains_key(from) && (ctx.before.views.contains_key(from) || ctx.before.sequences.contains_key(from)) {
        return Err(ctx.refuse(
            format!("{from} is not a table: it can't be served under two names"),
            "create a second one under the new name, and drop this one in a later release",
        ));
    }
    let table = ctx.table(from)?;
    super::super::conflict::refuse(ctx, from, &[], std::iter::empty())?;
    let renamed = renamed_columns(ctx, from);
    if let Some(obstacle) = obstacle(ctx, table, &renamed) {
        return Err(ctx.refuse(
            format!("a view can't serve old clients under the name {from}: {obstacle}"),
            "change that in an earlier release, or accept downtime with\n-- concertina: strategy direct",
        ));
    }
    company::refuse_beside_table(ctx, from, &moving.to, &renamed)?;
    Ok(Recipe {
        expand: vec![swap(ctx, table, moving, &renamed)],
        first_to_contract: vec![contract(ctx, from, moving, &renamed)],
        ..Recipe::default()
    })
}

fn swap(ctx: &Context<'_>, table: &Table, moving: &Moving, renamed: &[Renamed]) -> Draft {
    let mut columns = String::new();
    if !renamed.is_empty() {
        let pairs: Vec<String> = renamed.iter().map(|(from, to)| format!("{from} to {to}")).collect();
        columns = format!("; rename its columns with it ({})", pairs.join(", "));
    }
    Draft::own(
        moving.to.to_string(),
        moving.slug,
        format!("{}{columns}", moving.about),
        show_old(ctx, &table.name, &moving.to, renamed, std::slice::from_ref(&moving.there)),
    )
    .because("old clients read and write through a view under the old name; no data moves")
    .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::relation_exists(&moving.to))
    .undone_by(hide_old(&table.name, renamed, std::slice::from_ref(&moving.back)))
    .hazard(HazardKind::ThroughView, format!("until contract {} is a view: {NOT_THROUGH_A_VIEW} in old clients{}", table.name, moving.also))
}

fn contract(ctx: &Context<'_>, from: &Name, moving: &Moving, renamed: &[Renamed]) -> Draft {
    let shown = show_old(ctx, from, &moving.to, renamed, &[]);
    Draft::own(
        moving.to.to_string(),
        "drop-view",
        format!(
            "drop the view {from} that showed {} under its old name",
            if moving.to.schema == from.schema { moving.to.name.to_string() } else { moving.to.to_string() }
        ),
        drop_view(from),
    )
    .because("no client that uses the old name is left")
    .locks(from, LockMode::AccessExclusive, Held::Brief)
    .locks(&moving.to, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::relation_gone(from))
    // The table and its columns keep their new names: only the view comes back.
    .undone_by(shown.into_iter().skip(renamed.len()).collect())
}
