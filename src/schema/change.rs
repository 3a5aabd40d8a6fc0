//! One schema change: the unit of meaning, lowered from a statement. One statement may hold several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column::{Column, Generated, IdentityKind};
use super::constraint::{Constraint, Enforcement, Timing, Validity};
use super::data_type::DataType;
use super::index::Index;
use super::name::{Identifier, Name};
use super::object::{ObjectRef, Routine, Trigger, UserType, View};
use super::table::{Partition, ReplicaIdentity, Table};
use super::text::Sql;

/// What a look into the catalog can answer. Not an `Option`: "there is none" and "nobody can tell" are different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lookup<T> {
    /// It is there, and this is it.
    Known(T),
    /// It isn't there.
    Absent,
    /// A statement that can't be read may have made, changed or dropped it.
    Unknown,
}

impl<T> Lookup<T> {
    /// What is known, if anything is.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The same answer by reference.
    pub fn as_ref(&self) -> Lookup<&T> {
        match self {
            Self::Known(value) => Lookup::Known(value),
            Self::Absent => Lookup::Absent,
            Self::Unknown => Lookup::Unknown,
        }
    }
}

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
    pub identity_options: BTreeMap<Identifier, BTreeMap<String, String>>,
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
    pub identity_options: BTreeMap<String, String>,
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

/// How the rows of a table are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// TRUNCATE.
    Truncate,
    /// COPY … FROM.
    Copy,
    /// SELECT, which may call functions that write.
    Select,
}

/// A statement on rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataChange {
    /// What it does.
    pub verb: Verb,
    /// The tables that it writes, outermost first (also those in WITH).
    pub writes: Vec<Name>,
    /// The tables that it reads.
    pub reads: Vec<Name>,
    /// The columns that an UPDATE sets or an INSERT names.
    pub columns: Vec<Identifier>,
    /// Of a plain `UPDATE t SET a = …, b = … [WHERE …]` on one table: what is set to what.
    pub assignments: Vec<(Identifier, Sql)>,
    /// Of an UPDATE or DELETE on one table: its condition.
    pub condition: Option<Sql>,
    /// Whether it is a plain UPDATE or DELETE of one table without FROM, WITH, LIMIT or subqueries.
    pub plain: bool,
    /// The statement as written.
    pub statement: String,
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
        options: BTreeMap<String, String>,
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
    },
    DropDefault {
        table: Name,
        column: Identifier,
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
        options: BTreeMap<String, String>,
    },
    SetIdentity {
        table: Name,
        column: Identifier,
        kind: Option<IdentityKind>,
        options: BTreeMap<String, String>,
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
        options: BTreeMap<String, String>,
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
        options: BTreeMap<String, String>,
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
        options: BTreeMap<String, String>,
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
        options: BTreeMap<String, String>,
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
    /// SET search_path; `local` ends with the transaction.
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
