//! Every name and every piece of SQL inside an object, shown to a visitor that may replace it. Knows where names stand, and
//! must never know what is done to them.

use crate::schema::column::Column;
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::data_type::DataType;
use crate::schema::index::{Index, IndexElement, IndexKey};
use crate::schema::name::Name;
use crate::schema::object::{Definition, ObjectKind, ObjectRef, Routine, Sequence, Trigger, TypeKind, UserType, View};
use crate::schema::table::{Table, TableKind};
use crate::schema::text::{Part, Sql};

use crate::schema::change::Lookup;

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A table, view, sequence, index or composite type that is there.
    Relation,
    /// One that is made.
    NewRelation,
    /// One that is made for this session only.
    NewTemporary,
    /// A type that is there; a relation's row type too.
    Type,
    /// A type that is made.
    NewType,
    /// A function, procedure or aggregate that is there.
    Routine,
    /// One that is made.
    NewRoutine,
    /// Something else in a schema that is there, or is built in: a collation, an operator class.
    Other(ObjectKind),
    /// Something else in a schema that is made.
    NewOther(ObjectKind),
}

/// Whoever wants to see, or replace, names.
pub(super) trait Visitor {
    /// A name.
    fn name(&mut self, role: Role, name: &mut Name);

    /// A piece of SQL that belongs to the relation `owner`.
    fn sql(&mut self, owner: Option<&Name>, sql: &mut Sql) {
        let _ = owner;
        parts(self, sql);
    }

    /// A reference to an object.
    fn object(&mut self, object: &mut ObjectRef) {
        if let Some(role) = role_of(object.kind) {
            self.name(role, &mut object.name);
        }
    }
}

/// The names in a piece of SQL.
pub(super) fn parts<V: Visitor + ?Sized>(visitor: &mut V, sql: &mut Sql) {
    for part in &mut sql.parts {
        match part {
            Part::Text(_) | Part::Column { of: None, .. } => {}
            Part::Column { of: Some(name), .. } | Part::Relation(name) | Part::RelationLiteral(name) => {
                visitor.name(Role::Relation, name);
            }
            Part::Function(name) => visitor.name(Role::Routine, name),
            Part::Type(name) => visitor.name(Role::Type, name),
        }
    }
}

/// What the name of an existing object of that kind is a name of; none where it lives in no schema.
pub(super) fn role_of(kind: ObjectKind) -> Option<Role> {
    match kind {
        ObjectKind::Table
        | ObjectKind::ForeignTable
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Index
        | ObjectKind::Column
        | ObjectKind::Default
        | ObjectKind::Trigger
        | ObjectKind::Policy
        | ObjectKind::Rule
        | ObjectKind::TableConstraint
        | ObjectKind::PublicationTable => Some(Role::Relation),
        ObjectKind::Type | ObjectKind::Domain | ObjectKind::DomainConstraint | ObjectKind::Attribute => Some(Role::Type),
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine => Some(Role::Routine),
        ObjectKind::Collation
        | ObjectKind::Conversion
        | ObjectKind::OperatorClass
        | ObjectKind::Operator
        | ObjectKind::OperatorFamily
        | ObjectKind::OperatorFamilyOperator
        | ObjectKind::OperatorFamilyFunction
        | ObjectKind::Statistics
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::TextSearchParser
        | ObjectKind::TextSearchTemplate => Some(Role::Other(kind)),
        ObjectKind::AccessMethod
        | ObjectKind::Cast
        | ObjectKind::Database
        | ObjectKind::DefaultPrivileges
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::ForeignServer
        | ObjectKind::Language
        | ObjectKind::LargeObject
        | ObjectKind::Parameter
        | ObjectKind::Publication
        | ObjectKind::PublicationSchema
        | ObjectKind::Role
        | ObjectKind::Schema
        | ObjectKind::Subscription
        | ObjectKind::Tablespace
        | ObjectKind::Transform
        | ObjectKind::UserMapping => None,
    }
}

/// A type's name.
pub(super) fn data_type(visitor: &mut impl Visitor, data_type: &mut DataType) {
    visitor.name(Role::Type, &mut data_type.name);
}

fn collation(visitor: &mut impl Visitor, collation: &mut Option<Name>) {
    if let Some(name) = collation {
        visitor.name(Role::Other(ObjectKind::Collation), name);
    }
}

fn optional(visitor: &mut impl Visitor, owner: Option<&Name>, sql: &mut Option<Sql>) {
    if let Some(sql) = sql {
        visitor.sql(owner, sql);
    }
}

/// A table, its own name under `role`.
pub(super) fn table(visitor: &mut impl Visitor, role: Role, table: &mut Table) {
    visitor.name(role, &mut table.name);
    let owner = table.name.clone();
    if let TableKind::Partitioned { key, .. } = &mut table.kind {
        for part in key {
            element(visitor, &owner, part);
        }
    }
    for each in &mut table.columns {
        column(visitor, &owner, each);
    }
    for each in &mut table.constraints {
        constraint(visitor, &owner, each);
    }
    for parent in &mut table.parents {
        visitor.name(Role::Relation, parent);
    }
    if let Some(partition) = &mut table.partition_of {
        visitor.name(Role::Relation, &mut partition.parent);
        visitor.sql(Some(&owner), &mut partition.bound);
    }
    if let Some(name) = &mut table.of_type {
        visitor.name(Role::Type, name);
    }
}

/// A column of `owner`.
pub(super) fn column(visitor: &mut impl Visitor, owner: &Name, column: &mut Column) {
    data_type(visitor, &mut column.data_type);
    collation(visitor, &mut column.collation);
    optional(visitor, Some(owner), &mut column.default);
    if let Some(generated) = &mut column.generated {
        visitor.sql(Some(owner), &mut generated.expression);
    }
    if let Some(identity) = &mut column.identity {
        visitor.name(Role::Relation, &mut identity.sequence);
    }
}

/// A constraint of `owner`.
pub(super) fn constraint(visitor: &mut impl Visitor, owner: &Name, constraint: &mut Constraint) {
    match &mut constraint.kind {
        ConstraintKind::NotNull { .. } | ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => {}
        ConstraintKind::Check { expression } => visitor.sql(Some(owner), expression),
        ConstraintKind::ForeignKey(key) => visitor.name(Role::Relation, &mut key.references),
        ConstraintKind::Exclude(exclude) => {
            for (part, _) in &mut exclude.elements {
                element(visitor, owner, part);
            }
            optional(visitor, Some(owner), &mut exclude.predicate);
        }
    }
}

/// An element of an index on `owner`.
pub(super) fn element(visitor: &mut impl Visitor, owner: &Name, element: &mut IndexElement) {
    if let IndexKey::Expression(sql) = &mut element.key {
        visitor.sql(Some(owner), sql);
    }
    collation(visitor, &mut element.collation);
    if let Some(name) = &mut element.class {
        visitor.name(Role::Other(ObjectKind::OperatorClass), name);
    }
}

/// An index; its own name is its table's schema's.
pub(super) fn index(visitor: &mut impl Visitor, index: &mut Index) {
    visitor.name(Role::Relation, &mut index.table);
    let owner = index.table.clone();
    for part in &mut index.elements {
        element(visitor, &owner, part);
    }
    optional(visitor, Some(&owner), &mut index.predicate);
    if let Some(parent) = &mut index.parent {
        visitor.name(Role::Relation, parent);
    }
}

/// A sequence, its own name under `role`.
pub(super) fn sequence(visitor: &mut impl Visitor, role: Role, sequence: &mut Sequence) {
    visitor.name(role, &mut sequence.name);
    data_type(visitor, &mut sequence.data_type);
    if let Some((owner, _)) = &mut sequence.owned_by {
        visitor.name(Role::Relation, owner);
    }
}

/// A view, its own name under `role`.
pub(super) fn view(visitor: &mut impl Visitor, role: Role, view: &mut View) {
    visitor.name(role, &mut view.name);
    let owner = view.name.clone();
    visitor.sql(None, &mut view.query);
    if let Lookup::Known(columns) = &mut view.columns {
        for each in columns.iter_mut().filter_map(|column| column.data_type.as_mut()) {
            data_type(visitor, each);
        }
    }
    if let Lookup::Known(reads) = &mut view.reads {
        for (name, _) in reads {
            visitor.name(Role::Relation, name);
        }
    }
    for default in view.defaults.values_mut() {
        visitor.sql(Some(&owner), default);
    }
}

/// A type, its own name under `role`.
pub(super) fn user_type(visitor: &mut impl Visitor, role: Role, user_type: &mut UserType) {
    visitor.name(role, &mut user_type.name);
    match &mut user_type.kind {
        TypeKind::Enum { .. } => {}
        TypeKind::Domain { base, collation: name, default, checks, .. } => {
            data_type(visitor, base);
            collation(visitor, name);
            optional(visitor, None, default);
            for (_, check, _) in checks {
                visitor.sql(None, check);
            }
        }
        TypeKind::Composite { attributes } => {
            for (_, each, name) in attributes {
                data_type(visitor, each);
                collation(visitor, name);
            }
        }
        TypeKind::Range { options } => visitor.sql(None, options),
        TypeKind::Base { definition } => optional(visitor, None, definition),
    }
}

/// The name of a new object in its own CREATE statement, which can't be looked up: written without a schema, it is the one that is made.
pub(super) fn own_name(create: &mut Sql, written: &Name, resolved: &Name) {
    for part in &mut create.parts {
        match part {
            Part::Function(name) if name == written && name.schema.is_none() => name.clone_from(resolved),
            Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {}
        }
    }
}

/// A routine, its own name under `role`.
pub(super) fn routine(visitor: &mut impl Visitor, role: Role, routine: &mut Routine) {
    let written = routine.name.clone();
    visitor.name(role, &mut routine.name);
    own_name(&mut routine.definition, &written, &routine.name);
    for each in &mut routine.arguments {
        data_type(visitor, each);
    }
    visitor.sql(None, &mut routine.definition);
    for each in &mut routine.alters {
        visitor.sql(None, each);
    }
    if let Some(each) = &mut routine.returns {
        data_type(visitor, each);
    }
    for (name, _) in &mut routine.reads {
        visitor.name(Role::Relation, name);
    }
}

/// A trigger.
pub(super) fn trigger(visitor: &mut impl Visitor, trigger: &mut Trigger) {
    visitor.name(Role::Relation, &mut trigger.table);
    visitor.name(Role::Routine, &mut trigger.function);
    let owner = trigger.table.clone();
    optional(visitor, Some(&owner), &mut trigger.when);
    visitor.sql(Some(&owner), &mut trigger.definition);
}

/// What is kept as its CREATE statement; `object` shows the reference itself.
pub(super) fn definition<V: Visitor>(visitor: &mut V, object: impl Fn(&mut V, &mut ObjectRef), definition: &mut Definition) {
    let written = definition.object.name.clone();
    object(visitor, &mut definition.object);
    if matches!(role_of(definition.object.kind), Some(Role::Other(_))) {
        own_name(&mut definition.create, &written, &definition.object.name);
    }
    for each in &mut definition.depends_on {
        visitor.object(each);
    }
    let owner = owner_of(definition);
    visitor.sql(owner.as_ref(), &mut definition.create);
    for each in &mut definition.alters {
        visitor.sql(owner.as_ref(), each);
    }
}

/// The table whose columns the text of a definition names: a policy's, a rule's, the one that statistics are about.
pub(super) fn owner_of(definition: &Definition) -> Option<Name> {
    match role_of(definition.object.kind) {
        Some(Role::Relation) => Some(definition.object.name.clone()),
        Some(Role::Other(ObjectKind::Statistics)) => {
            definition.depends_on.iter().find(|object| role_of(object.kind) == Some(Role::Relation)).map(|object| object.name.clone())
        }
        Some(_) | None => None,
    }
}
