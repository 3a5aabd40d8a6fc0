//! Statements on rows. Knows which tables they touch, never what rows there are.

use serde::{Deserialize, Serialize};

use crate::schema::name::{Identifier, Name};
use crate::schema::text::Sql;

/// How the rows of a table are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// TRUNCATE.
    Truncate,
    /// COPY … FROM.
    Copy,
    /// SELECT, which may call functions that write.
    Select,
}

/// A statement on rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataChange {
    /// What it does.
    pub verb: Verb,
    /// The tables that it writes, outermost first (also those in WITH).
    pub writes: Vec<Name>,
    /// The tables that it reads.
    pub reads: Vec<Name>,
    /// The functions that it calls and that aren't built in, each once: what they do beside is not said here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Name>,
    /// The columns that an UPDATE sets or an INSERT names.
    pub columns: Vec<Identifier>,
    /// Of a plain `UPDATE t SET a = …, b = … [WHERE …]` on one table: what is set to what.
    pub assignments: Vec<(Identifier, Sql)>,
    /// Of an UPDATE or DELETE on one table: its condition.
    pub condition: Option<Sql>,
    /// Whether it is a plain UPDATE or DELETE of one table without FROM, WITH, LIMIT or subqueries.
    pub plain: bool,
    /// The statement as written.
    pub statement: String,
}
