//! Makes the ledger's tables where they are missing, even if two executors begin at the same moment.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use crate::apply::error::{Error, doing};
use crate::apply::retry::Budget;
use crate::db::postgres::sqlstate;

/// The format of these tables. Another one is another program's.
const FORMAT: i32 = 1;

const TABLES: [&str; 8] = [
    "CREATE TABLE concertina.ledger (format int PRIMARY KEY)",
    // The epoch is a key, so that taking the lease excludes transactions which hold it FOR KEY SHARE, and renewing it doesn't.
    "CREATE TABLE concertina.lease (
        epoch bigint PRIMARY KEY, one boolean NOT NULL DEFAULT true UNIQUE CHECK (one), owner text,
        since timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        work_pid int, work_began timestamptz, warden_pid int, warden_began timestamptz)",
    "CREATE TABLE concertina.pause (one boolean PRIMARY KEY DEFAULT true CHECK (one), because text NOT NULL DEFAULT '')",
    "CREATE TABLE concertina.plan (
        release text PRIMARY KEY, digest text NOT NULL, begun timestamptz NOT NULL DEFAULT clock_timestamp(), epoch bigint NOT NULL)",
    "CREATE TABLE concertina.step (
        id text PRIMARY KEY, release text NOT NULL, phase text NOT NULL, state text NOT NULL, how text NOT NULL,
        epoch bigint NOT NULL, backend_pid int, backend_began timestamptz, started timestamptz NOT NULL, ended timestamptz, error text)",
    "CREATE TABLE concertina.backfill (
        step text PRIMARY KEY, cursor text[], walk int NOT NULL, walked bigint NOT NULL, changed bigint NOT NULL, chunk int NOT NULL,
        epoch bigint NOT NULL, at timestamptz NOT NULL)",
    "CREATE TABLE concertina.event (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        epoch bigint NOT NULL, release text, step text, kind text NOT NULL, detail text NOT NULL DEFAULT '')",
    "INSERT INTO concertina.lease (epoch) VALUES (0)",
];

/// Makes sure that the ledger is there and is ours.
pub(in crate::apply) async fn ensure(connection: &mut PgConnection, user: &str) -> Result<(), Error> {
    let mut budget = Budget::new(std::time::Duration::from_secs(30));
    loop {
        if let Some(found) = format(connection).await? {
            return if found == FORMAT { Ok(()) } else { Err(Error::LedgerFormat { found, known: FORMAT }) };
        }
        match make(connection).await {
            Ok(Made::Done) => {}
            Ok(Made::ByAnother) => match budget.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(doing("making the ledger")(sqlx::Error::PoolTimedOut)),
            },
            Err(source) if sqlstate(&source).as_deref() == Some("42501") => {
                let remedy = format!(
                    "as an administrator, `GRANT CREATE ON DATABASE` to it, or make the place for the ledger by `CREATE SCHEMA concertina \
                     AUTHORIZATION {user}`"
                );
                return Err(Error::NoPrivilege { user: user.to_owned(), doing: "making the ledger (schema `concertina`)", remedy, source });
            }
            Err(source) => return Err(doing("making the ledger")(source)),
        }
    }
}

/// The format of the ledger that is there.
async fn format(connection: &mut PgConnection) -> Result<Option<i32>, Error> {
    if !super::is_there(connection).await? {
        return Ok(None);
    }
    let found =
        sqlx::query_scalar("SELECT format FROM concertina.ledger").fetch_optional(connection).await.map_err(doing("reading the ledger"))?;
    Ok(Some(found.unwrap_or_default()))
}

enum Made {
    Done,
    ByAnother,
}

async fn make(connection: &mut PgConnection) -> Result<Made, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // IF NOT EXISTS doesn't help two who create at once: both see nothing, and the second fails.
    let alone: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(super::GUARD).fetch_one(&mut *transaction).await?;
    let row = sqlx::query(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'concertina'), to_regclass('concertina.ledger') IS NOT NULL",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let (schema, tables): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    if !alone || tables {
        transaction.rollback().await?;
        return Ok(Made::ByAnother);
    }
    if !schema {
        sqlx::query("CREATE SCHEMA concertina").execute(&mut *transaction).await?;
    }
    for table in TABLES {
        sqlx::query(table).execute(&mut *transaction).await?;
    }
    sqlx::query("INSERT INTO concertina.ledger VALUES ($1)").bind(FORMAT).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Made::Done)
}
