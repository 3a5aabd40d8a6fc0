//! What changes to constraints lock, read and build. Never forgets the table at the other end of a foreign key.

use super::super::LockMode;
use super::not_null::not_null_proven;
use super::tally::Tally;
use crate::schema::change::DropBehavior;
use crate::schema::{Constraint, ConstraintKind, Enforcement, ForeignKey, Identifier, Key, Name, Table, Validity};

/// ADD CONSTRAINT.
pub(super) fn add(tally: &mut Tally<'_>, table: &Name, constraint: &Constraint) {
    let checks_rows = constraint.validity == Validity::Valid && constraint.enforcement == Enforcement::Enforced;
    match &constraint.kind {
        ConstraintKind::NotNull { column } => {
            tally.lock_family(table, LockMode::AccessExclusive);
            if checks_rows {
                scan_for_nulls(tally, table, std::slice::from_ref(column));
            }
        }
        ConstraintKind::Check { .. } => {
            tally.lock_family(table, LockMode::AccessExclusive);
            if checks_rows {
                scan_where_missing(tally, table, constraint);
            }
        }
        ConstraintKind::Unique(key) => add_key(tally, table, key, constraint),
        ConstraintKind::PrimaryKey(key) => {
            add_key(tally, table, key, constraint);
            scan_for_nulls(tally, table, &key.columns);
        }
        ConstraintKind::Exclude(_) => {
            tally.lock_family(table, LockMode::AccessExclusive);
            for member in &tally.partitions(table) {
                tally.build(member, None);
            }
        }
        ConstraintKind::ForeignKey(key) => add_foreign_key(tally, table, key, checks_rows),
    }
}

/// Reads the tables of the family in which one of the columns may hold a NULL.
fn scan_for_nulls(tally: &mut Tally<'_>, table: &Name, columns: &[Identifier]) {
    for member in tally.family(table) {
        let proven = tally.table(&member).is_some_and(|table| columns.iter().all(|column| refuses_null(table, column)));
        if !proven {
            tally.scan(&member);
        }
    }
}

fn refuses_null(table: &Table, column: &Identifier) -> bool {
    table.column(column).is_some_and(|column| column.not_null) || not_null_proven(table, column)
}

/// Reads the tables of the family, but not a partition that has the same CHECK already.
fn scan_where_missing(tally: &mut Tally<'_>, table: &Name, constraint: &Constraint) {
    for member in tally.family(table) {
        let inherits = &member != table;
        let there = inherits
            && tally.table(&member).is_some_and(|table| {
                table
                    .constraints
                    .iter()
                    .any(|own| own.kind == constraint.kind && own.name == constraint.name && own.validity == Validity::Valid)
            });
        if !there {
            tally.scan(&member);
        }
    }
}

/// UNIQUE and PRIMARY KEY build their index under the lock.
fn add_key(tally: &mut Tally<'_>, table: &Name, key: &Key, constraint: &Constraint) {
    let on_partitions = if tally.major >= 18 { LockMode::AccessExclusive } else { LockMode::Share };
    tally.lock_partitions(table, on_partitions);
    tally.lock(table, LockMode::AccessExclusive);
    for member in tally.partitions(table) {
        let there = &member != table && has_key(tally, &member, key, constraint);
        if !there {
            tally.build(&member, None);
        }
    }
}

/// Whether a partition has a constraint of its own that the parent's can take over. An index alone is built again.
fn has_key(tally: &Tally<'_>, partition: &Name, key: &Key, constraint: &Constraint) -> bool {
    tally.table(partition).is_some_and(|table| {
        table.constraints.iter().any(|own| match (&own.kind, &constraint.kind) {
            (ConstraintKind::Unique(own), ConstraintKind::Unique(_)) | (ConstraintKind::PrimaryKey(own), ConstraintKind::PrimaryKey(_)) => {
                own.columns == key.columns
            }
            _ => false,
        })
    })
}

/// ADD FOREIGN KEY locks both tables, and reads both unless it is NOT VALID.
fn add_foreign_key(tally: &mut Tally<'_>, table: &Name, key: &ForeignKey, checks_rows: bool) {
    lock_both(tally, table, &key.references, LockMode::ShareRowExclusive);
    let having = |validity| -> Vec<Name> {
        tally.partitions(table).into_iter().filter(|member| member != table && has_foreign_key(tally, member, key, validity)).collect()
    };
    let prepared = having(Validity::Valid);
    let half_prepared = tally.major >= 18 && !having(Validity::NotValid).is_empty();
    if !prepared.is_empty() || half_prepared {
        // The partition's own triggers on the referenced table are dropped for the parent's.
        tally.lock_partitions(&key.references, LockMode::AccessExclusive);
    }
    if !checks_rows {
        return;
    }
    let left: Vec<Name> =
        tally.partitions(table).into_iter().filter(|member| !prepared.contains(member) && tally.has_rows(member)).collect();
    if !left.is_empty() {
        for member in &left {
            tally.scan(member);
        }
        for member in &tally.partitions(&key.references) {
            tally.scan(member);
        }
    }
}

/// Whether a partition has the same foreign key, of that validity.
pub(super) fn has_foreign_key(tally: &Tally<'_>, partition: &Name, key: &ForeignKey, validity: Validity) -> bool {
    tally.table(partition).is_some_and(|table| {
        table.constraints.iter().any(|own| {
            own.validity == validity
                && matches!(&own.kind, ConstraintKind::ForeignKey(own) if own.columns == key.columns && own.references == key.references)
        })
    })
}

/// Locks the referencing and the referenced table, with their partitions.
pub(super) fn lock_both(tally: &mut Tally<'_>, table: &Name, references: &Name, mode: LockMode) {
    tally.lock_partitions(table, mode);
    tally.lock_partitions(references, mode);
}

/// Reads both tables of a foreign key.
pub(super) fn validate_foreign_key(tally: &mut Tally<'_>, table: &Name, references: &Name) {
    for member in &tally.partitions(table) {
        tally.scan(member);
    }
    for member in &tally.partitions(references) {
        tally.scan(member);
    }
}

/// ADD CONSTRAINT … USING INDEX: brief, but for a primary key over columns that may hold a NULL.
pub(super) fn add_using_index(tally: &mut Tally<'_>, table: &Name, index: &Identifier, primary: bool) {
    tally.lock(table, LockMode::AccessExclusive);
    if !primary {
        return;
    }
    let columns: Vec<Identifier> = tally.before.indexes.get(&table.sibling(index.clone())).map(|index| index.columns()).unwrap_or_default();
    scan_for_nulls(tally, table, &columns);
}

/// VALIDATE CONSTRAINT: writers go on. What is valid already is not read again.
pub(super) fn validate(tally: &mut Tally<'_>, table: &Name, name: &Identifier) {
    let Some(constraint) = tally.table(table).and_then(|table| table.constraint(name)) else {
        tally.lock_family(table, LockMode::ShareUpdateExclusive);
        tally.scan(table);
        return;
    };
    if constraint.validity == Validity::Valid {
        tally.lock(table, LockMode::ShareUpdateExclusive);
        return;
    }
    if let ConstraintKind::ForeignKey(key) = &constraint.kind {
        tally.lock_partitions(table, LockMode::ShareUpdateExclusive);
        tally.lock(&key.references, LockMode::RowShare);
        validate_foreign_key(tally, table, &key.references);
    } else {
        tally.lock_family(table, LockMode::ShareUpdateExclusive);
        for member in &tally.family(table) {
            tally.scan(member);
        }
    }
}

/// ALTER CONSTRAINT: when it is checked, whether at all, and whether children have it too.
pub(super) fn alter(tally: &mut Tally<'_>, table: &Name, name: &Identifier, enforcement: Option<Enforcement>, no_inherit: Option<bool>) {
    tally.lock_family(table, LockMode::AccessExclusive);
    let constraint = tally.table(table).and_then(|table| table.constraint(name));
    if no_inherit == Some(false) {
        for member in tally.family(table).iter().filter(|member| *member != table) {
            tally.scan(member);
        }
    }
    let Some(ConstraintKind::ForeignKey(key)) = constraint.map(|constraint| &constraint.kind) else { return };
    match enforcement {
        Some(Enforcement::Enforced) => {
            tally.lock_partitions(&key.references, LockMode::ShareRowExclusive);
            validate_foreign_key(tally, table, &key.references);
        }
        Some(Enforcement::NotEnforced) => tally.lock_partitions(&key.references, LockMode::AccessExclusive),
        None => {}
    }
}

/// DROP CONSTRAINT: that of a foreign key locks the other table as strongly.
pub(super) fn drop(tally: &mut Tally<'_>, table: &Name, name: &Identifier, behavior: DropBehavior) {
    tally.lock_family(table, LockMode::AccessExclusive);
    let constraint = tally.table(table).and_then(|table| table.constraint(name));
    match constraint.map(|constraint| &constraint.kind) {
        Some(ConstraintKind::ForeignKey(key)) => tally.lock_partitions(&key.references, LockMode::AccessExclusive),
        Some(ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key)) if behavior == DropBehavior::Cascade => {
            for other in referencing(tally, table, &key.columns) {
                tally.lock_partitions(&other, LockMode::AccessExclusive);
            }
        }
        Some(
            ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::Check { .. }
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Exclude(_),
        )
        | None => {}
    }
}

/// The tables with a foreign key to these columns of `table`.
fn referencing(tally: &Tally<'_>, table: &Name, columns: &[Identifier]) -> Vec<Name> {
    foreign_keys(tally)
        .filter(|(_, key, _)| &key.references == table && key.referenced_columns == columns)
        .map(|(child, _, _)| child.clone())
        .collect()
}

/// Every foreign key there is, with its table and whether its rows are known to obey.
fn foreign_keys<'a>(tally: &Tally<'a>) -> impl Iterator<Item = (&'a Name, &'a ForeignKey, bool)> {
    tally.before.tables.iter().flat_map(|(name, table)| {
        let keys = table.constraints.iter().filter_map(|constraint| Some((constraint.foreign_key()?, constraint.validity)));
        keys.map(move |(key, validity)| (name, key, validity == Validity::Valid))
    })
}

/// The tables at the other ends of the foreign keys from and to `table` (over `column`, if one is given), and whether
/// the key is valid.
pub(super) fn other_ends(tally: &Tally<'_>, table: &Name, column: Option<&Identifier>) -> Vec<(Name, bool)> {
    let over = |columns: &[Identifier]| column.is_none_or(|column| columns.contains(column));
    foreign_keys(tally)
        .filter_map(|(child, key, valid)| {
            if child == table && over(&key.columns) {
                Some((key.references.clone(), valid))
            } else if &key.references == table && over(&key.referenced_columns) {
                Some((child.clone(), valid))
            } else {
                None
            }
        })
        .collect()
}

/// Locks those tables as DROP does.
pub(super) fn lock_other_ends(tally: &mut Tally<'_>, table: &Name, column: Option<&Identifier>) {
    for (other, _) in other_ends(tally, table, column) {
        tally.lock_partitions(&other, LockMode::AccessExclusive);
    }
}
