//! What only a history knows: sessions, transactions, statements that can't be read.

use super::fold;
use crate::engine::Engine;
use crate::schema::{Catalog, Change, Name, ObjectKind};
use crate::source;

fn history(files: &[&str]) -> super::History {
    let migrations: Vec<_> = files.iter().enumerate().map(|(number, text)| source::file(&format!("{number}.sql"), text).unwrap()).collect();
    fold(Engine::PostgreSql { major: 15 }, &migrations, &Catalog::default())
}

/// The tables at the end, and what does not fit.
fn check(files: &[&str], tables: &[&str], mismatches: &[&str]) {
    let history = history(files);
    let found: Vec<String> = history.end.tables.keys().map(ToString::to_string).collect();
    assert_eq!(found, tables, "{files:?}");
    let found: Vec<&str> = history.mismatches.iter().map(|mismatch| mismatch.message.as_str()).collect();
    assert_eq!(found, mismatches, "{files:?}");
}

#[test]
fn a_search_path_ends_with_its_migration_or_its_transaction() {
    check(&["create schema a; set search_path = a; create table t ()", "create table t ()"], &["a.t", "t"], &[]);
    check(&["create schema a; begin; set local search_path = a; create table t (); commit; create table t ()"], &["a.t", "t"], &[]);
    check(&["create schema a", "set local search_path = a", "create table t ()"], &["t"], &[]);
}

#[test]
fn what_is_rolled_back_has_not_been() {
    check(&["begin; create table t (); rollback; create table u ()"], &["u"], &[]);
    check(&["begin; savepoint s; create table t (); rollback to s; create table u (); commit"], &["u"], &[]);
    let kept = history(&["begin; create table t (); rollback; create table u ()"]).entries;
    assert_eq!(kept.iter().filter(|entry| matches!(entry.change, Change::CreateTable(_))).count(), 1);
}

#[test]
fn temporary_tables_end_with_their_migration() {
    check(&["create temp table t (); alter table t add a int", "create table t ()"], &["t"], &[]);
}

#[test]
fn a_change_that_does_not_fit_leaves_the_others_alone() {
    check(&["create table t (a int); alter table t drop b, add c int"], &["t"], &["table `t` has no column `b`"]);
    let end = history(&["create table t (a int); alter table t drop b, add c int"]).end;
    assert_eq!(end.tables[&Name::new("public", "t")].columns.len(), 2);
}

#[test]
fn objects_dropped_by_one_statement_do_not_hold_each_other() {
    check(&["create table t (id int primary key); create table u (id int references t)", "drop table t, u"], &[], &[]);
}

#[test]
fn if_exists_of_what_is_missing_is_no_change() {
    let history = history(&["alter table if exists t add a int"]);
    assert!(history.entries.is_empty() && history.mismatches.is_empty());
}

#[test]
fn a_mistake_in_one_statement_is_told_with_its_place() {
    let history = history(&["create table t (a int);\nalter table t ad b int;\ncreate table u ()"]);
    assert_eq!(history.end.tables.len(), 2);
    assert_eq!(history.syntax_errors.len(), 1);
    assert_eq!(history.syntax_errors[0].migration, 0);
}

#[test]
fn each_change_has_the_schema_before_it() {
    let history = history(&["create table t (a int)", "alter table t rename to u"]);
    let before: Vec<usize> = history.entries.iter().map(|entry| entry.before.tables.len()).collect();
    assert_eq!(before, [0, 1]);
    assert_eq!(history.end.relation_kind(&Name::new("public", "u")), Some(ObjectKind::Table));
}
