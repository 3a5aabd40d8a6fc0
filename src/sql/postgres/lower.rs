//! A parsed statement to changes, one by one. Never drops a statement: what has no meaning for us is `Opaque`, with its reason.

pub(super) mod name;
mod nodes;
pub(in crate::sql::postgres) mod data_type;
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
mod object;
mod any_object;
mod view;
mod routine;
mod block;
mod trigger;
mod definition;
mod grant;
mod namespace;
mod server;
mod session;

use pg_query::NodeEnum;
use pg_query::protobuf::ObjectType;

use self::object::whole;
use super::mark::Owner;
use super::source::Source;
use crate::schema::change::Touches;
use crate::schema::{Change, Name, ObjectKind};
use crate::sql::script::Lowered;

/// The changes that a statement makes.
pub(super) fn statement(source: &Source<'_>, node: &NodeEnum) -> Vec<Lowered> {
    let lowered = tables(source, node)
        .or_else(|| any_object(source, node))
        .or_else(|| definitions(source, node))
        .or_else(|| server::statement(source, node))
        .or_else(|| session(source, node));
    lowered.unwrap_or_else(|| opaque(source, "this kind of statement is not known", Touches::Anything))
}

/// Statements on tables, their parts, sequences and types, and on rows.
#[expect(clippy::wildcard_enum_match_arm, reason = "the parser has a node for every part of the grammar; the rest belongs to others")]
fn tables(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    Some(match node {
        NodeEnum::CreateStmt(create) => table::create(source, create),
        NodeEnum::CreateForeignTableStmt(create) => table::create_foreign(source, create),
        NodeEnum::CreateTableAsStmt(create) if create.objtype() == ObjectType::ObjectMatview => view::create_materialized(source, create),
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
        NodeEnum::SelectStmt(select) => session::set_config(source, select).unwrap_or_else(|| data::select(source, select)),
        NodeEnum::TruncateStmt(truncate) => data::truncate(source, truncate),
        NodeEnum::CopyStmt(copy) => data::copy(source, copy),
        NodeEnum::DropStmt(drop) => drop_rename::drop(source, drop)?,
        NodeEnum::RenameStmt(rename) => drop_rename::rename(source, rename)?,
        NodeEnum::AlterObjectSchemaStmt(alter) => drop_rename::set_schema(source, alter)?,
        _ => return None,
    })
}

/// Statements that are the same for every kind of object, and those on objects that the catalog knows well.
#[expect(clippy::wildcard_enum_match_arm, reason = "the parser has a node for every part of the grammar; the rest belongs to others")]
fn any_object(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    Some(match node {
        NodeEnum::DropStmt(drop) => any_object::drop(source, drop),
        NodeEnum::RenameStmt(rename) => any_object::rename(source, rename),
        NodeEnum::AlterObjectSchemaStmt(alter) => any_object::set_schema(source, alter),
        NodeEnum::AlterOwnerStmt(alter) => any_object::owner(source, alter),
        NodeEnum::CommentStmt(comment) => any_object::comment(source, comment),
        NodeEnum::ViewStmt(create) => view::create(source, create),
        NodeEnum::RefreshMatViewStmt(refresh) => view::refresh(source, refresh),
        NodeEnum::CreateFunctionStmt(create) => routine::create(source, create),
        NodeEnum::AlterFunctionStmt(alter) => routine::alter(source, alter),
        NodeEnum::DoStmt(run) => block::run(source, run),
        NodeEnum::CallStmt(_) => routine::call(source),
        NodeEnum::CreateTrigStmt(create) => trigger::create(source, create),
        NodeEnum::CreateSchemaStmt(create) => namespace::create_schema(source, create),
        NodeEnum::CreateExtensionStmt(create) => namespace::create_extension(source, create),
        NodeEnum::AlterExtensionStmt(alter) => namespace::alter_extension(source, alter),
        NodeEnum::AlterExtensionContentsStmt(alter) => definition::extension_contents(source, alter),
        NodeEnum::GrantStmt(grant) => grant::grant(source, grant),
        NodeEnum::GrantRoleStmt(grant) => grant::membership(source, grant),
        NodeEnum::AlterDefaultPrivilegesStmt(alter) => grant::defaults(source, alter),
        _ => return None,
    })
}

/// Objects that are kept as the statement that creates them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the parser has a node for every part of the grammar; the rest belongs to others")]
fn definitions(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    let named = |kind, name: &str| whole(kind, Name::unqualified(name));
    Some(match node {
        NodeEnum::CreatePolicyStmt(create) => definition::policy(source, create),
        NodeEnum::AlterPolicyStmt(alter) => definition::alter_policy(source, alter),
        NodeEnum::RuleStmt(create) => definition::rule(source, create),
        NodeEnum::CreateStatsStmt(create) => definition::statistics(source, create),
        NodeEnum::AlterStatsStmt(alter) => {
            definition::alter(source, alter, Owner::Value, whole(ObjectKind::Statistics, name::dotted(&alter.defnames)))
        }
        NodeEnum::CreatePublicationStmt(create) => definition::publication(source, create),
        NodeEnum::AlterPublicationStmt(alter) => definition::alter_publication(source, alter),
        NodeEnum::DefineStmt(define) if define.kind() == ObjectType::ObjectAggregate => routine::create_aggregate(source, define),
        NodeEnum::DefineStmt(define) => definition::define(source, define),
        NodeEnum::CreateCastStmt(create) => definition::create_cast(source, create),
        NodeEnum::CreateConversionStmt(create) => definition::conversion(source, create),
        NodeEnum::CreateTransformStmt(create) => definition::transform(source, create),
        NodeEnum::CreateOpClassStmt(create) => definition::operator_class(source, create),
        NodeEnum::CreateOpFamilyStmt(create) => definition::operator_family(source, create),
        NodeEnum::AlterOpFamilyStmt(alter) => definition::alter_operator_family(source, alter),
        NodeEnum::AlterOperatorStmt(alter) => definition::alter_operator(source, alter),
        NodeEnum::CreateEventTrigStmt(create) => definition::event_trigger(source, create),
        NodeEnum::AlterEventTrigStmt(alter) => {
            definition::alter(source, alter, Owner::Value, named(ObjectKind::EventTrigger, &alter.trigname))
        }
        NodeEnum::CreateForeignServerStmt(create) => definition::foreign_server(source, create),
        NodeEnum::CreateUserMappingStmt(create) => definition::user_mapping(source, create),
        NodeEnum::CreateAmStmt(create) => definition::simple(source, ObjectKind::AccessMethod, &create.amname),
        NodeEnum::CreatePlangStmt(create) => {
            let on_conflict = definition::on_conflict(false, create.replace);
            definition::create(source, named(ObjectKind::Language, &create.plname), Vec::new(), on_conflict)
        }
        NodeEnum::AlterTsdictionaryStmt(alter) => {
            definition::alter(source, alter, Owner::Value, whole(ObjectKind::TextSearchDictionary, name::dotted(&alter.dictname)))
        }
        NodeEnum::AlterTsconfigurationStmt(alter) => {
            definition::alter(source, alter, Owner::Value, whole(ObjectKind::TextSearchConfiguration, name::dotted(&alter.cfgname)))
        }
        NodeEnum::AlterCollationStmt(_) => session::work(source, "ALTER COLLATION REFRESH VERSION"),
        NodeEnum::SecLabelStmt(_) => opaque(source, "security labels are not kept", Touches::Nothing),
        NodeEnum::AlterObjectDependsStmt(_) => opaque(source, "what depends on an extension is not kept", Touches::Nothing),
        NodeEnum::AlterTableMoveAllStmt(_) => opaque(source, "which objects lie in a tablespace is not known", Touches::Nothing),
        _ => return None,
    })
}

/// Statements on the session, the transaction and the upkeep of tables.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left are parts of statements, which never stand alone")]
fn session(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    let work = |command| session::work(source, command);
    Some(match node {
        NodeEnum::VariableSetStmt(set) => session::set(source, set),
        NodeEnum::TransactionStmt(transaction) => session::transaction(source, transaction),
        NodeEnum::LockStmt(lock) => session::lock(source, lock),
        NodeEnum::VacuumStmt(vacuum) => session::vacuum(source, vacuum),
        NodeEnum::ClusterStmt(cluster) => session::cluster(source, cluster),
        NodeEnum::ReindexStmt(reindex) => session::reindex(source, reindex),
        NodeEnum::ExplainStmt(explain) => session::explain(source, explain),
        NodeEnum::ExecuteStmt(execute) => session::execute(source, execute),
        NodeEnum::VariableShowStmt(_) => work("SHOW"),
        NodeEnum::CheckPointStmt(_) => work("CHECKPOINT"),
        NodeEnum::DiscardStmt(discard) => session::discard(source, *discard),
        NodeEnum::NotifyStmt(_) => work("NOTIFY"),
        NodeEnum::ListenStmt(_) => work("LISTEN"),
        NodeEnum::UnlistenStmt(_) => work("UNLISTEN"),
        NodeEnum::LoadStmt(_) => work("LOAD"),
        NodeEnum::PrepareStmt(_) => work("PREPARE"),
        NodeEnum::DeallocateStmt(_) => work("DEALLOCATE"),
        NodeEnum::DeclareCursorStmt(_) => work("DECLARE"),
        NodeEnum::FetchStmt(_) => work("FETCH"),
        NodeEnum::ClosePortalStmt(_) => work("CLOSE"),
        NodeEnum::ConstraintsSetStmt(_) => work("SET CONSTRAINTS"),
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
#[cfg(test)]
mod object_tests;
