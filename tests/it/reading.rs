//! Reading SQL: every kind of statement of PostgreSQL's grammar becomes a change with a name, or an opaque one with its reason.

use concertina::schema::{Change, ObjectKind};
use concertina::sql::postgres::parse;

/// The changes of a text that has no mistakes.
fn changes(sql: &str) -> Vec<Change> {
    let script = parse(sql);
    assert_eq!(script.errors, [], "{sql}");
    assert_eq!(script.statements.len(), 1, "{sql}");
    script.statements.into_iter().flat_map(|statement| statement.changes).map(|lowered| lowered.change).collect()
}

/// The name of a change's variant.
fn variant(change: &Change) -> String {
    format!("{change:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// One example for each kind of statement, with the changes that it makes.
const STATEMENTS: &[(&str, &str)] = &[
    // Tables and their parts
    ("create table t (a int)", "CreateTable"),
    ("create foreign table t (a int) server s", "CreateTable"),
    ("create table t as select 1 as a", "CreateTable"),
    ("select 1 as a into t", "CreateTable"),
    ("alter table t add a int, drop b", "AddColumn DropColumn"),
    ("drop table t, u", "DropTable DropTable"),
    ("alter table t rename to u", "RenameTable"),
    ("alter table t set schema s", "SetTableSchema"),
    ("alter table t rename a to b", "RenameColumn"),
    ("alter view v rename column a to b", "RenameColumn"),
    ("create index on t (a)", "CreateIndex"),
    ("drop index i", "DropIndex"),
    ("alter index i rename to j", "RenameIndex"),
    ("reindex table concurrently t", "Reindex"),
    ("reindex (verbose) schema s", "Reindex"),
    ("reindex database d", "Reindex"),
    ("create trigger g after insert on t execute function f()", "CreateTrigger"),
    ("create constraint trigger g after insert on t deferrable for each row execute function f()", "CreateTrigger"),
    ("alter trigger g on t rename to h", "RenameTrigger"),
    ("drop trigger if exists g on t", "DropTrigger"),
    ("alter trigger g on t depends on extension e", "Opaque"),
    ("create rule r as on insert to t do nothing", "CreateObject"),
    ("alter rule r on t rename to q", "RenameObject"),
    ("drop rule r on t", "DropObject"),
    ("create policy p on t", "CreateObject"),
    ("alter policy p on t to public", "AlterObject"),
    ("alter policy p on t rename to q", "RenameObject"),
    ("drop policy p on t", "DropObject"),
    ("create statistics s on a, b from t", "CreateObject"),
    ("alter statistics s set statistics 10", "AlterObject"),
    ("alter statistics s rename to r", "RenameObject"),
    ("alter statistics s set schema r", "SetObjectSchema"),
    ("alter statistics s owner to o", "SetOwner"),
    ("drop statistics s", "DropObject"),
    // Sequences and types
    ("create sequence s", "CreateSequence"),
    ("alter sequence s restart", "AlterSequence"),
    ("alter sequence s rename to r", "RenameObject"),
    ("drop sequence s", "DropObject"),
    ("create type e as enum ('a')", "CreateType"),
    ("create type c as (a int)", "CreateType"),
    ("create type r as range (subtype = int4)", "CreateType"),
    ("create type b (input = f, output = g)", "CreateType"),
    ("create type b", "CreateType"),
    ("create domain d as int", "CreateType"),
    ("alter type e add value 'b'", "AddEnumValue"),
    ("alter type e rename value 'a' to 'b'", "RenameEnumValue"),
    ("alter type e rename to f", "RenameObject"),
    ("alter type e set schema s", "SetObjectSchema"),
    ("alter type e owner to o", "SetOwner"),
    ("alter domain d set not null", "SetDomainNotNull"),
    ("alter domain d rename to e", "RenameObject"),
    ("drop type e, f cascade", "DropObject DropObject"),
    ("drop domain d", "DropObject"),
    // Views
    ("create view v as select 1 as a", "CreateView"),
    ("create materialized view v as select 1 as a", "CreateView"),
    ("refresh materialized view v", "RefreshMaterializedView"),
    ("alter view v rename to w", "RenameObject"),
    ("alter materialized view v rename to w", "RenameObject"),
    ("alter materialized view v set schema s", "SetObjectSchema"),
    ("alter materialized view v depends on extension e", "Opaque"),
    ("drop view v", "DropObject"),
    ("drop materialized view v", "DropObject"),
    // Routines
    ("create function f() returns int language sql as 'select 1'", "CreateRoutine"),
    ("create procedure p() language sql as ''", "CreateRoutine"),
    ("create aggregate a (int) (sfunc = f, stype = int)", "CreateRoutine"),
    ("create aggregate a (basetype = int, sfunc = f, stype = int)", "CreateRoutine"),
    ("alter function f() stable", "AlterObject"),
    ("alter procedure p() rename to q", "RenameObject"),
    ("alter routine p() set schema s", "SetObjectSchema"),
    ("alter aggregate a (int) owner to o", "SetOwner"),
    ("alter function f() depends on extension e", "Opaque"),
    ("drop function f(int), g", "DropObject DropObject"),
    ("drop procedure p", "DropObject"),
    ("drop routine p", "DropObject"),
    ("drop aggregate a (*)", "DropObject"),
    ("do $$ begin end $$", "Data"),
    ("do $$ begin execute 'drop table ' || 't'; end $$", "Opaque"),
    ("call p(1)", "Opaque"),
    // Schemas and extensions
    ("create schema s", "CreateSchema"),
    ("create schema s create table t (a int)", "CreateSchema Opaque"),
    ("alter schema s rename to r", "RenameSchema"),
    ("alter schema s owner to o", "SetOwner"),
    ("drop schema s, r", "DropSchema DropSchema"),
    ("create extension e", "CreateExtension"),
    ("alter extension e update", "AlterObject"),
    ("alter extension e set schema s", "SetObjectSchema"),
    ("alter extension e add table t", "Opaque"),
    ("drop extension e", "DropExtension"),
    // Operators, casts and the like
    ("create operator === (leftarg = int, rightarg = int, function = f)", "CreateObject"),
    ("alter operator === (int, int) set (restrict = none)", "AlterObject"),
    ("drop operator === (none, int)", "DropObject"),
    ("create operator class c for type int using btree as operator 1 <", "CreateObject"),
    ("alter operator class c using btree rename to d", "RenameObject"),
    ("drop operator class c using btree", "DropObject"),
    ("create operator family c using btree", "CreateObject"),
    ("alter operator family c using btree add operator 1 < (int, int)", "AlterObject"),
    ("drop operator family c using btree", "DropObject"),
    ("create cast (int as text) with inout", "CreateObject"),
    ("drop cast (int as text)", "DropObject"),
    ("create transform for int language l (from sql with function f(internal), to sql with function g(internal))", "CreateObject"),
    ("drop transform for int language l", "DropObject"),
    ("create collation c from \"C\"", "CreateObject"),
    ("alter collation c refresh version", "Maintenance"),
    ("drop collation c", "DropObject"),
    ("create conversion c for 'UTF8' to 'LATIN1' from f", "CreateObject"),
    ("drop conversion c", "DropObject"),
    ("create language l handler f", "CreateObject"),
    ("drop language l", "DropObject"),
    ("create access method m type index handler f", "CreateObject"),
    ("drop access method m", "DropObject"),
    ("create text search parser p (start = f, gettoken = g, end = h, lextypes = i)", "CreateObject"),
    ("create text search dictionary d (template = simple)", "CreateObject"),
    ("create text search template d (lexize = f)", "CreateObject"),
    ("create text search configuration c (copy = simple)", "CreateObject"),
    ("alter text search dictionary d (stopwords = x)", "AlterObject"),
    ("alter text search configuration c add mapping for word with simple", "AlterObject"),
    ("alter text search configuration c rename to d", "RenameObject"),
    ("drop text search parser p", "DropObject"),
    ("drop text search dictionary p", "DropObject"),
    ("drop text search template p", "DropObject"),
    ("drop text search configuration p", "DropObject"),
    ("create event trigger g on ddl_command_end execute function f()", "CreateObject"),
    ("alter event trigger g disable", "AlterObject"),
    ("drop event trigger g", "DropObject"),
    // Publications, the outside, the server
    ("create publication p for all tables", "CreateObject"),
    ("alter publication p add table t", "AlterObject"),
    ("alter publication p rename to q", "RenameObject"),
    ("drop publication p", "DropObject"),
    ("create subscription s connection '' publication p", "CreateObject"),
    ("alter subscription s disable", "AlterObject"),
    ("drop subscription s", "DropObject"),
    ("create foreign data wrapper w", "CreateObject"),
    ("alter foreign data wrapper w options (a 'b')", "AlterObject"),
    ("drop foreign data wrapper w", "DropObject"),
    ("create server s foreign data wrapper w", "CreateObject"),
    ("alter server s options (a 'b')", "AlterObject"),
    ("drop server s", "DropObject"),
    ("create user mapping for u server s", "CreateObject"),
    ("alter user mapping for u server s options (a 'b')", "AlterObject"),
    ("drop user mapping for u server s", "DropObject"),
    ("import foreign schema a from server s into b", "Opaque"),
    ("create role r", "CreateObject"),
    ("alter role r login", "AlterObject"),
    ("alter role r set search_path = a", "AlterObject"),
    ("alter role all set search_path = a", "AlterObject"),
    ("alter role r rename to q", "RenameObject"),
    ("drop role r, q", "DropObject DropObject"),
    ("drop owned by r", "Opaque"),
    ("reassign owned by r to q", "Opaque"),
    ("create database d", "CreateObject"),
    ("alter database d allow_connections false", "AlterObject"),
    ("alter database d set timezone = 'UTC'", "AlterObject"),
    ("alter database d refresh collation version", "AlterObject"),
    ("alter database d rename to e", "RenameObject"),
    ("drop database d", "DropObject"),
    ("create tablespace s location '/x'", "CreateObject"),
    ("alter tablespace s set (random_page_cost = 1)", "AlterObject"),
    ("alter table all in tablespace s set tablespace r", "Opaque"),
    ("drop tablespace s", "DropObject"),
    ("alter system set work_mem = '1MB'", "Opaque"),
    // Any object
    ("comment on table t is 'x'", "Comment"),
    ("security label on table t is 'x'", "Opaque"),
    ("grant select on t to r", "Grant"),
    ("revoke select on t from r", "Revoke"),
    ("grant q to r", "Opaque"),
    ("alter default privileges grant select on tables to r", "CreateObject"),
    // Rows
    ("insert into t values (1)", "Data"),
    ("update t set a = 1", "Data"),
    ("delete from t", "Data"),
    ("merge into t using u on a = b when matched then delete", "Data"),
    ("select f()", "Data"),
    ("values (1)", "Data"),
    ("truncate t", "Data"),
    ("copy t from stdin", "Data"),
    // The session
    ("set search_path = a, b", "SetSearchPath"),
    ("set schema 'a'", "SetSearchPath"),
    ("reset search_path", "SetSearchPath"),
    ("reset all", "SetSearchPath SetParameter"),
    ("discard all", "SetSearchPath Maintenance"),
    ("select set_config('search_path', '', false)", "SetSearchPath"),
    ("select pg_catalog.set_config('lock_timeout', '1s', true)", "SetParameter"),
    ("set local lock_timeout = '1s'", "SetParameter"),
    ("set time zone 'UTC'", "SetParameter"),
    ("set transaction isolation level serializable", "SetParameter"),
    ("reset lock_timeout", "SetParameter"),
    ("show all", "Maintenance"),
    ("begin", "TransactionControl"),
    ("start transaction read only", "TransactionControl"),
    ("commit and chain", "TransactionControl"),
    ("rollback", "TransactionControl"),
    ("savepoint a", "TransactionControl"),
    ("release a", "TransactionControl"),
    ("rollback to a", "TransactionControl"),
    ("prepare transaction 'a'", "TransactionControl"),
    ("commit prepared 'a'", "TransactionControl"),
    ("rollback prepared 'a'", "TransactionControl"),
    ("lock table t", "LockTables"),
    ("set constraints all deferred", "Maintenance"),
    ("vacuum full t", "Maintenance"),
    ("analyze t (a)", "Maintenance"),
    ("cluster t using i", "Maintenance ClusterOn"),
    ("cluster", "Maintenance"),
    ("checkpoint", "Maintenance"),
    ("listen a", "Maintenance"),
    ("unlisten a", "Maintenance"),
    ("notify a", "Maintenance"),
    ("load 'a'", "Maintenance"),
    ("prepare p as select 1", "Maintenance"),
    ("execute p", "Opaque"),
    ("deallocate p", "Maintenance"),
    ("declare c cursor for select 1", "Maintenance"),
    ("fetch c", "Maintenance"),
    ("move c", "Maintenance"),
    ("close c", "Maintenance"),
    ("explain delete from t", "Maintenance"),
    ("explain analyze delete from t", "Data"),
];

#[test]
fn every_kind_of_statement_has_its_change() {
    let wrong: Vec<String> = STATEMENTS
        .iter()
        .filter_map(|(sql, expected)| {
            let found = changes(sql).iter().map(variant).collect::<Vec<_>>().join(" ");
            (found != *expected).then(|| format!("{sql}: {found}, and not {expected}"))
        })
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_opaque_change_is_without_a_reason() {
    for (sql, _) in STATEMENTS {
        for change in changes(sql) {
            if let Change::Opaque { statement, reason, .. } = change {
                assert_eq!(statement, *sql);
                assert!(reason.len() > 20, "{sql}: {reason}");
            }
        }
    }
}

/// What COMMENT calls an object, with our kind, name and detail.
const OBJECTS: &[(&str, ObjectKind, &str, Option<&str>)] = &[
    ("access method m", ObjectKind::AccessMethod, "m", None),
    ("aggregate s.a (int, text)", ObjectKind::Aggregate, "s.a", Some("int4, text")),
    ("aggregate a (*)", ObjectKind::Aggregate, "a", Some("")),
    ("cast (int as text)", ObjectKind::Cast, "pg_catalog.int4", Some("int4 AS text")),
    ("collation s.c", ObjectKind::Collation, "s.c", None),
    ("column s.t.a", ObjectKind::Column, "s.t", Some("a")),
    ("column t.\"A\"", ObjectKind::Column, "t", Some("A")),
    ("constraint c on s.t", ObjectKind::TableConstraint, "s.t", Some("c")),
    ("constraint c on domain s.d", ObjectKind::DomainConstraint, "s.d", Some("c")),
    ("conversion c", ObjectKind::Conversion, "c", None),
    ("database d", ObjectKind::Database, "d", None),
    ("domain s.d", ObjectKind::Domain, "s.d", None),
    ("event trigger g", ObjectKind::EventTrigger, "g", None),
    ("extension e", ObjectKind::Extension, "e", None),
    ("foreign data wrapper w", ObjectKind::ForeignDataWrapper, "w", None),
    ("foreign table t", ObjectKind::ForeignTable, "t", None),
    ("function s.f(int, varchar(10), s.kind[][], out text)", ObjectKind::Function, "s.f", Some("int4, varchar, \"s\".\"kind\"[]")),
    ("function f()", ObjectKind::Function, "f", Some("")),
    ("function f", ObjectKind::Function, "f", None),
    ("index i", ObjectKind::Index, "i", None),
    ("language l", ObjectKind::Language, "l", None),
    ("large object 123", ObjectKind::LargeObject, "123", None),
    ("materialized view v", ObjectKind::MaterializedView, "v", None),
    ("operator s.+ (int, \"char\")", ObjectKind::Operator, "s.+", Some("int4, \"char\"")),
    ("operator - (none, int)", ObjectKind::Operator, "-", Some("NONE, int4")),
    ("operator class s.c using btree", ObjectKind::OperatorClass, "s.c", Some("btree")),
    ("operator family c using btree", ObjectKind::OperatorFamily, "c", Some("btree")),
    ("policy p on s.t", ObjectKind::Policy, "s.t", Some("p")),
    ("procedure p(int)", ObjectKind::Procedure, "p", Some("int4")),
    ("publication p", ObjectKind::Publication, "p", None),
    ("role r", ObjectKind::Role, "r", None),
    ("routine p(int)", ObjectKind::Routine, "p", Some("int4")),
    ("rule r on t", ObjectKind::Rule, "t", Some("r")),
    ("schema s", ObjectKind::Schema, "s", None),
    ("sequence s.q", ObjectKind::Sequence, "s.q", None),
    ("server s", ObjectKind::ForeignServer, "s", None),
    ("statistics s", ObjectKind::Statistics, "s", None),
    ("subscription s", ObjectKind::Subscription, "s", None),
    ("table s.t", ObjectKind::Table, "s.t", None),
    ("tablespace s", ObjectKind::Tablespace, "s", None),
    ("text search configuration c", ObjectKind::TextSearchConfiguration, "c", None),
    ("text search dictionary c", ObjectKind::TextSearchDictionary, "c", None),
    ("text search parser c", ObjectKind::TextSearchParser, "c", None),
    ("text search template c", ObjectKind::TextSearchTemplate, "c", None),
    ("transform for int language l", ObjectKind::Transform, "pg_catalog.int4", Some("l")),
    ("trigger g on s.t", ObjectKind::Trigger, "s.t", Some("g")),
    ("type s.\"E\"", ObjectKind::Type, "s.E", None),
    ("view v", ObjectKind::View, "v", None),
];

#[test]
fn every_object_that_can_have_a_comment_is_named() {
    for (written, kind, name, detail) in OBJECTS {
        let changes = changes(&format!("comment on {written} is 'x'"));
        let [Change::Comment { object, text }] = changes.as_slice() else { panic!("{written}: {changes:?}") };
        assert_eq!((object.kind, object.name.to_string().as_str(), object.detail.as_deref()), (*kind, *name, *detail), "{written}");
        assert_eq!(text.as_deref(), Some("x"));
    }
}
