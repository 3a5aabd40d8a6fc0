//! Takes a release back: expand and migrate of it, in reverse order, as long as nothing of the old shape is gone. Refuses
//! before the first step what it can't bring to an end.

use super::autocommit::{self, Settled, Way};
use super::chain::{self, around, is_begun, is_in_place};
use super::decide::to_undo;
use super::error::{Error, doing};
use super::event::{Event, Listener};
use super::interrupt::Stop;
use super::ledger::{How, Ledger, State};
use super::run::{Work, unit};
use super::session::Session;
use super::store::{self, Outcome};
use super::{Options, held, transactional};
use crate::db::postgres::Settings;
use crate::plan::{Chain, Link, Phase, Plan, Release, Step, Transaction, Undo};

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
    Ok(order(chain, plan, &ledger))
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
    // What is only held is still there.
    let holds = held::holds(chain.links());
    let gone = |step: &&Step| is_in_place(step, ledger) && !holds.contains(&step.id);
    let mut all = chain.links().iter().flat_map(|link| link.plan.steps.iter().chain(&link.plan.deferred));
    if let Some(step) = all.find(|step| contracts(step) && gone(step)) {
        return Err(Error::ContractBegun { release: release.clone(), step: step.id.clone() });
    }
    let goes_on = |later: &&Link| later.plan.steps.iter().any(|step| is_in_place(step, ledger) && (!contracts(&step) || gone(&step)));
    if let Some(later) = after.iter().find(goes_on) {
        return Err(Error::LaterRelease { release: release.clone(), later: later.plan.release.clone() });
    }
    let lost: Vec<String> = order(chain, plan, ledger)
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

/// The steps that are to be taken back, in the order in which that is done: first what later deploys hold of the release.
fn order<'a>(chain: &'a Chain, plan: &'a Plan, ledger: &Ledger) -> Vec<&'a Step> {
    let holds = held::holds(chain.links());
    let steps = chain.links().iter().flat_map(|link| &link.plan.steps);
    let held = steps.filter(|step| step.introduced_by == plan.release && holds.contains(&step.id) && is_in_place(step, ledger));
    let mut order: Vec<&Step> = held.collect();
    order.reverse();
    order.extend(to_undo(plan, ledger));
    order
}

async fn run(work: &mut Work<'_>, chain: &Chain, release: &Release, losses: Losses) -> Result<(), Error> {
    let ledger = store::read(&mut work.session.connection).await?;
    let plan = check(chain, release, losses, &ledger)?;
    let steps = order(chain, plan, &ledger);
    for step in &steps {
        work.go_on().await?;
        work.session.name(release, &step.id).await?;
        if one(work, release, step, &ledger).await? == Taken::Back {
            work.listener.hear(&Event::StepUndone { step: &step.id });
        }
    }
    let ledger = store::read(&mut work.session.connection).await?;
    let touched = |link: &&Link| link.plan.steps.iter().any(|step| steps.iter().any(|undone| undone.id == step.id));
    let releases = chain.links().iter().filter(touched).map(|link| &link.plan);
    for plan in releases.filter(|touched| touched.release != plan.release).chain([plan]).filter(|plan| !is_begun(plan, &ledger)) {
        // Nothing of the plan is in place, so it may be edited and begun anew.
        let forgotten = store::forget(&mut work.session.connection, work.epoch, &plan.release).await;
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
