//! Constraints of tables.

use crate::schema::options::Options;

use serde::{Deserialize, Serialize};

use super::index::{IndexElement, NullsDistinct};
use super::name::{Identifier, Name};
use super::text::Sql;

/// A constraint of a table, with the name that it has or will get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its name. In a change it is empty (`None`) where the author gave none; in a catalog it is always there.
    pub name: Option<Identifier>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// When it is checked.
    pub timing: Timing,
    /// Whether rows that were there before it have been checked.
    pub validity: Validity,
    /// Whether it is checked at all (`NOT ENFORCED`, PostgreSQL 18 on).
    pub enforcement: Enforcement,
    /// `NO INHERIT`.
    pub no_inherit: bool,
    /// Whether it was declared on this table itself and not only inherited.
    pub local: bool,
}

impl Constraint {
    /// A valid, enforced, immediate constraint.
    pub fn new(name: Option<Identifier>, kind: ConstraintKind) -> Self {
        Self {
            name,
            kind,
            timing: Timing::Immediate,
            validity: Validity::Valid,
            enforcement: Enforcement::Enforced,
            no_inherit: false,
            local: true,
        }
    }

    /// The columns that it is declared over; of a CHECK, those that it names.
    pub fn columns(&self) -> Vec<Identifier> {
        match &self.kind {
            ConstraintKind::NotNull { column } => vec![column.clone()],
            ConstraintKind::Check { expression } => expression.own_columns().cloned().collect(),
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => key.columns.clone(),
            ConstraintKind::ForeignKey(key) => key.columns.clone(),
            ConstraintKind::Exclude(exclude) => {
                exclude.elements.iter().flat_map(|(element, _)| element.columns().cloned().collect::<Vec<_>>()).collect()
            }
        }
    }

    /// The foreign key, if it is one.
    pub fn foreign_key(&self) -> Option<&ForeignKey> {
        match &self.kind {
            ConstraintKind::ForeignKey(key) => Some(key),
            ConstraintKind::NotNull { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::Exclude(_) => None,
        }
    }
}

/// What a constraint demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// A named NOT NULL (PostgreSQL 18 on).
    NotNull {
        /// The column that refuses NULL.
        column: Identifier,
    },
    /// CHECK.
    Check {
        /// The condition, without the parentheses that belong to CHECK.
        expression: Sql,
    },
    /// UNIQUE.
    Unique(Key),
    /// PRIMARY KEY.
    PrimaryKey(Key),
    /// FOREIGN KEY.
    ForeignKey(ForeignKey),
    /// EXCLUDE.
    Exclude(Exclude),
}

/// The columns of a UNIQUE or PRIMARY KEY, and of the index behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Key {
    /// The columns in order.
    pub columns: Vec<Identifier>,
    /// `INCLUDE (…)`.
    pub include: Vec<Identifier>,
    /// `NULLS NOT DISTINCT`.
    pub nulls: NullsDistinct,
    /// `WITHOUT OVERLAPS` on the last column (PostgreSQL 18 on).
    pub without_overlaps: bool,
    /// `WITH (fillfactor = …)`.
    pub options: Options,
    /// `USING INDEX TABLESPACE`.
    pub tablespace: Option<Identifier>,
}

/// A FOREIGN KEY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referencing columns.
    pub columns: Vec<Identifier>,
    /// The referenced table.
    pub references: Name,
    /// The referenced columns. In a change it is empty where the author left it to the primary key.
    pub referenced_columns: Vec<Identifier>,
    /// `MATCH FULL`.
    pub match_full: bool,
    /// `ON DELETE`.
    pub on_delete: ReferentialAction,
    /// `ON UPDATE`.
    pub on_update: ReferentialAction,
    /// The columns of `ON DELETE SET NULL (…)`.
    pub on_delete_columns: Vec<Identifier>,
    /// `PERIOD` on the last column (PostgreSQL 18 on).
    pub period: bool,
}

/// What a foreign key does when the referenced row goes or changes its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReferentialAction {
    /// An error at the end of the statement or transaction.
    #[default]
    NoAction,
    /// An error at once.
    Restrict,
    /// The referencing rows follow.
    Cascade,
    /// The referencing columns become NULL.
    SetNull,
    /// The referencing columns take their defaults.
    SetDefault,
}

/// An EXCLUDE constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclude {
    /// The index method.
    pub method: Identifier,
    /// Each element with its operator, as written.
    pub elements: Vec<(IndexElement, String)>,
    /// `INCLUDE (…)`.
    pub include: Vec<Identifier>,
    /// `WHERE (…)`.
    pub predicate: Option<Sql>,
    /// `WITH (…)`.
    pub options: Options,
    /// `USING INDEX TABLESPACE`.
    pub tablespace: Option<Identifier>,
}

/// When a constraint is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Timing {
    /// At the end of each statement, always.
    #[default]
    Immediate,
    /// `DEFERRABLE INITIALLY IMMEDIATE`.
    Deferrable,
    /// `DEFERRABLE INITIALLY DEFERRED`.
    Deferred,
}

/// Whether the rows that were there before a constraint have been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Validity {
    /// All rows obey.
    #[default]
    Valid,
    /// Only rows written since are known to obey (`NOT VALID`).
    NotValid,
}

/// Whether a constraint is checked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Enforcement {
    /// It is.
    #[default]
    Enforced,
    /// It only documents (`NOT ENFORCED`).
    NotEnforced,
}
