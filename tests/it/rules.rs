//! Every rule over every example of every rule, and over the cases of `fixtures/lint`: bad ones are found, good ones are not,
//! and a snapshot shows what else is found in them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use concertina::engine::Engine;
use concertina::history::{self, History};
use concertina::lint::{self, Example, Finding, Options, RunnerExample};
use concertina::schema::Catalog;
use concertina::source::{Migration, RunnerTransaction};
use serde::Deserialize;

fn migration(path: &str, text: &str, transaction: RunnerTransaction) -> Migration {
    Migration { path: path.to_owned(), version: path.to_owned(), text: text.to_owned(), up: 0..text.len(), transaction }
}

/// What is found in the second of two migrations, `setup` and `sql`.
fn found(setup: &str, sql: &str, version: u32, runner: RunnerTransaction) -> (History, Vec<Finding>) {
    let engine = Engine::PostgreSql { major: version };
    let migrations = [migration("1.sql", setup, RunnerTransaction::Unwrapped), migration("2.sql", sql, runner)];
    let history = history::fold(engine, &migrations, &Catalog::default());
    assert_eq!(history.syntax_errors, [], "{setup}\n{sql}");
    let findings = lint::run(&history, &migrations, &Options { engine, from: 1, releases: vec![0, 1] });
    (history, findings)
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn in_example(example: &Example) -> Vec<Finding> {
    let runner = match example.runner {
        RunnerExample::Unwrapped => RunnerTransaction::Unwrapped,
        RunnerExample::Wrapped => RunnerTransaction::Wrapped,
    };
    let (history, findings) = found(&example.setup, &example.sql, example.version, runner);
    assert_eq!(history.mismatches, [], "{}\n{}", example.setup, example.sql);
    findings
}

#[test]
fn bad_examples_are_found_and_good_ones_are_not() {
    let mut wrong = String::new();
    for rule in lint::all() {
        for example in &rule.bad {
            if !ids(&in_example(example)).contains(&rule.id.as_str()) {
                writeln!(wrong, "{} finds nothing in: {}", rule.id, example.sql.trim()).unwrap();
            }
        }
        for example in &rule.good {
            if ids(&in_example(example)).contains(&rule.id.as_str()) {
                writeln!(wrong, "{} finds something in: {}", rule.id, example.sql.trim()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_over_every_example() {
    let mut matrix = String::new();
    for rule in lint::all() {
        for (kind, examples) in [("bad", &rule.bad), ("good", &rule.good)] {
            for example in examples {
                let sql = example.sql.split_whitespace().collect::<Vec<_>>().join(" ");
                writeln!(matrix, "{} {kind}: {sql}\n    {}", rule.id, ids(&in_example(example)).join(", ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(matrix);
}

#[test]
fn a_rule_is_a_file_in_the_folder_and_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let there: BTreeSet<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<String> = lint::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, listed);
}

/// The cases of `fixtures/lint/cases.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    base: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    setup: String,
    #[serde(default)]
    without_base: bool,
    sql: String,
    #[serde(default = "fifteen")]
    version: u32,
    #[serde(default)]
    wrapped: bool,
    /// Rule and line of each finding, `drop-column:3`.
    expect: Vec<String>,
}

fn fifteen() -> u32 {
    15
}

#[test]
fn the_cases_that_are_easily_judged_wrong() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lint/cases.toml")).unwrap();
    let Cases { base, case: cases } = toml::from_str(&text).unwrap();
    let mut wrong = String::new();
    for case in &cases {
        let setup = if case.without_base { case.setup.clone() } else { format!("{base}\n{}", case.setup) };
        let runner = if case.wrapped { RunnerTransaction::Wrapped } else { RunnerTransaction::Unwrapped };
        let (_, findings) = found(&setup, &case.sql, case.version, runner);
        let line = |finding: &Finding| finding.span.position(&case.sql).line;
        let seen: Vec<String> = findings.iter().map(|finding| format!("{}:{}", finding.rule, line(finding))).collect();
        let expected: BTreeSet<&String> = case.expect.iter().collect();
        if seen.iter().collect::<BTreeSet<_>>() != expected || seen.len() != expected.len() {
            writeln!(wrong, "{}: expected {:?}, found {seen:?}", case.name, case.expect).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
