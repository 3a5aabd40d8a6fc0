//! The nouns: names, tables, changes, and the catalog that changes are folded over. Knows no engine and parses nothing.

pub mod name;
pub mod shared;
pub mod text;
pub mod lookup;
pub mod options;
pub mod data_type;
pub mod column;
pub mod constraint;
pub mod index;
pub mod table;
pub mod object;
pub mod change;
pub mod facts;
pub mod tools;
pub mod catalog;
pub mod condition;
pub mod outline;

pub use catalog::Catalog;
pub use change::{Change, Class, Lookup};
pub use column::{Column, Generated, GeneratedKind, Identity, IdentityKind};
pub use constraint::{Constraint, ConstraintKind, Enforcement, ForeignKey, Key, ReferentialAction, Timing, Validity};
pub use data_type::DataType;
pub use index::{Index, IndexElement, IndexKey, NullsDistinct, Uniqueness};
pub use name::{Identifier, Name};
pub use object::{ObjectKind, ObjectRef};
pub use options::Options;
pub use outline::{Outline, outline};
pub use shared::Shared;
pub use table::{Persistence, Table, TableKind};
pub use text::{Part, Sql};
