//! What a change is about: the table, the column, the other names in it. Never resolves anything; names are as history has
//! resolved them.

use crate::schema::{Catalog, Change, ConstraintKind, Identifier, Name, ObjectKind};

/// The table or view that a change is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is in table_of_part")]
pub(super) fn table<'a>(change: &'a Change, before: &'a Catalog) -> Option<&'a Name> {
    match change {
        Change::CreateTable(create) => Some(&create.table.name),
        Change::AddColumn(add) => Some(&add.table),
        Change::CreateTrigger { trigger, .. } => Some(&trigger.table),
        Change::CreateView { view, .. } => Some(&view.name),
        Change::CreateIndex { index, .. } => Some(&index.table),
        Change::Data(data) => data.writes.first(),
        Change::LockTables { tables, .. } | Change::Maintenance { tables, .. } => tables.first(),
        Change::DropIndex { index, .. }
        | Change::RenameIndex { index, .. }
        | Change::SetIndexOptions { index, .. }
        | Change::ResetIndexOptions { index, .. }
        | Change::SetIndexStatistics { index, .. }
        | Change::AttachIndex { index, .. } => before.indexes.get(index).map(|index| &index.table),
        Change::Reindex { target, .. } => match before.indexes.get(&target.name) {
            Some(index) => Some(&index.table),
            None => (target.kind == ObjectKind::Table).then_some(&target.name),
        },
        Change::DropTable { table, .. }
        | Change::RenameTable { table, .. }
        | Change::SetTableSchema { table, .. }
        | Change::SetPersistence { table, .. }
        | Change::SetTableOptions { table, .. }
        | Change::ResetTableOptions { table, .. }
        | Change::SetTablespace { table, .. }
        | Change::SetAccessMethod { table, .. }
        | Change::SetReplicaIdentity { table, .. }
        | Change::ClusterOn { table, .. }
        | Change::SetRowSecurity { table, .. }
        | Change::AddInheritance { table, .. }
        | Change::DropInheritance { table, .. }
        | Change::SetTypeOfTable { table, .. }
        | Change::AttachPartition { table, .. }
        | Change::DetachPartition { table, .. }
        | Change::SetForeignOptions { table, .. }
        | Change::DropTrigger { table, .. }
        | Change::RenameTrigger { table, .. }
        | Change::EnableTrigger { table, .. }
        | Change::EnableRule { table, .. } => Some(table),
        Change::SetViewOptions { view, .. } | Change::ResetViewOptions { view, .. } | Change::RefreshMaterializedView { view, .. } => {
            Some(view)
        }
        other => table_of_part(other),
    }
}

/// The table of a change to one of its columns or constraints.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no table")]
fn table_of_part(change: &Change) -> Option<&Name> {
    if let Some((table, _)) = column_of(change) {
        return Some(table);
    }
    match change {
        Change::AddConstraint { table, .. }
        | Change::AddConstraintUsingIndex { table, .. }
        | Change::ValidateConstraint { table, .. }
        | Change::AlterConstraint { table, .. }
        | Change::DropConstraint { table, .. }
        | Change::RenameConstraint { table, .. } => Some(table),
        _ => None,
    }
}

/// The table and the column of a change to one column.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no single column")]
fn column_of(change: &Change) -> Option<(&Name, &Identifier)> {
    match change {
        Change::AddColumn(add) => Some((&add.table, &add.column.name)),
        Change::DropColumn { table, column, .. }
        | Change::RenameColumn { table, column, .. }
        | Change::ChangeType { table, column, .. }
        | Change::SetDefault { table, column, .. }
        | Change::DropDefault { table, column, .. }
        | Change::SetNotNull { table, column }
        | Change::DropNotNull { table, column }
        | Change::SetExpression { table, column, .. }
        | Change::DropExpression { table, column, .. }
        | Change::AddIdentity { table, column, .. }
        | Change::SetIdentity { table, column, .. }
        | Change::DropIdentity { table, column, .. }
        | Change::SetGenerated { table, column, .. }
        | Change::SetColumnStatistics { table, column, .. }
        | Change::SetColumnOptions { table, column, .. }
        | Change::ResetColumnOptions { table, column, .. }
        | Change::SetStorage { table, column, .. }
        | Change::SetCompression { table, column, .. } => Some((table, column)),
        Change::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::NotNull { column } => Some((table, column)),
            _ => None,
        },
        _ => None,
    }
}

/// The column that a change is about, where it is about one.
pub(super) fn column(change: &Change) -> Option<&Identifier> {
    column_of(change).map(|(_, column)| column)
}

/// The index that a change is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no index")]
pub(super) fn index(change: &Change) -> Option<&Identifier> {
    match change {
        Change::CreateIndex { index, .. } => index.name.as_ref(),
        Change::DropIndex { index, .. }
        | Change::RenameIndex { index, .. }
        | Change::SetIndexOptions { index, .. }
        | Change::ResetIndexOptions { index, .. }
        | Change::SetIndexStatistics { index, .. }
        | Change::AttachIndex { index, .. } => Some(&index.name),
        Change::Reindex { target, .. } => Some(&target.name.name),
        _ => None,
    }
}

/// The constraint that a change is about, by name.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no single constraint")]
pub(super) fn constraint(change: &Change) -> Option<&Identifier> {
    match change {
        Change::AddConstraint { constraint, .. } => constraint.name.as_ref(),
        Change::AddConstraintUsingIndex { constraint, .. } => constraint.as_ref(),
        Change::ValidateConstraint { constraint, .. }
        | Change::AlterConstraint { constraint, .. }
        | Change::DropConstraint { constraint, .. }
        | Change::RenameConstraint { constraint, .. } => Some(constraint),
        _ => None,
    }
}

/// The table that a foreign key in the change refers to.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change adds no constraint")]
pub(super) fn references(change: &Change) -> Option<&Name> {
    let constraints = match change {
        Change::AddConstraint { constraint, .. } => std::slice::from_ref(constraint),
        Change::AddColumn(add) => &add.constraints,
        _ => &[],
    };
    constraints.iter().find_map(|constraint| Some(&constraint.foreign_key()?.references))
}

/// The new name that a change gives.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other change gives no new name")]
pub(super) fn new_name(change: &Change) -> Option<&Identifier> {
    match change {
        Change::RenameTable { to, .. }
        | Change::RenameColumn { to, .. }
        | Change::RenameConstraint { to, .. }
        | Change::RenameIndex { to, .. }
        | Change::RenameTrigger { to, .. }
        | Change::RenameObject { to, .. }
        | Change::RenameSchema { to, .. }
        | Change::RenameAttribute { to, .. } => Some(to),
        Change::SetTableSchema { schema, .. } | Change::SetObjectSchema { schema, .. } => Some(schema),
        _ => None,
    }
}
