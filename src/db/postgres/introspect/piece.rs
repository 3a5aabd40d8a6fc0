//! What the queries of this folder return: statements, and parts of CREATE TABLE. Values only; nothing is read or ordered here.

use serde::Deserialize;

/// An object of the database: the catalog in which it stands, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Object {
    pub(super) class: u32,
    pub(super) number: u32,
}

/// What a piece makes, in the order in which kinds are made where nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    // Made in the order of their dependencies.
    Schema,
    PublicSchema,
    Extension,
    Language,
    AccessMethod,
    ForeignDataWrapper,
    Server,
    Collation,
    Type,
    Routine,
    Aggregate,
    Operator,
    OperatorFamily,
    OperatorClass,
    Cast,
    Conversion,
    Transform,
    TextSearchParser,
    TextSearchTemplate,
    TextSearchDictionary,
    TextSearchConfiguration,
    Sequence,
    Table,
    /// A part of a table.
    Column,
    /// A part of a table, or a statement of its own.
    Default,
    /// A part of a table, or a statement of its own.
    Check,
    /// A part of a domain, or a statement of its own.
    DomainCheck,
    Attach,
    Key,
    View,
    MaterializedView,

    // Made when all that is there, in this order.
    OperatorFamilyItems,
    TextSearchMapping,
    SequenceOwner,
    ViewDefault,
    ColumnSetting,
    Index,
    IndexTablespace,
    IndexAttachment,
    IndexSetting,
    ForeignKey,
    TableSetting,
    Trigger,
    TriggerState,
    Rule,
    RuleState,
    Policy,
    Statistics,
    StatisticsTarget,
    Publication,
    EventTrigger,
    EventTriggerState,
    Owner,
    Revocation,
    Grant,
    DefaultPrivileges,
    Comment,
}

impl Kind {
    /// Whether it waits until all that others may depend on is there.
    pub(super) fn is_made_afterwards(self) -> bool {
        self > Self::MaterializedView
    }

    /// Whether it stands in the statement of another object, if it can.
    pub(super) fn is_a_part(self) -> bool {
        matches!(self, Self::Column | Self::Default | Self::Check | Self::DomainCheck)
    }
}

/// One row of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// What it makes, or is about.
    pub(super) object: Object,
    /// The table or type to which it belongs.
    pub(super) part_of: Option<u32>,
    /// Its place among its like, as the number of a column.
    pub(super) position: i32,
    /// By which statements of one kind are ordered.
    pub(super) name: String,
    /// The statement; of a part, what stands in the other's statement. None where it can't stand there.
    pub(super) text: Option<String>,
    /// Of a table, what follows its columns; of a column, NOT NULL; of a default or check, the statement that says the same by
    /// itself; of a type, the statement that makes its shell.
    pub(super) tail: Option<String>,
}

/// That one object can't be made before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) object: Object,
    pub(super) on: Object,
    /// Whether `object` is a hidden part of `on`, or a member of that extension.
    pub(super) within: bool,
}
