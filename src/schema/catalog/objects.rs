//! What is kept as its CREATE statement, and what is said about objects of any kind: comments, grants, owners. Must never
//! outlive the object.

use std::sync::Arc;

use super::Catalog;
use super::dependents::Node;
use super::error::CatalogError;
use super::rename::Renamer;
use super::sql_text::quoted;
use super::walk::{self, Role};
use crate::schema::change::{DropBehavior, IfExists, OnConflict};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{Definition, ObjectKind, ObjectRef};
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn create_object(&mut self, definition: &Definition, on_conflict: OnConflict) -> Result<(), CatalogError> {
        let definition = &self.named_statistics(definition);
        let object = &definition.object;
        if walk::role_of(object.kind) == Some(Role::Relation)
            && !self.views.contains_key(&object.name)
            && self.expect(self.table(&object.name), "table", &object.name)?.is_none()
        {
            return Ok(());
        }
        self.expect_definable(definition)?;
        let there = self.definitions.iter().position(|found| found.object == *object);
        match (there, on_conflict) {
            (Some(_), OnConflict::Skip) => {}
            (Some(_), OnConflict::Fail) if !self.unknown_all => {
                return Err(CatalogError::exists(object.kind.words(), object.detail.as_ref().unwrap_or(&object.name.to_string())));
            }
            (Some(at), OnConflict::Fail | OnConflict::Replace) => {
                if let Some(place) = self.definitions.get_mut(at) {
                    *place = Arc::new(definition.clone());
                }
            }
            (None, _) => self.definitions.push(Arc::new(definition.clone())),
        }
        Ok(())
    }

    /// What the text of a definition names must be there.
    fn expect_definable(&self, definition: &Definition) -> Result<(), CatalogError> {
        if definition.object.kind == ObjectKind::Publication {
            return self.expect_references(&definition.create);
        }
        if let (ObjectKind::Statistics, Some(table)) = (definition.object.kind, walk::owner_of(definition)) {
            let columns: Vec<Identifier> = definition.create.own_columns().cloned().collect();
            self.expect_columns(&table, &columns)?;
        }
        Ok(())
    }

    pub(super) fn alter_object(&mut self, object: &ObjectRef, statement: &Sql) -> Result<(), CatalogError> {
        if object.kind == ObjectKind::Publication {
            self.expect_references(statement)?;
        }
        if walk::role_of(object.kind) == Some(Role::Routine) {
            return self.alter_routine(object, statement);
        }
        let Some(at) = self.definition_of(object) else { return self.no_object(object) };
        if let Some(definition) = self.definitions.get_mut(at) {
            Arc::make_mut(definition).alters.push(statement.clone());
        }
        Ok(())
    }

    /// The place of a definition; what has no kind of its own in the catalog is passed over.
    fn definition_of(&self, object: &ObjectRef) -> Option<usize> {
        self.definitions.iter().position(|definition| definition.object == *object)
    }

    /// An object that isn't kept: an error only where it is of a kind that is always kept, and surely isn't there.
    fn no_object(&self, object: &ObjectRef) -> Result<(), CatalogError> {
        let schemas_own = matches!(walk::role_of(object.kind), Some(Role::Other(_))) && !self.has_extensions();
        let kept = schemas_own
            || matches!(
                object.kind,
                ObjectKind::Policy | ObjectKind::Rule | ObjectKind::Statistics | ObjectKind::Publication | ObjectKind::EventTrigger
            );
        if !kept || self.is_unknown(object.kind, &object.name) {
            return Ok(());
        }
        match (&object.detail, walk::role_of(object.kind)) {
            (Some(detail), Some(Role::Relation)) => Err(CatalogError::NotOnTable {
                table: object.name.clone(),
                what: object.kind.words(),
                name: Identifier::from(detail.as_str()),
            }),
            (Some(_) | None, _) => Err(CatalogError::missing(object.kind.words(), &object.name)),
        }
    }

    pub(super) fn drop_object(&mut self, object: &ObjectRef, behavior: DropBehavior, if_exists: IfExists) -> Result<(), CatalogError> {
        let name = &object.name;
        let part = object.detail.as_deref().map(Identifier::from);
        match (object.kind, part) {
            (
                ObjectKind::Table
                | ObjectKind::ForeignTable
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::Sequence
                | ObjectKind::Index,
                _,
            ) => self.drop_relation(object.kind, name, behavior, if_exists),
            (ObjectKind::Type | ObjectKind::Domain, _) => self.drop_type(object, behavior, if_exists),
            (ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine, _) => {
                self.drop_routine(object, behavior, if_exists)
            }
            (ObjectKind::Schema, _) => self.drop_schema(&name.name, behavior, if_exists),
            (ObjectKind::Extension, _) => self.drop_extension(&name.name, behavior, if_exists),
            (ObjectKind::Column, Some(column)) => self.drop_column(name, &column, behavior, if_exists),
            (ObjectKind::Trigger, Some(trigger)) => self.drop_trigger(name, &trigger, if_exists),
            (ObjectKind::TableConstraint, Some(constraint)) => self.drop_constraint(name, &constraint, behavior, if_exists),
            (_, _) => match self.definition_of(object) {
                Some(_) => self.drop_nodes(vec![Node::Definition(object.clone())], behavior),
                None if if_exists == IfExists::Skip => Ok(()),
                None => self.no_object(object),
            },
        }
    }

    fn drop_type(&mut self, object: &ObjectRef, behavior: DropBehavior, if_exists: IfExists) -> Result<(), CatalogError> {
        let name = &object.name;
        if !self.types.contains_key(name) {
            let unknown = self.is_unknown(object.kind, name) || self.has_extensions();
            return if if_exists == IfExists::Skip || unknown { Ok(()) } else { Err(CatalogError::missing(object.kind.words(), name)) };
        }
        self.drop_nodes(vec![Node::Type(name.clone())], behavior)
    }

    fn drop_routine(&mut self, object: &ObjectRef, behavior: DropBehavior, if_exists: IfExists) -> Result<(), CatalogError> {
        let Some((name, arguments)) = self.routine_key(object) else {
            let unknown = self.is_unknown(object.kind, &object.name) || self.has_extensions();
            return if if_exists == IfExists::Skip || unknown { Ok(()) } else { Err(self.no_routine(object)) };
        };
        self.drop_nodes(vec![Node::Routine(name, arguments)], behavior)
    }

    pub(super) fn rename_object(&mut self, object: &ObjectRef, to: &Identifier) -> Result<(), CatalogError> {
        let name = &object.name;
        let part = object.detail.as_deref().map(Identifier::from);
        match (object.kind, part) {
            (
                ObjectKind::Table
                | ObjectKind::ForeignTable
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::Sequence
                | ObjectKind::Index,
                _,
            ) => self.rename_relation(name, to),
            (ObjectKind::Type | ObjectKind::Domain, _) => self.move_type(object, &name.sibling(to.clone())),
            (ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine, _) => {
                self.move_routine(object, &name.sibling(to.clone()))
            }
            (ObjectKind::Schema, _) => self.rename_schema(&name.name, to),
            (ObjectKind::Column, Some(column)) => self.rename_column(name, &column, to),
            (ObjectKind::Trigger, Some(trigger)) => self.rename_trigger(name, &trigger, to),
            (ObjectKind::TableConstraint, Some(constraint)) => self.rename_constraint(name, &constraint, to),
            (ObjectKind::DomainConstraint, Some(constraint)) => self.rename_domain_constraint(name, &constraint, to),
            (ObjectKind::Attribute, Some(attribute)) => self.rename_attribute(name, &attribute, to),
            (_, Some(part)) => {
                let renamed = ObjectRef { detail: Some(to.as_str().to_owned()), ..object.clone() };
                let on = walk::role_of(object.kind) == Some(Role::Relation);
                self.rename_definition(object, &renamed, &part, on, &format!("RENAME TO {}", quoted(to)))
            }
            (_, None) => {
                let renamed = ObjectRef { name: name.sibling(to.clone()), ..object.clone() };
                self.rename_definition(object, &renamed, &name.name, false, &format!("RENAME TO {}", quoted(to)))
            }
        }
    }

    pub(super) fn set_object_schema(&mut self, object: &ObjectRef, schema: &Identifier) -> Result<(), CatalogError> {
        let name = &object.name;
        let moved = Name { schema: Some(schema.clone()), name: name.name.clone() };
        match walk::role_of(object.kind) {
            Some(Role::Relation) => self.set_relation_schema(name, schema),
            Some(Role::Type) => self.move_type(object, &moved),
            Some(Role::Routine) => self.move_routine(object, &moved),
            None if object.kind == ObjectKind::Extension => {
                if let Some(of) = self.extensions.get_mut(&name.name) {
                    *of = Some(schema.clone());
                }
                Ok(())
            }
            Some(_) | None => {
                let renamed = ObjectRef { name: moved, ..object.clone() };
                let alter = format!("SET SCHEMA {}", quoted(schema));
                self.rename_definition(object, &renamed, &name.name, false, &alter)
            }
        }
    }

    /// Keeps the CREATE statement under the old name, with an ALTER behind it that gives the new one.
    fn rename_definition(
        &mut self,
        object: &ObjectRef,
        renamed: &ObjectRef,
        old: &Identifier,
        on_table: bool,
        action: &str,
    ) -> Result<(), CatalogError> {
        let Some(at) = self.definition_of(object) else { return self.no_object(object) };
        if self.definition_of(renamed).is_some() {
            return Err(CatalogError::exists(object.kind.words(), &renamed.name));
        }
        let own = Part::Function(object.name.clone());
        if !on_table
            && let Some(definition) = self.definitions.get_mut(at).map(Arc::make_mut).filter(|found| found.create.parts.contains(&own))
        {
            for part in definition.create.parts.iter_mut().filter(|part| **part == own) {
                *part = Part::Function(renamed.name.clone());
            }
            definition.object.clone_from(renamed);
            self.replace_object(object, renamed);
            return Ok(());
        }
        let keyword = object.kind.words().to_uppercase();
        let schema = object.name.schema.as_ref().filter(|_| !on_table);
        let qualifier = schema.map(|schema| format!("{}.", quoted(schema))).unwrap_or_default();
        let mut parts = vec![Part::Text(format!("ALTER {keyword} {qualifier}{}", quoted(old)))];
        if on_table {
            parts.push(Part::Text(" ON ".to_owned()));
            parts.push(Part::Relation(object.name.clone()));
        }
        parts.push(Part::Text(format!(" {action}")));
        if let Some(definition) = self.definitions.get_mut(at).map(Arc::make_mut) {
            definition.alters.push(Sql { parts });
            definition.object.clone_from(renamed);
        }
        self.replace_object(object, renamed);
        Ok(())
    }

    fn move_type(&mut self, object: &ObjectRef, to: &Name) -> Result<(), CatalogError> {
        let from = &object.name;
        if self.expect(self.user_type(from), "type", from)?.is_none() {
            return Ok(());
        }
        if self.is_there(Role::Type, to) && !self.is_unknown(object.kind, to) {
            return Err(CatalogError::exists("type", to));
        }
        self.rewrite(&mut Renamer { from, to, roles: &[Role::Type] });
        Ok(())
    }

    fn move_routine(&mut self, object: &ObjectRef, to: &Name) -> Result<(), CatalogError> {
        let Some(key) = self.routine_key(object) else {
            let unknown = self.is_unknown(object.kind, &object.name) || self.has_extensions();
            return if unknown { Ok(()) } else { Err(self.no_routine(object)) };
        };
        if self.routines_named(&key.0).nth(1).is_none() {
            self.rewrite(&mut Renamer { from: &key.0, to, roles: &[Role::Routine] });
            return Ok(());
        }
        // One overload of several moves: texts keep the name, for they don't say which they mean.
        if let Some(mut routine) = self.routines.remove(&key) {
            let moved = Arc::make_mut(&mut routine);
            walk::routine(&mut Renamer { from: &key.0, to, roles: &[Role::Routine] }, Role::Routine, moved);
            self.routines.insert((to.clone(), key.1), routine);
        }
        self.replace_object(object, &ObjectRef { name: to.clone(), ..object.clone() });
        Ok(())
    }

    /// Why a reference means no one routine.
    fn no_routine(&self, object: &ObjectRef) -> CatalogError {
        let (what, name) = (object.kind.words(), object.name.clone());
        let several = object.detail.is_none() && self.routines_named(&name).nth(1).is_some();
        if several { CatalogError::Ambiguous { what, name } } else { CatalogError::missing(what, &name) }
    }

    pub(super) fn set_owner(&mut self, object: &ObjectRef, owner: &Identifier) -> Result<(), CatalogError> {
        if self.expect_object(object)? {
            self.owners.insert(object.clone(), owner.clone());
        }
        Ok(())
    }

    pub(super) fn comment(&mut self, object: &ObjectRef, text: Option<&str>) -> Result<(), CatalogError> {
        if self.expect_object(object)? {
            match text.filter(|text| !text.is_empty()) {
                Some(text) => self.comments.insert(object.clone(), text.to_owned()),
                None => self.comments.remove(object),
            };
        }
        Ok(())
    }

    /// Forgets what was said of the objects that `gone` describes.
    pub(super) fn forget(&mut self, gone: &dyn Fn(&ObjectRef) -> bool) {
        if self.comments.keys().any(gone) {
            self.comments.retain(|object, _| !gone(object));
        }
        if self.owners.keys().any(gone) {
            self.owners.retain(|object, _| !gone(object));
        }
        if self.grants.iter().chain(self.revokes.iter()).any(|right| gone(&right.object)) {
            self.each_right(|right| (!gone(&right.object)).then(|| right.clone()));
        }
        if self.unknown.iter().any(gone) {
            self.unknown.retain(|object| !gone(object));
        }
    }

    /// Forgets what was said of a part of `of`.
    pub(super) fn forget_part(&mut self, kind: ObjectKind, of: &Name, part: &Identifier) {
        self.forget(&|object| object.kind == kind && &object.name == of && object.detail.as_deref() == Some(part.as_str()));
    }

    /// A dropped table is no longer published: ALTERs that added it are forgotten.
    pub(super) fn leave_publications(&mut self, table: &Name) {
        self.each_definition(|definition| {
            if definition.object.kind == ObjectKind::Publication {
                let names_it = |part: &Part| matches!(part, Part::Relation(name) if name == table);
                definition.alters.retain(|alter| !alter.parts.iter().any(names_it));
            }
        });
    }
}
