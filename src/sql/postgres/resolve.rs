//! A view's query, resolved against the catalog: which columns it reads, and what its own columns are called. Must never guess: a
//! query that can't be resolved stays as it was written, and says so.

mod scope;
mod from;
mod select;
mod output;
mod kind;

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use serde_json::Value;

use super::mark::Owner;
use super::source::Source;
use super::with_deep_stack;
use crate::schema::object::{View, ViewColumn};
use crate::schema::{Catalog, Identifier, Lookup, Name, Part, Sql};
use crate::sql::span::Span;
use crate::sql::write;
use scope::{Column, Frame};

/// Spells out each `*` of the view's query, binds its columns to the relations that have them, and fills in the view's own columns
/// and what it reads. Names in the query must be qualified already.
pub fn view(view: &mut View, column_names: &[Identifier], catalog: &Catalog) {
    match with_deep_stack(|| query(&view.query, catalog)) {
        Some(resolved) => {
            view.query = resolved.query;
            view.columns = Lookup::Known(renamed(resolved.columns, column_names));
            view.reads = Lookup::Known(resolved.reads.into_iter().collect());
        }
        None if column_names.is_empty() => {
            view.columns = Lookup::Unknown;
            view.reads = Lookup::Unknown;
        }
        // As many columns as the statement names are known at least.
        None => {
            let named = column_names.iter().map(|name| ViewColumn { name: name.clone(), data_type: None });
            view.columns = Lookup::Known(named.collect());
            view.reads = Lookup::Unknown;
        }
    }
}

fn renamed(mut columns: Vec<ViewColumn>, names: &[Identifier]) -> Vec<ViewColumn> {
    for (column, name) in columns.iter_mut().zip(names) {
        column.name = name.clone();
    }
    columns
}

/// The names that PostgreSQL gives the columns of a query by itself; nothing where a `*` hides them.
pub(crate) fn output_names(query: &str) -> Option<Vec<String>> {
    with_deep_stack(|| {
        let tree = serde_json::to_value(&pg_query::parse(query, 0).ok()?.protobuf.stmts.first()?.stmt).ok()?;
        output::names(super::tree::inner(&tree, "SelectStmt")?)
    })
}

/// What each column of a query is computed by, as a text to compare with another's; nothing where that doesn't tell.
pub fn output_expressions(query: &str) -> Option<Vec<String>> {
    with_deep_stack(|| {
        let tree = serde_json::to_value(&pg_query::parse(query, 0).ok()?.protobuf.stmts.first()?.stmt).ok()?;
        output::expressions(super::tree::inner(&tree, "SelectStmt")?)
    })
}

/// A query with each `*` spelled out, and how many columns it has. Names in it must be qualified already.
pub(super) fn spelled_out(sql: &Sql, catalog: &Catalog) -> Option<(Sql, usize)> {
    query(sql, catalog).map(|resolved| (resolved.query, resolved.columns.len()))
}

/// A query, resolved.
struct Resolved {
    query: Sql,
    columns: Vec<ViewColumn>,
    reads: BTreeSet<(Name, Identifier)>,
}

fn query(sql: &Sql, catalog: &Catalog) -> Option<Resolved> {
    let text = write::text(sql);
    let parsed = pg_query::parse(&text, 0).ok()?;
    let node = parsed.protobuf.stmts.first()?.stmt.as_ref()?;
    let source = Source::new(&text, 0);
    let tree = serde_json::to_value(node).ok()?;
    matches!(node.node, Some(NodeEnum::SelectStmt(_))).then_some(())?;
    let select = super::tree::inner(&tree, "SelectStmt")?;
    let mut resolver = Resolver { catalog, source: &source, frames: Vec::new(), edits: Vec::new(), reads: BTreeSet::new(), resolved: true };
    let columns = resolver.select(select)?;
    resolver.resolved.then_some(())?;
    let columns = columns.into_iter().map(|column| ViewColumn { name: column.name.into(), data_type: column.data_type }).collect();
    // Relations, functions and types are where they are whatever the catalog says; columns are where we found them.
    let marks = source.references(node, Owner::Query).into_iter().filter(|(_, part)| !matches!(part, Part::Column { .. }));
    let query = assemble(&text, source.whole(), resolver.edits, marks.map(|(place, part)| (place, vec![part])).collect());
    Some(Resolved { query, columns, reads: resolver.reads })
}

/// What is done to the text: a place, and what stands there instead.
type Edit = (Span, Vec<Part>);

/// The text with its edits and, outside of them, its marks.
fn assemble(text: &str, whole: Span, edits: Vec<Edit>, marks: Vec<Edit>) -> Sql {
    let outside = |place: &Span| !edits.iter().any(|(edit, _)| place.start < edit.end && edit.start < place.end);
    let mut all: Vec<Edit> = marks.into_iter().filter(|(place, _)| outside(place)).collect();
    all.extend(edits);
    all.sort_by_key(|(place, _)| (place.start, place.end));
    let mut parts: Vec<Part> = Vec::new();
    let mut before = whole.start;
    for (place, instead) in all {
        if place.start < before {
            continue;
        }
        push_text(&mut parts, &text[before..place.start]);
        for part in instead {
            match part {
                Part::Text(text) => push_text(&mut parts, &text),
                Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => parts.push(part),
            }
        }
        before = place.end;
    }
    push_text(&mut parts, &text[before..whole.end]);
    Sql { parts }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// A walk over a query with the scopes that are open.
struct Resolver<'a> {
    catalog: &'a Catalog,
    source: &'a Source<'a>,
    /// The scopes, the innermost last.
    frames: Vec<Frame>,
    edits: Vec<Edit>,
    reads: BTreeSet<(Name, Identifier)>,
    /// Whether everything so far could be resolved.
    resolved: bool,
}

impl Resolver<'_> {
    /// Another one at the same place, to look ahead with.
    fn within(&self) -> Self {
        Self {
            catalog: self.catalog,
            source: self.source,
            frames: self.frames.clone(),
            edits: Vec::new(),
            reads: BTreeSet::new(),
            resolved: true,
        }
    }

    /// Whatever is no query and no FROM: goes by the shape of nodes, so that no field of the grammar can be forgotten.
    fn visit(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.visit(value)),
            Value::Object(map) => {
                let has = |key: &str| map.contains_key(key);
                if has("values_lists") && has("target_list") {
                    self.select(value);
                } else if has("fields") && has("location") {
                    self.column(value);
                } else if has("sub_link_type") {
                    self.sub_link(value);
                } else if !(has("type_oid") && has("typmods")) {
                    map.values().for_each(|value| self.visit(value));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn sub_link(&mut self, link: &Value) {
        self.visit(&link["testexpr"]);
        let resolved = self.resolved;
        let columns = super::tree::inner(&link["subselect"], "SelectStmt").and_then(|select| self.select(select));
        // What EXISTS (SELECT * …) would give, nobody reads.
        self.resolved = if output::is_exists(link) { resolved } else { self.resolved && columns.is_some() };
    }

    /// Notes that a column is read, and marks its name.
    fn bind(&mut self, place: Option<Span>, column: &Column) {
        let Some((relation, name)) = &column.origin else { return };
        self.reads.insert((relation.clone(), name.clone()));
        if let (Some(place), false) = (place, column.renamed) {
            self.edits.push((place, vec![Part::Column { of: Some(relation.clone()), name: name.clone() }]));
        }
    }
}

#[cfg(test)]
mod tests;
