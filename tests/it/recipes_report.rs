//! `make recipes-report`: the whole life of every recipe under constant load, measured, as the page docs/recipes-report.md.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concertina::plan::{Milliseconds, Plan};

use crate::load::{Load, Moment, Tally, Writer};
use crate::project::Project;
use crate::recipes::{STORIES, begin, let_days_pass, run, story};
use crate::support::server;

/// Set to the names of some stories, to measure only these: the rows of the others stay as they are.
const ONLY: &str = "CONCERTINA_REPORT_ONLY";
/// The longest that a statement of a client may take.
const LIMIT: Duration = Duration::from_millis(150);
/// How often a story is told whose stall is over the limit.
const RUNS: usize = 3;
/// How long the writers work before the first deploy.
const QUIET: Duration = Duration::from_millis(2500);
/// How long they work after each phase.
const SETTLE: Duration = Duration::from_millis(300);

/// What stands above the table.
const HEAD: &str = "\
# The life of every recipe under load

Measured by `make recipes-report`, which writes this page, on PostgreSQL {version}.

Every story of `fixtures/recipes` is a schema with some rows, a migration, and what clients of the old and of the new release do.
Its plan is applied by the program, from expand to the end of contract, while never fewer than four clients write: four old ones
during expand and migrate, two old and two new ones during the roll-out, four new ones during contract and while that is dropped
which contract has held. Each sends its statements one by one, each in its own transaction, reads back what it wrote, pauses for
2 ms, and begins again. DDL waits for its lock for at most 500 ms, each time; for 100 ms if it locks several
tables, for it may hold one for which a client waits that holds the next.

| column | what it says |
|---|---|
| writes | statements that wrote, of all clients |
| errors | statements of clients that failed, and rows that did not read back as they were written. The stories are told so that their clients do nothing that the plan declares as lost (a hazard), so what is expected is 0 |
| stall | the longest that one statement of any client took, by the clock, and what was under way at that moment |
| noise | the same of four old clients in the 2.5 s before the first deploy: what the machine alone does |
| deploys | how long all phases of the deploys took together |

A stall must stay under 150 ms. A machine with other work stalls too, so a story over the limit is told again, up to three times in
all. The row is of the run with the shortest stall, with the stalls of the other runs in brackets: if they are near the lock timeout, it
was not the machine. A run with an error is always the one that is kept.

| recipe | its first step | writes | errors | stall (ms) | during | noise (ms) | deploys (s) |
|---|---|--:|--:|--:|---|--:|--:|
";

/// A story, measured.
struct Measured {
    name: &'static str,
    about: String,
    tally: Tally,
    noise: Duration,
    deploys: Duration,
    /// The stalls of the runs that were not kept.
    others: Vec<Duration>,
}

impl Measured {
    /// The longest stall, what was under way, and which statement it was.
    fn stall(&self) -> (Duration, Moment, &str) {
        let longest = self.tally.longest.iter().max_by_key(|(_, (took, _))| *took);
        longest.map(|(moment, (took, statement))| (*took, *moment, statement.as_str())).unwrap()
    }

    fn row(&self) -> String {
        let (stall, moment, _) = self.stall();
        let others = self.others.iter().map(|stall| stall.as_millis().to_string()).collect::<Vec<_>>().join(", ");
        let others = if others.is_empty() { others } else { format!(" ({others})") };
        format!(
            "| [{name}](../fixtures/recipes/{name}) | {} | {} | {} | {}{others} | {} | {} | {:.1} |",
            self.about,
            self.tally.writes,
            self.tally.errors.len(),
            stall.as_millis(),
            moment.name(),
            self.noise.as_millis(),
            self.deploys.as_secs_f64(),
            name = self.name,
        )
    }
}

/// Tells the story once.
fn measure(name: &'static str) -> Measured {
    let story = story(name);
    let (database, project) = begin(&story);
    wait_longer_for_locks(&project, "plans/2.json");
    project.run("plan --release 3").ended_well();
    wait_longer_for_locks(&project, "plans/3.json");
    // Or the program would wait for less, so that no client is ever the victim of a deadlock.
    database.run(&format!("ALTER DATABASE {} SET deadlock_timeout = '1100ms'", database.name));

    let load = Arc::new(Load::default());
    let old = |number| Writer::start(&database.url(), &story.clients.old, number, &load);
    let new = |number| Writer::start(&database.url(), &story.clients.new, number, &load);
    let mut deploys = Duration::ZERO;
    let mut deploy = |moment, arguments| {
        load.comes_to(moment);
        let began = Instant::now();
        run(&project, &database, arguments);
        deploys += began.elapsed();
        load.comes_to(Moment::Between);
        std::thread::sleep(SETTLE);
    };

    let mut writers: Vec<Writer> = (0..4).map(old).collect();
    std::thread::sleep(QUIET);
    let quiet = load.take();
    deploy(Moment::Expand, "apply --release 2 --phase expand");
    deploy(Moment::Migrate, "apply --release 2 --phase migrate");
    for numbers in [[4, 5], [6, 7]] {
        load.comes_to(Moment::RollOut);
        writers.extend(numbers.map(new));
        std::thread::sleep(SETTLE);
        writers.drain(..2).for_each(Writer::stop);
        std::thread::sleep(SETTLE);
    }
    deploy(Moment::Contract, "apply --release 3 --phase contract");
    let_days_pass(&database);
    deploy(Moment::Drop, "apply --release 3 --phase contract");
    writers.into_iter().for_each(Writer::stop);

    let mut tally = load.take();
    tally.errors.extend(quiet.errors);
    let noise = quiet.longest.values().map(|(took, _)| *took).max().unwrap();
    Measured { name, about: about(&project.read("plans/2.json")), tally, noise, deploys, others: Vec::new() }
}

/// Has every step wait for its lock for 500 ms that would wait for 400 ms.
fn wait_longer_for_locks(project: &Project, path: &str) {
    let mut plan: Plan = serde_json::from_str(&project.read(path)).unwrap();
    for step in plan.steps.iter_mut().chain(&mut plan.deferred).filter(|step| step.lock_wait == Milliseconds(400)) {
        step.lock_wait = Milliseconds(500);
    }
    project.write(path, plan.to_text());
}

/// Tells the story until its stall is under the limit, or often enough, and keeps the best run.
fn best(name: &'static str) -> Measured {
    let mut runs: Vec<Measured> = Vec::new();
    while runs.len() < RUNS {
        let measured = measure(name);
        println!("{}  <- {}", measured.row(), measured.stall().2);
        let ends = !measured.tally.errors.is_empty() || measured.stall().0 < LIMIT;
        runs.push(measured);
        if ends {
            break;
        }
    }
    let place = |run: &Measured| (run.tally.errors.is_empty(), run.stall().0);
    let best = (0..runs.len()).min_by_key(|at| place(&runs[*at])).unwrap();
    let mut best = runs.swap_remove(best);
    best.others = runs.iter().map(|run| run.stall().0).collect();
    best
}

/// What the first step of a plan is about, as a cell of a table.
fn about(plan: &str) -> String {
    let plan: Plan = serde_json::from_str(plan).unwrap();
    let first = plan.steps.iter().chain(&plan.deferred).next();
    first.map_or_else(|| "nothing to do".to_owned(), |step| step.about.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|"))
}

#[test]
#[ignore = "takes a quarter of an hour, and measures the machine as well: `make recipes-report`"]
fn report() {
    let only = std::env::var(ONLY).ok();
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted == name));
    let version = server().run("postgres", "SHOW server_version").unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes-report.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let mut page = HEAD.replace("{version}", version.split_whitespace().next().unwrap());
    let mut wrong = String::new();
    for name in STORIES {
        if !wanted(name) {
            let row = before.lines().filter(|line| line.starts_with(&format!("| [{name}]")));
            row.for_each(|row| writeln!(page, "{row}").unwrap());
            continue;
        }
        let measured = best(name);
        writeln!(page, "{}", measured.row()).unwrap();
        for error in &measured.tally.errors {
            writeln!(wrong, "{name}: {error}").unwrap();
        }
        let (stall, moment, statement) = measured.stall();
        if stall >= LIMIT {
            writeln!(wrong, "{name}: {} ms during {}: {statement}", stall.as_millis(), moment.name()).unwrap();
        }
    }
    println!("\n{page}");
    std::fs::write(path, &page).unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}
