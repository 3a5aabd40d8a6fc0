//! Partitions: what a partitioned table clones to each of them, on creation and when one is attached. Must never leave a
//! partition without an index that its parent has.

use std::sync::Arc;

use super::Catalog;
use super::constraints::same_foreign_key;
use super::error::CatalogError;
use super::indexes::same_shape;
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::index::Index;
use crate::schema::name::Name;
use crate::schema::table::{Partition, Table, TableKind};

impl Catalog {
    /// Gives a new partition the indexes and foreign keys of its parent.
    pub(super) fn clone_from_partitioned(&mut self, table: &Name) -> Result<(), CatalogError> {
        let parent = self.tables.get(table).and_then(|table| table.partition_of.as_ref()).map(|partition| partition.parent.clone());
        let Some(parent) = parent.and_then(|parent| self.tables.get(&parent).cloned()) else { return Ok(()) };
        self.indexes_from(&parent, table)?;
        self.foreign_keys_from(&parent, table)
    }

    pub(super) fn attach_partition(&mut self, table: &Name, partition: &Name, bound: &Partition) -> Result<(), CatalogError> {
        self.expect_partitioned(table)?;
        let Some(parent) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        let Some(child) = self.table_mut(partition)? else { return Ok(()) };
        if child.partition_of.is_some() {
            return Err(CatalogError::exists("partition", partition));
        }
        for column in &parent.columns {
            let Some(found) = child.columns.iter_mut().find(|found| found.name == column.name) else {
                return Err(CatalogError::NoColumn { table: partition.clone(), column: column.name.clone() });
            };
            found.local = false;
        }
        for constraint in &mut child.constraints {
            let above = constraint.name.as_ref().and_then(|name| parent.constraint(name));
            if above.is_some_and(|above| matches!(above.kind, ConstraintKind::Check { .. })) {
                constraint.local = false;
            }
        }
        child.partition_of = Some(Partition { parent: table.clone(), bound: bound.bound.clone() });
        self.indexes_from(&parent, partition)?;
        self.foreign_keys_from(&parent, partition)
    }

    pub(super) fn detach_partition(&mut self, table: &Name, partition: &Name) -> Result<(), CatalogError> {
        let parent = self.tables.get(table).cloned();
        let Some(child) = self.table_mut(partition)? else { return Ok(()) };
        if child.partition_of.as_ref().is_none_or(|found| &found.parent != table) {
            return Err(CatalogError::NotOnTable { table: table.clone(), what: "partition", name: partition.name.clone() });
        }
        child.partition_of = None;
        for constraint in &mut child.constraints {
            constraint.local = true;
        }
        if let Some(parent) = parent {
            self.keep_as_local(partition, &parent);
        }
        self.forget_copies_from_above(partition);
        let indexes: Vec<Name> = self.indexes_of(partition).map(|(name, _)| name.clone()).collect();
        for name in indexes {
            if let Some(index) = self.indexes.get_mut(&name) {
                Arc::make_mut(index).parent = None;
            }
        }
        Ok(())
    }

    /// Refuses a parent that surely isn't partitioned.
    pub(super) fn expect_partitioned(&self, table: &Name) -> Result<(), CatalogError> {
        let plain = self.tables.get(table).is_some_and(|table| !matches!(table.kind, TableKind::Partitioned { .. }));
        if plain && !self.unknown_all {
            return Err(CatalogError::WrongKind { name: table.clone(), is: "plain table", wanted: "partitioned table" });
        }
        Ok(())
    }

    /// The partitions of a partitioned table, not of a plain parent.
    pub(super) fn partitions_of(&self, table: &Name) -> Vec<Name> {
        self.tables
            .values()
            .filter(|child| child.partition_of.as_ref().is_some_and(|partition| &partition.parent == table))
            .map(|child| child.name.clone())
            .collect()
    }

    /// Every index of `parent`, attached to a like one of `table` or cloned.
    fn indexes_from(&mut self, parent: &Table, table: &Name) -> Result<(), CatalogError> {
        for index in self.indexes_in_order(&parent.name) {
            self.index_from(&index, table)?;
        }
        Ok(())
    }

    /// The index on a partition that belongs to `index` of its parent: one that is there already, or a new one.
    pub(super) fn index_from(&mut self, index: &Index, table: &Name) -> Result<(), CatalogError> {
        let Some(above) = index.name.clone().map(|name| index.table.sibling(name)) else { return Ok(()) };
        let attached = self.indexes_of(table).any(|(_, found)| found.parent.as_ref() == Some(&above));
        if attached {
            return Ok(());
        }
        let twin = self
            .indexes_of(table)
            .find(|(_, found)| {
                found.parent.is_none() && same_shape(found, index) && found.constraint.is_some() == index.constraint.is_some()
            })
            .map(|(name, found)| (name.clone(), found.constraint.clone()));
        let Some((name, constraint)) = twin else {
            self.clone_index(index, table, Some(&above))?;
            return Ok(());
        };
        if let Some(found) = self.indexes.get_mut(&name) {
            Arc::make_mut(found).parent = Some(above);
        }
        if let (Some(constraint), Some(table)) = (constraint, self.tables.get_mut(table)) {
            let constraints = &mut Arc::make_mut(table).constraints;
            constraints.iter_mut().filter(|found| found.name.as_ref() == Some(&constraint)).for_each(|found| found.local = false);
        }
        Ok(())
    }

    fn foreign_keys_from(&mut self, parent: &Table, table: &Name) -> Result<(), CatalogError> {
        for constraint in parent.constraints.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey(_))) {
            self.foreign_key_from(constraint, table)?;
        }
        Ok(())
    }

    /// The foreign key on a partition that belongs to one of its parent, under the same name where that is free.
    pub(super) fn foreign_key_from(&mut self, constraint: &Constraint, table: &Name) -> Result<(), CatalogError> {
        let Some(child) = self.table_mut(table)? else { return Ok(()) };
        if let Some(twin) = child.constraints.iter_mut().find(|found| found.local && same_foreign_key(found, constraint)) {
            twin.local = false;
            return Ok(());
        }
        let taken = constraint.name.as_ref().is_some_and(|name| child.constraint(name).is_some());
        let name = constraint.name.clone().filter(|_| !taken);
        self.add_constraint(table, &Constraint { name, local: false, ..constraint.clone() })
    }
}
