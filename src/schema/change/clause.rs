//! What a statement says beside its change: clauses, options and the parts of the longer statements. Means nothing by itself.

use crate::schema::options::Options;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::column::Column;
use crate::schema::constraint::Constraint;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::ObjectRef;
use crate::schema::table::Table;
use crate::schema::text::Sql;

/// What becomes of dependent objects on DROP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DropBehavior {
    /// The drop is refused if there are any.
    #[default]
    Restrict,
    /// They are dropped too.
    Cascade,
}

/// What is done where the object is there already (CREATE) or is missing (ALTER, DROP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum IfExists {
    /// An error.
    #[default]
    Fail,
    /// Nothing (`IF [NOT] EXISTS`).
    Skip,
}

/// Whether a statement may run beside writers, outside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Concurrency {
    /// In a transaction, under its full lock.
    #[default]
    Blocking,
    /// `CONCURRENTLY`.
    Concurrently,
}

/// What CREATE does where an object of that name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnConflict {
    /// An error.
    #[default]
    Fail,
    /// `IF NOT EXISTS`.
    Skip,
    /// `OR REPLACE`.
    Replace,
}

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTable {
    /// Columns and constraints as declared, constraints of columns included; inherited and copied ones are added on folding.
    pub table: Table,
    /// Indexes and column-level extras that `serial`, `UNIQUE` and the like imply are made on folding, from `table`.
    pub if_not_exists: IfExists,
    /// `LIKE` clauses, each with the number of columns that stand before it.
    pub like: Vec<(usize, Like)>,
    /// The columns that were declared `serial`, `smallserial` or `bigserial`.
    pub serial: Vec<Identifier>,
    /// Sequence options of identity columns.
    pub identity_options: BTreeMap<Identifier, Options>,
    /// `CREATE TABLE … AS`: the query, whose columns decide the table's. Columns that the statement names are of type `unknown` here.
    pub as_query: Option<Sql>,
    /// `ON COMMIT` of a temporary table: `DROP`, `DELETE ROWS` or `PRESERVE ROWS`.
    pub on_commit: Option<String>,
}

/// `LIKE table INCLUDING …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Like {
    /// The table that is copied.
    pub table: Name,
    /// What is copied beside names, types and NOT NULL: `defaults`, `constraints`, `indexes`, `identity`, `generated`,
    /// `storage`, `compression`, `comments`, `statistics`.
    pub including: Vec<String>,
}

/// What an ADD COLUMN says beside the column itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddColumn {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: Column,
    /// Constraints declared with it (CHECK, UNIQUE, PRIMARY KEY, REFERENCES).
    pub constraints: Vec<Constraint>,
    /// `serial` and the like.
    pub serial: bool,
    /// Sequence options of an identity column.
    pub identity_options: Options,
    /// `IF NOT EXISTS`.
    pub if_not_exists: IfExists,
}

/// What is granted or revoked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// On what.
    pub object: ObjectRef,
    /// `SELECT` …, upper case, sorted; `ALL` where that was written.
    pub privileges: Vec<String>,
    /// Columns, where the privilege is on columns.
    pub columns: Vec<Identifier>,
    /// To whom (`public` is PUBLIC).
    pub grantee: Identifier,
    /// `WITH GRANT OPTION`.
    pub grantable: bool,
}

/// Which triggers ENABLE or DISABLE is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriggerSelection {
    /// One.
    Named(Identifier),
    /// All but those behind constraints.
    User,
    /// All.
    All,
}

/// Which objects a statement that can't be read may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Touches {
    /// Nothing in the schema.
    Nothing,
    /// These and no others.
    Objects(Vec<ObjectRef>),
    /// Anything.
    Anything,
}
