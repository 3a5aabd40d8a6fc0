//! What has been found so far about one change: its locks and its work. Never decides anything itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::{Effects, Held, Lock, LockMode, Transactional, Work};
use crate::schema::{Catalog, Identifier, Lookup, Name, Table, TableKind};

/// The locks and the work of one change.
pub(super) struct Tally<'a> {
    pub(super) major: u32,
    pub(super) before: &'a Catalog,
    locks: BTreeMap<Name, LockMode>,
    work: BTreeSet<Work>,
    transactional: Transactional,
}

impl<'a> Tally<'a> {
    pub(super) fn new(major: u32, before: &'a Catalog) -> Self {
        Self { major, before, locks: BTreeMap::new(), work: BTreeSet::new(), transactional: Transactional::Yes }
    }

    /// A lock is held to the end of the statement at least, so all are held as long as the longest work takes.
    pub(super) fn finish(self) -> Effects {
        let held = self.work.iter().map(held_for).max().unwrap_or(Held::Brief);
        let locks = self.locks.into_iter().map(|(relation, mode)| Lock { relation, mode, held }).collect();
        Effects { locks, transactional: self.transactional, work: self.work.into_iter().collect() }
    }

    pub(super) fn table(&self, name: &Name) -> Option<&'a Arc<Table>> {
        self.before.tables.get(name)
    }

    /// Locks a relation, if it is there or nobody can tell.
    pub(super) fn lock(&mut self, relation: &Name, mode: LockMode) {
        if !self.exists(relation) {
            return;
        }
        let strongest = self.locks.entry(relation.clone()).or_insert(mode);
        *strongest = mode.max(*strongest);
    }

    /// Locks a table and all that inherit from it, as ALTER TABLE without ONLY does.
    pub(super) fn lock_family(&mut self, table: &Name, mode: LockMode) {
        for member in self.family(table) {
            self.lock(&member, mode);
        }
    }

    /// Locks a table and its partitions, but not tables that inherit in the old way.
    pub(super) fn lock_partitions(&mut self, table: &Name, mode: LockMode) {
        for member in self.partitions(table) {
            self.lock(&member, mode);
        }
    }

    /// A table and all that inherit from it, partitions included.
    pub(super) fn family(&self, table: &Name) -> Vec<Name> {
        self.descendants(table, |child, parent| {
            child.parents.contains(parent) || child.partition_of.as_ref().is_some_and(|partition| &partition.parent == parent)
        })
    }

    /// A table and all its partitions.
    pub(super) fn partitions(&self, table: &Name) -> Vec<Name> {
        self.descendants(table, |child, parent| child.partition_of.as_ref().is_some_and(|partition| &partition.parent == parent))
    }

    fn descendants(&self, table: &Name, is_child: impl Fn(&Table, &Name) -> bool) -> Vec<Name> {
        let mut found = vec![table.clone()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            next += 1;
            for (name, child) in &self.before.tables {
                if is_child(child, &parent) && !found.contains(name) {
                    found.push(name.clone());
                }
            }
        }
        found
    }

    /// Whether it has rows of its own. What nobody knows is taken for a table with rows.
    pub(super) fn has_rows(&self, relation: &Name) -> bool {
        match self.before.table(relation) {
            Lookup::Known(table) => matches!(table.kind, TableKind::Plain),
            Lookup::Absent => self.before.views.get(relation).is_some_and(|view| view.materialized),
            Lookup::Unknown => true,
        }
    }

    pub(super) fn is_partitioned(&self, table: &Name) -> bool {
        self.table(table).is_some_and(|table| matches!(table.kind, TableKind::Partitioned { .. }))
    }

    /// The table is written anew, if it has rows.
    pub(super) fn rewrite(&mut self, table: &Name) {
        if self.has_rows(table) {
            self.work.insert(Work::RewritesTable(table.clone()));
        }
    }

    /// The table is read, if it has rows.
    pub(super) fn scan(&mut self, table: &Name) {
        if self.has_rows(table) {
            self.work.insert(Work::ScansTable(table.clone()));
        }
    }

    /// An index is built, if the table has rows.
    pub(super) fn build(&mut self, table: &Name, index: Option<Name>) {
        if self.has_rows(table) {
            self.work.insert(Work::BuildsIndex { table: table.clone(), index });
        }
    }

    /// The table's file is copied as it is, if it has rows.
    pub(super) fn copy(&mut self, table: &Name) {
        if self.has_rows(table) {
            self.work.insert(Work::CopiesTable(table.clone()));
        }
    }

    /// All rows go, if there are any.
    pub(super) fn empty(&mut self, table: &Name) {
        if self.has_rows(table) {
            self.work.insert(Work::EmptiesTable(table.clone()));
        }
    }

    /// Locks the sequences that go with a table, or with one of its columns.
    pub(super) fn lock_sequences_of(&mut self, table: &Name, column: Option<&Identifier>, mode: LockMode) {
        for sequence in self.before.sequences.values() {
            let owned = sequence.owned_by.as_ref().is_some_and(|(of, by)| of == table && column.is_none_or(|column| column == by));
            if owned {
                self.lock(&sequence.name, mode);
            }
        }
    }

    pub(super) fn change_rows(&mut self, table: &Name) {
        self.work.insert(Work::ChangesRows(table.clone()));
    }

    pub(super) fn outside_transaction(&mut self) {
        self.transactional = Transactional::No;
    }

    fn exists(&self, relation: &Name) -> bool {
        let before = self.before;
        before.unknown_all
            || before.tables.contains_key(relation)
            || before.views.contains_key(relation)
            || before.indexes.contains_key(relation)
            || before.sequences.contains_key(relation)
            || before.types.contains_key(relation)
            || before.unknown.iter().any(|object| &object.name == relation)
    }
}

fn held_for(work: &Work) -> Held {
    match work {
        Work::RewritesTable(_) | Work::CopiesTable(_) => Held::Rewrite,
        // However many rows there are, only the catalog changes.
        Work::EmptiesTable(_) => Held::Brief,
        // Changed rows are locked as long as the statement takes, which grows with the rows.
        Work::ScansTable(_) | Work::BuildsIndex { .. } | Work::ChangesRows(_) => Held::Scan,
    }
}
