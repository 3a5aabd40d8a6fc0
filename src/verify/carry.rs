//! Writes carry over. From old to new: what an old client writes at the end of migrate must read, in the new shape, as if it
//! had been written before the migrations ran as written. From new to old: what both releases know under the same
//! type must be the same to both.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection};

use super::Error;
use super::client::{Client, Keep, Outcome, Statement, execute, reading, rows_differ, run_all};
use super::journal::{CheckKind, Example, Journal};
use super::prove::Case;
use super::reference::{renumber, rows};
use super::shadow::Shadow;
use super::shape::{Kind, Shape, Table};
use super::written;
pub(super) use crate::plan::path;
use crate::schema::{Identifier, Name};

/// Both sides of a window.
pub(super) struct Sides<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) old_database: &'a str,
    /// The database that serves both.
    pub(super) both: &'a str,
    pub(super) old_shape: &'a Shape,
    pub(super) new_shape: &'a Shape,
    pub(super) old: &'a Client,
    pub(super) new: &'a Client,
    pub(super) touched: &'a BTreeSet<Name>,
    /// Tables whose rows the release changes as data: rows written later are not, and the plan says so.
    pub(super) changed: &'a BTreeSet<String>,
    pub(super) state: &'a str,
}

impl Sides<'_> {
    fn is_tried(&self, table: &Table) -> bool {
        table.kind == Kind::Table && self.touched.contains(&table.name) && !self.changed.contains(&path(&table.name))
    }

    /// Whether the release gives a column another default, which both sides then share.
    fn has_another_default(&self, table: &Name) -> bool {
        let (Some(old), Some(new)) = (self.old_shape.table(table), self.new_shape.table(table)) else { return false };
        old.columns.iter().any(|column| new.column(&column.name).is_some_and(|other| other.default != column.default))
    }

    /// What a client writes that its own release takes: only that says something about the other.
    fn writes(&self, client: &Client) -> Vec<Statement> {
        let chosen = client.statements.iter().filter(|(statement, first, _)| {
            self.touched.contains(&statement.table)
                && matches!(first, Outcome::Rows(_))
                && !statement.about.starts_with("reads")
                && !(statement.about.contains("required columns only") && self.has_another_default(&statement.table))
        });
        chosen.map(|(statement, ..)| statement.clone()).collect()
    }
}

/// Sequences stand elsewhere in every copy; here they count on from the same number.
const SAME_SEQUENCES: &str = "SELECT pg_catalog.setval(c.oid::regclass, 20000) FROM pg_catalog.pg_class c WHERE c.relkind = 'S'";

pub(super) async fn old_to_new(shadow: &mut Shadow, sides: &Sides<'_>, journal: &mut Journal) -> Result<(), Error> {
    let writes = sides.writes(sides.old);
    let mut made = Vec::new();
    let mut written = Vec::new();
    for _ in 0..2 {
        let copy = shadow.create(Some(sides.old_database)).await?;
        let mut connection = shadow.connect(&copy).await?;
        execute(&mut connection, SAME_SEQUENCES).await?;
        run_all(&mut connection, &writes, Keep::Yes).await?;
        let _ = connection.close().await;
        made.push(copy.clone());
        if let Err(refused) = written::run(shadow, &copy, sides.case.migrations).await? {
            // What is tightened refuses such rows: they are the business of the gates of contract.
            let _ = refused;
            break;
        }
        if !written.is_empty() {
            renumber(shadow, &copy, sides.old_shape, sides.new_shape).await?;
        }
        written.push(copy);
    }
    if let [first, second] = written.as_slice() {
        let both = shadow.create(Some(sides.both)).await?;
        made.push(both.clone());
        let mut connections = (shadow.connect(first).await?, shadow.connect(second).await?, shadow.connect(&both).await?);
        execute(&mut connections.2, SAME_SEQUENCES).await?;
        run_all(&mut connections.2, &writes, Keep::Yes).await?;
        for table in sides.new_shape.tables.iter().filter(|table| sides.is_tried(table)) {
            compare(&mut connections, sides, table, journal).await?;
        }
        let _ = (connections.0.close().await, connections.1.close().await, connections.2.close().await);
    }
    for name in made {
        shadow.drop(&name).await?;
    }
    Ok(())
}

async fn compare(
    connections: &mut (PgConnection, PgConnection, PgConnection),
    sides: &Sides<'_>,
    table: &Table,
    journal: &mut Journal,
) -> Result<(), Error> {
    let columns: Vec<&Identifier> = table.columns.iter().map(|column| &column.name).collect();
    let sql = reading(&table.name, &columns);
    let (first, second) = (rows(&mut connections.0, &sql).await?, rows(&mut connections.1, &sql).await?);
    let Ok(found) = rows(&mut connections.2, &sql).await else { return Ok(()) };
    match rows_differ(&first, &second, &found) {
        None => journal.held(CheckKind::WritesCarryOver, found.len() as u64),
        Some((expected, found)) => {
            let about = format!("a client of the release reads from {} what clients of the release before have written", table.name);
            journal.failed(CheckKind::WritesCarryOver, Example { state: sides.state.to_owned(), about, sql, expected, found });
        }
    }
    Ok(())
}

pub(super) async fn new_to_old(shadow: &mut Shadow, sides: &Sides<'_>, journal: &mut Journal) -> Result<(), Error> {
    let both = shadow.create(Some(sides.both)).await?;
    let mut connection = shadow.connect(&both).await?;
    run_all(&mut connection, &sides.writes(sides.new), Keep::Yes).await?;
    for old in sides.old_shape.tables.iter().filter(|table| table.kind == Kind::Table && sides.touched.contains(&table.name)) {
        let renamed = sides.case.renames.tables.get(&old.name).unwrap_or(&old.name);
        let Some(new) = sides.new_shape.table(renamed).filter(|new| new.kind == Kind::Table) else { continue };
        let shared: Vec<(&Identifier, &Identifier)> = old
            .columns
            .iter()
            .filter_map(|column| {
                let name = sides.case.renames.columns.get(&(old.name.clone(), column.name.clone())).unwrap_or(&column.name);
                let other = new.column(name)?;
                (other.type_text == column.type_text).then_some((&column.name, &other.name))
            })
            .collect();
        let (ours, theirs): (Vec<&Identifier>, Vec<&Identifier>) = shared.into_iter().unzip();
        if ours.is_empty() {
            continue;
        }
        let (sql, expected) = (reading(&old.name, &ours), reading(&new.name, &theirs));
        let (Ok(found), Ok(expected)) = (rows(&mut connection, &sql).await, rows(&mut connection, &expected).await) else { continue };
        match rows_differ(&expected, &expected, &found) {
            None => journal.held(CheckKind::WritesCarryOver, found.len() as u64),
            Some((expected, found)) => {
                let about = format!("a client of the release before reads from {} what clients of the release have written", old.name);
                journal.failed(CheckKind::WritesCarryOver, Example { state: sides.state.to_owned(), about, sql, expected, found });
            }
        }
    }
    let _ = connection.close().await;
    shadow.drop(&both).await
}
