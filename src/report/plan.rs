//! A plan as text that a reviewer reads, and as SQL. Pure.

use std::fmt::Write as _;

use crate::plan::{Gate, Held, Milliseconds, Phase, Plan, Refusal, Step, StepId, Transaction, Undo};

/// What `concertina plan` prints: every step by phase, with its lock, how long it is held, its hazards and why it is there.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let after = plan.predecessor.as_ref().map_or_else(|| "the first of its chain".to_owned(), |before| format!("after {}", before.release));
    line(&mut out, &format!("release {} ({} {}), {after}", plan.release, plan.engine, plan.engine_version));
    line(&mut out, &migrations(plan));
    if plan.adopted {
        line(&mut out, "\nAdopted: another tool has applied all of these, so there is nothing to do.");
        return out;
    }
    for phase in Phase::IN_ORDER {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.phase == phase).collect();
        line(&mut out, &format!("\n{phase}: {}", meaning(phase)));
        if steps.is_empty() && (phase != Phase::Contract || plan.ends_holds.is_empty()) {
            line(&mut out, "  nothing to do");
        }
        for ended in plan.ends_holds.iter().filter(|_| phase == Phase::Contract) {
            line(&mut out, &format!("  the hold ends, and {} runs, whether its time is over or not: {}", ended.step, ended.why));
        }
        for (at, step) in steps.iter().enumerate() {
            step_text(&mut out, at + 1, step);
        }
    }
    let path =
        plan.views_schema.as_ref().map(|schema| format!(", its clients with {schema} first in their search_path")).unwrap_or_default();
    line(&mut out, &format!("\nroll out release {}{path}", plan.release));
    deferred(&mut out, plan);
    out
}

fn migrations(plan: &Plan) -> String {
    match plan.migrations.as_slice() {
        [] => "no migrations of its own".to_owned(),
        [one] => format!("1 migration: {}", one.path),
        [first, .., last] => format!("{} migrations: {} to {}", plan.migrations.len(), first.path, last.path),
    }
}

fn meaning(phase: Phase) -> &'static str {
    match phase {
        Phase::Contract => "removes what no running release uses any more",
        Phase::Expand => "adds and loosens; old clients work on, new ones can start after migrate",
        Phase::Migrate => "moves data while old clients work; complete before new ones start",
    }
}

fn step_text(out: &mut String, number: usize, step: &Step) {
    line(out, &format!("  {number}. {}", step.about));
    field(out, "step", &step.id.0);
    for lock in &step.locks {
        field(out, "lock", &format!("{} on {}, {}", lock.mode, lock.relation, held(lock.held)));
    }
    field(out, "runs", runs(step.transaction));
    field(out, "why", &step.why);
    for gate in &step.gates {
        field(out, "gate", &gate_text(gate));
    }
    match &step.undo {
        Undo::Sql { .. } | Undo::Needless => {}
        Undo::Impossible { loses } => field(out, "no undo", &format!("loses {loses}")),
    }
    for hazard in &step.hazards {
        field(out, "hazard", &format!("{}: {}", name_of(&hazard.kind), hazard.detail));
    }
    let from: Vec<String> = step.origin.iter().map(|origin| format!("{}:{}", origin.file, origin.line)).collect();
    field(out, "from", &from.join(", "));
}

fn held(held: Held) -> &'static str {
    match held {
        Held::Brief => "brief",
        Held::Scan => "while the table is read",
        Held::Rewrite => "while the table is rewritten",
    }
}

fn runs(transaction: Transaction) -> &'static str {
    match transaction {
        Transaction::Own => "in one transaction",
        Transaction::None => "outside a transaction; if it breaks off, it is looked at and done again",
        Transaction::Chunked => "in chunks, each in its own transaction; resumes where it stopped",
    }
}

fn gate_text(gate: &Gate) -> String {
    match gate {
        Gate::Zero { counts, .. } => format!("there are no {counts}"),
        Gate::ReleaseReached { release } => format!("no client older than release {release} is running"),
        Gate::Held { step, hold, .. } => {
            format!("{} have passed since step {step}; until then a contract phase leaves this out", time(*hold))
        }
    }
}

/// A length of time as people say it.
fn time(length: Milliseconds) -> String {
    let Milliseconds(left) = length;
    let units = [(3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    match units.into_iter().find(|(unit, _)| left >= *unit && left % unit == 0) {
        Some((unit, name)) if left == unit => format!("1 {name}"),
        Some((unit, name)) => format!("{} {name}s", left / unit),
        None => format!("{left} milliseconds"),
    }
}

/// The name by which plan files call it.
fn name_of(kind: &impl serde::Serialize) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn deferred(out: &mut String, plan: &Plan) {
    if plan.deferred.is_empty() {
        line(out, "\nNothing is left for later deploys.");
    } else {
        line(out, "\nlater: left for the contract phase of later deploys");
    }
    for (at, step) in plan.deferred.iter().enumerate() {
        step_text(out, at + 1, step);
        let due = match step.due_after.unwrap_or(1) {
            _ if step.held().is_some() => "in the first contract phase after that time".to_owned(),
            1 => format!("in the deploy after release {}", step.introduced_by),
            after => format!("in deploy {after} after release {}", step.introduced_by),
        };
        field(out, "due", &due);
    }
    point_of_no_return(out, plan);
}

/// From which step on a release can no longer be taken back without loss.
fn point_of_no_return(out: &mut String, plan: &Plan) {
    let release = &plan.release;
    let own = || plan.steps.iter().chain(&plan.deferred).filter(|step| step.introduced_by == *release);
    let holds: Vec<&StepId> = plan.steps.iter().chain(&plan.deferred).filter_map(|step| step.held().map(|(hold, ..)| hold)).collect();
    let contracts = |step: &Step| step.phase == Phase::Contract && !holds.contains(&&step.id);
    let first = own().find(|step| contracts(step) || matches!(step.undo, Undo::Impossible { .. }));
    let text = match first.map(|step| (step, step.held())) {
        Some((step, Some((hold, length, _)))) => format!(
            "Point of no return of release {release}: step {}, which comes {} after {hold} or later. Until then `concertina rollback --release {release}` leads back, unless a later release has begun to expand.",
            step.id,
            time(length)
        ),
        Some((step, None)) if step.phase == Phase::Contract => {
            format!(
                "Point of no return of release {release}: step {}. Until then `concertina rollback --release {release}` leads back.",
                step.id
            )
        }
        Some((step, None)) => format!(
            "Point of no return of release {release}: step {}. Going back after it loses something: `concertina rollback --release {release} --accept-loss`.",
            step.id
        ),
        None => format!(
            "Point of no return of release {release}: none. `concertina rollback --release {release}` leads back until a later release is deployed."
        ),
    };
    line(out, &format!("\n{text}"));
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn field(out: &mut String, name: &str, value: &str) {
    let indented = value.replace('\n', "\n              ");
    let _ = writeln!(out, "     {name:<8} {indented}");
}

/// The SQL of every step, to be read or run by hand.
pub fn sql(plan: &Plan) -> String {
    let mut out = format!("-- Release {}: what its deploy runs, in this order.\n", plan.release);
    for step in &plan.steps {
        sql_of(&mut out, step);
    }
    let _ = writeln!(out, "\n-- Here release {} is rolled out.", plan.release);
    if !plan.deferred.is_empty() {
        out.push_str("\n-- Later deploys run:\n");
    }
    for step in &plan.deferred {
        sql_of(&mut out, step);
    }
    out
}

fn sql_of(out: &mut String, step: &Step) {
    let _ = writeln!(out, "\n-- {}: {}", step.id, step.about);
    for gate in &step.gates {
        if let Gate::Zero { counts, sql } = gate {
            let _ = writeln!(out, "-- only if there are no {counts}:\n--   {sql}");
        }
    }
    match (&step.backfill, step.transaction) {
        (Some(backfill), _) => {
            let _ = writeln!(out, "-- in chunks over {}, the key bound as text to $1 …:\n{};", backfill.table, backfill.chunk);
        }
        (None, Transaction::Own) => {
            out.push_str("BEGIN;\n");
            let Milliseconds(wait) = step.lock_wait;
            let _ = writeln!(out, "SET LOCAL lock_timeout = {wait};");
            for statement in &step.sql {
                let _ = writeln!(out, "{};", statement.trim_end().trim_end_matches(';'));
            }
            out.push_str("COMMIT;\n");
        }
        (None, Transaction::None | Transaction::Chunked) => {
            for statement in &step.sql {
                let _ = writeln!(out, "{};", statement.trim_end().trim_end_matches(';'));
            }
        }
    }
}

/// What is not planned, and what to do about each.
pub fn refusals(refusals: &[Refusal], release: &str) -> String {
    let count = match refusals.len() {
        1 => "1 change is".to_owned(),
        n => format!("{n} changes are"),
    };
    let mut out = format!("release {release} is not planned: {count} refused\n");
    for refusal in refusals {
        let _ = writeln!(out, "\n{}:{}: {}", refusal.origin.file, refusal.origin.line, refusal.what);
        for statement in refusal.origin.statement.lines().take(3) {
            let _ = writeln!(out, "    {statement}");
        }
        let _ = writeln!(out, "  what to do: {}", refusal.remedy.replace('\n', "\n    "));
    }
    out
}
