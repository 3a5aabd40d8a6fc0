//! The fold refuses what PostgreSQL refuses and nothing else: each statement by itself, on the same schema, put to both.

use std::fmt::Write as _;
use std::path::Path;

use concertina::engine::Engine;
use concertina::history;
use concertina::schema::{Catalog, Identifier, Lookup, Name};
use concertina::source;

use crate::support::{Database, server};

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fold").join(name)).unwrap()
}

fn statements(name: &str) -> Vec<String> {
    fixture(name).lines().map(|line| line.trim_end_matches(';').to_owned()).collect()
}

/// What the fold has against some SQL.
fn told(sql: &str, start: &Catalog) -> (Vec<String>, Catalog) {
    let migration = source::file("1.sql", sql).unwrap();
    let history = history::fold(Engine::PostgreSql { major: server().major() }, &[migration], start);
    let errors = history.syntax_errors.into_iter().map(|unread| unread.error.message);
    (history.mismatches.into_iter().map(|mismatch| mismatch.message).chain(errors).collect(), history.end)
}

/// Runs a statement and takes it back; gives what was wrong.
const ATTEMPT: &str = "
    create schema probe;
    create function probe.attempt(statement text) returns text language plpgsql as $$
    begin
        begin
            execute statement;
            raise exception sqlstate 'XX999';
        exception when sqlstate 'XX999' then return '';
            when others then return replace(sqlerrm, chr(10), ' ');
        end;
    end $$";

/// What PostgreSQL has against each statement.
fn answers(database: &Database, statements: &[String]) -> Vec<String> {
    let list: Vec<String> = statements.iter().map(|statement| format!("($statement${statement}$statement$)")).collect();
    let rows =
        database.run(&format!("set client_min_messages = error; select '>' || probe.attempt(s) from (values {}) as x (s)", list.join(",")));
    rows.lines().filter_map(|row| row.strip_prefix('>')).map(str::to_owned).collect()
}

fn prepared() -> (Database, Catalog) {
    let (wrong, catalog) = told(&fixture("setup.sql"), &Catalog::default());
    assert_eq!(wrong, Vec::<String>::new());
    let database = Database::fresh();
    database.run(&format!("set client_min_messages = error; {}", fixture("setup.sql")));
    database.run(ATTEMPT);
    (database, catalog)
}

#[test]
fn the_fold_refuses_what_postgresql_refuses() {
    let (database, catalog) = prepared();
    let statements = statements("statements.sql");
    let answers = answers(&database, &statements);
    assert_eq!(answers.len(), statements.len());
    let mut pages = String::new();
    let mut differing = Vec::new();
    for (statement, answer) in statements.iter().zip(answers) {
        let (wrong, _) = told(statement, &catalog);
        if wrong.is_empty() != answer.is_empty() {
            differing.push(format!("{statement}\n  the database says: {answer}\n  the fold says: {}", wrong.join(" | ")));
        }
        if !wrong.is_empty() {
            let _ = writeln!(pages, "{statement}\n    {}", wrong.join(" | "));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    insta::assert_snapshot!("what_the_fold_says", pages);
}

/// Functions, casts and extensions that the catalog can't know: there the fold says nothing rather than something wrong.
#[test]
fn the_fold_is_silent_where_it_cannot_know() {
    let (database, catalog) = prepared();
    let statements = statements("beyond_us.sql");
    for (statement, answer) in statements.iter().zip(answers(&database, &statements)) {
        assert_ne!(answer, "", "{statement}");
        assert_eq!(told(statement, &catalog).0, Vec::<String>::new(), "{statement}");
    }
}

#[test]
fn after_a_block_of_code_nothing_is_called_wrong() {
    let (_, catalog) = prepared();
    let (_, unknown) = told("do $$ begin execute 'anything'; end $$", &catalog);
    for statement in statements("statements.sql") {
        assert_eq!(told(&statement, &unknown).0, Vec::<String>::new(), "{statement}");
    }
}

/// Where errors of every kind are caught, what is tried may have come to nothing; where only a missing object is, the catalog knows.
#[test]
fn what_may_have_failed_unheard_is_not_taken_for_done() {
    let base = "create table t (a int, b int)";
    let (_, catalog) = told(base, &Catalog::default());
    let drop = |caught: &str| format!("do $$ begin alter table t drop column b; exception when {caught} then null; end $$");
    let column = |catalog: &Catalog| match catalog.table(&Name::new(Identifier::from("public"), Identifier::from("t"))) {
        Lookup::Known(table) => Some(table.column(&Identifier::from("b")).is_some()),
        Lookup::Absent | Lookup::Unknown => None,
    };
    assert_eq!(column(&told(&drop("undefined_column or duplicate_column"), &catalog).1), Some(false));
    for caught in ["others", "lock_not_available", "undefined_column or others", "sqlstate '55P03'"] {
        assert_eq!(column(&told(&drop(caught), &catalog).1), Some(true), "{caught}");
    }
}
