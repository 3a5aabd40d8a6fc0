//! The lease: one executor at a time in a database. A row with an epoch that grows, so that whoever was not heard of for too
//! long can write nothing when it wakes up. No lock is held or waited for meanwhile: poolers lose them.

use std::time::Duration;

use rand::RngExt;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::error::{Error, doing};
use super::event::{Event, Listener};
use super::interrupt::Stop;
use super::ledger::Backend;
use super::retry::Budget;
use super::session::Session;
use crate::db::postgres::{sqlstate, trusted};

/// How long we contend for the row itself, which others hold for moments only.
const CONTEND: Duration = Duration::from_secs(20);

/// How often we look whether a session that must end has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The holder's watch session is gone exactly if the holder is: it is idle, so it ends with its connection.
const READ: &str = "SELECT epoch, owner, date_trunc('second', since)::text, date_trunc('second', expires_at)::text,
        owner IS NULL OR expires_at <= clock_timestamp() OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
            WHERE a.pid = warden_pid AND (a.backend_start IS NULL OR a.backend_start = warden_began)),
        work_pid, work_began::text
    FROM concertina.lease";

/// What the row says.
struct Found {
    epoch: i64,
    owner: Option<String>,
    since: String,
    until: String,
    free: bool,
    work: Option<Backend>,
}

impl Found {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (pid, began): (Option<i32>, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
        Ok(Self {
            epoch: row.try_get(0)?,
            owner: row.try_get(1)?,
            since: row.try_get(2)?,
            until: row.try_get(3)?,
            free: row.try_get::<Option<bool>, _>(4)?.unwrap_or(true),
            work: pid.zip(began).map(|(pid, began)| Backend { pid, began }),
        })
    }

    fn held(self) -> Error {
        Error::Held { owner: self.owner.unwrap_or_default(), since: self.since, until: self.until }
    }
}

/// A lease that was taken.
pub(super) struct Taken {
    pub(super) epoch: i64,
    /// The session at work of the executor before us, if it may still be there.
    pub(super) previous: Option<Backend>,
}

/// Takes the lease if it is free: given back, expired, or its holder gone.
pub(super) async fn take(session: &mut Session, warden: &Backend, time: Duration) -> Result<Taken, Error> {
    let mut budget = Budget::new(CONTEND);
    loop {
        match try_take(session, warden, time).await {
            Ok(Ok(taken)) => return Ok(taken),
            Ok(Err(found)) => return Err(found.held()),
            Err(source) if sqlstate(&source).as_deref() == Some("55P03") => session.rollback().await,
            Err(source) => return Err(doing("taking the lease")(source)),
        }
        // The row is locked by a transaction. If that is what a dead executor left behind, it has to go.
        let row = sqlx::query(READ).fetch_one(&mut session.connection).await.map_err(doing("reading the lease"))?;
        let found = Found::of(&row).map_err(doing("reading the lease"))?;
        let Some(pause) = budget.next().filter(|_| found.free) else { return Err(found.held()) };
        if let Some(work) = &found.work {
            terminate(&mut session.connection, work).await.map_err(doing("ending the session of an executor that is gone"))?;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn try_take(session: &mut Session, warden: &Backend, time: Duration) -> Result<Result<Taken, Found>, sqlx::Error> {
    session.begin().await?;
    session.run("SET LOCAL lock_timeout = '400ms'").await?;
    let row = sqlx::query(trusted(&format!("{READ} FOR UPDATE"))).fetch_one(&mut session.connection).await?;
    let found = Found::of(&row)?;
    if !found.free {
        session.commit().await?;
        return Ok(Err(found));
    }
    let epoch: i64 = sqlx::query_scalar(
        "UPDATE concertina.lease SET epoch = epoch + 1, owner = $1, since = clock_timestamp(),
            expires_at = clock_timestamp() + make_interval(secs => $2), work_pid = $3, work_began = $4::timestamptz,
            warden_pid = $5, warden_began = $6::timestamptz WHERE epoch = $7 RETURNING epoch",
    )
    .bind(owner())
    .bind(time.as_secs_f64())
    .bind(session.backend.pid)
    .bind(&session.backend.began)
    .bind(warden.pid)
    .bind(&warden.began)
    .bind(found.epoch)
    .fetch_one(&mut session.connection)
    .await?;
    session.commit().await?;
    Ok(Ok(Taken { epoch, previous: found.work.filter(|work| *work != session.backend) }))
}

/// Renews the lease. False: it is not ours any more.
pub(super) async fn renew(connection: &mut PgConnection, epoch: i64, warden: &Backend, time: Duration) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(
        "UPDATE concertina.lease SET expires_at = clock_timestamp() + make_interval(secs => $2), warden_pid = $3,
            warden_began = $4::timestamptz WHERE epoch = $1",
    );
    let result = query.bind(epoch).bind(time.as_secs_f64()).bind(warden.pid).bind(&warden.began).execute(connection).await?;
    Ok(result.rows_affected() == 1)
}

/// Gives the lease back.
pub(super) async fn give_back(session: &mut Session, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE concertina.lease SET owner = NULL, expires_at = clock_timestamp() WHERE epoch = $1")
        .bind(epoch)
        .execute(&mut session.connection)
        .await
        .map(drop)
}

/// Makes sure that nothing of the executor before us goes on: a statement outside a transaction is let finish, since an index
/// that is nearly built is worth waiting for; then, and in all other cases at once, its session is ended.
pub(super) async fn displace(session: &mut Session, previous: &Backend, listener: &dyn Listener, stop: &Stop) -> Result<(), Error> {
    let mut told = false;
    loop {
        let failed = doing("waiting for a statement of an executor that is gone");
        let state: Option<Option<String>> =
            sqlx::query_scalar("SELECT state FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz")
                .bind(previous.pid)
                .bind(&previous.began)
                .fetch_optional(&mut session.connection)
                .await
                .map_err(&failed)?;
        let Some(state) = state else { return Ok(()) };
        let alone: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM concertina.step WHERE state IN ('started', 'undoing') AND backend_pid = $1
                AND backend_began = $2::timestamptz)",
        )
        .bind(previous.pid)
        .bind(&previous.began)
        .fetch_one(&mut session.connection)
        .await
        .map_err(&failed)?;
        if alone && state.as_deref() == Some("active") {
            if !told {
                listener.hear(&Event::WaitingForStatement { pid: previous.pid });
                told = true;
            }
        } else {
            terminate(&mut session.connection, previous).await.map_err(&failed)?;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            signal = stop.wait() => return Err(Error::Interrupted(signal)),
        }
    }
}

async fn terminate(connection: &mut PgConnection, backend: &Backend) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz")
        .bind(backend.pid)
        .bind(&backend.began)
        .execute(connection)
        .await
        .map(drop)
}

/// Who we are, for whoever finds the lease taken.
fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).unwrap_or_else(|| "an unknown host".to_owned());
    format!("process {} on {host} ({:08x})", std::process::id(), rand::rng().random::<u32>())
}
