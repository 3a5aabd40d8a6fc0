//! Rows that are there, by the values of their keys: clients name them by value, so that rows which the release adds or takes
//! away don't change which row is meant.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::client::{reading, texts};
use super::shape::{Kind, Sample, Shape, Table};
use super::value::cast;
use crate::db::postgres::trusted;
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// How many rows of a table are known by value.
const MOST: usize = 40;

/// Reads some rows of every table that has a key.
pub(super) async fn read(connection: &mut PgConnection, shape: &mut Shape) -> Result<(), sqlx::Error> {
    let wanted: Vec<Vec<Identifier>> = shape.tables.iter().map(|table| columns(shape, table)).collect();
    for (table, columns) in shape.tables.iter_mut().zip(wanted) {
        let Some(key) = table.key().filter(|_| table.kind == Kind::Table).map(write::list) else { continue };
        let names: Vec<&Identifier> = columns.iter().collect();
        let sql = format!("{} ORDER BY {key} LIMIT {MOST}", reading(&table.name, &names));
        for row in sqlx::raw_sql(trusted(&sql)).fetch_all(&mut *connection).await? {
            let values = columns.iter().cloned().zip(texts(&row)?);
            table.samples.push(values.filter_map(|(name, value)| Some((name, value?))).collect());
        }
    }
    Ok(())
}

/// Keeps the rows that `other` has too: the rest differs from run to run.
pub(super) fn keep_settled(shape: &mut Shape, other: &Shape) {
    for table in &mut shape.tables {
        let settled = other.table(&table.name).map(|other| other.samples.as_slice()).unwrap_or_default();
        table.samples.retain(|sample| settled.contains(sample));
    }
}

/// The columns of its key, and those that foreign keys reference.
fn columns(shape: &Shape, table: &Table) -> Vec<Identifier> {
    let of_keys = shape.tables.iter().flat_map(|other| &other.foreign_keys).filter(|key| key.references == table.name);
    let all: BTreeSet<&Identifier> = of_keys.flat_map(|key| &key.referenced).chain(table.key().unwrap_or_default()).collect();
    all.into_iter().cloned().collect()
}

/// The value of a column in the row of that number, if such rows are known.
pub(super) fn value(shape: &Shape, table: &Name, column: &Identifier, number: u64) -> Option<String> {
    let table = shape.table(table)?;
    let sample: &Sample = table.samples.get(usize::try_from(number).ok()? % table.samples.len().max(1))?;
    Some(cast(sample.get(column)?, table.column(column)?))
}
