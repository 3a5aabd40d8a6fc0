//! The plan file: what is written to `plans/`, reviewed like code, and run by `apply`. Every name here is published.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of `format` in every plan file of this version.
pub const FORMAT: &str = "concertina.plan/1";

/// A release of the application, by the name under which it is planned (`42`, `2026.11`). Releases are ordered by the
/// chain of plans, not by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Release(pub String);

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step's stable, readable id: `42/expand/users.full_name/add-column`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub String);

impl StepId {
    /// What the step does: `add-column`, also of the second one of its kind, `…/add-column-2`.
    pub fn slug(&self) -> &str {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix('-').unwrap_or(last)
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the deploy of one release does to the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always `concertina.plan/1`.
    pub format: String,
    /// The release that this plan rolls out.
    pub release: Release,
    /// The engine that the SQL is for: `postgresql`.
    pub engine: String,
    /// The oldest major version of the engine that the SQL is for.
    pub engine_version: u32,
    /// The plan before this one in the chain; none for the first.
    pub predecessor: Option<Predecessor>,
    /// Whether everything in `migrations` was applied by another tool before concertina (then there are no steps).
    #[serde(default, skip_serializing_if = "is_false")]
    pub adopted: bool,
    /// The migrations that belong to this release.
    pub migrations: Vec<PlannedMigration>,
    /// The schema that clients of the release must have first in their `search_path` until contract, if the release shows them
    /// tables by views (`strategy views`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views_schema: Option<String>,
    /// What earlier releases hold and this one can't be run beside: it is dropped before anything else is done, however short
    /// the time that it was held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends_holds: Vec<EndedHold>,
    /// The schema that the plan starts from.
    pub starts_from: Start,
    /// What the deploy does, in order: contract of earlier releases, expand, migrate. Then the release is rolled out.
    pub steps: Vec<Step>,
    /// The contract steps that this release and earlier ones leave to later deploys, fully written.
    pub deferred: Vec<Step>,
}

impl Plan {
    /// The plan file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a plan has only text as keys");
        text.push('\n');
        text
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(b: &bool) -> bool {
    !*b
}

/// A hold that ends with a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedHold {
    /// The step of an earlier release that drops what is held.
    pub step: StepId,
    /// Which statement it would be in the way of, and how.
    pub why: String,
}

/// The plan before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// Its release.
    pub release: Release,
    /// The SHA-256 of its file, in hexadecimal.
    pub digest: String,
}

/// A migration that a plan covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedMigration {
    /// Its path, relative to the migrations folder, with `/`.
    pub path: String,
    /// The SHA-256 of its file, in hexadecimal.
    pub sha256: String,
}

/// The schema that a plan starts from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The SHA-256 of the whole schema as the migrations before this release build it.
    pub digest: String,
    /// The tables that the plan touches (`schema.table`), with their columns as they must be found before the first
    /// step. A database in which they differ is another database.
    pub tables: BTreeMap<String, Vec<StartColumn>>,
}

/// A column that must be found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartColumn {
    /// Its name.
    pub name: String,
    /// Its type as PostgreSQL's `format_type` prints it.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// When a step runs, seen from the release that introduced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Removes and tightens what an earlier release left. Runs first in a deploy, when no client older than the release
    /// that introduced it is left.
    Contract,
    /// Adds and loosens. Old and new clients are served by what it makes.
    Expand,
    /// Moves data. Complete before new clients start.
    Migrate,
}

impl Phase {
    /// The order in which a deploy runs them.
    pub const IN_ORDER: [Self; 3] = [Self::Contract, Self::Expand, Self::Migrate];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contract => "contract",
            Self::Expand => "expand",
            Self::Migrate => "migrate",
        })
    }
}

/// One thing that the executor does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable, readable, unique in the chain.
    pub id: StepId,
    /// Its phase.
    pub phase: Phase,
    /// The release whose change it belongs to.
    pub introduced_by: Release,
    /// Of a contract step: how many deploys after the one of `introduced_by` it becomes due (1 is the next one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_after: Option<u32>,
    /// What it does, in words.
    pub about: String,
    /// Who is protected from what, in words: why it stands where it stands.
    pub why: String,
    /// The statements of migrations that it comes from.
    pub origin: Vec<Origin>,
    /// What is run, in order. In a chunked step it is in `backfill` instead.
    pub sql: Vec<String>,
    /// How it is run.
    pub transaction: Transaction,
    /// What a chunked step runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
    /// The strongest lock that it takes on each relation that was there before.
    pub locks: Vec<RelationLock>,
    /// How long it waits for a lock, each time. Zero: no limit.
    pub lock_wait: Milliseconds,
    /// How long a statement of it may run. Zero: no limit.
    pub statement_time: Milliseconds,
    /// The steps that must be done before it.
    pub needs: Vec<StepId>,
    /// How to see whether it is done.
    pub probe: Probe,
    /// How to take it back.
    pub undo: Undo,
    /// What must be true before it begins.
    pub gates: Vec<Gate>,
    /// What a reviewer must know and accept.
    pub hazards: Vec<Hazard>,
}

/// A statement of a migration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The migration's path, relative to the migrations folder.
    pub file: String,
    /// The line on which the statement or the part of it begins, from 1.
    pub line: u32,
    /// The statement or the part of it, as written.
    pub statement: String,
}

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Milliseconds(pub u64);

/// How a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// All its statements in one transaction, together with its ledger row.
    Own,
    /// Each statement by itself, outside a transaction; its probe tells whether it is done.
    None,
    /// Many small transactions, each with its cursor.
    Chunked,
}

/// A change of rows in small transactions that walks over a table by a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// The table, quoted and with its schema.
    pub table: String,
    /// The key by which it is walked, each column quoted, with its type. Empty: walked by `ctid`.
    pub key: Vec<KeyColumn>,
    /// Finds the end of the next chunk: one row with the key columns (as text) of its last row, or none at the end of
    /// the table. `$1` … `$k` are the key (as text) after which to begin, `$k+1` the number of rows; in `first_chunk_end`,
    /// for the first chunk, `$1` is the number of rows.
    pub chunk_end: String,
    /// The same for the first chunk.
    pub first_chunk_end: String,
    /// Changes one chunk: rows after the key `$1` … `$k` and up to `$k+1` … `$2k` (all as text).
    pub chunk: String,
    /// The same for the first chunk: rows up to `$1` … `$k`.
    pub first_chunk: String,
    /// Counts the rows that are still not as they should be: one row, one bigint. Zero is done.
    pub remaining: String,
    /// What the triggers that keep two shapes in step do meanwhile.
    #[serde(default)]
    pub sync: SyncTriggers,
}

/// What the triggers that keep two shapes in step do while a chunk is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyncTriggers {
    /// They stand aside (`SET LOCAL concertina.backfill = 'on'`): the chunk writes what they would.
    #[default]
    StandAside,
    /// They fire: the chunk changes data of the user's, which both shapes must show.
    Fire,
}

/// A column of the key by which a backfill walks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyColumn {
    /// Its name, quoted.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// A lock on a relation and how long it is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationLock {
    /// `schema.table`.
    pub relation: String,
    /// The strongest mode.
    pub mode: LockMode,
    /// How long.
    pub held: Held,
}

pub use crate::engine::{Held, LockMode};

/// How to see whether a step is done. Both are queries that give one row with one boolean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// True if the step's effect is in place.
    pub done: String,
    /// For what a broken-off step can leave behind (an invalid index): the query that finds it and the SQL that clears
    /// it away, after which the step is run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftover: Option<Leftover>,
}

/// What a broken-off step can leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leftover {
    /// True if it is there.
    pub found: String,
    /// Clears it away; run outside a transaction.
    pub clear: String,
}

/// How to take a step back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Undo {
    /// By running this.
    Sql {
        /// What is run, in order.
        sql: Vec<String>,
        /// `own` or `none`.
        transaction: Transaction,
    },
    /// There is nothing to take back.
    Needless,
    /// It can't be taken back.
    Impossible {
        /// What is lost.
        loses: String,
    },
}

/// What must be true before a step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Gate {
    /// A query gives zero: rows that differ, rows that a constraint would refuse.
    Zero {
        /// What is counted, in words: `rows of users in which full_name differs from name`.
        counts: String,
        /// One row, one bigint.
        sql: String,
    },
    /// The oldest release still running is at least this one: the operator says so by starting the contract phase.
    ReleaseReached {
        /// The oldest release that may still run.
        release: Release,
    },
    /// What is dropped here has been held long enough. A step behind this gate holds nothing up: until it is open, a contract
    /// phase leaves the step out, and the first contract phase after that, of whichever release, runs it.
    Held {
        /// The step since whose end it is held.
        step: StepId,
        /// How long.
        hold: Milliseconds,
        /// What is held, in words: `column age of users, as concertina_held_users_age_1d0c1f0a`.
        what: String,
    },
}

impl Step {
    /// Whether a reviewer must accept this of it.
    pub fn has_hazard(&self, kind: HazardKind) -> bool {
        self.hazards.iter().any(|hazard| hazard.kind == kind)
    }

    /// What the step is about, as its id says it: a table, a column (`users.age`), a type.
    pub fn subject(&self) -> &str {
        let rest = self.id.0.strip_prefix(&self.introduced_by.0).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let subject = rest.split_once('/').map_or("", |(_, rest)| rest);
        subject.rsplit_once('/').map_or(subject, |(subject, _)| subject)
    }

    /// The step that holds what this one drops, and how long.
    pub fn held(&self) -> Option<(&StepId, Milliseconds, &str)> {
        self.gates.iter().find_map(|gate| match gate {
            Gate::Held { step, hold, what } => Some((step, *hold, what.as_str())),
            Gate::Zero { .. } | Gate::ReleaseReached { .. } => None,
        })
    }
}

/// A fact about a step that a reviewer must accept by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// Its name.
    pub kind: HazardKind,
    /// What it means here.
    pub detail: String,
}

/// The hazards that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HazardKind {
    /// Old clients may read what only new clients write (NULL, a new enum value, a longer text).
    OldClientsReadNewValues,
    /// New clients may read what only old clients write, until contract.
    NewClientsReadOldValues,
    /// Statements that were prepared before the step fail once: "cached plan must not change result type".
    CachedPlans,
    /// Data is lost for good.
    DataLoss,
    /// Writers wait while the step runs.
    BlocksWrites,
    /// Readers and writers wait while the step runs.
    BlocksReads,
    /// The table is read from end to end under a lock.
    Scans,
    /// The table is written anew under a lock.
    Rewrites,
    /// Rows are changed in one transaction that may be long.
    LongTransaction,
    /// Running it twice gives another result, so it can't be resumed in the middle.
    NotRepeatable,
    /// The shape differs from what clients see with `SELECT *`, COPY without columns, or by position.
    ColumnOrder,
    /// A client that does what a view can't breaks.
    ThroughView,
    /// A name that clients may use is another.
    NameGone,
    /// The effect can't be told from the statement.
    Opaque,
    /// A directive moved the change out of its place.
    MovedByDirective,
    /// Writes that are accepted today will be refused.
    RefusesWrites,
    /// A NULL that a client inserts is taken for no value, and filled, until contract.
    FillsNull,
    /// Two unique indexes stand over one key, so that one of two upserts of it at the same moment may fail.
    UpsertsCollide,
    /// Triggers of the user's fire for rows that no client changes.
    FiresTriggers,
    /// It can't be taken back.
    NoUndo,
    /// Dependent objects are dropped with it.
    DropsDependents,
}
