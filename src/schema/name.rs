//! Names as the database stores them: folded to lower case unless they were quoted, without the quotes.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One name, as the catalog of the database stores it. Quoting is the business of `sql`. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifier(Arc<str>);

impl Identifier {
    /// The identifier whose stored text is `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::from(text.into()))
    }

    /// The stored text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Identifier {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Identifier {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl Borrow<str> for Identifier {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Identifier {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Identifier {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// The name of an object in a schema.
///
/// As lowered from a statement the schema is there only if the author wrote it; in a catalog, and in a change that
/// history has folded, it always is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    /// The schema, where it was written or has been resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Identifier>,
    /// The name within the schema.
    pub name: Identifier,
}

impl Name {
    /// A name with its schema.
    pub fn new(schema: impl Into<Identifier>, name: impl Into<Identifier>) -> Self {
        Self { schema: Some(schema.into()), name: name.into() }
    }

    /// A name written without a schema.
    pub fn unqualified(name: impl Into<Identifier>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// Another name in the same schema.
    #[must_use]
    pub fn sibling(&self, name: impl Into<Identifier>) -> Self {
        Self { schema: self.schema.clone(), name: name.into() }
    }

    /// Whether this is the built-in type or function `name` of the engine.
    pub fn is_built_in(&self, name: &str) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema == "pg_catalog") && self.name == name
    }
}

/// For people: unquoted, and `public` is left away. Never for SQL.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) if schema != "public" => write!(f, "{schema}.{}", self.name),
            _ => write!(f, "{}", self.name),
        }
    }
}
