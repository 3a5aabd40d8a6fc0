//! The one connection on which the work is done, with the settings under which it is done. Nothing is left to the defaults of a
//! role or database that could stop a step half-way.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};

use super::error::{Error, doing};
use super::ledger::Backend;
use crate::db::postgres::{Settings, connect, milliseconds, name_session, trusted};
use crate::plan::{Milliseconds, Release, StepId};

/// How long our own transaction may stand still before the server ends it: an executor that hangs must not hold locks.
const IDLE: Duration = Duration::from_secs(10);

/// The connection at work.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) backend: Backend,
    /// The server's version, as `server_version_num` has it.
    pub(super) version: i32,
    /// The longest wait for a lock that never makes a client the victim of a deadlock: the check for deadlocks runs in the
    /// session that has waited for `deadlock_timeout`, so ours must have given up before.
    longest_wait: Duration,
    /// Whether the server can notice during a statement that we are gone (PostgreSQL 14, on most systems).
    notices: bool,
}

/// What a statement may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// None: it may wait for ever.
    pub(super) lock_wait: Option<Duration>,
    /// None: it may run for ever.
    pub(super) statement_time: Option<Duration>,
}

impl Session {
    /// Connects and settles the session's settings.
    pub(super) async fn open(settings: &Settings, name: &str) -> Result<Self, Error> {
        let mut connection = connect(settings, name).await?;
        let (backend, version, deadlock) = prepare(&mut connection).await.map_err(doing("preparing the session"))?;
        let longest_wait = Duration::from_millis(deadlock).div_f64(2.0).saturating_sub(Duration::from_millis(1));
        let notices = connection.execute("SET client_connection_check_interval = 0").await.is_ok();
        Ok(Self { connection, backend, version, longest_wait: longest_wait.max(Duration::from_millis(1)), notices })
    }

    /// The limits of a statement in a transaction: it never waits without one.
    pub(super) fn limits(&self, lock_wait: Milliseconds, statement_time: Milliseconds) -> Limits {
        let wanted = given(lock_wait).unwrap_or(self.longest_wait);
        Limits { lock_wait: Some(wanted.min(self.longest_wait)), statement_time: given(statement_time) }
    }

    /// The limits of a statement outside a transaction. What works CONCURRENTLY waits for other transactions by design, without
    /// being in anybody's way meanwhile, so a limit would only break it off.
    pub(super) fn limits_alone(&self, sql: &str, lock_wait: Milliseconds, statement_time: Milliseconds) -> Limits {
        if sql.to_ascii_uppercase().contains("CONCURRENTLY") || given(lock_wait).is_none() {
            return Limits { lock_wait: None, statement_time: given(statement_time) };
        }
        self.limits(lock_wait, statement_time)
    }

    /// Sets the limits for the statements to come, until the end of the transaction if we are in one.
    pub(super) async fn limit(&mut self, limits: Limits, scope: Scope) -> Result<(), sqlx::Error> {
        let text = |limit: Option<Duration>| limit.map_or_else(|| "0".to_owned(), milliseconds);
        if scope == Scope::Transaction && self.notices {
            // If we are killed, this transaction can't be committed, so it had better end. An index that is built outside a
            // transaction goes on: the next executor waits for it.
            self.run("SET LOCAL client_connection_check_interval = '1s'").await?;
        }
        sqlx::query("SELECT set_config('lock_timeout', $1, $3), set_config('statement_timeout', $2, $3)")
            .bind(text(limits.lock_wait))
            .bind(text(limits.statement_time))
            .bind(scope == Scope::Transaction)
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    /// Says in `pg_stat_activity` what we are at.
    pub(super) async fn name(&mut self, release: &Release, step: &StepId) -> Result<(), Error> {
        name_session(&mut self.connection, &format!("concertina/{release}/{step}")).await.map_err(doing("naming the session"))
    }

    /// Runs statements of a plan or a migration.
    pub(super) async fn run(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        Ok(sqlx::raw_sql(trusted(sql)).execute(&mut self.connection).await?.rows_affected())
    }

    /// A query of a plan that gives one boolean.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<bool, sqlx::Error> {
        // A probe that finds nothing to look at may give NULL or no row: then it is not so.
        let answer: Option<Option<bool>> = sqlx::query_scalar(trusted(sql)).fetch_optional(&mut self.connection).await?;
        Ok(answer.flatten().unwrap_or(false))
    }

    /// A query of a plan that gives one number.
    pub(super) async fn count(&mut self, sql: &str) -> Result<i64, sqlx::Error> {
        let answer: Option<i64> = sqlx::query_scalar(trusted(sql)).fetch_one(&mut self.connection).await?;
        Ok(answer.unwrap_or_default())
    }

    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await.map(drop)
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT").await.map(drop)
    }

    /// Ends a transaction that failed. If that fails too the connection is gone, and the server does it.
    pub(super) async fn rollback(&mut self) {
        let _ = self.run("ROLLBACK").await;
    }
}

/// How long a setting lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Transaction,
    Session,
}

fn given(limit: Milliseconds) -> Option<Duration> {
    (limit.0 > 0).then(|| Duration::from_millis(limit.0))
}

async fn prepare(connection: &mut PgConnection) -> Result<(Backend, i32, u64), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('lock_timeout', '0', false), set_config('statement_timeout', '0', false),
            set_config('idle_in_transaction_session_timeout', $1, false)",
    )
    .bind(milliseconds(IDLE))
    .execute(&mut *connection)
    .await?;
    let backend = backend(connection).await?;
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int,
            (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout')",
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok((backend, row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(1000)))
}

/// Which session of the server a connection is.
pub(super) async fn backend(connection: &mut PgConnection) -> Result<Backend, sqlx::Error> {
    let row = sqlx::query("SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()")
        .fetch_one(connection)
        .await?;
    Ok(Backend { pid: row.try_get(0)?, began: row.try_get(1)? })
}
