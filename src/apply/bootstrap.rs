//! Builds a new environment: runs the migrations as written on an empty database, and takes all plans as done. There are no
//! clients yet, so nothing needs to be split. Never touches a database that holds anything.

use super::error::{Error, doing};
use super::event::{Event, Listener};
use super::interrupt::Stop;
use super::ledger::{How, Ledger, State};
use super::run::Work;
use super::session::{Limits, Scope, Session};
use super::store::{self, Outcome};
use super::{Options, chain, failpoint};
use crate::db::postgres::{Settings, sqlstate};
use crate::plan::{Chain, Phase, Release, Step, StepId};

/// A migration as it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its path, relative to the migrations folder.
    pub path: String,
    /// Its statements, without those that begin and end a transaction around all of it.
    pub statements: Vec<String>,
    /// Whether they are run in one transaction.
    pub wrapped: Wrapped,
}

/// Whether a migration runs in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapped {
    /// All of it, together with its row in the ledger.
    Yes,
    /// Each statement by itself, or as the migration's own BEGIN and COMMIT have it.
    No,
}

/// Takes away the transaction that a migration itself begins with and ends with, since ours takes its place. Where it begins and
/// ends transactions in any other way it is left as it is, and not wrapped.
pub fn unwrap(statements: Vec<String>, wrapped: Wrapped) -> (Vec<String>, Wrapped) {
    let word = |text: &str| text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    let controls: Vec<String> = statements.iter().map(|text| word(text)).filter(|word| CONTROLS.contains(&word.as_str())).collect();
    match (controls.as_slice(), statements.as_slice()) {
        ([], _) => (statements, wrapped),
        ([begin, end], [first, inner @ .., last])
            if matches!(begin.as_str(), "begin" | "start")
                && matches!(end.as_str(), "commit" | "end")
                && word(first) == *begin
                && word(last) == *end =>
        {
            (inner.to_vec(), Wrapped::Yes)
        }
        _ => (statements, Wrapped::No),
    }
}

/// The words with which statements about transactions begin.
const CONTROLS: [&str; 6] = ["begin", "start", "commit", "end", "rollback", "abort"];

/// What a database that isn't empty has: something that neither PostgreSQL itself, nor an extension, nor we have made.
const FOUND: &str = "WITH found AS (
        SELECT 'pg_class'::regclass AS catalog, oid, relnamespace AS namespace, 'table `' || relname || '`' AS name
            FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, 'function `' || proname || '`' FROM pg_catalog.pg_proc
        UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, 'type `' || typname || '`' FROM pg_catalog.pg_type
            WHERE typtype IN ('e', 'd', 'r'))
    SELECT name FROM found JOIN pg_catalog.pg_namespace n ON n.oid = found.namespace
        WHERE n.nspname NOT IN ('information_schema', 'concertina') AND n.nspname NOT LIKE 'pg\\_%' AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d WHERE d.classid = found.catalog AND d.objid = found.oid AND d.deptype = 'e')
        ORDER BY name LIMIT 1";

/// Runs the migrations, which are those that the plans list, in their order.
pub async fn bootstrap(
    settings: &Settings,
    chain: &Chain,
    migrations: &[Written],
    options: &Options,
    listener: &dyn Listener,
    stop: Stop,
) -> Result<(), Error> {
    let mut session = Session::open(settings, "concertina/bootstrap").await?;
    let ledger = store::read(&mut session.connection).await?;
    chain::check(chain, &ledger)?;
    if may_begin(&mut session, chain, &ledger).await? == Begin::DoneAlready {
        listener.hear(&Event::Note("this database was built already; nothing to do".to_owned()));
        return Ok(());
    }
    let mut work = Work::begin(session, settings, options, listener, stop).await?;
    let result = run(&mut work, chain, migrations).await;
    work.end(result).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    Now,
    DoneAlready,
}

/// Whether the database is empty, or was left half-built by ourselves.
async fn may_begin(session: &mut Session, chain: &Chain, ledger: &Ledger) -> Result<Begin, Error> {
    if let Some(release) = ledger.plans.keys().next() {
        let all = chain.links().iter().all(|link| ledger.plans.contains_key(&link.plan.release));
        let only = ledger.steps.values().all(|entry| entry.how == How::Bootstrapped);
        return if all && only { Ok(Begin::DoneAlready) } else { Err(Error::NotEmpty { found: format!("release {release}") }) };
    }
    if ledger.steps.values().any(|entry| entry.how == How::Bootstrapped) {
        return Ok(Begin::Now);
    }
    let found: Option<String> =
        sqlx::query_scalar(FOUND).fetch_optional(&mut session.connection).await.map_err(doing("looking whether the database is empty"))?;
    match found {
        Some(found) => Err(Error::NotEmpty { found }),
        None => Ok(Begin::Now),
    }
}

async fn run(work: &mut Work<'_>, chain: &Chain, migrations: &[Written]) -> Result<(), Error> {
    let ledger = store::read(&mut work.session.connection).await?;
    if may_begin(&mut work.session, chain, &ledger).await? == Begin::DoneAlready {
        return Ok(());
    }
    // Where nobody else is, nobody is kept waiting.
    let limits = Limits { lock_wait: None, statement_time: None };
    work.session.limit(limits, Scope::Session).await.map_err(doing("setting limits"))?;
    let release = Release("bootstrap".to_owned());
    for migration in migrations {
        work.go_on().await?;
        let id = StepId(format!("bootstrap/{}", migration.path));
        let state = ledger.steps.get(&id).map(|entry| entry.state);
        match state {
            Some(State::Done) => continue,
            Some(State::Started) => return Err(Error::BrokenMigration { path: migration.path.clone() }),
            Some(State::Failed | State::Undoing | State::Undone) | None => {}
        }
        let outcome = outcome(&id, &release, Phase::Expand, State::Done);
        one(work, migration, outcome).await.map_err(|source| match source {
            Failed::Lease => Error::LeaseLost,
            Failed::Statement(cause) => Error::MigrationFailed { path: migration.path.clone(), cause },
        })?;
        work.listener.hear(&Event::MigrationDone { path: &migration.path });
    }
    let finished = finish(work, chain).await;
    if finished.is_err() {
        work.session.rollback().await;
    }
    finished.map_err(|failed| match failed {
        Failed::Lease => Error::LeaseLost,
        Failed::Statement(source) => doing("writing the ledger")(source),
    })
}

enum Failed {
    Lease,
    Statement(sqlx::Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

fn written(rows: u64) -> Result<(), Failed> {
    if rows == 0 { Err(Failed::Lease) } else { Ok(()) }
}

fn outcome<'a>(step: &'a StepId, release: &'a Release, phase: Phase, state: State) -> Outcome<'a> {
    Outcome { step, release, phase, state, how: How::Bootstrapped, backend: None, error: None }
}

async fn one(work: &mut Work<'_>, migration: &Written, done: Outcome<'_>) -> Result<(), Failed> {
    // One statement is a transaction by itself, so it may as well be one with its row in the ledger, unless it refuses.
    if migration.wrapped == Wrapped::Yes || migration.statements.len() == 1 {
        let result = wrapped(work, migration, done).await;
        let Err(failed) = result else { return Ok(()) };
        work.session.rollback().await;
        if migration.wrapped == Wrapped::Yes || !refuses_transactions(&failed) {
            return Err(failed);
        }
    }
    let result = alone(work, migration, done).await;
    if result.is_err() {
        work.session.rollback().await;
    }
    result
}

/// Whether a statement can't run within a transaction: `active_sql_transaction`, and `invalid_transaction_termination` where a
/// procedure commits.
fn refuses_transactions(failed: &Failed) -> bool {
    match failed {
        Failed::Lease => false,
        Failed::Statement(source) => matches!(sqlstate(source).as_deref(), Some("25001" | "2D000")),
    }
}

async fn wrapped(work: &mut Work<'_>, migration: &Written, done: Outcome<'_>) -> Result<(), Failed> {
    work.session.begin().await?;
    if !store::fence(&mut work.session.connection, work.epoch).await? {
        return Err(Failed::Lease);
    }
    for statement in &migration.statements {
        work.session.run(statement).await?;
    }
    written(store::mark(&mut work.session.connection, work.epoch, done).await?)?;
    failpoint::reach(done.step, "marked");
    work.session.commit().await?;
    failpoint::reach(done.step, "committed");
    Ok(())
}

async fn alone(work: &mut Work<'_>, migration: &Written, done: Outcome<'_>) -> Result<(), Failed> {
    let started = Outcome { state: State::Started, ..done };
    written(store::mark(&mut work.session.connection, work.epoch, started).await?)?;
    for (at, statement) in migration.statements.iter().enumerate() {
        let result = work.session.run(statement).await;
        if result.is_err() && at == 0 {
            // A first statement that fails alone has done nothing, so the migration may be run again.
            work.session.rollback().await;
            let failed = Outcome { state: State::Failed, ..done };
            written(store::mark(&mut work.session.connection, work.epoch, failed).await?)?;
        }
        result?;
        failpoint::reach(done.step, "ran");
    }
    written(store::mark(&mut work.session.connection, work.epoch, done).await?)
}

/// Takes all plans as done, those steps too that later deploys would run: what they clear away was never made.
async fn finish(work: &mut Work<'_>, chain: &Chain) -> Result<(), Failed> {
    work.session.begin().await?;
    if !store::fence(&mut work.session.connection, work.epoch).await? {
        return Err(Failed::Lease);
    }
    for link in chain.links() {
        let release = &link.plan.release;
        written(store::register(&mut work.session.connection, work.epoch, release, &link.digest).await?)?;
        for Step { id, phase, .. } in link.plan.steps.iter().chain(&link.plan.deferred) {
            written(store::mark(&mut work.session.connection, work.epoch, outcome(id, release, *phase, State::Done)).await?)?;
        }
    }
    work.session.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_around_the_whole_migration_becomes_ours() {
        let check = |statements: &[&str], wrapped, expected: (&[&str], Wrapped)| {
            let (left, how) = unwrap(statements.iter().map(|text| (*text).to_owned()).collect(), wrapped);
            assert_eq!((left.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), how), expected, "{statements:?}");
        };
        check(&["select 1"], Wrapped::Yes, (&["select 1"], Wrapped::Yes));
        check(&["select 1"], Wrapped::No, (&["select 1"], Wrapped::No));
        check(&["BEGIN", "select 1", "COMMIT"], Wrapped::No, (&["select 1"], Wrapped::Yes));
        check(&["begin", "select 1", "commit", "select 2"], Wrapped::Yes, (&["begin", "select 1", "commit", "select 2"], Wrapped::No));
        check(&["start transaction", "end"], Wrapped::Yes, (&[], Wrapped::Yes));
    }
}
