//! Reads the ledger into a value.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use crate::apply::error::{Error, doing};
use crate::apply::ledger::{Backend, BackfillEntry, Entry, How, LeaseEntry, Ledger, PlanEntry, State, phase};
use crate::plan::{Release, StepId};

/// Whether the database has a ledger.
pub(in crate::apply) async fn is_there(connection: &mut PgConnection) -> Result<bool, Error> {
    sqlx::query_scalar("SELECT to_regclass('concertina.ledger') IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(doing("looking for the ledger"))
}

/// Reads all of it; an empty one where there is none.
pub(in crate::apply) async fn read(connection: &mut PgConnection) -> Result<Ledger, Error> {
    if !is_there(connection).await? {
        return Ok(Ledger::default());
    }
    all(connection).await.map_err(doing("reading the ledger"))
}

async fn all(connection: &mut PgConnection) -> Result<Ledger, sqlx::Error> {
    let plans = sqlx::query("SELECT release, digest, date_trunc('second', begun)::text FROM concertina.plan");
    let steps = sqlx::query(
        "SELECT id, phase, state, how, backend_pid, backend_began::text, date_trunc('second', started)::text,
            date_trunc('second', ended)::text, error FROM concertina.step",
    );
    let backfills = sqlx::query("SELECT step, cursor, walk, walked, changed, chunk FROM concertina.backfill");
    let lease = sqlx::query(
        "SELECT epoch, owner, date_trunc('second', since)::text, date_trunc('second', expires_at)::text, expires_at <= clock_timestamp()
            FROM concertina.lease",
    );
    let paused = sqlx::query_scalar("SELECT because FROM concertina.pause");
    Ok(Ledger {
        plans: plans.fetch_all(&mut *connection).await?.iter().map(plan).collect::<Result<BTreeMap<_, _>, _>>()?,
        steps: steps.fetch_all(&mut *connection).await?.iter().map(step).collect::<Result<BTreeMap<_, _>, _>>()?,
        backfills: backfills.fetch_all(&mut *connection).await?.iter().map(backfill).collect::<Result<BTreeMap<_, _>, _>>()?,
        lease: lease.fetch_optional(&mut *connection).await?.as_ref().map(self::lease).transpose()?,
        paused: paused.fetch_optional(&mut *connection).await?,
    })
}

fn plan(row: &PgRow) -> Result<(Release, PlanEntry), sqlx::Error> {
    Ok((Release(row.try_get(0)?), PlanEntry { digest: row.try_get(1)?, begun: row.try_get(2)? }))
}

fn step(row: &PgRow) -> Result<(StepId, Entry), sqlx::Error> {
    let unknown = |what: String| sqlx::Error::Decode(format!("the ledger says `{what}`, which this program does not know").into());
    let name: String = row.try_get(1)?;
    let state: String = row.try_get(2)?;
    let how: String = row.try_get(3)?;
    let (pid, began): (Option<i32>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    let entry = Entry {
        phase: phase(&name).ok_or_else(|| unknown(name))?,
        state: State::of(&state).ok_or_else(|| unknown(state))?,
        how: How::of(&how).ok_or_else(|| unknown(how))?,
        backend: pid.zip(began).map(|(pid, began)| Backend { pid, began }),
        started: row.try_get(6)?,
        ended: row.try_get(7)?,
        error: row.try_get(8)?,
    };
    Ok((StepId(row.try_get(0)?), entry))
}

fn backfill(row: &PgRow) -> Result<(StepId, BackfillEntry), sqlx::Error> {
    let entry = BackfillEntry {
        cursor: row.try_get(1)?,
        walk: row.try_get(2)?,
        walked: row.try_get(3)?,
        changed: row.try_get(4)?,
        chunk: row.try_get(5)?,
    };
    Ok((StepId(row.try_get(0)?), entry))
}

fn lease(row: &PgRow) -> Result<LeaseEntry, sqlx::Error> {
    Ok(LeaseEntry {
        epoch: row.try_get(0)?,
        owner: row.try_get(1)?,
        since: row.try_get(2)?,
        until: row.try_get(3)?,
        expired: row.try_get(4)?,
    })
}
