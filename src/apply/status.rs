//! Where a database stands: what is done of each plan, what is due, who is at work. Changes nothing.

use serde::Serialize;

use super::chain::{open, position};
use super::error::Error;
use super::held::{self, HeldEntry};
use super::ledger::{BackfillEntry, Entry, LeaseEntry, Ledger};
use super::store;
use crate::db::postgres::{Settings, connect_to_any};
use crate::plan::{Chain, Link, Phase, Release, Step, StepId};

/// Where a database stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The database, in words.
    pub database: String,
    /// Who is at work now.
    pub at_work: Option<LeaseEntry>,
    /// Why backfills pause, if they do.
    pub paused: Option<String>,
    /// The plans in the order of the chain.
    pub plans: Vec<PlanStatus>,
    /// Releases that the ledger knows, and of which there is no plan here.
    pub unknown: Vec<Release>,
    /// What comes next.
    pub next: Option<Next>,
    /// Contract steps that the last plan leaves to later deploys.
    pub waiting: Vec<StepId>,
    /// What contract has taken away and not yet dropped.
    pub held: Vec<HeldEntry>,
}

/// Where a plan stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanStatus {
    /// Its release.
    pub release: Release,
    /// Whether another tool applied it.
    pub adopted: bool,
    /// Whether its file is not the one that was begun.
    pub edited: bool,
    /// Its steps in order.
    pub steps: Vec<StepStatus>,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepStatus {
    /// Its id.
    pub id: StepId,
    /// Its phase.
    pub phase: Phase,
    /// What it does, in words.
    pub about: String,
    /// What the ledger says of it; nothing if it was never begun.
    pub entry: Option<Entry>,
    /// How far it is, if it is a backfill.
    pub backfill: Option<BackfillEntry>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The release.
    pub release: Release,
    /// Its first phase that is not complete.
    pub phase: Phase,
}

/// Reads where a database stands. A standby will do.
pub async fn status(settings: &Settings, chain: &Chain) -> Result<Status, Error> {
    let mut connection = connect_to_any(settings, "concertina/status").await?;
    let ledger = store::read(&mut connection).await?;
    let held = held::read(&mut connection, chain.links(), &ledger).await?;
    Ok(of(settings.target(), chain, ledger, held.into_iter().map(|(_, entry)| entry).collect()))
}

fn of(database: String, chain: &Chain, ledger: Ledger, held: Vec<HeldEntry>) -> Status {
    Status {
        database,
        held,
        plans: chain.links().iter().map(|link| plan(link, &ledger)).collect(),
        unknown: ledger.plans.keys().filter(|release| position(chain, release).is_none()).cloned().collect(),
        waiting: chain
            .last()
            .into_iter()
            .flat_map(|last| &last.plan.deferred)
            .map(|step| &step.id)
            .filter(|id| !ledger.steps.contains_key(*id))
            .cloned()
            .collect(),
        next: chain.links().iter().find_map(|link| next(link, &ledger)),
        at_work: ledger.lease.filter(|lease| lease.owner.is_some() && !lease.expired),
        paused: ledger.paused,
    }
}

fn plan(link: &Link, ledger: &Ledger) -> PlanStatus {
    let release = &link.plan.release;
    let step = |step: &Step| StepStatus {
        id: step.id.clone(),
        phase: step.phase,
        about: step.about.clone(),
        entry: ledger.steps.get(&step.id).cloned(),
        backfill: ledger.backfills.get(&step.id).cloned(),
    };
    PlanStatus {
        release: release.clone(),
        adopted: link.plan.adopted,
        edited: ledger.plans.get(release).is_some_and(|entry| entry.digest != link.digest),
        steps: link.plan.steps.iter().map(step).collect(),
    }
}

fn next(link: &Link, ledger: &Ledger) -> Option<Next> {
    let phase = Phase::IN_ORDER.into_iter().find(|phase| open(&link.plan, *phase, ledger).next().is_some())?;
    Some(Next { release: link.plan.release.clone(), phase })
}
