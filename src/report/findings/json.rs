//! Findings for programs. The shape is stable: `concertina.findings/1` gains fields, it never loses or renames one.

use serde::Serialize;

use super::{Findings, Item, Problem, Summary};
use crate::engine::Lock;
use crate::lint::{Category, Finding, Severity};
use crate::sql::{Position, Span};

/// The document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    format: &'static str,
    findings: Vec<JsonFinding<'a>>,
    problems: Vec<JsonProblem<'a>>,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    severity: Severity,
    category: Category,
    place: Place,
    message: &'a str,
    why: &'a str,
    instead: &'a str,
    locks: &'a [Lock],
}

#[derive(Debug, Serialize)]
struct JsonProblem<'a> {
    kind: &'static str,
    place: Place,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Where. Lines and columns from 1, columns in characters; the end is the place after the last character.
#[derive(Debug, Serialize)]
struct Place {
    path: String,
    start: Position,
    end: Position,
}

/// All findings and problems as one JSON document, with a line break at its end.
pub fn findings(report: &Findings<'_>) -> String {
    let mut document = Document { format: "concertina.findings/1", findings: Vec::new(), problems: Vec::new(), summary: report.summary() };
    for item in report.in_order() {
        match item {
            Item::Finding(found) => document.findings.push(finding(report, found)),
            Item::Problem(found) => document.problems.push(problem(report, found)),
        }
    }
    let mut text = serde_json::to_string_pretty(&document).expect("strings, numbers and lists can be written as JSON");
    text.push('\n');
    text
}

fn finding<'a>(report: &Findings<'_>, found: &'a Finding) -> JsonFinding<'a> {
    JsonFinding {
        rule: &found.rule,
        severity: found.severity,
        category: found.category,
        place: place(report, found.migration, found.span),
        message: &found.message,
        why: &found.why,
        instead: &found.instead,
        locks: &found.locks,
    }
}

fn problem<'a>(report: &Findings<'_>, found: Problem<'a>) -> JsonProblem<'a> {
    let Problem { kind, migration, span, message, help } = found;
    JsonProblem { kind, place: place(report, migration, span), message, help }
}

fn place(report: &Findings<'_>, migration: usize, span: Span) -> Place {
    let (path, text) = report.file(migration);
    Place { path, start: Position::of(text, span.start), end: Position::of(text, span.end) }
}
