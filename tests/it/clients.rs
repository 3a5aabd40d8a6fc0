//! A client of one release: writes without a pause, reads back what it wrote, and stops at the first error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Deserialize;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, Row};

/// What a client does, over and over, each time with a new `:id` and another `:base` (a row that was there).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Side {
    /// Where it looks for tables, if not where the database says.
    #[serde(default)]
    search_path: Option<String>,
    /// Statements, each in its own transaction.
    pub(crate) write: Vec<String>,
    /// Reads back one value of the row `:id`.
    pub(crate) reads: String,
    /// What it must be.
    pub(crate) expects: String,
    /// What a client of the new release must read of a row that one of the old release wrote.
    #[serde(default)]
    pub(crate) sees_old: Option<String>,
    /// And the other way round.
    #[serde(default)]
    pub(crate) sees_new: Option<String>,
}

impl Side {
    /// A session of such a client.
    pub(crate) async fn connect(&self, url: &str) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect(url).await?;
        if let Some(path) = &self.search_path {
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SET search_path TO {path}")))).await?;
        }
        Ok(connection)
    }
}

/// A client at work.
pub(crate) struct Client {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicI64>,
    thread: JoinHandle<Result<Vec<i64>, String>>,
    url: String,
    side: Side,
}

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_mins(1);

impl Client {
    /// Begins to write rows `first`, `first + 2` and so on.
    pub(crate) fn start(url: &str, side: &Side, first: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicI64::new(0));
        let work = work(url.to_owned(), side.clone(), first, Arc::clone(&stop), Arc::clone(&written));
        let thread = std::thread::spawn(move || runtime().block_on(work));
        Self { stop, written, thread, url: url.to_owned(), side: side.clone() }
    }

    /// Waits until it has written that many rows more.
    pub(crate) fn writes(&self, rows: i64) {
        let until = self.written.load(Ordering::Relaxed) + rows;
        let began = Instant::now();
        while self.written.load(Ordering::Relaxed) < until && !self.thread.is_finished() {
            assert!(began.elapsed() < PATIENCE, "the client does not get on");
            std::thread::yield_now();
        }
    }

    /// Stops it and gives the rows that it wrote. Fails if any statement of it failed.
    pub(crate) fn stop(self) -> Vec<i64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().unwrap_or_else(|error| panic!("a client failed: {error}"))
    }

    /// Reads rows that the other side wrote.
    pub(crate) fn sees(&self, ids: &[i64], expected: Option<&str>) {
        let Some(expected) = expected else { return };
        let url = self.url.clone();
        let side = self.side.clone();
        let found = runtime().block_on(async {
            let mut connection = side.connect(&url).await.unwrap();
            let mut found = Vec::new();
            for id in ids {
                found.push((*id, value(&mut connection, &fill(&side.reads, *id)).await.unwrap()));
            }
            found
        });
        for (id, value) in found {
            assert_eq!(value, fill(expected, id), "row {id}, written by the other side");
        }
    }
}

/// What a client works on, in a thread of its own.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A statement with `:id` and `:base` filled in.
pub(crate) fn fill(text: &str, id: i64) -> String {
    text.replace(":id", &id.to_string()).replace(":base", &(id / 2 % 1000 + 1).to_string())
}

async fn work(url: String, side: Side, first: i64, stop: Arc<AtomicBool>, written: Arc<AtomicI64>) -> Result<Vec<i64>, String> {
    let mut connection = side.connect(&url).await.map_err(|error| error.to_string())?;
    let mut ids = Vec::new();
    let mut id = first;
    while !stop.load(Ordering::Relaxed) {
        for statement in &side.write {
            let statement = fill(statement, id);
            connection
                .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())))
                .await
                .map_err(|error| format!("{statement}: {error}"))?;
        }
        let found = value(&mut connection, &fill(&side.reads, id)).await?;
        let expected = fill(&side.expects, id);
        if found != expected {
            return Err(format!("row {id} reads `{found}` instead of `{expected}`"));
        }
        ids.push(id);
        written.fetch_add(1, Ordering::Relaxed);
        id += 2;
    }
    Ok(ids)
}

/// The first value of the first row, as text.
pub(crate) async fn value(connection: &mut PgConnection, query: &str) -> Result<String, String> {
    let text = format!("SELECT ({query})::text");
    let row = connection.fetch_one(sqlx::raw_sql(sqlx::AssertSqlSafe(text))).await.map_err(|error| format!("{query}: {error}"))?;
    row.try_get::<Option<String>, _>(0).map(|value| value.unwrap_or_else(|| "NULL".to_owned())).map_err(|error| error.to_string())
}
