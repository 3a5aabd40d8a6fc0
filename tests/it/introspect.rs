//! What we read from a live database is that database: run elsewhere, it makes one that `pg_dump -s` can't tell from it.

use concertina::db::postgres::introspect;
use sqlx::{Connection, PgConnection};

use crate::support::Database;

fn statements(database: &Database) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        introspect::statements(&mut connection).await.unwrap()
    })
}

fn assert_same(name: &str, one: &str, other: &str) {
    let difference = similar::TextDiff::from_lines(one, other).unified_diff().context_radius(2).to_string();
    assert!(difference.is_empty(), "{name}\n{difference}");
}

/// `schema` makes a database; what is read from it makes another; both are dumped.
fn check(name: &str, schema: &str) {
    let first = Database::fresh();
    first.run(schema);
    let second = Database::fresh();
    let script = statements(&first).join(";\n");
    second.run(&format!("set check_function_bodies = off; set search_path = '';\n{script};"));
    assert_same(name, &first.dump(), &second.dump());
}

#[test]
fn a_database_is_read_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/introspect");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        check(&file.display().to_string(), &std::fs::read_to_string(&file).unwrap());
    }
}

#[test]
fn an_empty_database_holds_nothing() {
    assert_eq!(statements(&Database::fresh()), Vec::<String>::new());
}
