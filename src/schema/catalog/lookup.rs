//! Looking into the catalog: what a name stands for, and whether anybody can tell. Must never say `Absent` of what an
//! unreadable statement may have made.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::walk::{Role, Visitor, role_of};
use super::walk_change;
use crate::schema::change::{Change, Lookup};
use crate::schema::constraint::ForeignKey;
use crate::schema::index::Index;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, Sequence, TypeKind, UserType, View};
use crate::schema::table::{Table, TableKind};
use crate::schema::tools::is_tools_own;

/// The schema of temporary tables.
pub(super) const TEMPORARY: &str = "pg_temp";

impl Catalog {
    /// The columns that a foreign key references: said, or those of the primary key, which go without saying.
    pub fn key_referenced_by(&self, key: &ForeignKey) -> Option<Vec<Identifier>> {
        if key.referenced_columns.is_empty() {
            return self.tables.get(&key.references)?.primary_key().map(|key| key.columns.clone());
        }
        Some(key.referenced_columns.clone())
    }

    /// The table of that (resolved) name.
    pub fn table(&self, name: &Name) -> Lookup<&Arc<Table>> {
        self.answer(ObjectKind::Table, name, self.tables.get(name))
    }

    /// The index of that (resolved) name.
    pub fn index(&self, name: &Name) -> Lookup<&Arc<Index>> {
        self.answer(ObjectKind::Index, name, self.indexes.get(name))
    }

    /// The sequence of that (resolved) name.
    pub fn sequence(&self, name: &Name) -> Lookup<&Arc<Sequence>> {
        self.answer(ObjectKind::Sequence, name, self.sequences.get(name))
    }

    /// The view or materialized view of that (resolved) name.
    pub fn view(&self, name: &Name) -> Lookup<&Arc<View>> {
        self.answer(ObjectKind::View, name, self.views.get(name))
    }

    /// The user-defined type of that (resolved) name.
    pub fn user_type(&self, name: &Name) -> Lookup<&Arc<UserType>> {
        self.answer(ObjectKind::Type, name, self.types.get(name))
    }

    /// The indexes of a table, those behind constraints included.
    pub fn indexes_of(&self, table: &Name) -> impl Iterator<Item = (&Name, &Arc<Index>)> {
        self.indexes.iter().filter(move |(_, index)| &index.table == table)
    }

    /// The tables that inherit from `table`, its partitions included.
    pub fn children_of(&self, table: &Name) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values().filter(move |child| {
            child.parents.contains(table) || child.partition_of.as_ref().is_some_and(|partition| &partition.parent == table)
        })
    }

    /// What kind of relation has that name; none if there is none.
    pub fn relation_kind(&self, name: &Name) -> Option<ObjectKind> {
        if let Some(table) = self.tables.get(name) {
            return Some(match table.kind {
                TableKind::Plain | TableKind::Partitioned { .. } => ObjectKind::Table,
                TableKind::Foreign { .. } => ObjectKind::ForeignTable,
            });
        }
        if let Some(view) = self.views.get(name) {
            return Some(if view.materialized { ObjectKind::MaterializedView } else { ObjectKind::View });
        }
        if self.indexes.contains_key(name) {
            return Some(ObjectKind::Index);
        }
        if self.sequences.contains_key(name) {
            return Some(ObjectKind::Sequence);
        }
        self.types.get(name).filter(|found| matches!(found.kind, TypeKind::Composite { .. })).map(|_| ObjectKind::Type)
    }

    /// Whether an unreadable statement may have made, changed or dropped that object.
    pub fn is_unknown(&self, kind: ObjectKind, name: &Name) -> bool {
        self.unknown_all
            || is_tools_own(name.name.as_str())
            || self.unknown.iter().any(|object| {
                object.kind == ObjectKind::Schema && Some(&object.name.name) == name.schema.as_ref()
                    || &object.name == name && role_of(object.kind) == role_of(kind)
            })
    }

    fn answer<'a, T>(&self, kind: ObjectKind, name: &Name, found: Option<&'a T>) -> Lookup<&'a T> {
        match found {
            Some(found) => Lookup::Known(found),
            None if self.is_unknown(kind, name) => Lookup::Unknown,
            None => Lookup::Absent,
        }
    }

    /// For a change: the object if it is there, none if nobody can tell.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Missing`], if it surely isn't there.
    pub(super) fn expect<T>(&self, object: Lookup<T>, what: &'static str, name: &Name) -> Result<Option<T>, CatalogError> {
        match object {
            Lookup::Known(object) => Ok(Some(object)),
            Lookup::Unknown => Ok(None),
            Lookup::Absent => Err(match self.relation_kind(name) {
                Some(kind) => CatalogError::WrongKind { name: name.clone(), is: word(kind), wanted: what },
                None => CatalogError::missing(what, name),
            }),
        }
    }

    /// The table that a change is about, to be changed; none if nobody can tell what it looks like.
    ///
    /// # Errors
    ///
    /// If there surely is none.
    pub(super) fn table_mut(&mut self, name: &Name) -> Result<Option<&mut Table>, CatalogError> {
        if self.expect(self.table(name), "table", name)?.is_none() {
            return Ok(None);
        }
        Ok(self.tables.get_mut(name).map(Arc::make_mut))
    }

    /// Refuses a new relation under a name that is taken.
    ///
    /// # Errors
    ///
    /// If it surely is.
    pub(super) fn expect_free(&self, name: &Name) -> Result<(), CatalogError> {
        match self.relation_kind(name) {
            Some(kind) if !self.is_unknown(kind, name) => Err(CatalogError::exists(word(kind), name)),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the relation, type or routine that a (resolved) change alters surely isn't there.
    pub fn lacks_target(&self, change: &Change) -> bool {
        let mut first = First::default();
        walk_change::change(&mut first, &mut change.clone());
        let Some((role, name)) = first.seen else { return false };
        let kind = match role {
            Role::Type | Role::NewType => ObjectKind::Type,
            Role::Routine | Role::NewRoutine => ObjectKind::Function,
            Role::Other(kind) | Role::NewOther(kind) => kind,
            Role::Relation | Role::NewRelation | Role::NewTemporary => ObjectKind::Table,
        };
        !self.is_there(role, &name) && !self.is_unknown(kind, &name)
    }

    /// Refuses a new table or view under the name of a type: the row type could not be made.
    pub(super) fn expect_free_type(&self, name: &Name) -> Result<(), CatalogError> {
        if self.types.contains_key(name) && !self.is_unknown(ObjectKind::Type, name) {
            return Err(CatalogError::exists("type", name));
        }
        Ok(())
    }

    /// Where a name without a schema is created: the first schema of the search path that is there.
    pub(super) fn creation_schema(&self) -> Identifier {
        self.search_path
            .iter()
            .find(|schema| self.schemas.contains_key(*schema))
            .or_else(|| self.search_path.iter().find(|schema| schema.as_str() != "$user"))
            .cloned()
            .unwrap_or_else(|| Identifier::from("public"))
    }

    /// The name in the first schema of the search path, that of temporary tables before all, in which `found` is true.
    pub(super) fn in_search_path(&self, name: &Identifier, found: impl Fn(&Name) -> bool) -> Option<Name> {
        let temporary = Identifier::from(TEMPORARY);
        std::iter::once(&temporary)
            .chain(self.search_path.iter())
            .map(|schema| Name { schema: Some(schema.clone()), name: name.clone() })
            .find(|candidate| found(candidate))
    }

    /// Whether a reference in `names` is to something of that role and name.
    pub(super) fn is_there(&self, role: Role, name: &Name) -> bool {
        match role {
            Role::Relation | Role::NewRelation | Role::NewTemporary => self.relation_kind(name).is_some(),
            Role::Type | Role::NewType => {
                let multirange = || self.types.values().any(|range| range.multirange().as_ref() == Some(name));
                self.types.contains_key(name) || self.tables.contains_key(name) || self.views.contains_key(name) || multirange()
            }
            Role::Routine | Role::NewRoutine => self.routines_named(name).next().is_some(),
            Role::Other(kind) | Role::NewOther(kind) => self.definition(kind, name).is_some(),
        }
    }

    /// The routines of that name, whatever their arguments.
    pub fn routines_named<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Arc<crate::schema::object::Routine>> {
        self.routines.range((name.clone(), Vec::new())..).take_while(move |((found, _), _)| found == name).map(|(_, routine)| routine)
    }

    /// Where in `definitions` an object of that kind and name stands.
    pub(super) fn definition(&self, kind: ObjectKind, name: &Name) -> Option<usize> {
        self.definitions.iter().position(|definition| definition.object.kind == kind && &definition.object.name == name)
    }
}

/// The first name of a change, which is that of the object that it is about.
#[derive(Default)]
struct First {
    seen: Option<(Role, Name)>,
}

impl Visitor for First {
    fn name(&mut self, role: Role, name: &mut Name) {
        if self.seen.is_none() {
            self.seen = Some((role, name.clone()));
        }
    }
}

/// A relation kind in words.
pub(super) fn word(kind: ObjectKind) -> &'static str {
    kind.words()
}
