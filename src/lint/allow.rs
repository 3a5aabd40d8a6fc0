//! `allow RULE because "…"`: takes findings away, statement by statement. Never silently: one that takes nothing away is
//! itself a finding.

use super::finding::{Finding, Severity};
use super::rule::{Category, Rule};
use super::suggest::did_you_mean;
use crate::history::Entry;
use crate::sql::Span;
use crate::sql::directive::DirectiveKind;

/// An `allow` that was used for nothing.
pub(super) const UNUSED_ALLOW: &str = "unused-allow";
/// An `allow` of a rule that doesn't exist.
pub(super) const UNKNOWN_RULE: &str = "unknown-rule";

/// All `allow`s seen so far, and whether they were of use.
pub(super) struct Allows {
    known: Vec<String>,
    seen: Vec<Allow>,
}

struct Allow {
    migration: usize,
    statement: usize,
    span: Span,
    rule: String,
    used: bool,
}

impl Allows {
    pub(super) fn new(rules: &[Rule]) -> Self {
        Self { known: rules.iter().map(|rule| rule.id.clone()).collect(), seen: Vec::new() }
    }

    /// Takes note of the `allow`s above the statement of `entry`.
    pub(super) fn observe(&mut self, entry: &Entry) {
        for directive in &entry.directives {
            let DirectiveKind::Allow { rule, .. } = &directive.kind else { continue };
            let seen = self.seen.iter().any(|allow| allow.migration == entry.migration && allow.span == directive.span);
            if !seen {
                self.seen.push(Allow {
                    migration: entry.migration,
                    statement: entry.statement,
                    span: directive.span,
                    rule: rule.clone(),
                    used: false,
                });
            }
        }
    }

    /// Whether the statement of `finding` allows its rule.
    pub(super) fn suppress(&mut self, finding: &Finding) -> bool {
        let mut suppressed = false;
        for allow in &mut self.seen {
            if allow.migration == finding.migration && allow.statement == finding.statement && allow.rule == finding.rule {
                allow.used = true;
                suppressed = true;
            }
        }
        suppressed
    }

    /// Findings about `allow`s that took nothing away.
    pub(super) fn leftovers(self) -> Vec<Finding> {
        let known = self.known;
        self.seen.iter().filter(|allow| !allow.used).map(|allow| leftover(allow, &known)).collect()
    }
}

fn leftover(allow: &Allow, known: &[String]) -> Finding {
    let rule = &allow.rule;
    let (id, severity, message, why) = if known.contains(rule) {
        let message = format!("rule `{rule}` finds nothing in the statement below");
        (UNUSED_ALLOW, Severity::Warning, message, "An exception that is no longer needed would hide the next real finding.")
    } else {
        let message = format!("there is no rule `{rule}`{}", did_you_mean(rule, known.iter().map(String::as_str)));
        (UNKNOWN_RULE, Severity::Error, message, "An exception from a rule that doesn't exist excuses nothing.")
    };
    Finding {
        rule: id.to_owned(),
        severity,
        category: Category::Correctness,
        migration: allow.migration,
        statement: allow.statement,
        span: allow.span,
        message,
        why: why.to_owned(),
        instead: "Remove the directive, or put it above the statement that it is about.".to_owned(),
        locks: Vec::new(),
    }
}
