//! A rule, read from its file: when it fires, why, what to do, and SQL that shows it. A mistake in one is told with its line and
//! column, never found later.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::condition::{Condition, Mistake, Written};
use super::finding::Severity;
use super::message;
use super::site::Site;
use crate::engine::Engine;
use crate::sql::Position;

/// What kind of danger a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// The running release fails.
    BreaksClients,
    /// The running release waits.
    Lock,
    /// Data is gone.
    LosesData,
    /// The migration fails, or does something else than it says.
    Correctness,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What users search for, allow and quote.
    pub id: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// The kind of danger.
    pub category: Category,
    /// How bad its findings are.
    pub severity: Severity,
    /// The engine's versions for which it holds, both included.
    pub versions: Versions,
    /// What a finding says, with the objects' names in braces.
    pub message: String,
    /// Why it is a danger.
    pub why: String,
    /// What to do instead.
    pub instead: String,
    /// SQL in which it finds something.
    pub bad: Vec<Example>,
    /// SQL in which it finds nothing.
    pub good: Vec<Example>,
    when: Vec<Condition>,
    unless: Vec<Condition>,
}

/// The versions for which a rule holds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Versions {
    /// The first.
    pub from: u32,
    /// The last.
    pub to: u32,
}

impl Default for Versions {
    fn default() -> Self {
        Self { from: 0, to: u32::MAX }
    }
}

/// SQL that shows a rule at work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The schema before it, in a migration of its own.
    #[serde(default)]
    pub setup: String,
    /// The migration.
    pub sql: String,
    /// The engine's version, 15 if none is given.
    #[serde(default = "example_version")]
    pub version: u32,
    /// Whether a runner wraps it in a transaction.
    #[serde(default)]
    pub runner: RunnerExample,
    /// What is worth saying about it.
    #[serde(default)]
    pub note: String,
}

/// Whether the migration of an example is run in a transaction by its runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunnerExample {
    /// It is not.
    #[default]
    Unwrapped,
    /// It is.
    Wrapped,
}

fn example_version() -> u32 {
    15
}

/// A mistake in a rule's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {message}", position.line, position.column)]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// Where.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: Spanned<String>,
    title: String,
    category: Category,
    severity: Severity,
    #[serde(default)]
    versions: Versions,
    message: Spanned<String>,
    why: String,
    instead: String,
    when: Written,
    unless: Option<Written>,
    #[serde(default)]
    bad: Vec<Example>,
    #[serde(default)]
    good: Vec<Example>,
}

impl Rule {
    /// Reads the rule in `text`, which is the file `name` (`drop-column.toml`).
    pub fn read(name: &str, text: &str) -> Result<Self, RuleError> {
        let wrong = |span: Range<usize>, message: &str| RuleError {
            file: name.to_owned(),
            position: Position::of(text, span.start),
            message: message.to_owned(),
        };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.span().unwrap_or(0..0), error.message().trim_end()))?;
        Self::check(name, file).map_err(|(span, message)| wrong(span, &message))
    }

    fn check(name: &str, file: File) -> Result<Self, Mistake> {
        if format!("{}.toml", file.id.get_ref()) != name {
            return Err((file.id.span(), format!("the rule in `{name}` must have the file's name as its id")));
        }
        if let Some(unknown) = message::unknown_placeholder(file.message.get_ref()) {
            let known = message::PLACEHOLDERS.iter().copied();
            let hint = super::suggest::did_you_mean(unknown, known);
            return Err((file.message.span(), format!("a message can't name `{{{unknown}}}`{hint}")));
        }
        Ok(Self {
            id: file.id.into_inner(),
            title: file.title,
            category: file.category,
            severity: file.severity,
            versions: file.versions,
            message: file.message.into_inner(),
            why: one_line(&file.why),
            instead: one_line(&file.instead),
            bad: file.bad,
            good: file.good,
            when: file.when.check()?,
            unless: file.unless.map(Written::check).transpose()?.unwrap_or_default(),
        })
    }

    /// Whether it finds something at `site`.
    pub(super) fn fires(&self, site: &Site<'_>) -> bool {
        let Engine::PostgreSql { major } = site.engine;
        (self.versions.from..=self.versions.to).contains(&major)
            && self.when.iter().any(|condition| condition.holds(site))
            && !self.unless.iter().any(|condition| condition.holds(site))
    }
}

/// A text of several lines as one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
