//! The course of a proof: what is built, what is run, and who tries what after which step.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection};

use super::Error;
use super::course::Course;
use super::journal::{Journal, Proof};
use super::queries::Asked;
use super::reference::build;
use super::renames::Renames;
use super::seed::Rows;
use super::shadow::Shadow;
use super::shape::Shape;
use super::start;
use super::written::Script;
use crate::plan::{Plan, Step, path};
use crate::schema::Name;

/// A release that is to be proven.
#[derive(Debug)]
pub struct Case<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// A database that nobody is connected to, with the schema from which `begun` starts.
    pub base: &'a str,
    /// What earlier releases whose contract is still to come have done: their steps.
    pub begun: &'a [Step],
    /// And their migrations as written.
    pub before: &'a [Script],
    /// The release's migrations as written.
    pub migrations: &'a [Script],
    /// What it renames.
    pub renames: &'a Renames,
    /// Queries of clients, by the release that asks them.
    pub queries: &'a Asked,
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many rows a table gets.
    pub rows: u32,
    /// Whether tables that have nothing to do with the release are tried too.
    pub scope: Scope,
}

/// Which tables are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All, at the points where clients come and go; between the steps those that the release is about.
    All,
    /// Those that the release is about, and their neighbours.
    Touched,
}

/// Proves a plan.
pub async fn prove(shadow: &mut Shadow, case: &Case<'_>, options: &Options) -> Result<Proof, Error> {
    let mut journal = Journal::default();
    let mut connection = shadow.connect(case.base).await?;
    let base = Shape::read(&mut connection).await?;
    let otherwise = start::otherwise(&mut connection, case, &base)
        .await
        .map_err(|source| Error::Shadow { doing: "comparing the start".to_owned(), source })?;
    let fired = fired(&mut connection, case).await.map_err(|source| Error::Shadow { doing: "reading triggers".to_owned(), source })?;
    let _ = connection.close().await;
    if let Some(reason) = otherwise {
        journal.untried(reason);
        return Ok(journal.end(case.plan.release.clone(), Rows::None, Vec::new()));
    }
    let mut touched = touched(case, &base);
    touched.extend(fired);
    let written = match build(shadow, case, options, (&base, &touched)).await? {
        Ok(written) => written,
        Err(refused) => {
            journal.untried(format!("the migrations as written don't run: {refused}"));
            return Ok(journal.end(case.plan.release.clone(), Rows::None, Vec::new()));
        }
    };
    let mut course = Course::begin(shadow, case, *options, written, touched, journal).await?;
    course.run(shadow).await?;
    course.end(shadow).await
}

/// Tables whose triggers run a function that the release replaces.
async fn fired(connection: &mut PgConnection, case: &Case<'_>) -> Result<Vec<Name>, sqlx::Error> {
    let replaces =
        |step: &&Step| step.introduced_by == case.plan.release && step.sql.iter().any(|sql| sql.to_lowercase().contains("function"));
    let replaced: String = case.plan.steps.iter().chain(&case.plan.deferred).filter(replaces).flat_map(|step| step.sql.clone()).collect();
    if replaced.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT n.nspname::text, c.relname::text, p.proname::text FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal";
    let rows: Vec<(String, String, String)> = sqlx::query_as(sql).persistent(false).fetch_all(connection).await?;
    let fires = rows.into_iter().filter(|(_, _, function)| replaced.contains(function.as_str()));
    Ok(fires.map(|(schema, table, _)| Name::new(schema, table)).collect())
}

/// Tables that the release is about: those that its steps lock, and those that reference them or that they reference.
fn touched(case: &Case<'_>, shape: &Shape) -> BTreeSet<Name> {
    let locked: BTreeSet<&str> =
        case.plan.steps.iter().chain(&case.plan.deferred).flat_map(|step| &step.locks).map(|lock| lock.relation.as_str()).collect();
    let mut touched: BTreeSet<Name> =
        shape.tables.iter().filter(|table| locked.contains(path(&table.name).as_str())).map(|table| table.name.clone()).collect();
    let near: Vec<Name> = shape
        .tables
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| (table.name.clone(), key.references.clone())))
        .flat_map(|(one, other)| {
            if touched.contains(&one) {
                vec![other]
            } else if touched.contains(&other) {
                vec![one]
            } else {
                vec![]
            }
        })
        .collect();
    touched.extend(near);
    touched
}
