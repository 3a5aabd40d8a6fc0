//! Rows for a throwaway database, made from its own catalog: every table that can have some gets them, NULLs and extremes
//! among them, and what can't is named with the reason.

use serde::Serialize;
use sqlx::PgConnection;

use super::client::{Keep, Outcome, ask, execute, referenced_by, run};
use super::obey::{TRIES, apart, guess, hint, may_pass};
use super::shape::{ForeignKey, Kind, Shape, Table, WrittenBy};
use super::value::{Flavour, value, value_to_come};
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// What the rows are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// NULLs and extremes among them.
    Varied,
    /// Ordinary ones only: the release's migrations refuse others.
    Plain,
    /// None: the release's migrations refuse even ordinary ones.
    None,
}

/// The rows that a table has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seeded {
    /// The table.
    pub table: String,
    /// How many.
    pub rows: u32,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Puts rows into the tables for which `wanted` holds, those that others reference first. Of two databases the second one is asked
/// first, and what it refuses isn't put into the first.
pub(super) async fn seed(
    (connection, mut trial): (&mut PgConnection, Option<&mut PgConnection>),
    shape: &Shape,
    kind: Rows,
    count: u32,
    wanted: &dyn Fn(&Name) -> bool,
) -> Result<Vec<Seeded>, sqlx::Error> {
    if kind == Rows::None {
        return Ok(Vec::new());
    }
    let mut seeded = Vec::new();
    execute(connection, "BEGIN").await?;
    if let Some(trial) = &mut trial {
        execute(trial, "BEGIN").await?;
    }
    for table in in_order(shape).into_iter().filter(|table| wanted(&table.name)) {
        let mut rows = 0;
        let mut reason = None;
        for number in 1..=u64::from(count) {
            match row((connection, trial.as_deref_mut()), shape, table, kind, number).await? {
                None => rows += 1,
                Some(why) => reason = Some(why),
            }
            if rows == 0 && number > 10 {
                break;
            }
        }
        if rows == 0 {
            // The migrations may have put some there, and no more may fit.
            let there = format!("SELECT count(*)::text FROM (SELECT 1 FROM {} LIMIT {count}) AS there", write::name(&table.name));
            let there = ask(connection, &there).await?.and_then(|found| found.first()?.first()?.as_deref()?.parse().ok());
            rows = there.unwrap_or_default();
        }
        seeded.push(Seeded { table: table.name.to_string(), rows, reason: reason.filter(|_| rows == 0) });
    }
    execute(connection, "COMMIT").await?;
    Ok(seeded)
}

/// Tables after those that they reference, as far as there is such an order.
fn in_order(shape: &Shape) -> Vec<&Table> {
    let mut waiting: Vec<&Table> = shape.tables.iter().filter(|table| table.kind == Kind::Table).collect();
    let mut ordered: Vec<&Table> = Vec::new();
    while !waiting.is_empty() {
        let blocks =
            |table: &Table, key: &ForeignKey| key.references != table.name && waiting.iter().any(|other| other.name == key.references);
        let free = waiting.iter().position(|table| !table.foreign_keys.iter().any(|key| blocks(table, key)));
        // In a circle somebody has to go first: one whose references may be NULL.
        let nullable =
            |table: &Table, key: &ForeignKey| key.columns.iter().any(|name| table.column(name).is_some_and(|column| !column.not_null));
        let free = free
            .or_else(|| waiting.iter().position(|table| table.foreign_keys.iter().all(|key| !blocks(table, key) || nullable(table, key))));
        ordered.push(waiting.remove(free.unwrap_or(0)));
    }
    ordered
}

/// One row; the reason if none of its tries was taken.
async fn row(
    (connection, mut trial): (&mut PgConnection, Option<&mut PgConnection>),
    shape: &Shape,
    table: &Table,
    kind: Rows,
    number: u64,
) -> Result<Option<String>, sqlx::Error> {
    let mut reason = String::new();
    for attempt in 0..TRIES {
        let sql = match insert(shape, table, kind, number, attempt) {
            Ok(sql) => sql,
            Err(why) => return Ok(Some(why)),
        };
        let tried = match &mut trial {
            Some(trial) => run(trial, &sql, Keep::Yes).await?,
            None => Outcome::Rows(Vec::new()),
        };
        let outcome = if matches!(tried, Outcome::Failed { .. }) { tried } else { run(connection, &sql, Keep::Yes).await? };
        match outcome {
            Outcome::Rows(_) => return Ok(None),
            Outcome::Failed { code, message } => {
                reason = message;
                if !may_pass(&code) {
                    break;
                }
            }
        }
    }
    Ok(Some(reason))
}

/// In how many tries a row's own key references nothing that is there.
const LEADING: u64 = 3;

fn insert(shape: &Shape, table: &Table, kind: Rows, number: u64, attempt: u64) -> Result<String, String> {
    let varied = kind == Rows::Varied && attempt == 0;
    let mut names: Vec<&Identifier> = Vec::new();
    let mut values: Vec<String> = Vec::new();
    // In the last tries the row leads, and a trigger may make the one that its own key references.
    let leads = attempt + LEADING >= TRIES;
    let is_key = |name: &Identifier| table.key().is_some_and(|key| key.contains(name));
    for column in &table.columns {
        if column.written_by != WrittenBy::Clients && attempt < TRIES - 1 || column.written_by == WrittenBy::Database {
            continue;
        }
        if varied && number % 8 == 2 && column.default.is_some() {
            continue;
        }
        let value = if let Some(hint) = hint(table, column, number).filter(|_| attempt == 0) {
            Some(hint)
        } else if varied && number.is_multiple_of(8) && !column.not_null {
            Some("NULL".to_owned())
        } else {
            let flavour = if varied && number % 8 == 1 { Flavour::Extreme } else { Flavour::Plain };
            let apart = apart(table, column, attempt);
            let another = number + attempt * 1000 + apart;
            guess(table, column, number, attempt)
                .or_else(|| referenced_by(shape, table, column, number + apart, |key| !leads || !key.columns.iter().any(is_key)))
                .or_else(|| value_to_come(&shape.types, column, another).filter(|_| attempt.is_multiple_of(2)))
                .or_else(|| value(&shape.types, column, another, flavour))
        };
        match value {
            Some(value) => {
                names.push(&column.name);
                values.push(value);
            }
            None if column.not_null && column.default.is_none() => {
                return Err(format!("no value is known for the type {} of {}", column.type_text, column.name));
            }
            None => {}
        }
    }
    let relation = write::name(&table.name);
    if names.is_empty() {
        return Ok(format!("INSERT INTO {relation} DEFAULT VALUES"));
    }
    Ok(format!("INSERT INTO {relation} ({}) VALUES ({})", write::list(names), values.join(", ")))
}
