//! SQL text with its references taken out, so that a rename is a replacement of parts and never of substrings.

use serde::{Deserialize, Serialize};

use super::name::{Identifier, Name};

/// One piece of an [`Sql`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Text that refers to nothing in the catalog, kept to the letter.
    Text(String),
    /// A column. `of` is the relation, where it is known to be another one than the relation to which the text belongs.
    /// Only the column's own name stands in the text here; a qualifier before it is a part of its own.
    Column {
        /// The relation that has the column, if it isn't the owner of the text.
        of: Option<Name>,
        /// The column.
        name: Identifier,
    },
    /// A table, view, sequence or index, by name.
    Relation(Name),
    /// The same as a string literal, as in `nextval('users_id_seq')`. The part is the whole literal, its quotes included: the text before
    /// it ends in `(` and the text after it begins with `)`.
    RelationLiteral(Name),
    /// A function that isn't built in, by name; or the own name of an object that is kept as its CREATE statement.
    Function(Name),
    /// A type that isn't built in, by name.
    Type(Name),
}

/// A piece of SQL (an expression, a view's query, a function's definition) with its references marked.
///
/// `sql::write` turns it into text. Two are equal if text and references are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sql {
    /// The pieces in order.
    pub parts: Vec<Part>,
}

impl Sql {
    /// A column of the own row, and nothing else.
    pub fn column(name: &Identifier) -> Self {
        Self { parts: vec![Part::Column { of: None, name: name.clone() }] }
    }

    /// Text without any reference.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// The columns that the text names of the relation to which it belongs.
    pub fn own_columns(&self) -> impl Iterator<Item = &Identifier> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column { of: None, name } => Some(name),
            Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => None,
        })
    }

    /// Whether the text names `column` of the relation to which it belongs.
    pub fn mentions(&self, column: &Identifier) -> bool {
        self.own_columns().any(|name| name == column)
    }

    /// The same text with every part passed through `replace`.
    #[must_use]
    pub fn map(&self, replace: impl Fn(&Part) -> Part) -> Self {
        Self { parts: self.parts.iter().map(replace).collect() }
    }

    /// The same text with the column `from` of its own relation called `to`.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever other parts there will be, they stay as they are")]
    pub fn with_own_column_renamed(&self, from: &Identifier, to: &Identifier) -> Self {
        self.map(|part| match part {
            Part::Column { of: None, name } if name == from => Part::Column { of: None, name: to.clone() },
            other => other.clone(),
        })
    }
}
