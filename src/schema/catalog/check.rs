//! What must be there for a change to fit: objects that are talked about, relations and columns that a text names. Must never
//! refuse what an unreadable statement, an extension or the engine itself may have brought.

use super::Catalog;
use super::drop::unnamed_not_null;
use super::error::CatalogError;
use super::walk::{self, Role};
use crate::schema::change::{DataChange, Grant, Verb};
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::schema::text::{Part, Sql};

impl Catalog {
    /// Whether the object is there to be talked about; false where nobody can tell.
    ///
    /// # Errors
    ///
    /// If it surely isn't.
    pub(super) fn expect_object(&self, object: &ObjectRef) -> Result<bool, CatalogError> {
        let name = &object.name;
        match walk::role_of(object.kind) {
            _ if is_built_in(name) => Ok(true),
            Some(Role::Relation) => self.expect_on_relation(object),
            Some(Role::Type) => self.expect_type(&DataType { name: name.clone(), modifiers: Vec::new(), dimensions: 0 }).map(|()| true),
            Some(Role::Routine) if name.schema.is_some() && self.routine_key(object).is_none() => {
                let unknown = self.is_unknown(object.kind, name) || self.has_extensions() || self.is_there(Role::Routine, name);
                if unknown { Ok(true) } else { Err(CatalogError::missing(object.kind.words(), name)) }
            }
            None if object.kind == ObjectKind::Schema => self.expect_schema(&Name::new(name.name.clone(), "")).map(|()| true),
            Some(_) | None => Ok(true),
        }
    }

    fn expect_on_relation(&self, object: &ObjectRef) -> Result<bool, CatalogError> {
        let name = &object.name;
        let Some(kind) = self.relation_kind(name) else { return self.expect(self.table(name), "table", name).map(|_| false) };
        let whole = [
            ObjectKind::Table,
            ObjectKind::ForeignTable,
            ObjectKind::View,
            ObjectKind::MaterializedView,
            ObjectKind::Sequence,
            ObjectKind::Index,
        ];
        if whole.contains(&object.kind) && object.kind != kind {
            return Err(CatalogError::WrongKind { name: name.clone(), is: kind.words(), wanted: object.kind.words() });
        }
        let Some(part) = object.detail.as_deref().map(Identifier::from) else { return Ok(true) };
        let on_table = |what: &'static str| CatalogError::NotOnTable { table: name.clone(), what, name: part.clone() };
        if object.kind == ObjectKind::Column {
            self.expect_columns(name, std::slice::from_ref(&part)).map(|()| true)
        } else if object.kind == ObjectKind::TableConstraint {
            let there =
                self.tables.get(name).is_none_or(|table| table.constraint(&part).is_some() || unnamed_not_null(table, &part).is_some());
            if there || self.columns_are_unknown(name) { Ok(there) } else { Err(on_table("constraint")) }
        } else if object.kind == ObjectKind::Trigger {
            let there = self.triggers.contains_key(&(name.clone(), part.clone()));
            if there || self.is_unknown(ObjectKind::Trigger, name) { Ok(there) } else { Err(on_table("trigger")) }
        } else {
            Ok(true)
        }
    }

    /// The columns of a privilege.
    pub(super) fn expect_grantable(&self, grant: &Grant) -> Result<bool, CatalogError> {
        let there = self.expect_object(&grant.object)?;
        self.expect_columns(&grant.object.name, &grant.columns)?;
        Ok(there)
    }

    /// Refuses a table or view that surely isn't there.
    pub(super) fn expect_relation(&self, name: &Name) -> Result<(), CatalogError> {
        let elsewhere = is_built_in(name) || name.schema.is_none() || self.relation_kind(name).is_some();
        if elsewhere { Ok(()) } else { self.expect(self.table(name), "table", name).map(|_| ()) }
    }

    /// Refuses a text that names a relation, or a column of a known relation, that surely isn't there.
    pub(super) fn expect_references(&self, sql: &Sql) -> Result<(), CatalogError> {
        for part in &sql.parts {
            match part {
                Part::Relation(name) | Part::RelationLiteral(name) if !self.has_extensions() => self.expect_relation(name)?,
                // The name of a row, such as an alias, looks like a column too.
                Part::Column { of: Some(table), name } if !is_word_of(sql, name) => {
                    self.expect_columns(table, std::slice::from_ref(name))?;
                }
                Part::Relation(_) | Part::RelationLiteral(_) | Part::Column { .. } | Part::Text(_) | Part::Function(_) | Part::Type(_) => {}
            }
        }
        Ok(())
    }

    /// Rows: what is written and read must be there.
    pub(super) fn expect_rows(&self, data: &DataChange) -> Result<(), CatalogError> {
        if self.has_extensions() {
            return Ok(());
        }
        for name in data.writes.iter().chain(&data.reads) {
            self.expect_relation(name)?;
        }
        let columns = match data.verb {
            Verb::Insert | Verb::Update | Verb::Copy => data.columns.as_slice(),
            Verb::Delete | Verb::Merge | Verb::Truncate | Verb::Select => &[],
        };
        match data.writes.first() {
            Some(table) => self.expect_columns(table, columns),
            None => Ok(()),
        }
    }

    /// Whether there is an extension, whose objects nobody here knows.
    pub(super) fn has_extensions(&self) -> bool {
        self.extensions.keys().any(|extension| extension.as_str() != "plpgsql")
    }
}

/// Whether the plain text has the name as a word, as it has an alias.
fn is_word_of(sql: &Sql, name: &Identifier) -> bool {
    sql.parts.iter().any(|part| match part {
        Part::Text(text) => text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).any(|word| *name == word),
        Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => false,
    })
}

/// Whether the name is in a schema of the engine's own.
fn is_built_in(name: &Name) -> bool {
    name.schema.as_ref().is_some_and(|schema| ["pg_catalog", "information_schema", "pg_toast"].contains(&schema.as_str()))
}
