//! The shop's application, in the three releases that the demo rolls out. Each client knows one shape of the schema only, and
//! remembers what it wrote, so that a lost write would be found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

/// What a release of the application sends.
struct Statements {
    rename: &'static str,
    sign_up: &'static str,
    order: &'static str,
    look: &'static str,
}

const STATEMENTS: [Statements; 3] = [
    Statements {
        rename: "UPDATE customers SET name = $2 WHERE id = $1",
        sign_up: "INSERT INTO customers (name) VALUES ($1) RETURNING id",
        order: "INSERT INTO orders (customer_id, total) VALUES ($1, 9.99)",
        look: "SELECT name FROM customers WHERE id = $1",
    },
    Statements {
        rename: "UPDATE customers SET full_name = $2 WHERE id = $1",
        sign_up: "INSERT INTO customers (full_name) VALUES ($1) RETURNING id",
        order: "INSERT INTO orders (customer_id, total, status) VALUES ($1, 9.99, 'paid')",
        look: "SELECT full_name FROM customers WHERE id = $1",
    },
    Statements {
        rename: "UPDATE customers SET full_name = $2 WHERE id = $1",
        sign_up: "INSERT INTO customers (full_name) VALUES ($1) RETURNING id",
        order: "INSERT INTO orders (customer_id, total, status) VALUES ($1, 9.99, 'paid')",
        look: "SELECT full_name FROM customers WHERE full_name LIKE 'Customer %' AND id = $1",
    },
];

/// Time between two rounds: a busy shop, on a machine that has other things to do as well.
const PAUSE: Duration = Duration::from_millis(2);

/// A running client.
pub(crate) struct Client {
    /// The release of the application.
    pub(crate) release: usize,
    shared: Arc<Shared>,
    task: JoinHandle<Tally>,
}

/// What a running client and its owner tell each other.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    writes: AtomicU64,
    errors: AtomicU64,
}

/// What a client did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Statements that wrote.
    pub(crate) writes: u64,
    /// What went wrong, each time.
    pub(crate) errors: Vec<String>,
    /// The longest that a statement took.
    pub(crate) slowest: Duration,
    /// The last name that it gave each customer.
    pub(crate) names: BTreeMap<i64, String>,
}

impl Client {
    /// Starts the application of `release`. It writes to every second customer, from `first` on, so that two clients never
    /// write the same one, and each knows what must be there.
    pub(crate) fn start(release: usize, url: String, first: i64, customers: i64) -> Self {
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut tally = Tally::default();
            if let Err(error) = work(release, &url, first, customers, &told, &mut tally).await {
                tally.errors.push(error.to_string());
            }
            tally
        });
        Self { release, shared, task }
    }

    /// How many writes and errors there were so far.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.shared.writes.load(Ordering::Relaxed), self.shared.errors.load(Ordering::Relaxed))
    }

    /// Stops it.
    pub(crate) async fn stop(self) -> Tally {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("the client does not panic")
    }
}

async fn work(release: usize, url: &str, first: i64, customers: i64, shared: &Shared, tally: &mut Tally) -> sqlx::Result<()> {
    let statements = &STATEMENTS[release - 1];
    let mut connection = PgConnection::connect(url).await?;
    let mut id = first;
    while !shared.stop.load(Ordering::Relaxed) {
        let name = format!("Customer {id}, named by release {release} in round {}", tally.writes);
        let begun = Instant::now();
        let updated = sqlx::query(statements.rename).bind(id).bind(&name).execute(&mut connection).await;
        tally.took(begun, updated.map(|_| Some((id, name.clone()))));
        let begun = Instant::now();
        let signed_up: sqlx::Result<i64> = sqlx::query_scalar(statements.sign_up).bind(&name).fetch_one(&mut connection).await;
        tally.took(begun, signed_up.map(|id| Some((id, name.clone()))));
        let begun = Instant::now();
        let ordered = sqlx::query(statements.order).bind(id).execute(&mut connection).await;
        tally.took(begun, ordered.map(|_| None));
        let seen: sqlx::Result<String> = sqlx::query_scalar(statements.look).bind(id).fetch_one(&mut connection).await;
        match seen {
            Ok(seen) if seen == name => {}
            Ok(seen) => tally.errors.push(format!("customer {id} was just called `{name}` and is `{seen}`")),
            Err(error) => tally.errors.push(error.to_string()),
        }
        shared.writes.store(tally.writes, Ordering::Relaxed);
        shared.errors.store(tally.errors.len() as u64, Ordering::Relaxed);
        id = if id + 2 > customers { first } else { id + 2 };
        tokio::time::sleep(PAUSE).await;
    }
    connection.close().await
}

impl Tally {
    fn took(&mut self, begun: Instant, outcome: sqlx::Result<Option<(i64, String)>>) {
        self.slowest = self.slowest.max(begun.elapsed());
        match outcome {
            Ok(named) => {
                self.writes += 1;
                self.names.extend(named);
            }
            Err(error) => self.errors.push(error.to_string()),
        }
    }
}
