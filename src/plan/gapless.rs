//! Contract without a gap: what a new unique index holds apart is built before an old one goes, so that no duplicate comes in
//! between, and ON CONFLICT of new clients has an index to rest on.

use super::draft::Draft;
use super::release::{Item, Planned};
use crate::schema::{Catalog, Change, ConstraintKind, Identifier, Name, Uniqueness};

/// Moves each build of a unique index, with the repairs before it, to where the first unique rule of its table goes that the
/// release drops before.
pub(super) fn close_gaps(mut contract: Vec<(&Item, Draft)>) -> Vec<(&Item, Draft)> {
    put_off_foreign_keys(&mut contract);
    for at in 0..contract.len() {
        let (item, draft) = &contract[at];
        let Some((table, columns)) = adds(item).filter(|_| draft.slug == "create-index") else { continue };
        let Some(gap) = contract[..at].iter().position(|(other, _)| !std::ptr::eq(*other, *item) && drops(other, table)) else { continue };
        let between = contract[gap..at].iter().map(|(other, _)| *other);
        let before = &contract[gap].0.before;
        let name = draft.subject.strip_prefix(&format!("{table}.")).unwrap_or_default();
        let is_taken = before.indexes.contains_key(&table.sibling(Identifier::from(name)));
        if is_taken || !is_there(before, table, &columns) || between.into_iter().any(|other| moves(other, table)) {
            continue;
        }
        let item = *item;
        let start = contract.iter().position(|(other, _)| std::ptr::eq(*other, item)).unwrap_or(at);
        if start > gap {
            contract[gap..=at].rotate_right(at + 1 - start);
        }
    }
    contract
}

/// Moves each drop of a foreign key behind the steps that bring another one over its columns: those may have to wait.
fn put_off_foreign_keys(contract: &mut Vec<(&Item, Draft)>) {
    let key = |item: &Item, drops: bool| {
        let Planned::Change(change) = &item.planned else { return None };
        let (table, found) = if let Change::DropConstraint { table, constraint, .. } = change {
            (table, item.before.tables.get(table)?.constraint(constraint).filter(|_| drops)?)
        } else if let Change::AddConstraint { table, constraint } = change {
            (table, Some(constraint).filter(|_| !drops && item.instead_of.is_none())?)
        } else {
            return None;
        };
        Some((table.clone(), found.foreign_key()?.columns.clone()))
    };
    for at in 0..contract.len() {
        let item = contract[at].0;
        let Some((table, columns)) = key(item, true) else { continue };
        let follows = |other: &Item| key(other, false).is_some_and(|(on, of)| on == table && columns.iter().all(|name| of.contains(name)));
        let Some(last) = contract.iter().rposition(|(other, _)| follows(other)).filter(|last| *last > at) else { continue };
        let between = contract[at + 1..=last].iter().map(|(other, _)| *other);
        if between.clone().all(|other| follows(other) || adds(other).is_some()) {
            contract[at..=last].rotate_left(1);
        }
    }
}

/// The table and the columns of the unique rule that it adds.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else adds one")]
fn adds(item: &Item) -> Option<(&Name, Vec<Identifier>)> {
    let Planned::Change(change) = &item.planned else { return None };
    match change {
        Change::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::Unique(key) => Some((table, key.columns.clone())),
            ConstraintKind::PrimaryKey(_)
            | ConstraintKind::ForeignKey(_)
            | ConstraintKind::Check { .. }
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Exclude(_) => None,
        },
        Change::CreateIndex { index, .. } if index.uniqueness == Uniqueness::Unique => Some((&index.table, index.columns())),
        _ => None,
    }
}

/// Whether it drops a unique rule of the table, or makes another of the same name.
fn drops(item: &Item, of: &Name) -> bool {
    let planned = if let Planned::Change(change) = &item.planned { Some(change) } else { None };
    planned.into_iter().chain(item.instead_of.as_deref()).any(|change| drops_unique(item, change, of))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else drops one alone")]
fn drops_unique(item: &Item, change: &Change, of: &Name) -> bool {
    match change {
        Change::DropConstraint { table, constraint, .. } if table == of => {
            let found = item.before.tables.get(table).and_then(|table| table.constraint(constraint));
            found.is_some_and(|found| matches!(found.kind, ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_)))
        }
        Change::DropIndex { index, .. } => {
            item.before.indexes.get(index).is_some_and(|found| &found.table == of && found.uniqueness == Uniqueness::Unique)
        }
        _ => false,
    }
}

fn is_there(before: &Catalog, table: &Name, columns: &[Identifier]) -> bool {
    before.tables.get(table).is_some_and(|table| columns.iter().all(|column| table.column(column).is_some()))
}

/// Whether it makes another column of one, or another table of this one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest leaves columns what they are")]
fn moves(item: &Item, of: &Name) -> bool {
    let Planned::Change(change) = &item.planned else { return true };
    match change {
        Change::RenameColumn { table, .. }
        | Change::ChangeType { table, .. }
        | Change::DropColumn { table, .. }
        | Change::RenameTable { table, .. }
        | Change::SetTableSchema { table, .. }
        | Change::DropTable { table, .. } => table == of,
        // Rows that are changed in between may be what the key needs.
        Change::Data(data) => data.writes.contains(of),
        Change::Opaque { .. } => true,
        _ => false,
    }
}
