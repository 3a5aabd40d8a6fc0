//! Runs a step's statements in one transaction together with its row in the ledger: both are there, or neither. Tries again
//! when a lock is not to be had, and never waits long for one, for whoever waits makes all who come later wait too.

use std::time::Duration;

use super::error::{Error, Fault, words};
use super::event::{Blocker, Event};
use super::failpoint;
use super::ledger::State;
use super::retry::Budget;
use super::run::Work;
use super::session::{Limits, Scope};
use super::store::{self, Outcome};
use super::warden::{Cancelled, Focus, OnStop, Seen};
use crate::plan::StepId;

/// What is done in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    /// What the ledger says when it is done.
    pub(super) outcome: Outcome<'a>,
    pub(super) statements: &'a [String],
    pub(super) limits: Limits,
    /// How long it may make others wait, if that is limited.
    pub(super) patience: Option<Duration>,
}

/// Why one try failed.
pub(super) enum Failed {
    /// The lease is another's.
    LeaseLost,
    /// Another executor's transaction is still at work.
    GuardTaken,
    Statement(sqlx::Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

/// Runs it, trying again within the budget.
pub(super) async fn run(work: &mut Work<'_>, unit: Unit<'_>) -> Result<(), Error> {
    let mut budget = Budget::new(work.options.lock_budget);
    let step = unit.outcome.step;
    let mut blockers = Vec::new();
    loop {
        work.go_on().await?;
        let pid = work.session.backend.pid;
        work.warden.focus(Focus { pid, patience: unit.patience, wait: None, on_stop: OnStop::CancelIfWaiting }).await;
        let result = attempt(work, unit).await;
        let seen = work.warden.rest().await;
        let Err(failed) = result else { return Ok(()) };
        work.session.rollback().await;
        let cancelled = seen.cancelled;
        if !seen.blockers.is_empty() {
            blockers.clone_from(&seen.blockers);
        }
        if let Err(error) = judge(step, failed, &seen) {
            note_failure(work, unit.outcome, &error).await;
            return Err(error);
        }
        retry(work, step, &mut budget, &blockers, cancelled).await?;
    }
}

async fn attempt(work: &mut Work<'_>, unit: Unit<'_>) -> Result<(), Failed> {
    let (session, step) = (&mut work.session, unit.outcome.step);
    session.begin().await?;
    session.limit(unit.limits, Scope::Transaction).await?;
    if !store::fence(&mut session.connection, work.epoch).await? {
        return Err(Failed::LeaseLost);
    }
    let alone: bool =
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(store::GUARD).fetch_one(&mut session.connection).await?;
    if !alone {
        return Err(Failed::GuardTaken);
    }
    failpoint::reach(step, "begun");
    for statement in unit.statements {
        session.run(statement).await?;
    }
    failpoint::reach(step, "ran");
    if store::mark(&mut session.connection, work.epoch, unit.outcome).await? == 0 {
        return Err(Failed::LeaseLost);
    }
    failpoint::reach(step, "marked");
    session.commit().await?;
    failpoint::reach(step, "committed");
    Ok(())
}

/// Whether the same may be tried again; else the error that ends the step.
pub(super) fn judge(step: &StepId, failed: Failed, seen: &Seen) -> Result<(), Error> {
    let source = match failed {
        Failed::LeaseLost => return Err(Error::LeaseLost),
        Failed::GuardTaken => return Ok(()),
        Failed::Statement(source) => source,
    };
    match (Fault::of(&source), seen.cancelled) {
        (_, Some(Cancelled::LeaseLost)) => Err(Error::LeaseLost),
        (Fault::Lock, _) | (Fault::Cancelled, Some(Cancelled::OthersWait | Cancelled::WaitsTooLong)) => Ok(()),
        (Fault::Cancelled, Some(Cancelled::Stop(signal))) => Err(Error::Interrupted(signal)),
        // Several locks, each waited for within its own limit, may together exceed the limit of the statement.
        (Fault::Cancelled, None) if !seen.blockers.is_empty() => Ok(()),
        (Fault::Lost, _) => Err(Error::ConnectionLost { source }),
        (Fault::Cancelled, None) | (Fault::Own, _) => Err(Error::StepFailed { step: step.clone(), cause: source }),
    }
}

/// Waits before the next try, or gives up and says who is in the way.
pub(super) async fn retry(
    work: &Work<'_>,
    step: &StepId,
    budget: &mut Budget,
    blockers: &[Blocker],
    cancelled: Option<Cancelled>,
) -> Result<(), Error> {
    let Some(again_in) = budget.next() else {
        let (step, waited, tries) = (step.clone(), budget.spent(), budget.tries());
        return Err(match cancelled {
            Some(Cancelled::OthersWait) => Error::BlocksOthers { step, waited, tries },
            Some(Cancelled::Stop(_) | Cancelled::WaitsTooLong | Cancelled::LeaseLost) | None => {
                Error::LockNotFree { step, waited, tries, blockers: blockers.to_vec() }
            }
        });
    };
    work.listener.hear(&Event::LockNotFree { step, tries: budget.tries(), again_in, blockers });
    work.pause(again_in).await
}

/// Leaves word of a failed step in the ledger. If even that fails, the user still has the error itself.
pub(super) async fn note_failure(work: &mut Work<'_>, outcome: Outcome<'_>, error: &Error) {
    let (Error::StepFailed { cause, .. } | Error::RowFailed { cause, .. }) = error else { return };
    let text = words(cause);
    // A failed undo leaves the step where it was: in place.
    if outcome.state == State::Undone {
        let _ =
            store::event(&mut work.session.connection, work.epoch, Some(outcome.release), Some(outcome.step), "undo failed", &text).await;
        return;
    }
    let failed = Outcome { state: State::Failed, error: Some(&text), ..outcome };
    let _ = store::mark(&mut work.session.connection, work.epoch, failed).await;
}
