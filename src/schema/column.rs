//! A column of a table.

use crate::schema::options::Options;

use serde::{Deserialize, Serialize};

use super::data_type::DataType;
use super::name::{Identifier, Name};
use super::text::Sql;

/// A column with all that the database keeps about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: Identifier,
    /// Its type.
    pub data_type: DataType,
    /// The collation, where one was written.
    pub collation: Option<Name>,
    /// Whether NULL is refused. A primary key implies it.
    pub not_null: bool,
    /// The default, which is also what `serial` becomes.
    pub default: Option<Sql>,
    /// `GENERATED ALWAYS AS (…)`.
    pub generated: Option<Generated>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: Option<Identity>,
    /// `SET STORAGE`, where it differs from the type's own (upper case).
    pub storage: Option<String>,
    /// `SET COMPRESSION`.
    pub compression: Option<Identifier>,
    /// `SET STATISTICS`.
    pub statistics: Option<i32>,
    /// `SET (n_distinct = …)`.
    pub options: Options,
    /// `OPTIONS (…)` of a foreign table's column.
    pub foreign_options: Options,
    /// Whether the column was declared on this table itself and not only inherited.
    pub local: bool,
}

impl Column {
    /// A nullable column without anything else to it.
    pub fn new(name: impl Into<Identifier>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            collation: None,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            storage: None,
            compression: None,
            statistics: None,
            options: Options::new(),
            foreign_options: Options::new(),
            local: true,
        }
    }
}

/// How a generated column comes to its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The expression over other columns of the row.
    pub expression: Sql,
    /// Whether the value is kept.
    pub kind: GeneratedKind,
}

/// Whether a generated value is kept in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratedKind {
    /// Computed on write.
    Stored,
    /// Computed on read (PostgreSQL 18 on).
    Virtual,
}

/// An identity column's sequence and what it does with values that a writer gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Whether a writer may give a value.
    pub kind: IdentityKind,
    /// The sequence behind it. In a change its name is empty where the author left it to the database.
    pub sequence: Name,
}

/// Whether a writer may give a value for an identity column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentityKind {
    /// An explicit value is an error.
    Always,
    /// An explicit value wins.
    ByDefault,
}
