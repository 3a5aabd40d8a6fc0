//! The plans in their order, held against what the ledger says was done: which may be run now, and what must come first. Pure.

use super::error::Error;
use super::ledger::{Ledger, State};
use crate::plan::{Phase, Plan, Release, Step};

/// A plan and the digest of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The SHA-256 of its file, in hexadecimal.
    pub digest: String,
}

/// All plans, each after its predecessor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain(pub Vec<Planned>);

impl Chain {
    /// Where a release stands in the chain.
    pub(super) fn position(&self, release: &Release) -> Option<usize> {
        self.0.iter().position(|planned| planned.plan.release == *release)
    }

    /// The plan of a release, with those before it.
    pub(super) fn up_to(&self, release: &Release) -> Result<(&[Planned], &Planned), Error> {
        let position = self.position(release).ok_or_else(|| Error::NoPlan { release: release.clone() })?;
        Ok((&self.0[..position], &self.0[position]))
    }

    /// Whether the ledger knows these plans, byte for byte, and no others.
    pub(super) fn check(&self, ledger: &Ledger) -> Result<(), Error> {
        for (release, entry) in &ledger.plans {
            match self.position(release) {
                None => return Err(Error::UnknownPlan { release: release.clone() }),
                Some(position) if self.0[position].digest != entry.digest => return Err(Error::EditedPlan { release: release.clone() }),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether a phase of a plan may begin: the plans before it are applied, and so are the phases before it.
pub(super) fn may_begin(before: &[Planned], plan: &Plan, phase: Phase, ledger: &Ledger) -> Result<(), Error> {
    for earlier in before {
        if earlier.plan.adopted {
            continue;
        }
        for phase in Phase::IN_ORDER {
            complete(&earlier.plan, phase, ledger)?;
        }
    }
    for earlier in Phase::IN_ORDER.into_iter().take_while(|earlier| *earlier != phase) {
        complete(plan, earlier, ledger)?;
    }
    Ok(())
}

fn complete(plan: &Plan, phase: Phase, ledger: &Ledger) -> Result<(), Error> {
    let open: Vec<&Step> = plan.steps.iter().filter(|step| step.phase == phase && !ledger.is_done(&step.id)).collect();
    let missing = match open.as_slice() {
        [] => return Ok(()),
        [step] => format!("step `{}`", step.id),
        several => format!("{} steps", several.len()),
    };
    Err(Error::Unfinished { release: plan.release.clone(), phase, missing })
}

/// Whether anything of a plan is in place, so that the schema that it starts from is no longer what must be found.
pub(super) fn is_begun(plan: &Plan, ledger: &Ledger) -> bool {
    plan.steps.iter().filter_map(|step| ledger.steps.get(&step.id)).any(|entry| match entry.state {
        State::Done | State::Started | State::Undoing => true,
        State::Failed | State::Undone => false,
    })
}
