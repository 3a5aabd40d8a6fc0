//! What is not planned, and what to do about it. A refusal is data: all of them are collected and shown together.

use super::format::Origin;
use super::release::Item;
use crate::schema::{Identifier, Name};
use crate::sql::write;

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

    /// Whether it says the same of the same line.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let told = |refusal: &Self| (refusal.origin.file.clone(), refusal.origin.line, refusal.what.clone(), refusal.remedy.clone());
        told(self) == told(other)
    }
}

/// A column as a directive names it.
pub(crate) fn as_directive(table: &Name, column: &Identifier) -> String {
    let schema = table.schema.iter().filter(|schema| schema.as_str() != "public");
    let names: Vec<String> = schema.chain([&table.name, column]).map(write::identifier).collect();
    names.join(".")
}
