//! DROP, RENAME and SET SCHEMA of tables, columns, attributes, constraints and indexes.

use pg_query::protobuf::{AlterObjectSchemaStmt, DropStmt, ObjectType, RenameStmt};
use pg_query::{Node, NodeEnum};

use super::name::{dotted, relation_of};
use super::nodes::{behavior, concurrency, if_exists};
use crate::schema::{Change, Identifier, Name};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;
use crate::sql::span::Span;

/// `DROP` of tables, foreign tables and indexes; none if it is of something else.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else can be dropped has its own home")]
pub(super) fn drop(source: &Source<'_>, statement: &DropStmt) -> Option<Vec<Lowered>> {
    let change: fn(&DropStmt, Name) -> Change = match statement.remove_type() {
        ObjectType::ObjectTable | ObjectType::ObjectForeignTable => drop_table,
        ObjectType::ObjectIndex => drop_index,
        _ => return None,
    };
    let spans = dropped(source, statement.objects.len());
    Some(statement.objects.iter().zip(spans).map(|(node, span)| source.lowered_at(span, change(statement, named(node)))).collect())
}

fn drop_table(statement: &DropStmt, table: Name) -> Change {
    Change::DropTable { table, behavior: behavior(statement.behavior), if_exists: if_exists(statement.missing_ok) }
}

fn drop_index(statement: &DropStmt, index: Name) -> Change {
    let (behavior, if_exists) = (behavior(statement.behavior), if_exists(statement.missing_ok));
    Change::DropIndex { index, concurrency: concurrency(statement.concurrent), behavior, if_exists }
}

/// The places of what a DROP names: of one thing, the whole statement; of several, each name.
pub(super) fn dropped(source: &Source<'_>, count: usize) -> Vec<Span> {
    let last = source.end().saturating_sub(1);
    let end = if source.is(last, "CASCADE") || source.is(last, "RESTRICT") { last } else { source.end() };
    let pieces = source.split(0, end);
    if count == 1 || pieces.len() != count {
        return vec![source.whole(); count];
    }
    let spans = pieces.iter().enumerate().map(|(number, (from, to))| {
        let start = if number == 0 { last_name(source, *to) } else { *from };
        source.span(start, *to)
    });
    spans.collect()
}

/// The first token of the dotted name that ends before `to`.
fn last_name(source: &Source<'_>, to: usize) -> usize {
    let mut first = to.saturating_sub(1);
    while first >= 2 && source.is(first - 1, ".") {
        first -= 2;
    }
    first
}

/// `RENAME` of tables, foreign tables, columns, attributes, constraints and indexes; none if it is of something else.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else can be renamed has its own home")]
pub(super) fn rename(source: &Source<'_>, statement: &RenameStmt) -> Option<Vec<Lowered>> {
    let table = relation_of(statement.relation.as_ref());
    let (from, to) = (Identifier::from(statement.subname.as_str()), Identifier::from(statement.newname.as_str()));
    let change = match statement.rename_type() {
        ObjectType::ObjectTable | ObjectType::ObjectForeignTable => Change::RenameTable { table, to },
        ObjectType::ObjectIndex => Change::RenameIndex { index: table, to },
        ObjectType::ObjectColumn => Change::RenameColumn { table, column: from, to },
        ObjectType::ObjectAttribute => Change::RenameAttribute { name: table, attribute: from, to, behavior: behavior(statement.behavior) },
        ObjectType::ObjectTabconstraint => Change::RenameConstraint { table, constraint: from, to },
        ObjectType::ObjectDomconstraint => {
            let name = statement.object.as_deref().map_or_else(|| Name::unqualified(""), named);
            Change::RenameDomainConstraint { name, constraint: from, to }
        }
        _ => return None,
    };
    let mut lowered = source.lowered(change);
    lowered.if_exists = if_exists(statement.missing_ok);
    Some(vec![lowered])
}

/// `SET SCHEMA` of tables and foreign tables; none if it is of something else.
pub(super) fn set_schema(source: &Source<'_>, statement: &AlterObjectSchemaStmt) -> Option<Vec<Lowered>> {
    matches!(statement.object_type(), ObjectType::ObjectTable | ObjectType::ObjectForeignTable).then_some(())?;
    let change =
        Change::SetTableSchema { table: relation_of(statement.relation.as_ref()), schema: Identifier::from(statement.newschema.as_str()) };
    let mut lowered = source.lowered(change);
    lowered.if_exists = if_exists(statement.missing_ok);
    Some(vec![lowered])
}

/// The name that a node holds: a list of strings, or a lone string.
fn named(node: &Node) -> Name {
    match &node.node {
        Some(NodeEnum::List(list)) => dotted(&list.items),
        Some(NodeEnum::TypeName(written)) => dotted(&written.names),
        _ => dotted(std::slice::from_ref(node)),
    }
}
