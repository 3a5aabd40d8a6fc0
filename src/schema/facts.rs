//! What can be told of a change without looking at a schema: its class, and what it is about.

use super::change::{Change, Class, OnConflict};
use super::name::Name;
use super::object::ObjectKind;

impl Change {
    /// What it does to clients of the release before.
    #[expect(clippy::too_many_lines, reason = "one line for each kind of change")]
    #[expect(clippy::wildcard_enum_match_arm, reason = "of what is kept as its CREATE statement only these restrict anybody")]
    pub fn class(&self) -> Class {
        match self {
            Self::CreateTable(_)
            | Self::CreateIndex { .. }
            | Self::CreateSequence { .. }
            | Self::CreateType(_)
            | Self::AddEnumValue { .. }
            | Self::CreateSchema { .. }
            | Self::CreateExtension { .. }
            | Self::CreateTrigger { .. }
            | Self::AttachIndex { .. }
            | Self::SetTableOptions { .. }
            | Self::ResetTableOptions { .. }
            | Self::ClusterOn { .. }
            | Self::SetColumnStatistics { .. }
            | Self::SetIndexStatistics { .. }
            | Self::SetColumnOptions { .. }
            | Self::ResetColumnOptions { .. }
            | Self::SetStorage { .. }
            | Self::SetCompression { .. }
            | Self::SetIndexOptions { .. }
            | Self::ResetIndexOptions { .. }
            | Self::RenameConstraint { .. }
            | Self::RenameIndex { .. }
            | Self::RenameTrigger { .. }
            | Self::SetDefault { .. }
            | Self::AlterSequence { .. }
            | Self::SetDomainDefault { .. }
            | Self::Comment { .. }
            | Self::Grant(_)
            | Self::SetSearchPath { .. }
            | Self::SetParameter { .. }
            | Self::TransactionControl { .. }
            | Self::LockTables { .. }
            | Self::Maintenance { .. }
            | Self::Reindex { .. } => Class::Additive,
            Self::AddColumn(add) => {
                if add.column.not_null && add.column.default.is_none() && !add.serial {
                    Class::Tightening
                } else {
                    Class::Additive
                }
            }
            Self::CreateView { on_conflict, .. } | Self::CreateRoutine { on_conflict, .. } => match on_conflict {
                OnConflict::Replace => Class::Replacing,
                OnConflict::Fail | OnConflict::Skip => Class::Additive,
            },
            Self::CreateObject { definition, .. } => match definition.object.kind {
                ObjectKind::Policy | ObjectKind::Rule | ObjectKind::EventTrigger => Class::Tightening,
                _ => Class::Additive,
            },
            Self::DropNotNull { .. } | Self::RenameDomainConstraint { .. } | Self::DropDomainConstraint { .. } => Class::Loosening,
            Self::AddConstraint { .. }
            | Self::AddConstraintUsingIndex { .. }
            | Self::ValidateConstraint { .. }
            | Self::AlterConstraint { .. }
            | Self::SetNotNull { .. }
            | Self::SetRowSecurity { .. }
            | Self::AddIdentity { .. }
            | Self::SetIdentity { .. }
            | Self::SetDomainNotNull { .. }
            | Self::AddDomainConstraint { .. }
            | Self::ValidateDomainConstraint { .. }
            | Self::AttachPartition { .. }
            | Self::EnableTrigger { .. }
            | Self::EnableRule { .. }
            | Self::SetReplicaIdentity { .. }
            | Self::DropDefault { .. } => Class::Tightening,
            Self::DropTable { .. }
            | Self::DropColumn { .. }
            | Self::DropConstraint { .. }
            | Self::DropIndex { .. }
            | Self::DropTrigger { .. }
            | Self::DropAttribute { .. }
            | Self::DropSchema { .. }
            | Self::DropExtension { .. }
            | Self::DropObject { .. }
            | Self::DropIdentity { .. }
            | Self::DropExpression { .. }
            | Self::DropInheritance { .. }
            | Self::DetachPartition { .. }
            | Self::Revoke { .. } => Class::Removing,
            Self::RenameTable { .. }
            | Self::SetTableSchema { .. }
            | Self::SetPersistence { .. }
            | Self::SetTablespace { .. }
            | Self::SetAccessMethod { .. }
            | Self::AddInheritance { .. }
            | Self::SetTypeOfTable { .. }
            | Self::SetForeignOptions { .. }
            | Self::RenameColumn { .. }
            | Self::ChangeType { .. }
            | Self::SetExpression { .. }
            | Self::SetGenerated { .. }
            | Self::RenameEnumValue { .. }
            | Self::AddAttribute { .. }
            | Self::ChangeAttributeType { .. }
            | Self::RenameAttribute { .. }
            | Self::SetViewOptions { .. }
            | Self::ResetViewOptions { .. }
            | Self::RenameSchema { .. }
            | Self::AlterObject { .. }
            | Self::RenameObject { .. }
            | Self::SetObjectSchema { .. }
            | Self::SetOwner { .. } => Class::Replacing,
            Self::RefreshMaterializedView { .. } | Self::Data(_) => Class::Data,
            Self::Opaque { .. } => Class::Opaque,
        }
    }

    /// The table, view, sequence or type that it is about, where there is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is about no relation")]
    pub fn relation(&self) -> Option<&Name> {
        match self {
            Self::CreateTable(create) => Some(&create.table.name),
            Self::AddColumn(add) => Some(&add.table),
            Self::DropTable { table, .. }
            | Self::RenameTable { table, .. }
            | Self::SetTableSchema { table, .. }
            | Self::SetPersistence { table, .. }
            | Self::SetTableOptions { table, .. }
            | Self::ResetTableOptions { table, .. }
            | Self::SetTablespace { table, .. }
            | Self::SetAccessMethod { table, .. }
            | Self::SetReplicaIdentity { table, .. }
            | Self::ClusterOn { table, .. }
            | Self::SetRowSecurity { table, .. }
            | Self::AddInheritance { table, .. }
            | Self::DropInheritance { table, .. }
            | Self::SetTypeOfTable { table, .. }
            | Self::AttachPartition { table, .. }
            | Self::DetachPartition { table, .. }
            | Self::SetForeignOptions { table, .. }
            | Self::DropColumn { table, .. }
            | Self::RenameColumn { table, .. }
            | Self::ChangeType { table, .. }
            | Self::SetDefault { table, .. }
            | Self::DropDefault { table, .. }
            | Self::SetNotNull { table, .. }
            | Self::DropNotNull { table, .. }
            | Self::SetExpression { table, .. }
            | Self::DropExpression { table, .. }
            | Self::AddIdentity { table, .. }
            | Self::SetIdentity { table, .. }
            | Self::DropIdentity { table, .. }
            | Self::SetGenerated { table, .. }
            | Self::SetColumnStatistics { table, .. }
            | Self::SetColumnOptions { table, .. }
            | Self::ResetColumnOptions { table, .. }
            | Self::SetStorage { table, .. }
            | Self::SetCompression { table, .. }
            | Self::AddConstraint { table, .. }
            | Self::AddConstraintUsingIndex { table, .. }
            | Self::ValidateConstraint { table, .. }
            | Self::AlterConstraint { table, .. }
            | Self::DropConstraint { table, .. }
            | Self::RenameConstraint { table, .. }
            | Self::DropTrigger { table, .. }
            | Self::RenameTrigger { table, .. }
            | Self::EnableTrigger { table, .. }
            | Self::EnableRule { table, .. } => Some(table),
            Self::CreateIndex { index, .. } => Some(&index.table),
            Self::CreateTrigger { trigger, .. } => Some(&trigger.table),
            Self::CreateView { view, .. } => Some(&view.name),
            Self::SetViewOptions { view, .. } | Self::ResetViewOptions { view, .. } | Self::RefreshMaterializedView { view, .. } => {
                Some(view)
            }
            Self::CreateSequence { sequence, .. } => Some(&sequence.name),
            Self::AlterSequence { sequence, .. } => Some(sequence),
            Self::Data(data) => data.writes.first(),
            Self::CreateObject { definition, .. } => match definition.object.kind {
                ObjectKind::Policy | ObjectKind::Rule => Some(&definition.object.name),
                _ => None,
            },
            _ => None,
        }
    }
}
