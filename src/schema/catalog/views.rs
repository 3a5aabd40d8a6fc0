//! Views and materialized views. Must never invent a column of a view that nobody has resolved.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::{Lookup, OnConflict};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, View};

impl Catalog {
    pub(super) fn create_view(&mut self, view: &View, column_names: &[Identifier], on_conflict: OnConflict) -> Result<(), CatalogError> {
        let name = &view.name;
        self.expect_schema(name)?;
        let mut made = view.clone();
        if let Lookup::Known(columns) = &mut made.columns {
            for (column, written) in columns.iter_mut().zip(column_names) {
                column.name = written.clone();
            }
        }
        match (on_conflict, self.relation_kind(name)) {
            (OnConflict::Skip, Some(_)) => return Ok(()),
            (OnConflict::Replace, Some(ObjectKind::View)) => {
                if let Some(before) = self.views.get(name) {
                    made.defaults.clone_from(&before.defaults);
                }
            }
            (OnConflict::Fail | OnConflict::Replace, _) | (OnConflict::Skip, None) => self.expect_free(name)?,
        }
        self.views.insert(name.clone(), Arc::new(made));
        Ok(())
    }

    pub(super) fn refresh(&mut self, view: &Name, with_data: bool) -> Result<(), CatalogError> {
        if self.expect(self.view(view), "materialized view", view)?.is_none() {
            return Ok(());
        }
        if let Some(found) = self.views.get_mut(view).map(Arc::make_mut) {
            found.populated = with_data;
        }
        Ok(())
    }
}
