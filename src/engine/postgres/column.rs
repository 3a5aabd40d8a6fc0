//! What changes to columns lock and rewrite. Never decides about constraints, which have a file of their own.

use super::super::LockMode;
use super::constraint;
use super::not_null::not_null_proven;
use super::tally::Tally;
use super::type_change::{Retype, TypeChange, is_constrained_domain, rebuilds_index, type_change};
use super::volatility::{is_null, volatility};
use crate::schema::change::AddColumn;
use crate::schema::object::{TypeKind, Volatility};
use crate::schema::{Catalog, Column, ConstraintKind, DataType, Enforcement, Generated, GeneratedKind, Identifier, Name, Sql, Validity};

/// ADD COLUMN.
pub(super) fn add(tally: &mut Tally<'_>, add: &AddColumn) {
    tally.lock_family(&add.table, LockMode::AccessExclusive);
    let there = tally.table(&add.table).is_some_and(|table| table.column(&add.column.name).is_some());
    if there {
        // IF NOT EXISTS still takes its lock.
        return;
    }
    let family = tally.family(&add.table);
    let rewrites = fills_every_row(add, tally.before);
    for member in &family {
        // A child that has the column already keeps its own.
        let merges = tally.table(member).is_some_and(|table| table.column(&add.column.name).is_some());
        if rewrites && !merges {
            tally.rewrite(member);
        }
    }
    if requires_value(add, tally.before) {
        for member in &family {
            tally.scan(member);
        }
    }
    for new in &add.constraints {
        match &new.kind {
            // Without a default all values are NULL, and PostgreSQL doesn't look. With DEFAULT NULL it does.
            ConstraintKind::ForeignKey(key) => {
                constraint::lock_both(tally, &add.table, &key.references, LockMode::ShareRowExclusive);
                let checks = add.column.default.is_some() && new.enforcement == Enforcement::Enforced && new.validity == Validity::Valid;
                if checks {
                    constraint::validate_foreign_key(tally, &add.table, &key.references);
                }
            }
            ConstraintKind::Check { .. }
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::Exclude(_) => constraint::add(tally, &add.table, new),
        }
    }
}

/// Whether each row gets a value of its own, or one that must be checked, so that the table is written anew.
fn fills_every_row(add: &AddColumn, catalog: &Catalog) -> bool {
    let column = &add.column;
    let stored = column.generated.as_ref().is_some_and(|generated| generated.kind == GeneratedKind::Stored);
    let default = column.default.as_ref().or_else(|| domain_default(&column.data_type, catalog));
    let is_virtual = column.generated.is_some() && !stored;
    add.serial
        || column.identity.is_some()
        || stored
        || (!is_virtual && is_constrained_domain(&column.data_type, catalog))
        || default.is_some_and(|default| volatility(default, catalog) == Volatility::Volatile)
}

/// Whether rows that are there must be looked at because the new column refuses NULL and has no value for them.
fn requires_value(add: &AddColumn, catalog: &Catalog) -> bool {
    let column = &add.column;
    let default = column.default.as_ref().or_else(|| domain_default(&column.data_type, catalog));
    let fills = default.is_some_and(|default| !is_null(default)) || column.identity.is_some() || add.serial;
    column.not_null && !fills
}

fn domain_default<'a>(data_type: &DataType, catalog: &'a Catalog) -> Option<&'a Sql> {
    if data_type.dimensions > 0 {
        return None;
    }
    match &catalog.types.get(&data_type.name)?.kind {
        TypeKind::Domain { base, default, .. } => default.as_ref().or_else(|| domain_default(base, catalog)),
        TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => None,
    }
}

/// DROP COLUMN: no row is touched. Foreign keys that go with it lock the tables at their other ends.
pub(super) fn drop(tally: &mut Tally<'_>, table: &Name, column: &Identifier) {
    tally.lock_family(table, LockMode::AccessExclusive);
    constraint::lock_other_ends(tally, table, Some(column));
    tally.lock_sequences_of(table, Some(column), LockMode::AccessExclusive);
    let readers: Vec<Name> = tally
        .before
        .views
        .values()
        .filter(|view| view.reads.as_ref().known().is_some_and(|reads| reads.iter().any(|(of, name)| of == table && name == column)))
        .map(|view| view.name.clone())
        .collect();
    for view in readers {
        tally.lock(&view, LockMode::AccessExclusive);
    }
}

/// SET NOT NULL: the table is read, unless a constraint proves that there is nothing to find.
pub(super) fn set_not_null(tally: &mut Tally<'_>, table: &Name, column: &Identifier) {
    tally.lock_family(table, LockMode::AccessExclusive);
    for member in tally.family(table) {
        let proven = tally.table(&member).is_some_and(|table| {
            let already = table.column(column).is_some_and(|column| column.not_null) && !has_unchecked_not_null(table, column);
            already || not_null_proven(table, column)
        });
        if !proven {
            tally.scan(&member);
        }
    }
}

/// Whether the column's NOT NULL was added NOT VALID (PostgreSQL 18) and never checked.
fn has_unchecked_not_null(table: &crate::schema::Table, column: &Identifier) -> bool {
    table.constraints.iter().any(|constraint| {
        constraint.validity == Validity::NotValid
            && matches!(&constraint.kind, ConstraintKind::NotNull { column: named } if named == column)
    })
}

/// ALTER COLUMN TYPE.
pub(super) fn change_type(
    tally: &mut Tally<'_>,
    table: &Name,
    column: &Identifier,
    to: &DataType,
    collation: Option<&Name>,
    using: Option<&Sql>,
) {
    tally.lock_family(table, LockMode::AccessExclusive);
    let Some(old) = tally.table(table).and_then(|table| table.column(column)) else {
        tally.rewrite(table);
        return;
    };
    let is_virtual = old.generated.as_ref().is_some_and(|generated| generated.kind == GeneratedKind::Virtual);
    let change = if is_virtual { TypeChange::Metadata } else { type_change(&Retype { column: old, to, collation, using }, tally.before) };
    for member in tally.family(table) {
        retype_member(tally, &member, old, change);
    }
    // A foreign key on the column is made anew on both sides, and checked again if the rows changed.
    for (other, valid) in constraint::other_ends(tally, table, Some(column)) {
        tally.lock_family(&other, LockMode::AccessExclusive);
        if change == TypeChange::Rewrite && valid {
            constraint::validate_foreign_key(tally, table, &other);
        }
    }
    if old.identity.is_some() {
        change_identity(tally, table, column, LockMode::ShareRowExclusive);
    }
}

fn retype_member(tally: &mut Tally<'_>, member: &Name, column: &Column, change: TypeChange) {
    if change == TypeChange::Rewrite {
        tally.rewrite(member);
        return;
    }
    let before = tally.before;
    for (name, index) in before.indexes_of(member) {
        if rebuilds_index(change, index, column) {
            tally.build(member, Some(name.clone()));
        }
    }
    let checked = tally.table(member).is_some_and(|table| {
        table.constraints.iter().any(|constraint| {
            constraint.validity == Validity::Valid
                && constraint.enforcement == Enforcement::Enforced
                && matches!(&constraint.kind, ConstraintKind::Check { expression } if expression.mentions(&column.name))
        })
    });
    if checked {
        tally.scan(member);
    }
}

/// SET EXPRESSION (PostgreSQL 17 on): a stored value is computed anew for every row, a virtual one for none.
pub(super) fn set_expression(tally: &mut Tally<'_>, table: &Name, column: &Identifier) {
    tally.lock_family(table, LockMode::AccessExclusive);
    let is_virtual = tally
        .table(table)
        .and_then(|table| table.column(column))
        .and_then(|column| column.generated.as_ref())
        .is_some_and(|generated| generated.kind == GeneratedKind::Virtual);
    if !is_virtual {
        for member in &tally.family(table) {
            tally.rewrite(member);
        }
    }
}

/// A column becomes generated.
pub(super) fn set_generated(tally: &mut Tally<'_>, table: &Name, generated: &Generated) {
    tally.lock_family(table, LockMode::AccessExclusive);
    if generated.kind == GeneratedKind::Stored {
        for member in &tally.family(table) {
            tally.rewrite(member);
        }
    }
}

/// A change of an identity column locks the sequence behind it too.
pub(super) fn change_identity(tally: &mut Tally<'_>, table: &Name, column: &Identifier, on_sequence: LockMode) {
    tally.lock_family(table, LockMode::AccessExclusive);
    let identity = tally.table(table).and_then(|table| table.column(column)).and_then(|column| column.identity.clone());
    if let Some(identity) = identity {
        tally.lock(&identity.sequence, on_sequence);
    }
}
