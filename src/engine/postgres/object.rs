//! What changes to views, types, sequences, rows and everything else lock. Never leaves out a lock on a table because the
//! statement is about something else.

use std::sync::Arc;

use super::super::LockMode;
use super::table;
use super::tally::Tally;
use super::type_change::base_of;
use crate::schema::change::{Concurrency, DataChange, DropBehavior, Grant, Touches, Verb};
use crate::schema::object::{Definition, TypeKind};
use crate::schema::{Change, DataType, Identifier, Name, ObjectKind, ObjectRef, Part, Sql, Validity};

/// ALTER SEQUENCE stops nextval in other sessions.
pub(super) fn alter_sequence(tally: &mut Tally<'_>, sequence: &Name, _data_type: Option<&DataType>) {
    tally.lock(sequence, LockMode::ShareRowExclusive);
}

/// A change of a composite type's attributes, which tables of that type follow.
pub(super) fn alter_composite(tally: &mut Tally<'_>, name: &Name) {
    tally.lock(name, LockMode::AccessExclusive);
    for table in tables_of_type(tally, name) {
        tally.lock(&table, LockMode::AccessExclusive);
    }
}

/// A change of an attribute's type: tables of the composite type are written anew.
pub(super) fn retype_attribute(tally: &mut Tally<'_>, name: &Name) {
    alter_composite(tally, name);
    for table in tables_of_type(tally, name) {
        tally.rewrite(&table);
    }
}

fn tables_of_type(tally: &Tally<'_>, name: &Name) -> Vec<Name> {
    tally.before.tables.values().filter(|table| table.of_type.as_ref() == Some(name)).map(|table| table.name.clone()).collect()
}

/// ALTER VIEW … SET; of a materialized view storage parameters, as of a table.
pub(super) fn set_view_options(tally: &mut Tally<'_>, view: &Name) {
    let materialized = tally.before.views.get(view).is_some_and(|view| view.materialized);
    tally.lock(view, if materialized { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive });
}

/// Adding a constraint to a domain reads every table with such a column, unless it is NOT VALID.
pub(super) fn add_domain_constraint(tally: &mut Tally<'_>, name: &Name, validity: Validity) {
    if validity == Validity::Valid {
        check_domain(tally, name);
    }
}

/// Values of a domain are checked: writers of every table with such a column wait, NOT VALID or not.
pub(super) fn check_domain(tally: &mut Tally<'_>, domain: &Name) {
    let before = tally.before;
    for (name, found) in &before.tables {
        if tally.has_rows(name) && found.columns.iter().any(|column| is_over(tally, &column.data_type, domain)) {
            tally.lock(name, LockMode::Share);
            tally.scan(name);
        }
    }
}

/// Whether a type is the domain or one over it.
fn is_over(tally: &Tally<'_>, data_type: &DataType, domain: &Name) -> bool {
    if &data_type.name == domain {
        return true;
    }
    let Some(user) = tally.before.types.get(&data_type.name) else { return false };
    match &user.kind {
        TypeKind::Domain { base, .. } => is_over(tally, base, domain),
        TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => false,
    }
}

/// CREATE [OR REPLACE] VIEW: what it reads is locked as a reader does; a view that is replaced, against everyone.
pub(super) fn create_view(tally: &mut Tally<'_>, view: &crate::schema::object::View) {
    tally.lock(&view.name, LockMode::AccessExclusive);
    for part in &view.query.parts {
        if let Part::Relation(name) = part {
            tally.lock(name, LockMode::AccessShare);
            if view.materialized && view.populated {
                tally.scan(name);
            }
        }
    }
}

/// REFRESH MATERIALIZED VIEW: CONCURRENTLY lets readers through, no more.
pub(super) fn refresh(tally: &mut Tally<'_>, view: &Name, concurrency: Concurrency, with_data: bool) {
    let mode = match concurrency {
        Concurrency::Blocking => LockMode::AccessExclusive,
        Concurrency::Concurrently => LockMode::Exclusive,
    };
    tally.lock(view, mode);
    let reads: Vec<Name> = tally.before.views.get(view).map(|view| relations(&view.query)).unwrap_or_default();
    for source in &reads {
        tally.lock(source, LockMode::AccessShare);
        if with_data {
            tally.scan(source);
        }
    }
    if !with_data {
        tally.empty(view);
    } else if concurrency == Concurrency::Blocking && !reads.is_empty() {
        // A new file is filled from the query, and then indexed.
        tally.empty(view);
        for (index, _) in tally.before.indexes_of(view) {
            tally.build(view, Some(index.clone()));
        }
    } else if concurrency == Concurrency::Blocking {
        tally.rewrite(view);
    } else {
        tally.scan(view);
        tally.change_rows(view);
    }
}

/// The relations that a text names.
fn relations(sql: &Sql) -> Vec<Name> {
    sql.parts
        .iter()
        .filter_map(|part| match part {
            Part::Relation(name) => Some(name.clone()),
            Part::Text(_) | Part::Column { .. } | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => None,
        })
        .collect()
}

/// Whether an object lives on a table, whose name it carries.
fn lives_on_table(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Policy | ObjectKind::Rule | ObjectKind::Trigger | ObjectKind::TableConstraint | ObjectKind::Column)
}

/// Whether an object is a relation, which is locked by its own name.
fn is_relation(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Table
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Sequence
            | ObjectKind::ForeignTable
            | ObjectKind::Index
    )
}

/// DROP of anything that has no change of its own.
pub(super) fn drop(tally: &mut Tally<'_>, change: &Change, object: &ObjectRef, behavior: DropBehavior) {
    if lives_on_table(object.kind) || is_relation(object.kind) {
        tally.lock(&object.name, LockMode::AccessExclusive);
    }
    if matches!(object.kind, ObjectKind::Database | ObjectKind::Tablespace) {
        tally.outside_transaction();
    }
    if object.kind == ObjectKind::Statistics {
        let on: Vec<Name> = definition_of(tally, object).map(|found| relations(&found.create)).unwrap_or_default();
        for table in &on {
            tally.lock(table, LockMode::ShareUpdateExclusive);
        }
    }
    if behavior == DropBehavior::Cascade {
        if is_relation(object.kind) {
            table::lock_readers(tally, &object.name);
        }
        lock_users(tally, object);
        lock_losers(tally, change);
    }
}

/// DROP EXTENSION … CASCADE.
pub(super) fn drop_extension(tally: &mut Tally<'_>, change: &Change, behavior: DropBehavior) {
    if behavior == DropBehavior::Cascade {
        lock_losers(tally, change);
    }
}

/// Locks the tables that lose something to a DROP … CASCADE, and the views that go.
fn lock_losers(tally: &mut Tally<'_>, change: &Change) {
    let before = tally.before;
    let mut after = before.clone();
    if after.apply(change).is_err() {
        return;
    }
    let tables = before.tables.iter().filter(|(name, table)| after.tables.get(*name) != Some(table)).map(|(name, _)| name);
    let triggers = before.triggers.keys().filter(|key| !after.triggers.contains_key(*key)).map(|(table, _)| table);
    let views = before.views.keys().filter(|name| !after.views.contains_key(*name));
    let indexes = before.indexes.iter().filter(|(name, _)| !after.indexes.contains_key(*name));
    let indexes = indexes.flat_map(|(name, index)| [name, &index.table]);
    for relation in tables.chain(triggers).chain(views).chain(indexes) {
        tally.lock(relation, LockMode::AccessExclusive);
    }
}

fn definition_of<'a>(tally: &Tally<'a>, object: &ObjectRef) -> Option<&'a Arc<Definition>> {
    tally.before.definitions.iter().find(|definition| &definition.object == object)
}

/// The tables that lose a column, a default or an index when a type, a function or a sequence is dropped with CASCADE.
fn lock_users(tally: &mut Tally<'_>, object: &ObjectRef) {
    let names = |sql: &Sql| {
        sql.parts.iter().any(|part| match part {
            Part::Function(name) | Part::Type(name) | Part::RelationLiteral(name) => name == &object.name,
            Part::Text(_) | Part::Column { .. } | Part::Relation(_) => false,
        })
    };
    let before = tally.before;
    for (name, found) in &before.tables {
        let used = found.columns.iter().any(|column| {
            let by_type = matches!(object.kind, ObjectKind::Type | ObjectKind::Domain)
                && (column.data_type.name == object.name
                    || (base_of(&column.data_type, before).is_some() && is_over(tally, &column.data_type, &object.name)));
            by_type || column.default.as_ref().is_some_and(names)
        });
        if used {
            tally.lock(name, LockMode::AccessExclusive);
        }
    }
    for (name, index) in &before.indexes {
        let used = index.predicate.as_ref().is_some_and(names)
            || index.elements.iter().any(|element| match &element.key {
                crate::schema::IndexKey::Expression(expression) => names(expression),
                crate::schema::IndexKey::Column(_) => false,
            });
        if used {
            tally.lock(&index.table, LockMode::AccessExclusive);
            tally.lock(name, LockMode::AccessExclusive);
        }
    }
}

/// DROP SCHEMA locks all that is in it.
pub(super) fn drop_schema(tally: &mut Tally<'_>, schema: &Identifier) {
    let inside = |name: &&Name| name.schema.as_ref() == Some(schema);
    let before = tally.before;
    let relations = before.tables.keys().chain(before.views.keys()).chain(before.sequences.keys()).filter(inside);
    for relation in relations {
        tally.lock(relation, LockMode::AccessExclusive);
    }
}

/// RENAME and SET SCHEMA.
pub(super) fn rename(tally: &mut Tally<'_>, object: &ObjectRef) {
    let composite = tally.before.types.get(&object.name).is_some_and(|user| matches!(user.kind, TypeKind::Composite { .. }));
    if lives_on_table(object.kind) || is_relation(object.kind) || (composite && object.kind == ObjectKind::Type) {
        tally.lock(&object.name, LockMode::AccessExclusive);
    }
}

/// OWNER TO.
pub(super) fn set_owner(tally: &mut Tally<'_>, object: &ObjectRef) {
    rename(tally, object);
    if object.kind == ObjectKind::Table {
        tally.lock_sequences_of(&object.name, None, LockMode::AccessExclusive);
    }
}

/// COMMENT ON: a relation is locked against other DDL, the table below something else is only looked at.
pub(super) fn comment(tally: &mut Tally<'_>, object: &ObjectRef) {
    if is_relation(object.kind) || object.kind == ObjectKind::Column {
        tally.lock(&object.name, LockMode::ShareUpdateExclusive);
    } else if lives_on_table(object.kind) {
        tally.lock(&object.name, LockMode::AccessShare);
    }
}

/// GRANT and REVOKE (PostgreSQL 18 on).
pub(super) fn grant(tally: &mut Tally<'_>, grant: &Grant) {
    if tally.major >= 18 && is_relation(grant.object.kind) {
        tally.lock(&grant.object.name, LockMode::AccessShare);
    }
}

/// CREATE of something that lives on tables.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else lives on tables")]
pub(super) fn create(tally: &mut Tally<'_>, definition: &Definition) {
    match definition.object.kind {
        ObjectKind::Policy | ObjectKind::Rule => tally.lock(&definition.object.name, LockMode::AccessExclusive),
        ObjectKind::Database | ObjectKind::Tablespace => tally.outside_transaction(),
        ObjectKind::Statistics | ObjectKind::Publication => {
            for table in relations(&definition.create) {
                tally.lock(&table, LockMode::ShareUpdateExclusive);
            }
        }
        _ => {}
    }
}

/// ALTER of something that lives on tables.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else lives on tables")]
pub(super) fn alter(tally: &mut Tally<'_>, object: &ObjectRef, statement: &Sql) {
    match object.kind {
        ObjectKind::Policy | ObjectKind::Rule => tally.lock(&object.name, LockMode::AccessExclusive),
        ObjectKind::Publication => {
            // SET TABLE also locks the tables that it leaves out from now on.
            let sets =
                statement.parts.iter().any(|part| matches!(part, Part::Text(text) if text.to_ascii_lowercase().contains(" set table")));
            let old = definition_of(tally, object).filter(|_| sets).map(|found| relations(&found.create)).unwrap_or_default();
            for table in relations(statement).into_iter().chain(old) {
                tally.lock(&table, LockMode::ShareUpdateExclusive);
            }
        }
        _ => {}
    }
}

/// LOCK TABLE.
pub(super) fn lock_tables(tally: &mut Tally<'_>, tables: &[Name], mode: &str) {
    let mode = match mode.to_ascii_uppercase().trim_end_matches(" MODE").trim() {
        "ACCESS SHARE" => LockMode::AccessShare,
        "ROW SHARE" => LockMode::RowShare,
        "ROW EXCLUSIVE" => LockMode::RowExclusive,
        "SHARE UPDATE EXCLUSIVE" => LockMode::ShareUpdateExclusive,
        "SHARE" => LockMode::Share,
        "SHARE ROW EXCLUSIVE" => LockMode::ShareRowExclusive,
        "EXCLUSIVE" => LockMode::Exclusive,
        _ => LockMode::AccessExclusive,
    };
    for table in tables {
        tally.lock_family(table, mode);
        let reads = tally.before.views.get(table).map(|view| relations(&view.query)).unwrap_or_default();
        for source in &reads {
            tally.lock(source, mode);
        }
    }
}

/// VACUUM, ANALYZE, CLUSTER.
pub(super) fn maintain(tally: &mut Tally<'_>, command: &str, tables: &[Name]) {
    match command {
        "VACUUM" => {
            tally.outside_transaction();
            for table in tables {
                tally.lock_partitions(table, LockMode::ShareUpdateExclusive);
            }
        }
        "ANALYZE" => {
            for table in tables {
                tally.lock_family(table, LockMode::ShareUpdateExclusive);
            }
        }
        "VACUUM FULL" | "CLUSTER" => {
            let partitioned = tables.iter().any(|table| tally.is_partitioned(table));
            if command == "VACUUM FULL" || partitioned {
                tally.outside_transaction();
            }
            for member in tables.iter().flat_map(|table| tally.partitions(table)).collect::<Vec<_>>() {
                tally.lock(&member, LockMode::AccessExclusive);
                tally.rewrite(&member);
            }
        }
        _ => {}
    }
}

/// INSERT, UPDATE, DELETE … .
pub(super) fn change_rows(tally: &mut Tally<'_>, data: &DataChange) {
    for table in &data.reads {
        tally.lock(table, LockMode::AccessShare);
    }
    for table in &data.writes {
        match data.verb {
            Verb::Truncate => truncate(tally, table, &data.statement),
            Verb::Insert | Verb::Copy | Verb::Update | Verb::Delete | Verb::Merge | Verb::Select => {
                tally.lock(table, LockMode::RowExclusive);
                tally.change_rows(table);
            }
        }
    }
}

/// TRUNCATE; RESTART IDENTITY sets the sequences back too.
fn truncate(tally: &mut Tally<'_>, table: &Name, statement: &str) {
    let restarts = statement.to_ascii_lowercase().contains("restart");
    for member in &tally.family(table) {
        tally.lock(member, LockMode::AccessExclusive);
        tally.empty(member);
        if restarts {
            tally.lock_sequences_of(member, None, LockMode::AccessExclusive);
        }
    }
}

/// A statement that nobody can read: the strongest lock on whatever it is known to touch.
pub(super) fn opaque(tally: &mut Tally<'_>, statement: &str, touches: &Touches) {
    let start: String = statement.trim_start().chars().take(40).collect::<String>().to_ascii_uppercase();
    if ["CREATE DATABASE", "DROP DATABASE", "ALTER SYSTEM", "CREATE TABLESPACE", "DROP TABLESPACE"]
        .iter()
        .any(|outside| start.starts_with(outside))
    {
        tally.outside_transaction();
    }
    if let Touches::Objects(objects) = touches {
        for object in objects.iter().filter(|object| is_relation(object.kind)) {
            tally.lock(&object.name, LockMode::AccessExclusive);
        }
    }
}
