//! What clients meet while both releases run because the plan says so: that is told, and refutes nothing. Never takes for declared
//! what no step declares.

use std::collections::BTreeSet;

use super::{Course, Stage};
use crate::plan::{HazardKind, Phase, RelationLock, SHOW, Step};
use crate::schema::{Identifier, Name};
use crate::verify::carry;
use crate::verify::client::{Outcome, Statement, failed};
use crate::verify::journal::CheckKind;
use crate::verify::reference::{add_referencing, has_another_default};
use crate::verify::shape::{Column, Table};

impl Course<'_> {
    /// Whether the client is one whose release's contract is still to come.
    pub(super) fn waits(&self, check: CheckKind) -> bool {
        match self.stage {
            Stage::Due => true,
            Stage::Window => check == CheckKind::NewClients,
            Stage::Ended => false,
        }
    }

    /// Whether the plan says that new clients meet this until contract: an index for ON CONFLICT that is still to come, or a
    /// reference, a unique key or a generated column that is still to go.
    pub(super) fn is_declared(&self, found: &str, statement: &Statement) -> bool {
        let refuses = |code: &str| found.starts_with(&format!("error {code}"));
        refuses("42P10")
            || ["23502", "23503", "23505", "22"].into_iter().any(refuses) && self.has_hazard(&self.reached(&statement.table), HazardKind::RefusesWrites)
            // What NULL is filled with may be there already, reference nothing, or break a rule.
            || ["23503", "23505", "23514"].into_iter().any(refuses) && statement.sql.starts_with("INSERT ") && self.is_filled(statement)
    }

    /// Whether clients of the release before meet the same error on that table in their own schema, by a trigger or a default that
    /// is to go: it is no rule that rows break, and the plan has no part in it.
    pub(super) fn fails_as_before(&self, found: &str, statement: &Statement) -> bool {
        let renames = &self.case.renames.tables;
        let known = |(other, outcome, _): &(Statement, Outcome, Outcome)| {
            let on_it = renames.get(&other.table).unwrap_or(&other.table) == &statement.table;
            on_it && matches!(outcome, Outcome::Failed { code, message } if is_like(found, &format!("error {code}: {message}")))
        };
        !found.starts_with("error 23") && self.old.statements.iter().any(known)
    }

    /// Whether an index of the release may be made of what fails for the values that are written.
    pub(super) fn fails_in_an_index(&self, found: &str, statement: &Statement) -> bool {
        let path = carry::path(&statement.table);
        let says = |step: &Step| {
            let builds = step.phase == Phase::Expand && step.id.slug() == "create-index";
            builds && step.has_hazard(HazardKind::RefusesWrites) && step.locks.iter().any(|lock| lock.relation == path)
        };
        let fails = ["error 22", "error P0001"].iter().any(|code| found.starts_with(code));
        fails && !statement.sql.starts_with("SELECT ") && self.case.plan.steps.iter().any(says)
    }

    /// Whether clients of the release, in a database that it has built as written, meet the same for a value that rows may have.
    pub(super) fn fails_as_written(&self, found: &str, statement: &Statement) -> bool {
        let same = |(other, outcome, _): &(Statement, Outcome, Outcome)| {
            let fails = |code: &str, message: &str| code.starts_with("22") && found == failed(code, message);
            other.table == statement.table && matches!(outcome, Outcome::Failed { code, message } if fails(code, message))
        };
        statement.sql.starts_with("SELECT ") && self.new.statements.iter().any(same)
    }

    /// Whether the step is about a table that new clients see through a view of the release, with columns of other types.
    pub(super) fn has_view(&self, locks: &[RelationLock]) -> bool {
        let is_it = |step: &Step| {
            let about = |lock: &RelationLock| locks.iter().any(|known| known.relation == lock.relation);
            step.id.slug() == SHOW && step.locks.iter().any(about)
        };
        self.case.plan.steps.iter().any(is_it)
    }

    /// Whether an old client's value may be one that the type of the release can't have.
    pub(super) fn fails_to_convert(&self, found: &str, statement: &Statement) -> bool {
        let path = carry::path(&statement.table);
        let says = |step: &Step| {
            let refuses = step.phase == Phase::Expand && step.has_hazard(HazardKind::RefusesWrites) && self.has_view(&step.locks);
            refuses && step.locks.iter().any(|lock| lock.relation == path)
        };
        found.starts_with("error 22") && !statement.sql.starts_with("SELECT ") && self.case.plan.steps.iter().any(says)
    }

    /// Whether the statement may name a key that the release has changed as data.
    pub(super) fn misses_a_key(&self, found: &str, statement: &Statement) -> bool {
        let keys = self.old_shape.table(&statement.table).into_iter().flat_map(|table| &table.foreign_keys);
        found.starts_with("error 23503") && keys.map(|key| carry::path(&key.references)).any(|path| self.rekeyed.contains(&path))
    }

    /// Whether the statement names a row that the release deletes as data.
    pub(super) fn misses_a_row(&self, found: &str, statement: &Statement) -> bool {
        found.starts_with("error 23503") && self.deleted.contains(&carry::path(&statement.table))
    }

    /// Whether the statement may name another row by its place: until contract, tables have rows that the release no longer sees.
    pub(super) fn is_misplaced(&self, found: &str, statement: &Statement, check: CheckKind) -> bool {
        check == CheckKind::NewClients
            && self.stage != Stage::Ended
            // A partition's bounds hold until it is detached.
            && (!statement.sql.starts_with("INSERT ") || found.starts_with("error 23514"))
            && self.shrinking().contains(&carry::path(&statement.table))
    }

    /// Tables that lose rows of partitions or of children in contract, which new clients find until then.
    pub(super) fn shrinking(&self) -> BTreeSet<String> {
        let takes = |step: &&Step| {
            ["detach-partition", "drop-inheritance", "drop-table", "hold-table"].iter().any(|known| step.id.slug().starts_with(known))
                && step.has_hazard(HazardKind::NewClientsReadOldValues)
        };
        let steps = self.case.plan.deferred.iter().filter(takes);
        steps.flat_map(|step| step.locks.iter().map(|lock| lock.relation.clone())).collect()
    }

    /// Whether the statement may delete a row, or change its key, that one references which the release has inserted.
    pub(super) fn unties_a_row(&self, found: &str, statement: &Statement) -> bool {
        let references = |table: &&Table| table.foreign_keys.iter().any(|key| key.references == statement.table);
        let tables = self.old_shape.tables.iter().chain(&self.new_shape.tables).filter(references);
        let inserted = tables.map(|table| carry::path(&table.name)).any(|path| self.inserted.contains(&path));
        found.starts_with("error 23503") && !statement.sql.starts_with("INSERT ") && inserted
    }

    /// Whether the statement brings a row whose key the release may have inserted as data.
    pub(super) fn repeats_a_row(&self, found: &str, statement: &Statement) -> bool {
        found.starts_with("error 23505") && self.inserted.contains(&carry::path(&statement.table))
    }

    /// Whether the statement brings together rows that a unique key tells apart no longer, since the release changes its values.
    pub(super) fn meets_an_equal_row(&self, found: &str, statement: &Statement) -> bool {
        let path = carry::path(&statement.table);
        found.starts_with("error 23505") && !statement.sql.starts_with("SELECT ") && self.regrouped.contains(&path)
    }

    /// Whether a directive says that clients can live with the old shape until what is due now is done.
    pub(super) fn is_vouched_for(&self) -> bool {
        let moved = |step: &Step| step.has_hazard(HazardKind::MovedByDirective);
        self.stage == Stage::Due && self.case.plan.steps.iter().filter(|step| step.phase == Phase::Contract).any(moved)
    }

    /// The places of a table's columns that get another type: a directive says that clients of the release before can live with
    /// its values, which may look otherwise as text.
    pub(super) fn retyped(&self, table: &Name) -> Vec<usize> {
        let renames = self.case.renames;
        let new = self.new_shape.table(renames.tables.get(table).unwrap_or(table));
        let (Some(old), Some(new)) = (self.old_shape.table(table), new) else { return Vec::new() };
        let other = |column: &Identifier| new.column(renames.columns.get(&(table.clone(), column.clone())).unwrap_or(column));
        let retyped = |(_, column): &(usize, &Column)| other(&column.name).is_some_and(|other| other.type_text != column.type_text);
        old.columns.iter().enumerate().filter(retyped).map(|(at, _)| at).collect()
    }

    /// Whether the plan says that NULL is filled in rows of the table until contract.
    pub(super) fn is_filled(&self, statement: &Statement) -> bool {
        let renames = &self.case.renames.tables;
        let other =
            renames.get(&statement.table).or_else(|| renames.iter().find(|(_, now)| **now == statement.table).map(|(then, _)| then));
        let names = [Some(&statement.table), other].into_iter().flatten().map(carry::path).collect();
        self.stage != Stage::Ended && self.has_hazard(&names, HazardKind::FillsNull)
    }

    /// Whether a step says this of one of the tables: of those that are still to come in contract, or that it will undo.
    pub(super) fn has_hazard(&self, tables: &BTreeSet<String>, kind: HazardKind) -> bool {
        let says = |step: &Step| step.locks.iter().any(|lock| tables.contains(&lock.relation)) && step.has_hazard(kind);
        let plan = self.case.plan;
        match self.stage {
            Stage::Due => self.case.begun.iter().chain(&plan.steps).any(says),
            Stage::Window | Stage::Ended => plan.steps.iter().filter(|step| step.phase != Phase::Contract).chain(&plan.deferred).any(says),
        }
    }

    /// The table, and those that a change of its rows can reach by foreign keys.
    fn reached(&self, table: &Name) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([carry::path(table)]);
        let due = self.due_shape.iter().filter(|_| self.stage == Stage::Due);
        add_referencing(&mut reached, &[&self.old_shape, &self.new_shape].into_iter().chain(due).collect::<Vec<_>>());
        reached
    }

    /// Whether only success counts: values of old clients where the release changes rows, defaults or triggers, which both
    /// releases' clients share.
    pub(super) fn is_loose(&self, statement: &Statement, check: CheckKind) -> bool {
        if self.stirred.contains(&carry::path(&statement.table)) {
            return true;
        }
        if self.waits(check) || check == CheckKind::NewClients {
            // A column that is made of others follows them, whoever changes those: who writes can't be told.
            let path = carry::path(&statement.table);
            let changes = statement.sql.starts_with("UPDATE ") || statement.sql.contains(" DO UPDATE ");
            let follows = self.in_step.contains(&path) && changes;
            let by_place = !statement.sql.starts_with("INSERT ") && !statement.sql.starts_with("SELECT ");
            return by_place && self.unsettled.contains(&path)
                || self.waits(check)
                    && (follows
                        || self.relabelled.contains(&path)
                        || self.stage == Stage::Due && self.waiting.contains(&path)
                        || self.has_hazard(&[path].into(), HazardKind::NewClientsReadOldValues));
        }
        let path = carry::path(&statement.table);
        let renamed = self.case.renames.tables.get(&statement.table).map(carry::path);
        if self.changed.contains(&path) || renamed.is_some_and(|renamed| self.changed.contains(&renamed)) {
            return true;
        }
        statement.about.contains("required columns only")
            && has_another_default(self.case.renames, (&self.old_shape, &self.new_shape), &statement.table)
    }
}

/// Whether two errors say the same, but for the values in them.
fn is_like(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace()
            .enumerate()
            .filter(|(at, word)| *at < 2 || !word.contains(char::is_numeric))
            .map(|(_, word)| word.to_owned())
            .collect()
    };
    words(one) == words(other)
}
