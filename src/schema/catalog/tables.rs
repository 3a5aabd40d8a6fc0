//! What is said of a table (or another relation) as a whole: options, tablespace, access method. Must never touch columns.

use crate::schema::options::{self, Options};
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::name::{Identifier, Name};
use crate::schema::table::{ReplicaIdentity, Table};

impl Catalog {
    /// Does something to a table that must be there.
    pub(super) fn on_table(&mut self, table: &Name, change: impl FnOnce(&mut Table)) -> Result<(), CatalogError> {
        if let Some(found) = self.table_mut(table)? {
            change(found);
        }
        Ok(())
    }

    /// `SET (…)` on a table, view or index.
    pub(super) fn set_options(&mut self, relation: &Name, options: &Options) -> Result<(), CatalogError> {
        self.on_options(relation, |of| options::set(of, options))
    }

    /// `RESET (…)` on a table, view or index.
    pub(super) fn reset_options(&mut self, relation: &Name, options: &[String]) -> Result<(), CatalogError> {
        self.on_options(relation, |of| of.retain(|name, _| !options.contains(name)))
    }

    fn on_options(&mut self, relation: &Name, change: impl FnOnce(&mut Options)) -> Result<(), CatalogError> {
        if let Some(view) = self.views.get_mut(relation).map(Arc::make_mut) {
            change(&mut view.options);
            return Ok(());
        }
        if self.indexes.contains_key(relation) {
            return self.on_index(relation, |index| change(&mut index.options));
        }
        self.on_table(relation, |table| change(&mut table.options))
    }

    pub(super) fn set_tablespace(&mut self, relation: &Name, tablespace: &Identifier) -> Result<(), CatalogError> {
        let tablespace = (tablespace.as_str() != "pg_default").then(|| tablespace.clone());
        if let Some(view) = self.views.get_mut(relation).map(Arc::make_mut) {
            view.tablespace = tablespace;
            return Ok(());
        }
        if self.indexes.contains_key(relation) {
            return self.on_index(relation, |index| index.tablespace = tablespace);
        }
        self.on_table(relation, |table| table.tablespace = tablespace)
    }

    pub(super) fn set_access_method(&mut self, relation: &Name, method: Option<&Identifier>) -> Result<(), CatalogError> {
        if self.views.contains_key(relation) {
            return Ok(());
        }
        self.on_table(relation, |table| table.access_method = method.cloned())
    }

    pub(super) fn set_replica_identity(&mut self, table: &Name, identity: &ReplicaIdentity) -> Result<(), CatalogError> {
        if let ReplicaIdentity::Index(index) = identity {
            let index = table.sibling(index.clone());
            self.expect(self.index(&index), "index", &index)?;
        }
        self.on_table(table, |found| found.replica_identity = identity.clone())
    }

    pub(super) fn cluster_on(&mut self, relation: &Name, index: Option<&Identifier>) -> Result<(), CatalogError> {
        if let Some(index) = index.map(|index| relation.sibling(index.clone()))
            && self.expect(self.index(&index), "index", &index)?.is_none()
        {
            return Ok(());
        }
        if self.views.contains_key(relation) {
            return Ok(());
        }
        self.on_table(relation, |table| table.clustered_on = index.cloned())
    }
}
