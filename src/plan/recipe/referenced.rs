//! The key that a foreign key references: one that the release itself makes unique is there only from contract on, since old
//! clients may write duplicates until then.

use std::collections::BTreeSet;

use super::Context;
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::schema::index::{IndexElement, IndexKey, Uniqueness};
use crate::schema::{Change, Constraint, ConstraintKind, ForeignKey, Identifier, Index, Name};

/// Whether what the foreign key references becomes unique in this release, and only in contract.
pub(crate) fn comes_in_contract(ctx: &Context<'_>, key: &ForeignKey) -> bool {
    let references = &key.references;
    let Some(key_columns) = ctx.before.key_referenced_by(key).filter(|_| !ctx.is_new_table(references)) else { return false };
    let columns: BTreeSet<&Identifier> = key_columns.iter().collect();
    let is_key = |constraint: &Constraint| match &constraint.kind {
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => key.columns.iter().collect::<BTreeSet<_>>() == columns,
        ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) | ConstraintKind::NotNull { .. } | ConstraintKind::Exclude(_) => false,
    };
    let is_over =
        |index: &Index| index.uniqueness == Uniqueness::Unique && index.predicate.is_none() && plain(index) == Some(columns.clone());
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else makes columns unique")]
    let makes = |planned: &Planned| match planned {
        Planned::Change(Change::CreateIndex { index, .. }) => &index.table == references && is_over(index),
        Planned::Change(Change::AddConstraint { table, constraint }) => table == references && is_key(constraint),
        Planned::Change(Change::AddColumn(add)) => &add.table == references && add.constraints.iter().any(is_key),
        Planned::FilledColumn { add, .. } => &add.table == references && add.constraints.iter().any(is_key),
        _ => false,
    };
    let there = ctx.old.unique_key_on(ctx.name_before_release(references), &key_columns).is_some();
    !there && ctx.earlier().any(|item| makes(&item.planned))
}

/// A foreign key within CREATE TABLE or ADD COLUMN can't come later than the rest.
#[expect(clippy::wildcard_enum_match_arm, reason = "elsewhere a foreign key is a change by itself")]
pub(super) fn refuse_within(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let (table, constraints): (&Name, &[Constraint]) = match change {
        Change::CreateTable(create) => (&create.table.name, &create.table.constraints),
        _ => return Ok(()),
    };
    let early = constraints.iter().find_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey(key) if comes_in_contract(ctx, key) => Some(key),
        ConstraintKind::ForeignKey(_)
        | ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Exclude(_) => None,
    });
    let renamed = constraints.iter().filter_map(Constraint::foreign_key).find_map(|key| {
        let column = key.referenced_columns.iter().find(|column| ctx.is_renamed_to(&key.references, column))?;
        (!ctx.is_new_table(&key.references)).then_some((&key.references, column))
    });
    if let Some((references, column)) = renamed {
        return Err(ctx.refuse(
            format!("{table} references {references}.{column}, which this release renames: under that name it is unique in contract only"),
            "put the new table, or its foreign key, into the next release",
        ));
    }
    match early {
        None => Ok(()),
        Some(key) => Err(ctx.refuse(
            format!("{table} references a key of {} that becomes unique in the same release, which is in contract", key.references),
            format!("write the foreign key as a statement of its own, ALTER TABLE {table} ADD FOREIGN KEY …: it comes in contract too"),
        )),
    }
}

/// The columns of an index that is over nothing else.
fn plain(index: &Index) -> Option<BTreeSet<&Identifier>> {
    index.elements.iter().map(column).collect()
}

fn column(element: &IndexElement) -> Option<&Identifier> {
    match &element.key {
        IndexKey::Column(name) => Some(name),
        IndexKey::Expression(_) => None,
    }
}
