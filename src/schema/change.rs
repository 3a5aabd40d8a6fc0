//! One schema change: the unit of meaning, lowered from a statement. One statement may hold several.

mod clause;
mod data;

use crate::schema::options::Options;

use serde::{Deserialize, Serialize};

use super::column::{Generated, IdentityKind};
use super::constraint::{Constraint, Enforcement, Timing, Validity};
use super::data_type::DataType;
use super::index::Index;
use super::name::{Identifier, Name};
use super::object::{ObjectRef, Routine, Trigger, UserType, View};
use super::table::{Partition, ReplicaIdentity};
use super::text::Sql;

pub use super::lookup::Lookup;
pub use clause::{AddColumn, Concurrency, CreateTable, DropBehavior, Grant, IfExists, Like, OnConflict, Touches, TriggerSelection};
pub use data::{DataChange, Verb};

/// What a change does to clients of the release before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something new that they don't see.
    Additive,
    /// A rule less.
    Loosening,
    /// A rule more.
    Tightening,
    /// Something less.
    Removing,
    /// One shape for another.
    Replacing,
    /// Rows change, the schema doesn't.
    Data,
    /// Nobody can tell.
    Opaque,
}

/// One schema change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    // Tables
    CreateTable(Box<CreateTable>),
    DropTable {
        table: Name,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    RenameTable {
        table: Name,
        to: Identifier,
    },
    SetTableSchema {
        table: Name,
        schema: Identifier,
    },
    SetPersistence {
        table: Name,
        persistence: super::table::Persistence,
    },
    SetTableOptions {
        table: Name,
        options: Options,
    },
    ResetTableOptions {
        table: Name,
        options: Vec<String>,
    },
    SetTablespace {
        table: Name,
        tablespace: Identifier,
    },
    SetAccessMethod {
        table: Name,
        method: Option<Identifier>,
    },
    SetReplicaIdentity {
        table: Name,
        identity: ReplicaIdentity,
    },
    ClusterOn {
        table: Name,
        index: Option<Identifier>,
    },
    SetRowSecurity {
        table: Name,
        enabled: Option<bool>,
        forced: Option<bool>,
    },
    AddInheritance {
        table: Name,
        parent: Name,
    },
    DropInheritance {
        table: Name,
        parent: Name,
    },
    SetTypeOfTable {
        table: Name,
        of_type: Option<Name>,
    },
    AttachPartition {
        table: Name,
        partition: Name,
        bound: Partition,
    },
    DetachPartition {
        table: Name,
        partition: Name,
        concurrency: Concurrency,
        finalize: bool,
    },
    SetForeignOptions {
        table: Name,
        column: Option<Identifier>,
        options: Vec<(String, Option<String>)>,
    },

    // Columns
    AddColumn(Box<AddColumn>),
    DropColumn {
        table: Name,
        column: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    RenameColumn {
        table: Name,
        column: Identifier,
        to: Identifier,
    },
    ChangeType {
        table: Name,
        column: Identifier,
        data_type: DataType,
        collation: Option<Name>,
        using: Option<Sql>,
    },
    SetDefault {
        table: Name,
        column: Identifier,
        default: Sql,
        /// Whether tables that inherit from it, and partitions, keep theirs (`ALTER TABLE ONLY`).
        only: bool,
    },
    DropDefault {
        table: Name,
        column: Identifier,
        /// As above.
        only: bool,
    },
    SetNotNull {
        table: Name,
        column: Identifier,
    },
    DropNotNull {
        table: Name,
        column: Identifier,
    },
    SetExpression {
        table: Name,
        column: Identifier,
        expression: Sql,
    },
    DropExpression {
        table: Name,
        column: Identifier,
        if_exists: IfExists,
    },
    AddIdentity {
        table: Name,
        column: Identifier,
        kind: IdentityKind,
        options: Options,
    },
    SetIdentity {
        table: Name,
        column: Identifier,
        kind: Option<IdentityKind>,
        options: Options,
    },
    DropIdentity {
        table: Name,
        column: Identifier,
        if_exists: IfExists,
    },
    SetGenerated {
        table: Name,
        column: Identifier,
        generated: Generated,
    },
    SetColumnStatistics {
        table: Name,
        column: Identifier,
        target: Option<i32>,
    },
    SetIndexStatistics {
        index: Name,
        column: u16,
        target: Option<i32>,
    },
    SetColumnOptions {
        table: Name,
        column: Identifier,
        options: Options,
    },
    ResetColumnOptions {
        table: Name,
        column: Identifier,
        options: Vec<String>,
    },
    SetStorage {
        table: Name,
        column: Identifier,
        storage: String,
    },
    SetCompression {
        table: Name,
        column: Identifier,
        compression: Option<Identifier>,
    },

    // Constraints
    AddConstraint {
        table: Name,
        constraint: Constraint,
    },
    AddConstraintUsingIndex {
        table: Name,
        constraint: Option<Identifier>,
        index: Identifier,
        primary: bool,
        timing: Timing,
    },
    ValidateConstraint {
        table: Name,
        constraint: Identifier,
    },
    AlterConstraint {
        table: Name,
        constraint: Identifier,
        timing: Option<Timing>,
        enforcement: Option<Enforcement>,
        no_inherit: Option<bool>,
    },
    DropConstraint {
        table: Name,
        constraint: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    RenameConstraint {
        table: Name,
        constraint: Identifier,
        to: Identifier,
    },

    // Indexes
    CreateIndex {
        index: Box<Index>,
        concurrency: Concurrency,
        if_not_exists: IfExists,
    },
    DropIndex {
        index: Name,
        concurrency: Concurrency,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    RenameIndex {
        index: Name,
        to: Identifier,
    },
    SetIndexOptions {
        index: Name,
        options: Options,
    },
    ResetIndexOptions {
        index: Name,
        options: Vec<String>,
    },
    AttachIndex {
        index: Name,
        child: Name,
    },
    /// REINDEX, which changes nothing but locks.
    Reindex {
        target: ObjectRef,
        concurrency: Concurrency,
    },

    // Triggers, rules
    CreateTrigger {
        trigger: Box<Trigger>,
        on_conflict: OnConflict,
    },
    DropTrigger {
        table: Name,
        trigger: Identifier,
        if_exists: IfExists,
    },
    RenameTrigger {
        table: Name,
        trigger: Identifier,
        to: Identifier,
    },
    /// `enabled`: `O` origin, `D` disabled, `R` replica, `A` always.
    EnableTrigger {
        table: Name,
        triggers: TriggerSelection,
        enabled: char,
    },
    EnableRule {
        table: Name,
        rule: Identifier,
        enabled: char,
    },

    // Sequences
    CreateSequence {
        sequence: super::object::Sequence,
        if_not_exists: IfExists,
    },
    AlterSequence {
        sequence: Name,
        data_type: Option<DataType>,
        options: Options,
        owned_by: Option<Option<(Name, Identifier)>>,
        if_exists: IfExists,
    },

    // Types
    CreateType(Box<UserType>),
    AddEnumValue {
        name: Name,
        value: String,
        before: Option<String>,
        after: Option<String>,
        if_not_exists: IfExists,
    },
    RenameEnumValue {
        name: Name,
        value: String,
        to: String,
    },
    AddAttribute {
        name: Name,
        attribute: Identifier,
        data_type: DataType,
        collation: Option<Name>,
        behavior: DropBehavior,
    },
    DropAttribute {
        name: Name,
        attribute: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    ChangeAttributeType {
        name: Name,
        attribute: Identifier,
        data_type: DataType,
        behavior: DropBehavior,
    },
    RenameAttribute {
        name: Name,
        attribute: Identifier,
        to: Identifier,
        behavior: DropBehavior,
    },
    SetDomainDefault {
        name: Name,
        default: Option<Sql>,
    },
    SetDomainNotNull {
        name: Name,
        not_null: bool,
    },
    AddDomainConstraint {
        name: Name,
        constraint: Option<Identifier>,
        check: Sql,
        validity: Validity,
    },
    DropDomainConstraint {
        name: Name,
        constraint: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    ValidateDomainConstraint {
        name: Name,
        constraint: Identifier,
    },
    RenameDomainConstraint {
        name: Name,
        constraint: Identifier,
        to: Identifier,
    },

    // Views
    CreateView {
        view: Box<View>,
        column_names: Vec<Identifier>,
        on_conflict: OnConflict,
        temporary: bool,
    },
    SetViewOptions {
        view: Name,
        options: Options,
    },
    ResetViewOptions {
        view: Name,
        options: Vec<String>,
    },
    RefreshMaterializedView {
        view: Name,
        concurrency: Concurrency,
        with_data: bool,
    },

    // Functions
    CreateRoutine {
        routine: Box<Routine>,
        on_conflict: OnConflict,
    },

    // Schemas, extensions
    CreateSchema {
        schema: Identifier,
        if_not_exists: IfExists,
        owner: Option<Identifier>,
    },
    RenameSchema {
        schema: Identifier,
        to: Identifier,
    },
    DropSchema {
        schema: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    CreateExtension {
        extension: Identifier,
        schema: Option<Identifier>,
        version: Option<String>,
        if_not_exists: IfExists,
    },
    DropExtension {
        extension: Identifier,
        behavior: DropBehavior,
        if_exists: IfExists,
    },

    // Anything that is kept as its CREATE statement: policies, rules, statistics, publications, operators, casts …
    CreateObject {
        definition: Box<super::object::Definition>,
        on_conflict: OnConflict,
    },
    /// An ALTER of such an object, kept as written.
    AlterObject {
        object: ObjectRef,
        statement: Sql,
    },
    /// DROP, RENAME and SET SCHEMA of anything that has no variant of its own (also sequences, types, views, functions).
    DropObject {
        object: ObjectRef,
        behavior: DropBehavior,
        if_exists: IfExists,
    },
    RenameObject {
        object: ObjectRef,
        to: Identifier,
    },
    SetObjectSchema {
        object: ObjectRef,
        schema: Identifier,
    },
    SetOwner {
        object: ObjectRef,
        owner: Identifier,
    },
    /// COMMENT ON; none removes it.
    Comment {
        object: ObjectRef,
        text: Option<String>,
    },
    Grant(Grant),
    Revoke {
        grant: Grant,
        behavior: DropBehavior,
    },

    // Session and transaction
    /// `SET search_path`; `local` ends with the transaction.
    SetSearchPath {
        schemas: Vec<Identifier>,
        local: bool,
    },
    /// Another SET or RESET: `lock_timeout`, `statement_timeout` …
    SetParameter {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT: the keyword, upper case.
    TransactionControl {
        keyword: String,
    },
    /// LOCK TABLE.
    LockTables {
        tables: Vec<Name>,
        mode: String,
    },
    /// VACUUM, ANALYZE, CLUSTER, CHECKPOINT …: no change of meaning, but locks.
    Maintenance {
        command: String,
        tables: Vec<Name>,
        statement: String,
    },

    /// Rows.
    Data(Box<DataChange>),
    /// A statement that nobody can read: DO blocks, dynamic SQL, what we have no meaning for.
    Opaque {
        statement: String,
        reason: String,
        touches: Touches,
    },
}
