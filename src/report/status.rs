//! Where a database stands, as text and JSON. Pure.

use std::fmt::Write as _;

use crate::apply::{HeldEntry, PlanStatus, State, Status, StepStatus};
use crate::plan::Phase;

/// For people: a line a phase, and each step that is not simply done.
pub fn text(status: &Status) -> String {
    let mut text = format!("{}\n", status.database);
    if status.plans.is_empty() {
        text.push_str("there are no plans\n");
    }
    for plan in &status.plans {
        plan_text(&mut text, plan, &status.held);
    }
    for release in &status.unknown {
        let _ = writeln!(text, "release {release} was applied here, and there is no plan of it: this checkout is older than the database");
    }
    if let Some(lease) = &status.at_work {
        let owner = lease.owner.as_deref().unwrap_or_default();
        let _ = writeln!(text, "at work: {owner}, since {}; its lease ends at {} unless it is renewed", lease.since, lease.until);
    }
    if let Some(because) = &status.paused {
        let _ = writeln!(text, "backfills are paused: {because}");
    }
    for held in &status.held {
        let until = if held.over { "over since" } else { "until" };
        let _ = writeln!(text, "held: {}, since {}, {until} {}", held.what, held.since, held.until);
    }
    if let Some(held) = status.held.iter().find(|held| held.over) {
        let _ = writeln!(text, "the next contract phase drops what was held long enough, first by {}", held.drop);
    }
    match &status.next {
        Some(next) => {
            let _ = writeln!(text, "next: concertina apply --release {} --phase {}", next.release, next.phase);
        }
        None if status.waiting.is_empty() && !status.held.is_empty() => text.push_str("nothing else is left to do\n"),
        None if status.waiting.is_empty() => text.push_str("nothing is left to do\n"),
        None => {
            text.push_str("nothing is due now; the contract phase of a later deploy has\n");
            for step in &status.waiting {
                let _ = writeln!(text, "    waiting  {step}");
            }
        }
    }
    text
}

/// For programs.
pub fn json(status: &Status) -> String {
    let mut text = serde_json::to_string_pretty(status).expect("names are text, and nothing else can fail");
    text.push('\n');
    text
}

fn plan_text(text: &mut String, plan: &PlanStatus, held: &[HeldEntry]) {
    let note = match (plan.adopted, plan.edited) {
        (_, true) => "  (its file was edited since it was begun)",
        (true, false) => "  adopted: another tool has applied it",
        (false, false) if plan.steps.is_empty() => "  nothing to do",
        (false, false) => "",
    };
    let _ = writeln!(text, "release {}{note}", plan.release);
    for phase in Phase::IN_ORDER {
        let steps: Vec<&StepStatus> = plan.steps.iter().filter(|step| step.phase == phase).collect();
        if steps.is_empty() {
            continue;
        }
        let done = steps.iter().filter(|step| state(step) == Some(State::Done)).count();
        let _ = writeln!(text, "  {:<9} {done} of {} done", phase.to_string(), steps.len());
        for step in steps.into_iter().filter(|step| state(step) != Some(State::Done)) {
            step_text(text, step, held);
        }
    }
}

fn step_text(text: &mut String, step: &StepStatus, held: &[HeldEntry]) {
    let word = match state(step) {
        None if held.iter().any(|held| held.drop == step.id) => "held",
        None => "pending",
        Some(State::Started) => "started",
        Some(State::Done) => "done",
        Some(State::Failed) => "failed",
        Some(State::Undoing) => "half taken back",
        Some(State::Undone) => "taken back",
    };
    let _ = writeln!(text, "    {word:<8} {}", step.id);
    if let Some(error) = step.entry.as_ref().and_then(|entry| entry.error.as_deref()) {
        let _ = writeln!(text, "             {error}");
    }
    if let (Some(State::Started | State::Failed), Some(backfill)) = (state(step), &step.backfill) {
        let key = backfill.cursor.as_deref().map_or_else(|| "the beginning".to_owned(), |key| format!("key ({})", key.join(", ")));
        let _ = writeln!(text, "             {} rows changed, at {key}", backfill.changed);
    }
}

fn state(step: &StepStatus) -> Option<State> {
    step.entry.as_ref().map(|entry| entry.state)
}
