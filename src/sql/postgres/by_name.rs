//! INSERT without column names goes by place, and so does `*`: which columns they mean where they stand. A database that was changed
//! step by step has its columns in another order than the migrations made them.

use pg_query::NodeEnum;
use pg_query::protobuf::{InsertStmt, OverridingKind, SelectStmt, SubLinkType};
use serde_json::Value;

use super::lower::name::relation_of;
use super::mark::Owner;
use super::source::Source;
use super::{resolve, with_deep_stack};
use crate::schema::{Catalog, Identifier, Name, ObjectKind, Part};
use crate::sql::write;

/// What is known of the columns that a statement means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByName {
    /// It does not go by place.
    AsWritten,
    /// The same with the names of its columns.
    Named {
        /// The statement.
        statement: String,
        /// The columns that get a value.
        columns: Vec<Identifier>,
    },
    /// It goes by place, and can't be told what it means.
    Unknown,
}

/// An INSERT with the names of its columns, as the schema has them.
pub fn by_name(statement: &str, catalog: &Catalog) -> ByName {
    with_deep_stack(|| {
        let Ok(parsed) = pg_query::parse(statement, 0) else { return ByName::AsWritten };
        let nodes: Vec<&NodeEnum> = parsed.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref()).collect();
        match nodes.as_slice() {
            [NodeEnum::InsertStmt(insert)] => insert_by_name(statement, insert, catalog),
            _ => ByName::AsWritten,
        }
    })
}

fn insert_by_name(text: &str, insert: &InsertStmt, catalog: &Catalog) -> ByName {
    let Some(NodeEnum::SelectStmt(select)) = insert.select_stmt.as_deref().and_then(|node| node.node.as_ref()) else {
        return ByName::AsWritten;
    };
    if !insert.cols.is_empty() {
        return ByName::AsWritten;
    }
    let table = catalog.resolve_relation(&relation_of(insert.relation.as_ref()));
    if catalog.is_unknown(ObjectKind::Table, &table) {
        return ByName::Unknown;
    }
    let Some(table) = catalog.tables.get(&table) else { return ByName::Unknown };
    let source = Source::new(text, 0);
    let name = source.at(insert.relation.as_ref().map_or(-1, |relation| relation.location));
    let mut head = source.after_name(name);
    if source.is(head, "AS") {
        head += 2;
    }
    let from = if insert.r#override() == OverridingKind::OverridingNotSet { head } else { head + 3 };
    let Some((query, width)) = query(&source, from, insert, select, catalog) else { return ByName::Unknown };
    let columns: Vec<Identifier> = table.columns.iter().take(width).map(|column| column.name.clone()).collect();
    if columns.len() < width {
        return ByName::Unknown;
    }
    let names: Vec<String> = columns.iter().map(write::identifier).collect();
    let (before, between) = (source.span(0, head).of(text), source.span(head, from).of(text));
    let rest = &text[source.span(after(&source, from), source.end()).start..];
    let pieces = [before, &format!("({})", names.join(", ")), between, &query, rest];
    let pieces: Vec<&str> = pieces.into_iter().map(str::trim_end).filter(|piece| !piece.is_empty()).collect();
    ByName::Named { statement: pieces.join(" "), columns }
}

/// The token after the query that begins at `from`.
fn after(source: &Source<'_>, from: usize) -> usize {
    source.find(from, source.end(), |index| source.are(index, &["ON", "CONFLICT"]) || source.is(index, "RETURNING"))
}

/// The rows that are inserted, and how many values each has.
fn query(source: &Source<'_>, from: usize, insert: &InsertStmt, select: &SelectStmt, catalog: &Catalog) -> Option<(String, usize)> {
    let span = source.span(from, after(source, from));
    let mut first = select;
    while let Some(left) = &first.larg {
        first = left;
    }
    let stars = serde_json::to_value(select).is_ok_and(|tree| takes_all(&tree));
    if !stars {
        let row = first.values_lists.first().and_then(|row| row.node.as_ref());
        let width = match row {
            Some(NodeEnum::List(row)) => row.items.len(),
            _ => first.target_list.len(),
        };
        return Some((span.of(source.text()).to_owned(), width));
    }
    // The queries of a WITH before the INSERT are not part of the text that is resolved.
    insert.with_clause.is_none().then_some(())?;
    let mut sql = source.mark(span, select, Owner::Query);
    for part in &mut sql.parts {
        if let Part::Relation(name) = part {
            *name = catalog.resolve_relation(&Name::clone(name));
        }
    }
    let (sql, columns) = resolve::spelled_out(&sql, catalog)?;
    // Columns of a subquery that have no name of their own can't be asked for by name.
    Some((write::text(&sql), columns)).filter(|(text, _)| !text.contains("\"?column?\""))
}

/// Whether a query in it takes all columns of something. EXISTS takes none, whatever is written there.
fn takes_all(tree: &Value) -> bool {
    match tree {
        Value::Array(values) => values.iter().any(takes_all),
        Value::Object(map) if map.get("sub_link_type").and_then(Value::as_i64) == Some(SubLinkType::ExistsSublink as i64) => false,
        Value::Object(map) => {
            let listed = map.get("target_list").and_then(Value::as_array).is_some_and(|targets| targets.iter().any(is_star));
            listed || map.values().any(takes_all)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `*` or `t.*` among what a query gives.
fn is_star(target: &Value) -> bool {
    let value = super::tree::inner(target, "ResTarget").and_then(|target| super::tree::inner(&target["val"], "ColumnRef"));
    value.is_some_and(|column| super::tree::list(&column["fields"]).iter().any(|field| super::tree::inner(field, "AStar").is_some()))
}

#[cfg(test)]
mod tests {
    use super::{ByName, by_name};
    use crate::engine::Engine;
    use crate::history;
    use crate::schema::Catalog;

    fn catalog() -> Catalog {
        let text =
            "CREATE TABLE t (id int, \"Name\" text, age int); CREATE TABLE u (n text, i int); CREATE SCHEMA s; CREATE TABLE s.t (x int);";
        let migration = crate::source::file("1.sql", text).unwrap();
        history::fold(Engine::PostgreSql { major: 15 }, &[migration], &Catalog::default()).end
    }

    #[test]
    fn a_row_gets_the_names_of_its_columns() {
        let catalog = catalog();
        let check = |text: &str, expected: &str| {
            let ByName::Named { statement, .. } = by_name(text, &catalog) else { panic!("{text} goes by place") };
            assert_eq!(statement, expected);
        };
        check("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t (id, \"Name\") VALUES (1, 'a'), (2, 'b')");
        check("insert into s.t as x values (1) on conflict do nothing", "insert into s.t as x (x) values (1) on conflict do nothing");
        check("INSERT INTO t OVERRIDING SYSTEM VALUE SELECT 1, 'a'", "INSERT INTO t (id, \"Name\") OVERRIDING SYSTEM VALUE SELECT 1, 'a'");
        check(
            "INSERT INTO t SELECT a.i, a.n FROM u a JOIN u b ON a.i = b.i RETURNING id",
            "INSERT INTO t (id, \"Name\") SELECT a.i, a.n FROM u a JOIN u b ON a.i = b.i RETURNING id",
        );
        check("WITH w AS (SELECT 1 AS i) INSERT INTO t SELECT i FROM w", "WITH w AS (SELECT 1 AS i) INSERT INTO t (id) SELECT i FROM w");
        check(
            "INSERT INTO t SELECT i FROM f() AS f(i) WHERE NOT EXISTS (SELECT * FROM g())",
            "INSERT INTO t (id) SELECT i FROM f() AS f(i) WHERE NOT EXISTS (SELECT * FROM g())",
        );
        check("INSERT INTO t SELECT 1 UNION SELECT 2", "INSERT INTO t (id) SELECT 1 UNION SELECT 2");
    }

    #[test]
    fn all_columns_are_spelled_out() {
        let ByName::Named { statement, columns } = by_name("INSERT INTO u SELECT * FROM u WHERE i > 1 ON CONFLICT DO NOTHING", &catalog())
        else {
            panic!("it goes by place")
        };
        assert_eq!(statement, "INSERT INTO u (n, i) SELECT n, i FROM public.u WHERE i > 1 ON CONFLICT DO NOTHING");
        assert_eq!(columns.len(), 2);
    }

    #[test]
    fn what_can_not_be_told_is_said() {
        let check = |statement: &str, expected: ByName| assert_eq!(by_name(statement, &catalog()), expected, "{statement}");
        check("INSERT INTO t (id) VALUES (1)", ByName::AsWritten);
        check("INSERT INTO t DEFAULT VALUES", ByName::AsWritten);
        check("UPDATE t SET id = 1", ByName::AsWritten);
        check("INSERT INTO nobody VALUES (1)", ByName::Unknown);
        check("WITH w AS (SELECT 1) INSERT INTO t SELECT * FROM w", ByName::Unknown);
        check("INSERT INTO t SELECT * FROM (SELECT 8, 'z') AS w", ByName::Unknown);
        check("INSERT INTO u VALUES (1, 2, 3)", ByName::Unknown);
    }
}
