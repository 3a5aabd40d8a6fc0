//! Views and materialized views. Never resolves the query: that takes a catalog.

use crate::schema::options::Options;
use std::collections::BTreeMap;

use pg_query::protobuf::{CreateTableAsStmt, Node, RefreshMatViewStmt, ViewCheckOption, ViewStmt};

use super::name::{identifiers, relation_of};
use super::nodes::{concurrency, optional, options};
use super::one;
use crate::schema::change::OnConflict;
use crate::schema::object::View;
use crate::schema::{Change, Identifier, Lookup, Name, Part, Sql};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE VIEW`.
pub(super) fn create(source: &Source<'_>, statement: &ViewStmt) -> Vec<Lowered> {
    let mut options = options(&statement.options);
    let in_options = options.shift_remove("check_option").map(|value| value.to_lowercase());
    let check_option = match statement.with_check_option() {
        ViewCheckOption::LocalCheckOption => Some("local".to_owned()),
        ViewCheckOption::CascadedCheckOption => Some("cascaded".to_owned()),
        ViewCheckOption::NoCheckOption | ViewCheckOption::Undefined => in_options,
    };
    let name = relation_of(statement.view.as_ref());
    let column_names = identifiers(&statement.aliases);
    let mut query = query(source, statement.query.as_deref());
    if is_recursive(source) {
        query = recursive(&name, &column_names, query);
    }
    let view = View { options, check_option, ..bare(name, query) };
    let on_conflict = if statement.replace { OnConflict::Replace } else { OnConflict::Fail };
    let temporary = statement.view.as_ref().is_some_and(|view| view.relpersistence == "t");
    one(source, Change::CreateView { view: Box::new(view), column_names, on_conflict, temporary })
}

/// `CREATE MATERIALIZED VIEW`.
pub(super) fn create_materialized(source: &Source<'_>, statement: &CreateTableAsStmt) -> Vec<Lowered> {
    let query = query(source, statement.query.as_deref());
    let on_conflict = if statement.if_not_exists { OnConflict::Skip } else { OnConflict::Fail };
    let Some(into) = statement.into.as_deref() else {
        return super::opaque(source, "the parser does not say what is created", crate::schema::change::Touches::Anything);
    };
    let view = View {
        materialized: true,
        options: options(&into.options),
        populated: !into.skip_data,
        tablespace: optional(&into.table_space_name),
        ..bare(relation_of(into.rel.as_ref()), query)
    };
    let column_names = identifiers(&into.col_names);
    one(source, Change::CreateView { view: Box::new(view), column_names, on_conflict, temporary: false })
}

/// `REFRESH MATERIALIZED VIEW`.
pub(super) fn refresh(source: &Source<'_>, statement: &RefreshMatViewStmt) -> Vec<Lowered> {
    let view = relation_of(statement.relation.as_ref());
    let change = Change::RefreshMaterializedView { view, concurrency: concurrency(statement.concurrent), with_data: !statement.skip_data };
    one(source, change)
}

fn bare(name: Name, query: Sql) -> View {
    View {
        name,
        materialized: false,
        query,
        columns: Lookup::Unknown,
        reads: Lookup::Unknown,
        options: Options::new(),
        check_option: None,
        populated: true,
        tablespace: None,
        defaults: BTreeMap::new(),
        settings: BTreeMap::new(),
    }
}

/// The text between AS and the clauses that may follow a query.
fn query(source: &Source<'_>, query: Option<&Node>) -> Sql {
    let mut end = source.end();
    let from = (source.find_word(0, end, "as") + 1).min(end);
    for clause in CLAUSES_BEHIND {
        let start = end.saturating_sub(clause.len());
        if start >= from && source.are(start, clause) {
            end = start;
            break;
        }
    }
    query.map(|query| source.mark(source.span(from, end), query, Owner::Query)).unwrap_or_default()
}

/// What may follow a view's query, the longer first.
const CLAUSES_BEHIND: &[&[&str]] = &[
    &["with", "cascaded", "check", "option"],
    &["with", "local", "check", "option"],
    &["with", "check", "option"],
    &["with", "no", "data"],
    &["with", "data"],
];

fn is_recursive(source: &Source<'_>) -> bool {
    (0..5).any(|index| source.are(index, &["recursive", "view"]))
}

/// `CREATE RECURSIVE VIEW v (a) AS q` is short for `CREATE VIEW v (a) AS WITH RECURSIVE v (a) AS (q) SELECT a FROM v`.
fn recursive(name: &Name, columns: &[Identifier], query: Sql) -> Sql {
    let columns = columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let name = quoted(&name.name);
    let mut parts = vec![Part::Text(format!("WITH RECURSIVE {name} ({columns}) AS ("))];
    parts.extend(query.parts);
    parts.push(Part::Text(format!(") SELECT {columns} FROM {name}")));
    Sql { parts }
}

fn quoted(name: &Identifier) -> String {
    format!("\"{}\"", name.as_str().replace('"', "\"\""))
}
