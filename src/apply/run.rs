//! The loop around the decision: takes the lease, asks what comes next, does it, until the phase is complete.

use std::time::{Duration, Instant};

use super::autocommit::{self, Settled, Way};
use super::chain::{self, around, is_begun, may_begin};
use super::decide::{Decision, begin, next};
use super::error::{Error, doing};
use super::event::{Event, Listener};
use super::interrupt::Stop;
use super::ledger::{How, Ledger, State};
use super::session::Session;
use super::store::{self, Outcome};
use super::transactional::{self, Unit};
use super::warden::Warden;
use super::{Holds, Options, backfill, gate, held, lease};
use crate::db::postgres::{Settings, is_lost};
use crate::plan::{Chain, HazardKind, Held, Link, Phase, Release, Step, Transaction};

/// An executor that holds the lease.
pub(super) struct Work<'a> {
    pub(super) session: Session,
    pub(super) warden: Warden,
    pub(super) stop: Stop,
    pub(super) options: &'a Options,
    pub(super) listener: &'a dyn Listener,
    pub(super) epoch: i64,
}

impl<'a> Work<'a> {
    /// Takes the lease, and makes sure that nothing of an earlier executor goes on.
    pub(super) async fn begin(
        mut session: Session,
        settings: &Settings,
        options: &'a Options,
        listener: &'a dyn Listener,
        stop: Stop,
    ) -> Result<Self, Error> {
        store::ensure(&mut session.connection, settings.user()).await?;
        let mut warden = Warden::open(settings, &stop, session.version).await?;
        let taken = lease::take(&mut session, &warden.backend, options.lease_time).await?;
        warden.keep(taken.epoch, options.lease_time).await;
        listener.hear(&Event::LeaseTaken { epoch: taken.epoch });
        let mut work = Self { session, warden, stop, options, listener, epoch: taken.epoch };
        let Some(previous) = &taken.previous else { return Ok(work) };
        match lease::displace(&mut work.session, previous, listener, &work.stop).await {
            Ok(()) => Ok(work),
            Err(error) => work.end(Err(error)).await,
        }
    }

    /// Gives the lease back, and the result as it is in this light: a connection that was lost was perhaps ended by an
    /// executor which has taken the lease.
    pub(super) async fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        let lost = result.as_ref().err().and_then(Error::cause).is_some_and(is_lost);
        let taken = lost && matches!(self.warden.assure().await, Err(Error::LeaseLost));
        self.warden.dismiss();
        // If this fails the lease expires, or the next executor sees that we are gone.
        let _ = lease::give_back(&mut self.session, self.epoch).await;
        if taken { Err(Error::LeaseLost) } else { result.map_err(Error::of_connection) }
    }

    /// Fails if we are to stop, or may not go on.
    pub(super) async fn go_on(&self) -> Result<(), Error> {
        if let Some(signal) = self.stop.signal() {
            return Err(Error::Interrupted(signal));
        }
        if self.warden.lost().await { Err(Error::LeaseLost) } else { Ok(()) }
    }

    /// Waits, unless we are asked to stop.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), Error> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            signal = self.stop.wait() => Err(Error::Interrupted(signal)),
        }
    }
}

/// Runs a phase of a release to its end.
pub async fn apply(
    settings: &Settings,
    chain: &Chain,
    release: &Release,
    phase: Phase,
    options: &Options,
    listener: &dyn Listener,
    stop: Stop,
) -> Result<(), Error> {
    let mut session = Session::open(settings, &format!("concertina/{release}")).await?;
    // Looked at before anything is written: in another database not even a ledger is made.
    let ledger = store::read(&mut session.connection).await?;
    check(&mut session, chain, release, phase, &ledger).await?;
    let mut work = Work::begin(session, settings, options, listener, stop).await?;
    let result = run(&mut work, chain, release, phase).await;
    work.end(result).await
}

/// The steps that `apply` would run, in order. Writes nothing.
pub async fn dry_run<'a>(
    settings: &Settings,
    chain: &'a Chain,
    release: &Release,
    phase: Phase,
    holds: Holds,
) -> Result<Vec<&'a Step>, Error> {
    let mut session = Session::open(settings, &format!("concertina/{release}")).await?;
    let ledger = store::read(&mut session.connection).await?;
    check(&mut session, chain, release, phase, &ledger).await?;
    let mut steps = over(&mut session, chain, (release, phase), &ledger, holds).await?;
    steps.extend(open(chain, release, phase, &ledger)?);
    Ok(steps)
}

/// Whether the phase may be run in this database now.
async fn check(session: &mut Session, chain: &Chain, release: &Release, phase: Phase, ledger: &Ledger) -> Result<(), Error> {
    let (before, link, _) = around(chain, release)?;
    let plan = &link.plan;
    gate::check_version(session, plan)?;
    chain::check(chain, ledger)?;
    may_begin(before, plan, phase, ledger)?;
    // Where the migrations as written built the schema, earlier releases left nothing to contract, and the plan's start,
    // which has it, is nowhere to be found.
    let bootstrapped = plan.steps.iter().filter_map(|step| ledger.steps.get(&step.id)).any(|entry| entry.how == How::Bootstrapped);
    if !plan.adopted && !bootstrapped && !is_begun(plan, ledger) {
        let Err(error) = gate::check_start(session, plan).await else { return Ok(()) };
        // Another executor may have begun the plan since the ledger was read; its rows came there with its changes.
        let ledger = store::read(&mut session.connection).await?;
        if !is_begun(plan, &ledger) {
            return Err(error);
        }
    }
    Ok(())
}

async fn run(work: &mut Work<'_>, chain: &Chain, release: &Release, phase: Phase) -> Result<(), Error> {
    let mut ledger = store::read(&mut work.session.connection).await?;
    // Another executor may have been at work until we had the lease.
    check(&mut work.session, chain, release, phase, &ledger).await?;
    let (_, link, _) = around(chain, release)?;
    register(work, chain, release, &ledger).await?;
    let over = over(&mut work.session, chain, (release, phase), &ledger, work.options.holds).await?;
    let steps = over.len() + open(chain, release, phase, &ledger)?.len();
    work.listener.hear(&Event::PhaseBegins { release, phase, steps });
    // What a step of this plan drops may be what something held still needs.
    drop_held(work, chain, release, over).await?;
    ledger = store::read(&mut work.session.connection).await?;
    loop {
        let (step, settle) = match next(&link.plan, phase, &ledger) {
            Decision::Complete => break,
            Decision::Stuck { step, needs } => return Err(Error::Needs { step: step.clone(), needs: needs.clone() }),
            Decision::Run(step) => (step, false),
            Decision::Settle(step) => (step, true),
        };
        work.go_on().await?;
        one(work, chain, release, step, &ledger, settle).await?;
        ledger = store::read(&mut work.session.connection).await?;
    }
    if phase == Phase::Contract {
        if work.options.holds == Holds::End || !link.plan.ends_holds.is_empty() {
            // What this phase has begun to hold has to go at once.
            let over = self::over(&mut work.session, chain, (release, phase), &ledger, work.options.holds).await?;
            drop_held(work, chain, release, over).await?;
            ledger = store::read(&mut work.session.connection).await?;
        }
        tell_held(work, chain, release, &ledger).await?;
    }
    if steps > 0 {
        work.listener.hear(&Event::PhaseDone { release, phase });
    }
    Ok(())
}

/// The steps of a phase that are still to be done, but for what drops what is held.
fn open<'a>(chain: &'a Chain, release: &Release, phase: Phase, ledger: &Ledger) -> Result<Vec<&'a Step>, Error> {
    let (_, link, _) = around(chain, release)?;
    Ok(chain::open(&link.plan, phase, ledger).collect())
}

/// The plans up to that of a release.
fn until<'a>(chain: &'a Chain, release: &Release) -> Result<&'a [Link], Error> {
    let (before, ..) = around(chain, release)?;
    Ok(&chain.links()[..=before.len()])
}

/// The steps that drop what was held long enough, of this plan and of those before it, or that the release can't be run beside.
async fn over<'a>(
    session: &mut Session,
    chain: &'a Chain,
    (release, phase): (&Release, Phase),
    ledger: &Ledger,
    holds: Holds,
) -> Result<Vec<&'a Step>, Error> {
    let (_, link, _) = around(chain, release)?;
    let ends = &link.plan.ends_holds;
    if phase == Phase::Migrate || phase == Phase::Expand && ends.is_empty() {
        return Ok(Vec::new());
    }
    let held = held::read(&mut session.connection, until(chain, release)?, ledger).await?;
    let is_over = |step: &Step, over: bool| {
        phase == Phase::Contract && (over || holds == Holds::End) || ends.iter().any(|ended| ended.step == step.id)
    };
    Ok(held.into_iter().filter(|(step, entry)| is_over(step, entry.over)).map(|(step, _)| step).collect())
}

async fn drop_held(work: &mut Work<'_>, chain: &Chain, release: &Release, over: Vec<&Step>) -> Result<(), Error> {
    for step in over {
        let ledger = store::read(&mut work.session.connection).await?;
        if step.needs.iter().all(|needed| ledger.is_done(needed)) {
            work.go_on().await?;
            let settle = matches!(begin(step, &ledger), Decision::Settle(_));
            one(work, chain, release, step, &ledger, settle).await?;
        }
    }
    Ok(())
}

/// What is still held, and until when.
async fn tell_held(work: &mut Work<'_>, chain: &Chain, release: &Release, ledger: &Ledger) -> Result<(), Error> {
    for (_, held) in held::read(&mut work.session.connection, until(chain, release)?, ledger).await? {
        work.listener.hear(&Event::Note(format!("held until {}: {}", held.until, held.what)));
    }
    Ok(())
}

/// Notes that this plan is begun, and that those before it which were adopted are done.
async fn register(work: &mut Work<'_>, chain: &Chain, release: &Release, ledger: &Ledger) -> Result<(), Error> {
    let (before, link, _) = around(chain, release)?;
    for link in before.iter().chain([link]).filter(|link| !ledger.plans.contains_key(&link.plan.release)) {
        let written = store::register(&mut work.session.connection, work.epoch, &link.plan.release, &link.digest).await;
        if written.map_err(doing("writing the ledger"))? == 0 {
            return Err(Error::LeaseLost);
        }
    }
    Ok(())
}

async fn one(work: &mut Work<'_>, chain: &Chain, release: &Release, step: &Step, ledger: &Ledger, settle: bool) -> Result<(), Error> {
    let began = Instant::now();
    work.listener.hear(&Event::StepBegins { step });
    work.session.name(release, &step.id).await?;
    let ran_by = ledger.steps.get(&step.id).and_then(|entry| entry.backend.as_ref());
    if settle && autocommit::settle(work, release, step, Way::Forth, ran_by).await? == Settled::Finished {
        work.listener.hear(&Event::StepDone { step: &step.id, took: began.elapsed() });
        return Ok(());
    }
    gate::check(work, chain, release, step).await?;
    match (step.transaction, &step.backfill) {
        (Transaction::None, _) => autocommit::run(work, release, step, &step.sql, Way::Forth).await?,
        (Transaction::Chunked, Some(backfill)) => backfill::run(work, release, step, backfill, ledger).await?,
        (Transaction::Own | Transaction::Chunked, _) => {
            let unit = unit(work, release, step, &step.sql, State::Done);
            transactional::run(work, unit).await?;
        }
    }
    work.listener.hear(&Event::StepDone { step: &step.id, took: began.elapsed() });
    Ok(())
}

/// A step's statements as one transaction.
pub(super) fn unit<'a>(work: &Work<'_>, release: &'a Release, step: &'a Step, statements: &'a [String], state: State) -> Unit<'a> {
    let outcome = Outcome { step: &step.id, release, phase: step.phase, state, how: How::Applied, backend: None, error: None };
    let limits = work.session.limits(step.lock_wait, step.statement_time);
    Unit { outcome, statements, limits, patience: is_brief(step).then_some(work.options.patience) }
}

/// Whether a step is meant to hold its locks for a moment only. One that says it doesn't was accepted as it is.
fn is_brief(step: &Step) -> bool {
    let long = |kind| match kind {
        HazardKind::BlocksWrites | HazardKind::BlocksReads | HazardKind::Scans | HazardKind::Rewrites | HazardKind::LongTransaction => true,
        HazardKind::OldClientsReadNewValues
        | HazardKind::CachedPlans
        | HazardKind::DataLoss
        | HazardKind::NotRepeatable
        | HazardKind::ColumnOrder
        | HazardKind::ThroughView
        | HazardKind::NameGone
        | HazardKind::Opaque
        | HazardKind::MovedByDirective
        | HazardKind::RefusesWrites
        | HazardKind::FillsNull
        | HazardKind::UpsertsCollide
        | HazardKind::FiresTriggers
        | HazardKind::NoUndo
        | HazardKind::NewClientsReadOldValues
        | HazardKind::DropsDependents => false,
    };
    step.locks.iter().all(|lock| lock.held == Held::Brief) && !step.hazards.iter().any(|hazard| long(hazard.kind))
}
