//! A table that is held: moved to a schema of its own with all that belongs to it, so that its names are free and going back
//! is a move. Its foreign keys are taken off, since they would refuse what clients do to the tables that stay.

use super::{drop_constraint, gate, gated, held_name, restore};
use crate::engine::{Held, LockMode};
use crate::plan::copies::lock_first;
use crate::plan::dependents::{self, ForeignKeyOf};
use crate::plan::draft::Draft;
use crate::plan::format::{HazardKind, Milliseconds};
use crate::plan::probe;
use crate::plan::recipe::Context;
use crate::schema::table::Persistence;
use crate::schema::{Constraint, Identifier, Name, Table, TableKind};
use crate::sql::write;

/// A table that is held.
pub(crate) struct HeldTable<'a> {
    table: &'a Table,
    schema: Identifier,
    /// Foreign keys of tables that are dropped later.
    later: Vec<(&'a Table, &'a Constraint)>,
}

impl<'a> HeldTable<'a> {
    /// None if it is dropped at once: it is a part of other tables or they of it, or CASCADE drops with it what can't be held.
    pub(crate) fn of(ctx: &'a Context<'_>, table: &'a Table, later: &[ForeignKeyOf]) -> Option<Self> {
        let is_part = table.partition_of.is_some() || !table.parents.is_empty() || table.of_type.is_some();
        let has_parts =
            ctx.before.tables.values().any(|other| {
                other.parents.contains(&table.name) || other.partition_of.as_ref().is_some_and(|part| part.parent == table.name)
            });
        let is_ordinary = matches!(table.kind, TableKind::Plain) && table.persistence != Persistence::Temporary;
        let goes_alone = !dependents::takes_others_along(ctx.before, ctx.after, &table.name, None);
        // A type that is exchanged is gone in contract.
        let swapped = table.columns.iter().any(|column| ctx.exchanges_type(&column.data_type.name));
        if swapped || ctx.hold.0 == 0 || is_part || has_parts || !is_ordinary || !goes_alone {
            return None;
        }
        let later = later
            .iter()
            .filter_map(|(child, key)| {
                let child = ctx.before.tables.get(child)?;
                Some((child.as_ref(), child.constraint(key)?))
            })
            .collect();
        Some(Self { table, schema: held_name(ctx, &table.name, "table"), later })
    }

    fn held(&self) -> Name {
        Name::new(self.schema.clone(), self.table.name.name.clone())
    }

    /// Foreign keys that end, each with its table: those of tables that go later, and its own.
    fn foreign_keys(&self) -> Vec<(&Table, &Constraint)> {
        let own = self.table.constraints.iter().filter(|constraint| references_another(self.table, constraint));
        self.later.iter().copied().chain(own.map(|constraint| (self.table, constraint))).collect()
    }

    /// Takes it out of the clients' way. `at_once` is the step that would drop it.
    pub(crate) fn hold(&self, at_once: &Draft) -> Draft {
        let name = &self.table.name;
        let others = self.neighbours();
        let mut sql = vec![lock_first(name, &others)];
        let mut undo = vec![lock_first(&self.held(), &others)];
        let keys = self.foreign_keys();
        sql.extend(keys.iter().filter_map(|(table, constraint)| Some(drop_constraint(&table.name, constraint.name.as_ref()?))));
        sql.push(format!("CREATE SCHEMA {}", write::identifier(&self.schema)));
        sql.push(format!("ALTER TABLE {} SET SCHEMA {}", write::name(name), write::identifier(&self.schema)));
        let home = name.schema.as_ref().map(write::identifier).unwrap_or_default();
        undo.push(format!("ALTER TABLE {} SET SCHEMA {home}", write::name(&self.held())));
        undo.push(format!("DROP SCHEMA {}", write::identifier(&self.schema)));
        undo.extend(keys.iter().flat_map(|(table, constraint)| restore(table, constraint)));
        let mut draft = Draft::own(name.to_string(), "hold-table", format!("hide table {name}: hold it in schema {}", self.schema), sql)
            .because("no client that uses the table is left; until it is dropped, going back loses nothing")
            .probed(probe::relation_exists(&self.held()))
            .undone_by(undo);
        draft.locks.clone_from(&at_once.locks);
        // Undo may have to read the tables whose foreign keys come back.
        draft.statement_time = Milliseconds(0);
        draft.hazards = at_once.hazards.iter().filter(|hazard| hazard.kind == HazardKind::RefusesWrites).cloned().collect();
        draft
    }

    /// The tables on the other side of those.
    fn neighbours(&self) -> Vec<Name> {
        let ends = self.foreign_keys();
        let mut names: Vec<Name> = ends.iter().map(|(table, _)| table.name.clone()).collect();
        names.extend(ends.iter().filter_map(|(_, constraint)| constraint.foreign_key()).map(|key| key.references.clone()));
        names.retain(|name| name != &self.table.name);
        names.sort();
        names.dedup();
        names
    }

    /// The step that drops what is held.
    pub(crate) fn drop(&self, ctx: &Context<'_>, at_once: &Draft) -> Draft {
        let held = self.held();
        let name = &self.table.name;
        let sql = vec![format!("DROP TABLE {}", write::name(&held)), format!("DROP SCHEMA {}", write::identifier(&self.schema))];
        let mut draft = Draft::own(name.to_string(), "drop-table", format!("drop table {name}, held in schema {}", self.schema), sql)
            .because("it was held long enough for anybody to miss it")
            .locks(&held, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::relation_gone(&held));
        draft.undo = at_once.undo.clone();
        draft.hazards = at_once.hazards.iter().filter(|hazard| hazard.kind != HazardKind::RefusesWrites).cloned().collect();
        gated(draft, gate(ctx, format!("table {name}, in schema {}", self.schema)))
    }
}

fn references_another(table: &Table, constraint: &Constraint) -> bool {
    constraint.foreign_key().is_some_and(|key| key.references != table.name)
}
