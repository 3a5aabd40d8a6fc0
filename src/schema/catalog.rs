//! The schema of a database, as the changes so far have made it. `apply` is its only motion.

mod apply;
mod calls;
mod change_type;
mod check;
mod columns;
mod constraints;
mod create_table;
mod dependents;
mod drop;
mod each;
mod enum_label;
mod error;
mod expression_name;
mod extensions;
mod indexes;
mod inherit;
mod like;
mod lookup;
pub mod names;
mod objects;
mod partitions;
mod rename;
mod resolve;
mod rights;
mod routines;
mod schemas;
mod sequence_options;
mod sequences;
mod sql_text;
mod statistics;
mod tables;
mod triggers;
mod trigger_copies;
mod types;
mod view_query;
mod views;
mod walk;
mod walk_change;

pub use error::CatalogError;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Grant;
use super::data_type::DataType;
use super::index::Index;
use super::name::{Identifier, Name};
use super::object::{Definition, ObjectRef, Routine, Sequence, Trigger, UserType, View};
use super::shared::Shared;
use super::table::Table;

/// A routine by name and input arguments.
pub type RoutineKey = (Name, Vec<DataType>);

/// A schema. Cheap to clone: what is in it is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Schemas, with their owner where one was set.
    pub schemas: Shared<BTreeMap<Identifier, Option<Identifier>>>,
    /// Where unqualified names are looked up and created.
    pub search_path: Vec<Identifier>,
    /// Tables, by name.
    pub tables: Shared<BTreeMap<Name, Arc<Table>>>,
    /// Indexes, also those behind constraints.
    pub indexes: Shared<BTreeMap<Name, Arc<Index>>>,
    /// Sequences, also those behind `serial` and identity columns.
    pub sequences: Shared<BTreeMap<Name, Arc<Sequence>>>,
    /// Enums, domains, composite and range types.
    pub types: Shared<BTreeMap<Name, Arc<UserType>>>,
    /// Views and materialized views.
    pub views: Shared<BTreeMap<Name, Arc<View>>>,
    /// Functions, procedures and aggregates, by name and input arguments.
    pub routines: Shared<BTreeMap<RoutineKey, Arc<Routine>>>,
    /// Triggers, by table and name.
    pub triggers: Shared<BTreeMap<(Name, Identifier), Arc<Trigger>>>,
    /// Everything that is kept as its CREATE statement, in the order of creation.
    pub definitions: Shared<Vec<Arc<Definition>>>,
    /// Extensions, with their schema where one was given.
    pub extensions: Shared<BTreeMap<Identifier, Option<Identifier>>>,
    /// Comments.
    pub comments: Shared<BTreeMap<ObjectRef, String>>,
    /// Privileges that were granted.
    pub grants: Shared<BTreeSet<Grant>>,
    /// Privileges that were taken away of those with which an object is born, or of `ALL`. Where it is `ALL` itself, the grants to
    /// the same role have come later.
    pub revokes: Shared<BTreeSet<Grant>>,
    /// Owners that were set.
    pub owners: Shared<BTreeMap<ObjectRef, Identifier>>,
    /// What an unreadable statement may have touched.
    pub unknown: Shared<BTreeSet<ObjectRef>>,
    /// Whether an unreadable statement may have touched anything.
    pub unknown_all: bool,
}

impl Default for Catalog {
    /// A new database: an empty schema `public`, first in the search path.
    fn default() -> Self {
        Self {
            schemas: BTreeMap::from([(Identifier::from("public"), None)]).into(),
            search_path: vec![Identifier::from("public")],
            tables: Shared::default(),
            indexes: Shared::default(),
            sequences: Shared::default(),
            types: Shared::default(),
            views: Shared::default(),
            routines: Shared::default(),
            triggers: Shared::default(),
            definitions: Shared::default(),
            extensions: Shared::default(),
            comments: Shared::default(),
            grants: Shared::default(),
            revokes: Shared::default(),
            owners: Shared::default(),
            unknown: Shared::default(),
            unknown_all: false,
        }
    }
}
