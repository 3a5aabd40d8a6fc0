//! One change where a rule looks at it, with all that rules may ask. Never judges: the facts here are true or false, not good
//! or bad.

use super::newborn::{Newborn, is_temporary};
use super::subject;
use crate::engine::{Engine, Lock, Work};
use crate::history::Entry;
use crate::schema::{Change, Column, Constraint, Identifier, Name, Table};
use crate::source::Migration;

/// A change in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) entry: &'a Entry,
    pub(super) engine: Engine,
    pub(super) newborn: &'a Newborn,
    pub(super) transaction: InTransaction,
}

/// Whether a statement runs inside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum InTransaction {
    Inside,
    #[default]
    Outside,
}

impl<'a> Site<'a> {
    pub(super) fn change(&self) -> &'a Change {
        &self.entry.change
    }

    /// The name of the table that the change is about.
    pub(super) fn table_name(&self) -> Option<&'a Name> {
        subject::table(&self.entry.change, &self.entry.before)
    }

    /// That table, as it was before.
    pub(super) fn table(&self) -> Option<&'a Table> {
        self.entry.before.tables.get(self.table_name()?).map(AsRef::as_ref)
    }

    /// The column that the change is about, as it was before.
    pub(super) fn column(&self) -> Option<&'a Column> {
        self.table()?.column(self.column_name()?)
    }

    /// The name of that column.
    pub(super) fn column_name(&self) -> Option<&'a Identifier> {
        subject::column(&self.entry.change)
    }

    /// The constraints that the change adds or is about.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no constraint")]
    pub(super) fn constraints(&self) -> Vec<&'a Constraint> {
        match self.change() {
            Change::AddConstraint { constraint, .. } => vec![constraint],
            Change::AddColumn(add) => add.constraints.iter().collect(),
            other => {
                let named = subject::constraint(other).and_then(|name| self.table()?.constraint(name));
                named.into_iter().collect()
            }
        }
    }

    /// Whether somebody else may be using the relation.
    pub(super) fn is_in_use(&self, relation: &Name) -> bool {
        let table = self.entry.before.indexes.get(relation).map_or(relation, |index| &index.table);
        !self.newborn.relation(table) && !is_temporary(self.entry, table)
    }

    /// The work on relations that somebody may be using.
    pub(super) fn work(&self) -> impl Iterator<Item = &'a Work> {
        let site = *self;
        self.entry.effects.work.iter().filter(move |work| site.is_in_use(work.table()))
    }

    /// The locks on relations that somebody may be using, strongest first.
    pub(super) fn locks_by_strength(&self) -> Vec<Lock> {
        let mut locks: Vec<Lock> = self.entry.effects.locks.iter().filter(|lock| self.is_in_use(&lock.relation)).cloned().collect();
        locks.sort_by(|left, right| right.mode.cmp(&left.mode).then_with(|| left.relation.cmp(&right.relation)));
        locks
    }
}

/// Follows a file's transactions: its runner's, and those that it begins itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Transactions {
    now: InTransaction,
}

impl Transactions {
    /// At the beginning of a file of that many statements, of which one can't be run in a transaction if `apart` says so.
    pub(super) fn begin(migration: Option<&Migration>, statements: usize, apart: bool) -> Self {
        let wrapped = migration.is_some_and(|migration| migration.transaction.wraps(statements, apart));
        let now = if wrapped { InTransaction::Inside } else { InTransaction::Outside };
        Self { now }
    }

    pub(super) fn now(self) -> InTransaction {
        self.now
    }

    /// Takes note of BEGIN and COMMIT.
    pub(super) fn observe(&mut self, change: &Change) {
        if let Change::TransactionControl { keyword } = change {
            match keyword.as_str() {
                "BEGIN" | "START" | "START TRANSACTION" => self.now = InTransaction::Inside,
                "COMMIT" | "END" | "ROLLBACK" | "ABORT" => self.now = InTransaction::Outside,
                _ => {}
            }
        }
    }
}
