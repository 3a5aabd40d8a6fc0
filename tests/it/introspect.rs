//! What we read from a live database is that database: run elsewhere, it makes one that `pg_dump -s` can't tell from it.

use concertina::db::postgres::introspect;
use concertina::engine::Engine;
use concertina::history;
use concertina::schema::{Catalog, outline};
use concertina::source::{Migration, RunnerTransaction};
use concertina::sql::write;
use sqlx::{Connection, PgConnection};

use crate::support::Database;

fn connected<T>(database: &Database, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        work(&mut connection).await
    })
}

fn statements(database: &Database) -> Vec<String> {
    connected(database, async |connection| introspect::statements(connection).await.unwrap())
}

fn difference(one: &str, other: &str) -> String {
    similar::TextDiff::from_lines(one, other).unified_diff().context_radius(2).to_string()
}

/// `schema` makes a database; what is read from it makes another; both are dumped.
fn dumped_again(schema: &str) -> String {
    let first = Database::fresh();
    first.run(schema);
    let second = Database::fresh();
    let script = statements(&first).join(";\n");
    second.run(&format!("set check_function_bodies = off; set search_path = '';\n{script};"));
    difference(&first.dump(), &second.dump())
}

/// `schema` is folded, and read from the database that it makes: one structure.
fn folded_and_read(schema: &str) -> String {
    let database = Database::fresh();
    database.run(schema);
    let live = connected(&database, async |connection| introspect::introspect(connection).await.unwrap());
    assert!(!live.unknown_all && live.unknown.is_empty(), "{:?}", live.unknown);
    difference(&outline(&folded(schema)).to_string(), &outline(&live).to_string())
}

/// What is read from a database, and written as `concertina schema` prints it, makes the same database.
fn written_and_run(schema: &str) -> String {
    let first = Database::fresh();
    first.run(schema);
    let live = connected(&first, async |connection| introspect::introspect(connection).await.unwrap());
    let second = Database::fresh();
    second.run(&write::catalog(&live));
    difference(&first.dump(), &second.dump())
}

fn folded(schema: &str) -> Catalog {
    let migration = Migration {
        path: String::new(),
        version: String::new(),
        text: schema.to_owned(),
        up: 0..schema.len(),
        transaction: RunnerTransaction::Unwrapped,
    };
    let history = history::fold(Engine::PostgreSql { major: 15 }, &[migration], &Catalog::default());
    assert!(history.mismatches.is_empty() && history.syntax_errors.is_empty(), "{:?}", history.mismatches);
    history.end
}

/// `differences` are none, for every fixture.
fn each_fixture(differences: impl Fn(&str) -> String) {
    for role in ["introspect_reader", "Introspect Writer"] {
        let make = format!("do $$ begin create role \"{role}\"; exception when duplicate_object or unique_violation then null; end $$");
        Database::fresh().run(&make);
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/introspect");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let found = files.iter().map(|file| (file, differences(&std::fs::read_to_string(file).unwrap())));
    let found: Vec<_> = found.filter(|(_, difference)| !difference.is_empty()).collect();
    assert!(
        found.is_empty(),
        "{}",
        found.iter().map(|(file, difference)| format!("{}\n{difference}\n", file.display())).collect::<Vec<_>>().concat()
    );
}

#[test]
fn what_is_read_from_a_database_makes_the_same_database() {
    each_fixture(dumped_again);
}

#[test]
fn what_is_read_can_be_written_and_makes_the_same_database() {
    each_fixture(written_and_run);
}

#[test]
fn a_database_reads_as_the_migrations_that_made_it_fold() {
    each_fixture(folded_and_read);
}

#[test]
fn an_empty_database_holds_nothing() {
    assert_eq!(statements(&Database::fresh()), Vec::<String>::new());
}

#[test]
fn our_own_schema_and_temporary_objects_are_left_out() {
    let database = Database::fresh();
    database.run("create schema concertina; create table concertina.ledger (a int); create function concertina.f() returns int language sql as 'select 1'");
    assert_eq!(statements(&database), Vec::<String>::new());
}
