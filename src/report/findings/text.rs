//! Findings for people: each drawn under the SQL that it is about. Never decides about colour; it is told.

use std::collections::BTreeSet;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Findings, Item, Problem, Summary};
use crate::engine::{Held, Lock, LockMode};
use crate::lint::{Finding, Severity};
use crate::sql::Span;

/// Whether the text is styled for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With escape sequences, which `anstream` takes out where they would not be seen.
    With,
    /// Without.
    Without,
}

/// How wide the explanations under a finding are.
const WIDTH: usize = 100;

/// All findings and problems, and how many there are.
pub fn findings(report: &Findings<'_>, colour: Colour) -> String {
    let renderer = match colour {
        Colour::With => Renderer::styled(),
        Colour::Without => Renderer::plain(),
    };
    let mut text = String::new();
    let mut explained: BTreeSet<(usize, &str)> = BTreeSet::new();
    for item in report.in_order() {
        text.push_str(&match item {
            Item::Finding(finding) => {
                let first = explained.insert((finding.migration, &finding.rule));
                draw_finding(&renderer, report, finding, if first { Explanation::Given } else { Explanation::GivenAbove })
            }
            Item::Problem(problem) => draw_problem(&renderer, report, &problem),
        });
        text.push_str("\n\n");
    }
    text.push_str(&sentence(report.summary()));
    text.push('\n');
    text
}

/// Whether a finding says why, and what to do. One rule says it once a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Explanation {
    Given,
    GivenAbove,
}

fn draw_finding(renderer: &Renderer, report: &Findings<'_>, finding: &Finding, explanation: Explanation) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let (path, source) = report.file(finding.migration);
    let span = within(finding.span, source);
    let mut group = level
        .primary_title(finding.message.as_str())
        .id(finding.rule.as_str())
        .element(Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(span).label(lock_label(&finding.locks))));
    if explanation == Explanation::Given {
        group = group.element(Level::NOTE.message(wrap(&finding.why))).element(Level::HELP.message(wrap(&finding.instead)));
    }
    renderer.render(&[group])
}

fn draw_problem(renderer: &Renderer, report: &Findings<'_>, problem: &Problem<'_>) -> String {
    let (path, source) = report.file(problem.migration);
    let span = within(problem.span, source);
    let mut group: Group<'_> = Level::ERROR
        .primary_title(problem.message)
        .id(problem.kind)
        .element(Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(span)));
    if let Some(help) = problem.help {
        group = group.element(Level::HELP.message(wrap(help)));
    }
    renderer.render(&[group])
}

/// The span, kept inside the text and between its characters.
fn within(span: Span, text: &str) -> Range<usize> {
    let floor = |mut byte: usize| {
        byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// `ACCESS EXCLUSIVE on orgs, users while rows are read`, for the locks that anybody notices.
fn lock_label(locks: &[Lock]) -> Option<String> {
    let mut labels: Vec<String> = Vec::new();
    let noticed: Vec<&Lock> = locks.iter().filter(|lock| lock.mode > LockMode::RowExclusive).collect();
    for alike in noticed.chunk_by(|left, right| (left.mode, left.held) == (right.mode, right.held)) {
        let relations: Vec<String> = alike.iter().map(|lock| lock.relation.to_string()).collect();
        labels.extend(alike.first().map(|lock| format!("{} on {} {}", lock.mode, relations.join(", "), how_long(lock.held))));
    }
    (!labels.is_empty()).then(|| labels.join("; "))
}

fn how_long(held: Held) -> &'static str {
    match held {
        Held::Brief => "briefly",
        Held::Scan => "while rows are read",
        Held::Rewrite => "while the table is written anew",
    }
}

/// Text in lines of readable length.
fn wrap(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// `2 errors and 1 warning in 3 migrations`.
fn sentence(summary: Summary) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if summary.problems > 0 {
        parts.push(count(summary.problems, "problem"));
    }
    if summary.errors > 0 {
        parts.push(count(summary.errors, "error"));
    }
    if summary.warnings > 0 {
        parts.push(count(summary.warnings, "warning"));
    }
    let found = match parts.as_slice() {
        [] => "no findings".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    format!("{found} in {}", count(summary.migrations, "migration"))
}
