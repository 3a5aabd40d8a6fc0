//! DROP and CREATE of the same thing in one release: both shapes where they can stand side by side, else one for the other in a
//! single transaction, in the phase in which nobody misses the one that goes.

mod check;
mod foreign_key;
mod index;
mod key;
mod view;
mod other;

use super::{Context, Recipe};
use crate::plan::refusal::Refusal;
use crate::schema::{Catalog, Change, Constraint, ConstraintKind, Identifier, Name};

pub(crate) fn plan(ctx: &Context<'_>, drop: &Change, again: &Change) -> Result<Recipe, Refusal> {
    match (drop, again) {
        (Change::DropConstraint { table, constraint: name, .. }, Change::AddConstraint { constraint, .. }) => {
            let old = ctx.table(table)?.constraint(name).cloned();
            let new = Constraint { name: Some(name.clone()), ..constraint.clone() };
            match old {
                Some(old) => of_constraint(ctx, table, name, &old, &new),
                None => super::of_change(ctx, again),
            }
        }
        (Change::DropIndex { index: name, .. }, Change::CreateIndex { index, .. }) => index::plan(ctx, name, index),
        (Change::DropObject { object, .. }, Change::CreateView { view, .. }) => view::plan(ctx, &object.name, view),
        (Change::DropTrigger { .. }, Change::CreateTrigger { trigger, .. }) => Ok(other::trigger(ctx, trigger)),
        (Change::DropObject { .. }, Change::CreateRoutine { routine, .. }) => other::routine(ctx, routine),
        (Change::DropObject { object, .. }, Change::CreateObject { .. }) => Ok(other::definition(ctx, object)),
        _ => Err(ctx.refuse(
            "it is dropped and created again in one release, and both shapes can't be served under one name",
            "give the new one another name, or accept downtime with `-- concertina: strategy direct` above both statements",
        )),
    }
}

fn of_constraint(ctx: &Context<'_>, table: &Name, name: &Identifier, old: &Constraint, new: &Constraint) -> Result<Recipe, Refusal> {
    match (&old.kind, &new.kind) {
        (ConstraintKind::Check { expression: before }, ConstraintKind::Check { expression }) => {
            check::plan(ctx, table, name, &check::Two { old, new, before, expression })
        }
        (ConstraintKind::ForeignKey(before), ConstraintKind::ForeignKey(key)) => {
            foreign_key::plan(ctx, table, name, &foreign_key::Two { old, new, before, key })
        }
        (ConstraintKind::Unique(before), ConstraintKind::Unique(key)) => {
            key::plan(ctx, table, name, &key::Two { old, new, before, key, becomes: super::add_unique::As::Unique })
        }
        (ConstraintKind::PrimaryKey(before), ConstraintKind::PrimaryKey(key)) => {
            key::plan(ctx, table, name, &key::Two { old, new, before, key, becomes: super::add_unique::As::PrimaryKey })
        }
        _ => Err(ctx.refuse(
            format!("{name} of {table} is dropped and added again, and both can't stand side by side"),
            "give the new constraint another name, or accept downtime with `-- concertina: strategy direct` above both statements",
        )),
    }
}

/// Whether another object of the old schema rests on the key of `table` over these columns.
fn foreign_keys_on(catalog: &Catalog, table: &Name, columns: &[Identifier], counts: impl Fn(&Name, &Constraint) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, child) in &*catalog.tables {
        for constraint in &child.constraints {
            if let ConstraintKind::ForeignKey(key) = &constraint.kind
                && &key.references == table
                && counts(name, constraint)
            {
                let referenced = catalog.key_referenced_by(key).unwrap_or_default();
                if referenced.len() == columns.len() && referenced.iter().all(|column| columns.contains(column)) {
                    found.push(format!("{} of {name}", constraint.name.as_ref().map(ToString::to_string).unwrap_or_default()));
                }
            }
        }
    }
    found
}
