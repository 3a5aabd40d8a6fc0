//! Looks after the work from a second connection: renews the lease, sees who is in the way, and cancels the statement at work
//! when it makes others wait too long, when we are asked to stop, or when the lease is lost. Never works itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::error::{Error, doing};
use super::event::Blocker;
use super::interrupt::{Asked, Signal, Stop};
use super::ledger::Backend;
use super::{lease, session};
use crate::db::postgres::{Settings, connect, is_lost, trusted};

/// How often the warden looks while a statement is at work.
const LOOK: Duration = Duration::from_millis(100);

/// How long an answer may take while there is no lease to keep.
const SILENCE: Duration = Duration::from_secs(10);

/// What the warden looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Focus {
    /// The session at work.
    pub(super) pid: i32,
    /// How long it may make others wait, if that is limited.
    pub(super) patience: Option<Duration>,
    /// How long it may itself wait for a lock.
    pub(super) wait: Option<Duration>,
    /// Whether it is cancelled when we are asked to stop.
    pub(super) on_stop: OnStop,
}

/// What happens to the statement at work when we are asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnStop {
    /// It may finish, unless it waits for a lock.
    CancelIfWaiting,
    /// It is cancelled: nothing is lost by it.
    Cancel,
}

/// What the warden saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Who was in the way last.
    pub(super) blockers: Vec<Blocker>,
    /// Why the warden cancelled, if it did.
    pub(super) cancelled: Option<Cancelled>,
}

/// Why a statement was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    Stop(Signal),
    OthersWait,
    WaitsTooLong,
    LeaseLost,
}

/// The second connection and what it is for.
pub(super) struct Warden {
    watch: Arc<Mutex<Watch>>,
    task: Option<JoinHandle<()>>,
    pub(super) backend: Backend,
}

struct Watch {
    connection: PgConnection,
    backend: Backend,
    settings: Settings,
    stop: Stop,
    version: i32,
    lease: Option<Renewal>,
    focus: Option<Focus>,
    waiting_since: Option<Instant>,
    seen: Seen,
}

struct Renewal {
    epoch: i64,
    time: Duration,
    renewed: Instant,
    lost: bool,
}

impl Warden {
    /// Connects. Watches nothing yet.
    pub(super) async fn open(settings: &Settings, stop: &Stop, version: i32) -> Result<Self, Error> {
        let mut connection = connect(settings, "concertina/watch").await?;
        let backend = session::backend(&mut connection).await.map_err(doing("preparing the second session"))?;
        let watch = Watch {
            connection,
            backend: backend.clone(),
            settings: settings.clone(),
            stop: stop.clone(),
            version,
            lease: None,
            focus: None,
            waiting_since: None,
            seen: Seen::default(),
        };
        Ok(Self { watch: Arc::new(Mutex::new(watch)), task: None, backend })
    }

    /// Keeps the lease from now on.
    pub(super) async fn keep(&mut self, epoch: i64, time: Duration) {
        self.watch.lock().await.lease = Some(Renewal { epoch, time, renewed: Instant::now(), lost: false });
        let watch = Arc::clone(&self.watch);
        self.task = Some(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK);
            // After a pause of the whole process one look is as good as the many that were missed.
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                watch.lock().await.look().await;
            }
        }));
    }

    /// Whether the lease was seen to be lost.
    pub(super) async fn lost(&self) -> bool {
        self.watch.lock().await.lease.as_ref().is_some_and(|lease| lease.lost)
    }

    /// Renews the lease at once. For statements that can't carry the fence with them: what follows begins within moments of
    /// the lease being ours for its whole time.
    pub(super) async fn assure(&self) -> Result<(), Error> {
        let mut watch = self.watch.lock().await;
        if let Some(lease) = &mut watch.lease {
            lease.renewed = lease.renewed.checked_sub(lease.time).unwrap_or(lease.renewed);
        }
        watch.renew().await.map_err(doing("renewing the lease"))?;
        if watch.lease.as_ref().is_some_and(|lease| lease.lost) { Err(Error::LeaseLost) } else { Ok(()) }
    }

    /// Looks at the statements to come.
    pub(super) async fn focus(&self, focus: Focus) {
        let mut watch = self.watch.lock().await;
        watch.seen = Seen::default();
        watch.waiting_since = None;
        watch.focus = Some(focus);
    }

    /// Looks away, and tells what was seen. After this nothing is cancelled.
    pub(super) async fn rest(&self) -> Seen {
        let mut watch = self.watch.lock().await;
        watch.focus = None;
        std::mem::take(&mut watch.seen)
    }

    /// Ends.
    pub(super) fn dismiss(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.dismiss();
    }
}

impl Watch {
    async fn look(&mut self) {
        let limit = self.lease.as_ref().map_or(SILENCE, |lease| lease.time / 3);
        let looked = tokio::time::timeout(limit, async {
            self.renew().await?;
            self.watch_focus().await
        });
        // A connection over which nothing comes is as good as lost, and its place is taken by another.
        let result = looked.await.unwrap_or(Err(sqlx::Error::WorkerCrashed));
        // What can't be seen now will be seen at the next look, with a new connection if need be. If none is to be had, the
        // lease expires, and the fence within every transaction keeps us from writing.
        if result.is_err_and(|error| is_lost(&error))
            && let Ok(mut connection) = connect(&self.settings, "concertina/watch").await
            && let Ok(backend) = session::backend(&mut connection).await
        {
            self.connection = connection;
            self.backend = backend;
            if let Some(lease) = &mut self.lease {
                lease.renewed = Instant::now().checked_sub(lease.time).unwrap_or(lease.renewed);
            }
        }
    }

    async fn renew(&mut self) -> Result<(), sqlx::Error> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        if lease.lost || lease.renewed.elapsed() < lease.time / 6 {
            return Ok(());
        }
        let began = Instant::now();
        lease.lost = !lease::renew(&mut self.connection, lease.epoch, &self.backend, lease.time).await?;
        lease.renewed = began;
        Ok(())
    }

    async fn watch_focus(&mut self) -> Result<(), sqlx::Error> {
        let Some(focus) = self.focus else { return Ok(()) };
        if self.lease.as_ref().is_some_and(|lease| lease.lost) {
            return self.cancel(focus.pid, Cancelled::LeaseLost).await;
        }
        let blockers = blockers(&mut self.connection, focus.pid).await?;
        let waits = blockers.is_some();
        if let Some(blockers) = blockers
            && !blockers.is_empty()
        {
            self.seen.blockers = blockers;
        }
        self.waiting_since = if waits { self.waiting_since.or_else(|| Some(Instant::now())) } else { None };
        match self.stop.asked() {
            Asked::Now(signal) => return self.cancel(focus.pid, Cancelled::Stop(signal)).await,
            Asked::Soon(signal) if waits || focus.on_stop == OnStop::Cancel => {
                return self.cancel(focus.pid, Cancelled::Stop(signal)).await;
            }
            Asked::Soon(_) | Asked::Nothing => {}
        }
        if focus.wait.zip(self.waiting_since).is_some_and(|(most, since)| since.elapsed() > most) {
            return self.cancel(focus.pid, Cancelled::WaitsTooLong).await;
        }
        if let Some(patience) = focus.patience
            && longest_wait_for(&mut self.connection, self.version, focus.pid).await? > patience
        {
            return self.cancel(focus.pid, Cancelled::OthersWait).await;
        }
        Ok(())
    }

    async fn cancel(&mut self, pid: i32, why: Cancelled) -> Result<(), sqlx::Error> {
        self.seen.cancelled = Some(why);
        sqlx::query("SELECT pg_cancel_backend($1)").bind(pid).execute(&mut self.connection).await.map(drop)
    }
}

/// The sessions that a waiting session waits for; none if it doesn't wait for a lock.
async fn blockers(connection: &mut PgConnection, pid: i32) -> Result<Option<Vec<Blocker>>, sqlx::Error> {
    let waits: Option<bool> =
        sqlx::query_scalar("SELECT wait_event_type IS NOT DISTINCT FROM 'Lock' FROM pg_catalog.pg_stat_activity WHERE pid = $1")
            .bind(pid)
            .fetch_optional(&mut *connection)
            .await?;
    if waits != Some(true) {
        return Ok(None);
    }
    let rows = sqlx::query(
        "SELECT b.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), coalesce(a.state, ''),
            coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
            coalesce(left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120), '')
            FROM (SELECT DISTINCT unnest(pg_blocking_pids($1)) AS pid) b LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
            ORDER BY b.pid",
    )
    .bind(pid)
    .fetch_all(connection)
    .await?;
    Ok(Some(rows.iter().map(blocker).collect::<Result<_, _>>()?))
}

fn blocker(row: &PgRow) -> Result<Blocker, sqlx::Error> {
    Ok(Blocker {
        pid: row.try_get(0)?,
        application: row.try_get(1)?,
        user: row.try_get(2)?,
        state: row.try_get(3)?,
        age: row.try_get(4)?,
        query: row.try_get(5)?,
    })
}

/// For how long the session has made another wait, at most.
async fn longest_wait_for(connection: &mut PgConnection, version: i32, pid: i32) -> Result<Duration, sqlx::Error> {
    // Before PostgreSQL 14 the wait's own beginning is not to be seen, only that of the statement.
    let since = if version >= 140_000 { "coalesce(l.waitstart, clock_timestamp())" } else { "a.query_start" };
    let sql = format!(
        "SELECT max(extract(epoch FROM clock_timestamp() - {since}))::float8
            FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND NOT l.granted
            WHERE a.wait_event_type = 'Lock' AND $1 = ANY (pg_blocking_pids(a.pid))"
    );
    let seconds: Option<f64> = sqlx::query_scalar(trusted(&sql)).bind(pid).fetch_one(connection).await?;
    Ok(Duration::try_from_secs_f64(seconds.unwrap_or_default()).unwrap_or_default())
}
