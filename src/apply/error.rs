//! What ends an executor's work early: what is now true, and what to do. Each error is of one kind, and each kind has one
//! exit code (design, section 6).

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::postgres::PgDatabaseError;

use super::event::Blocker;
use super::interrupt::Signal;
use crate::db::postgres::{ConnectError, is_lost, sqlstate};
use crate::plan::{Phase, Release, StepId};

/// What the user can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Correct what was given.
    Input,
    /// Try later.
    GateShut,
    /// Try again.
    LockNotFree,
    /// Look at the step; the ledger says where.
    StepFailed,
    /// Run the same command again.
    Interrupted(Signal),
}

/// Why the work ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The user lacks a privilege.
    #[error("user `{user}` lacks a privilege for {doing}; {remedy}")]
    NoPrivilege {
        /// The user.
        user: String,
        /// What we were about to do.
        doing: &'static str,
        /// What to grant.
        remedy: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// A query of our own went wrong.
    #[error("{doing} went wrong; the ledger tells what is done, and the same command goes on from there")]
    Database {
        /// What we were doing.
        doing: &'static str,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The server is older than the plan's SQL.
    #[error(
        "the server is PostgreSQL {found}, and the plan of release {release} is for {wanted} and newer; set `version` in concertina.toml and plan again"
    )]
    ServerTooOld {
        /// The release.
        release: Release,
        /// The plan's version.
        wanted: u32,
        /// The server's version.
        found: u32,
    },
    /// There is no such plan.
    #[error("there is no plan of release {release}; `concertina plan --release {release}` writes it")]
    NoPlan {
        /// The release.
        release: Release,
    },
    /// A plan was edited after it was begun.
    #[error(
        "the plan of release {release} is not the one that was begun in this database; restore the file, or take the release back by \
         `concertina rollback --release {release}` with the file as it was"
    )]
    EditedPlan {
        /// The release.
        release: Release,
    },
    /// The database is ahead of the plans.
    #[error("this database has had release {release} applied, of which there is no plan here; is this checkout older than the database?")]
    UnknownPlan {
        /// The release.
        release: Release,
    },
    /// The ledger was written by another version.
    #[error("the ledger in this database has format {found}, and this program knows {known}; use a newer concertina")]
    LedgerFormat {
        /// The ledger's.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// The database is not the one that the plan is for.
    #[error("this is not the database that the plan of release {release} is for; nothing was changed:\n  {}", differences.join("\n  "))]
    OtherDatabase {
        /// The release.
        release: Release,
        /// What differs, a line each.
        differences: Vec<String>,
    },
    /// Bootstrap is for empty databases.
    #[error("`--bootstrap` is for an empty database, and this one has {found}; nothing was changed")]
    NotEmpty {
        /// What it has.
        found: String,
    },
    /// A migration that runs outside a transaction was broken off.
    #[error("migration {path} was broken off outside a transaction, so nobody knows how far it got; drop the new database and begin again")]
    BrokenMigration {
        /// Its path.
        path: String,
    },
    /// A phase that comes first is not complete.
    #[error(
        "{missing} of phase {phase} of release {release} must be done first; run `concertina apply --release {release} --phase {phase}`"
    )]
    Unfinished {
        /// The release that is behind.
        release: Release,
        /// The phase that is behind.
        phase: Phase,
        /// `step 42/expand/x`, or `3 steps`.
        missing: String,
    },
    /// A step needs others that are not done, and nothing is left that could be run.
    #[error("step `{step}` needs `{needs}`, which is not done")]
    Needs {
        /// The step.
        step: StepId,
        /// The other.
        needs: StepId,
    },
    /// What must be zero isn't.
    #[error("step `{step}` may not begin: there are {rows} {counts}; nothing of it was changed")]
    GateShut {
        /// The step.
        step: StepId,
        /// What is counted.
        counts: String,
        /// How many.
        rows: i64,
    },
    /// Older releases may still run.
    #[error("step `{step}` may not begin before release {release} is the oldest that runs")]
    ReleaseNotReached {
        /// The step.
        step: StepId,
        /// The release.
        release: Release,
    },
    /// Another executor is at work.
    #[error("another executor is at work: {owner}, since {since}; its lease ends at {until} unless it is renewed")]
    Held {
        /// Who.
        owner: String,
        /// Since when.
        since: String,
        /// Until when.
        until: String,
    },
    /// The lease was taken from us.
    #[error("the lease was lost to another executor while this one was not heard of; this one writes nothing more")]
    LeaseLost,
    /// The lock was not to be had.
    #[error(
        "step `{step}` got no lock within {waited:.0?} ({tries} tries) and is not done; the same command tries again. {}",
        in_the_way(blockers)
    )]
    LockNotFree {
        /// The step.
        step: StepId,
        /// How long we tried.
        waited: Duration,
        /// How often.
        tries: u32,
        /// Who was in the way.
        blockers: Vec<Blocker>,
    },
    /// Every time it ran, the step made others wait too long.
    #[error("step `{step}` made others wait too long and was cancelled, {tries} times within {waited:.0?}; nothing of it was changed")]
    BlocksOthers {
        /// The step.
        step: StepId,
        /// How long we tried.
        waited: Duration,
        /// How often.
        tries: u32,
    },
    /// A statement failed.
    #[error("step `{step}` failed: {}", words(cause))]
    StepFailed {
        /// The step.
        step: StepId,
        /// The cause.
        cause: sqlx::Error,
    },
    /// The connection is gone.
    #[error("the connection was lost; the ledger tells what is done, and the same command goes on from there")]
    ConnectionLost {
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// A row failed.
    #[error("step `{step}` failed at the row of {table} with key ({key}); the rows before it are done: {}", words(cause))]
    RowFailed {
        /// The step.
        step: StepId,
        /// The table.
        table: String,
        /// The row's key.
        key: String,
        /// The cause.
        cause: sqlx::Error,
    },
    /// Rows are left after the backfill has walked over the table.
    #[error("step `{step}` has walked over the whole table {walks} times, and {rows} rows are still not as they should be")]
    RowsRemain {
        /// The step.
        step: StepId,
        /// How many.
        rows: i64,
        /// How often.
        walks: u32,
    },
    /// A step ran, and its probe says that it is not done.
    #[error("step `{step}` ran without an error, but its effect is not there")]
    NoEffect {
        /// The step.
        step: StepId,
    },
    /// A migration failed on the way up from nothing.
    #[error("migration {path} failed, and those before it are done: {}", words(cause))]
    MigrationFailed {
        /// Its path.
        path: String,
        /// The cause.
        cause: sqlx::Error,
    },
    /// There is nothing to take back.
    #[error("nothing of release {release} has been applied to this database")]
    NotApplied {
        /// The release.
        release: Release,
    },
    /// Only forward is left.
    #[error(
        "release {release} can't be taken back: its contract has begun (`{step}` is done), so the old shape is gone; only forward is left"
    )]
    ContractBegun {
        /// The release.
        release: Release,
        /// The first contract step that is done.
        step: StepId,
    },
    /// A later release builds on it.
    #[error("release {later} has been begun after {release}; take that back first: `concertina rollback --release {later}`")]
    LaterRelease {
        /// The release.
        release: Release,
        /// The later one.
        later: Release,
    },
    /// Steps that can't be taken back.
    #[error("release {release} can't be taken back without a loss; nothing was changed. With `--accept-loss` these stay as they are:\n  {}", losses.join("\n  "))]
    Irreversible {
        /// The release.
        release: Release,
        /// The steps and what is lost, a line each.
        losses: Vec<String>,
    },
    /// We were asked to stop.
    #[error("stopped as asked; the same command goes on from here")]
    Interrupted(Signal),
}

fn in_the_way(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "Nobody was seen in the way".to_owned();
    }
    let lines: Vec<String> = blockers.iter().map(|blocker| format!("\n  {blocker}")).collect();
    format!("In the way:{}", lines.concat())
}

/// What the server says, with what it adds.
pub(super) fn words(error: &sqlx::Error) -> String {
    let Some(error) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) else {
        return error.to_string();
    };
    let mut text = error.message().to_owned();
    for (name, part) in [("detail", error.detail()), ("hint", error.hint()), ("where", error.r#where())] {
        if let Some(part) = part {
            let _ = write!(text, "\n  {name}: {}", part.replace('\n', "\n    "));
        }
    }
    text
}

impl Error {
    /// The driver's error behind it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others tell of no statement")]
    pub(super) fn cause(&self) -> Option<&sqlx::Error> {
        match self {
            Self::StepFailed { cause, .. } | Self::RowFailed { cause, .. } | Self::MigrationFailed { cause, .. } => Some(cause),
            Self::Database { source, .. } | Self::NoPrivilege { source, .. } | Self::ConnectionLost { source } => Some(source),
            _ => None,
        }
    }

    /// The same, unless it is the connection that is gone.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others stay as they are")]
    pub(super) fn of_connection(self) -> Self {
        match self {
            Self::StepFailed { cause: source, .. } | Self::Database { source, .. } if is_lost(&source) => Self::ConnectionLost { source },
            other => other,
        }
    }

    /// What the user can do about it.
    pub fn kind(&self) -> Kind {
        match self {
            // Nobody can go on before a privilege is granted.
            Self::Database { source, .. } if sqlstate(source).as_deref() == Some("42501") => Kind::Input,
            Self::Connect(ConnectError::Busy { .. })
            | Self::Held { .. }
            | Self::LeaseLost
            | Self::LockNotFree { .. }
            | Self::BlocksOthers { .. } => Kind::LockNotFree,
            Self::Connect(_)
            | Self::NoPrivilege { .. }
            | Self::ServerTooOld { .. }
            | Self::NoPlan { .. }
            | Self::EditedPlan { .. }
            | Self::UnknownPlan { .. }
            | Self::LedgerFormat { .. }
            | Self::OtherDatabase { .. }
            | Self::NotEmpty { .. }
            | Self::BrokenMigration { .. }
            | Self::NotApplied { .. }
            | Self::ContractBegun { .. }
            | Self::LaterRelease { .. }
            | Self::Irreversible { .. } => Kind::Input,
            Self::Unfinished { .. } | Self::Needs { .. } | Self::GateShut { .. } | Self::ReleaseNotReached { .. } => Kind::GateShut,
            Self::Database { .. }
            | Self::ConnectionLost { .. }
            | Self::StepFailed { .. }
            | Self::RowFailed { .. }
            | Self::RowsRemain { .. }
            | Self::NoEffect { .. }
            | Self::MigrationFailed { .. } => Kind::StepFailed,
            Self::Interrupted(signal) => Kind::Interrupted(*signal),
        }
    }
}

/// What a statement's error means for the step that ran it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is gone.
    Lost,
    /// A lock was not to be had, or a deadlock was broken at our cost: the same again may work.
    Lock,
    /// The statement was cancelled, by us, by a limit or by an administrator.
    Cancelled,
    /// The statement itself is at fault.
    Own,
}

impl Fault {
    // https://www.postgresql.org/docs/18/errcodes-appendix.html
    pub(super) fn of(error: &sqlx::Error) -> Self {
        if is_lost(error) {
            return Self::Lost;
        }
        match sqlstate(error).as_deref() {
            // lock_not_available, deadlock_detected, serialization_failure
            Some("55P03" | "40P01" | "40001") => Self::Lock,
            // query_canceled
            Some("57014") => Self::Cancelled,
            Some(_) | None => Self::Own,
        }
    }
}

/// Says what our own query was for when it fails.
pub(super) fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Database { doing, source }
}
