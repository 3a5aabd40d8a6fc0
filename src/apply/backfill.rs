//! Changes the rows of a table in small transactions, each with its cursor: a kill at any moment loses at most one chunk, and
//! no row is changed twice or passed over. Blocks nobody for longer than a chunk.

use std::time::{Duration, Instant};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::error::{Error, Fault, doing};
use super::event::{Event, Progress};
use super::failpoint;
use super::gate;
use super::ledger::{BackfillEntry, How, Ledger, State};
use super::pace::Pace;
use super::retry::Budget;
use super::run::Work;
use super::session::{Limits, Scope};
use super::store::{self, Outcome};
use super::throttle::Throttle;
use super::transactional::{Failed, judge, note_failure, retry};
use super::warden::{Focus, OnStop};
use crate::db::postgres::trusted;
use crate::plan::{Backfill, HazardKind, Release, Step, SyncTriggers};

/// How often a backfill walks over its table. Rows that are left after a walk were changed meanwhile past the triggers, or
/// came in by a way that fires none.
const MOST_WALKS: i32 = 3;

/// How long a pause lasts before we look whether its reason is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A backfill at work.
struct Walk<'a> {
    step: &'a Step,
    backfill: &'a Backfill,
    release: &'a Release,
    at: BackfillEntry,
    pace: Pace,
    /// The search for the row at fault, while there is one.
    cut: Option<Cut>,
    began: Instant,
    began_with: i64,
    estimate: Option<u64>,
}

/// A chunk that failed is cut in halves until the row at fault is alone.
#[derive(Debug, Clone, Copy)]
struct Cut {
    size: u32,
    /// The rows of the chunk that are still to come.
    left: u32,
}

/// What a chunk has come to.
enum Chunk {
    Done,
    EndOfTable,
}

/// A chunk that failed, with the key of its last row if that was found.
struct FailedChunk {
    failed: Failed,
    end: Option<Vec<String>>,
}

impl<E: Into<Failed>> From<E> for FailedChunk {
    fn from(error: E) -> Self {
        Self { failed: error.into(), end: None }
    }
}

/// Runs a backfill, from where an earlier executor left it.
pub(super) async fn run(work: &mut Work<'_>, release: &Release, step: &Step, backfill: &Backfill, ledger: &Ledger) -> Result<(), Error> {
    let at = match ledger.backfills.get(&step.id) {
        Some(entry) if ledger.steps.get(&step.id).is_some_and(|entry| entry.state != State::Undone) => entry.clone(),
        _ => BackfillEntry { cursor: None, walk: 1, walked: 0, changed: 0, chunk: 0 },
    };
    let pace = Pace::new(work.options.chunk_time, u32::try_from(at.chunk).ok().filter(|size| *size > 0));
    let (began, began_with) = (Instant::now(), at.walked);
    let mut walk = Walk { step, backfill, release, at, pace, cut: None, began, began_with, estimate: None };
    start(work, &walk).await?;
    walk.estimate = estimate(work, backfill).await;
    loop {
        to_the_end(work, &mut walk).await?;
        let rows = gate::count(work, step, &backfill.remaining).await?;
        if rows == 0 {
            return finish(work, &walk).await;
        }
        let repeatable = !step.has_hazard(HazardKind::NotRepeatable);
        if walk.at.walk >= MOST_WALKS || !repeatable {
            let walks = walk.at.walk.unsigned_abs();
            return Err(Error::RowsRemain { step: step.id.clone(), rows, walks });
        }
        work.listener.hear(&Event::Note(format!("{rows} rows are left after walk {}; walking over the table again", walk.at.walk)));
        walk.at = BackfillEntry { cursor: None, walk: walk.at.walk + 1, walked: 0, ..walk.at };
        (walk.began, walk.began_with) = (Instant::now(), 0);
        restart(work, &walk).await?;
    }
}

fn outcome<'a>(walk: &Walk<'a>, state: State) -> Outcome<'a> {
    let (step, release) = (walk.step, walk.release);
    Outcome { step: &step.id, release, phase: step.phase, state, how: How::Applied, backend: None, error: None }
}

/// Writes that the backfill is on its way, and from where.
async fn start(work: &mut Work<'_>, walk: &Walk<'_>) -> Result<(), Error> {
    let failed = doing("writing the ledger");
    work.session.begin().await.map_err(&failed)?;
    let marked = store::mark(&mut work.session.connection, work.epoch, outcome(walk, State::Started)).await.map_err(&failed)?;
    let saved = store::save_backfill(&mut work.session.connection, work.epoch, &walk.step.id, &walk.at).await.map_err(&failed)?;
    work.session.commit().await.map_err(&failed)?;
    failpoint::reach(&walk.step.id, "started");
    if marked == 0 || saved == 0 { Err(Error::LeaseLost) } else { Ok(()) }
}

async fn restart(work: &mut Work<'_>, walk: &Walk<'_>) -> Result<(), Error> {
    let saved = store::save_backfill(&mut work.session.connection, work.epoch, &walk.step.id, &walk.at).await;
    if saved.map_err(doing("writing the ledger"))? == 0 { Err(Error::LeaseLost) } else { Ok(()) }
}

async fn finish(work: &mut Work<'_>, walk: &Walk<'_>) -> Result<(), Error> {
    failpoint::reach(&walk.step.id, "walked");
    let marked = store::mark(&mut work.session.connection, work.epoch, outcome(walk, State::Done)).await;
    if marked.map_err(doing("writing the ledger"))? == 0 {
        return Err(Error::LeaseLost);
    }
    failpoint::reach(&walk.step.id, "committed");
    Ok(())
}

/// The rows of the table as its statistics have them; none if it was never analysed.
async fn estimate(work: &mut Work<'_>, backfill: &Backfill) -> Option<u64> {
    let rows: Option<f32> = sqlx::query_scalar("SELECT reltuples FROM pg_catalog.pg_class WHERE oid = to_regclass($1)")
        .bind(&backfill.table)
        .fetch_optional(&mut work.session.connection)
        .await
        .ok()
        .flatten();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, and never negative here")]
    rows.filter(|rows| *rows >= 0.0).map(|rows| rows as u64)
}

async fn to_the_end(work: &mut Work<'_>, walk: &mut Walk<'_>) -> Result<(), Error> {
    let mut throttle = Throttle::new(work.options.most_lag);
    let mut budget = Budget::new(work.options.lock_budget);
    loop {
        work.go_on().await?;
        wait_for_leave(work, walk, &mut throttle).await?;
        let pid = work.session.backend.pid;
        work.warden.focus(Focus { pid, patience: None, wait: None, on_stop: OnStop::CancelIfWaiting }).await;
        let began = Instant::now();
        let size = walk.cut.map_or(walk.pace.size(), |cut| cut.size);
        let result = chunk(work, walk, size).await;
        let seen = work.warden.rest().await;
        let FailedChunk { failed, end } = match result {
            Ok(Chunk::EndOfTable) => return Ok(()),
            Ok(Chunk::Done) => {
                match walk.cut {
                    None => walk.pace.took(began.elapsed()),
                    Some(Cut { size, left }) => walk.cut = left.checked_sub(size).filter(|left| *left > 0).map(|left| Cut { size, left }),
                }
                budget = Budget::new(work.options.lock_budget);
                tell(work, walk);
                continue;
            }
            Err(failed) => failed,
        };
        work.session.rollback().await;
        match judge(&walk.step.id, failed, &seen) {
            // Clients that change many rows in another order deadlock less with smaller chunks.
            Ok(()) => {
                walk.pace.shrink();
                retry(work, &walk.step.id, &mut budget, &seen.blockers, seen.cancelled).await?;
            }
            Err(Error::StepFailed { cause, .. }) if size > 1 && Fault::of(&cause) == Fault::Own && end.is_some() => {
                walk.cut = Some(Cut { size: size / 2, left: walk.cut.map_or(size, |cut| cut.left) });
            }
            Err(Error::StepFailed { step, cause }) => {
                let error = match end {
                    Some(end) => Error::RowFailed { step, table: walk.backfill.table.clone(), key: end.join(", "), cause },
                    None => Error::StepFailed { step, cause },
                };
                note_failure(work, outcome(walk, State::Done), &error).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
}

/// One transaction: find the chunk's end, change its rows, move the cursor.
async fn chunk(work: &mut Work<'_>, walk: &mut Walk<'_>, size: u32) -> Result<Chunk, FailedChunk> {
    let session = &mut work.session;
    session.begin().await?;
    let limits = session.limits(walk.step.lock_wait, walk.step.statement_time);
    session.limit(Limits { statement_time: None, ..limits }, Scope::Transaction).await?;
    if walk.backfill.sync == SyncTriggers::StandAside {
        session.run("SET LOCAL concertina.backfill = 'on'").await?;
    }
    if !store::fence(&mut session.connection, work.epoch).await? {
        return Err(FailedChunk { failed: Failed::LeaseLost, end: None });
    }
    let end = chunk_end(walk, size).fetch_optional(&mut session.connection).await?;
    let Some(end) = end.as_ref().map(key).transpose()? else {
        session.commit().await?;
        return Ok(Chunk::EndOfTable);
    };
    failpoint::reach(&walk.step.id, "begun");
    let changed = match change(walk, &end).execute(&mut session.connection).await {
        Ok(result) => result.rows_affected(),
        Err(source) => return Err(FailedChunk { failed: source.into(), end: Some(end) }),
    };
    let at = BackfillEntry {
        cursor: Some(end),
        walk: walk.at.walk,
        walked: walk.at.walked + i64::from(size),
        changed: walk.at.changed + i64::try_from(changed).unwrap_or(i64::MAX),
        chunk: i32::try_from(walk.pace.size()).unwrap_or(i32::MAX),
    };
    failpoint::reach(&walk.step.id, "ran");
    if store::save_backfill(&mut session.connection, work.epoch, &walk.step.id, &at).await? == 0 {
        return Err(FailedChunk { failed: Failed::LeaseLost, end: None });
    }
    failpoint::reach(&walk.step.id, "marked");
    session.commit().await?;
    walk.at = at;
    failpoint::reach(&walk.step.id, "chunk");
    Ok(Chunk::Done)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn chunk_end<'q>(walk: &Walk<'_>, size: u32) -> Query<'q> {
    let sql = if walk.at.cursor.is_some() { &walk.backfill.chunk_end } else { &walk.backfill.first_chunk_end };
    bind(trusted(sql), walk.at.cursor.as_deref().unwrap_or_default()).bind(i64::from(size))
}

fn change<'q>(walk: &Walk<'_>, end: &[String]) -> Query<'q> {
    match &walk.at.cursor {
        Some(cursor) => bind(trusted(&walk.backfill.chunk), &[cursor.as_slice(), end].concat()),
        None => bind(trusted(&walk.backfill.first_chunk), end),
    }
}

fn bind<'q>(sql: AssertSqlSafe<String>, keys: &[String]) -> Query<'q> {
    keys.iter().fold(sqlx::query(sql), |query, key| query.bind(key.clone()))
}

/// The key columns of a row, all text.
fn key(row: &PgRow) -> Result<Vec<String>, sqlx::Error> {
    (0..row.len()).map(|column| row.try_get(column)).collect()
}

/// Waits while there is a reason to pause.
async fn wait_for_leave(work: &mut Work<'_>, walk: &Walk<'_>, throttle: &mut Throttle) -> Result<(), Error> {
    let mut paused = None;
    loop {
        let why = throttle.reason(&mut work.session.connection).await.map_err(doing("looking whether the backfill has to pause"))?;
        if why != paused {
            work.listener.hear(&Event::Paused { step: &walk.step.id, why: why.clone() });
        }
        if why.is_none() {
            return Ok(());
        }
        paused = why;
        work.pause(LOOK_AGAIN).await?;
    }
}

fn tell(work: &Work<'_>, walk: &Walk<'_>) {
    let rows = |number: i64| u64::try_from(number).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = (walk.at.walked - walk.began_with) as f64 / walk.began.elapsed().as_secs_f64().max(0.001);
    let (walked, changed) = (rows(walk.at.walked), rows(walk.at.changed));
    let progress = Progress { walked, changed, estimate: walk.estimate, rate, chunk: walk.pace.size() };
    work.listener.hear(&Event::Chunk { step: &walk.step.id, progress });
}
