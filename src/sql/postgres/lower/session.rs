//! Statements that change the session or the transaction, or only do work: SET, BEGIN, LOCK, VACUUM, REINDEX … .

use pg_query::NodeEnum;
use pg_query::protobuf::{self as pg, Node, ReindexObjectType, SelectStmt, TransactionStmtKind, VariableSetKind};

use super::name::{dotted, named_by, relation, relation_of};
use super::nodes::{elements, option_value, plain};
use super::object::whole;
use super::{one, opaque};
use crate::schema::change::{Concurrency, Touches};
use crate::schema::{Change, Identifier, Name, ObjectKind};
use crate::sql::postgres::source::{Source, folded};
use crate::sql::script::Lowered;

/// `SET` and `RESET`.
pub(super) fn set(source: &Source<'_>, statement: &pg::VariableSetStmt) -> Vec<Lowered> {
    let name = statement.name.to_lowercase();
    let values: Vec<String> = statement.args.iter().map(plain).collect();
    let local = statement.is_local;
    match statement.kind() {
        VariableSetKind::VarSetValue if name == "search_path" => one(source, search_path(values, local)),
        VariableSetKind::VarSetDefault | VariableSetKind::VarReset if name == "search_path" => one(source, default_search_path(local)),
        // What stays as it was needs no change; the value from the start of the session is not known to be another one.
        VariableSetKind::VarSetCurrent => one(source, Change::SetParameter { name, value: Some("current".to_owned()), local }),
        VariableSetKind::VarResetAll => {
            let reset = Change::SetParameter { name: "all".to_owned(), value: None, local };
            vec![source.lowered(default_search_path(false)), source.lowered(reset)]
        }
        VariableSetKind::VarSetDefault | VariableSetKind::VarReset => one(source, Change::SetParameter { name, value: None, local }),
        VariableSetKind::VarSetValue | VariableSetKind::VarSetMulti | VariableSetKind::Undefined => {
            let values = if values.iter().all(String::is_empty) {
                elements(&statement.args).map(|mode| format!("{} {}", mode.defname, option_value(mode))).collect()
            } else {
                values
            };
            one(source, Change::SetParameter { name, value: Some(values.join(", ")), local })
        }
    }
}

/// `"$user"` names a schema that is only there if somebody made it for the role, so it is left out; an empty name stands for no schema.
fn search_path(names: Vec<String>, local: bool) -> Change {
    let schemas = names.into_iter().filter(|name| !name.is_empty() && name != "$user").map(Identifier::from).collect();
    Change::SetSearchPath { schemas, local }
}

fn default_search_path(local: bool) -> Change {
    Change::SetSearchPath { schemas: vec![Identifier::from("public")], local }
}

/// `SELECT set_config(…)`, if the statement is that and no more. Dumps set the search path so.
pub(super) fn set_config(source: &Source<'_>, statement: &SelectStmt) -> Option<Vec<Lowered>> {
    let [target] = statement.target_list.as_slice() else { return None };
    (statement.from_clause.is_empty() && statement.where_clause.is_none() && statement.with_clause.is_none()).then_some(())?;
    let Some(NodeEnum::ResTarget(target)) = &target.node else { return None };
    let Some(NodeEnum::FuncCall(call)) = &target.val.as_deref()?.node else { return None };
    let function = dotted(&call.funcname);
    let ours = function.name == "set_config" && function.schema.as_ref().is_none_or(|schema| schema == "pg_catalog");
    let [name, value, local] = call.args.as_slice() else { return None };
    (ours && [name, value, local].into_iter().all(is_constant)).then_some(())?;
    let (name, value, local) = (plain(name).to_lowercase(), plain(value), plain(local) == "true");
    let change = if name == "search_path" {
        search_path(value.split(',').map(|schema| folded(schema.trim())).collect(), local)
    } else {
        Change::SetParameter { name, value: Some(value), local }
    };
    Some(one(source, change))
}

fn is_constant(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => !constant.isnull,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_constant),
        _ => false,
    }
}

/// BEGIN, COMMIT, SAVEPOINT and the like.
pub(super) fn transaction(source: &Source<'_>, statement: &pg::TransactionStmt) -> Vec<Lowered> {
    let keyword = match statement.kind() {
        TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart => "BEGIN",
        TransactionStmtKind::TransStmtCommit => "COMMIT",
        TransactionStmtKind::TransStmtRollback => "ROLLBACK",
        TransactionStmtKind::TransStmtSavepoint => "SAVEPOINT",
        TransactionStmtKind::TransStmtRelease => "RELEASE",
        TransactionStmtKind::TransStmtRollbackTo => "ROLLBACK TO",
        TransactionStmtKind::TransStmtPrepare => "PREPARE TRANSACTION",
        TransactionStmtKind::TransStmtCommitPrepared => "COMMIT PREPARED",
        TransactionStmtKind::TransStmtRollbackPrepared => "ROLLBACK PREPARED",
        TransactionStmtKind::Undefined => {
            return opaque(source, "the parser does not say what becomes of the transaction", Touches::Anything);
        }
    };
    one(source, Change::TransactionControl { keyword: keyword.to_owned() })
}

/// `LOCK TABLE`.
pub(super) fn lock(source: &Source<'_>, statement: &pg::LockStmt) -> Vec<Lowered> {
    let mode = match statement.mode {
        1 => "ACCESS SHARE",
        2 => "ROW SHARE",
        3 => "ROW EXCLUSIVE",
        4 => "SHARE UPDATE EXCLUSIVE",
        5 => "SHARE",
        6 => "SHARE ROW EXCLUSIVE",
        7 => "EXCLUSIVE",
        _ => "ACCESS EXCLUSIVE",
    };
    let tables = statement.relations.iter().map(named_by).collect();
    one(source, Change::LockTables { tables, mode: mode.to_owned() })
}

/// VACUUM and ANALYZE.
pub(super) fn vacuum(source: &Source<'_>, statement: &pg::VacuumStmt) -> Vec<Lowered> {
    let full = elements(&statement.options).any(|option| option.defname == "full" && is_on(option));
    let command = match (statement.is_vacuumcmd, full) {
        (true, true) => "VACUUM FULL",
        (true, false) => "VACUUM",
        (false, _) => "ANALYZE",
    };
    let relations = statement.rels.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::VacuumRelation(named)) => named.relation.as_ref().map(relation),
        _ => None,
    });
    work_on(source, command, relations.collect())
}

fn is_on(option: &pg::DefElem) -> bool {
    !["false", "off", "0"].contains(&option_value(option).to_lowercase().as_str())
}

/// CLUSTER, which also remembers the index that it names.
pub(super) fn cluster(source: &Source<'_>, statement: &pg::ClusterStmt) -> Vec<Lowered> {
    let Some(table) = statement.relation.as_ref().map(relation) else { return work_on(source, "CLUSTER", Vec::new()) };
    let mut changes = work_on(source, "CLUSTER", vec![table.clone()]);
    if !statement.indexname.is_empty() {
        changes.push(source.lowered(Change::ClusterOn { table, index: Some(Identifier::from(statement.indexname.as_str())) }));
    }
    changes
}

/// REINDEX.
pub(super) fn reindex(source: &Source<'_>, statement: &pg::ReindexStmt) -> Vec<Lowered> {
    let relation = || relation_of(statement.relation.as_ref());
    let target = match statement.kind() {
        ReindexObjectType::ReindexObjectIndex => whole(ObjectKind::Index, relation()),
        ReindexObjectType::ReindexObjectTable => whole(ObjectKind::Table, relation()),
        ReindexObjectType::ReindexObjectSchema => whole(ObjectKind::Schema, Name::unqualified(statement.name.as_str())),
        ReindexObjectType::ReindexObjectSystem | ReindexObjectType::ReindexObjectDatabase | ReindexObjectType::Undefined => {
            whole(ObjectKind::Database, Name::unqualified(statement.name.as_str()))
        }
    };
    let concurrently = elements(&statement.params).any(|option| option.defname == "concurrently" && is_on(option));
    let concurrency = if concurrently { Concurrency::Concurrently } else { Concurrency::Blocking };
    one(source, Change::Reindex { target, concurrency })
}

/// DISCARD. Of ALL, the search path is what we must know.
pub(super) fn discard(source: &Source<'_>, statement: pg::DiscardStmt) -> Vec<Lowered> {
    let all = statement.target() == pg::DiscardMode::DiscardAll;
    let search_path = all.then(|| source.lowered(default_search_path(false)));
    search_path.into_iter().chain(work(source, "DISCARD")).collect()
}

/// A command that does work, or speaks to the session or the server, and leaves the schema as it is.
pub(super) fn work(source: &Source<'_>, command: &str) -> Vec<Lowered> {
    work_on(source, command, Vec::new())
}

fn work_on(source: &Source<'_>, command: &str, tables: Vec<Name>) -> Vec<Lowered> {
    one(source, Change::Maintenance { command: command.to_owned(), tables, statement: source.statement() })
}

/// EXPLAIN runs nothing unless ANALYZE says so; then it is what it runs.
pub(super) fn explain(source: &Source<'_>, statement: &pg::ExplainStmt) -> Vec<Lowered> {
    let analyze = elements(&statement.options).any(|option| option.defname == "analyze" && is_on(option));
    match statement.query.as_deref().and_then(|query| query.node.as_ref()) {
        Some(query) if analyze => super::statement(source, query),
        Some(_) | None => work(source, "EXPLAIN"),
    }
}

/// `EXECUTE` of a prepared statement.
pub(super) fn execute(source: &Source<'_>, statement: &pg::ExecuteStmt) -> Vec<Lowered> {
    opaque(source, &format!("what the prepared statement `{}` does is not followed", statement.name), Touches::Anything)
}
