//! Indexes: made, named, attached. Must never give a name that is taken, nor forget a partition.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::expression_name::expression_name;
use super::names;
use crate::schema::change::IfExists;
use crate::schema::constraint::{Constraint, ConstraintKind, Exclude, Key};
use crate::schema::index::{Index, IndexElement, IndexKey};
use crate::schema::name::{Identifier, Name};

impl Catalog {
    pub(super) fn create_index(&mut self, index: &Index, if_not_exists: IfExists) -> Result<(), CatalogError> {
        let table = &index.table;
        if self.views.get(table).is_some_and(|view| !view.materialized) {
            return Err(CatalogError::WrongKind { name: table.clone(), is: "view", wanted: "table" });
        }
        if !self.views.contains_key(table) && self.expect(self.table(table), "table", table)?.is_none() {
            return Ok(());
        }
        if let Some(name) = index.name.as_ref().map(|name| table.sibling(name.clone())) {
            if if_not_exists == IfExists::Skip && self.relation_kind(&name).is_some() {
                return Ok(());
            }
            self.expect_free(&name)?;
        }
        if self.tables.contains_key(table) {
            let read: Vec<Identifier> = index.elements.iter().flat_map(IndexElement::columns).chain(&index.include).cloned().collect();
            self.expect_columns(table, &read)?;
        }
        let name = index.name.clone().unwrap_or_else(|| self.choose_index_name(index, None));
        let made = Index { name: Some(name.clone()), ..index.clone() };
        self.indexes.insert(table.sibling(name), Arc::new(made.clone()));
        if !made.only {
            for partition in self.partitions_of(table) {
                self.index_from(&made, &partition)?;
            }
        }
        Ok(())
    }

    /// The same index on another table, under a name that is made up; also the constraint that it serves. Gives the name.
    pub(super) fn clone_index(&mut self, index: &Index, table: &Name, parent: Option<&Name>) -> Result<Option<Name>, CatalogError> {
        let source = index.table.clone();
        let constraint = index.constraint.as_ref().and_then(|name| self.tables.get(&source)?.constraint(name).cloned());
        let copy = Index { name: None, table: table.clone(), parent: parent.cloned(), constraint: None, only: false, ..index.clone() };
        let chosen = self.choose_index_name(&copy, constraint.as_ref().map(|constraint| &constraint.kind));
        let name = table.sibling(chosen.clone());
        match constraint {
            Some(constraint) => {
                let constraint = Constraint { name: Some(chosen), local: parent.is_none(), ..constraint };
                self.add_indexed(table, &constraint, copy)?;
            }
            None => self.create_index(&Index { name: Some(chosen), ..copy }, IfExists::Fail)?,
        }
        Ok(Some(name))
    }

    /// The name that the database makes up for an index that has none.
    ///
    /// PostgreSQL's `ChooseIndexName` (`src/backend/commands/indexcmds.c`).
    pub(super) fn choose_index_name(&self, index: &Index, constraint: Option<&ConstraintKind>) -> Identifier {
        let table = &index.table;
        let preliminary = index.elements.iter().map(|element| match &element.key {
            IndexKey::Column(column) => column.as_str().to_owned(),
            IndexKey::Expression(sql) => expression_name(sql),
        });
        let columns = names::index_columns(preliminary.chain(index.include.iter().map(|column| column.as_str().to_owned())));
        let addition = names::addition(columns.iter().map(String::as_str));
        let (second, label) = match constraint {
            Some(ConstraintKind::PrimaryKey(_)) => (None, "pkey"),
            Some(ConstraintKind::Exclude(_)) => (Some(addition.as_str()), "excl"),
            Some(ConstraintKind::Unique(_)) => (Some(addition.as_str()), "key"),
            Some(ConstraintKind::NotNull { .. } | ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_)) | None => {
                (Some(addition.as_str()), "idx")
            }
        };
        names::choose(table.name.as_str(), second, label, |name| {
            let name = table.sibling(name.clone());
            self.relation_kind(&name).is_some() || constraint.is_some() && self.constraint_is_taken(&name)
        })
    }

    /// The indexes of a table, those of its constraints first and in their order, the others by name.
    pub(super) fn indexes_in_order(&self, table: &Name) -> Vec<Arc<Index>> {
        let position = |index: &Index| {
            let constraints = &self.tables.get(table)?.constraints;
            constraints.iter().position(|constraint| constraint.name.is_some() && constraint.name == index.constraint)
        };
        let mut indexes: Vec<Arc<Index>> = self.indexes_of(table).map(|(_, index)| Arc::clone(index)).collect();
        indexes.sort_by_key(|index| position(index).unwrap_or(usize::MAX));
        indexes
    }

    pub(super) fn attach_index(&mut self, index: &Name, child: &Name) -> Result<(), CatalogError> {
        if self.expect(self.index(index), "index", index)?.is_none() || self.expect(self.index(child), "index", child)?.is_none() {
            return Ok(());
        }
        let Some(found) = self.indexes.get_mut(child).map(Arc::make_mut) else { return Ok(()) };
        found.parent = Some(index.clone());
        let (table, constraint) = (found.table.clone(), found.constraint.clone());
        if let (Some(name), Some(_)) = (constraint, self.indexes.get(index).and_then(|index| index.constraint.as_ref())) {
            self.on_constraint(&table, &name, |constraint| constraint.local = false)?;
        }
        Ok(())
    }

    pub(super) fn set_index_statistics(&mut self, index: &Name, column: u16, target: Option<i32>) -> Result<(), CatalogError> {
        if self.expect(self.index(index), "index", index)?.is_none() {
            return Ok(());
        }
        if let Some(found) = self.indexes.get_mut(index).map(Arc::make_mut) {
            match target.filter(|target| *target >= 0) {
                Some(target) => found.statistics.insert(column, target),
                None => found.statistics.remove(&column),
            };
        }
        Ok(())
    }

    /// Keeps the constraint that an index serves in step with the index's own options and tablespace.
    pub(super) fn on_index(&mut self, name: &Name, change: impl FnOnce(&mut Index)) -> Result<(), CatalogError> {
        if self.expect(self.index(name), "index", name)?.is_none() {
            return Ok(());
        }
        let Some(index) = self.indexes.get_mut(name).map(Arc::make_mut) else { return Ok(()) };
        change(index);
        let (table, options, tablespace) = (index.table.clone(), index.options.clone(), index.tablespace.clone());
        let Some(constraint) = index.constraint.clone() else { return Ok(()) };
        self.on_constraint(&table, &constraint, |constraint| match &mut constraint.kind {
            ConstraintKind::Unique(Key { options: of, tablespace: space, .. })
            | ConstraintKind::PrimaryKey(Key { options: of, tablespace: space, .. })
            | ConstraintKind::Exclude(Exclude { options: of, tablespace: space, .. }) => {
                *of = options;
                *space = tablespace;
            }
            ConstraintKind::NotNull { .. } | ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) => {}
        })
    }
}

/// Whether two indexes say the same, their names and tables aside.
pub(super) fn same_shape(one: &Index, other: &Index) -> bool {
    one.method == other.method
        && one.elements == other.elements
        && one.include == other.include
        && one.uniqueness == other.uniqueness
        && one.nulls == other.nulls
        && one.predicate == other.predicate
}
