//! What the executor tells while it works, as values: who shows them, and how, is not its business.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{Phase, Release, Step, StepId};

/// Hears what happens.
pub trait Listener {
    /// Called at once, between two statements; must not take long.
    fn hear(&self, event: &Event<'_>);
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The lease is ours.
    LeaseTaken {
        /// Its fencing epoch.
        epoch: i64,
    },
    /// An executor that is gone left a statement running; we wait for its end.
    WaitingForStatement {
        /// The session that runs it.
        pid: i32,
    },
    /// A phase begins.
    PhaseBegins {
        /// The release.
        release: &'a Release,
        /// The phase.
        phase: Phase,
        /// The steps that are still to be done.
        steps: usize,
    },
    /// A step begins.
    StepBegins {
        /// The step.
        step: &'a Step,
    },
    /// A step that an earlier executor left half-way was looked at.
    Settled {
        /// The step.
        step: &'a StepId,
        /// What was found, in words.
        found: &'static str,
    },
    /// A lock was not to be had; the step will be tried again.
    LockNotFree {
        /// The step.
        step: &'a StepId,
        /// How often it was tried.
        tries: u32,
        /// When it is tried again.
        again_in: Duration,
        /// Who is in the way.
        blockers: &'a [Blocker],
    },
    /// A backfill went on by a chunk.
    Chunk {
        /// The step.
        step: &'a StepId,
        /// How far it is.
        progress: Progress,
    },
    /// A backfill pauses or goes on.
    Paused {
        /// The step.
        step: &'a StepId,
        /// Why; none when it goes on.
        why: Option<Pause>,
    },
    /// A step is done.
    StepDone {
        /// The step.
        step: &'a StepId,
        /// How long it took.
        took: Duration,
    },
    /// A step is taken back.
    StepUndone {
        /// The step.
        step: &'a StepId,
    },
    /// Everything that was asked for is done.
    PhaseDone {
        /// The release.
        release: &'a Release,
        /// The phase.
        phase: Phase,
    },
    /// A migration was run as written.
    MigrationDone {
        /// Its path.
        path: &'a str,
    },
    /// Something worth knowing.
    Note(String),
}

/// How far a backfill is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Rows that were looked at.
    pub walked: u64,
    /// Rows that were changed.
    pub changed: u64,
    /// The rows of the table, as its statistics estimate them.
    pub estimate: Option<u64>,
    /// Rows looked at in a second, since this executor began.
    pub rate: f64,
    /// Rows in a chunk now.
    pub chunk: u32,
}

impl Progress {
    /// How long it will still take, if that can be told.
    pub fn remaining(&self) -> Option<Duration> {
        let rows = self.estimate?.checked_sub(self.walked)?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = rows as f64 / self.rate;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Why a backfill pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// Somebody switched it off in the ledger.
    Switch {
        /// Their words.
        because: String,
    },
    /// A replica lags behind.
    Lag {
        /// Its application name.
        replica: String,
        /// How far.
        behind: Duration,
    },
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch { because } if because.is_empty() => write!(f, "paused in the ledger"),
            Self::Switch { because } => write!(f, "paused in the ledger: {because}"),
            Self::Lag { replica, behind } => write!(f, "replica `{replica}` is {behind:.0?} behind"),
        }
    }
}

/// A session that is in the way of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocker {
    /// Its process id; zero for a prepared transaction.
    pub pid: i32,
    /// How it calls itself.
    pub application: String,
    /// Its user.
    pub user: String,
    /// `active`, `idle in transaction` …
    pub state: String,
    /// The age of its transaction in seconds.
    pub age: f64,
    /// Its last query, shortened.
    pub query: String,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return write!(f, "a prepared transaction (see pg_prepared_xacts)");
        }
        write!(f, "session {}", self.pid)?;
        if !self.application.is_empty() {
            write!(f, " of `{}`", self.application)?;
        }
        if !self.user.is_empty() {
            write!(f, " (user `{}`)", self.user)?;
        }
        write!(f, ", {}", if self.state.is_empty() { "at work" } else { &self.state })?;
        if self.age > 0.0 {
            write!(f, ", in its transaction for {:.1} s", self.age)?;
        }
        if !self.query.is_empty() {
            write!(f, ": {}", self.query)?;
        }
        Ok(())
    }
}
