//! What attaching and detaching partitions locks and reads. Never takes a CHECK for a proof of a partition's bounds unless
//! it says them.

use super::super::LockMode;
use super::constraint;
use super::tally::Tally;
use crate::schema::change::Concurrency;
use crate::schema::table::Partition;
use crate::schema::{Constraint, ConstraintKind, Enforcement, ForeignKey, Identifier, IndexElement, Name, Part, Validity};

/// The partition of `parent` that takes what no other does.
pub(super) fn default_partition(tally: &Tally<'_>, parent: &Name) -> Option<Name> {
    tally.before.tables.values().find_map(|table| {
        let partition = table.partition_of.as_ref()?;
        (&partition.parent == parent && is_default(partition)).then(|| table.name.clone())
    })
}

fn is_default(partition: &Partition) -> bool {
    matches!(partition.bound.parts.first(), Some(Part::Text(text)) if text.trim().eq_ignore_ascii_case("default"))
}

/// CREATE TABLE … PARTITION OF: the parent and the default partition are locked against everyone, and the default partition
/// is read for rows that belong to the new one.
pub(super) fn create(tally: &mut Tally<'_>, partition: &Partition) {
    tally.lock(&partition.parent, LockMode::AccessExclusive);
    if let Some(default) = default_partition(tally, &partition.parent) {
        tally.lock_partitions(&default, LockMode::AccessExclusive);
        if !bounds_may_be_proven(tally, &default, &partition.parent) {
            for member in &tally.partitions(&default) {
                tally.scan(member);
            }
        }
    }
    lock_referencing(tally, &partition.parent);
    // Those of the parent are the partition's too.
    let references: Vec<Name> = foreign_keys(tally, &partition.parent).map(|key| key.references.clone()).collect();
    for name in references.iter().filter(|name| *name != &partition.parent) {
        tally.lock_partitions(name, LockMode::ShareRowExclusive);
    }
}

/// The foreign keys of a table.
fn foreign_keys<'a>(tally: &Tally<'a>, table: &Name) -> impl Iterator<Item = &'a ForeignKey> {
    let constraints = tally.table(table).map(|table| table.constraints.as_slice()).unwrap_or_default();
    constraints.iter().filter_map(Constraint::foreign_key)
}

/// Locks the tables with a foreign key to the parent (PostgreSQL 15 on; a read lock before).
fn lock_referencing(tally: &mut Tally<'_>, parent: &Name) {
    let mode = if tally.major >= 15 { LockMode::ShareRowExclusive } else { LockMode::AccessShare };
    for table in referencing(tally, parent) {
        tally.lock(&table, mode);
    }
}

/// The tables with a foreign key to the parent.
fn referencing(tally: &Tally<'_>, parent: &Name) -> Vec<Name> {
    let refers = |table: &Name| foreign_keys(tally, table).any(|key| &key.references == parent);
    tally.before.tables.keys().filter(|table| refers(table)).cloned().collect()
}

/// ATTACH PARTITION.
pub(super) fn attach(tally: &mut Tally<'_>, table: &Name, partition: &Name, bound: &Partition) {
    tally.lock(table, LockMode::ShareUpdateExclusive);
    tally.lock_partitions(partition, LockMode::AccessExclusive);
    if !bounds_may_be_proven(tally, partition, table) {
        // A new default partition is read for rows that belong to others.
        for member in &tally.partitions(partition) {
            tally.scan(member);
        }
    }
    if let Some(default) = default_partition(tally, table).filter(|_| !is_default(bound)) {
        tally.lock_partitions(&default, LockMode::AccessExclusive);
        if !bounds_may_be_proven(tally, &default, table) {
            for member in &tally.partitions(&default) {
                tally.scan(member);
            }
        }
    }
    lock_referencing(tally, table);
    attach_keys(tally, table, partition);
    attach_indexes(tally, table, partition);
}

/// Foreign keys of the parent are checked on the new partition, or taken over from it.
fn attach_keys(tally: &mut Tally<'_>, table: &Name, partition: &Name) {
    let keys: Vec<&ForeignKey> = foreign_keys(tally, table).collect();
    for key in keys {
        let takes_over = constraint::has_foreign_key(tally, partition, key, Validity::Valid);
        if takes_over || (tally.major >= 18 && constraint::has_foreign_key(tally, partition, key, Validity::NotValid)) {
            tally.lock_partitions(&key.references, LockMode::AccessExclusive);
        }
        if !takes_over {
            tally.lock_partitions(&key.references, LockMode::ShareRowExclusive);
            constraint::validate_foreign_key(tally, partition, &key.references);
        }
    }
}

/// Indexes of the parent that the new partition lacks are built.
fn attach_indexes(tally: &mut Tally<'_>, table: &Name, partition: &Name) {
    let before = tally.before;
    for (_, index) in before.indexes_of(table) {
        let has_it = before.indexes_of(partition).any(|(_, own)| {
            own.elements == index.elements
                && own.include == index.include
                && own.predicate == index.predicate
                && own.uniqueness == index.uniqueness
                && own.constraint.is_some() >= index.constraint.is_some()
        });
        if !has_it {
            for member in &tally.partitions(partition) {
                tally.build(member, None);
            }
        }
    }
}

/// Whether a valid CHECK of `table` says something about every column of the parent's partition key and, where the column
/// may be NULL, that it isn't. Whether the range is the right one is for PostgreSQL's prover; a wrong one is an error there.
fn bounds_may_be_proven(tally: &Tally<'_>, table: &Name, parent: &Name) -> bool {
    let (Some(found), Some(parent)) = (tally.table(table), tally.table(parent)) else { return false };
    let crate::schema::TableKind::Partitioned { key, .. } = &parent.kind else { return false };
    let columns: Vec<&Identifier> = key.iter().flat_map(IndexElement::columns).collect();
    let valid = || {
        found
            .constraints
            .iter()
            .filter(|constraint| constraint.validity == Validity::Valid && constraint.enforcement == Enforcement::Enforced)
    };
    !columns.is_empty()
        && columns.iter().all(|column| {
            let never_null = found.column(column).is_some_and(|column| column.not_null) || super::not_null::not_null_proven(found, column);
            let bounded = valid().any(|constraint| match &constraint.kind {
                ConstraintKind::Check { expression } => {
                    expression.mentions(column)
                        && expression.parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['<', '>', '='])))
                }
                ConstraintKind::NotNull { .. }
                | ConstraintKind::Unique(_)
                | ConstraintKind::PrimaryKey(_)
                | ConstraintKind::ForeignKey(_)
                | ConstraintKind::Exclude(_) => false,
            });
            never_null && bounded
        })
}

/// DETACH PARTITION.
pub(super) fn detach(tally: &mut Tally<'_>, table: &Name, partition: &Name, concurrency: Concurrency, finalize: bool) {
    let references: Vec<Name> = foreign_keys(tally, table).map(|key| key.references.clone()).collect();
    for referenced in &references {
        tally.lock_partitions(referenced, LockMode::ShareRowExclusive);
    }
    if finalize || concurrency == Concurrency::Concurrently {
        tally.lock(table, LockMode::ShareUpdateExclusive);
        tally.lock(partition, LockMode::AccessExclusive);
    }
    match concurrency {
        Concurrency::Concurrently => tally.outside_transaction(),
        Concurrency::Blocking if finalize => {}
        Concurrency::Blocking => {
            let weak = tally.major < 14 && referencing(tally, table).is_empty();
            tally.lock(table, LockMode::AccessExclusive);
            tally.lock(partition, if weak { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive });
            // Rows that refer to the partition would be left hanging, so they are looked for.
            for other in referencing(tally, table) {
                tally.lock(&other, LockMode::AccessExclusive);
                tally.scan(&other);
            }
            if let Some(default) = default_partition(tally, table) {
                tally.lock(&default, LockMode::AccessExclusive);
            }
        }
    }
}
