//! What `concertina lint` reports: findings, and what stood in the way of looking for more. Judges nothing anew.

mod json;
mod text;

pub use json::findings as json;
pub use text::{Colour, findings as text};

use crate::history::{Mismatch, Unread};
use crate::lint::{Finding, Severity};
use crate::source::Migration;
use crate::sql::Span;

/// The result of a run of lint.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// The migrations that were read.
    pub migrations: &'a [Migration],
    /// What stands before their paths to make them the user's.
    pub folder: &'a str,
    /// What the rules found.
    pub findings: &'a [Finding],
    /// What could not be read.
    pub errors: &'a [Unread],
    /// What doesn't fit the schema before it.
    pub mismatches: &'a [Mismatch],
}

/// How many there are of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Summary {
    /// Findings that are errors.
    pub errors: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Places that could not be read, or don't fit.
    pub problems: usize,
    /// Migrations that were read.
    pub migrations: usize,
}

impl Findings<'_> {
    /// How many there are of each.
    pub fn summary(&self) -> Summary {
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        Summary {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            problems: self.errors.len() + self.mismatches.len(),
            migrations: self.migrations.len(),
        }
    }

    /// A migration's path as the user would write it, and its text.
    pub(super) fn file(&self, migration: usize) -> (String, &str) {
        let Some(found) = self.migrations.get(migration) else { return (String::new(), "") };
        let path =
            if self.folder.is_empty() { found.path.clone() } else { format!("{}/{}", self.folder.trim_end_matches('/'), found.path) };
        (path, &found.text)
    }

    /// Everything in the order of the files: for one file what could not be read first.
    pub(super) fn in_order(&self) -> Vec<Item<'_>> {
        let mut items: Vec<(usize, usize, Item<'_>)> = Vec::new();
        items.extend(self.errors.iter().map(|Unread { migration, error }| {
            let problem = Problem {
                kind: "syntax-error",
                migration: *migration,
                span: error.span,
                message: &error.message,
                help: error.help.as_deref(),
            };
            (*migration, 0, Item::Problem(problem))
        }));
        items.extend(self.mismatches.iter().map(|mismatch| {
            let problem =
                Problem { kind: "mismatch", migration: mismatch.migration, span: mismatch.span, message: &mismatch.message, help: None };
            (mismatch.migration, 1, Item::Problem(problem))
        }));
        items.extend(self.findings.iter().map(|finding| (finding.migration, 2, Item::Finding(finding))));
        items.sort_by_key(|(migration, rank, item)| (*migration, *rank, item.span().start));
        items.into_iter().map(|(_, _, item)| item).collect()
    }
}

/// A finding or a problem.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    Finding(&'a Finding),
    Problem(Problem<'a>),
}

impl Item<'_> {
    fn span(&self) -> Span {
        match self {
            Self::Finding(finding) => finding.span,
            Self::Problem(problem) => problem.span,
        }
    }
}

/// What could not be read, or doesn't fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem<'a> {
    pub(super) kind: &'static str,
    pub(super) migration: usize,
    pub(super) span: Span,
    pub(super) message: &'a str,
    pub(super) help: Option<&'a str>,
}
