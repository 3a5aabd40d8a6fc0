//! The one home of facts about database engines: which locks a change takes, what work it does under them, whether it may
//! run in a transaction. By version. Knows schemas and changes, no SQL text.

pub mod postgres;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{Catalog, Change, Name};

/// A database engine, by the oldest version that must be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// PostgreSQL.
    PostgreSql {
        /// The major version (`15`).
        major: u32,
    },
}

/// What `change` does to the database that `before` describes: its locks, its work, and whether it may run in a transaction.
pub fn effects(engine: Engine, change: &Change, before: &Catalog) -> Effects {
    match engine {
        Engine::PostgreSql { major } => postgres::effects(major, change, before),
    }
}

/// Whether the engine does `later` before `first`, though one statement says them in this order, and something else comes of it.
pub fn overtakes(engine: Engine, later: &Change, first: &Change) -> bool {
    match engine {
        Engine::PostgreSql { .. } => postgres::overtakes(later, first),
    }
}

/// PostgreSQL's table locks, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockMode {
    /// Taken by SELECT; waits only for ACCESS EXCLUSIVE.
    AccessShare,
    /// Taken by SELECT FOR UPDATE.
    RowShare,
    /// Taken by writers.
    RowExclusive,
    /// Blocks DDL and VACUUM; readers and writers go on.
    ShareUpdateExclusive,
    /// Blocks writers.
    Share,
    /// Blocks writers, and itself.
    ShareRowExclusive,
    /// Blocks everyone but plain readers.
    Exclusive,
    /// Blocks everyone.
    AccessExclusive,
}

/// How long a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// For catalog work: milliseconds, however large the table.
    Brief,
    /// While the table is read, or an index is built.
    Scan,
    /// While the table is written anew.
    Rewrite,
}

impl fmt::Display for LockMode {
    /// As PostgreSQL's manual writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brief => "brief",
            Self::Scan => "scan",
            Self::Rewrite => "rewrite",
        })
    }
}

/// What a change does while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// The strongest lock on each relation that was there before, with the work done under it, sorted by name.
    pub locks: Vec<Lock>,
    /// Whether it may run inside a transaction.
    pub transactional: Transactional,
    /// What is done to tables and indexes.
    pub work: Vec<Work>,
}

/// A lock on a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lock {
    /// The table, view, index or sequence.
    pub relation: Name,
    /// The strongest mode.
    pub mode: LockMode,
    /// How long it is held.
    pub held: Held,
}

/// Whether a change may run inside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transactional {
    /// It may.
    Yes,
    /// It must not (`CONCURRENTLY`, VACUUM …).
    No,
}

/// What is done to a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The heap and all its indexes are written anew.
    RewritesTable(Name),
    /// The file is copied to another place, as it is.
    CopiesTable(Name),
    /// All rows go at once: the file is put aside for an empty one.
    EmptiesTable(Name),
    /// The table is read to check its rows.
    ScansTable(Name),
    /// An index is built from the table.
    BuildsIndex {
        /// The table that is read.
        table: Name,
        /// The index, where it has a name already.
        index: Option<Name>,
    },
    /// Rows are changed.
    ChangesRows(Name),
}

impl Work {
    /// The table that it is done to.
    pub fn table(&self) -> &Name {
        match self {
            Self::RewritesTable(table)
            | Self::CopiesTable(table)
            | Self::EmptiesTable(table)
            | Self::ScansTable(table)
            | Self::BuildsIndex { table, .. }
            | Self::ChangesRows(table) => table,
        }
    }
}
