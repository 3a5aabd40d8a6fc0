//! A file of SQL, read: its statements, the changes that they make, and what could not be read.

use super::directive::Directive;
use super::span::Span;
use crate::schema::Change;
use crate::schema::change::IfExists;
use crate::schema::condition::Condition;

/// A file, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// What could not be read. The statements around it are in `statements` all the same.
    pub errors: Vec<SyntaxError>,
    /// What was passed over, as documented: psql's meta-commands without effect on the schema, COPY data.
    pub skipped: Vec<Skipped>,
}

impl Script {
    /// Whether one of its statements can't be run in a transaction; `text` is what it was read from.
    pub fn has_apart(&self, text: &str) -> bool {
        self.statements.iter().any(|statement| runs_apart(statement.span.of(text)))
    }
}

/// Whether PostgreSQL refuses to run the statement in a transaction, whatever the schema is.
pub fn runs_apart(statement: &str) -> bool {
    let words: Vec<String> = statement.split_whitespace().take(8).map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["VACUUM", ..]
        | ["ALTER", "SYSTEM", ..]
        | ["CREATE" | "DROP", "DATABASE" | "TABLESPACE", ..]
        | ["REINDEX", "DATABASE" | "SYSTEM", ..] => true,
        ["CREATE" | "DROP", "INDEX", "CONCURRENTLY", ..] | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ..] => true,
        ["REINDEX", rest @ ..] => rest.iter().any(|word| word.trim_matches(['(', ')']) == "CONCURRENTLY"),
        _ => false,
    }
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without leading comments and without the semicolon.
    pub span: Span,
    /// The changes that it makes, in the order in which the database makes them.
    pub changes: Vec<Lowered>,
    /// The directives above it.
    pub directives: Vec<Directive>,
}

/// A change with the part of the statement that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// The subcommand or, where there is only one, the statement.
    pub span: Span,
    /// What it changes.
    pub change: Change,
    /// What becomes of it where the object that it alters isn't there (`ALTER TABLE IF EXISTS`).
    pub if_exists: IfExists,
    /// The place in a block of code (`DO`) that says it, if it is one.
    pub within: Option<Within>,
    /// The conditions on the schema under which the block does it, outermost first, each with the number of what stands under it.
    pub conditions: Vec<(u32, Condition)>,
}

/// A statement inside of a block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The statement.
    pub statement: Span,
    /// Statements of one number are run all or, where one of them doesn't fit the schema, none: they stand under a condition on what
    /// is there, or errors are caught. Others are run whatever is there.
    pub guard: Option<u32>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The offending token.
    pub span: Span,
    /// What is wrong, as the parser says it: lower case, no full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// Something that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub span: Span,
    /// Why.
    pub reason: String,
}
