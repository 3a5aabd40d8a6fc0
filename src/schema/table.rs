//! Tables: their kinds, columns, constraints and options. Knows nothing of the rows in them.

use crate::schema::options::Options;

use serde::{Deserialize, Serialize};

use super::column::Column;
use super::constraint::{Constraint, ConstraintKind, Key};
use super::index::IndexElement;
use super::name::{Identifier, Name};
use super::text::Sql;

/// A table with its columns and constraints. Indexes, triggers, policies and the like stand beside it in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// Plain, partitioned or foreign.
    pub kind: TableKind,
    /// Whether it outlives a crash and the session.
    pub persistence: Persistence,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Its constraints in the order of their creation.
    pub constraints: Vec<Constraint>,
    /// The tables that it inherits from.
    pub parents: Vec<Name>,
    /// The partitioned table that it is a part of, and its bounds.
    pub partition_of: Option<Partition>,
    /// `OF type`.
    pub of_type: Option<Name>,
    /// `WITH (…)`, `toast.` options included.
    pub options: Options,
    /// `TABLESPACE`.
    pub tablespace: Option<Identifier>,
    /// `USING method`.
    pub access_method: Option<Identifier>,
    /// `ENABLE ROW LEVEL SECURITY`.
    pub row_security: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    pub force_row_security: bool,
    /// `REPLICA IDENTITY`.
    pub replica_identity: ReplicaIdentity,
    /// `CLUSTER ON`.
    pub clustered_on: Option<Identifier>,
}

impl Table {
    /// An empty, plain, permanent table.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            kind: TableKind::Plain,
            persistence: Persistence::Permanent,
            columns: Vec::new(),
            constraints: Vec::new(),
            parents: Vec::new(),
            partition_of: None,
            of_type: None,
            options: Options::new(),
            tablespace: None,
            access_method: None,
            row_security: false,
            force_row_security: false,
            replica_identity: ReplicaIdentity::Default,
            clustered_on: None,
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &Identifier) -> Option<&Column> {
        self.columns.iter().find(|column| &column.name == name)
    }

    /// The constraint of that name.
    pub fn constraint(&self, name: &Identifier) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.name.as_ref() == Some(name))
    }

    /// The primary key.
    pub fn primary_key(&self) -> Option<&Key> {
        self.constraints.iter().find_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey(key) => Some(key),
            ConstraintKind::NotNull { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::ForeignKey(_)
            | ConstraintKind::Exclude(_) => None,
        })
    }
}

/// What kind of table it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    /// An ordinary table, which may be a partition.
    Plain,
    /// A partitioned table.
    Partitioned {
        /// `range`, `list` or `hash`.
        strategy: String,
        /// What it is partitioned by.
        key: Vec<IndexElement>,
    },
    /// A foreign table.
    Foreign {
        /// The server.
        server: Identifier,
        /// `OPTIONS (…)`.
        options: Options,
    },
}

/// Whether a table outlives a crash and the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Persistence {
    /// Both.
    #[default]
    Permanent,
    /// The session, not a crash.
    Unlogged,
    /// Neither.
    Temporary,
}

/// A partition's place in its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The partitioned table.
    pub parent: Name,
    /// `FOR VALUES …` or `DEFAULT`.
    pub bound: Sql,
}

/// What identifies a row in logical replication.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReplicaIdentity {
    /// The primary key.
    #[default]
    Default,
    /// The whole row.
    Full,
    /// Nothing.
    Nothing,
    /// A unique index.
    Index(Identifier),
}
