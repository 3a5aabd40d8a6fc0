//! Runs plans on a live database: what comes next is decided without it, doing it is thin. Must never write to the
//! database without holding the lease.

#![allow(clippy::disallowed_methods, reason = "waits, retries and progress are measured")]

mod chain;
mod ledger;
mod decide;
mod gate;
mod held;
mod retry;
mod pace;
mod store;
mod lease;
mod warden;
mod session;
mod transactional;
mod autocommit;
mod backfill;
mod throttle;
mod run;
mod rollback;
mod bootstrap;
mod status;
mod event;
mod interrupt;
mod failpoint;
mod error;

use std::time::Duration;

pub use bootstrap::{Wrapped, Written, bootstrap, unwrap};
pub use decide::{Decision, next};
pub use error::{Error, Kind};
pub use event::{Blocker, Event, Listener, Pause, Progress};
pub use held::HeldEntry;
pub use interrupt::{Signal, Stop};
pub use ledger::{Backend, BackfillEntry, Entry, How, LeaseEntry, Ledger, PlanEntry, State};
pub use rollback::{Losses, dry_run as dry_run_rollback, rollback};
pub use run::{apply, dry_run};
pub use status::{Next, PlanStatus, Status, StepStatus, status};

/// How the executor behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long a step may go on trying to get its locks.
    pub lock_budget: Duration,
    /// How long one chunk of a backfill should take.
    pub chunk_time: Duration,
    /// How long a brief step may make others wait before it is cancelled and tried again.
    pub patience: Duration,
    /// How far a replica may lag behind before backfills pause.
    pub most_lag: Duration,
    /// How long the lease lasts when it is not renewed.
    pub lease_time: Duration,
    /// What becomes of what is held.
    pub holds: Holds,
}

/// What a contract phase does with what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is dropped when its time has run out.
    Last,
    /// It is dropped at once.
    End,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_budget: Duration::from_mins(15),
            chunk_time: Duration::from_millis(100),
            patience: Duration::from_secs(2),
            most_lag: Duration::from_secs(5),
            lease_time: Duration::from_secs(30),
            holds: Holds::Last,
        }
    }
}
