//! A step in the making: what a recipe says of it, before the release, its origin and its place are filled in.

use super::format::{Backfill, Gate, Hazard, HazardKind, Held, Leftover, LockMode, Milliseconds, Probe, RelationLock, Transaction, Undo};
use crate::schema::Name;

/// How long DDL waits for its lock, each time: below half of PostgreSQL's `deadlock_timeout` (1 s), or the application's
/// transaction would be the one that is cancelled.
const LOCK_WAIT: Milliseconds = Milliseconds(400);
/// The same for DDL that locks several tables: it may hold one for which a client waits that holds the next, and then nobody
/// gets on until it gives up.
const LOCK_WAIT_FOR_SEVERAL: Milliseconds = Milliseconds(100);
/// How long a statement that only changes the catalog may run.
const BRIEF: Milliseconds = Milliseconds(10_000);
/// How long one chunk of a backfill may run.
const CHUNK: Milliseconds = Milliseconds(30_000);
/// No limit: the step reads or writes a whole table, however large.
const UNLIMITED: Milliseconds = Milliseconds(0);

/// A step in the making.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) subject: String,
    pub(crate) slug: &'static str,
    pub(crate) about: String,
    pub(crate) why: String,
    pub(crate) sql: Vec<String>,
    pub(crate) transaction: Transaction,
    pub(crate) backfill: Option<Backfill>,
    pub(crate) locks: Vec<RelationLock>,
    pub(crate) lock_wait: Milliseconds,
    pub(crate) statement_time: Milliseconds,
    pub(crate) probe: Probe,
    pub(crate) undo: Undo,
    pub(crate) gates: Vec<Gate>,
    pub(crate) hazards: Vec<Hazard>,
}

impl Draft {
    /// Statements that run in one transaction, together with their ledger row.
    pub(crate) fn own(subject: impl Into<String>, slug: &'static str, about: impl Into<String>, sql: Vec<String>) -> Self {
        Self::new(subject.into(), slug, about.into(), sql, Transaction::Own, BRIEF)
    }

    /// Statements that must not run in a transaction.
    pub(crate) fn autocommit(subject: impl Into<String>, slug: &'static str, about: impl Into<String>, sql: String) -> Self {
        let mut draft = Self::new(subject.into(), slug, about.into(), vec![sql], Transaction::None, UNLIMITED);
        draft.lock_wait = Milliseconds(0);
        draft
    }

    /// A change of rows in small transactions.
    pub(crate) fn chunked(subject: impl Into<String>, slug: &'static str, about: impl Into<String>, backfill: Backfill) -> Self {
        let probe = format!("SELECT ({}) = 0", backfill.remaining);
        let mut draft = Self::new(subject.into(), slug, about.into(), Vec::new(), Transaction::Chunked, CHUNK);
        draft.backfill = Some(backfill);
        draft.probed(probe)
    }

    fn new(subject: String, slug: &'static str, about: String, sql: Vec<String>, transaction: Transaction, time: Milliseconds) -> Self {
        Self {
            subject,
            slug,
            about,
            why: String::new(),
            sql,
            transaction,
            backfill: None,
            locks: Vec::new(),
            lock_wait: LOCK_WAIT,
            statement_time: time,
            probe: Probe { done: super::probe::UNKNOWABLE.to_owned(), leftover: None },
            undo: Undo::Needless,
            gates: Vec::new(),
            hazards: Vec::new(),
        }
    }

    /// Whether it locks the relation (`schema.table`).
    pub(crate) fn is_about(&self, relation: &str) -> bool {
        self.locks.iter().any(|lock| lock.relation == relation)
    }

    /// Why it stands where it stands: who is protected from what.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// The strongest lock on a relation.
    #[must_use]
    pub(crate) fn locks(mut self, relation: &Name, mode: LockMode, held: Held) -> Self {
        if held != Held::Brief {
            self.statement_time = UNLIMITED;
        }
        let relation = path(relation);
        if let Some(lock) = self.locks.iter_mut().find(|lock| lock.relation == relation) {
            lock.mode = lock.mode.max(mode);
            lock.held = lock.held.max(held);
        } else {
            self.locks.push(RelationLock { relation, mode, held });
        }
        if self.lock_wait == LOCK_WAIT && self.locks.iter().filter(|lock| lock.mode >= LockMode::ShareRowExclusive).count() > 1 {
            self.lock_wait = LOCK_WAIT_FOR_SEVERAL;
        }
        self
    }

    /// The query that tells whether it is done.
    #[must_use]
    pub(crate) fn probed(mut self, done: impl Into<String>) -> Self {
        self.probe.done = done.into();
        self
    }

    /// What a broken-off run can leave behind.
    #[must_use]
    pub(crate) fn leaving(mut self, found: impl Into<String>, clear: impl Into<String>) -> Self {
        self.probe.leftover = Some(Leftover { found: found.into(), clear: clear.into() });
        self
    }

    /// SQL that takes it back, in one transaction.
    #[must_use]
    pub(crate) fn undone_by(mut self, sql: Vec<String>) -> Self {
        self.undo = Undo::Sql { sql, transaction: Transaction::Own };
        self
    }

    /// SQL that takes it back and must not run in a transaction.
    #[must_use]
    pub(crate) fn undone_outside_a_transaction_by(mut self, sql: String) -> Self {
        self.undo = Undo::Sql { sql: vec![sql], transaction: Transaction::None };
        self
    }

    /// The same between statements that make room and those that put back, also on the way back, where `restored` stands at the end.
    #[must_use]
    pub(crate) fn between(mut self, room: Vec<String>, back: Vec<String>, restored: Vec<String>) -> Self {
        self.sql = [room.clone(), self.sql, back].concat();
        if let Undo::Sql { sql, .. } = &mut self.undo {
            *sql = [room, std::mem::take(sql), restored].concat();
        }
        self
    }

    /// That nothing is left of it to take back.
    #[must_use]
    pub(crate) fn leaving_nothing(mut self) -> Self {
        self.undo = Undo::Needless;
        self
    }

    /// That it can't be taken back.
    #[must_use]
    pub(crate) fn final_losing(mut self, loses: impl Into<String>) -> Self {
        self.undo = Undo::Impossible { loses: loses.into() };
        self
    }

    /// What must be zero before it begins.
    #[must_use]
    pub(crate) fn after_zero(mut self, counts: impl Into<String>, sql: impl Into<String>) -> Self {
        self.gates.push(Gate::Zero { counts: counts.into(), sql: sql.into() });
        self
    }

    /// What a reviewer must know.
    #[must_use]
    pub(crate) fn hazard(mut self, kind: HazardKind, detail: impl Into<String>) -> Self {
        self.hazards.push(Hazard { kind, detail: detail.into() });
        self
    }
}

/// `schema.table`, as plan files name relations.
pub(crate) fn path(name: &Name) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.to_string(),
    }
}
