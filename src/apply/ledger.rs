//! What was done, as a value: the ledger that is kept in the database which it describes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::{Phase, Release, StepId};

/// Everything that the ledger says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// The plans that were begun.
    pub plans: BTreeMap<Release, PlanEntry>,
    /// The steps that were begun.
    pub steps: BTreeMap<StepId, Entry>,
    /// The backfills that were begun.
    pub backfills: BTreeMap<StepId, BackfillEntry>,
    /// Who is at work.
    pub lease: Option<LeaseEntry>,
    /// Why backfills pause, if they do.
    pub paused: Option<String>,
}

/// A plan that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The SHA-256 of its file.
    pub digest: String,
    /// When it was begun, by the database's clock.
    pub begun: String,
}

/// What is known of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its state.
    pub state: State,
    /// How it came to it.
    pub how: How,
    /// The phase as part of which it ran.
    pub phase: Phase,
    /// The session that ran it last.
    pub backend: Option<Backend>,
    /// When it was begun, by the database's clock.
    pub started: String,
    /// When it was done, failed or undone.
    pub ended: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A step's state. A step of which the ledger says nothing was never begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Begun, and perhaps finished: only its probe knows. Or a backfill on its way.
    Started,
    /// Done.
    Done,
    /// Failed; nothing of it is in place, or its probe knows.
    Failed,
    /// Its undo was begun, and perhaps finished: only its probe knows.
    Undoing,
    /// Taken back.
    Undone,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Started, Self::Done, Self::Failed, Self::Undoing, Self::Undone].into_iter().find(|state| state.name() == name)
    }
}

/// How a step came to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It was run.
    Applied,
    /// The migrations as written, on an empty database, made it needless.
    Bootstrapped,
}

impl How {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Bootstrapped => "bootstrapped",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Applied, Self::Bootstrapped].into_iter().find(|how| how.name() == name)
    }
}

/// A session of the server. Process ids are used again, so the time at which it began belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Its process id.
    pub pid: i32,
    /// When it began, as the server writes it.
    pub began: String,
}

/// How far a backfill is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillEntry {
    /// The key of the last row that is done in this walk; none at its beginning.
    pub cursor: Option<Vec<String>>,
    /// How often it has begun to walk over the table.
    pub walk: i32,
    /// The rows looked at in this walk.
    pub walked: i64,
    /// The rows changed.
    pub changed: i64,
    /// The rows in a chunk.
    pub chunk: i32,
}

/// Who is at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseEntry {
    /// Grows by one with each executor.
    pub epoch: i64,
    /// Who; none when it was given back.
    pub owner: Option<String>,
    /// Since when.
    pub since: String,
    /// Until when, unless it is renewed.
    pub until: String,
    /// Whether that time has passed.
    pub expired: bool,
}

impl Ledger {
    /// Whether a step is done.
    pub fn is_done(&self, step: &StepId) -> bool {
        self.steps.get(step).is_some_and(|entry| entry.state == State::Done)
    }
}

/// A phase by its name.
pub(super) fn phase(name: &str) -> Option<Phase> {
    Phase::IN_ORDER.into_iter().find(|phase| phase.to_string() == name)
}
