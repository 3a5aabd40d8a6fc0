//! What a release drops beside what it holds: types, functions, sequences that the held things still need go with those.

use crate::history::History;
use crate::plan::draft::Draft;
use crate::plan::format::Gate;
use crate::schema::change::DropBehavior;
use crate::schema::object::Trigger;
use crate::schema::{Catalog, Change, Name, Table};

/// What a release holds.
#[derive(Default)]
pub(crate) struct Holds {
    removals: Vec<Change>,
    gate: Option<Gate>,
}

impl Holds {
    /// One more, which `drop` ends.
    pub(crate) fn add(&mut self, removal: &Change, drop: &Draft) {
        self.removals.push(removal.clone());
        self.gate = drop.gates.iter().find(|gate| matches!(gate, Gate::Held { .. })).cloned();
    }

    /// The gate for a removal of what something held still needs.
    pub(crate) fn gate_of(&self, change: &Change, start: &Catalog, history: &History) -> Option<Gate> {
        let gate = self.gate.as_ref()?;
        let cascading = cascading(change)?;
        let mut kept = start.clone();
        for entry in &history.entries {
            if &entry.change == change {
                break;
            }
            if !self.removals.contains(&entry.change) {
                // What doesn't fit since something is still there is passed over.
                let _ = kept.apply(&entry.change);
            }
        }
        let mut without = kept.clone();
        let _ = without.apply(&cascading);
        let loses = |removal: &Change| parts(&kept, removal) != parts(&without, removal);
        self.removals.iter().any(loses).then(|| gate.clone())
    }
}

/// A removal with all that depends on it, if it is of something that tables and columns are made of.
#[expect(clippy::wildcard_enum_match_arm, reason = "no table needs anything else")]
fn cascading(change: &Change) -> Option<Change> {
    let behavior = DropBehavior::Cascade;
    match change.clone() {
        Change::DropObject { object, if_exists, .. } => Some(Change::DropObject { object, behavior, if_exists }),
        Change::DropExtension { extension, if_exists, .. } => Some(Change::DropExtension { extension, behavior, if_exists }),
        Change::DropSchema { schema, if_exists, .. } => Some(Change::DropSchema { schema, behavior, if_exists }),
        _ => None,
    }
}

/// What the table of a removal is made of.
fn parts<'a>(catalog: &'a Catalog, removal: &Change) -> (Option<&'a Table>, Vec<&'a Trigger>, Vec<&'a Name>) {
    let Some(name) = removal.relation() else { return (None, Vec::new(), Vec::new()) };
    let triggers = catalog.triggers.iter().filter(|((table, _), _)| table == name);
    let indexes = catalog.indexes_of(name).map(|(index, _)| index);
    (catalog.tables.get(name).map(AsRef::as_ref), triggers.map(|(_, trigger)| trigger.as_ref()).collect(), indexes.collect())
}
