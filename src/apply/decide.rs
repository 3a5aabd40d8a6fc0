//! What comes next. Pure: a plan and a ledger give a decision, and the loop around it only obeys.

use super::chain::open;
use super::ledger::{Ledger, State};
use crate::plan::{Phase, Plan, Step, StepId, Transaction};

/// What the executor does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Run this step. Nothing of it is in place; or it is a backfill, which goes on from its cursor.
    Run(&'a Step),
    /// This step was begun outside a transaction, and nobody knows how far it got: look, clear away what is left, and run
    /// it if it isn't done.
    Settle(&'a Step),
    /// No step that is left can be run, since the first of them needs another that isn't done.
    Stuck {
        /// The step.
        step: &'a StepId,
        /// What it needs.
        needs: &'a StepId,
    },
    /// The phase is complete.
    Complete,
}

/// The next thing to do for a phase of a plan, but for what drops what is held.
pub fn next<'a>(plan: &'a Plan, phase: Phase, ledger: &Ledger) -> Decision<'a> {
    let mut stuck = Decision::Complete;
    for step in open(plan, phase, ledger) {
        match step.needs.iter().find(|needed| !ledger.is_done(needed)) {
            None => return begin(step, ledger),
            Some(needs) if stuck == Decision::Complete => stuck = Decision::Stuck { step: &step.id, needs },
            Some(_) => {}
        }
    }
    stuck
}

/// How a step is begun.
pub(super) fn begin<'a>(step: &'a Step, ledger: &Ledger) -> Decision<'a> {
    match (step.transaction, ledger.steps.get(&step.id).map(|entry| entry.state)) {
        (Transaction::None, Some(State::Started | State::Failed | State::Undoing | State::Done)) | (_, Some(State::Undoing)) => {
            Decision::Settle(step)
        }
        _ => Decision::Run(step),
    }
}

/// The steps of a release that are to be taken back, in the order in which that is done.
pub(super) fn to_undo<'a>(plan: &'a Plan, ledger: &Ledger) -> Vec<&'a Step> {
    let in_place = |step: &&Step| match ledger.steps.get(&step.id).map(|entry| entry.state) {
        Some(State::Started | State::Done | State::Undoing) => true,
        // What failed in a transaction left nothing; elsewhere its probe knows.
        Some(State::Failed) => step.transaction == Transaction::None,
        Some(State::Undone) | None => false,
    };
    let ours = |step: &&Step| step.phase != Phase::Contract;
    let mut steps: Vec<&Step> = plan.steps.iter().filter(ours).filter(in_place).collect();
    // Migrate follows expand, whatever the order within the file.
    steps.sort_by_key(|step| step.phase);
    let mut order = Vec::new();
    // A step goes when no step is left that needs it: first the last one, if the plan is in order.
    while let Some(last) = steps.iter().rposition(|step| !steps.iter().any(|other| other.needs.contains(&step.id))) {
        order.push(steps.remove(last));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::ledger::{Entry, How};
    use crate::plan::{Milliseconds, Probe, Release, Undo};

    fn step(id: &str, phase: Phase, transaction: Transaction, needs: &[&str]) -> Step {
        Step {
            id: StepId(id.to_owned()),
            phase,
            introduced_by: Release("1".to_owned()),
            due_after: None,
            about: String::new(),
            why: String::new(),
            origin: Vec::new(),
            sql: Vec::new(),
            transaction,
            backfill: None,
            locks: Vec::new(),
            lock_wait: Milliseconds(0),
            statement_time: Milliseconds(0),
            needs: needs.iter().map(|id| StepId((*id).to_owned())).collect(),
            probe: Probe { done: String::new(), leftover: None },
            undo: Undo::Needless,
            gates: Vec::new(),
            hazards: Vec::new(),
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan {
            format: crate::plan::format::FORMAT.to_owned(),
            release: Release("1".to_owned()),
            engine: "postgresql".to_owned(),
            engine_version: 15,
            predecessor: None,
            adopted: false,
            migrations: Vec::new(),
            views_schema: None,
            ends_holds: Vec::new(),
            starts_from: crate::plan::Start::default(),
            steps,
            deferred: Vec::new(),
        }
    }

    fn ledger(states: &[(&str, State)]) -> Ledger {
        let entry = |state| Entry {
            state,
            how: How::Applied,
            phase: Phase::Expand,
            backend: None,
            started: String::new(),
            ended: None,
            error: None,
        };
        Ledger { steps: states.iter().map(|(id, state)| (StepId((*id).to_owned()), entry(*state))).collect(), ..Ledger::default() }
    }

    #[test]
    fn the_first_step_whose_needs_are_done_is_next() {
        use Transaction::{None as Autocommit, Own};
        let plan = plan(vec![
            step("c", Phase::Contract, Own, &[]),
            step("a", Phase::Expand, Own, &["b"]),
            step("b", Phase::Expand, Autocommit, &[]),
            step("m", Phase::Migrate, Transaction::Chunked, &["a"]),
        ]);
        let check = |phase, states: &[(&str, State)], expected: &str| {
            let said = match next(&plan, phase, &ledger(states)) {
                Decision::Run(step) => format!("run {}", step.id),
                Decision::Settle(step) => format!("settle {}", step.id),
                Decision::Stuck { step, needs } => format!("{step} needs {needs}"),
                Decision::Complete => "complete".to_owned(),
            };
            assert_eq!(said, expected, "{phase} {states:?}");
        };
        check(Phase::Contract, &[], "run c");
        check(Phase::Contract, &[("c", State::Failed)], "run c");
        check(Phase::Contract, &[("c", State::Done)], "complete");
        check(Phase::Expand, &[], "run b");
        check(Phase::Expand, &[("b", State::Done)], "run a");
        check(Phase::Expand, &[("b", State::Undone)], "run b");
        check(Phase::Expand, &[("a", State::Done), ("b", State::Done)], "complete");
        check(Phase::Migrate, &[], "m needs a");
        check(Phase::Migrate, &[("a", State::Done), ("m", State::Started)], "run m");
    }

    #[test]
    fn a_step_begun_outside_a_transaction_is_settled_before_the_next_runs() {
        let plan = plan(vec![step("a", Phase::Expand, Transaction::None, &[]), step("b", Phase::Expand, Transaction::Own, &[])]);
        for state in [State::Started, State::Failed, State::Undoing] {
            let ledger = ledger(&[("a", state), ("b", State::Done)]);
            assert!(matches!(next(&plan, Phase::Expand, &ledger), Decision::Settle(step) if step.id.0 == "a"), "{state:?}");
        }
    }

    #[test]
    fn steps_are_taken_back_in_reverse_and_only_where_something_is_in_place() {
        let plan = plan(vec![
            step("c", Phase::Contract, Transaction::Own, &[]),
            step("a", Phase::Expand, Transaction::Own, &[]),
            step("e", Phase::Expand, Transaction::Own, &["b"]),
            step("b", Phase::Expand, Transaction::None, &[]),
            step("d", Phase::Expand, Transaction::Own, &[]),
            step("m", Phase::Migrate, Transaction::Chunked, &[]),
        ]);
        let done = ["c", "a", "e"].map(|id| (id, State::Done));
        let ledger = ledger(&[&done[..], &[("b", State::Failed), ("d", State::Failed), ("m", State::Started)]].concat());
        let ids: Vec<_> = to_undo(&plan, &ledger).into_iter().map(|step| step.id.0.as_str()).collect();
        assert_eq!(ids, ["m", "e", "b", "a"]);
    }
}
