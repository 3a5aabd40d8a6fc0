//! What came with which version: a statement of a newer one would fail in the middle of a deploy.

use crate::schema::change::{Concurrency, OnConflict, Verb};
use crate::schema::column::GeneratedKind;
use crate::schema::constraint::Enforcement;
use crate::schema::{Change, Column, Constraint, ConstraintKind, Key, NullsDistinct};

/// The major version with which the change, as it is written, came, where that is after 13; and what it is.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is as old as version 13, or isn't told apart")]
pub fn since(change: &Change) -> Option<(u32, &'static str)> {
    match change {
        Change::DetachPartition { concurrency: Concurrency::Concurrently, .. } => Some((14, "DETACH PARTITION … CONCURRENTLY")),
        Change::DetachPartition { finalize: true, .. } => Some((14, "DETACH PARTITION … FINALIZE")),
        Change::CreateTrigger { on_conflict: OnConflict::Replace, .. } => Some((14, "CREATE OR REPLACE TRIGGER")),
        Change::Data(data) if data.verb == Verb::Merge => Some((15, "MERGE")),
        Change::CreateIndex { index, .. } => of_nulls(index.nulls),
        Change::AddConstraint { constraint, .. } => of_constraint(constraint),
        Change::AddColumn(add) => of_column(&add.column).or_else(|| newest(add.constraints.iter().filter_map(of_constraint))),
        Change::CreateTable(create) => {
            let columns = create.table.columns.iter().filter_map(of_column);
            newest(columns.chain(create.table.constraints.iter().filter_map(of_constraint)))
        }
        _ => None,
    }
}

fn newest(all: impl Iterator<Item = (u32, &'static str)>) -> Option<(u32, &'static str)> {
    all.max_by_key(|(major, _)| *major)
}

fn of_nulls(nulls: NullsDistinct) -> Option<(u32, &'static str)> {
    (nulls == NullsDistinct::NotDistinct).then_some((15, "NULLS NOT DISTINCT"))
}

fn of_column(column: &Column) -> Option<(u32, &'static str)> {
    let kind = column.generated.as_ref().map(|generated| generated.kind);
    (kind == Some(GeneratedKind::Virtual)).then_some((18, "a virtual generated column"))
}

fn of_constraint(constraint: &Constraint) -> Option<(u32, &'static str)> {
    if constraint.enforcement == Enforcement::NotEnforced {
        return Some((18, "NOT ENFORCED"));
    }
    match &constraint.kind {
        ConstraintKind::Unique(Key { without_overlaps: true, .. }) | ConstraintKind::PrimaryKey(Key { without_overlaps: true, .. }) => {
            Some((18, "WITHOUT OVERLAPS"))
        }
        ConstraintKind::NotNull { .. } => Some((18, "a named or unchecked NOT NULL constraint")),
        ConstraintKind::Unique(key) => of_nulls(key.nulls),
        ConstraintKind::Check { .. } | ConstraintKind::PrimaryKey(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) => None,
    }
}
