//! What no client knows yet, because migrations that are released together have just created it. Never forgets a rename.

use std::collections::BTreeSet;

use crate::history::Entry;
use crate::schema::{Change, Identifier, Name, Persistence};

/// Tables, views and columns that were created since the release began.
#[derive(Debug, Clone, Default)]
pub(super) struct Newborn {
    relations: BTreeSet<Name>,
    columns: BTreeSet<(Name, Identifier)>,
}

impl Newborn {
    /// Whether no client knows the relation.
    pub(super) fn relation(&self, name: &Name) -> bool {
        self.relations.contains(name)
    }

    /// Whether no client knows the column.
    pub(super) fn column(&self, table: &Name, column: &Identifier) -> bool {
        self.relation(table) || self.columns.contains(&(table.clone(), column.clone()))
    }

    /// Takes note of what `entry` creates and renames.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other change neither creates nor renames a relation or a column")]
    pub(super) fn observe(&mut self, entry: &Entry) {
        match &entry.change {
            Change::CreateTable(create) if !entry.before.tables.contains_key(&create.table.name) => {
                self.relations.insert(create.table.name.clone());
            }
            Change::CreateView { view, .. } if !entry.before.views.contains_key(&view.name) => {
                self.relations.insert(view.name.clone());
            }
            Change::AddColumn(add) => {
                let there = entry.before.tables.get(&add.table).is_some_and(|table| table.column(&add.column.name).is_some());
                if !there {
                    self.columns.insert((add.table.clone(), add.column.name.clone()));
                }
            }
            Change::RenameTable { table, to } => self.moved(table, &table.sibling(to.clone())),
            Change::SetTableSchema { table, schema } => self.moved(table, &Name::new(schema.clone(), table.name.clone())),
            Change::RenameColumn { table, column, to } if self.columns.remove(&(table.clone(), column.clone())) => {
                self.columns.insert((table.clone(), to.clone()));
            }
            Change::DropTable { table, .. } => {
                self.relations.remove(table);
                self.columns.retain(|(of, _)| of != table);
            }
            Change::DropColumn { table, column, .. } => {
                self.columns.remove(&(table.clone(), column.clone()));
            }
            _ => {}
        }
    }

    fn moved(&mut self, from: &Name, to: &Name) {
        if self.relations.remove(from) {
            self.relations.insert(to.clone());
        }
        let columns: Vec<Identifier> = self.columns.iter().filter(|(table, _)| table == from).map(|(_, column)| column.clone()).collect();
        for column in columns {
            self.columns.remove(&(from.clone(), column.clone()));
            self.columns.insert((to.clone(), column));
        }
    }
}

/// Whether only its own session sees the table.
#[expect(clippy::wildcard_enum_match_arm, reason = "only CREATE TABLE declares it")]
pub(super) fn is_temporary(entry: &Entry, table: &Name) -> bool {
    let declared = match &entry.change {
        Change::CreateTable(create) if &create.table.name == table => create.table.persistence == Persistence::Temporary,
        _ => false,
    };
    declared || entry.before.tables.get(table).is_some_and(|table| table.persistence == Persistence::Temporary)
}
