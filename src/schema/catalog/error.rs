//! What is wrong with a change that doesn't fit the schema. Its text is for people; must never be raised where the schema
//! isn't surely known.

use crate::schema::name::{Identifier, Name};

/// A change that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the variant is for")]
pub enum CatalogError {
    #[error("there is no {what} `{name}`")]
    Missing { what: &'static str, name: String },
    #[error("there is {} `{name}` already", with_article(what))]
    Exists { what: &'static str, name: String },
    #[error("`{name}` is {}, not {}", with_article(is), with_article(wanted))]
    WrongKind { name: Name, is: &'static str, wanted: &'static str },
    #[error("table `{table}` has no column `{column}`")]
    NoColumn { table: Name, column: Identifier },
    #[error("view `{view}` has no column `{column}`")]
    NoViewColumn { view: Name, column: Identifier },
    #[error("there are several {what}s called `{name}`; say which one by its arguments")]
    Ambiguous { what: &'static str, name: Name },
    #[error("table `{table}` has a column `{column}` already")]
    ColumnExists { table: Name, column: Identifier },
    #[error("table `{table}` has no constraint `{constraint}`")]
    NoConstraint { table: Name, constraint: Identifier },
    #[error("table `{table}` has a constraint `{constraint}` already")]
    ConstraintExists { table: Name, constraint: Identifier },
    #[error("table `{table}` has no {what} `{name}`")]
    NotOnTable { table: Name, what: &'static str, name: Identifier },
    #[error("table `{table}` has {} `{name}` already", with_article(what))]
    OnTableAlready { table: Name, what: &'static str, name: Identifier },
    #[error("table `{table}` has a primary key already")]
    SecondPrimaryKey { table: Name },
    #[error("table `{table}` has no primary key that a foreign key could refer to")]
    NoPrimaryKey { table: Name },
    #[error("table `{table}` has no unique constraint on ({columns}) that a foreign key could refer to")]
    NoUniqueKey { table: Name, columns: String },
    #[error("a foreign key of `{table}` and what it refers to on `{references}` have different numbers of columns")]
    KeyLength { table: Name, references: Name },
    #[error("view `{view}` would lose or rename its column `{column}`; OR REPLACE can only add columns at the end")]
    ViewShape { view: Name, column: Identifier },
    #[error("{object} can't be dropped: {dependent} depends on it; add CASCADE to drop both")]
    InUse { object: String, dependent: String },
    #[error("{object} can't be dropped by itself: {owner} needs it")]
    Needed { object: String, owner: String },
    #[error("the type of column `{column}` of `{table}` can't change: {dependent} uses it")]
    TypeInUse { table: Name, column: Identifier, dependent: String },
    #[error("column `{column}` of `{table}` is inherited and can't be {action} here")]
    Inherited { table: Name, column: Identifier, action: &'static str },
    #[error("{object} is inherited and can't be {action} here")]
    InheritedConstraint { object: String, action: &'static str },
    #[error("column `{column}` of `{table}` is part of its partition key and can't be {action}")]
    PartitionKey { table: Name, column: Identifier, action: &'static str },
    #[error("column `{column}` of `{table}` {problem}")]
    Column { table: Name, column: Identifier, problem: &'static str },
    #[error("type `{name}` has no value `{value}`")]
    NoEnumValue { name: Name, value: String },
    #[error("type `{name}` has a value `{value}` already")]
    EnumValueExists { name: Name, value: String },
    #[error("type `{name}` has no {what} `{part}`")]
    NotOnType { name: Name, what: &'static str, part: Identifier },
    #[error("type `{name}` has {} `{part}` already", with_article(what))]
    OnTypeAlready { name: Name, what: &'static str, part: Identifier },
}

/// "a table", "an index".
fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {what}")
}

impl CatalogError {
    pub(super) fn missing(what: &'static str, name: &impl ToString) -> Self {
        Self::Missing { what, name: name.to_string() }
    }

    pub(super) fn exists(what: &'static str, name: &impl ToString) -> Self {
        Self::Exists { what, name: name.to_string() }
    }
}
