//! Runs the steps of a plan, forth and back, and watches what each locks, rewrites and reads. One session, no clients: what
//! clients meet is tried between the steps.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row as _};

use super::client::{execute, texts};
use super::shared::once;
use crate::db::postgres::trusted;
use crate::plan::{Backfill, Gate, Held, LockMode, Step, SyncTriggers, Transaction, UNKNOWABLE, Undo};

/// Why a step did not do what the plan says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) sql: String,
    pub(super) expected: String,
    pub(super) found: String,
}

/// What a step did to relations that were there before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    pub(super) locks: BTreeMap<Vec<String>, LockMode>,
    pub(super) rewritten: Vec<Vec<String>>,
    pub(super) read: Vec<Vec<String>>,
    /// Tables whose rows it changed, itself or by triggers that it fired.
    pub(super) written: BTreeSet<String>,
}

type Attempt<T> = Result<Result<T, Failure>, sqlx::Error>;

/// Rows of a chunk: few, so that a table with a hundred rows has several.
const CHUNK: i64 = 30;

/// Runs a step. `there` are the tables that its release has found.
pub(super) async fn forth(connection: &mut PgConnection, step: &Step, there: &Relations) -> Attempt<Observed> {
    if let Err(failure) = gates(connection, step).await? {
        return Ok(Err(failure));
    }
    let observed = match (step.transaction, &step.backfill) {
        (Transaction::Own, _) => own(connection, &step.sql, Some(there)).await?,
        (Transaction::None, _) => apart(connection, &step.sql).await?,
        (Transaction::Chunked, Some(backfill)) => chunks(connection, backfill).await?,
        (Transaction::Chunked, None) => Ok(Observed::default()),
    };
    let observed = match observed {
        Ok(observed) => observed,
        Err(failure) => return Ok(Err(failure)),
    };
    let done = &step.probe.done;
    if done == UNKNOWABLE {
        return Ok(Ok(observed));
    }
    Ok(match one(connection, done).await? {
        Ok(found) if found.as_deref() == Some("true") || found.as_deref() == Some("t") => Ok(observed),
        Ok(found) => Err(failure(done, "the probe says that the step is done", &format!("it says {}", found.unwrap_or_default()))),
        Err(failure) => Err(failure),
    })
}

/// Takes a step back. `None` if it has no way back.
pub(super) async fn back(connection: &mut PgConnection, step: &Step) -> Attempt<Option<()>> {
    Ok(match &step.undo {
        Undo::Needless => Ok(Some(())),
        Undo::Impossible { .. } => Ok(None),
        Undo::Sql { sql, transaction: Transaction::Own } => own(connection, sql, None).await?.map(|_| Some(())),
        Undo::Sql { sql, .. } => apart(connection, sql).await?.map(|_| Some(())),
    })
}

/// Takes steps back in the transaction that is open, the last one first. False if that fails, or if one of them needs
/// more than one transaction.
pub(super) async fn back_here(connection: &mut PgConnection, steps: &[&Step]) -> Result<bool, sqlx::Error> {
    for step in steps.iter().rev() {
        let sql = match &step.undo {
            Undo::Needless => continue,
            Undo::Sql { sql, transaction: Transaction::Own } => sql,
            Undo::Sql { .. } | Undo::Impossible { .. } => return Ok(false),
        };
        for statement in sql {
            if attempt(connection, statement).await?.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn failure(sql: &str, expected: &str, found: &str) -> Failure {
    Failure { sql: sql.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
}

/// What the server refuses is the step's failure; what else goes wrong is ours.
async fn attempt(connection: &mut PgConnection, sql: &str) -> Attempt<Vec<sqlx::postgres::PgRow>> {
    match sqlx::raw_sql(trusted(&once(sql))).fetch_all(&mut *connection).await {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) => match error.as_database_error().map(|error| error.message().to_owned()) {
            Some(message) => Ok(Err(failure(sql, "it works", &format!("error: {message}")))),
            None => Err(error),
        },
    }
}

async fn one(connection: &mut PgConnection, sql: &str) -> Attempt<Option<String>> {
    Ok(match attempt(connection, &format!("SELECT ({sql})::text")).await? {
        Ok(rows) => Ok(rows.first().map(texts).transpose()?.and_then(|row| row.into_iter().next().flatten())),
        Err(failure) => Err(failure),
    })
}

/// What a query counts; none where it can't be run yet.
pub(super) async fn count(connection: &mut PgConnection, sql: &str) -> Result<Option<i64>, sqlx::Error> {
    Ok(one(connection, sql).await?.ok().flatten().and_then(|count| count.parse().ok()))
}

/// Whether all gates of a step are open.
pub(super) async fn gates(connection: &mut PgConnection, step: &Step) -> Attempt<()> {
    for gate in &step.gates {
        if let Gate::Zero { counts, sql } = gate {
            match one(connection, sql).await? {
                Ok(Some(count)) if count == "0" => {}
                Ok(count) => {
                    return Ok(Err(failure(sql, &format!("there are no {counts}"), &format!("there are {}", count.unwrap_or_default()))));
                }
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }
    Ok(Ok(()))
}

async fn own(connection: &mut PgConnection, statements: &[String], there: Option<&Relations>) -> Attempt<Observed> {
    let mut before = relations(connection).await?;
    // What came to be in this release has no clients yet.
    before.retain(|relation, _| there.is_some_and(|there| there.contains_key(relation)));
    for (relation, (names, _)) in &mut before {
        // A plan may go on calling a table what it was called when the release began.
        names.extend(there.and_then(|there| there.get(relation)).map(|(first, _)| first.clone()).unwrap_or_default());
    }
    execute(connection, "BEGIN").await?;
    // The counters go on from what earlier transactions of the session have not yet handed over.
    let read_before = reads(connection).await?;
    for statement in statements {
        if let Err(failure) = attempt(connection, statement).await? {
            execute(connection, "ROLLBACK").await?;
            return Ok(Err(failure));
        }
    }
    let observed = observe(connection, &before, &read_before).await?;
    match attempt(connection, "COMMIT").await? {
        Ok(_) => Ok(Ok(observed)),
        Err(failure) => Ok(Err(failure)),
    }
}

async fn apart(connection: &mut PgConnection, statements: &[String]) -> Attempt<Observed> {
    for statement in statements {
        if let Err(failure) = attempt(connection, statement).await? {
            return Ok(Err(failure));
        }
    }
    Ok(Ok(Observed::default()))
}

async fn chunks(connection: &mut PgConnection, backfill: &Backfill) -> Attempt<Observed> {
    let mut cursor: Option<Vec<String>> = None;
    let mut observed = Observed::default();
    loop {
        execute(connection, "BEGIN").await?;
        if backfill.sync == SyncTriggers::StandAside {
            execute(connection, "SET LOCAL concertina.backfill = 'on'").await?;
        }
        let (end, change) = match &cursor {
            Some(_) => (&backfill.chunk_end, &backfill.chunk),
            None => (&backfill.first_chunk_end, &backfill.first_chunk),
        };
        let after = cursor.clone().unwrap_or_default();
        let bound = after.iter().fold(sqlx::query(trusted(end)).persistent(false), |query, key| query.bind(key.clone())).bind(CHUNK);
        let found = match bound.fetch_optional(&mut *connection).await {
            Ok(found) => {
                found.as_ref().map(|row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<Vec<String>, _>>()).transpose()?
            }
            Err(error) => return refused(connection, end, error).await,
        };
        let Some(key) = found else { break };
        let parameters = [after, key.clone()].concat();
        let query = parameters.iter().fold(sqlx::query(trusted(change)).persistent(false), |query, key| query.bind(key.clone()));
        if let Err(error) = query.execute(&mut *connection).await {
            return refused(connection, change, error).await;
        }
        observed.written.extend(written(connection).await?);
        execute(connection, "COMMIT").await?;
        cursor = Some(key);
    }
    execute(connection, "COMMIT").await?;
    Ok(match one(connection, &backfill.remaining).await? {
        Ok(Some(count)) if count == "0" => Ok(observed),
        Ok(count) => Err(failure(&backfill.remaining, "no row is left", &format!("{} are", count.unwrap_or_default()))),
        Err(failure) => Err(failure),
    })
}

async fn refused(connection: &mut PgConnection, sql: &str, error: sqlx::Error) -> Attempt<Observed> {
    let Some(message) = error.as_database_error().map(|error| error.message().to_owned()) else { return Err(error) };
    execute(connection, "ROLLBACK").await?;
    Ok(Err(failure(sql, "it works", &format!("error: {message}"))))
}

/// Tables by number: what they are called, first their own name, then that of the table whose partition they are; and their file.
pub(super) type Relations = BTreeMap<i64, (Vec<String>, i64)>;

const RELATIONS: &str = "SELECT c.oid::int8, ARRAY(SELECT m.nspname || '.' || a.relname FROM pg_catalog.pg_class a JOIN pg_catalog.pg_namespace m ON m.oid = a.relnamespace
        WHERE a.oid = c.oid OR a.oid = pg_catalog.pg_partition_root(c.oid) ORDER BY a.oid <> c.oid), c.relfilenode::int8
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'concertina', 'pg_toast')";

pub(super) async fn relations(connection: &mut PgConnection) -> Result<Relations, sqlx::Error> {
    let rows = sqlx::query(RELATIONS).persistent(false).fetch_all(&mut *connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

/// How often each table was read from end to end.
async fn reads(connection: &mut PgConnection) -> Result<BTreeMap<i64, i64>, sqlx::Error> {
    let read = sqlx::query("SELECT relid::int8, seq_scan FROM pg_catalog.pg_stat_xact_all_tables WHERE seq_scan > 0 AND seq_tup_read > 0");
    let rows = read.persistent(false).fetch_all(&mut *connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The tables whose rows the open transaction changed.
async fn written(connection: &mut PgConnection) -> Result<BTreeSet<String>, sqlx::Error> {
    let locked = sqlx::query_scalar(
        "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND c.relkind IN ('r', 'p')",
    );
    Ok(locked.persistent(false).fetch_all(&mut *connection).await?.into_iter().collect())
}

async fn observe(connection: &mut PgConnection, before: &Relations, read_before: &BTreeMap<i64, i64>) -> Result<Observed, sqlx::Error> {
    let mut observed = Observed { written: written(connection).await?, ..Observed::default() };
    let locks = sqlx::query(
        "SELECT relation::int8, mode FROM pg_catalog.pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted",
    );
    for row in locks.persistent(false).fetch_all(&mut *connection).await? {
        let (relation, mode): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if let (Some((name, _)), Some(mode)) = (before.get(&relation), mode_of(&mode)) {
            let strongest = observed.locks.entry(name.clone()).or_insert(mode);
            *strongest = (*strongest).max(mode);
        }
    }
    for (relation, (_, file)) in relations(connection).await? {
        if let Some((name, old)) = before.get(&relation)
            && *old != file
        {
            observed.rewritten.push(name.clone());
        }
    }
    for (relation, count) in reads(connection).await? {
        if let Some((name, _)) = before.get(&relation)
            && count > read_before.get(&relation).copied().unwrap_or_default()
        {
            observed.read.push(name.clone());
        }
    }
    Ok(observed)
}

/// Locks that DDL takes. What queries and writes take disturbs nobody who queries and writes.
fn mode_of(name: &str) -> Option<LockMode> {
    match name {
        "ShareUpdateExclusiveLock" => Some(LockMode::ShareUpdateExclusive),
        "ShareLock" => Some(LockMode::Share),
        "ShareRowExclusiveLock" => Some(LockMode::ShareRowExclusive),
        "ExclusiveLock" => Some(LockMode::Exclusive),
        "AccessExclusiveLock" => Some(LockMode::AccessExclusive),
        _ => None,
    }
}

/// Locks, rewrites and reads that the plan does not tell of.
pub(super) fn undeclared(step: &Step, observed: &Observed) -> Vec<(String, String)> {
    let declared = |names: &[String]| step.locks.iter().filter(|lock| names.contains(&lock.relation)).max_by_key(|lock| lock.mode);
    let says = |names: &[String]| {
        let what = declared(names).map_or_else(|| "no lock".to_owned(), |lock| format!("{} ({:?})", lock.mode, lock.held));
        format!("{}: {what}", names.first().map(String::as_str).unwrap_or_default())
    };
    let mut found = Vec::new();
    for (relation, mode) in &observed.locks {
        if declared(relation).is_none_or(|lock| lock.mode < *mode) {
            found.push((says(relation), format!("{mode}")));
        }
    }
    // Of a table that is emptied the new file and the new indexes are empty.
    let empties = step.sql.iter().any(|sql| sql.to_ascii_uppercase().contains("TRUNCATE"));
    for relation in &observed.rewritten {
        if declared(relation).is_none_or(|lock| lock.held < Held::Rewrite) && !empties {
            found.push((says(relation), "the table is written anew".to_owned()));
        }
    }
    for relation in observed.read.iter().filter(|_| !empties) {
        let locked = observed.locks.get(relation).is_some_and(|mode| *mode >= LockMode::Share);
        if locked && declared(relation).is_none_or(|lock| lock.held < Held::Scan) {
            found.push((says(relation), "the table is read under the lock".to_owned()));
        }
    }
    found
}
