//! Statements on rows. Never decides what a statement does to clients: it says what is written, read and set.

use pg_query::protobuf::{
    CopyStmt, DeleteStmt, InsertStmt, MergeStmt, RangeVar, ResTarget, SelectStmt, TruncateStmt, UpdateStmt, a_const::Val,
};
use pg_query::{Node, NodeEnum};

use super::name::{identifiers, relation, relation_of};
use super::{one, table};
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Change, Identifier, Name, Sql};
use crate::sql::postgres::mark::{Owner, Touched};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `INSERT`.
pub(super) fn insert(source: &Source<'_>, statement: &InsertStmt) -> Vec<Lowered> {
    let mut data = change(source, Verb::Insert, statement);
    data.columns = targets(&statement.cols).map(|target| Identifier::from(target.name.as_str())).collect();
    lowered(source, data)
}

/// `UPDATE`.
pub(super) fn update(source: &Source<'_>, statement: &UpdateStmt) -> Vec<Lowered> {
    let mut data = change(source, Verb::Update, statement);
    data.columns = targets(&statement.target_list).map(|target| Identifier::from(target.name.as_str())).collect();
    if let (true, Some(relation), None) = (statement.from_clause.is_empty(), &statement.relation, &statement.with_clause) {
        let table = self::relation(relation);
        let owner = Owner::Table(&table, alias(relation));
        let name = source.at(relation.location);
        let start = source.find_word(source.after_name(name), source.end(), "SET") + 1;
        let end = source.find(start, source.end(), |index| source.is(index, "WHERE") || source.is(index, "RETURNING"));
        let assigned = assignments(source, &statement.target_list, owner, end);
        data.condition = condition(source, statement.where_clause.as_deref(), owner, end);
        data.plain = assigned.is_some() && relation.inh && !looks_elsewhere(statement);
        data.assignments = assigned.unwrap_or_default();
    }
    lowered(source, data)
}

/// `DELETE`.
pub(super) fn delete(source: &Source<'_>, statement: &DeleteStmt) -> Vec<Lowered> {
    let mut data = change(source, Verb::Delete, statement);
    if let (true, Some(relation), None) = (statement.using_clause.is_empty(), &statement.relation, &statement.with_clause) {
        let table = self::relation(relation);
        let name = source.at(relation.location);
        let start = source.find(name, source.end(), |index| source.is(index, "WHERE") || source.is(index, "RETURNING"));
        data.condition = condition(source, statement.where_clause.as_deref(), Owner::Table(&table, alias(relation)), start);
        data.plain = relation.inh && !looks_elsewhere(statement);
    }
    lowered(source, data)
}

/// `MERGE`.
pub(super) fn merge(source: &Source<'_>, statement: &MergeStmt) -> Vec<Lowered> {
    let mut data = change(source, Verb::Merge, statement);
    for node in &statement.merge_when_clauses {
        if let Some(NodeEnum::MergeWhenClause(clause)) = &node.node {
            data.columns.extend(targets(&clause.target_list).map(|target| Identifier::from(target.name.as_str())));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    data.columns.retain(|column| seen.insert(column.clone()));
    lowered(source, data)
}

/// `SELECT`, `VALUES` and `TABLE`, and `SELECT … INTO`, which makes a table.
pub(super) fn select(source: &Source<'_>, statement: &SelectStmt) -> Vec<Lowered> {
    let mut first = statement;
    while let Some(left) = &first.larg {
        first = left;
    }
    if let Some(into) = &first.into_clause {
        return table::select_into(source, statement, into);
    }
    if let Some(change) = setting(statement) {
        return one(source, change);
    }
    let data = change(source, Verb::Select, statement);
    lowered(source, data)
}

/// `TRUNCATE`.
pub(super) fn truncate(source: &Source<'_>, statement: &TruncateStmt) -> Vec<Lowered> {
    let writes = statement.relations.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::RangeVar(table)) => Some(relation(table)),
        _ => None,
    });
    lowered(source, DataChange { writes: writes.collect(), ..empty(source, Verb::Truncate) })
}

/// `COPY`, in whichever direction.
pub(super) fn copy(source: &Source<'_>, statement: &CopyStmt) -> Vec<Lowered> {
    let mut data = match statement.query.as_deref() {
        Some(query) => change(source, Verb::Copy, query),
        None => empty(source, Verb::Copy),
    };
    if statement.relation.is_some() {
        let table = relation_of(statement.relation.as_ref());
        if statement.is_from { data.writes.push(table) } else { data.reads.push(table) }
    }
    data.columns = identifiers(&statement.attlist);
    lowered(source, data)
}

fn lowered(source: &Source<'_>, data: DataChange) -> Vec<Lowered> {
    one(source, Change::Data(Box::new(data)))
}

/// Code that reads those tables and calls those functions, and changes nothing by itself.
pub(super) fn looking(source: &Source<'_>, reads: Vec<Name>, calls: Vec<Name>) -> Vec<Lowered> {
    lowered(source, DataChange { reads, calls, ..empty(source, Verb::Select) })
}

fn empty(source: &Source<'_>, verb: Verb) -> DataChange {
    DataChange {
        verb,
        writes: Vec::new(),
        reads: Vec::new(),
        calls: Vec::new(),
        columns: Vec::new(),
        assignments: Vec::new(),
        condition: None,
        plain: false,
        statement: source.statement(),
    }
}

fn change(source: &Source<'_>, verb: Verb, statement: &impl serde::Serialize) -> DataChange {
    let Touched { writes, reads, calls } = source.touched(statement);
    DataChange { writes, reads, calls, ..empty(source, verb) }
}

fn alias(relation: &RangeVar) -> Option<&str> {
    relation.alias.as_ref().map(|alias| alias.aliasname.as_str())
}

fn targets(nodes: &[Node]) -> impl Iterator<Item = &ResTarget> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::ResTarget(target)) => Some(target.as_ref()),
        _ => None,
    })
}

/// The condition after the WHERE at token `keyword`.
fn condition(source: &Source<'_>, node: Option<&Node>, owner: Owner<'_>, keyword: usize) -> Option<Sql> {
    let node = node?;
    let end = source.find_word(keyword, source.end(), "RETURNING");
    Some(source.mark(source.span(keyword + 1, end), node, owner))
}

/// What is set to what, up to token `end`; none if a part of a column is set, or several columns from one query.
fn assignments(source: &Source<'_>, nodes: &[Node], owner: Owner<'_>, end: usize) -> Option<Vec<(Identifier, Sql)>> {
    let mut assigned = Vec::new();
    for target in targets(nodes) {
        target.indirection.is_empty().then_some(())?;
        let value = target.val.as_deref()?;
        let name = source.at(target.location);
        let (from, to, value) = if let Some(NodeEnum::MultiAssignRef(several)) = &value.node {
            row_element(source, several, name, end)?
        } else {
            (name + 2, source.find(name + 2, end, |index| source.token(index) == ","), value)
        };
        assigned.push((Identifier::from(target.name.as_str()), source.mark(source.span(from, to), value, owner)));
    }
    Some(assigned)
}

/// The tokens and the node of one value of `(a, b) = (x, y)`, whose column stands at token `at`.
fn row_element<'a>(
    source: &Source<'_>,
    several: &'a pg_query::protobuf::MultiAssignRef,
    at: usize,
    end: usize,
) -> Option<(usize, usize, &'a Node)> {
    let Some(NodeEnum::RowExpr(row)) = several.source.as_deref().and_then(|node| node.node.as_ref()) else { return None };
    let number = usize::try_from(several.colno).ok()?.checked_sub(1)?;
    let sign = source.find_word(source.find_word(at, end, ")"), end, "=");
    let open = if source.is(sign + 1, "ROW") { sign + 2 } else { sign + 1 };
    source.is(open, "(").then_some(())?;
    let (from, to) = *source.split(open + 1, source.closing(open)).get(number)?;
    Some((from, to, row.args.get(number)?))
}

/// Whether a statement on one table has a subquery, or works on the row of a cursor.
fn looks_elsewhere(statement: &impl serde::Serialize) -> bool {
    fn find(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Array(values) => values.iter().any(find),
            serde_json::Value::Object(map) => map.contains_key("SubLink") || map.contains_key("CurrentOfExpr") || map.values().any(find),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::String(_) => false,
        }
    }
    serde_json::to_value(statement).as_ref().is_ok_and(find)
}

/// `SELECT set_config('name', 'value', local)`, as dumps have it, which is SET.
fn setting(statement: &SelectStmt) -> Option<Change> {
    statement.from_clause.is_empty().then_some(())?;
    let [target] = statement.target_list.as_slice() else { return None };
    let Some(NodeEnum::FuncCall(call)) = targets(std::slice::from_ref(target)).next()?.val.as_deref()?.node.as_ref() else { return None };
    let is_setting = identifiers(&call.funcname).last().is_some_and(|name| name == "set_config");
    let [name, value, local] = call.args.as_slice() else { return None };
    let (name, value, local) = (constant(name)?, constant(value)?, constant(local)?);
    is_setting.then_some(())?;
    let local = local == "true";
    if name == "search_path" {
        let schemas = value.split(',').map(str::trim).filter(|schema| !schema.is_empty());
        let schemas = schemas.map(|schema| Identifier::from(crate::sql::postgres::source::folded(schema)));
        return Some(Change::SetSearchPath { schemas: schemas.collect(), local });
    }
    Some(Change::SetParameter { name, value: Some(value), local })
}

fn constant(node: &Node) -> Option<String> {
    let Some(NodeEnum::AConst(constant)) = &node.node else { return None };
    match &constant.val {
        Some(Val::Sval(string)) => Some(string.sval.clone()),
        Some(Val::Boolval(truth)) => Some(truth.boolval.to_string()),
        Some(Val::Ival(_) | Val::Fval(_) | Val::Bsval(_)) | None => None,
    }
}
