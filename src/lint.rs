//! Rules (data) over history to findings. Knows nothing of plans, and reads no file: the rules come with the program.

mod allow;
mod condition;
mod fact;
mod finding;
mod kind;
mod message;
mod newborn;
mod rule;
mod rules;
mod site;
mod subject;
mod suggest;

pub use finding::{Finding, Severity};
pub use rule::{Category, Example, Rule, RuleError, RunnerExample};
pub use rules::{FILES, all};

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::history::History;
use crate::source::Migration;
use crate::sql::runs_apart;
use allow::Allows;
use fact::{FACTS, Reading};
use newborn::Newborn;
use site::{Site, Transactions};

/// A fact that rules may ask for: its name, what it means, and the words that it may be compared with (none: true or false).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Its name in `when` and `unless`.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The words, or none for true and false.
    pub words: &'static [&'static str],
}

/// The whole vocabulary of rules.
pub fn vocabulary() -> impl Iterator<Item = Term> {
    FACTS.iter().map(|fact| Term {
        name: fact.name,
        meaning: fact.meaning,
        words: match fact.reading {
            Reading::Flag(_) => &[],
            Reading::Words { words, .. } => words,
            Reading::Level { levels, .. } => levels,
        },
    })
}

/// What is linted, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The engine, by its oldest version in use.
    pub engine: Engine,
    /// The first release of which findings are wanted; migrations of those before it are only read.
    pub from: usize,
    /// The release of each migration, as a number that rises. What a release creates, no client of the one before knows, so
    /// nothing done to it in the same release can hurt.
    pub releases: Vec<usize>,
}

impl Options {
    /// Every migration is linted, as a release by itself.
    pub fn each_by_itself(engine: Engine, migrations: usize) -> Self {
        Self { engine, from: 0, releases: (0..migrations).collect() }
    }
}

/// What the rules find in `history`, in the order of the migrations.
pub fn run(history: &History, migrations: &[Migration], options: &Options) -> Vec<Finding> {
    run_rules(all(), history, migrations, options)
}

/// The same with other rules than those that come with the program.
pub fn run_rules(rules: &[Rule], history: &History, migrations: &[Migration], options: &Options) -> Vec<Finding> {
    let mut newborn = Newborn::default();
    let mut transactions = Transactions::default();
    let mut allows = Allows::new(rules);
    let mut findings = Vec::new();
    let files = files(history, migrations);
    let mut file = None;
    let mut release = None;
    for entry in &history.entries {
        if file != Some(entry.migration) {
            file = Some(entry.migration);
            let before = std::mem::replace(&mut release, options.releases.get(entry.migration));
            if release != before {
                newborn = Newborn::default();
            }
            let (statements, apart) = files.get(&entry.migration).map_or((0, false), |file| (file.statements.len(), file.has_apart));
            transactions = Transactions::begin(migrations.get(entry.migration), statements, apart);
        }
        transactions.observe(&entry.change);
        if release >= Some(&options.from) {
            let site = Site { entry, engine: options.engine, newborn: &newborn, transaction: transactions.now() };
            allows.observe(entry);
            let found = rules.iter().filter(|rule| rule.fires(&site)).map(|rule| Finding::new(rule, &site));
            findings.extend(found.filter(|finding| !allows.suppress(finding)));
        }
        newborn.observe(entry);
    }
    findings.extend(allows.leftovers());
    findings.sort_by(|left, right| {
        (left.migration, left.span.start, left.span.end, &left.rule).cmp(&(right.migration, right.span.start, right.span.end, &right.rule))
    });
    findings
}

/// The statements of a file that make changes. Several that are sent in one piece run in one transaction.
#[derive(Default)]
struct File {
    statements: BTreeSet<usize>,
    /// Whether one of them can't be run in a transaction.
    has_apart: bool,
}

fn files(history: &History, migrations: &[Migration]) -> BTreeMap<usize, File> {
    let mut files: BTreeMap<usize, File> = BTreeMap::new();
    for entry in &history.entries {
        let file = files.entry(entry.migration).or_default();
        if file.statements.insert(entry.statement)
            && let Some(migration) = migrations.get(entry.migration)
        {
            file.has_apart |= runs_apart(entry.statement_span.of(&migration.text));
        }
    }
    files
}
