//! What a release calls otherwise than the one before, read off its changes. Pure.

use std::collections::BTreeMap;

use crate::history::History;
use crate::schema::{Change, Identifier, Name};

/// New name by old name, and new name of a column by its table's and its own old name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// Tables.
    pub tables: BTreeMap<Name, Name>,
    /// Columns.
    pub columns: BTreeMap<(Name, Identifier), Identifier>,
}

impl Renames {
    /// The renames of a release's history.
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else gives a table or a column another name")]
    pub fn of(history: &History) -> Self {
        let mut renames = Self::default();
        for entry in &history.entries {
            match &entry.change {
                Change::RenameTable { table, to } => renames.table(table, table.sibling(to.clone())),
                Change::SetTableSchema { table, schema, .. } => renames.table(table, Name::new(schema.clone(), table.name.clone())),
                Change::RenameColumn { table, column, to } => renames.column(table, column, to),
                _ => {}
            }
        }
        renames
    }

    fn first_name(&self, table: &Name) -> Name {
        self.tables.iter().find(|(_, now)| *now == table).map_or_else(|| table.clone(), |(then, _)| then.clone())
    }

    fn table(&mut self, from: &Name, to: Name) {
        let first = self.first_name(from);
        self.tables.insert(first, to);
    }

    fn column(&mut self, table: &Name, from: &Identifier, to: &Identifier) {
        let table = self.first_name(table);
        let first = self
            .columns
            .iter()
            .find(|((on, _), now)| *on == table && *now == from)
            .map_or_else(|| from.clone(), |((_, then), _)| then.clone());
        self.columns.insert((table, first), to.clone());
    }
}
