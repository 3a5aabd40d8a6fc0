//! Directives: SQL comments that tell the planner what SQL can't say.

use serde::{Deserialize, Serialize};

use super::span::Span;

/// A directive with its place. It is about the statement below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// The comment, from `--` to the end of the line.
    pub span: Span,
    /// What it says.
    pub kind: DirectiveKind,
}

/// What a directive says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectiveKind {
    /// `allow RULE because "…"`.
    Allow {
        /// The rule's id.
        rule: String,
        /// Why.
        reason: String,
    },
    /// `up table.column = expression`: the new column from the old row.
    Up(Assignment),
    /// `down table.column = expression`: the old column from the new row.
    Down(Assignment),
    /// `phase expand|migrate|contract`.
    Phase(PhaseName),
    /// `strategy columns|compatibility-view|views|direct`.
    Strategy(Strategy),
    /// `contract-after N`.
    ContractAfter(u32),
}

/// `[schema.]table.column = expression`, names unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The table.
    pub table: crate::schema::Name,
    /// The column.
    pub column: crate::schema::Identifier,
    /// The expression, with its columns marked.
    pub expression: crate::schema::Sql,
}

/// The phases by name, as a directive gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhaseName {
    /// Into expand.
    Expand,
    /// Into migrate.
    Migrate,
    /// Into contract.
    Contract,
}

/// How both shapes are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// A second column beside the first, kept in sync by triggers.
    Columns,
    /// A view under the table's old name that shows a column under both its names.
    CompatibilityView,
    /// A schema of views for each release.
    Views,
    /// As written.
    Direct,
}
