//! One change, folded. Either all of it or, where it doesn't fit, nothing; must never guess about what an unreadable
//! statement may have touched.

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::{Change, Touches};
use crate::schema::object::ObjectKind;

impl Catalog {
    /// The schema after `change`, whose names are resolved ([`Catalog::resolve`]).
    ///
    /// # Errors
    ///
    /// If the change surely doesn't fit; the catalog is then as before.
    pub fn apply(&mut self, change: &Change) -> Result<(), CatalogError> {
        let mut next = self.clone();
        match next.fold(change) {
            Ok(()) => {
                *self = next;
                Ok(())
            }
            // What is in the way may long be gone, and what is missing may have come: nobody can tell.
            Err(_) if self.unknown_all => Ok(()),
            Err(error) => Err(error),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each change, and no change left out")]
    fn fold(&mut self, change: &Change) -> Result<(), CatalogError> {
        match change {
            Change::CreateTable(create) => self.create_table(create),
            Change::DropTable { table, behavior, if_exists } => self.drop_relation(ObjectKind::Table, table, *behavior, *if_exists),
            Change::RenameTable { table, to } => self.rename_relation(table, to),
            Change::SetTableSchema { table, schema } => self.set_relation_schema(table, schema),
            Change::SetPersistence { table, persistence } => self.on_table(table, |found| found.persistence = *persistence),
            Change::SetTableOptions { table, options } => self.set_options(table, options),
            Change::ResetTableOptions { table, options } => self.reset_options(table, options),
            Change::SetTablespace { table, tablespace } => self.set_tablespace(table, tablespace),
            Change::SetAccessMethod { table, method } => self.set_access_method(table, method.as_ref()),
            Change::SetReplicaIdentity { table, identity } => self.set_replica_identity(table, identity),
            Change::ClusterOn { table, index } => self.cluster_on(table, index.as_ref()),
            Change::SetRowSecurity { table, enabled, forced } => self.on_table(table, |found| {
                found.row_security = enabled.unwrap_or(found.row_security);
                found.force_row_security = forced.unwrap_or(found.force_row_security);
            }),
            Change::AddInheritance { table, parent } => self.add_inheritance(table, parent),
            Change::DropInheritance { table, parent } => self.drop_inheritance(table, parent),
            Change::SetTypeOfTable { table, of_type } => self.on_table(table, |found| found.of_type.clone_from(of_type)),
            Change::AttachPartition { table, partition, bound } => self.attach_partition(table, partition, bound),
            Change::DetachPartition { table, partition, .. } => self.detach_partition(table, partition),
            Change::SetForeignOptions { table, column, options } => self.set_foreign_options(table, column.as_ref(), options),

            Change::AddColumn(add) => self.add_column(add),
            Change::DropColumn { table, column, behavior, if_exists } => self.drop_column(table, column, *behavior, *if_exists),
            Change::RenameColumn { table, column, to } => self.rename_column(table, column, to),
            Change::ChangeType { table, column, data_type, collation, .. } => {
                self.change_type(table, column, data_type, collation.as_ref())
            }
            Change::SetDefault { table, column, default, only } => self.set_default(table, column, Some(default), *only),
            Change::DropDefault { table, column, only } => self.set_default(table, column, None, *only),
            Change::SetNotNull { table, column } => self.set_not_null(table, column),
            Change::DropNotNull { table, column } => self.drop_not_null(table, column),
            Change::SetExpression { table, column, expression } => self.set_expression(table, column, expression),
            Change::DropExpression { table, column, if_exists } => self.drop_expression(table, column, *if_exists),
            Change::AddIdentity { table, column, kind, options } => self.add_identity(table, column, *kind, options),
            Change::SetIdentity { table, column, kind, options } => self.set_identity(table, column, *kind, options),
            Change::DropIdentity { table, column, if_exists } => self.drop_identity(table, column, *if_exists),
            Change::SetGenerated { table, column, generated } => {
                self.on_column(table, column, |found| found.generated = Some(generated.clone()))
            }
            Change::SetColumnStatistics { table, column, target } => {
                self.on_column_and_below(table, column, |found| found.statistics = target.filter(|target| *target >= 0))
            }
            Change::SetIndexStatistics { index, column, target } => self.set_index_statistics(index, *column, *target),
            Change::SetColumnOptions { table, column, options } => {
                self.on_column(table, column, |found| crate::schema::options::set(&mut found.options, options))
            }
            Change::ResetColumnOptions { table, column, options } => {
                self.on_column(table, column, |found| found.options.retain(|name, _| !options.contains(name)))
            }
            Change::SetStorage { table, column, storage } => self.set_storage(table, column, storage),
            Change::SetCompression { table, column, compression } => self.set_compression(table, column, compression.as_ref()),

            Change::AddConstraint { table, constraint } => self.add_constraint(table, constraint),
            Change::AddConstraintUsingIndex { table, constraint, index, primary, timing } => {
                self.add_constraint_using_index(table, constraint.as_ref(), index, *primary, *timing)
            }
            Change::ValidateConstraint { table, constraint } => self.validate_constraint(table, constraint),
            Change::AlterConstraint { table, constraint, timing, enforcement, no_inherit } => {
                self.alter_constraint(table, constraint, *timing, *enforcement, *no_inherit)
            }
            Change::DropConstraint { table, constraint, behavior, if_exists } => {
                self.drop_constraint(table, constraint, *behavior, *if_exists)
            }
            Change::RenameConstraint { table, constraint, to } => self.rename_constraint(table, constraint, to),

            Change::CreateIndex { index, if_not_exists, .. } => self.create_index(index, *if_not_exists),
            Change::DropIndex { index, behavior, if_exists, .. } => self.drop_relation(ObjectKind::Index, index, *behavior, *if_exists),
            Change::RenameIndex { index, to } => self.rename_relation(index, to),
            Change::SetIndexOptions { index, options } => self.set_options(index, options),
            Change::ResetIndexOptions { index, options } => self.reset_options(index, options),
            Change::AttachIndex { index, child } => self.attach_index(index, child),

            Change::CreateTrigger { trigger, on_conflict } => self.create_trigger(trigger, *on_conflict),
            Change::DropTrigger { table, trigger, if_exists } => self.drop_trigger(table, trigger, *if_exists),
            Change::RenameTrigger { table, trigger, to } => self.rename_trigger(table, trigger, to),
            Change::EnableTrigger { table, triggers, enabled } => self.enable_triggers(table, triggers, *enabled),
            Change::EnableRule { table, rule, enabled } => self.enable_rule(table, rule, *enabled),

            Change::CreateSequence { sequence, if_not_exists } => self.create_sequence(sequence, *if_not_exists),
            Change::AlterSequence { sequence, data_type, options, owned_by, if_exists } => {
                self.alter_sequence(sequence, data_type.as_ref(), options, owned_by.as_ref(), *if_exists)
            }

            Change::CreateType(user_type) => self.create_type(user_type),
            Change::AddEnumValue { name, value, before, after, if_not_exists } => {
                self.add_enum_value(name, value, before.as_deref(), after.as_deref(), *if_not_exists)
            }
            Change::RenameEnumValue { name, value, to } => self.rename_enum_value(name, value, to),
            Change::AddAttribute { name, attribute, data_type, collation, .. } => {
                self.add_attribute(name, attribute, data_type, collation.as_ref())
            }
            Change::DropAttribute { name, attribute, if_exists, .. } => self.drop_attribute(name, attribute, *if_exists),
            Change::ChangeAttributeType { name, attribute, data_type, .. } => self.change_attribute_type(name, attribute, data_type),
            Change::RenameAttribute { name, attribute, to, .. } => self.rename_attribute(name, attribute, to),
            Change::SetDomainDefault { name, default } => self.set_domain_default(name, default.as_ref()),
            Change::SetDomainNotNull { name, not_null } => self.set_domain_not_null(name, *not_null),
            Change::AddDomainConstraint { name, constraint, check, validity } => {
                self.add_domain_constraint(name, constraint.as_ref(), check, *validity)
            }
            Change::DropDomainConstraint { name, constraint, if_exists, .. } => self.drop_domain_constraint(name, constraint, *if_exists),
            Change::ValidateDomainConstraint { name, constraint } => self.validate_domain_constraint(name, constraint),
            Change::RenameDomainConstraint { name, constraint, to } => self.rename_domain_constraint(name, constraint, to),

            Change::CreateView { view, column_names, on_conflict, .. } => self.create_view(view, column_names, *on_conflict),
            Change::SetViewOptions { view, options } => self.set_options(view, options),
            Change::ResetViewOptions { view, options } => self.reset_options(view, options),
            Change::RefreshMaterializedView { view, with_data, .. } => self.refresh(view, *with_data),

            Change::CreateRoutine { routine, on_conflict } => self.create_routine(routine, *on_conflict),

            Change::CreateSchema { schema, if_not_exists, owner } => self.create_schema(schema, *if_not_exists, owner.as_ref()),
            Change::RenameSchema { schema, to } => self.rename_schema(schema, to),
            Change::DropSchema { schema, behavior, if_exists } => self.drop_schema(schema, *behavior, *if_exists),
            Change::CreateExtension { extension, schema, if_not_exists, .. } => {
                self.create_extension(extension, schema.as_ref(), *if_not_exists)
            }
            Change::DropExtension { extension, behavior, if_exists } => self.drop_extension(extension, *behavior, *if_exists),

            Change::CreateObject { definition, on_conflict } => self.create_object(definition, *on_conflict),
            Change::AlterObject { object, statement } => self.alter_object(object, statement),
            Change::DropObject { object, behavior, if_exists } => self.drop_object(object, *behavior, *if_exists),
            Change::RenameObject { object, to } => self.rename_object(object, to),
            Change::SetObjectSchema { object, schema } => self.set_object_schema(object, schema),
            Change::SetOwner { object, owner } => self.set_owner(object, owner),
            Change::Comment { object, text } => self.comment(object, text.as_deref()),
            Change::Grant(grant) => self.grant(grant),
            Change::Revoke { grant, .. } => self.revoke(grant),

            Change::SetSearchPath { schemas, .. } => {
                self.search_path.clone_from(schemas);
                Ok(())
            }
            Change::Opaque { touches, .. } => {
                self.touch(touches);
                Ok(())
            }
            Change::LockTables { tables, .. } | Change::Maintenance { tables, .. } => {
                tables.iter().try_for_each(|table| self.expect_relation(table))
            }
            Change::Reindex { target, .. } => self.expect_object(target).map(|_| ()),
            Change::Data(data) => {
                self.call(&data.calls);
                self.expect_rows(data)
            }
            Change::SetParameter { .. } | Change::TransactionControl { .. } => Ok(()),
        }
    }

    fn touch(&mut self, touches: &Touches) {
        match touches {
            Touches::Nothing => {}
            Touches::Objects(objects) => self.unknown.extend(objects.iter().cloned()),
            Touches::Anything => self.unknown_all = true,
        }
    }
}
