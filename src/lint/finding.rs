//! A finding: what a rule says about one place. Never drawn here; `report` does that.

use serde::Serialize;

use super::message;
use super::rule::{Category, Rule};
use super::site::Site;
use crate::engine::Lock;
use crate::sql::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody should look.
    Warning,
    /// The running release breaks, or the database stalls, or data is lost.
    Error,
}

impl Severity {
    /// Its name, as rules and reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a rule says about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of danger it is.
    pub category: Category,
    /// The migration's index in the list that was linted.
    pub migration: usize,
    /// The statement's number in that file, from 0.
    pub statement: usize,
    /// The part of the statement that it is about.
    pub span: Span,
    /// What happens here, naming the objects: lower case, no full stop.
    pub message: String,
    /// Why that is a danger.
    pub why: String,
    /// What to do instead, and what `concertina plan` does.
    pub instead: String,
    /// The locks on what was there before, strongest first.
    pub locks: Vec<Lock>,
}

impl Finding {
    /// What `rule` says about `site`.
    pub(super) fn new(rule: &Rule, site: &Site<'_>) -> Self {
        Self {
            rule: rule.id.clone(),
            severity: rule.severity,
            category: rule.category,
            migration: site.entry.migration,
            statement: site.entry.statement,
            span: site.entry.span,
            message: message::fill(&rule.message, site),
            why: rule.why.clone(),
            instead: rule.instead.clone(),
            locks: site.locks_by_strength(),
        }
    }
}
