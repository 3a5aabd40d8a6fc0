//! Takes a release back: expand and migrate of it, in reverse order, as long as nothing of the old shape is gone. Refuses
//! before the first step what it can't bring to an end.

use super::autocommit::{self, Settled, Way};
use super::chain::{self, around, is_begun};
use super::decide::to_undo;
use super::error::{Error, doing};
use super::event::{Event, Listener};
use super::interrupt::Stop;
use super::ledger::{How, Ledger, State};
use super::run::{Work, unit};
use super::session::Session;
use super::store::{self, Outcome};
use super::{Options, transactional};
use crate::db::postgres::Settings;
use crate::plan::{Chain, Phase, Plan, Release, Step, Transaction, Undo};

/// What happens to steps that can't be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Losses {
    /// The rollback is refused.
    Refuse,
    /// They stay as they are, and the others are taken back.
    Accept,
}

/// Takes a release back.
pub async fn rollback(
    settings: &Settings,
    chain: &Chain,
    release: &Release,
    losses: Losses,
    options: &Options,
    listener: &dyn Listener,
    stop: Stop,
) -> Result<(), Error> {
    let mut session = Session::open(settings, &format!("concertina/{release}/rollback")).await?;
    let ledger = store::read(&mut session.connection).await?;
    check(chain, release, losses, &ledger)?;
    let mut work = Work::begin(session, settings, options, listener, stop).await?;
    let result = run(&mut work, chain, release, losses).await;
    work.end(result).await
}

/// The steps that a rollback would take back, in order.
pub async fn dry_run<'a>(settings: &Settings, chain: &'a Chain, release: &Release, losses: Losses) -> Result<Vec<&'a Step>, Error> {
    let mut session = Session::open(settings, &format!("concertina/{release}/rollback")).await?;
    let ledger = store::read(&mut session.connection).await?;
    let plan = check(chain, release, losses, &ledger)?;
    Ok(to_undo(plan, &ledger))
}

/// Whether the release can be taken back in this database.
fn check<'a>(chain: &'a Chain, release: &Release, losses: Losses, ledger: &Ledger) -> Result<&'a Plan, Error> {
    chain::check(chain, ledger)?;
    let (_, link, after) = around(chain, release)?;
    let plan = &link.plan;
    if !ledger.plans.contains_key(release) {
        return Err(Error::NotApplied { release: release.clone() });
    }
    let contracts = |step: &&Step| step.phase == Phase::Contract && step.introduced_by == *release;
    let gone =
        |step: &&Step| ledger.steps.get(&step.id).is_some_and(|entry| matches!(entry.state, State::Done | State::Started | State::Undoing));
    let mut all = chain.links().iter().flat_map(|link| link.plan.steps.iter().chain(&link.plan.deferred));
    if let Some(step) = all.find(|step| contracts(step) && gone(step)) {
        return Err(Error::ContractBegun { release: release.clone(), step: step.id.clone() });
    }
    if let Some(later) = after.iter().find(|later| is_begun(&later.plan, ledger)) {
        return Err(Error::LaterRelease { release: release.clone(), later: later.plan.release.clone() });
    }
    let lost: Vec<String> = to_undo(plan, ledger)
        .into_iter()
        .filter_map(|step| match &step.undo {
            Undo::Impossible { loses } => Some(format!("step `{}`: {loses}", step.id)),
            Undo::Sql { .. } | Undo::Needless => None,
        })
        .collect();
    if losses == Losses::Refuse && !lost.is_empty() {
        return Err(Error::Irreversible { release: release.clone(), losses: lost });
    }
    Ok(plan)
}

async fn run(work: &mut Work<'_>, chain: &Chain, release: &Release, losses: Losses) -> Result<(), Error> {
    let ledger = store::read(&mut work.session.connection).await?;
    let plan = check(chain, release, losses, &ledger)?;
    for step in to_undo(plan, &ledger) {
        work.go_on().await?;
        work.session.name(release, &step.id).await?;
        if one(work, release, step, &ledger).await? == Taken::Back {
            work.listener.hear(&Event::StepUndone { step: &step.id });
        }
    }
    let ledger = store::read(&mut work.session.connection).await?;
    if !is_begun(plan, &ledger) {
        // Nothing of the plan is in place, so it may be edited and begun anew.
        let forgotten = store::forget(&mut work.session.connection, work.epoch, release).await;
        if forgotten.map_err(doing("writing the ledger"))? == 0 {
            return Err(Error::LeaseLost);
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Back,
    /// It can't be, and its loss was accepted: it stays.
    Not,
}

async fn one(work: &mut Work<'_>, release: &Release, step: &Step, ledger: &Ledger) -> Result<Taken, Error> {
    let entry = ledger.steps.get(&step.id);
    let unsettled = match entry.map(|entry| entry.state) {
        Some(State::Undoing) => true,
        Some(State::Started | State::Failed) => step.transaction == Transaction::None,
        Some(State::Done | State::Undone) | None => false,
    };
    let ran_by = entry.and_then(|entry| entry.backend.as_ref());
    if unsettled && autocommit::settle(work, release, step, Way::Back, ran_by).await? == Settled::Finished {
        return Ok(Taken::Back);
    }
    match &step.undo {
        Undo::Impossible { .. } => return Ok(Taken::Not),
        Undo::Sql { sql, transaction: Transaction::None } => autocommit::run(work, release, step, sql, Way::Back).await?,
        Undo::Sql { sql, transaction: Transaction::Own | Transaction::Chunked } => {
            let unit = unit(work, release, step, sql, State::Undone);
            transactional::run(work, unit).await?;
        }
        Undo::Needless => {
            let outcome =
                Outcome { step: &step.id, release, phase: step.phase, state: State::Undone, how: How::Applied, backend: None, error: None };
            let written = store::mark(&mut work.session.connection, work.epoch, outcome).await;
            if written.map_err(doing("writing the ledger"))? == 0 {
                return Err(Error::LeaseLost);
            }
        }
    }
    Ok(Taken::Back)
}
