//! Runs a step outside a transaction, as CREATE INDEX CONCURRENTLY must be. The ledger says `started` before and `done` after;
//! what happened between the two is settled by looking, never by guessing or by what the client remembers.

use std::time::{Duration, Instant};

use super::error::{Error, doing};
use super::event::Event;
use super::failpoint;
use super::lease;
use super::ledger::{Backend, How, State};
use super::retry::Budget;
use super::run::Work;
use super::session::{Limits, Scope};
use super::store::{self, Outcome};
use super::transactional::{Failed, judge, note_failure, retry};
use super::warden::{Focus, OnStop, Seen};
use crate::db::postgres::sqlstate;
use crate::plan::{Milliseconds, Release, Step};

/// How long the remains of a step that failed are waited for before they are left to the next executor.
const CLEAR: Duration = Duration::from_secs(5);

/// Which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Forth,
    Back,
}

impl Way {
    fn begun(self) -> State {
        match self {
            Self::Forth => State::Started,
            Self::Back => State::Undoing,
        }
    }

    fn ended(self) -> State {
        match self {
            Self::Forth => State::Done,
            Self::Back => State::Undone,
        }
    }
}

/// Looks what became of a step that was begun and not finished: first whether the session that ran it is still at it, then
/// what is there. What is left half-way is cleared away. The ledger learns it if the step is where it should be.
pub(super) async fn settle(
    work: &mut Work<'_>,
    release: &Release,
    step: &Step,
    way: Way,
    ran_by: Option<&Backend>,
) -> Result<Settled, Error> {
    if let Some(backend) = ran_by.filter(|backend| **backend != work.session.backend) {
        lease::displace(&mut work.session, backend, work.listener, &work.stop).await?;
    }
    let there = is_there(work, step).await?;
    let cleared = !there && clear(work, step, work.options.lock_budget).await?;
    let found = match (there, cleared) {
        (true, _) => "it is in place",
        (false, true) => "what was left of it is cleared away",
        (false, false) => "nothing of it is there",
    };
    work.listener.hear(&Event::Settled { step: &step.id, found });
    if there != (way == Way::Forth) {
        return Ok(Settled::ToBeRun);
    }
    finish(work, release, step, way).await?;
    Ok(Settled::Finished)
}

/// What settling found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Finished,
    ToBeRun,
}

/// Runs a step of which nothing is in place, or takes one back that is.
pub(super) async fn run(work: &mut Work<'_>, release: &Release, step: &Step, statements: &[String], way: Way) -> Result<(), Error> {
    let mut budget = Budget::new(work.options.lock_budget);
    loop {
        work.go_on().await?;
        begin(work, release, step, way).await?;
        let focus =
            Focus { pid: work.session.backend.pid, patience: None, wait: Some(work.options.lock_budget), on_stop: OnStop::CancelIfWaiting };
        work.warden.focus(focus).await;
        let result = statements_alone(work, step, statements).await;
        let seen = work.warden.rest().await;
        let Err(failed) = result else { break };
        let again = match judge(&step.id, failed, &seen) {
            Ok(()) => retry(work, &step.id, &mut budget, &seen.blockers, seen.cancelled).await,
            Err(error) => Err(error),
        };
        if let Err(error) = again {
            note_failure(work, outcome(release, step, way.ended()), &error).await;
            // What is left of it is in nobody's way for long if it can be cleared away now; else the next executor does it.
            let _ = clear(work, step, work.options.lock_budget.min(CLEAR)).await;
            return Err(error);
        }
        // The statement may have failed after its effect was there, or have left half of it.
        if settle(work, release, step, way, None).await? == Settled::Finished {
            return Ok(());
        }
    }
    failpoint::reach(&step.id, "ran");
    if is_there(work, step).await? != (way == Way::Forth) {
        return Err(Error::NoEffect { step: step.id.clone() });
    }
    finish(work, release, step, way).await?;
    failpoint::reach(&step.id, "committed");
    Ok(())
}

async fn statements_alone(work: &mut Work<'_>, step: &Step, statements: &[String]) -> Result<(), Failed> {
    for statement in statements {
        let limits = work.session.limits_alone(statement, step.lock_wait, step.statement_time);
        work.session.limit(limits, Scope::Session).await?;
        work.session.run(statement).await?;
    }
    Ok(())
}

/// Writes `started` with the session that will run the step, so that whoever comes after a kill can find it.
async fn begin(work: &mut Work<'_>, release: &Release, step: &Step, way: Way) -> Result<(), Error> {
    let backend = work.session.backend.clone();
    write(work, Outcome { backend: Some(&backend), ..outcome(release, step, way.begun()) }).await?;
    failpoint::reach(&step.id, "started");
    work.warden.assure().await
}

async fn finish(work: &mut Work<'_>, release: &Release, step: &Step, way: Way) -> Result<(), Error> {
    write(work, outcome(release, step, way.ended())).await
}

async fn write(work: &mut Work<'_>, outcome: Outcome<'_>) -> Result<(), Error> {
    let limits = Limits { lock_wait: None, statement_time: None };
    let failed = doing("writing the ledger");
    work.session.limit(limits, Scope::Session).await.map_err(&failed)?;
    let mut written = store::mark(&mut work.session.connection, work.epoch, outcome).await;
    // A cancel that was sent to the statement before may come late and hit this one.
    if written.as_ref().is_err_and(|error| sqlstate(error).as_deref() == Some("57014")) {
        written = store::mark(&mut work.session.connection, work.epoch, outcome).await;
    }
    if written.map_err(&failed)? == 0 { Err(Error::LeaseLost) } else { Ok(()) }
}

fn outcome<'a>(release: &'a Release, step: &'a Step, state: State) -> Outcome<'a> {
    Outcome { step: &step.id, release, phase: step.phase, state, how: How::Applied, backend: None, error: None }
}

async fn is_there(work: &mut Work<'_>, step: &Step) -> Result<bool, Error> {
    work.session.ask(&step.probe.done).await.map_err(|cause| Error::StepFailed { step: step.id.clone(), cause })
}

/// Clears away what a broken-off step has left, which may mean to wait for others. Says whether there was anything.
async fn clear(work: &mut Work<'_>, step: &Step, wait: Duration) -> Result<bool, Error> {
    let failed = |cause| Error::StepFailed { step: step.id.clone(), cause };
    let Some(leftover) = &step.probe.leftover else { return Ok(false) };
    if !work.session.ask(&leftover.found).await.map_err(failed)? {
        return Ok(false);
    }
    work.warden.assure().await?;
    let limits = work.session.limits_alone(&leftover.clear, Milliseconds(0), Milliseconds(0));
    work.session.limit(limits, Scope::Session).await.map_err(failed)?;
    let (pid, began) = (work.session.backend.pid, Instant::now());
    work.warden.focus(Focus { pid, patience: None, wait: Some(wait), on_stop: OnStop::CancelIfWaiting }).await;
    let result = work.session.run(&leftover.clear).await;
    let Seen { blockers, cancelled } = work.warden.rest().await;
    let Err(source) = result else { return Ok(true) };
    judge(&step.id, Failed::Statement(source), &Seen { blockers: blockers.clone(), cancelled })?;
    Err(Error::LockNotFree { step: step.id.clone(), waited: began.elapsed(), tries: 1, blockers })
}
