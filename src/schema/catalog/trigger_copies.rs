//! The copies of a partitioned table's triggers that its partitions have. They are kept only where they are enabled otherwise than
//! the one above them; must never outlive the trigger that they are copies of.

use std::sync::Arc;

use super::Catalog;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::Trigger;
use crate::schema::text::Sql;

impl Catalog {
    /// How many partitioned tables stand above a partition.
    pub fn depth_of_partition(&self, table: &Name) -> usize {
        self.partitioned_parent(table).map_or(0, |parent| self.depth_of_partition(&parent) + 1)
    }

    /// The triggers of the tables above a partition, of which it has copies.
    pub(super) fn copies_of_triggers(&self, table: &Name, wanted: impl Fn(&Identifier) -> bool) -> Vec<Arc<Trigger>> {
        let mut found = Vec::new();
        let mut below = table.clone();
        while let Some(parent) = self.partitioned_parent(&below) {
            let its = |trigger: &&Arc<Trigger>| trigger.table == parent && !trigger.copied && wanted(&trigger.name);
            found.extend(self.triggers.values().filter(its).cloned());
            below = parent;
        }
        found
    }

    /// Sets how the copy on one partition is enabled, and with it those below.
    pub(super) fn enable_copy(&mut self, table: &Name, origin: &Trigger, enabled: char) {
        self.forget_copies(table, &origin.name);
        let key = (table.clone(), origin.name.clone());
        self.triggers.remove(&key);
        if self.state_above(table, origin) != enabled {
            let copy = Trigger {
                table: table.clone(),
                enabled,
                copied: true,
                definition: Sql::default(),
                when: None,
                update_of: Vec::new(),
                ..origin.clone()
            };
            self.triggers.insert(key, Arc::new(copy));
        }
    }

    /// How the copy on the table above is enabled, or the trigger itself.
    fn state_above(&self, table: &Name, origin: &Trigger) -> char {
        let Some(parent) = self.partitioned_parent(table) else { return origin.enabled };
        match self.triggers.get(&(parent.clone(), origin.name.clone())) {
            Some(found) => found.enabled,
            None => self.state_above(&parent, origin),
        }
    }

    /// Takes the copies of a table's trigger from the partitions below, and gives them back.
    pub(super) fn forget_copies(&mut self, table: &Name, trigger: &Identifier) -> Vec<Arc<Trigger>> {
        let partitions = self.with_descendants(table).into_iter().skip(1);
        let keys: Vec<_> = partitions
            .map(|partition| (partition, trigger.clone()))
            .filter(|key| self.triggers.get(key).is_some_and(|found| found.copied))
            .collect();
        keys.iter().filter_map(|key| self.triggers.remove(key)).collect()
    }

    /// A partition that is detached loses its copies of what was above.
    pub(super) fn forget_copies_from_above(&mut self, detached: &Name) {
        for table in self.with_descendants(detached) {
            let copies: Vec<_> = self.triggers.values().filter(|found| found.copied && found.table == table).cloned().collect();
            for copy in copies {
                if self.copies_of_triggers(&table, |name| name == &copy.name).is_empty() {
                    self.triggers.remove(&(table.clone(), copy.name.clone()));
                }
            }
        }
    }

    fn partitioned_parent(&self, table: &Name) -> Option<Name> {
        Some(self.tables.get(table)?.partition_of.as_ref()?.parent.clone())
    }
}
