//! Every name inside a change, shown to a visitor. Must never leave one out: what isn't shown isn't resolved.

use super::walk::{self, Role, Visitor};
use crate::schema::change::{Change, CreateTable, DataChange, Touches};
use crate::schema::name::Name;
use crate::schema::object::ObjectKind;
use crate::schema::table::Persistence;
use crate::schema::text::Sql;

/// All names in `change`.
#[expect(clippy::too_many_lines, reason = "one arm for each change, and no change left out")]
pub(super) fn change<V: Visitor>(visitor: &mut V, change: &mut Change) {
    match change {
        Change::CreateTable(create) => create_table(visitor, create),
        Change::AttachPartition { table, partition, bound } => {
            relation(visitor, table);
            relation(visitor, partition);
            relation(visitor, &mut bound.parent);
            visitor.sql(Some(table), &mut bound.bound);
        }
        Change::AddInheritance { table, parent: other }
        | Change::DropInheritance { table, parent: other }
        | Change::DetachPartition { table, partition: other, .. }
        | Change::AttachIndex { index: table, child: other } => {
            relation(visitor, table);
            relation(visitor, other);
        }
        Change::SetTypeOfTable { table, of_type } => {
            relation(visitor, table);
            if let Some(name) = of_type {
                visitor.name(Role::Type, name);
            }
        }
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
        | Change::SetForeignOptions { table, .. }
        | Change::DropColumn { table, .. }
        | Change::RenameColumn { table, .. }
        | Change::DropDefault { table, .. }
        | Change::SetNotNull { table, .. }
        | Change::DropNotNull { table, .. }
        | Change::DropExpression { table, .. }
        | Change::AddIdentity { table, .. }
        | Change::SetIdentity { table, .. }
        | Change::DropIdentity { table, .. }
        | Change::SetColumnStatistics { table, .. }
        | Change::SetColumnOptions { table, .. }
        | Change::ResetColumnOptions { table, .. }
        | Change::SetStorage { table, .. }
        | Change::SetCompression { table, .. }
        | Change::AddConstraintUsingIndex { table, .. }
        | Change::ValidateConstraint { table, .. }
        | Change::AlterConstraint { table, .. }
        | Change::DropConstraint { table, .. }
        | Change::RenameConstraint { table, .. }
        | Change::DropTrigger { table, .. }
        | Change::RenameTrigger { table, .. }
        | Change::EnableTrigger { table, .. }
        | Change::EnableRule { table, .. }
        | Change::SetIndexStatistics { index: table, .. }
        | Change::DropIndex { index: table, .. }
        | Change::RenameIndex { index: table, .. }
        | Change::SetIndexOptions { index: table, .. }
        | Change::ResetIndexOptions { index: table, .. }
        | Change::SetViewOptions { view: table, .. }
        | Change::ResetViewOptions { view: table, .. }
        | Change::RefreshMaterializedView { view: table, .. } => relation(visitor, table),
        Change::AddColumn(add) => {
            relation(visitor, &mut add.table);
            walk::column(visitor, &add.table, &mut add.column);
            for constraint in &mut add.constraints {
                walk::constraint(visitor, &add.table, constraint);
            }
        }
        Change::ChangeType { table, data_type, collation, using, .. } => {
            relation(visitor, table);
            walk::data_type(visitor, data_type);
            if let Some(name) = collation {
                visitor.name(Role::Other(ObjectKind::Collation), name);
            }
            optional(visitor, Some(table), using);
        }
        Change::SetDefault { table, default: sql, .. } | Change::SetExpression { table, expression: sql, .. } => {
            relation(visitor, table);
            visitor.sql(Some(table), sql);
        }
        Change::SetGenerated { table, generated, .. } => {
            relation(visitor, table);
            visitor.sql(Some(table), &mut generated.expression);
        }
        Change::AddConstraint { table, constraint } => {
            relation(visitor, table);
            walk::constraint(visitor, table, constraint);
        }
        Change::CreateIndex { index, .. } => walk::index(visitor, index),
        Change::CreateTrigger { trigger, .. } => walk::trigger(visitor, trigger),
        Change::CreateSequence { sequence, .. } => walk::sequence(visitor, Role::NewRelation, sequence),
        Change::AlterSequence { sequence, data_type, owned_by, .. } => {
            relation(visitor, sequence);
            if let Some(data_type) = data_type {
                walk::data_type(visitor, data_type);
            }
            if let Some(Some((table, _))) = owned_by {
                relation(visitor, table);
            }
        }
        Change::CreateType(user_type) => walk::user_type(visitor, Role::NewType, user_type),
        Change::AddEnumValue { name, .. }
        | Change::RenameEnumValue { name, .. }
        | Change::DropAttribute { name, .. }
        | Change::RenameAttribute { name, .. }
        | Change::SetDomainNotNull { name, .. }
        | Change::DropDomainConstraint { name, .. }
        | Change::ValidateDomainConstraint { name, .. }
        | Change::RenameDomainConstraint { name, .. } => visitor.name(Role::Type, name),
        Change::AddAttribute { name, data_type, collation, .. } => {
            visitor.name(Role::Type, name);
            walk::data_type(visitor, data_type);
            if let Some(name) = collation {
                visitor.name(Role::Other(ObjectKind::Collation), name);
            }
        }
        Change::ChangeAttributeType { name, data_type, .. } => {
            visitor.name(Role::Type, name);
            walk::data_type(visitor, data_type);
        }
        Change::SetDomainDefault { name, default } => {
            visitor.name(Role::Type, name);
            optional(visitor, None, default);
        }
        Change::AddDomainConstraint { name, check, .. } => {
            visitor.name(Role::Type, name);
            visitor.sql(None, check);
        }
        Change::CreateView { view, temporary, .. } => {
            walk::view(visitor, if *temporary { Role::NewTemporary } else { Role::NewRelation }, view);
        }
        Change::CreateRoutine { routine, .. } => walk::routine(visitor, Role::NewRoutine, routine),
        Change::CreateObject { definition, .. } => walk::definition(
            visitor,
            |visitor, object| match walk::role_of(object.kind) {
                Some(Role::Other(kind)) => visitor.name(Role::NewOther(kind), &mut object.name),
                Some(_) | None => visitor.object(object),
            },
            definition,
        ),
        Change::AlterObject { object, statement } => {
            let written = object.name.clone();
            visitor.object(object);
            walk::own_name(statement, &written, &object.name);
            let owner = (walk::role_of(object.kind) == Some(Role::Relation)).then(|| object.name.clone());
            visitor.sql(owner.as_ref(), statement);
        }
        Change::DropObject { object, .. }
        | Change::RenameObject { object, .. }
        | Change::SetObjectSchema { object, .. }
        | Change::SetOwner { object, .. }
        | Change::Comment { object, .. }
        | Change::Grant(crate::schema::change::Grant { object, .. })
        | Change::Revoke { grant: crate::schema::change::Grant { object, .. }, .. }
        | Change::Reindex { target: object, .. } => visitor.object(object),
        Change::LockTables { tables, .. } | Change::Maintenance { tables, .. } => {
            for table in tables {
                relation(visitor, table);
            }
        }
        Change::Data(data) => rows(visitor, data),
        Change::Opaque { touches: Touches::Objects(objects), .. } => objects.iter_mut().for_each(|object| visitor.object(object)),
        Change::Opaque { touches: Touches::Nothing | Touches::Anything, .. }
        | Change::CreateSchema { .. }
        | Change::RenameSchema { .. }
        | Change::DropSchema { .. }
        | Change::CreateExtension { .. }
        | Change::DropExtension { .. }
        | Change::SetSearchPath { .. }
        | Change::SetParameter { .. }
        | Change::TransactionControl { .. } => {}
    }
}

fn relation(visitor: &mut impl Visitor, name: &mut Name) {
    visitor.name(Role::Relation, name);
}

fn optional(visitor: &mut impl Visitor, owner: Option<&Name>, sql: &mut Option<Sql>) {
    if let Some(sql) = sql {
        visitor.sql(owner, sql);
    }
}

fn create_table(visitor: &mut impl Visitor, create: &mut CreateTable) {
    let role = if create.table.persistence == Persistence::Temporary { Role::NewTemporary } else { Role::NewRelation };
    walk::table(visitor, role, &mut create.table);
    for (_, like) in &mut create.like {
        relation(visitor, &mut like.table);
    }
    optional(visitor, None, &mut create.as_query);
}

fn rows(visitor: &mut impl Visitor, data: &mut DataChange) {
    data.writes.iter_mut().for_each(|table| relation(visitor, table));
    data.reads.iter_mut().for_each(|table| relation(visitor, table));
    data.calls.iter_mut().for_each(|function| visitor.name(Role::Routine, function));
    let owner = data.writes.first().cloned();
    for (_, value) in &mut data.assignments {
        visitor.sql(owner.as_ref(), value);
    }
    optional(visitor, owner.as_ref(), &mut data.condition);
}
