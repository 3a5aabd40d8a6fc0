//! Changes folded over a catalog: each with the catalog before it and its effects. Takes texts and gives values; must never
//! stop at a change that doesn't fit.

mod fold;
mod query;
mod session;
#[cfg(test)]
mod tests;

use crate::engine::Effects;
use crate::schema::{Catalog, Change};
use crate::sql::{Directive, Span, SyntaxError};

pub use fold::fold;

/// Migrations, folded.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every change, in order.
    pub entries: Vec<Entry>,
    /// The schema at the end.
    pub end: Catalog,
    /// Changes that could not be folded: what they name isn't there, or is there already.
    pub mismatches: Vec<Mismatch>,
    /// Statements that could not be read.
    pub syntax_errors: Vec<Unread>,
}

/// A statement that could not be read, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The migration's index.
    pub migration: usize,
    /// What is wrong, and where in the migration's text.
    pub error: SyntaxError,
}

/// One change in its place.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The migration's index in the list that was folded.
    pub migration: usize,
    /// The statement's number in that file, from 0.
    pub statement: usize,
    /// The whole statement.
    pub statement_span: Span,
    /// The part of it that says this change.
    pub span: Span,
    /// The change, its names resolved.
    pub change: Change,
    /// The directives above the statement.
    pub directives: Vec<Directive>,
    /// The schema before it.
    pub before: Catalog,
    /// What it locks, and what it reads and writes under the locks.
    pub effects: Effects,
}

/// A change that does not fit the schema before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The migration's index.
    pub migration: usize,
    /// Where.
    pub span: Span,
    /// What is wrong: table `users` has no column `nmae`.
    pub message: String,
}
