//! Writes carry over. From old to new: what an old client writes at the end of migrate must read, in the new shape, as if it
//! had been written before the migrations ran as written. From new to old: what both releases know under the same
//! type must be the same to both.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection};

use super::Error;
use super::chance::{renumber, reorder};
use super::client::{Client, Keep, Outcome, Statement, ask, execute, reading, rows_differ, rows_if_any, run_all, run_each, sequences_at};
use super::journal::{CheckKind, Example, Journal};
use super::prove::Case;
use super::reference::has_another_default;
use super::shadow::Shadow;
use super::shape::{Kind, Shape, Table};
use super::through::Through;
use super::written;
pub(super) use crate::plan::path;
use crate::schema::{Identifier, Name};

/// Both sides of a window.
pub(super) struct Sides<'a> {
    pub(super) case: &'a Case<'a>,
    /// A database of the release before, which is used up.
    pub(super) old_database: &'a str,
    /// Another one, which is copied.
    pub(super) spare: &'a str,
    pub(super) old_shape: &'a Shape,
    pub(super) new_shape: &'a Shape,
    pub(super) old: &'a Client,
    pub(super) new: &'a Client,
    pub(super) touched: &'a BTreeSet<Name>,
    /// Tables whose rows the release changes as data: rows written later are not, and the plan says so.
    pub(super) changed: &'a BTreeSet<String>,
    /// What new clients see tables through.
    pub(super) through: &'a Through,
    pub(super) state: &'a str,
}

impl Sides<'_> {
    fn is_tried(&self, table: &Table) -> bool {
        table.kind == Kind::Table && self.touched.contains(&table.name) && !self.changed.contains(&path(&table.name))
    }

    /// What a client writes that its own release takes: only that says something about the other.
    fn writes(&self, client: &Client) -> Vec<Statement> {
        let chosen = client.statements.iter().filter(|(statement, first, _)| {
            self.touched.contains(&statement.table)
                && matches!(first, Outcome::Rows(_))
                && !statement.about.starts_with("reads")
                && !(statement.about.contains("required columns only")
                    && has_another_default(self.case.renames, (self.old_shape, self.new_shape), &statement.table))
        });
        chosen.map(|(statement, ..)| statement.clone()).collect()
    }
}

/// Rows that the release has made may reference rows that were there: such a row can't be deleted, or get another key, any more, in the
/// end as little as here. Whether old clients may meet that is asked elsewhere.
async fn leave_referenced_rows(both: &mut PgConnection, writes: &mut Vec<Statement>) -> Result<(), Error> {
    let outcomes = run_all(both, writes, Keep::No).await?;
    let mut referenced = outcomes.iter().map(|outcome| matches!(outcome, Outcome::Failed { code, .. } if code == "23503"));
    writes.retain(|write| !referenced.next().unwrap_or_default() || write.about.starts_with("inserts"));
    Ok(())
}

/// Sequences stand elsewhere in every copy; here they count on from the same number.
const SAME: u32 = 20_000;

/// What old clients write in `both`, which serves both releases; it is taken back there.
pub(super) async fn old_to_new(
    shadow: &mut Shadow,
    both: &mut PgConnection,
    sides: &Sides<'_>,
    journal: &mut Journal,
) -> Result<(), Error> {
    let mut writes = sides.writes(sides.old);
    leave_referenced_rows(both, &mut writes).await?;
    let copy = shadow.create(Some(sides.spare)).await?;
    let mut built = vec![copy.clone()];
    if take(shadow, sides.old_database, sides, &mut writes, Taken::First).await?
        && take(shadow, &copy, sides, &mut writes, Taken::Again).await?
    {
        let (mut first, mut second) = (shadow.connect(sides.old_database).await?, shadow.connect(&copy).await?);
        execute(both, &sequences_at(SAME)).await?;
        execute(both, "BEGIN").await?;
        run_each(both, &writes, Keep::Yes).await?;
        let mut differing = Vec::new();
        for table in sides.new_shape.tables.iter().filter(|table| sides.is_tried(table)) {
            match compare((&mut first, &mut second, both), sides, table).await? {
                Compared::Alike(tries) => journal.held(CheckKind::WritesCarryOver, tries),
                Compared::Differs(example) => differing.push((table, example)),
            }
        }
        let _ = second.close().await;
        if !differing.is_empty() {
            // Defaults and triggers may go by the clock: written a while later, such values are others in the second database.
            tokio::time::sleep(A_WHILE).await;
            let later = shadow.create(Some(sides.spare)).await?;
            built.push(later.clone());
            let taken = take(shadow, &later, sides, &mut writes, Taken::Again).await?;
            let mut second = shadow.connect(&later).await?;
            for (table, example) in differing {
                let compared =
                    if taken { compare((&mut first, &mut second, both), sides, table).await? } else { Compared::Differs(example) };
                match compared {
                    Compared::Alike(tries) => journal.held(CheckKind::WritesCarryOver, tries),
                    Compared::Differs(example) => journal.failed(CheckKind::WritesCarryOver, *example),
                }
            }
            let _ = second.close().await;
        }
        execute(both, "ROLLBACK").await?;
        let _ = first.close().await;
    }
    for database in built {
        shadow.drop(&database).await?;
    }
    Ok(())
}

/// Long enough for what counts seconds.
const A_WHILE: std::time::Duration = std::time::Duration::from_millis(1100);

/// Which of the databases of the release before it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    First,
    Again,
}

/// Lets old clients write in a database of their release, and runs the migrations as written there. False if those refuse the rows:
/// they are the business of the gates of contract.
async fn take(shadow: &Shadow, database: &str, sides: &Sides<'_>, writes: &mut Vec<Statement>, which: Taken) -> Result<bool, Error> {
    let mut connection = shadow.connect(database).await?;
    execute(&mut connection, &sequences_at(SAME)).await?;
    let outcomes = run_all(&mut connection, writes, Keep::Yes).await?;
    let _ = connection.close().await;
    if which == Taken::First {
        // Together they may be refused where each alone is not: of what is loosened until contract, that says nothing.
        let mut taken = outcomes.iter().map(|outcome| matches!(outcome, Outcome::Rows(_)));
        writes.retain(|_| taken.next().unwrap_or_default());
    }
    if which == Taken::Again {
        reorder(shadow, database, sides.old_shape).await?;
    }
    if written::run(shadow, database, sides.case.migrations).await?.is_err() {
        return Ok(false);
    }
    if which == Taken::Again {
        renumber(shadow, database, &[sides.old_shape], sides.new_shape, sides.case.renames).await?;
    }
    Ok(true)
}

/// What came of a comparison.
enum Compared {
    Alike(u64),
    Differs(Box<Example>),
}

async fn compare(
    (first, second, both): (&mut PgConnection, &mut PgConnection, &mut PgConnection),
    sides: &Sides<'_>,
    table: &Table,
) -> Result<Compared, Error> {
    let columns: Vec<&Identifier> = table.columns.iter().map(|column| &column.name).collect();
    let sql = reading(&table.name, &columns);
    let (first, second) = (rows_if_any(first, &sql).await?, rows_if_any(second, &sql).await?);
    let (Some(first), Some(second)) = (first, second) else { return Ok(Compared::Alike(0)) };
    let Some(found) = ask(both, &sides.through.sql(&sql)).await? else { return Ok(Compared::Alike(0)) };
    Ok(match rows_differ(&first, &second, &found) {
        None => Compared::Alike(found.len() as u64),
        Some((expected, found)) => {
            let about = format!("a client of the release reads from {} what clients of the release before have written", table.name);
            Compared::Differs(Box::new(Example { state: sides.state.to_owned(), about, sql, expected, found }))
        }
    })
}

/// What new clients write in `both`, which serves both releases; it is taken back there.
pub(super) async fn new_to_old(both: &mut PgConnection, sides: &Sides<'_>, journal: &mut Journal) -> Result<(), Error> {
    execute(both, "BEGIN").await?;
    run_each(both, &sides.through.statements(sides.writes(sides.new)), Keep::Yes).await?;
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
        let (sql, expected) = (reading(&old.name, &ours), sides.through.sql(&reading(&new.name, &theirs)));
        let (Some(found), Some(expected)) = (ask(both, &sql).await?, ask(both, &expected).await?) else { continue };
        match rows_differ(&expected, &expected, &found) {
            None => journal.held(CheckKind::WritesCarryOver, found.len() as u64),
            Some((expected, found)) => {
                let about = format!("a client of the release before reads from {} what clients of the release have written", old.name);
                journal.failed(CheckKind::WritesCarryOver, Example { state: sides.state.to_owned(), about, sql, expected, found });
            }
        }
    }
    execute(both, "ROLLBACK").await?;
    Ok(())
}
