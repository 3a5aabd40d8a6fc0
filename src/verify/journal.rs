//! What a proof has tried, and what came of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::seed::{Rows, Seeded};
use crate::plan::Release;

/// What is said of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was tried and held.
    Proven,
    /// Something could not be tried, and the rest held.
    NotProven,
    /// Something did not hold; there is an example.
    Refuted,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Proven => "proven",
            Self::NotProven => "not proven",
            Self::Refuted => "refuted",
        })
    }
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// The plan and the migrations as written end in the same schema and the same rows.
    SameEnd,
    /// Clients of the release before work from the first step of expand to the first of contract.
    OldClients,
    /// Clients of the release work from the end of migrate on.
    NewClients,
    /// What one side writes, the other reads.
    WritesCarryOver,
    /// Each step locks, rewrites and reads what the plan says, and no more.
    LocksAsDeclared,
    /// Undo after each step of expand and migrate leads back.
    SafeToStop,
}

impl CheckKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] =
        [Self::SameEnd, Self::OldClients, Self::NewClients, Self::WritesCarryOver, Self::LocksAsDeclared, Self::SafeToStop];

    /// The check in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::SameEnd => "same end",
            Self::OldClients => "old clients work",
            Self::NewClients => "new clients work",
            Self::WritesCarryOver => "writes carry over",
            Self::LocksAsDeclared => "locks as declared",
            Self::SafeToStop => "safe to stop",
        }
    }
}

/// The smallest thing that shows what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// When: after which step.
    pub state: String,
    /// Who does what, in words.
    pub about: String,
    /// The SQL that shows it in that state.
    pub sql: String,
    /// What must come of it.
    pub expected: String,
    /// What came of it.
    pub found: String,
}

/// One check with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub check: CheckKind,
    /// What is said of it.
    pub result: Verdict,
    /// How many things were tried.
    pub probes: u64,
    /// What did not hold: the first of each kind.
    pub examples: Vec<Example>,
}

/// A plan's proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The release.
    pub release: Release,
    /// The worst of what is said of the checks.
    pub result: Verdict,
    /// Why something could not be tried.
    pub reasons: Vec<String>,
    /// What does not work yet, or not any more, because the plan says so.
    pub declared: Vec<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What the rows were like.
    pub rows: Rows,
    /// The rows by table.
    pub tables: Vec<Seeded>,
}

/// A proof in the making.
#[derive(Debug, Default)]
pub(super) struct Journal {
    tallies: BTreeMap<CheckKind, (u64, Vec<Example>)>,
    reasons: Vec<String>,
    declared: Vec<String>,
    /// Why what old clients meet is the author's business, if it is.
    author: Option<String>,
}

/// How many examples of one check are kept: the first ones are the nearest to the cause.
const MOST_EXAMPLES: usize = 3;

impl Journal {
    /// Something was tried and held.
    pub(super) fn held(&mut self, check: CheckKind, probes: u64) {
        self.tallies.entry(check).or_default().0 += probes;
    }

    /// Something was tried and did not hold.
    pub(super) fn failed(&mut self, check: CheckKind, example: Example) {
        // Values are the author's business, and so are rows that are refused; code that can't be run is nobody's.
        let is_broken = example.found.starts_with("error 42");
        if let (Some(author), CheckKind::OldClients | CheckKind::WritesCarryOver, false) = (&self.author, check, is_broken) {
            let reason = format!("{author}, and now {}: expected {}, found {}", example.about, example.expected, example.found);
            if self.reasons.iter().filter(|reason| reason.starts_with(author)).count() < MOST_EXAMPLES {
                self.untried(reason);
            }
            return;
        }
        let (probes, examples) = self.tallies.entry(check).or_default();
        *probes += 1;
        if examples.len() < MOST_EXAMPLES {
            examples.push(example);
        }
    }

    /// From here on the author's own code decides what becomes of what old clients write: the plan says so, and who differs
    /// can't be told from who is meant to.
    pub(super) fn leave_to_author(&mut self, step: &str) {
        self.author.get_or_insert_with(|| format!("step {step} changes what the database does with what old clients write"));
    }

    /// The same, of what becomes in contract of what old clients have written.
    pub(super) fn failed_late(&mut self, example: Example) {
        match &self.author {
            None => self.failed(CheckKind::SameEnd, example),
            Some(author) => {
                self.untried(format!("{author}, and {}: expected {}, found {}", example.about, example.expected, example.found));
            }
        }
    }

    /// Something could not be tried.
    pub(super) fn untried(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Something does not work, and the plan says so.
    pub(super) fn declared(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.declared.contains(&what) {
            self.declared.push(what);
        }
    }

    pub(super) fn is_refuted(&self) -> bool {
        self.tallies.values().any(|(_, examples)| !examples.is_empty())
    }

    pub(super) fn end(mut self, release: Release, rows: Rows, tables: Vec<Seeded>) -> Proof {
        let refuted = self.is_refuted();
        let checks = CheckKind::ALL
            .into_iter()
            .map(|check| {
                let (probes, examples) = self.tallies.remove(&check).unwrap_or_default();
                let result = match (examples.is_empty(), probes) {
                    (false, _) => Verdict::Refuted,
                    (true, 0) => Verdict::NotProven,
                    (true, _) => Verdict::Proven,
                };
                Check { check, result, probes, examples }
            })
            .collect();
        let result = match (refuted, self.reasons.is_empty()) {
            (true, _) => Verdict::Refuted,
            (false, true) => Verdict::Proven,
            (false, false) => Verdict::NotProven,
        };
        Proof { release, result, reasons: self.reasons, declared: self.declared, checks, rows, tables }
    }
}
