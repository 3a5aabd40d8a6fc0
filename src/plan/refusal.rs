//! What is not planned, and what to do about it. A refusal is data: all of them are collected and shown together.

use super::format::Origin;
use super::release::Item;

/// A change that is not planned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// The migration's index among those of the release.
    pub migration: usize,
    /// The bytes of its file that say it.
    pub span: crate::sql::Span,
    /// Where it is and what it says.
    pub origin: Origin,
    /// Why it is not planned.
    pub what: String,
    /// What to do, with the directive to paste where one helps.
    pub remedy: String,
}

impl Refusal {
    pub(crate) fn new(item: &Item, what: String, remedy: String) -> Self {
        Self { migration: item.migration, span: item.span, origin: item.origin.clone(), what, remedy }
    }
}
