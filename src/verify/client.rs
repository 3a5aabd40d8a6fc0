//! What a client of a release does: reads and writes every column as that release knows it. Says what it does as SQL, does
//! it in savepoints, and compares what comes of it with what came of it in a database that has exactly its release's schema.

use sqlx::{PgConnection, Row as _};

use super::obey::{TRIES, apart, guess, may_pass};
use super::sample;
use super::shape::{Column, ForeignKey, Kind, Shape, Table, WrittenBy};
use super::value::{Flavour, value};
use crate::db::postgres::{sqlstate, trusted};
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// A row as text, column by column.
pub(super) type Row = Vec<Option<String>>;

/// One thing that a client does.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) table: Name,
    pub(super) about: String,
    pub(super) sql: String,
    /// The same with other values, for a table that has conditions on them: the first that its own release takes is the statement.
    pub(super) others: Vec<String>,
}

/// What came of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Rows(Vec<Row>),
    Failed { code: String, message: String },
}

/// Whether what a statement does stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// A client's statements with what comes of each in its own release's database: twice, since some values differ from run to run.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    pub(super) statements: Vec<(Statement, Outcome, Outcome)>,
}

impl Client {
    /// Learns in two databases of its own release what its statements give.
    pub(super) async fn learn(statements: Vec<Statement>, one: &mut PgConnection, other: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let mut statements = statements;
        execute(one, "BEGIN").await?;
        let mut first = Vec::with_capacity(statements.len());
        for statement in &mut statements {
            first.push(settle(one, statement).await?);
        }
        execute(one, "ROLLBACK").await?;
        // Sequences stand elsewhere, so that their values differ between both.
        execute(other, &sequences_at(30_011)).await?;
        let second = run_all(other, &statements, Keep::No).await?;
        Ok(Self {
            statements: statements
                .into_iter()
                .zip(first)
                .zip(second)
                .map(|((statement, first), second)| (statement, first, second))
                .collect(),
        })
    }
}

/// Makes all sequences count on from that number, if they get that far.
pub(super) fn sequences_at(number: u32) -> String {
    format!("SELECT pg_catalog.setval(seqrelid::regclass, {number}) FROM pg_catalog.pg_sequence WHERE {number} BETWEEN seqmin AND seqmax")
}

/// Finds the values with which a statement works, if there are any; the outcome.
async fn settle(connection: &mut PgConnection, statement: &mut Statement) -> Result<Outcome, sqlx::Error> {
    let first = run(connection, &statement.sql, Keep::No).await?;
    if !matches!(&first, Outcome::Failed { code, .. } if may_pass(code)) {
        return Ok(first);
    }
    for other in std::mem::take(&mut statement.others) {
        if let Outcome::Rows(rows) = run(connection, &other, Keep::No).await? {
            statement.sql = other;
            return Ok(Outcome::Rows(rows));
        }
    }
    Ok(first)
}

/// Runs statements in one transaction, each in a savepoint. What fails leaves nothing; the rest stays as `keep` says.
pub(super) async fn run_all(connection: &mut PgConnection, statements: &[Statement], keep: Keep) -> Result<Vec<Outcome>, sqlx::Error> {
    execute(connection, "BEGIN").await?;
    let outcomes = run_each(connection, statements, keep).await?;
    execute(connection, if keep == Keep::Yes { "COMMIT" } else { "ROLLBACK" }).await?;
    Ok(outcomes)
}

/// Runs statements in the transaction that is open, each in a savepoint.
pub(super) async fn run_each(connection: &mut PgConnection, statements: &[Statement], keep: Keep) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(statements.len());
    for statement in statements {
        outcomes.push(run(connection, &statement.sql, keep).await?);
    }
    Ok(outcomes)
}

/// The rows that a query gives in the transaction that is open; `None` if it fails, which does no harm to the transaction.
pub(super) async fn ask(connection: &mut PgConnection, sql: &str) -> Result<Option<Vec<Row>>, sqlx::Error> {
    Ok(match run(connection, sql, Keep::No).await? {
        Outcome::Rows(rows) => Some(rows),
        Outcome::Failed { .. } => None,
    })
}

/// Runs one statement in a savepoint of the transaction that is open.
pub(super) async fn run(connection: &mut PgConnection, sql: &str, keep: Keep) -> Result<Outcome, sqlx::Error> {
    let back = if keep == Keep::Yes { "" } else { "ROLLBACK TO SAVEPOINT client; " };
    let text = format!("SAVEPOINT client; {sql}; SET CONSTRAINTS ALL IMMEDIATE; {back}RELEASE SAVEPOINT client");
    match sqlx::raw_sql(trusted(&text)).fetch_all(&mut *connection).await {
        Ok(rows) => {
            let mut rows = rows.iter().map(texts).collect::<Result<Vec<Row>, _>>()?;
            rows.sort();
            Ok(Outcome::Rows(rows))
        }
        Err(error) => {
            let Some(code) = sqlstate(&error) else { return Err(error) };
            execute(connection, "ROLLBACK TO SAVEPOINT client; RELEASE SAVEPOINT client").await?;
            Ok(Outcome::Failed { code, message: error.as_database_error().map(|error| error.message().to_owned()).unwrap_or_default() })
        }
    }
}

pub(super) async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(trusted(sql)).execute(&mut *connection).await.map(drop)
}

/// The columns of a row, all text.
pub(super) fn texts(row: &sqlx::postgres::PgRow) -> Result<Row, sqlx::Error> {
    (0..row.len()).map(|at| row.try_get(at)).collect()
}

/// The rows that a query gives, in order of their text.
pub(super) async fn rows(connection: &mut PgConnection, sql: &str) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::raw_sql(trusted(sql)).fetch_all(&mut *connection).await?;
    let mut rows = rows.iter().map(texts).collect::<Result<Vec<_>, _>>()?;
    rows.sort();
    Ok(rows)
}

/// The same, or nothing where the server can't give them: a view may compute what no type holds.
pub(super) async fn rows_if_any(connection: &mut PgConnection, sql: &str) -> Result<Option<Vec<Row>>, sqlx::Error> {
    match rows(connection, sql).await {
        Err(error) if sqlstate(&error).is_some() => Ok(None),
        result => result.map(Some),
    }
}

/// All rows of a table, in the columns that are named.
pub(super) fn reading(table: &Name, columns: &[&Identifier]) -> String {
    format!("SELECT {} FROM {}", as_text(columns), write::name(table))
}

fn as_text(columns: &[&Identifier]) -> String {
    columns.iter().map(|name| format!("{}::text", write::identifier(name))).collect::<Vec<_>>().join(", ")
}

/// Everything that a client does to a table. `base` keeps the values of different clients apart.
pub(super) fn statements(shape: &Shape, table: &Table, base: u64) -> Vec<Statement> {
    let mut made = Making { shape, table, base, next: 0, statements: Vec::new() };
    let all: Vec<&Identifier> = table.columns.iter().map(|column| &column.name).collect();
    made.push("reads every column".to_owned(), reading(&table.name, &all));
    if table.kind == Kind::Table {
        made.inserts();
        made.updates();
        made.change_of_all();
        made.upserts();
        made.delete();
    }
    made.statements
}

struct Making<'a> {
    shape: &'a Shape,
    table: &'a Table,
    base: u64,
    next: u64,
    statements: Vec<Statement>,
}

impl Making<'_> {
    fn push(&mut self, about: String, sql: String) {
        self.push_any(about, sql, Vec::new());
    }

    fn push_any(&mut self, about: String, sql: String, others: Vec<String>) {
        self.statements.push(Statement { table: self.table.name.clone(), about, sql, others });
    }

    /// The attempts after the first that a table's conditions are worth.
    fn attempts(&self) -> std::ops::Range<u64> {
        1..if self.table.conditions.is_empty() { 1 } else { TRIES }
    }

    fn push_insert(&mut self, about: &str, columns: &[&Column], flavour: Flavour, nulls: &[&Identifier]) {
        let number = self.number();
        let sql = self.insert(columns, number, 0, flavour, nulls);
        let others = self.attempts().map(|attempt| self.insert(columns, number, attempt, flavour, nulls)).collect();
        self.push_any(about.to_owned(), sql, others);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.base + self.next
    }

    fn writable(&self) -> impl Iterator<Item = &Column> {
        self.table.columns.iter().filter(|column| column.written_by != WrittenBy::Database)
    }

    fn inserts(&mut self) {
        let all: Vec<Column> = self.writable().cloned().collect();
        let columns: Vec<&Column> = all.iter().collect();
        self.push_insert("inserts a row with every column", &columns, Flavour::Plain, &[]);
        self.push_insert("inserts a row of extremes", &columns, Flavour::Extreme, &[]);
        let is_required = |column: &Column| column.not_null && (column.default.is_none() || column.written_by == WrittenBy::Sequence);
        let required: Vec<&Column> = all.iter().filter(|column| is_required(column)).collect();
        self.push_insert("inserts a row with the required columns only", &required, Flavour::Plain, &[]);
        let nulls: Vec<&Identifier> = all.iter().filter(|column| !column.not_null).map(|column| &column.name).collect();
        self.push_insert("inserts a row with NULL in every column that allows it", &columns, Flavour::Plain, &nulls);
    }

    fn insert(&self, columns: &[&Column], number: u64, attempt: u64, flavour: Flavour, nulls: &[&Identifier]) -> String {
        let table = write::name(&self.table.name);
        let returned: Vec<&Identifier> = self.table.columns.iter().map(|column| &column.name).collect();
        let returning = as_text(&returned);
        let mut values: Vec<String> = Vec::new();
        let mut names: Vec<&Identifier> = Vec::new();
        for column in columns {
            let value = if nulls.contains(&&column.name) { Some("NULL".to_owned()) } else { self.value(column, number, attempt, flavour) };
            let Some(value) = value else { continue };
            names.push(&column.name);
            values.push(value);
        }
        if names.is_empty() {
            return format!("INSERT INTO {table} DEFAULT VALUES RETURNING {returning}");
        }
        format!("INSERT INTO {table} ({}) VALUES ({}) RETURNING {returning}", write::list(names), values.join(", "))
    }

    /// A value; of a column that references another table, one that is there.
    fn value(&self, column: &Column, number: u64, attempt: u64, flavour: Flavour) -> Option<String> {
        let number = number + apart(self.table, column, attempt);
        guess(self.table, column, number, attempt)
            .or_else(|| referenced(self.shape, self.table, column, number))
            .or_else(|| value(&self.shape.types, column, number, flavour))
    }

    /// The condition that names the row of that place in the order of the key.
    fn row(&self, place: u64) -> String {
        match self.table.key() {
            Some(key) => {
                let list = write::list(key);
                let known: Option<Vec<String>> =
                    key.iter().map(|column| sample::value(self.shape, &self.table.name, column, place)).collect();
                if let Some(values) = known {
                    return format!("({list}) = ({})", values.join(", "));
                }
                format!("({list}) = (SELECT {list} FROM {} ORDER BY {list} OFFSET {place} LIMIT 1)", write::name(&self.table.name))
            }
            None => "true".to_owned(),
        }
    }

    fn updates(&mut self) {
        let columns: Vec<Column> = self.writable().cloned().collect();
        let returned: Vec<&Identifier> = self.table.columns.iter().map(|column| &column.name).collect();
        let returning = as_text(&returned);
        let table = write::name(&self.table.name);
        for (place, column) in (0..).zip(&columns) {
            let quoted = write::identifier(&column.name);
            let number = self.number();
            let change = |value: String| format!("UPDATE {table} SET {quoted} = {value} WHERE {} RETURNING {returning}", self.row(place));
            if let Some(first) = self.value(column, number, 0, Flavour::Plain).map(change) {
                let others =
                    self.attempts().filter_map(|attempt| self.value(column, number, attempt, Flavour::Plain)).map(change).collect();
                self.push_any(format!("changes {}", column.name), first, others);
            }
            if !column.not_null {
                let sql = format!("UPDATE {table} SET {quoted} = NULL WHERE {} RETURNING {returning}", self.row(place + 1));
                self.push(format!("sets {} to NULL", column.name), sql);
            }
        }
    }

    /// As mappers do that write a whole row. What tells rows apart stays.
    fn change_of_all(&mut self) {
        let is_key = |column: &&Column| self.table.keys.iter().any(|key| key.contains(&column.name));
        let columns: Vec<Column> = self.writable().filter(|column| !is_key(column)).cloned().collect();
        if columns.len() < 2 {
            return;
        }
        let number = self.number();
        let returned: Vec<&Identifier> = self.table.columns.iter().map(|column| &column.name).collect();
        let change = |attempt| {
            let set = |column: &Column| {
                let value = self.value(column, number, attempt, Flavour::Plain)?;
                Some(format!("{} = {value}", write::identifier(&column.name)))
            };
            let set: Vec<String> = columns.iter().filter_map(set).collect();
            let (table, row) = (write::name(&self.table.name), self.row(2));
            format!("UPDATE {table} SET {} WHERE {row} RETURNING {}", set.join(", "), as_text(&returned))
        };
        let (sql, others) = (change(0), self.attempts().map(change).collect());
        self.push_any("changes every column at once".to_owned(), sql, others);
    }

    /// The database looks for the unique index of ON CONFLICT when it reads the statement.
    fn upserts(&mut self) {
        for key in &self.table.keys.clone() {
            let number = self.number();
            let columns: Vec<&Column> = self.writable().collect();
            let is_in_a_key = |name: &Identifier| self.table.keys.iter().any(|key| key.contains(name));
            let mut names = columns.iter().map(|column| &column.name);
            // Others may reference the first key.
            let is_in_first = |name: &Identifier| self.table.keys.first().is_some_and(|first| first.contains(name));
            let free = names.clone().find(|name| !is_in_a_key(name));
            let free = free.or_else(|| names.clone().find(|name| !key.contains(name) && !is_in_first(name)));
            let free = free.or_else(|| names.find(|name| !key.contains(name)));
            let Some(other) = free.or(key.first()) else { continue };
            let set = write::identifier(other);
            let conflict = format!(" ON CONFLICT ({}) DO UPDATE SET {set} = EXCLUDED.{set} RETURNING ", write::list(key));
            let upsert = |attempt| self.insert(&columns, number, attempt, Flavour::Plain, &[]).replacen(" RETURNING ", &conflict, 1);
            let (sql, others) = (upsert(0), self.attempts().map(upsert).collect());
            self.push_any(format!("inserts or changes a row by ({})", write::list(key)), sql, others);
        }
    }

    fn delete(&mut self) {
        let returned: Vec<&Identifier> = self.table.columns.iter().map(|column| &column.name).collect();
        let sql = format!("DELETE FROM {} WHERE {} RETURNING {}", write::name(&self.table.name), self.row(5), as_text(&returned));
        self.push("deletes a row".to_owned(), sql);
    }
}

/// For a column of a foreign key: the value of a row that is there. Of several that share the column the widest one tells, since
/// what it references obeys the others.
pub(super) fn referenced(shape: &Shape, table: &Table, column: &Column, number: u64) -> Option<String> {
    referenced_by(shape, table, column, number, |_| true)
}

/// The same by those foreign keys alone for which `counts` holds.
pub(super) fn referenced_by(
    shape: &Shape,
    table: &Table,
    column: &Column,
    number: u64,
    counts: impl Fn(&ForeignKey) -> bool,
) -> Option<String> {
    let keys = table.foreign_keys.iter().filter(|key| key.columns.contains(&column.name) && counts(key));
    let key = keys.rev().max_by_key(|key| key.columns.len())?;
    let at = key.columns.iter().position(|name| name == &column.name)?;
    if let Some(value) = sample::value(shape, &key.references, key.referenced.get(at)?, number) {
        return Some(value);
    }
    let parent = write::name(&key.references);
    let other = write::identifier(key.referenced.get(at)?);
    let order = write::list(&key.referenced);
    Some(format!(
        "(SELECT {other} FROM {parent} WHERE {other} IS NOT NULL ORDER BY {order} OFFSET {number} % greatest((SELECT count(*) FROM {parent} WHERE {other} IS NOT NULL), 1) LIMIT 1)"
    ))
}

/// The difference between what a statement gave and what it must give, if there is any. Values that differ in its own
/// release from run to run may be anything.
pub(super) fn difference(first: &Outcome, second: &Outcome, found: &Outcome) -> Option<(String, String)> {
    let (Outcome::Rows(first), Outcome::Rows(second)) = (first, second) else { return None };
    match found {
        Outcome::Failed { code, message } => Some(("it works".to_owned(), failed(code, message))),
        Outcome::Rows(found) => rows_differ(first, second, found),
    }
}

/// How an error is told.
pub(super) fn failed(code: &str, message: &str) -> String {
    format!("error {code}: {message}")
}

/// Whether what was found differs only in that it has a value where NULL was expected, in whatever order.
pub(super) fn differs_by_null(first: &Outcome, second: &Outcome, found: &Outcome) -> bool {
    let (Outcome::Rows(first), Outcome::Rows(second), Outcome::Rows(found)) = (first, second, found) else { return false };
    if first.len() != found.len() || first.len() != second.len() {
        return false;
    }
    let settled = settled(first, second);
    let (mut found, mut expected) = (masked(found, &settled), masked(first, &settled));
    expected.retain(|row| match found.iter().position(|other| other == row) {
        Some(at) => {
            found.swap_remove(at);
            false
        }
        None => true,
    });
    let filled = |row: &Row, other: &Row| row.iter().zip(other).all(|(expected, found)| expected.is_none() || expected == found);
    // The row with the fewest NULLs has the fewest to choose from.
    expected.sort_by_key(|row| row.iter().filter(|value| value.is_none()).count());
    expected.iter().all(|row| found.iter().position(|other| filled(row, other)).map(|at| found.swap_remove(at)).is_some())
}

/// Whether what was found differs in the columns at these places only, and not in what is NULL there.
pub(super) fn differs_within(places: &[usize], expected: &Outcome, found: &Outcome) -> bool {
    let (Outcome::Rows(expected), Outcome::Rows(found)) = (expected, found) else { return false };
    let masked = |rows: &[Row]| {
        let mask = |row: &Row| {
            let value = |(at, value): (usize, &Option<String>)| {
                if places.contains(&at) { value.as_ref().map(|_| String::new()) } else { value.clone() }
            };
            row.iter().enumerate().map(value).collect::<Row>()
        };
        let mut rows: Vec<Row> = rows.iter().map(mask).collect();
        rows.sort();
        rows
    };
    !places.is_empty() && masked(expected) == masked(found)
}

/// The first row that differs.
pub(super) fn rows_differ(first: &[Row], second: &[Row], found: &[Row]) -> Option<(String, String)> {
    if first.len() != second.len() {
        return None;
    }
    let settled = settled(first, second);
    let masked = |rows: &[Row]| masked(rows, &settled);
    if masked(first) != masked(second) {
        return None;
    }
    let (expected, found) = (masked(first), masked(found));
    if expected == found {
        return None;
    }
    let only =
        |rows: &[Row], others: &[Row]| rows.iter().find(|row| !others.contains(row)).map_or_else(|| format!("{} rows", rows.len()), show);
    Some((only(&expected, &found), only(&found, &expected)))
}

/// The columns in which a release has the same values each time. Rows with random keys come in another order each time, so
/// columns are compared, not rows in their places.
fn settled(first: &[Row], second: &[Row]) -> Vec<bool> {
    let width = first.first().map_or(0, Vec::len);
    let column = |rows: &[Row], at: usize| {
        let mut values: Vec<Option<String>> = rows.iter().filter_map(|row| row.get(at).cloned()).collect();
        values.sort();
        values
    };
    (0..width).map(|at| column(first, at) == column(second, at)).collect()
}

/// The rows in order, with nothing told of values that differ from time to time.
fn masked(rows: &[Row], settled: &[bool]) -> Vec<Row> {
    let value = |(value, settled): (&Option<String>, &bool)| if *settled { value.clone() } else { Some("…".to_owned()) };
    let mut rows: Vec<Row> = rows.iter().map(|row| row.iter().zip(settled).map(value).collect()).collect();
    rows.sort();
    rows
}

pub(super) fn show(row: &Row) -> String {
    let values: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
    format!("({})", values.join(", "))
}
