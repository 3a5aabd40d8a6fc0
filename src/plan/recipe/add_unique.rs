//! ADD UNIQUE and ADD PRIMARY KEY: the index is built CONCURRENTLY, then becomes the constraint under a brief lock.

use super::add_check::constraint_name;
use super::{Context, Item, Planned, Recipe, add_index, repair, set_not_null};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Change, Constraint, Identifier, Index, IndexElement, Key, Name, NullsDistinct, TableKind, Timing, Uniqueness};
use crate::sql::write;

/// What the index becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    Unique,
    PrimaryKey,
}

pub(crate) fn plan(ctx: &Context<'_>, table: &Name, constraint: &Constraint, key: &Key, becomes: As) -> Result<Recipe, Refusal> {
    let known = ctx.table(table)?;
    if matches!(known.kind, TableKind::Partitioned { .. }) {
        return Err(ctx.refuse(
            format!("{table} is partitioned: a unique key on it can't be built CONCURRENTLY"),
            "accept the lock with `-- concertina: strategy direct`",
        ));
    }
    if key.without_overlaps {
        return Err(
            ctx.refuse("a key WITHOUT OVERLAPS can't be built CONCURRENTLY", "accept the lock with `-- concertina: strategy direct`")
        );
    }
    let name = constraint_name(ctx, table, constraint)?;
    // An index of that name goes in contract; this one is built before.
    let taken =
        |item: &Item| matches!(&item.planned, Planned::Change(Change::DropIndex { index, .. }) if *index == table.sibling(name.clone()));
    let built = if ctx.earlier().any(taken) { generated_name("new", table, &name) } else { name.clone() };
    let index = index(table, &built, key);
    let only_new = key.nulls == NullsDistinct::Distinct
        && becomes == As::Unique
        && key.columns.iter().all(|column| ctx.stays_null_for_old(table, column));
    let build = add_index::build(&index)
        .hazard(HazardKind::RefusesWrites, format!("a duplicate in {table} is refused as soon as the build begins"));
    let mut steps = if only_new { Vec::new() } else { repair::of_key(ctx, table, &key.columns) };
    let build = if only_new {
        build.because("only new clients write these columns")
    } else {
        let build = build.because("old clients may still write duplicates until then; new clients never do").hazard(
            HazardKind::RefusesWrites,
            format!("until then ON CONFLICT of new clients can't rest on {name}: such a statement fails"),
        );
        match add_index::duplicates(&index) {
            Some(sql) => build.after_zero(format!("keys of {table} that occur more than once"), sql),
            None => build,
        }
    };
    steps.push(build);
    if becomes == As::PrimaryKey {
        let nullable =
            key.columns.iter().filter(|column| !known.column(column).map_or_else(|| adds_required(ctx, column), |found| found.not_null));
        for column in nullable {
            steps.extend(set_not_null::steps(ctx, table, column));
        }
    }
    steps.push(attach_as(table, &name, &built, constraint.timing, becomes));
    Ok(if only_new { Recipe { migrate: steps, ..Recipe::default() } } else { Recipe { contract: steps, ..Recipe::default() } })
}

/// Whether the statement itself adds the column, and says NOT NULL, which has its own steps.
fn adds_required(ctx: &Context<'_>, column: &Identifier) -> bool {
    let add = match &ctx.item.planned {
        Planned::FilledColumn { add, .. } | Planned::Change(Change::AddColumn(add)) => add,
        Planned::Change(_) | Planned::EnumSwap(_) => return false,
    };
    &add.column.name == column && (add.column.not_null || add.serial || add.column.identity.is_some())
}

/// The index behind a key.
pub(crate) fn index(table: &Name, name: &Identifier, key: &Key) -> Index {
    Index {
        name: Some(name.clone()),
        table: table.clone(),
        method: "btree".into(),
        elements: key.columns.iter().map(|column| IndexElement::column(column.clone())).collect(),
        include: key.include.clone(),
        uniqueness: Uniqueness::Unique,
        nulls: key.nulls,
        predicate: None,
        options: key.options.clone(),
        tablespace: key.tablespace.clone(),
        constraint: None,
        only: false,
        parent: None,
        statistics: std::collections::BTreeMap::new(),
    }
}

/// Makes the index the constraint of the same name.
pub(crate) fn attach(table: &Name, name: &Identifier, timing: Timing, becomes: As) -> Draft {
    attach_as(table, name, name, timing, becomes)
}

/// Makes the index a constraint of another name, which it takes.
pub(crate) fn attach_as(table: &Name, name: &Identifier, index: &Identifier, timing: Timing, becomes: As) -> Draft {
    let relation = write::name(table);
    let of_index = write::identifier(index);
    let quoted = write::identifier(name);
    let kind = match becomes {
        As::Unique => "UNIQUE",
        As::PrimaryKey => "PRIMARY KEY",
    };
    let timing = match timing {
        Timing::Immediate => "",
        Timing::Deferrable => " DEFERRABLE",
        Timing::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    Draft::own(
        format!("{table}.{name}"),
        "add-constraint",
        format!("make index {name} a constraint of {table}"),
        vec![format!("ALTER TABLE {relation} ADD CONSTRAINT {quoted} {kind} USING INDEX {of_index}{timing}")],
    )
    .because("the index is built, so the lock is brief")
    .locks(table, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::constraint_exists(table, name))
    .undone_by(vec![format!("ALTER TABLE {relation} DROP CONSTRAINT {quoted}")])
}
