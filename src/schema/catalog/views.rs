//! Views and materialized views. Must never invent a column of a view that nobody has resolved.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::{Lookup, OnConflict};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, View, ViewColumn};

impl Catalog {
    pub(super) fn create_view(&mut self, view: &View, column_names: &[Identifier], on_conflict: OnConflict) -> Result<(), CatalogError> {
        let name = &view.name;
        self.need_schema(name)?;
        self.expect_references(&view.query)?;
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
                    keeps_shape(before, &made)?;
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
        if self.views.get(view).is_some_and(|found| !found.materialized) {
            return Err(CatalogError::WrongKind { name: view.clone(), is: "view", wanted: "materialized view" });
        }
        if let Some(found) = self.views.get_mut(view).map(Arc::make_mut) {
            found.populated = with_data;
        }
        Ok(())
    }
}

/// Refuses a replacement that surely drops or renames a column.
fn keeps_shape(before: &View, after: &View) -> Result<(), CatalogError> {
    let (Lookup::Known(before), Lookup::Known(after), view) = (&before.columns, &after.columns, &before.name) else { return Ok(()) };
    let kept = |(at, column): &(usize, &ViewColumn)| after.get(*at).is_some_and(|found| found.name == column.name);
    match before.iter().enumerate().find(|column| !kept(column)) {
        Some((_, column)) => Err(CatalogError::ViewShape { view: view.clone(), column: column.name.clone() }),
        None => Ok(()),
    }
}
