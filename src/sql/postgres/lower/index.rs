//! CREATE INDEX, and the elements that it shares with EXCLUDE and PARTITION BY. Never names an index: the database does, on folding.

use std::collections::BTreeMap;

use pg_query::protobuf::{IndexElem, IndexStmt, SortByDir, SortByNulls};
use pg_query::{Node, NodeEnum};

use super::name::{dotted, relation_of};
use super::nodes::{concurrency, if_exists, optional, options};
use super::one;
use crate::schema::{Change, Identifier, Index, IndexElement, IndexKey, Name, NullsDistinct, Sql, Uniqueness};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE [UNIQUE] INDEX …`.
pub(super) fn create(source: &Source<'_>, statement: &IndexStmt) -> Vec<Lowered> {
    let table = relation_of(statement.relation.as_ref());
    // `CREATE … ON [ONLY] t [USING m] ( … )`: the first parenthesis after the table.
    let name = source.at(statement.relation.as_ref().map_or(0, |relation| relation.location));
    let open = source.find_word(name, source.end(), "(");
    let end = source.closing(open);
    let predicate = statement.where_clause.as_deref().map(|condition| {
        let keyword = source.find_word(end + 1, source.end(), "WHERE");
        source.mark(source.span(keyword + 1, source.end()), condition, Owner::Table(&table, None))
    });
    let index = Index {
        name: optional(&statement.idxname),
        method: Identifier::from(statement.access_method.as_str()),
        elements: elements(source, &table, &statement.index_params, open),
        include: included(&statement.index_including_params),
        uniqueness: if statement.unique { Uniqueness::Unique } else { Uniqueness::Plain },
        nulls: nulls(statement.nulls_not_distinct),
        predicate,
        options: options(&statement.options),
        tablespace: optional(&statement.table_space),
        constraint: None,
        only: statement.relation.as_ref().is_some_and(|relation| !relation.inh),
        parent: None,
        statistics: BTreeMap::new(),
        table,
    };
    let (concurrency, if_not_exists) = (concurrency(statement.concurrent), if_exists(statement.if_not_exists));
    one(source, Change::CreateIndex { index: Box::new(index), concurrency, if_not_exists })
}

/// The elements between the parenthesis at `open` and its end.
pub(super) fn elements(source: &Source<'_>, table: &Name, nodes: &[Node], open: usize) -> Vec<IndexElement> {
    let places = source.split(open + 1, source.closing(open));
    let elements = nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::IndexElem(element)) => Some(element.as_ref()),
        _ => None,
    });
    elements.zip(places).map(|(element, place)| index_element(source, table, element, place.0)).collect()
}

/// An element that begins at token `from`.
pub(super) fn index_element(source: &Source<'_>, table: &Name, element: &IndexElem, from: usize) -> IndexElement {
    IndexElement {
        key: key(source, table, &element.name, element.expr.as_deref(), from),
        collation: listed(&element.collation),
        class: listed(&element.opclass),
        class_options: options(&element.opclassopts),
        descending: element.ordering == SortByDir::SortbyDesc as i32,
        nulls_first: match SortByNulls::try_from(element.nulls_ordering).unwrap_or_default() {
            SortByNulls::SortbyNullsFirst => Some(true),
            SortByNulls::SortbyNullsLast => Some(false),
            SortByNulls::SortbyNullsDefault | SortByNulls::Undefined => None,
        },
    }
}

/// A column, or the expression that begins at token `from`.
pub(super) fn key(source: &Source<'_>, table: &Name, column: &str, expression: Option<&Node>, from: usize) -> IndexKey {
    match expression {
        None => IndexKey::Column(Identifier::from(column)),
        Some(node) => IndexKey::Expression(key_expression(source, table, node, from)),
    }
}

fn key_expression(source: &Source<'_>, table: &Name, node: &Node, from: usize) -> Sql {
    let (start, end) = if source.is(from, "(") {
        (from + 1, source.closing(from))
    } else {
        // A function call, or one of the few functions that are written without parentheses.
        let after = if source.are(from, &["COLLATION", "FOR"]) { from + 2 } else { source.after_name(from) };
        (from, if source.is(after, "(") { source.closing(after) + 1 } else { after })
    };
    source.mark(source.span(start, end), node, Owner::Table(table, None))
}

/// A name that may be left out.
pub(super) fn listed(nodes: &[Node]) -> Option<Name> {
    (!nodes.is_empty()).then(|| dotted(nodes))
}

/// The columns of INCLUDE, given as index elements or as plain names.
pub(super) fn included(nodes: &[Node]) -> Vec<Identifier> {
    nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::IndexElem(element)) => Some(Identifier::from(element.name.as_str())),
            Some(NodeEnum::String(string)) => Some(Identifier::from(string.sval.as_str())),
            _ => None,
        })
        .collect()
}

/// `NULLS NOT DISTINCT`.
pub(super) fn nulls(not_distinct: bool) -> NullsDistinct {
    if not_distinct { NullsDistinct::NotDistinct } else { NullsDistinct::Distinct }
}
