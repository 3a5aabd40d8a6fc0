//! Runs many cases, counts what came of them, and makes each failure as small as it gets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::case::{Case, strategy};
use super::trial::{Bench, Outcome};

/// What came of all cases.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) cases: u32,
    releases: BTreeMap<&'static str, u32>,
    reasons: BTreeMap<(&'static str, String), u32>,
    pub(super) failures: Vec<Failure>,
    took: Duration,
}

/// A failure with the smallest case that shows it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) seed: u64,
    pub(super) kind: String,
    pub(super) case: Case,
    pub(super) report: String,
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The seed of the first case; each of the others has the next number.
    pub(super) seed: u64,
    pub(super) cases: u32,
    /// No case is begun after this.
    pub(super) within: Duration,
    /// How many smaller cases are tried for each failure, at most.
    pub(super) shrinks: u32,
}

/// Runs cases on a bench of their own; `heard` is told of each.
pub(super) fn run(wanted: Wanted, heard: &mut dyn FnMut(&Tally)) -> Tally {
    let began = Instant::now();
    let mut bench = Bench::open();
    let mut tally = Tally::default();
    for seed in (wanted.seed..).take(wanted.cases as usize) {
        if began.elapsed() > wanted.within {
            break;
        }
        one(&mut bench, seed, wanted.shrinks, &mut tally);
        tally.took = began.elapsed();
        heard(&tally);
    }
    tally
}

fn one(bench: &mut Bench, seed: u64, shrinks: u32, tally: &mut Tally) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut tree = strategy().new_tree(&mut runner).expect("nothing is filtered out");
    tally.cases += 1;
    let outcomes = attempt(bench, &tree.current().case());
    for outcome in &outcomes {
        tally.count(outcome);
    }
    let Some((kind, report)) = failure(&outcomes) else { return };
    let mut smallest = Failure { seed, kind, case: tree.current().case(), report };
    if tally.failures.iter().all(|known| known.kind != smallest.kind) {
        shrink(bench, &mut tree, &mut smallest, shrinks);
    }
    tally.failures.push(smallest);
}

fn shrink(bench: &mut Bench, tree: &mut impl ValueTree<Value = super::case::Numbers>, smallest: &mut Failure, shrinks: u32) {
    let mut left = shrinks;
    let mut moved = tree.simplify();
    while moved && left > 0 {
        let case = tree.current().case();
        let fails = case == smallest.case || {
            left -= 1;
            match failure(&attempt(bench, &case)) {
                Some((kind, report)) if kind == smallest.kind => {
                    (smallest.case, smallest.report) = (case, report);
                    true
                }
                _ => false,
            }
        };
        moved = if fails { tree.simplify() } else { tree.complicate() };
    }
}

fn attempt(bench: &mut Bench, case: &Case) -> Vec<Outcome> {
    let result = catch_unwind(AssertUnwindSafe(|| bench.attempt(case)));
    result.unwrap_or_else(|panic| {
        *bench = Bench::open();
        let said = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![Outcome::Failed { kind: "panic".to_owned(), report: said.unwrap_or_default() }]
    })
}

fn failure(outcomes: &[Outcome]) -> Option<(String, String)> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Failed { kind, report } => Some((kind.clone(), report.clone())),
        Outcome::Proven | Outcome::NotProven(_) | Outcome::Refused(_) | Outcome::Discarded(_) => None,
    })
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        let (word, reason) = match outcome {
            Outcome::Proven => ("proven", None),
            Outcome::NotProven(reason) => ("not proven", Some(reason)),
            Outcome::Refused(reason) => ("refused", Some(reason)),
            Outcome::Discarded(reason) => ("discarded", Some(reason)),
            Outcome::Failed { kind, .. } => ("FAILED", Some(kind)),
        };
        *self.releases.entry(word).or_default() += 1;
        if let Some(reason) = reason {
            *self.reasons.entry((word, reason.clone())).or_default() += 1;
        }
    }

    /// Takes in what another run has counted.
    pub(super) fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.took = self.took.max(other.took);
        for (word, count) in other.releases {
            *self.releases.entry(word).or_default() += count;
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.failures.extend(other.failures);
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let counts: Vec<String> = self.releases.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let each = self.took.as_secs_f64() / f64::from(self.cases.max(1));
        format!("{} cases in {:.0} s ({each:.2} s each); releases: {}", self.cases, self.took.as_secs_f64(), counts.join(", "))
    }

    /// Everything: the counts by reason, and the failures.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.line());
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|((word, _), count)| (*word, std::cmp::Reverse(**count)));
        for ((word, reason), count) in reasons {
            let _ = writeln!(text, "  {count:>5}  {word:<10}  {reason}");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\n{}", failure.text());
        }
        text
    }
}

impl Failure {
    /// The smallest case as SQL files, and what is wrong with it.
    pub(super) fn text(&self) -> String {
        let mut text = format!("seed {}: {}\n-- base.sql\n{}", self.seed, self.kind, self.case.base);
        for (number, change) in (1..).zip(&self.case.releases) {
            let _ = write!(text, "-- change {number}\n{change}");
        }
        format!("{text}-- what came of it\n{}", self.report)
    }
}
