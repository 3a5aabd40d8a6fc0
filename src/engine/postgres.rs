//! PostgreSQL 12 to 18: what every change locks, reads, builds and writes anew. Each fact was measured on running servers;
//! `fixtures/engine` holds the measurements, and a test compares. Never looks at a database: a change and the schema before
//! it decide.

mod column;
mod constraint;
mod index;
mod not_null;
mod object;
mod pass;
mod since;
mod partition;
mod spelling;
mod table;
mod tally;
mod type_change;
mod volatility;
mod wire;

pub use not_null::not_null_proven;
pub(super) use pass::overtakes;
pub use since::since;
pub use type_change::{Retype, TypeChange, is_constrained_domain, type_change};
pub use volatility::{is_null, volatility};
pub use wire::same_to_clients;

use super::{Effects, LockMode};
use crate::schema::{Catalog, Change};
use tally::Tally;

/// What `change` does to what is there before it, on version `major`.
#[expect(clippy::too_many_lines, clippy::match_same_arms, reason = "one line a change in the order of `Change`, so that none is forgotten")]
pub fn effects(major: u32, change: &Change, before: &Catalog) -> Effects {
    let mut tally = Tally::new(major, before);
    match change {
        // Tables
        Change::CreateTable(create) => table::create(&mut tally, create),
        Change::DropTable { table, behavior, .. } => table::drop(&mut tally, table, *behavior),
        Change::RenameTable { table, .. } => tally.lock(table, LockMode::AccessExclusive),
        Change::SetTableSchema { table, .. } => table::set_schema(&mut tally, table),
        Change::SetPersistence { table, persistence } => table::set_persistence(&mut tally, table, *persistence),
        Change::SetTableOptions { table, options } => table::set_options(&mut tally, table, options.keys()),
        Change::ResetTableOptions { table, options } => table::set_options(&mut tally, table, options),
        Change::SetTablespace { table, tablespace } => table::set_tablespace(&mut tally, table, tablespace),
        Change::SetAccessMethod { table, method } => table::set_access_method(&mut tally, table, method.as_ref()),
        Change::SetReplicaIdentity { table, .. } | Change::SetRowSecurity { table, .. } | Change::SetTypeOfTable { table, .. } => {
            tally.lock(table, LockMode::AccessExclusive);
        }
        Change::ClusterOn { table, .. } => tally.lock(table, LockMode::ShareUpdateExclusive),
        Change::AddInheritance { table, parent } => table::add_inheritance(&mut tally, table, parent),
        Change::DropInheritance { table, parent } => table::drop_inheritance(&mut tally, table, parent),
        Change::SetForeignOptions { table, .. } => tally.lock(table, LockMode::AccessExclusive),
        Change::AttachPartition { table, partition, bound } => partition::attach(&mut tally, table, partition, bound),
        Change::DetachPartition { table, partition, concurrency, finalize } => {
            partition::detach(&mut tally, table, partition, *concurrency, *finalize);
        }

        // Columns
        Change::AddColumn(add) => column::add(&mut tally, add),
        Change::DropColumn { table, column, .. } => column::drop(&mut tally, table, column),
        Change::ChangeType { table, column, data_type, collation, using } => {
            column::change_type(&mut tally, table, column, data_type, collation.as_ref(), using.as_ref());
        }
        Change::SetNotNull { table, column } => column::set_not_null(&mut tally, table, column),
        Change::SetExpression { table, column, .. } => column::set_expression(&mut tally, table, column),
        Change::SetGenerated { table, generated, .. } => column::set_generated(&mut tally, table, generated),
        Change::AddIdentity { table, .. } => tally.lock_family(table, LockMode::AccessExclusive),
        Change::SetIdentity { table, column, .. } => column::change_identity(&mut tally, table, column, LockMode::ShareRowExclusive),
        Change::DropIdentity { table, column, .. } => column::change_identity(&mut tally, table, column, LockMode::AccessExclusive),
        Change::RenameColumn { table, .. }
        | Change::SetDefault { table, .. }
        | Change::DropDefault { table, .. }
        | Change::DropNotNull { table, .. }
        | Change::DropExpression { table, .. }
        | Change::SetStorage { table, .. }
        | Change::SetCompression { table, .. } => tally.lock_family(table, LockMode::AccessExclusive),
        Change::SetColumnStatistics { table, .. } | Change::SetColumnOptions { table, .. } | Change::ResetColumnOptions { table, .. } => {
            tally.lock_family(table, LockMode::ShareUpdateExclusive);
        }

        // Constraints
        Change::AddConstraint { table, constraint } => constraint::add(&mut tally, table, constraint),
        Change::AddConstraintUsingIndex { table, index, primary, .. } => constraint::add_using_index(&mut tally, table, index, *primary),
        Change::ValidateConstraint { table, constraint } => constraint::validate(&mut tally, table, constraint),
        Change::AlterConstraint { table, constraint, enforcement, no_inherit, .. } => {
            constraint::alter(&mut tally, table, constraint, *enforcement, *no_inherit);
        }
        Change::DropConstraint { table, constraint, behavior, .. } => constraint::drop(&mut tally, table, constraint, *behavior),
        Change::RenameConstraint { table, .. } => tally.lock_family(table, LockMode::AccessExclusive),

        // Indexes
        Change::CreateIndex { index, concurrency, .. } => index::create(&mut tally, index, *concurrency),
        Change::DropIndex { index, concurrency, behavior, .. } => index::drop(&mut tally, index, *concurrency, *behavior),
        Change::RenameIndex { index, .. } => index::rename(&mut tally, index),
        Change::SetIndexStatistics { index, .. } => tally.lock(index, LockMode::ShareUpdateExclusive),
        Change::SetIndexOptions { index, options } => index::set_options(&mut tally, index, options.keys()),
        Change::ResetIndexOptions { index, options } => index::set_options(&mut tally, index, options),
        Change::AttachIndex { index, child } => index::attach(&mut tally, index, child),
        Change::Reindex { target, concurrency } => index::reindex(&mut tally, target, *concurrency),

        // Triggers, rules
        Change::CreateTrigger { trigger, .. } => tally.lock_partitions(&trigger.table, LockMode::ShareRowExclusive),
        Change::EnableTrigger { table, .. } => tally.lock_partitions(table, LockMode::ShareRowExclusive),
        Change::DropTrigger { table, trigger, .. } => table::drop_trigger(&mut tally, table, trigger),
        Change::RenameTrigger { table, .. } => tally.lock_partitions(table, LockMode::AccessExclusive),
        Change::EnableRule { table, .. } => tally.lock(table, LockMode::AccessExclusive),

        // Sequences
        Change::AlterSequence { sequence, data_type, .. } => object::alter_sequence(&mut tally, sequence, data_type.as_ref()),

        // Types
        Change::ChangeAttributeType { name, .. } => object::retype_attribute(&mut tally, name),
        Change::AddAttribute { name, .. } | Change::DropAttribute { name, .. } | Change::RenameAttribute { name, .. } => {
            object::alter_composite(&mut tally, name);
        }
        Change::SetDomainNotNull { name, not_null: true } | Change::ValidateDomainConstraint { name, .. } => {
            object::check_domain(&mut tally, name);
        }
        Change::AddDomainConstraint { name, validity, .. } => object::add_domain_constraint(&mut tally, name, *validity),
        Change::CreateSequence { .. }
        | Change::CreateType(_)
        | Change::AddEnumValue { .. }
        | Change::RenameEnumValue { .. }
        | Change::SetDomainDefault { .. }
        | Change::SetDomainNotNull { not_null: false, .. }
        | Change::DropDomainConstraint { .. }
        | Change::RenameDomainConstraint { .. } => {}

        // Views
        Change::CreateView { view, .. } => object::create_view(&mut tally, view),
        Change::SetViewOptions { view, .. } | Change::ResetViewOptions { view, .. } => object::set_view_options(&mut tally, view),
        Change::RefreshMaterializedView { view, concurrency, with_data } => {
            object::refresh(&mut tally, view, *concurrency, *with_data);
        }

        // Anything else
        Change::DropExtension { behavior, .. } => object::drop_extension(&mut tally, change, *behavior),
        Change::DropObject { object, behavior, .. } => object::drop(&mut tally, change, object, *behavior),
        Change::DropSchema { schema, .. } => object::drop_schema(&mut tally, schema),
        Change::RenameObject { object, .. } | Change::SetObjectSchema { object, .. } => object::rename(&mut tally, object),
        Change::SetOwner { object, .. } => object::set_owner(&mut tally, object),
        Change::Comment { object, .. } => object::comment(&mut tally, object),
        Change::Grant(grant) | Change::Revoke { grant, .. } => object::grant(&mut tally, grant),
        Change::CreateObject { definition, .. } => object::create(&mut tally, definition),
        Change::AlterObject { object, statement } => object::alter(&mut tally, object, statement),
        Change::LockTables { tables, mode } => object::lock_tables(&mut tally, tables, mode),
        Change::Maintenance { command, tables, .. } => object::maintain(&mut tally, command, tables),
        Change::Data(data) => object::change_rows(&mut tally, data),
        Change::Opaque { statement, touches, .. } => object::opaque(&mut tally, statement, touches),
        Change::CreateRoutine { .. }
        | Change::CreateSchema { .. }
        | Change::RenameSchema { .. }
        | Change::CreateExtension { .. }
        | Change::SetSearchPath { .. }
        | Change::SetParameter { .. }
        | Change::TransactionControl { .. } => {}
    }
    tally.finish()
}
