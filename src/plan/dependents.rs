//! What a DROP takes along: foreign keys of other tables, which expand has to loosen first, and all else that only CASCADE drops.

use super::recipe::{Context, Recipe, drop_constraint};
use super::refusal::Refusal;
use crate::schema::change::DropBehavior;
use crate::schema::{Catalog, Column, Constraint, ConstraintKind, ForeignKey, Identifier, Index, Name, Sql, Table, Uniqueness};
use crate::sql::write;

/// A foreign key by its table and its name.
pub(crate) type ForeignKeyOf = (Name, Identifier);

/// Foreign keys of other tables that reference the table, or that column of it.
fn referencing(before: &Catalog, table: &Name, column: Option<&Identifier>) -> Vec<ForeignKeyOf> {
    let mut found = Vec::new();
    for other in before.tables.values().filter(|other| &other.name != table) {
        for constraint in &other.constraints {
            if let ConstraintKind::ForeignKey(key) = &constraint.kind
                && &key.references == table
                && column.is_none_or(|column| key.referenced_columns.contains(column))
                && let Some(name) = &constraint.name
            {
                found.push((other.name.clone(), name.clone()));
            }
        }
    }
    found
}

/// Steps that end the foreign keys which reference what is dropped: in expand where their table stays, since new clients write
/// there without a row to reference.
pub(crate) fn end_foreign_keys(ctx: &Context<'_>, table: &Name, column: Option<&Identifier>) -> Result<Recipe, Refusal> {
    let mut recipe = Recipe::default();
    for (child, name) in referencing(ctx.before, table, column) {
        if ctx.new.tables.contains_key(&child) {
            recipe.append(drop_constraint::plan(ctx, &child, &name, DropBehavior::Restrict)?);
        }
    }
    Ok(recipe)
}

/// The rules of a column that is dropped which would refuse what new clients write, who don't know the column: foreign keys that
/// only refuse, and conditions that rows can't obey by having no value there.
pub(crate) fn rules_to_end<'a>(table: &'a Table, column: &Column) -> Vec<&'a Constraint> {
    let of_it = table.constraints.iter().filter(|constraint| constraint.name.is_some() && constraint.columns().contains(&column.name));
    of_it
        .filter(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey(key) => !drop_constraint::acts(key),
            ConstraintKind::Check { expression } => {
                column.generated.is_some() || constraint.columns().len() > 1 || asks_for_null(expression)
            }
            ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => {
                false
            }
        })
        .collect()
}

/// Whether a condition may ask whether something is NULL.
pub(crate) fn asks_for_null(condition: &Sql) -> bool {
    write::text(condition).to_ascii_lowercase().contains("null")
}

/// Steps that end the foreign keys which the statement takes along.
pub(crate) fn end_lost_foreign_keys(ctx: &Context<'_>) -> Result<Recipe, Refusal> {
    end_lost(ctx, |_, _| true)
}

/// The same for the CASCADE of a key: those that need it, but for partitions' copies, which go with their own.
pub(crate) fn end_foreign_keys_of_a_key(ctx: &Context<'_>, table: &Name) -> Result<Recipe, Refusal> {
    end_lost(ctx, |child, key| &key.references == table && child.partition_of.is_none())
}

fn end_lost(ctx: &Context<'_>, counts: impl Fn(&Table, &ForeignKey) -> bool) -> Result<Recipe, Refusal> {
    let mut recipe = Recipe::default();
    for table in ctx.before.tables.values() {
        let Some(kept) = ctx.after.tables.get(&table.name) else { continue };
        let keys = table.constraints.iter().filter(|constraint| constraint.foreign_key().is_some_and(|key| counts(table, key)));
        for name in keys.filter_map(|constraint| constraint.name.as_ref()).filter(|name| kept.constraint(name).is_none()) {
            recipe.append(drop_constraint::plan(ctx, &table.name, name, DropBehavior::Restrict)?);
        }
    }
    Ok(recipe)
}

/// Foreign keys of tables which the release drops later: they end in the same transaction.
pub(crate) fn of_tables_dropped_later(ctx: &Context<'_>, table: &Name) -> Vec<ForeignKeyOf> {
    let goes = |(child, key): &ForeignKeyOf| !ctx.new.tables.contains_key(child) && !is_inherited(ctx.before, child, key);
    referencing(ctx.before, table, None).into_iter().filter(goes).collect()
}

/// Whether a partition has the constraint from the table that it is part of: it goes with that one.
fn is_inherited(catalog: &Catalog, table: &Name, constraint: &Identifier) -> bool {
    let parent = catalog.tables.get(table).and_then(|table| table.partition_of.as_ref()).map(|partition| &partition.parent);
    parent.and_then(|parent| catalog.tables.get(parent)).is_some_and(|parent| parent.constraint(constraint).is_some())
}

/// Whether CASCADE takes along what is not the table's own: foreign keys aside, which end before.
pub(crate) fn takes_others_along(before: &Catalog, after: &Catalog, table: &Name, column: Option<&Identifier>) -> bool {
    let own = column.map(|column| format!("column {column} of {table}"));
    gone(before, after, table).into_iter().any(|gone| !gone.starts_with("constraint ") && Some(&gone) != own.as_ref())
}

/// Everything with a name of its own that is gone after the change, `dropped` itself aside: what belonged to a table that is
/// gone goes without saying.
pub(crate) fn gone(before: &Catalog, after: &Catalog, dropped: &Name) -> Vec<String> {
    let other = |name: &Name| name != dropped;
    let mut names: Vec<String> = Vec::new();
    names.extend(before.tables.keys().filter(|name| other(name) && !after.tables.contains_key(*name)).map(|name| format!("table {name}")));
    names.extend(before.views.keys().filter(|name| other(name) && !after.views.contains_key(*name)).map(|name| format!("view {name}")));
    for table in before.tables.values() {
        let Some(kept) = after.tables.get(&table.name) else { continue };
        let lost =
            table.constraints.iter().filter_map(|constraint| constraint.name.as_ref()).filter(|name| kept.constraint(name).is_none());
        names.extend(lost.map(|name| format!("constraint {name} of {}", table.name)));
        let lost = table.columns.iter().filter(|column| kept.column(&column.name).is_none());
        names.extend(lost.map(|column| format!("column {} of {}", column.name, table.name)));
    }
    for sequence in before.sequences.values().filter(|sequence| other(&sequence.name) && !after.sequences.contains_key(&sequence.name)) {
        if sequence.owned_by.is_none() {
            names.push(format!("sequence {}", sequence.name));
        }
    }
    names.extend(before.types.keys().filter(|name| other(name) && !after.types.contains_key(*name)).map(|name| format!("type {name}")));
    let routines = before.routines.keys().filter(|key| other(&key.0) && !after.routines.contains_key(*key));
    names.extend(routines.map(|(name, _)| format!("function {name}")));
    let triggers = before.triggers.keys().filter(|key| after.tables.contains_key(&key.0) && !after.triggers.contains_key(*key));
    names.extend(triggers.map(|(table, name)| format!("trigger {name} of {table}")));
    names
}

/// Whether all columns of another key, without this one, are in the index: that goes on telling its rows apart.
pub(crate) fn holds_another_key(catalog: &Catalog, index: &Index, column: &Identifier) -> bool {
    let columns = index.columns();
    let is_key = |other: &Index| other.uniqueness == Uniqueness::Unique && other.predicate.is_none() && !other.mentions(column);
    catalog.indexes_of(&index.table).any(|(_, other)| is_key(other) && other.columns().iter().all(|name| columns.contains(name)))
}

/// Unique indexes that go with the column, and in which other columns are too, or whose condition it is; but for those with all
/// columns of another key, which never refuse a row that that one takes.
pub(crate) fn shared_keys<'a>(catalog: &'a Catalog, table: &'a Name, column: &'a Identifier) -> impl Iterator<Item = &'a Identifier> {
    let shared = move |index: &Index| {
        let columns = index.columns();
        let alone = index.predicate.is_none() && columns.iter().all(|of| of == column);
        index.uniqueness == Uniqueness::Unique && index.mentions(column) && !alone && !holds_another_key(catalog, index, column)
    };
    catalog.indexes_of(table).filter(move |(_, index)| shared(index)).map(|(name, _)| &name.name)
}
