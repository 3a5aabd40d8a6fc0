//! Writes the ledger. Within a transaction that has passed the fence the epoch can't change; still each statement names it.

use sqlx::postgres::PgConnection;

use crate::apply::ledger::{Backend, BackfillEntry, How, State};
use crate::plan::{Phase, Release, StepId};

/// Whether the lease is still ours; if so, it stays so until this transaction ends, for taking it changes the key that is
/// locked here. Renewing it does not.
pub(in crate::apply) async fn fence(connection: &mut PgConnection, epoch: i64) -> Result<bool, sqlx::Error> {
    let ours: Option<bool> = sqlx::query_scalar("SELECT true FROM concertina.lease WHERE epoch = $1 FOR KEY SHARE")
        .bind(epoch)
        .fetch_optional(connection)
        .await?;
    Ok(ours.is_some())
}

/// Notes that a plan is begun.
pub(in crate::apply) async fn register(
    connection: &mut PgConnection,
    epoch: i64,
    release: &Release,
    digest: &str,
) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO concertina.plan (release, digest, epoch) SELECT $2, $3, epoch FROM concertina.lease WHERE epoch = $1
            ON CONFLICT (release) DO UPDATE SET digest = excluded.digest, epoch = excluded.epoch",
    );
    Ok(query.bind(epoch).bind(&release.0).bind(digest).execute(connection).await?.rows_affected())
}

/// Forgets a plan of which nothing is in place. Its steps stay, as undone.
pub(in crate::apply) async fn forget(connection: &mut PgConnection, epoch: i64, release: &Release) -> Result<u64, sqlx::Error> {
    let query = sqlx::query("DELETE FROM concertina.plan WHERE release = $2 AND EXISTS (SELECT FROM concertina.lease WHERE epoch = $1)");
    Ok(query.bind(epoch).bind(&release.0).execute(connection).await?.rows_affected())
}

/// What is written about a step.
#[derive(Debug, Clone, Copy)]
pub(in crate::apply) struct Outcome<'a> {
    pub(in crate::apply) step: &'a StepId,
    /// The plan that ran it.
    pub(in crate::apply) release: &'a Release,
    pub(in crate::apply) phase: Phase,
    pub(in crate::apply) state: State,
    pub(in crate::apply) how: How,
    pub(in crate::apply) backend: Option<&'a Backend>,
    pub(in crate::apply) error: Option<&'a str>,
}

/// Writes the state of a step. Gives the number of rows written: none if the lease is not ours.
pub(in crate::apply) async fn mark(connection: &mut PgConnection, epoch: i64, outcome: Outcome<'_>) -> Result<u64, sqlx::Error> {
    let begins = matches!(outcome.state, State::Started | State::Undoing);
    let query = sqlx::query(
        "INSERT INTO concertina.step AS s (id, release, phase, state, how, epoch, backend_pid, backend_began, started, ended, error)
            SELECT $2, $3, $4, $5, $6, epoch, $7, $8::timestamptz, clock_timestamp(), CASE WHEN $9 THEN NULL ELSE clock_timestamp() END, $10
                FROM concertina.lease WHERE epoch = $1
            ON CONFLICT (id) DO UPDATE SET release = excluded.release, phase = excluded.phase, state = excluded.state,
                how = excluded.how, epoch = excluded.epoch, error = excluded.error, ended = excluded.ended,
                backend_pid = coalesce(excluded.backend_pid, s.backend_pid), backend_began = coalesce(excluded.backend_began, s.backend_began),
                started = CASE WHEN $9 OR s.ended IS NOT NULL THEN excluded.started ELSE s.started END",
    );
    let written = query
        .bind(epoch)
        .bind(&outcome.step.0)
        .bind(&outcome.release.0)
        .bind(outcome.phase.to_string())
        .bind(outcome.state.name())
        .bind(outcome.how.name())
        .bind(outcome.backend.map(|backend| backend.pid))
        .bind(outcome.backend.map(|backend| backend.began.as_str()))
        .bind(begins)
        .bind(outcome.error)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    let detail = outcome.error.unwrap_or_default();
    event(connection, epoch, Some(outcome.release), Some(outcome.step), outcome.state.name(), detail).await?;
    Ok(written)
}

/// Writes how far a backfill is.
pub(in crate::apply) async fn save_backfill(
    connection: &mut PgConnection,
    epoch: i64,
    step: &StepId,
    entry: &BackfillEntry,
) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO concertina.backfill (step, cursor, walk, walked, changed, chunk, epoch, at)
            SELECT $2, $3, $4, $5, $6, $7, epoch, clock_timestamp() FROM concertina.lease WHERE epoch = $1
            ON CONFLICT (step) DO UPDATE SET cursor = excluded.cursor, walk = excluded.walk, walked = excluded.walked,
                changed = excluded.changed, chunk = excluded.chunk, epoch = excluded.epoch, at = excluded.at",
    );
    let query = query.bind(epoch).bind(&step.0).bind(entry.cursor.as_deref()).bind(entry.walk);
    let query = query.bind(entry.walked).bind(entry.changed).bind(entry.chunk);
    Ok(query.execute(connection).await?.rows_affected())
}

/// Appends to the ledger's story.
pub(in crate::apply) async fn event(
    connection: &mut PgConnection,
    epoch: i64,
    release: Option<&Release>,
    step: Option<&StepId>,
    kind: &str,
    detail: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO concertina.event (epoch, release, step, kind, detail) SELECT epoch, $2, $3, $4, $5 FROM concertina.lease WHERE epoch = $1")
        .bind(epoch)
        .bind(release.map(|release| release.0.as_str()))
        .bind(step.map(|step| step.0.as_str()))
        .bind(kind)
        .bind(detail)
        .execute(connection)
        .await
        .map(drop)
}
