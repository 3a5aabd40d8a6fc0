//! INHERITS, and what partitions have in common with it: columns and constraints that come from above. Must never hand down
//! what belongs to one table alone (foreign keys and indexes of a plain parent, `NO INHERIT`).

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::column::Column;
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::name::{Identifier, Name};
use crate::schema::table::Table;
use crate::schema::text::Sql;

impl Catalog {
    /// Puts the parents' columns in front of the declared ones, merging those of one name, and gives the inherited CHECKs.
    pub(super) fn inherit_columns(&self, table: &mut Table) -> Result<Vec<Constraint>, CatalogError> {
        let parents = table.parents.iter().chain(table.partition_of.iter().map(|partition| &partition.parent));
        let mut inherited: Vec<Column> = Vec::new();
        let mut constraints: Vec<Constraint> = Vec::new();
        for parent in parents {
            let Some(parent) = self.expect(self.table(parent), "table", parent)? else { continue };
            for column in &parent.columns {
                match inherited.iter_mut().find(|found| found.name == column.name) {
                    Some(found) => found.not_null |= column.not_null,
                    None => inherited.push(inherited_column(column)),
                }
            }
            for constraint in parent.constraints.iter().filter(|constraint| is_inherited(constraint)) {
                if !constraints.iter().any(|found| found.name == constraint.name) {
                    constraints.push(Constraint { local: false, ..constraint.clone() });
                }
            }
        }
        let above = inherited.len();
        for column in std::mem::take(&mut table.columns) {
            match inherited[..above].iter_mut().find(|found| found.name == column.name) {
                Some(found) => merge(found, column, table.partition_of.is_none()),
                None => inherited.push(column),
            }
        }
        table.columns = inherited;
        Ok(constraints)
    }

    /// The table and all that inherit from it, parents before children.
    pub fn with_descendants(&self, table: &Name) -> Vec<Name> {
        let mut found = vec![table.clone()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            for child in self.children_of(&parent) {
                if !found.contains(&child.name) {
                    found.push(child.name.clone());
                }
            }
            next += 1;
        }
        found
    }

    /// The tables from which `table` has `column`.
    pub(super) fn parents_with(&self, table: &Table, column: &Identifier) -> bool {
        let parents = table.parents.iter().chain(table.partition_of.iter().map(|partition| &partition.parent));
        parents.filter_map(|parent| self.tables.get(parent)).any(|parent| parent.column(column).is_some())
    }

    pub(super) fn add_inheritance(&mut self, table: &Name, parent: &Name) -> Result<(), CatalogError> {
        let Some(from) = self.expect(self.table(parent), "table", parent)?.cloned() else { return Ok(()) };
        let Some(child) = self.table_mut(table)? else { return Ok(()) };
        for column in &from.columns {
            if child.column(&column.name).is_none() {
                return Err(CatalogError::NoColumn { table: table.clone(), column: column.name.clone() });
            }
        }
        if child.parents.contains(parent) {
            return Err(CatalogError::exists("parent", parent));
        }
        for column in child.columns.iter_mut().filter(|column| column.default.is_none() && column.generated.is_none()) {
            // A child made later with INHERITS would take the parent's default over; this one hasn't.
            if from.column(&column.name).is_some_and(|above| above.default.is_some()) {
                column.default = Some(Sql::plain("NULL"));
            }
        }
        child.parents.push(parent.clone());
        Ok(())
    }

    pub(super) fn drop_inheritance(&mut self, table: &Name, parent: &Name) -> Result<(), CatalogError> {
        let from = self.tables.get(parent).cloned();
        let Some(child) = self.table_mut(table)? else { return Ok(()) };
        if !child.parents.contains(parent) {
            return Err(CatalogError::NotOnTable { table: table.clone(), what: "parent", name: parent.name.clone() });
        }
        child.parents.retain(|name| name != parent);
        if let Some(from) = from {
            self.keep_as_local(table, &from);
        }
        Ok(())
    }

    /// What came from `parent` and from no other parent is from now on the table's own.
    pub(super) fn keep_as_local(&mut self, table: &Name, parent: &Table) {
        let Some(mut found) = self.tables.get(table).cloned() else { return };
        let child = Arc::make_mut(&mut found);
        let others: Vec<Arc<Table>> = child.parents.iter().filter_map(|name| self.tables.get(name).cloned()).collect();
        for column in &mut child.columns {
            let elsewhere = others.iter().any(|other| other.column(&column.name).is_some());
            column.local |= parent.column(&column.name).is_some() && !elsewhere;
        }
        for constraint in &mut child.constraints {
            let named = |table: &Table| constraint.name.as_ref().is_some_and(|name| table.constraint(name).is_some());
            let elsewhere = others.iter().any(|other| named(other));
            constraint.local |= named(parent) && !elsewhere;
        }
        self.tables.insert(table.clone(), found);
    }
}

/// Whether children get the constraint.
pub(super) fn is_inherited(constraint: &Constraint) -> bool {
    match constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. } => !constraint.no_inherit,
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) => false,
    }
}

/// The column as a child has it: without identity and without targets and options, which each table sets for itself.
pub(super) fn inherited_column(column: &Column) -> Column {
    let mut copy = Column::new(column.name.clone(), column.data_type.clone());
    copy.collation.clone_from(&column.collation);
    copy.not_null = column.not_null;
    copy.default.clone_from(&column.default);
    copy.generated.clone_from(&column.generated);
    copy.storage.clone_from(&column.storage);
    copy.compression.clone_from(&column.compression);
    copy.local = false;
    copy
}

/// A column that the child declares too.
fn merge(inherited: &mut Column, declared: Column, local: bool) {
    inherited.local = local;
    inherited.not_null |= declared.not_null;
    if declared.default.is_some() {
        inherited.default = declared.default;
    }
    if declared.generated.is_some() {
        inherited.generated = declared.generated;
    }
    if declared.identity.is_some() {
        inherited.identity = declared.identity;
    }
    if declared.storage.is_some() {
        inherited.storage = declared.storage;
    }
    if declared.compression.is_some() {
        inherited.compression = declared.compression;
    }
}
