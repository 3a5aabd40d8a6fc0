//! CREATE TABLE in all its forms. Never resolves what is copied or inherited: folding does.

use crate::schema::options::Options;
use std::collections::BTreeMap;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CreateForeignTableStmt, CreateStmt, CreateTableAsStmt, IntoClause, OnCommitAction, PartitionSpec, PartitionStrategy, SelectStmt,
    TableLikeClause,
};

use super::column::{column, declarations};
use super::constraint::constraint;
use super::index;
use super::name::{dotted, identifiers, relation, relation_of};
use super::nodes::{if_exists, optional, options};
use super::{one, opaque};
use crate::schema::change::{CreateTable, IfExists, Like, Touches};
use crate::schema::table::Partition;
use crate::schema::{Change, Column, DataType, Identifier, IndexElement, Name, ObjectKind, ObjectRef, Persistence, Sql, Table, TableKind};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// The parts of LIKE that INCLUDING can name, by the bit that the grammar sets.
const INCLUDING: [(u32, &str); 9] = [
    (1, "comments"),
    (1 << 1, "compression"),
    (1 << 2, "constraints"),
    (1 << 3, "defaults"),
    (1 << 4, "generated"),
    (1 << 5, "identity"),
    (1 << 6, "indexes"),
    (1 << 7, "statistics"),
    (1 << 8, "storage"),
];

/// `CREATE TABLE`.
pub(super) fn create(source: &Source<'_>, statement: &CreateStmt) -> Vec<Lowered> {
    one(source, Change::CreateTable(Box::new(declared(source, statement))))
}

/// `CREATE FOREIGN TABLE`.
pub(super) fn create_foreign(source: &Source<'_>, statement: &CreateForeignTableStmt) -> Vec<Lowered> {
    let Some(base) = &statement.base_stmt else {
        return opaque(source, "a foreign table without a definition", Touches::Anything);
    };
    let mut create = declared(source, base);
    create.table.kind =
        TableKind::Foreign { server: Identifier::from(statement.servername.as_str()), options: options(&statement.options) };
    one(source, Change::CreateTable(Box::new(create)))
}

/// `CREATE TABLE … AS`. A materialized view made that way is a view, and not for here.
pub(super) fn create_as(source: &Source<'_>, statement: &CreateTableAsStmt) -> Vec<Lowered> {
    let (Some(into), Some(query)) = (&statement.into, statement.query.as_deref()) else {
        return opaque(source, "a table made from nothing", Touches::Anything);
    };
    if matches!(query.node, Some(NodeEnum::ExecuteStmt(_))) {
        let made = ObjectRef { kind: ObjectKind::Table, name: relation_of(into.rel.as_ref()), detail: None };
        return opaque(source, "the columns are those of a prepared statement", Touches::Objects(vec![made]));
    }
    let name = source.at(into.rel.as_ref().map_or(0, |relation| relation.location));
    let keyword = source.find_word(source.after_name(name), source.end(), "AS");
    let end = [&["WITH", "DATA"][..], &["WITH", "NO", "DATA"]]
        .iter()
        .find_map(|words| source.end().checked_sub(words.len()).filter(|start| source.are(*start, words)))
        .unwrap_or(source.end());
    let query = source.mark(source.span(keyword + 1, end), query, Owner::Query);
    one(source, Change::CreateTable(Box::new(from_query(into, query, if_exists(statement.if_not_exists)))))
}

/// `SELECT … INTO`.
pub(super) fn select_into(source: &Source<'_>, statement: &SelectStmt, into: &IntoClause) -> Vec<Lowered> {
    let name = source.at(into.rel.as_ref().map_or(0, |relation| relation.location));
    let keyword = (0..name).rev().find(|index| source.is(*index, "INTO")).unwrap_or(name);
    let node = NodeEnum::SelectStmt(Box::new(statement.clone()));
    let mut query = source.mark(source.span(0, keyword), &node, Owner::Query);
    query.parts.push(crate::schema::Part::Text(" ".to_owned()));
    query.parts.extend(source.mark(source.span(source.after_name(name), source.end()), &node, Owner::Query).parts);
    one(source, Change::CreateTable(Box::new(from_query(into, query, IfExists::Fail))))
}

fn from_query(into: &IntoClause, query: Sql, if_not_exists: IfExists) -> CreateTable {
    let mut table = Table::new(relation_of(into.rel.as_ref()));
    table.persistence = persistence(into.rel.as_ref().map_or("p", |relation| relation.relpersistence.as_str()));
    table.columns = identifiers(&into.col_names).into_iter().map(|name| Column::new(name, DataType::built_in("unknown"))).collect();
    table.options = options(&into.options);
    table.tablespace = optional(&into.table_space_name);
    table.access_method = optional(&into.access_method);
    CreateTable {
        table,
        if_not_exists,
        like: Vec::new(),
        serial: Vec::new(),
        identity_options: BTreeMap::new(),
        as_query: Some(query),
        on_commit: on_commit(into.on_commit()),
    }
}

fn declared(source: &Source<'_>, statement: &CreateStmt) -> CreateTable {
    let name = relation_of(statement.relation.as_ref());
    let mut table = Table::new(name.clone());
    table.persistence = persistence(statement.relation.as_ref().map_or("p", |relation| relation.relpersistence.as_str()));
    table.options = options(&statement.options);
    table.tablespace = optional(&statement.tablespacename);
    table.access_method = optional(&statement.access_method);
    table.of_type = statement.of_typename.as_ref().map(|written| dotted(&written.names));
    if let Some(spec) = &statement.partspec {
        table.kind = partitioned(source, &name, spec);
    }
    let parents = statement.inh_relations.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::RangeVar(parent)) => Some((relation(parent), parent.location)),
        _ => None,
    });
    for (parent, location) in parents {
        match &statement.partbound {
            Some(bound) => {
                let from = partition_bound_start(source, source.after_name(source.at(location)));
                table.partition_of = Some(Partition { parent, bound: partition_bound(source, bound, from) });
            }
            None => table.parents.push(parent),
        }
    }
    let mut create = CreateTable {
        table,
        if_not_exists: if_exists(statement.if_not_exists),
        like: Vec::new(),
        serial: Vec::new(),
        identity_options: BTreeMap::new(),
        as_query: None,
        on_commit: on_commit(statement.oncommit()),
    };
    for node in statement.table_elts.iter().chain(&statement.constraints).chain(&statement.nnconstraints) {
        add_element(source, &name, &mut create, node);
    }
    create
}

fn add_element(source: &Source<'_>, name: &Name, create: &mut CreateTable, node: &pg_query::Node) {
    for written in declarations(std::slice::from_ref(node)) {
        let declared = column(source, name, written);
        if declared.serial {
            create.serial.push(declared.column.name.clone());
        }
        if let Some(options) = declared.identity_options {
            create.identity_options.insert(declared.column.name.clone(), options);
        }
        create.table.columns.push(declared.column);
        create.table.constraints.extend(declared.constraints);
    }
    match &node.node {
        Some(NodeEnum::Constraint(written)) => create.table.constraints.extend(constraint(source, name, None, written)),
        Some(NodeEnum::TableLikeClause(like)) => create.like.push((create.table.columns.len(), copied(like))),
        _ => {}
    }
}

fn copied(like: &TableLikeClause) -> Like {
    let including = INCLUDING.iter().filter(|(bit, _)| like.options & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
    Like { table: relation_of(like.relation.as_ref()), including }
}

fn partitioned(source: &Source<'_>, name: &Name, spec: &PartitionSpec) -> TableKind {
    let strategy = match spec.strategy() {
        PartitionStrategy::List => "list",
        PartitionStrategy::Range => "range",
        PartitionStrategy::Hash => "hash",
        PartitionStrategy::Undefined => "",
    };
    let key = spec.part_params.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::PartitionElem(element)) => Some(IndexElement {
            key: index::key(source, name, &element.name, element.expr.as_deref(), source.at(element.location)),
            collation: index::listed(&element.collation),
            class: index::listed(&element.opclass),
            class_options: Options::new(),
            descending: false,
            nulls_first: None,
        }),
        _ => None,
    });
    TableKind::Partitioned { strategy: strategy.to_owned(), key: key.collect() }
}

/// The first token of `FOR VALUES …` or `DEFAULT` after the parent of a partition, past the list of its columns.
fn partition_bound_start(source: &Source<'_>, after_parent: usize) -> usize {
    if source.is(after_parent, "(") { source.closing(after_parent) + 1 } else { after_parent }
}

/// The bound of a partition that begins at token `from`.
pub(super) fn partition_bound(source: &Source<'_>, bound: &pg_query::protobuf::PartitionBoundSpec, from: usize) -> Sql {
    if bound.is_default {
        return Sql::plain("DEFAULT");
    }
    // `FOR VALUES IN (…)`, `WITH (…)` or `FROM (…) TO (…)`.
    let mut end = source.closing(source.find_word(from, source.end(), "(")) + 1;
    if source.is(end, "TO") {
        end = source.closing(end + 1) + 1;
    }
    source.mark(source.span(from, end), bound, Owner::Value)
}

/// Whether a table outlives a crash and the session.
pub(super) fn persistence(code: &str) -> Persistence {
    match code {
        "u" => Persistence::Unlogged,
        "t" => Persistence::Temporary,
        _ => Persistence::Permanent,
    }
}

fn on_commit(action: OnCommitAction) -> Option<String> {
    match action {
        OnCommitAction::OncommitPreserveRows => Some("PRESERVE ROWS".to_owned()),
        OnCommitAction::OncommitDeleteRows => Some("DELETE ROWS".to_owned()),
        OnCommitAction::OncommitDrop => Some("DROP".to_owned()),
        OnCommitAction::OncommitNoop | OnCommitAction::Undefined => None,
    }
}
