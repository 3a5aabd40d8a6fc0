//! Indexes: what each is built from, and how. Says nothing of how one is built beside writers.

use crate::schema::options::Options;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::{Identifier, Name};
use super::text::Sql;

/// An index, also the one behind a constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name; it lives in its table's schema. In a change the name part is empty where the author gave none.
    pub name: Option<Identifier>,
    /// The table or materialized view that it indexes.
    pub table: Name,
    /// The access method (`btree`).
    pub method: Identifier,
    /// What it is ordered or hashed by.
    pub elements: Vec<IndexElement>,
    /// `INCLUDE (…)`.
    pub include: Vec<Identifier>,
    /// Whether it forbids duplicates.
    pub uniqueness: Uniqueness,
    /// `NULLS NOT DISTINCT`.
    pub nulls: NullsDistinct,
    /// `WHERE …` of a partial index.
    pub predicate: Option<Sql>,
    /// `WITH (…)`.
    pub options: Options,
    /// `TABLESPACE`.
    pub tablespace: Option<Identifier>,
    /// The constraint that it serves, and with which it lives and dies.
    pub constraint: Option<Identifier>,
    /// `ON ONLY`: not yet valid on a partitioned table, until every partition has its own attached.
    pub only: bool,
    /// The partitioned index to which it is attached.
    pub parent: Option<Name>,
    /// Statistics targets of expression columns, by number (from 1).
    pub statistics: BTreeMap<u16, i32>,
}

impl Index {
    /// The columns of its elements, those of expressions among them.
    pub fn columns(&self) -> Vec<Identifier> {
        self.elements.iter().flat_map(|element| element.columns().cloned().collect::<Vec<_>>()).collect()
    }

    /// Whether the index reads `column` in any of its parts.
    pub fn mentions(&self, column: &Identifier) -> bool {
        self.elements.iter().any(|element| element.columns().any(|name| name == column))
            || self.include.contains(column)
            || self.predicate.as_ref().is_some_and(|predicate| predicate.mentions(column))
    }
}

/// One element of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexElement {
    /// A column or an expression.
    pub key: IndexKey,
    /// `COLLATE`.
    pub collation: Option<Name>,
    /// The operator class.
    pub class: Option<Name>,
    /// The operator class's parameters.
    pub class_options: Options,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` (true) or `NULLS LAST` (false), where it was written.
    pub nulls_first: Option<bool>,
}

impl IndexElement {
    /// A plain ascending column.
    pub fn column(name: impl Into<Identifier>) -> Self {
        Self {
            key: IndexKey::Column(name.into()),
            collation: None,
            class: None,
            class_options: Options::new(),
            descending: false,
            nulls_first: None,
        }
    }

    /// The columns that it reads.
    pub fn columns(&self) -> impl Iterator<Item = &Identifier> {
        let (column, expression) = match &self.key {
            IndexKey::Column(name) => (Some(name), None),
            IndexKey::Expression(sql) => (None, Some(sql)),
        };
        column.into_iter().chain(expression.into_iter().flat_map(Sql::own_columns))
    }
}

/// What an element of an index is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexKey {
    /// A column.
    Column(Identifier),
    /// An expression over columns, without parentheses around it.
    Expression(Sql),
}

/// Whether an index forbids duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Uniqueness {
    /// Duplicates are allowed.
    #[default]
    Plain,
    /// Duplicates are refused.
    Unique,
}

/// Whether two NULLs count as different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NullsDistinct {
    /// They do, as the standard has it.
    #[default]
    Distinct,
    /// `NULLS NOT DISTINCT` (PostgreSQL 15 on).
    NotDistinct,
}
