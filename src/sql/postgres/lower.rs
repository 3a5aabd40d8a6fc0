//! A parsed statement to changes, one by one. Never drops a statement: what has no meaning for us is `Opaque`, with its reason.

mod name;
mod nodes;
mod data_type;
mod table;
mod column;
mod constraint;
mod alter_table;
mod alter_column;
mod alter_relation;
mod index;
mod sequence;
mod types;
mod data;
mod drop_rename;

use pg_query::NodeEnum;
use pg_query::protobuf::ObjectType;

use super::source::Source;
use crate::schema::Change;
use crate::schema::change::Touches;
use crate::sql::script::Lowered;

/// The changes that a statement makes.
pub(super) fn statement(source: &Source<'_>, node: &NodeEnum) -> Vec<Lowered> {
    tables(source, node).unwrap_or_else(|| opaque(source, "this kind of statement is not read", Touches::Anything))
}

/// Statements on tables, their parts, sequences and types, and on rows.
#[expect(clippy::wildcard_enum_match_arm, reason = "the parser has a node for every part of the grammar; the rest belongs to others")]
fn tables(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    Some(match node {
        NodeEnum::CreateStmt(create) => table::create(source, create),
        NodeEnum::CreateForeignTableStmt(create) => table::create_foreign(source, create),
        NodeEnum::CreateTableAsStmt(create) => table::create_as(source, create),
        NodeEnum::AlterTableStmt(alter) => alter_table::alter(source, alter),
        NodeEnum::IndexStmt(create) => index::create(source, create),
        NodeEnum::CreateSeqStmt(create) => sequence::create(source, create),
        NodeEnum::AlterSeqStmt(alter) => sequence::alter(source, alter),
        NodeEnum::CreateDomainStmt(create) => types::create_domain(source, create),
        NodeEnum::AlterDomainStmt(alter) => types::alter_domain(source, alter),
        NodeEnum::CompositeTypeStmt(create) => types::create_composite(source, create),
        NodeEnum::CreateEnumStmt(create) => types::create_enum(source, create),
        NodeEnum::CreateRangeStmt(create) => types::create_range(source, create),
        NodeEnum::AlterEnumStmt(alter) => types::alter_enum(source, alter),
        NodeEnum::AlterTypeStmt(alter) => types::alter_base(source, alter),
        NodeEnum::DefineStmt(define) if define.kind() == ObjectType::ObjectType => types::define(source, define),
        NodeEnum::InsertStmt(insert) => data::insert(source, insert),
        NodeEnum::UpdateStmt(update) => data::update(source, update),
        NodeEnum::DeleteStmt(delete) => data::delete(source, delete),
        NodeEnum::MergeStmt(merge) => data::merge(source, merge),
        NodeEnum::SelectStmt(select) => data::select(source, select),
        NodeEnum::TruncateStmt(truncate) => data::truncate(source, truncate),
        NodeEnum::CopyStmt(copy) => data::copy(source, copy),
        NodeEnum::DropStmt(drop) => drop_rename::drop(source, drop)?,
        NodeEnum::RenameStmt(rename) => drop_rename::rename(source, rename)?,
        NodeEnum::AlterObjectSchemaStmt(alter) => drop_rename::set_schema(source, alter)?,
        _ => return None,
    })
}

/// A statement that nobody can read, as the one change that it makes.
pub(super) fn opaque(source: &Source<'_>, reason: &str, touches: Touches) -> Vec<Lowered> {
    vec![source.lowered(Change::Opaque { statement: source.statement(), reason: reason.to_owned(), touches })]
}

/// The change that the whole statement says, as the only one.
pub(super) fn one(source: &Source<'_>, change: Change) -> Vec<Lowered> {
    vec![source.lowered(change)]
}

#[cfg(test)]
mod tests;
