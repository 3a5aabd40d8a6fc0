//! The type of a column.

use serde::{Deserialize, Serialize};

use super::name::Name;

/// A type with its modifiers, as `varchar(50)[]`.
///
/// Built-in types carry their catalog name (`pg_catalog.int4`, not `integer`), so that two spellings are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DataType {
    /// The type's name; of an array, the element's.
    pub name: Name,
    /// What stands in parentheses: `[10, 2]` of `numeric(10,2)`. Of `interval`, the codes that the parser gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<String>,
    /// How many `[]` follow.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dimensions: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl DataType {
    /// A built-in type without modifiers, by its catalog name.
    pub fn built_in(name: &str) -> Self {
        Self { name: Name::new("pg_catalog", name), modifiers: Vec::new(), dimensions: 0 }
    }

    /// Whether this is the built-in type `name` itself, and not an array of it.
    pub fn is(&self, name: &str) -> bool {
        self.dimensions == 0 && self.name.is_built_in(name)
    }
}
