//! A walk over a parse tree that gathers what it refers to, with the places. Never guesses from the text alone: a place counts only
//! where the parser and the tokens agree about the name that stands there.

use serde::Serialize;
use serde_json::{Map, Value};

use super::built_in;
use super::mark::Owner;
use super::scope::{Frame, Item, Resolved, Scope, output_aliases};
use super::source::{Source, folded, names_in_literal};
use super::tree::{inner, list, location, string};
use crate::schema::{Identifier, Name, Part};
use crate::sql::span::Span;

/// Functions whose first argument names a relation.
const TAKE_RELATION: [&str; 6] = ["nextval", "currval", "setval", "pg_get_serial_sequence", "to_regclass", "pg_relation_size"];

/// A walk over the whole of a parse tree. It goes by the shape of nodes, so that no field of the grammar can be forgotten.
pub(super) struct Walker<'a> {
    source: &'a Source<'a>,
    owner: Owner<'a>,
    scope: Scope,
    pub(super) found: Vec<(Span, Part)>,
    pub(super) writes: Vec<Name>,
    pub(super) reads: Vec<Name>,
    pub(super) calls: Vec<Name>,
}

impl<'a> Walker<'a> {
    /// A walk that has been made.
    pub(super) fn over(source: &'a Source<'a>, node: &impl Serialize, owner: Owner<'a>) -> Self {
        let mut walker =
            Self { source, owner, scope: Scope::default(), found: Vec::new(), writes: Vec::new(), reads: Vec::new(), calls: Vec::new() };
        let items = match owner {
            Owner::Table(name, alias) => vec![Item::relation(name.clone(), alias)],
            Owner::Query | Owner::Value => Vec::new(),
        };
        walker.scope.frames.push(Frame { items, ..Frame::default() });
        if let Ok(tree) = serde_json::to_value(node) {
            walker.visit(&tree);
        }
        walker
    }

    fn visit(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.visit(value)),
            Value::Object(map) => self.visit_object(map),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn visit_object(&mut self, map: &Map<String, Value>) {
        let has = |key: &str| map.contains_key(key);
        if has("values_lists") && has("target_list") {
            self.select(map);
        } else if has("on_conflict_clause") && has("select_stmt") {
            self.insert(map);
        } else if has("relation") && has("returning_clause") && has("with_clause") {
            self.write(map);
        } else {
            if has("fields") && has("location") {
                self.column(map);
            } else if has("relname") && has("relpersistence") {
                self.relation(map);
            } else if has("funcname") && has("agg_order") {
                self.function(map);
            } else if has("type_oid") && has("typmods") {
                self.data_type(map);
            } else if has("arg") && has("type_name") {
                self.cast(map);
            }
            self.visit_fields(map, &[]);
        }
    }

    /// All fields but those named.
    fn visit_fields(&mut self, map: &Map<String, Value>, but: &[&str]) {
        for (key, value) in map {
            if !but.contains(&key.as_str()) {
                self.visit(value);
            }
        }
    }

    fn select(&mut self, map: &Map<String, Value>) {
        self.scope.frames.push(Frame::default());
        self.with(&map["with_clause"]);
        for side in ["larg", "rarg"] {
            self.visit(&map[side]);
        }
        let items = if map["larg"].is_null() { self.scope.items(&map["from_clause"]) } else { vec![Item::unknown()] };
        self.set_items(items);
        self.visit_fields(map, &["with_clause", "larg", "rarg", "sort_clause", "group_clause", "locking_clause"]);
        self.locked(&map["locking_clause"]);
        // ORDER BY and GROUP BY may name an output column instead of one of the row.
        let outputs = output_aliases(&map["target_list"]);
        for clause in ["sort_clause", "group_clause"] {
            for element in list(&map[clause]) {
                let key = inner(element, "SortBy").map_or(element, |sort| &sort["node"]);
                let lone = inner(key, "ColumnRef").and_then(|column| column["fields"].as_array()).filter(|fields| fields.len() == 1);
                let is_output =
                    lone.is_some_and(|fields| string(&fields[0]).is_some_and(|name| outputs.iter().any(|output| output == name)));
                if !is_output {
                    self.visit(element);
                }
            }
        }
        self.scope.frames.pop();
    }

    /// `FOR UPDATE OF t`: an alias or a relation of the FROM, which is no further read of it.
    fn locked(&mut self, clauses: &Value) {
        for relation in
            list(clauses).iter().filter_map(|clause| inner(clause, "LockingClause")).flat_map(|clause| list(&clause["locked_rels"]))
        {
            let Some(map) = inner(relation, "RangeVar").and_then(Value::as_object) else { continue };
            let names = relation_names(map);
            if self.scope.qualified(&names).is_some_and(|item| !item.aliased) {
                self.push_name(&map["location"], &names, Part::Relation);
            }
        }
    }

    fn insert(&mut self, map: &Map<String, Value>) {
        let target = self.target(&map["relation"]);
        self.scope.frames.push(Frame::default());
        self.with(&map["with_clause"]);
        self.visit(&map["select_stmt"]);
        let excluded = target.iter().filter_map(|item| item.relation.clone()).map(Item::excluded);
        let items = target.iter().cloned().chain(excluded).collect();
        self.set_items(items);
        self.targets(&map["cols"], target.as_ref());
        self.targets(&map["on_conflict_clause"]["target_list"], target.as_ref());
        self.conflict_columns(&map["on_conflict_clause"]["infer"], target.as_ref());
        self.visit_fields(map, &["relation", "with_clause", "select_stmt"]);
        self.scope.frames.pop();
    }

    /// The columns of `ON CONFLICT (…)`, of which the parser gives no place.
    fn conflict_columns(&mut self, infer: &Value, item: Option<&Item>) {
        let open = self.source.at(location(&infer["location"]));
        let pieces = if self.source.is(open, "(") { self.source.split(open + 1, self.source.closing(open)) } else { Vec::new() };
        for (element, (from, to)) in list(&infer["index_elems"]).iter().zip(pieces) {
            let name = inner(element, "IndexElem").and_then(|element| element["name"].as_str()).unwrap_or_default();
            if folded(self.source.token(from)) == name {
                let of = item.and_then(|item| item.relation.clone()).filter(|relation| !self.is_owner(relation));
                self.found.push((self.source.span(from, (from + 1).min(to)), Part::Column { of, name: Identifier::from(name) }));
            }
        }
    }

    /// UPDATE, DELETE and MERGE.
    fn write(&mut self, map: &Map<String, Value>) {
        let target = self.target(&map["relation"]);
        self.scope.frames.push(Frame::default());
        self.with(&map["with_clause"]);
        let mut items: Vec<Item> = target.iter().cloned().collect();
        for source in ["from_clause", "using_clause", "source_relation"] {
            items.extend(map.get(source).map(|value| self.scope.items(value)).unwrap_or_default());
        }
        self.set_items(items);
        self.targets(map.get("target_list").unwrap_or(&Value::Null), target.as_ref());
        for clause in list(map.get("merge_when_clauses").unwrap_or(&Value::Null)) {
            if let Some(clause) = inner(clause, "MergeWhenClause") {
                self.targets(&clause["target_list"], target.as_ref());
            }
        }
        self.visit_fields(map, &["relation", "with_clause"]);
        self.scope.frames.pop();
    }

    /// The table that a statement writes, which no WITH query can be.
    fn target(&mut self, relation: &Value) -> Option<Item> {
        let names = relation_names(relation.as_object()?);
        self.push_name(&relation["location"], &names, Part::Relation);
        self.writes.push(name_of(&names));
        Some(Item::relation(name_of(&names), relation["alias"]["aliasname"].as_str()))
    }

    fn set_items(&mut self, items: Vec<Item>) {
        if let Some(frame) = self.scope.frames.last_mut() {
            frame.items = items;
        }
    }

    /// Without RECURSIVE, a query sees only the WITH queries before it: `WITH users AS (SELECT … FROM users)` reads the table.
    fn with(&mut self, clause: &Value) {
        let recursive = clause["recursive"].as_bool() == Some(true);
        let queries: Vec<&Value> = list(&clause["ctes"]).iter().filter_map(|query| inner(query, "CommonTableExpr")).collect();
        if recursive {
            for query in &queries {
                self.scope.declare(query);
            }
        }
        for query in queries {
            self.visit(&query["ctequery"]);
            if !recursive {
                self.scope.declare(query);
            }
        }
    }

    /// The columns that a statement writes.
    fn targets(&mut self, targets: &Value, item: Option<&Item>) {
        for target in list(targets).iter().filter_map(|target| inner(target, "ResTarget")) {
            let Some(name) = target["name"].as_str() else { continue };
            let of = item.and_then(|item| item.relation.clone()).filter(|relation| !self.is_owner(relation));
            self.push_column(&target["location"], &[name], of);
        }
    }

    fn column(&mut self, map: &Map<String, Value>) {
        let fields = list(&map["fields"]);
        let names: Vec<&str> = fields.iter().map_while(string).collect();
        let starred = names.len() < fields.len();
        let location = &map["location"];
        match (names.as_slice(), starred) {
            ([column], false) => match self.scope.unqualified(column) {
                Resolved::Relation(relation) => self.push_column(location, &[column], Some(relation)),
                Resolved::Unknown if matches!(self.owner, Owner::Value) => {}
                Resolved::Unknown => self.push_column(location, &[column], None),
                Resolved::NotARelation => {}
            },
            ([qualifier @ .., column], false) => self.qualified(location, qualifier, Some(column)),
            (qualifier, true) if !qualifier.is_empty() => self.qualified(location, qualifier, None),
            _ => {}
        }
    }

    /// `t.c`, `s.t.c` and `t.*`.
    fn qualified(&mut self, location: &Value, qualifier: &[&str], column: Option<&str>) {
        let names: Vec<&str> = qualifier.iter().copied().chain(column).collect();
        let Some(places) = self.places(location, &names) else { return };
        let (relation, kept) = match self.scope.qualified(qualifier) {
            Some(item) => (item.relation.clone(), !item.aliased),
            // The row that a trigger or an ON CONFLICT is about, under its fixed names.
            None if matches!(qualifier, ["new" | "old" | "excluded"]) => match self.owner {
                Owner::Table(name, _) => (Some(name.clone()), false),
                Owner::Query | Owner::Value => (None, false),
            },
            None => (None, false),
        };
        let Some(relation) = relation else { return };
        let place = Span { start: places[0].start, end: places[qualifier.len() - 1].end };
        match column {
            Some(_) if self.names_owner(qualifier) => self.unqualify(place, &places),
            Some(_) | None if kept => self.found.push((place, Part::Relation(name_of(qualifier)))),
            Some(_) | None => {}
        }
        if let Some(column) = column {
            let of = Some(relation).filter(|relation| !self.is_owner(relation));
            self.found.push((places[qualifier.len()], Part::Column { of, name: Identifier::from(column) }));
        }
    }

    /// Whether a qualifier means the row to which the text belongs.
    fn names_owner(&self, qualifier: &[&str]) -> bool {
        let inside = self.scope.frames.iter().skip(1).any(|frame| frame.finds(qualifier).is_some());
        !inside && self.scope.frames.first().is_some_and(|frame| frame.finds(qualifier).is_some())
    }

    /// The owner's own columns need no qualifier, and an alias would mean nothing outside of its statement. Inside of a subquery, where a
    /// column without one might be another's, the owner's name takes its place.
    fn unqualify(&mut self, qualifier: Span, places: &[Span]) {
        let (Owner::Table(name, _), Some(column)) = (self.owner, places.last()) else { return };
        if self.scope.frames.len() == 1 {
            self.found.push((Span { start: qualifier.start, end: column.start }, Part::Text(String::new())));
        } else {
            self.found.push((qualifier, Part::Relation(name.clone())));
        }
    }

    fn push_column(&mut self, location: &Value, names: &[&str], of: Option<Name>) {
        if let (Some(places), Some(name)) = (self.places(location, names), names.last()) {
            let of = of.filter(|relation| !self.is_owner(relation));
            self.found.push((places[names.len() - 1], Part::Column { of, name: Identifier::from(*name) }));
        }
    }

    fn is_owner(&self, relation: &Name) -> bool {
        match self.owner {
            Owner::Table(name, _) => {
                name.name == relation.name && (name.schema == relation.schema || name.schema.is_none() || relation.schema.is_none())
            }
            Owner::Query | Owner::Value => false,
        }
    }

    fn relation(&mut self, map: &Map<String, Value>) {
        let names = relation_names(map);
        if let [name] = names.as_slice()
            && self.scope.is_declared(name)
        {
            return;
        }
        self.push_name(&map["location"], &names, Part::Relation);
        self.reads.push(name_of(&names));
    }

    fn function(&mut self, map: &Map<String, Value>) {
        let names: Vec<&str> = list(&map["funcname"]).iter().filter_map(string).collect();
        let Some(last) = names.last() else { return };
        let first_argument = list(&map["args"]).first();
        if TAKE_RELATION.contains(last)
            && let Some(argument) = first_argument
        {
            let argument = inner(argument, "TypeCast").map_or(argument, |cast| &cast["arg"]);
            self.relation_literal(argument);
        }
        let built_in = match names.as_slice() {
            [name] => built_in::is_function(name),
            [schema, ..] => *schema == "pg_catalog",
            [] => true,
        };
        if !built_in {
            self.push_name(&map["location"], &names, Part::Function);
            self.calls.push(name_of(&names));
        }
    }

    fn data_type(&mut self, map: &Map<String, Value>) {
        let names: Vec<&str> = list(&map["names"]).iter().filter_map(string).collect();
        let built_in = match names.as_slice() {
            [name] => built_in::is_type(name),
            [schema, ..] => *schema == "pg_catalog",
            [] => true,
        };
        if !built_in && map["pct_type"].as_bool() != Some(true) {
            self.push_name(&map["location"], &names, Part::Type);
        }
    }

    fn cast(&mut self, map: &Map<String, Value>) {
        let names: Vec<&str> = list(&map["type_name"]["names"]).iter().filter_map(string).collect();
        if names.last() == Some(&"regclass") {
            self.relation_literal(&map["arg"]);
        }
    }

    /// A string constant that names a relation.
    fn relation_literal(&mut self, argument: &Value) {
        let Some(constant) = inner(argument, "AConst") else { return };
        let Some(text) = constant["val"]["Sval"]["sval"].as_str() else { return };
        let Some(names) = names_in_literal(text) else { return };
        let index = self.source.at(location(&constant["location"]));
        // Other spellings of a string (E'…', $$…$$) stay text: nobody writes a name so.
        if self.source.token(index).starts_with('\'') {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.found.push((self.source.span(index, index + 1), Part::RelationLiteral(name_of(&names))));
        }
    }

    fn push_name(&mut self, location: &Value, names: &[&str], part: impl Fn(Name) -> Part) {
        if let Some(places) = self.places(location, names)
            && let (Some(first), Some(last)) = (places.first(), places.last())
        {
            self.found.push((Span { start: first.start, end: last.end }, part(name_of(names))));
        }
    }

    fn places(&self, at: &Value, names: &[&str]) -> Option<Vec<Span>> {
        self.source.name_at(location(at), names)
    }
}

/// The last two of some names, as a name: a catalog before the schema says nothing.
fn name_of(names: &[&str]) -> Name {
    match names {
        [.., schema, name] => Name::new(*schema, *name),
        [name] => Name::unqualified(*name),
        [] => Name::unqualified(""),
    }
}

/// Database, schema and name of a relation, as far as they were written.
fn relation_names(map: &Map<String, Value>) -> Vec<&str> {
    let names = ["catalogname", "schemaname", "relname"].into_iter().filter_map(|key| map[key].as_str());
    names.filter(|name| !name.is_empty()).collect()
}
