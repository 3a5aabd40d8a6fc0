//! What changes to whole tables lock and rewrite. Never about their columns, constraints or partitions.

use super::super::LockMode;
use super::tally::Tally;
use super::{constraint, partition};
use crate::schema::change::{CreateTable, DropBehavior};
use crate::schema::{ConstraintKind, Identifier, Name, Part, Persistence};

/// CREATE TABLE locks only what it refers to.
pub(super) fn create(tally: &mut Tally<'_>, create: &CreateTable) {
    if tally.before.tables.contains_key(&create.table.name) {
        return;
    }
    for constraint in &create.table.constraints {
        if let ConstraintKind::ForeignKey(key) = &constraint.kind
            && key.references != create.table.name
        {
            tally.lock_partitions(&key.references, LockMode::ShareRowExclusive);
        }
    }
    for (_, like) in &create.like {
        tally.lock(&like.table, LockMode::AccessShare);
    }
    for parent in &create.table.parents {
        tally.lock(parent, LockMode::ShareUpdateExclusive);
    }
    if let Some(partition) = &create.table.partition_of {
        partition::create(tally, partition);
    }
    for part in create.as_query.iter().flat_map(|query| &query.parts) {
        if let Part::Relation(name) = part {
            tally.lock(name, LockMode::AccessShare);
            tally.scan(name);
        }
    }
}

/// DROP TABLE locks the tables that its foreign keys name, and with CASCADE those that refer to it.
pub(super) fn drop(tally: &mut Tally<'_>, table: &Name, behavior: DropBehavior) {
    tally.lock_family(table, LockMode::AccessExclusive);
    for member in tally.partitions(table) {
        constraint::lock_other_ends(tally, &member, None);
    }
    let parent = tally.table(table).and_then(|table| table.partition_of.clone());
    if let Some(parent) = parent {
        tally.lock(&parent.parent, LockMode::AccessExclusive);
        if let Some(default) = partition::default_partition(tally, &parent.parent) {
            tally.lock(&default, LockMode::AccessExclusive);
        }
    }
    if behavior == DropBehavior::Cascade {
        lock_readers(tally, table);
    }
}

/// Locks the views that read a table, and the views that read those.
pub(super) fn lock_readers(tally: &mut Tally<'_>, relation: &Name) {
    let mut found = vec![relation.clone()];
    let mut next = 0;
    while let Some(source) = found.get(next).cloned() {
        next += 1;
        for view in tally.before.views.values() {
            let reads = view.query.parts.iter().any(|part| matches!(part, Part::Relation(name) if name == &source));
            if reads && !found.contains(&view.name) {
                found.push(view.name.clone());
            }
        }
    }
    for view in &found[1..] {
        tally.lock(view, LockMode::AccessExclusive);
    }
}

/// SET LOGGED and SET UNLOGGED copy the table, unless it is that already.
pub(super) fn set_persistence(tally: &mut Tally<'_>, table: &Name, persistence: Persistence) {
    tally.lock(table, LockMode::AccessExclusive);
    let already = tally.table(table).is_some_and(|table| table.persistence == persistence);
    if !already {
        tally.rewrite(table);
    }
}

/// SET and RESET of storage parameters. A few change what planned queries rely on, and lock everyone out.
pub(super) fn set_options<'a>(tally: &mut Tally<'_>, table: &Name, options: impl IntoIterator<Item = &'a String>) {
    let strict = options.into_iter().any(|option| option == "user_catalog_table" || option == "oids");
    let mode = if strict { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
    tally.lock(table, mode);
}

/// SET TABLESPACE copies the table's file, unless it lies there already.
pub(super) fn set_tablespace(tally: &mut Tally<'_>, table: &Name, tablespace: &Identifier) {
    tally.lock(table, LockMode::AccessExclusive);
    let there = tally.table(table).is_some_and(|table| match &table.tablespace {
        Some(own) => own == tablespace,
        None => tablespace == "pg_default",
    });
    if !there {
        tally.copy(table);
    }
}

/// SET SCHEMA takes the table's sequences along.
pub(super) fn set_schema(tally: &mut Tally<'_>, table: &Name) {
    tally.lock(table, LockMode::AccessExclusive);
    tally.lock_sequences_of(table, None, LockMode::AccessExclusive);
}

/// SET ACCESS METHOD (PostgreSQL 15 on) copies the table, unless it has that method already.
pub(super) fn set_access_method(tally: &mut Tally<'_>, table: &Name, method: Option<&Identifier>) {
    tally.lock(table, LockMode::AccessExclusive);
    let name = |method: Option<&Identifier>| method.map_or("heap".to_owned(), ToString::to_string);
    let same = tally.table(table).is_some_and(|table| name(table.access_method.as_ref()) == name(method));
    if !same {
        tally.rewrite(table);
    }
}

/// INHERIT.
pub(super) fn add_inheritance(tally: &mut Tally<'_>, table: &Name, parent: &Name) {
    tally.lock(table, LockMode::AccessExclusive);
    tally.lock(parent, LockMode::ShareUpdateExclusive);
}

/// NO INHERIT.
pub(super) fn drop_inheritance(tally: &mut Tally<'_>, table: &Name, parent: &Name) {
    tally.lock(table, LockMode::AccessExclusive);
    tally.lock(parent, LockMode::AccessShare);
}

/// DROP TRIGGER locks nothing if there is none.
pub(super) fn drop_trigger(tally: &mut Tally<'_>, table: &Name, trigger: &Identifier) {
    let before = tally.before;
    if before.triggers.contains_key(&(table.clone(), trigger.clone())) || before.unknown_all {
        tally.lock_partitions(table, LockMode::AccessExclusive);
    }
}
