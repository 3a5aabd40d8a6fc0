//! What must be true before a plan or a step begins. Only looks; a shut gate changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;

use super::chain::position;
use super::error::{Error, Fault, doing};
use super::run::Work;
use super::session::{Limits, Scope, Session};
use super::warden::{Cancelled, Focus, OnStop};
use crate::plan::{Chain, Gate, Plan, Release, Start, Step, TAKE_OVER, is_held};
use crate::schema::Identifier;
use crate::sql::write;

/// Checks the gates of a step. `deploying` is the release whose deploy this is.
pub(super) async fn check(work: &mut Work<'_>, chain: &Chain, deploying: &Release, step: &Step) -> Result<(), Error> {
    for gate in &step.gates {
        match gate {
            Gate::ReleaseReached { release } => {
                if position(chain, release) > position(chain, deploying) {
                    return Err(Error::ReleaseNotReached { step: step.id.clone(), release: release.clone() });
                }
            }
            Gate::Zero { counts, sql } => {
                let rows = count(work, step, sql).await?;
                if rows != 0 {
                    return Err(Error::GateShut { step: step.id.clone(), counts: counts.clone(), rows });
                }
            }
            // Whoever chose the step has looked.
            Gate::Held { .. } => {}
        }
    }
    Ok(())
}

/// Counts rows without a limit of time; being asked to stop ends it, since nothing is lost.
pub(super) async fn count(work: &mut Work<'_>, step: &Step, sql: &str) -> Result<i64, Error> {
    let limits = Limits { lock_wait: None, statement_time: None };
    work.session.limit(limits, Scope::Session).await.map_err(doing("setting limits"))?;
    let pid = work.session.backend.pid;
    work.warden.focus(Focus { pid, patience: None, wait: None, on_stop: OnStop::Cancel }).await;
    let result = work.session.count(sql).await;
    let seen = work.warden.rest().await;
    result.map_err(|source| match (Fault::of(&source), seen.cancelled) {
        (Fault::Cancelled, Some(Cancelled::Stop(signal))) => Error::Interrupted(signal),
        (Fault::Cancelled, Some(Cancelled::LeaseLost)) => Error::LeaseLost,
        _ => Error::StepFailed { step: step.id.clone(), cause: source },
    })
}

/// Whether the server is new enough for the plan's SQL.
pub(super) fn check_version(session: &Session, plan: &Plan) -> Result<(), Error> {
    let found = u32::try_from(session.version / 10_000).unwrap_or_default();
    if found >= plan.engine_version {
        return Ok(());
    }
    Err(Error::ServerTooOld { release: plan.release.clone(), wanted: plan.engine_version, found })
}

/// Whether the tables that the plan touches are as it expects them before its first step.
pub(super) async fn check_start(session: &mut Session, plan: &Plan) -> Result<(), Error> {
    let names: Vec<&str> = plan.starts_from.tables.keys().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let failed = doing("reading the columns of the tables that the plan touches");
    // With no search_path, every type outside pg_catalog is printed with its schema.
    session.begin().await.map_err(&failed)?;
    session.run("SET LOCAL search_path = ''").await.map_err(&failed)?;
    let rows = sqlx::query(
        "SELECT t.name, a.attname::text, format_type(a.atttypid, a.atttypmod)
            FROM (SELECT c.oid, n.nspname || '.' || c.relname AS plain, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted
                    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')) live
            JOIN unnest($1::text[]) AS t(name) ON t.name IN (live.plain, live.quoted)
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = live.oid AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY t.name, a.attnum",
    )
    .bind(&names)
    .fetch_all(&mut session.connection)
    .await
    .map_err(&failed)?;
    session.commit().await.map_err(&failed)?;
    let mut live = BTreeMap::<String, BTreeMap<String, String>>::new();
    for row in &rows {
        let columns = live.entry(row.try_get(0).map_err(&failed)?).or_default();
        let (name, data_type): (Option<String>, Option<String>) = (row.try_get(1).map_err(&failed)?, row.try_get(2).map_err(&failed)?);
        columns.extend(name.zip(data_type));
    }
    for (table, columns) in &plan.starts_from.tables {
        let comes = columns.iter().filter(|column| is_still_renamed(plan, table, &column.name));
        let comes: Vec<(String, String)> = comes.map(|column| (column.name.clone(), column.data_type.clone())).collect();
        live.entry(table.clone()).and_modify(|found| found.extend(comes));
    }
    let differences = differences(&plan.starts_from, &unfinished(plan), &live);
    if differences.is_empty() { Ok(()) } else { Err(Error::OtherDatabase { release: plan.release.clone(), differences }) }
}

/// The tables on which earlier releases have left something to contract: both shapes are there until that is done.
fn unfinished(plan: &Plan) -> BTreeSet<&str> {
    let steps = plan.steps.iter().chain(&plan.deferred).filter(|step| step.introduced_by != plan.release);
    steps.flat_map(|step| &step.locks).map(|lock| lock.relation.as_str()).collect()
}

/// Whether what an earlier release has left to contract gives a column of the table that name: clients of that release see it by a view.
fn is_still_renamed(plan: &Plan, table: &str, column: &str) -> bool {
    let gives = format!(" TO {}", write::identifier(&Identifier::new(column)));
    let is_it = |step: &&Step| {
        step.introduced_by != plan.release && step.id.slug() == TAKE_OVER && step.locks.iter().any(|lock| lock.relation == table)
    };
    plan.steps.iter().filter(is_it).flat_map(|step| &step.sql).any(|sql| sql.ends_with(&gives))
}

/// What differs, a line each. The order of columns says nothing about which database it is, and neither does what stands
/// beside the new shape in `unfinished` tables.
fn differences(start: &Start, unfinished: &BTreeSet<&str>, live: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, columns) in &start.tables {
        let Some(found) = live.get(table) else {
            if !columns.is_empty() {
                lines.push(format!("table `{table}` is missing"));
            }
            continue;
        };
        let unfinished = unfinished.contains(table.as_str());
        for column in columns {
            match found.get(&column.name) {
                None => lines.push(format!("column `{table}.{}` is missing", column.name)),
                Some(data_type) if !unfinished && !same_type(data_type, &column.data_type) => lines
                    .push(format!("column `{table}.{}` is of type {data_type}, and should be of type {}", column.name, column.data_type)),
                Some(_) => {}
            }
        }
        let known: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let unknown = found.keys().filter(|name| !unfinished && !known.contains(name.as_str()) && !is_held(name));
        lines.extend(unknown.map(|name| format!("column `{table}.{name}` is not in the migrations")));
    }
    lines
}

/// Whether two types are written the same, a schema in front of one of them aside: whether it is printed depends on the
/// `search_path`.
fn same_type(live: &str, planned: &str) -> bool {
    live == planned || without_schema(live) == without_schema(planned)
}

fn without_schema(data_type: &str) -> &str {
    let rest = match data_type.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(_, rest)| rest),
        None => data_type.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).map(|end| &data_type[end..]),
    };
    rest.and_then(|rest| rest.strip_prefix('.')).unwrap_or(data_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StartColumn;

    #[test]
    fn a_schema_in_front_of_a_type_makes_no_other_type_of_it() {
        let check = |live, planned, same| assert_eq!(same_type(live, planned), same, "{live} {planned}");
        check("public.mood", "mood", true);
        check("\"My App\".mood", "mood", true);
        check("character varying(10)", "character varying(10)", true);
        check("character varying(10)", "character varying(20)", false);
        check("numeric(10,2)", "numeric(10,2)", true);
        check("public.mood[]", "mood", false);
        check("integer", "bigint", false);
    }

    #[test]
    fn another_database_is_told_by_what_differs() {
        let column = |name: &str, data_type: &str| StartColumn { name: name.to_owned(), data_type: data_type.to_owned() };
        let tables = [
            ("public.a".to_owned(), vec![column("id", "bigint"), column("name", "text")]),
            ("public.b".to_owned(), vec![column("id", "bigint")]),
        ];
        let start = Start { digest: String::new(), tables: tables.into() };
        let found = [("name", "integer"), ("extra", "text")].map(|(name, data_type)| (name.to_owned(), data_type.to_owned()));
        let live = [("public.a".to_owned(), found.into())].into();
        assert_eq!(
            differences(&start, &BTreeSet::new(), &live),
            [
                "column `public.a.id` is missing",
                "column `public.a.name` is of type integer, and should be of type text",
                "column `public.a.extra` is not in the migrations",
                "table `public.b` is missing",
            ]
        );
        let unfinished = BTreeSet::from(["public.a"]);
        assert_eq!(differences(&start, &unfinished, &live), ["column `public.a.id` is missing", "table `public.b` is missing"]);
    }
}
