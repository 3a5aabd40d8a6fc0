//! The vocabulary of rules: every fact that `when` and `unless` may ask, in one registry. A fact is true of a change or it
//! isn't; whether that is bad is for rules to say.

use super::kind::{KINDS, kind};
use super::site::{InTransaction, Site};
use super::subject;
use crate::engine::postgres::{self, Retype, TypeChange};
use crate::engine::{Held, LockMode, Transactional, Work};
use crate::schema::change::{AddColumn, Concurrency, DropBehavior, Verb};
use crate::schema::object::{TypeKind, Volatility};
use crate::schema::{
    Catalog, Change, Column, Constraint, ConstraintKind, DataType, Enforcement, GeneratedKind, ObjectKind, Sql, TableKind, Uniqueness,
    Validity,
};

/// A fact that rules may ask for.
pub(super) struct Fact {
    /// Its name in `when` and `unless`.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// How it is read from a change.
    pub(super) reading: Reading,
}

/// How a fact is read, and what a rule may compare it with.
pub(super) enum Reading {
    /// True or false.
    Flag(fn(&Site<'_>) -> bool),
    /// Some of a closed set of words; a rule gives one or several, of which one must be there.
    Words { words: &'static [&'static str], read: fn(&Site<'_>) -> Vec<&'static str> },
    /// One of an ordered set of words, or none; a rule gives the least.
    Level { levels: &'static [&'static str], read: fn(&Site<'_>) -> Option<usize> },
}

impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn flag(name: &'static str, meaning: &'static str, read: fn(&Site<'_>) -> bool) -> Fact {
    Fact { name, meaning, reading: Reading::Flag(read) }
}

const fn words(
    name: &'static str,
    meaning: &'static str,
    words: &'static [&'static str],
    read: fn(&Site<'_>) -> Vec<&'static str>,
) -> Fact {
    Fact { name, meaning, reading: Reading::Words { words, read } }
}

const fn level(name: &'static str, meaning: &'static str, levels: &'static [&'static str], read: fn(&Site<'_>) -> Option<usize>) -> Fact {
    Fact { name, meaning, reading: Reading::Level { levels, read } }
}

/// Every fact. `docs/rules.md` is made from it.
pub(super) const FACTS: &[Fact] = &[
    // What it is
    words("change", "the kind of change", KINDS, |site| vec![kind(site.change())]),
    words("object", "the kind of object that is dropped, renamed or built again", OBJECTS, object),
    words("constraint", "the kinds of constraint that it adds, or is about", CONSTRAINTS, constraints),
    words("verb", "what a statement on rows does", VERBS, verb),
    words("default", "what the added column's default is", DEFAULTS, default),
    words("generated", "how the added column is generated", GENERATED, generated),
    words("condition", "which rows an UPDATE or DELETE picks", CONDITIONS, condition),
    words("type-change", "what a change of type does to what is stored", TYPE_CHANGES, type_change),
    flag("concurrently", "it says CONCURRENTLY", concurrently),
    flag("unique", "the index is unique", unique),
    flag("not-valid", "a constraint in it is NOT VALID", |site| {
        site.constraints().iter().any(|constraint| constraint.validity == Validity::NotValid)
    }),
    flag("not-enforced", "a constraint in it is NOT ENFORCED", |site| {
        site.constraints().iter().any(|constraint| constraint.enforcement == Enforcement::NotEnforced)
    }),
    flag("cascade", "it says CASCADE", cascade),
    flag("identity", "the added column is an identity or serial column", identity),
    flag("not-null", "the added column refuses NULL, by itself or by its domain", not_null),
    flag("constrained-domain", "the added column's type is a domain with a CHECK or NOT NULL", constrained_domain),
    // What it is about
    flag("table-is-new", "the table was created by the same release, or only this session sees it", |site| {
        site.table_name().is_some_and(|table| !site.is_in_use(table))
    }),
    flag("column-is-new", "the column was added by the same release", column_is_new),
    flag("column-is-missing", "there is no such column, so IF EXISTS makes it do nothing", column_is_missing),
    flag("column-was-not-null", "the column refused NULL before", |site| site.column().is_some_and(|column| column.not_null)),
    flag("column-has-default", "the column had a default before", |site| site.column().is_some_and(fills_itself)),
    flag("referenced-table-is-new", "the referenced table was created by the same release", |site| {
        subject::references(site.change()).is_some_and(|table| !site.is_in_use(table))
    }),
    flag("table-is-partitioned", "the table is partitioned", |site| {
        site.table().is_some_and(|table| matches!(table.kind, TableKind::Partitioned { .. }))
    }),
    // What it does
    level("lock-at-least", "the strongest lock on what was there before", LOCK_MODES, lock),
    level("held-at-least", "how long that lock is held", HELD, held),
    words("work", "what is done to tables that were there before", WORK, work),
    flag("refuses-transaction", "it can't run in a transaction", |site| site.entry.effects.transactional == Transactional::No),
    flag("in-transaction", "it runs in a transaction: its runner's, or one that the file begins", |site| {
        site.transaction == InTransaction::Inside
    }),
];

const OBJECTS: &[&str] =
    &["table", "view", "materialized-view", "index", "sequence", "function", "procedure", "aggregate", "type", "domain", "schema", "other"];

fn object(site: &Site<'_>) -> Vec<&'static str> {
    let (Change::DropObject { object, .. }
    | Change::RenameObject { object, .. }
    | Change::SetObjectSchema { object, .. }
    | Change::Reindex { target: object, .. }) = site.change()
    else {
        return Vec::new();
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is called other")]
    let name = match object.kind {
        ObjectKind::Table | ObjectKind::ForeignTable => "table",
        ObjectKind::View => "view",
        ObjectKind::MaterializedView => "materialized-view",
        ObjectKind::Index => "index",
        ObjectKind::Sequence => "sequence",
        ObjectKind::Function | ObjectKind::Routine => "function",
        ObjectKind::Procedure => "procedure",
        ObjectKind::Aggregate => "aggregate",
        ObjectKind::Type => "type",
        ObjectKind::Domain => "domain",
        ObjectKind::Schema => "schema",
        _ => "other",
    };
    vec![name]
}

const CONSTRAINTS: &[&str] = &["check", "exclude", "foreign-key", "not-null", "primary-key", "unique"];

fn constraints(site: &Site<'_>) -> Vec<&'static str> {
    let name = |constraint: &&Constraint| match constraint.kind {
        ConstraintKind::Check { .. } => "check",
        ConstraintKind::Exclude(_) => "exclude",
        ConstraintKind::ForeignKey(_) => "foreign-key",
        ConstraintKind::NotNull { .. } => "not-null",
        ConstraintKind::PrimaryKey(_) => "primary-key",
        ConstraintKind::Unique(_) => "unique",
    };
    site.constraints().iter().map(name).collect()
}

const VERBS: &[&str] = &["insert", "update", "delete", "merge", "truncate", "copy", "select"];

fn verb(site: &Site<'_>) -> Vec<&'static str> {
    let Change::Data(data) = site.change() else { return Vec::new() };
    vec![match data.verb {
        Verb::Insert => "insert",
        Verb::Update => "update",
        Verb::Delete => "delete",
        Verb::Merge => "merge",
        Verb::Truncate => "truncate",
        Verb::Copy => "copy",
        Verb::Select => "select",
    }]
}

const DEFAULTS: &[&str] = &["none", "null", "steady", "volatile"];

/// The column that an ADD COLUMN adds.
fn added<'a>(site: &Site<'a>) -> Option<&'a AddColumn> {
    if let Change::AddColumn(add) = site.change() { Some(add) } else { None }
}

fn default(site: &Site<'_>) -> Vec<&'static str> {
    let Some(add) = added(site) else { return Vec::new() };
    let catalog = &site.entry.before;
    let Some(default) = add.column.default.as_ref().or_else(|| domain(&add.column.data_type, catalog).and_then(|(_, default)| default))
    else {
        return vec!["none"];
    };
    if postgres::is_null(default) {
        return vec!["null"];
    }
    vec![match postgres::volatility(default, catalog) {
        Volatility::Immutable | Volatility::Stable => "steady",
        Volatility::Volatile => "volatile",
    }]
}

/// Of a domain: whether it refuses NULL, and its default. Domains below it included.
fn domain<'a>(data_type: &DataType, catalog: &'a Catalog) -> Option<(bool, Option<&'a Sql>)> {
    if data_type.dimensions > 0 {
        return None;
    }
    match &catalog.types.get(&data_type.name)?.kind {
        TypeKind::Domain { base, default, not_null, .. } => {
            let (base_not_null, base_default) = domain(base, catalog).unwrap_or((false, None));
            Some((*not_null || base_not_null, default.as_ref().or(base_default)))
        }
        TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => None,
    }
}

const GENERATED: &[&str] = &["none", "stored", "virtual"];

fn generated(site: &Site<'_>) -> Vec<&'static str> {
    let Some(add) = added(site) else { return Vec::new() };
    vec![match add.column.generated.as_ref().map(|generated| generated.kind) {
        Some(GeneratedKind::Stored) => "stored",
        Some(GeneratedKind::Virtual) => "virtual",
        None => "none",
    }]
}

const CONDITIONS: &[&str] = &["none", "unbounded", "by-key"];

/// `by-key` if a column of a primary key or unique constraint is compared with something.
fn condition(site: &Site<'_>) -> Vec<&'static str> {
    let Change::Data(data) = site.change() else { return Vec::new() };
    if !matches!(data.verb, Verb::Update | Verb::Delete) {
        return Vec::new();
    }
    let Some(condition) = &data.condition else { return vec!["none"] };
    if is_always_true(condition) {
        return vec!["none"];
    }
    let mut keys = site.table().into_iter().flat_map(|table| &table.constraints).filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => Some(&key.columns),
        ConstraintKind::Check { .. } | ConstraintKind::Exclude(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::NotNull { .. } => None,
    });
    let by_key = keys.any(|columns| columns.iter().all(|column| condition.mentions(column)));
    vec![if by_key { "by-key" } else { "unbounded" }]
}

fn is_always_true(condition: &Sql) -> bool {
    let [crate::schema::Part::Text(text)] = condition.parts.as_slice() else { return false };
    let text: String = text.to_lowercase().chars().filter(|c| !c.is_whitespace() && *c != '(' && *c != ')').collect();
    text == "true" || text.split_once('=').is_some_and(|(left, right)| left == right)
}

const TYPE_CHANGES: &[&str] = &["metadata", "index-rebuild", "rewrite"];

fn type_change(site: &Site<'_>) -> Vec<&'static str> {
    let Change::ChangeType { data_type, collation, using, .. } = site.change() else { return Vec::new() };
    let change = site.column().map_or(TypeChange::Rewrite, |column| {
        let retype = Retype { column, to: data_type, collation: collation.as_ref(), using: using.as_ref() };
        postgres::type_change(&retype, &site.entry.before)
    });
    vec![match change {
        TypeChange::Metadata => "metadata",
        TypeChange::IndexRebuild => "index-rebuild",
        TypeChange::Rewrite => "rewrite",
    }]
}

fn concurrently(site: &Site<'_>) -> bool {
    matches!(
        site.change(),
        Change::CreateIndex { concurrency: Concurrency::Concurrently, .. }
            | Change::DropIndex { concurrency: Concurrency::Concurrently, .. }
            | Change::Reindex { concurrency: Concurrency::Concurrently, .. }
            | Change::DetachPartition { concurrency: Concurrency::Concurrently, .. }
            | Change::RefreshMaterializedView { concurrency: Concurrency::Concurrently, .. }
    )
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other change is about no index")]
fn unique(site: &Site<'_>) -> bool {
    match site.change() {
        Change::CreateIndex { index, .. } => index.uniqueness == Uniqueness::Unique,
        Change::DropIndex { index, .. } => site.entry.before.indexes.get(index).is_some_and(|index| index.uniqueness == Uniqueness::Unique),
        _ => false,
    }
}

fn cascade(site: &Site<'_>) -> bool {
    matches!(
        site.change(),
        Change::DropTable { behavior: DropBehavior::Cascade, .. }
            | Change::DropColumn { behavior: DropBehavior::Cascade, .. }
            | Change::DropConstraint { behavior: DropBehavior::Cascade, .. }
            | Change::DropIndex { behavior: DropBehavior::Cascade, .. }
            | Change::DropObject { behavior: DropBehavior::Cascade, .. }
            | Change::DropSchema { behavior: DropBehavior::Cascade, .. }
    )
}

fn identity(site: &Site<'_>) -> bool {
    added(site).is_some_and(|add| add.serial || add.column.identity.is_some())
}

fn not_null(site: &Site<'_>) -> bool {
    added(site).is_some_and(|add| {
        let by_domain = domain(&add.column.data_type, &site.entry.before).is_some_and(|(not_null, _)| not_null);
        let by_key = add
            .constraints
            .iter()
            .any(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::NotNull { .. }));
        add.column.not_null || by_domain || by_key
    })
}

fn constrained_domain(site: &Site<'_>) -> bool {
    added(site).is_some_and(|add| postgres::is_constrained_domain(&add.column.data_type, &site.entry.before))
}

fn column_is_new(site: &Site<'_>) -> bool {
    match (site.table_name(), site.column_name()) {
        (Some(table), Some(column)) => site.newborn.column(table, column),
        _ => false,
    }
}

fn column_is_missing(site: &Site<'_>) -> bool {
    match (site.table(), site.column_name()) {
        (Some(table), Some(column)) => table.column(column).is_none() && !site.entry.before.is_unknown(ObjectKind::Table, &table.name),
        _ => false,
    }
}

/// Whether a client that leaves the column out still writes a value.
fn fills_itself(column: &Column) -> bool {
    column.identity.is_some() || column.generated.is_some() || column.default.as_ref().is_some_and(|default| !postgres::is_null(default))
}

const LOCK_MODES: &[&str] = &[
    "access-share",
    "row-share",
    "row-exclusive",
    "share-update-exclusive",
    "share",
    "share-row-exclusive",
    "exclusive",
    "access-exclusive",
];

fn lock(site: &Site<'_>) -> Option<usize> {
    let strongest = site.locks_by_strength().first()?.mode;
    Some(match strongest {
        LockMode::AccessShare => 0,
        LockMode::RowShare => 1,
        LockMode::RowExclusive => 2,
        LockMode::ShareUpdateExclusive => 3,
        LockMode::Share => 4,
        LockMode::ShareRowExclusive => 5,
        LockMode::Exclusive => 6,
        LockMode::AccessExclusive => 7,
    })
}

const HELD: &[&str] = &["brief", "scan", "rewrite"];

fn held(site: &Site<'_>) -> Option<usize> {
    site.locks_by_strength().iter().map(|lock| lock.held).max().map(|held| match held {
        Held::Brief => 0,
        Held::Scan => 1,
        Held::Rewrite => 2,
    })
}

const WORK: &[&str] = &["rewrites-table", "copies-table", "empties-table", "scans-table", "builds-index", "changes-rows"];

fn work(site: &Site<'_>) -> Vec<&'static str> {
    let name = |work: &Work| match work {
        Work::RewritesTable(_) => "rewrites-table",
        Work::CopiesTable(_) => "copies-table",
        Work::EmptiesTable(_) => "empties-table",
        Work::ScansTable(_) => "scans-table",
        Work::BuildsIndex { .. } => "builds-index",
        Work::ChangesRows(_) => "changes-rows",
    };
    site.work().map(name).collect()
}
