//! The plans in their order, held against what the ledger says was done: which may be run now, and what must come first. Pure.

use super::error::Error;
use super::ledger::{Ledger, State};
use crate::plan::{Chain, Link, Phase, Plan, Release, Step};

/// Where a release stands in the chain.
pub(super) fn position(chain: &Chain, release: &Release) -> Option<usize> {
    chain.links().iter().position(|link| link.plan.release == *release)
}

/// The plans before that of a release, it, and those after it.
pub(super) fn around<'a>(chain: &'a Chain, release: &Release) -> Result<(&'a [Link], &'a Link, &'a [Link]), Error> {
    let position = position(chain, release).ok_or_else(|| Error::NoPlan { release: release.clone() })?;
    let links = chain.links();
    Ok((&links[..position], &links[position], &links[position + 1..]))
}

/// Whether the ledger knows these plans, byte for byte, and no others.
pub(super) fn check(chain: &Chain, ledger: &Ledger) -> Result<(), Error> {
    for (release, entry) in &ledger.plans {
        match chain.get(release) {
            None => return Err(Error::UnknownPlan { release: release.clone() }),
            Some(link) if link.digest != entry.digest => return Err(Error::EditedPlan { release: release.clone() }),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether a phase of a plan may begin: the plans before it are applied, and so are the phases before it.
pub(super) fn may_begin(before: &[Link], plan: &Plan, phase: Phase, ledger: &Ledger) -> Result<(), Error> {
    for earlier in before.iter().filter(|link| !link.plan.adopted) {
        for phase in Phase::IN_ORDER {
            complete(&earlier.plan, phase, ledger)?;
        }
    }
    for earlier in Phase::IN_ORDER.into_iter().take_while(|earlier| *earlier != phase) {
        complete(plan, earlier, ledger)?;
    }
    Ok(())
}

/// The steps of a phase that are still to be done, but for what drops what is held: that has its own time and holds nothing up.
pub(super) fn open<'a>(plan: &'a Plan, phase: Phase, ledger: &Ledger) -> impl Iterator<Item = &'a Step> {
    plan.steps.iter().filter(move |step| step.phase == phase && step.held().is_none() && !ledger.is_done(&step.id))
}

/// Whether all of a phase is done.
fn complete(plan: &Plan, phase: Phase, ledger: &Ledger) -> Result<(), Error> {
    let open: Vec<&Step> = open(plan, phase, ledger).collect();
    let missing = match open.as_slice() {
        [] => return Ok(()),
        [step] => format!("step `{}`", step.id),
        several => format!("{} steps", several.len()),
    };
    Err(Error::Unfinished { release: plan.release.clone(), phase, missing })
}

/// Whether anything of a plan is in place, so that the schema that it starts from is no longer what must be found.
pub(super) fn is_begun(plan: &Plan, ledger: &Ledger) -> bool {
    plan.steps.iter().any(|step| is_in_place(step, ledger))
}

/// Whether a step is in place, or perhaps in part.
pub(super) fn is_in_place(step: &Step, ledger: &Ledger) -> bool {
    ledger.steps.get(&step.id).is_some_and(|entry| match entry.state {
        State::Done | State::Started | State::Undoing => true,
        State::Failed | State::Undone => false,
    })
}
