//! DROP: what goes, what goes with it, and what stands in the way. Must never drop less than the database does, nor refuse
//! where an unreadable statement may have cleared the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Catalog;
use super::dependents::{Bond, Node};
use super::error::CatalogError;
use super::extensions;
use super::walk::{self, Role};
use crate::schema::change::{DropBehavior, IfExists};
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef, TypeKind};
use crate::schema::table::{ReplicaIdentity, Table, TableKind};

impl Catalog {
    /// DROP TABLE, VIEW, INDEX, SEQUENCE …
    pub(super) fn drop_relation(
        &mut self,
        wanted: ObjectKind,
        name: &Name,
        behavior: DropBehavior,
        if_exists: IfExists,
    ) -> Result<(), CatalogError> {
        let Some(kind) = self.relation_kind(name) else {
            self.unknown.remove(&ObjectRef::new(wanted, name.clone()));
            return if if_exists == IfExists::Skip || self.is_unknown(wanted, name) {
                Ok(())
            } else {
                Err(CatalogError::missing(wanted.words(), name))
            };
        };
        let tables = [ObjectKind::Table, ObjectKind::ForeignTable];
        if kind != wanted && !(tables.contains(&kind) && tables.contains(&wanted)) {
            return Err(CatalogError::WrongKind { name: name.clone(), is: kind.words(), wanted: wanted.words() });
        }
        if let Some(owner) = self.keeper(name) {
            let object = ObjectRef::new(kind, name.clone()).to_string();
            return Err(CatalogError::Needed { object, owner });
        }
        self.drop_nodes(vec![Node::Relation(name.clone())], behavior)
    }

    /// What keeps an index or sequence from being dropped by itself.
    fn keeper(&self, name: &Name) -> Option<String> {
        if let Some(index) = self.indexes.get(name) {
            let constraint = index.constraint.as_ref().map(|constraint| format!("constraint `{constraint}` of `{}`", index.table));
            return constraint.or_else(|| index.parent.as_ref().map(|parent| format!("index `{parent}`")));
        }
        let sequence = self.sequences.get(name).filter(|sequence| sequence.identity)?;
        sequence.owned_by.as_ref().map(|(table, column)| format!("column `{column}` of `{table}`"))
    }

    pub(super) fn drop_column(
        &mut self,
        table: &Name,
        column: &Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    ) -> Result<(), CatalogError> {
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        let Some(dropped) = found.column(column) else {
            return if if_exists == IfExists::Skip || self.columns_are_unknown(table) {
                Ok(())
            } else {
                Err(CatalogError::NoColumn { table: table.clone(), column: column.clone() })
            };
        };
        let (owner, name) = (table.clone(), column.clone());
        if self.parents_with(&found, column) {
            return Err(CatalogError::Inherited { table: owner, column: name, action: "dropped" });
        }
        if partition_key_reads(&found, &dropped.name) {
            return Err(CatalogError::PartitionKey { table: owner, column: name, action: "dropped" });
        }
        let mut roots = vec![Node::Column(owner, name)];
        for child in self.with_descendants(table).into_iter().skip(1) {
            let inherited = self.tables.get(&child).and_then(|child| child.column(column)).is_some_and(|column| !column.local);
            if inherited {
                roots.push(Node::Column(child, column.clone()));
            }
        }
        self.drop_nodes(roots, behavior)
    }

    pub(super) fn drop_constraint(
        &mut self,
        table: &Name,
        constraint: &Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    ) -> Result<(), CatalogError> {
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        let Some(dropped) = found.constraint(constraint) else {
            if let Some(column) = unnamed_not_null(&found, constraint) {
                return self.drop_not_null(table, &column);
            }
            return if if_exists == IfExists::Skip || self.columns_are_unknown(table) {
                Ok(())
            } else {
                Err(CatalogError::NoConstraint { table: table.clone(), constraint: constraint.clone() })
            };
        };
        if self.is_inherited_constraint(&found, dropped) {
            let object = ObjectRef::part(ObjectKind::TableConstraint, table.clone(), constraint.as_str()).to_string();
            return Err(CatalogError::InheritedConstraint { object, action: "dropped" });
        }
        let not_null = not_null_column(dropped);
        self.drop_nodes(vec![Node::Constraint(table.clone(), constraint.clone())], behavior)?;
        match not_null {
            Some(column) => self.drop_not_null(table, &column),
            None => Ok(()),
        }
    }

    /// Whether a table above has the constraint too.
    pub(super) fn is_inherited_constraint(&self, table: &Table, constraint: &Constraint) -> bool {
        let named = |parent: &Name| {
            let parent = self.tables.get(parent);
            parent.is_some_and(|parent| constraint.name.as_ref().is_some_and(|name| parent.constraint(name).is_some()))
        };
        !constraint.local && (table.partition_of.is_some() || table.parents.iter().any(named))
    }

    /// Drops these and what goes with them.
    pub(super) fn drop_nodes(&mut self, roots: Vec<Node>, behavior: DropBehavior) -> Result<(), CatalogError> {
        let mut going: BTreeSet<Node> = BTreeSet::new();
        let mut held: Vec<(Node, Node)> = Vec::new();
        let mut next = roots;
        let cascade = behavior == DropBehavior::Cascade || self.unknown_all;
        while let Some(node) = next.pop() {
            if !going.insert(node.clone()) {
                continue;
            }
            for (dependent, bond) in self.dependents(&node) {
                match bond {
                    Bond::Follows => next.push(dependent),
                    Bond::Holds if cascade => next.push(dependent),
                    Bond::Holds => held.push((node.clone(), dependent)),
                }
            }
        }
        for (node, dependent) in held {
            let goes = std::iter::successors(Some(dependent.clone()), Node::whole).any(|whole| going.contains(&whole));
            if !goes {
                return Err(CatalogError::InUse { object: self.describe(&node), dependent: self.describe(&dependent) });
            }
        }
        for node in going {
            self.remove(&node);
        }
        Ok(())
    }

    fn remove(&mut self, node: &Node) {
        match node {
            Node::Relation(name) => self.forget_relation(name),
            Node::Column(table, column) => self.remove_column(table, column),
            Node::Default(table, column) => {
                if let Some(found) = self.tables.get_mut(table).map(Arc::make_mut) {
                    found.columns.iter_mut().filter(|found| found.name == *column).for_each(|found| found.default = None);
                }
            }
            Node::Constraint(table, constraint) => {
                if let Some(found) = self.tables.get_mut(table).map(Arc::make_mut) {
                    found.constraints.retain(|found| found.name.as_ref() != Some(constraint));
                }
                self.forget_part(ObjectKind::TableConstraint, table, constraint);
            }
            Node::Trigger(table, trigger) => {
                self.triggers.remove(&(table.clone(), trigger.clone()));
                self.forget_part(ObjectKind::Trigger, table, trigger);
            }
            Node::Type(name) => {
                self.types.remove(name);
                self.forget(&|object| walk::role_of(object.kind) == Some(Role::Type) && &object.name == name);
            }
            Node::Attribute(name, attribute) => self.on_type(name, |kind| {
                if let TypeKind::Composite { attributes } = kind {
                    attributes.retain(|(found, ..)| found != attribute);
                }
            }),
            Node::DomainDefault(name) => self.on_type(name, |kind| {
                if let TypeKind::Domain { default, .. } = kind {
                    *default = None;
                }
            }),
            Node::DomainCheck(name, check) => self.on_type(name, |kind| {
                if let TypeKind::Domain { checks, .. } = kind {
                    checks.retain(|(found, ..)| found != check);
                }
            }),
            Node::Routine(name, arguments) => self.remove_routine(name, arguments),
            Node::Definition(object) => {
                self.definitions.retain(|definition| definition.object != *object);
                self.forget(&|found| found == object);
            }
        }
    }

    fn remove_column(&mut self, table: &Name, column: &Identifier) {
        if let Some(found) = self.tables.get_mut(table).map(Arc::make_mut) {
            found.columns.retain(|found| found.name != *column);
        }
        self.forget_part(ObjectKind::Column, table, column);
        self.forget_granted_column(table, column);
    }

    fn remove_routine(&mut self, name: &Name, arguments: &[crate::schema::data_type::DataType]) {
        let only = self.routines_named(name).nth(1).is_none();
        let key = (name.clone(), arguments.to_vec());
        let reference = |object: &ObjectRef| walk::role_of(object.kind) == Some(Role::Routine) && &object.name == name;
        let detail: Vec<ObjectRef> = self
            .comments
            .keys()
            .chain(self.grants.iter().chain(self.revokes.iter()).map(|right| &right.object))
            .chain(self.owners.keys())
            .filter(|object| reference(object) && (only || self.routine_key(object).as_ref() == Some(&key)))
            .cloned()
            .collect();
        self.routines.remove(&key);
        self.forget(&|object| detail.contains(object));
    }

    fn on_type(&mut self, name: &Name, change: impl FnOnce(&mut TypeKind)) {
        if let Some(found) = self.types.get_mut(name).map(Arc::make_mut) {
            change(&mut found.kind);
        }
    }

    /// Forgets a relation and what is said about it. What depends on it is the caller's business.
    pub(super) fn forget_relation(&mut self, name: &Name) {
        self.tables.remove(name);
        self.views.remove(name);
        self.sequences.remove(name);
        if let Some(index) = self.indexes.remove(name)
            && let Some(table) = self.tables.get_mut(&index.table).map(Arc::make_mut)
        {
            if table.clustered_on == index.name {
                table.clustered_on = None;
            }
            if matches!(&table.replica_identity, ReplicaIdentity::Index(identity) if Some(identity) == index.name.as_ref()) {
                table.replica_identity = ReplicaIdentity::Nothing;
            }
        }
        self.forget(&|object| walk::role_of(object.kind) == Some(Role::Relation) && &object.name == name);
        self.leave_publications(name);
    }

    /// Whether nothing but the key itself stands behind a reference, in words.
    fn describe(&self, node: &Node) -> String {
        let object = match node {
            Node::Relation(name) => ObjectRef::new(self.relation_kind(name).unwrap_or(ObjectKind::Table), name.clone()),
            Node::Column(table, column) => ObjectRef::part(ObjectKind::Column, table.clone(), column.as_str()),
            Node::Default(table, column) => ObjectRef::part(ObjectKind::Default, table.clone(), column.as_str()),
            Node::Constraint(table, name) => ObjectRef::part(ObjectKind::TableConstraint, table.clone(), name.as_str()),
            Node::Trigger(table, name) => ObjectRef::part(ObjectKind::Trigger, table.clone(), name.as_str()),
            Node::Type(name) | Node::DomainDefault(name) => {
                let domain = self.types.get(name).is_some_and(|found| matches!(found.kind, TypeKind::Domain { .. }));
                ObjectRef::new(if domain { ObjectKind::Domain } else { ObjectKind::Type }, name.clone())
            }
            Node::Attribute(name, part) => ObjectRef::part(ObjectKind::Attribute, name.clone(), part.as_str()),
            Node::DomainCheck(name, part) => ObjectRef::part(ObjectKind::DomainConstraint, name.clone(), part.as_str()),
            Node::Routine(name, _) => ObjectRef::new(ObjectKind::Function, name.clone()),
            Node::Definition(object) => object.clone(),
        };
        object.to_string()
    }

    pub(super) fn drop_schema(&mut self, schema: &Identifier, behavior: DropBehavior, if_exists: IfExists) -> Result<(), CatalogError> {
        let reference = Name::unqualified(schema.clone());
        if !self.schemas.contains_key(schema) {
            return if if_exists == IfExists::Skip || self.is_unknown(ObjectKind::Schema, &reference) {
                Ok(())
            } else {
                Err(CatalogError::missing("schema", schema))
            };
        }
        let contents = self.contents(schema);
        if let (Some(first), DropBehavior::Restrict, false) = (contents.first(), behavior, self.unknown_all) {
            let object = ObjectRef::new(ObjectKind::Schema, reference).to_string();
            return Err(CatalogError::InUse { object, dependent: self.describe(first) });
        }
        self.drop_nodes(contents, DropBehavior::Cascade)?;
        self.schemas.remove(schema);
        let inside: Vec<Identifier> =
            self.extensions.iter().filter(|(_, of)| of.as_ref() == Some(schema)).map(|(extension, _)| extension.clone()).collect();
        for extension in inside {
            self.drop_extension(&extension, DropBehavior::Cascade, IfExists::Skip)?;
        }
        self.forget(&|object| object.kind == ObjectKind::Schema && object.name.name == *schema);
        Ok(())
    }

    /// The end of a session: its temporary objects go.
    ///
    /// # Errors
    ///
    /// If something else depends on one of them and `behavior` doesn't cascade.
    pub fn drop_temporary(&mut self, behavior: DropBehavior) -> Result<(), CatalogError> {
        let contents = self.contents(&Identifier::from(super::lookup::TEMPORARY));
        if contents.is_empty() { Ok(()) } else { self.drop_nodes(contents, behavior) }
    }

    /// All that lives in a schema.
    fn contents(&self, schema: &Identifier) -> Vec<Node> {
        let inside = |name: &Name| name.schema.as_ref() == Some(schema);
        let relations = self.tables.keys().chain(self.views.keys()).chain(self.sequences.keys());
        let mut found: Vec<Node> = relations.filter(|name| inside(name)).map(|name| Node::Relation(name.clone())).collect();
        found.extend(self.types.keys().filter(|name| inside(name)).map(|name| Node::Type(name.clone())));
        found.extend(
            self.routines.keys().filter(|(name, _)| inside(name)).map(|(name, arguments)| Node::Routine(name.clone(), arguments.clone())),
        );
        found.extend(
            self.definitions
                .iter()
                .filter(|definition| {
                    matches!(walk::role_of(definition.object.kind), Some(Role::Other(_))) && inside(&definition.object.name)
                })
                .map(|definition| Node::Definition(definition.object.clone())),
        );
        found
    }

    pub(super) fn drop_extension(
        &mut self,
        extension: &Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    ) -> Result<(), CatalogError> {
        if self.extensions.remove(extension).is_none() {
            return if if_exists == IfExists::Skip || self.unknown_all {
                Ok(())
            } else {
                Err(CatalogError::missing("extension", extension))
            };
        }
        self.forget(&|object| object.kind == ObjectKind::Extension && object.name.name == *extension);
        if behavior == DropBehavior::Restrict {
            return Ok(());
        }
        let brought = |name: &Name| extensions::of_type(&name.name) == Some(extension.as_str()) && !self.types.contains_key(name);
        let columns = self.tables.values().flat_map(|table| {
            let of_it = table.columns.iter().filter(|column| brought(&column.data_type.name));
            of_it.map(|column| Node::Column(table.name.clone(), column.name.clone()))
        });
        self.drop_nodes(columns.collect(), DropBehavior::Cascade)
    }
}

fn partition_key_reads(table: &Table, column: &Identifier) -> bool {
    match &table.kind {
        TableKind::Partitioned { key, .. } => key.iter().any(|element| element.columns().any(|name| name == column)),
        TableKind::Plain | TableKind::Foreign { .. } => false,
    }
}

fn not_null_column(constraint: &Constraint) -> Option<Identifier> {
    match &constraint.kind {
        ConstraintKind::NotNull { column } => Some(column.clone()),
        ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::Exclude(_) => None,
    }
}

/// The column whose NOT NULL PostgreSQL 18 calls by that name, where the author gave it none.
pub(super) fn unnamed_not_null(table: &Table, constraint: &Identifier) -> Option<Identifier> {
    let named = |column: &Identifier| super::names::object_name(table.name.name.as_str(), Some(column.as_str()), "not_null");
    table.columns.iter().find(|column| column.not_null && named(&column.name) == *constraint).map(|column| column.name.clone())
}
