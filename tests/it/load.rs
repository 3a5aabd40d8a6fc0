//! Clients that keep up a constant load: each works through the statements of its release with a short pause after each
//! round, goes on whatever fails, and remembers what failed and how long it ever had to wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor};

use crate::clients::{Side, fill, runtime, value};

/// Time between two rounds: the load is that of a busy application, not all that the machine can bear.
const PAUSE: Duration = Duration::from_millis(2);
/// How far apart the rows of one writer are: more than there ever are writers.
const STRIDE: i64 = 8;

/// What is under way while the writers are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Moment {
    /// No deploy has begun: what is slow now is the machine.
    Quiet,
    Expand,
    Migrate,
    /// New clients take the place of old ones.
    RollOut,
    Contract,
    /// What was held is dropped.
    Drop,
    /// Nothing is, between two of them.
    Between,
}

impl Moment {
    const ALL: [Self; 7] = [Self::Quiet, Self::Expand, Self::Migrate, Self::RollOut, Self::Contract, Self::Drop, Self::Between];

    /// Its name in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quiet => "before",
            Self::Expand => "expand",
            Self::Migrate => "migrate",
            Self::RollOut => "roll out",
            Self::Contract => "contract",
            Self::Drop => "drop of what was held",
            Self::Between => "between phases",
        }
    }
}

/// What all writers of a story share.
#[derive(Debug, Default)]
pub(crate) struct Load {
    now: AtomicU8,
    tally: Mutex<Tally>,
}

/// What the writers did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Statements that wrote.
    pub(crate) writes: u64,
    /// What failed, each time.
    pub(crate) errors: Vec<String>,
    /// The longest statement of each moment.
    pub(crate) longest: BTreeMap<Moment, (Duration, String)>,
}

impl Load {
    /// From now on that is under way.
    pub(crate) fn comes_to(&self, moment: Moment) {
        self.now.store(moment as u8, Ordering::Relaxed);
    }

    fn now(&self) -> Moment {
        Moment::ALL[usize::from(self.now.load(Ordering::Relaxed))]
    }

    /// What the writers did, and begins anew.
    pub(crate) fn take(&self) -> Tally {
        std::mem::take(&mut self.tally.lock().unwrap())
    }

    /// Notes how a statement ended that had begun then.
    fn note<T>(&self, began: Instant, moment: Moment, statement: &str, ended: Result<T, String>, writes: bool) -> Option<T> {
        let took = began.elapsed();
        // What waits for a deploy may have begun a moment before it.
        let moment = if matches!(moment, Moment::Between | Moment::Quiet) { self.now() } else { moment };
        let mut tally = self.tally.lock().unwrap();
        let longest = tally.longest.entry(moment).or_default();
        if took > longest.0 {
            *longest = (took, statement.to_owned());
        }
        match ended {
            Ok(value) => {
                tally.writes += u64::from(writes);
                Some(value)
            }
            Err(error) => {
                tally.errors.push(format!("{}: {error}", moment.name()));
                None
            }
        }
    }
}

/// A client at work.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Begins to write; `number` is that of no other writer.
    pub(crate) fn start(url: &str, side: &Side, number: i64, load: &Arc<Load>) -> Self {
        assert!(number < STRIDE);
        let stop = Arc::new(AtomicBool::new(false));
        let work = work(url.to_owned(), side.clone(), 1_000_000 + number, Arc::clone(&stop), Arc::clone(load));
        Self { stop, thread: std::thread::spawn(move || runtime().block_on(work)) }
    }

    /// Stops it after its round.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

async fn work(url: String, side: Side, first: i64, stop: Arc<AtomicBool>, load: Arc<Load>) {
    let mut connection = side.connect(&url).await.unwrap();
    let mut id = first;
    while !stop.load(Ordering::Relaxed) {
        for statement in side.write.iter().map(|statement| fill(statement, id)) {
            let (moment, began) = (load.now(), Instant::now());
            let ended = connection.execute(sqlx::raw_sql(AssertSqlSafe(statement.clone()))).await;
            load.note(began, moment, &statement, ended.map_err(|error| format!("{statement}: {error}")), true);
        }
        let (reads, expected) = (fill(&side.reads, id), fill(&side.expects, id));
        let (moment, began) = (load.now(), Instant::now());
        let found = value(&mut connection, &reads)
            .await
            .and_then(|found| if found == expected { Ok(()) } else { Err(format!("row {id} reads `{found}` instead of `{expected}`")) });
        load.note(began, moment, &reads, found, false);
        id += STRIDE;
        tokio::time::sleep(PAUSE).await;
    }
}
