//! COMMENT, DROP, RENAME, SET SCHEMA and OWNER TO of every object that isn't a table or a part of one. Never looks the object up.

use pg_query::protobuf::{AlterObjectSchemaStmt, AlterOwnerStmt, CommentStmt, DropStmt, RenameStmt};

use super::nodes::{behavior, if_exists, role};
use super::object::{kind, named, reference};
use super::{one, opaque};
use crate::schema::change::Touches;
use crate::schema::{Change, Identifier, ObjectKind, ObjectRef};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `COMMENT ON`. An empty comment is none, as in the database.
pub(super) fn comment(source: &Source<'_>, statement: &CommentStmt) -> Vec<Lowered> {
    let Some((kind, node)) = kind(statement.objtype()).zip(statement.object.as_deref()) else { return unnamed(source) };
    let text = (!statement.comment.is_empty()).then(|| statement.comment.clone());
    one(source, Change::Comment { object: reference(kind, node), text })
}

/// `DROP`, one change for each object.
pub(super) fn drop(source: &Source<'_>, statement: &DropStmt) -> Vec<Lowered> {
    let Some(kind) = kind(statement.remove_type()) else { return unnamed(source) };
    let (behavior, if_exists) = (behavior(statement.behavior), if_exists(statement.missing_ok));
    let places = places(source, kind);
    let objects = statement.objects.iter().map(|node| reference(kind, node));
    let changes = objects.map(|object| match (kind, &object.detail) {
        (ObjectKind::Schema, _) => Change::DropSchema { schema: object.name.name, behavior, if_exists },
        (ObjectKind::Extension, _) => Change::DropExtension { extension: object.name.name, behavior, if_exists },
        (ObjectKind::Trigger, Some(trigger)) => {
            Change::DropTrigger { trigger: Identifier::from(trigger.as_str()), table: object.name, if_exists }
        }
        _ => Change::DropObject { object, behavior, if_exists },
    });
    if places.len() == statement.objects.len() && places.len() > 1 {
        changes.zip(places).map(|(change, (from, to))| source.lowered_at(source.span(from, to), change)).collect()
    } else {
        changes.map(|change| source.lowered(change)).collect()
    }
}

/// The tokens of each object in `DROP kind [IF EXISTS] a, b [CASCADE]`.
fn places(source: &Source<'_>, kind: ObjectKind) -> Vec<(usize, usize)> {
    let mut from = 1 + keywords(kind);
    if source.are(from, &["if", "exists"]) {
        from += 2;
    }
    let mut to = source.end();
    if source.is(to.saturating_sub(1), "cascade") || source.is(to.saturating_sub(1), "restrict") {
        to -= 1;
    }
    source.split(from, to)
}

/// How many keywords say what is dropped.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind has one keyword")]
pub(super) fn keywords(kind: ObjectKind) -> usize {
    match kind {
        ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::TextSearchParser
        | ObjectKind::TextSearchTemplate
        | ObjectKind::ForeignDataWrapper => 3,
        ObjectKind::MaterializedView
        | ObjectKind::ForeignTable
        | ObjectKind::EventTrigger
        | ObjectKind::AccessMethod
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily => 2,
        _ => 1,
    }
}

/// `ALTER … RENAME TO`.
pub(super) fn rename(source: &Source<'_>, statement: &RenameStmt) -> Vec<Lowered> {
    let Some(kind) = kind(statement.rename_type()) else { return unnamed(source) };
    let to = Identifier::from(statement.newname.as_str());
    let object = named(kind, statement.relation.as_ref(), statement.object.as_deref(), &statement.subname);
    let change = match (kind, &object.detail) {
        (ObjectKind::Schema, _) => Change::RenameSchema { schema: object.name.name, to },
        (ObjectKind::Trigger, Some(trigger)) => {
            Change::RenameTrigger { trigger: Identifier::from(trigger.as_str()), table: object.name, to }
        }
        _ => Change::RenameObject { object, to },
    };
    unless_missing(one(source, change), statement.missing_ok)
}

/// `ALTER … SET SCHEMA`.
pub(super) fn set_schema(source: &Source<'_>, statement: &AlterObjectSchemaStmt) -> Vec<Lowered> {
    let Some(kind) = kind(statement.object_type()) else { return unnamed(source) };
    let object = named(kind, statement.relation.as_ref(), statement.object.as_deref(), "");
    let change = Change::SetObjectSchema { object, schema: Identifier::from(statement.newschema.as_str()) };
    unless_missing(one(source, change), statement.missing_ok)
}

/// `ALTER … OWNER TO`.
pub(super) fn owner(source: &Source<'_>, statement: &AlterOwnerStmt) -> Vec<Lowered> {
    let Some(kind) = kind(statement.object_type()) else { return unnamed(source) };
    let object: ObjectRef = named(kind, statement.relation.as_ref(), statement.object.as_deref(), "");
    one(source, Change::SetOwner { object, owner: role(statement.newowner.as_ref()) })
}

/// `ALTER … IF EXISTS`.
pub(super) fn unless_missing(mut lowered: Vec<Lowered>, missing_ok: bool) -> Vec<Lowered> {
    for each in &mut lowered {
        each.if_exists = if_exists(missing_ok);
    }
    lowered
}

fn unnamed(source: &Source<'_>) -> Vec<Lowered> {
    opaque(source, "the parser does not say which object it is about", Touches::Anything)
}
