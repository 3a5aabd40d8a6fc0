//! What a name in a query can mean: the relations of each FROM and the queries of each WITH, from the innermost out. Knows no catalog,
//! so it says "unknown" where only the columns of a relation could tell.

use serde_json::Value;

use super::tree::{inner, list, string};
use crate::schema::Name;

/// The queries around a place, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) frames: Vec<Frame>,
}

/// One query.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// What it reads or writes.
    pub(super) items: Vec<Item>,
    /// Its WITH queries, each with its columns where they can be told.
    pub(super) queries: Vec<(String, Option<Vec<String>>)>,
}

/// One entry of a FROM.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The name before the dot.
    pub(super) name: Option<String>,
    /// Whether that name is an alias, which no rename touches.
    pub(super) aliased: bool,
    /// The relation, unless it is a subquery, a function or a WITH query.
    pub(super) relation: Option<Name>,
    /// The columns of what isn't a relation, where they can be told.
    columns: Option<Vec<String>>,
    /// Whether its columns are seen only with their qualifier.
    only_qualified: bool,
}

/// What an unqualified column is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// A column of that relation.
    Relation(Name),
    /// A column of a subquery, function or WITH query.
    NotARelation,
    /// One of several, or of the text's owner.
    Unknown,
}

impl Item {
    /// A relation under its alias or its own name.
    pub(super) fn relation(name: Name, alias: Option<&str>) -> Self {
        let visible = alias.unwrap_or(name.name.as_str()).to_owned();
        Self { name: Some(visible), aliased: alias.is_some(), relation: Some(name), columns: None, only_qualified: false }
    }

    /// The row that was proposed for insertion.
    pub(super) fn excluded(name: Name) -> Self {
        Self { only_qualified: true, ..Self::relation(name, Some("excluded")) }
    }

    /// Something about which nothing is known.
    pub(super) fn unknown() -> Self {
        Self::derived(None, None)
    }

    fn derived(name: Option<String>, columns: Option<Vec<String>>) -> Self {
        Self { name, aliased: true, relation: None, columns, only_qualified: false }
    }
}

impl Frame {
    /// The entry that a qualifier means.
    pub(super) fn finds(&self, qualifier: &[&str]) -> Option<&Item> {
        self.items.iter().find(|item| match qualifier {
            [name] => item.name.as_deref() == Some(*name),
            [.., schema, name] => {
                let named = |relation: &Name| relation.name == *name && relation.schema.as_ref().is_none_or(|known| known == *schema);
                !item.aliased && item.relation.as_ref().is_some_and(named)
            }
            [] => false,
        })
    }
}

impl Scope {
    /// What a column without a qualifier is.
    pub(super) fn unqualified(&self, column: &str) -> Resolved {
        for frame in self.frames.iter().rev() {
            let items: Vec<&Item> = frame.items.iter().filter(|item| !item.only_qualified).collect();
            if items.iter().any(|item| item.columns.as_ref().is_some_and(|columns| columns.iter().any(|name| name == column))) {
                return Resolved::NotARelation;
            }
            let open: Vec<&&Item> = items.iter().filter(|item| item.columns.is_none()).collect();
            match open.as_slice() {
                [] => {}
                [item] => return item.relation.clone().map_or(Resolved::NotARelation, Resolved::Relation),
                _ => return Resolved::Unknown,
            }
        }
        Resolved::Unknown
    }

    /// The entry that a qualifier means.
    pub(super) fn qualified(&self, qualifier: &[&str]) -> Option<&Item> {
        self.frames.iter().rev().find_map(|frame| frame.finds(qualifier))
    }

    /// Whether a name is that of a WITH query.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.query(name).is_some()
    }

    fn query(&self, name: &str) -> Option<&Option<Vec<String>>> {
        self.frames.iter().rev().flat_map(|frame| frame.queries.iter().rev()).find(|(known, _)| known == name).map(|(_, columns)| columns)
    }

    /// Adds a WITH query to the innermost frame.
    pub(super) fn declare(&mut self, query: &Value) {
        let name = query["ctename"].as_str().unwrap_or_default().to_owned();
        let columns = aliases(&query["aliascolnames"]).or_else(|| outputs(&query["ctequery"]));
        if let Some(frame) = self.frames.last_mut() {
            frame.queries.push((name, columns));
        }
    }

    /// The entries of a FROM.
    pub(super) fn items(&self, value: &Value) -> Vec<Item> {
        match value {
            Value::Array(values) => values.iter().flat_map(|value| self.items(value)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => self.item(value),
        }
    }

    /// The entries that one node of a FROM makes: of a join, both sides.
    pub(super) fn item(&self, value: &Value) -> Vec<Item> {
        if let Some(join) = inner(value, "JoinExpr") {
            return ["larg", "rarg"].iter().flat_map(|side| self.item(&join[*side])).collect();
        }
        if let Some(sample) = inner(value, "RangeTableSample") {
            return self.item(&sample["relation"]);
        }
        let kinds = ["RangeVar", "RangeSubselect", "RangeFunction", "RangeTableFunc", "JsonTable"];
        let (kind, node) = kinds.iter().find_map(|kind| inner(value, kind).map(|node| (*kind, node))).unwrap_or(("RangeVar", value));
        let alias = node["alias"]["aliasname"].as_str();
        let renamed = aliases(&node["alias"]["colnames"]);
        match kind {
            "RangeVar" => self.range(node, alias, renamed),
            "RangeSubselect" => vec![Item::derived(alias.map(str::to_owned), renamed.or_else(|| outputs(&node["subquery"])))],
            "RangeFunction" => vec![function(node, alias, renamed)],
            _ => vec![Item::derived(alias.map(str::to_owned), renamed)],
        }
    }

    fn range(&self, node: &Value, alias: Option<&str>, renamed: Option<Vec<String>>) -> Vec<Item> {
        let Some(name) = node["relname"].as_str() else { return Vec::new() };
        let schema = node["schemaname"].as_str().unwrap_or_default();
        if schema.is_empty()
            && let Some(columns) = self.query(name)
        {
            return vec![Item::derived(Some(alias.unwrap_or(name).to_owned()), renamed.or_else(|| columns.clone()))];
        }
        let name = if schema.is_empty() { Name::unqualified(name) } else { Name::new(schema, name) };
        match renamed {
            // Under other names the columns can't be told from here.
            Some(columns) => vec![Item::derived(alias.map(str::to_owned), Some(columns))],
            None => vec![Item::relation(name, alias)],
        }
    }
}

/// A function in FROM: its columns are those declared, or one of its own or its alias's name.
fn function(node: &Value, alias: Option<&str>, renamed: Option<Vec<String>>) -> Item {
    let declared: Vec<String> = list(&node["coldeflist"])
        .iter()
        .filter_map(|column| inner(column, "ColumnDef"))
        .filter_map(|column| column["colname"].as_str())
        .map(str::to_owned)
        .collect();
    let calls = node.to_string();
    let own = list(&node["functions"])
        .iter()
        .flat_map(|function| list(function).iter().chain(inner(function, "List").map_or(&[][..], |items| list(&items["items"]))))
        .find_map(|call| inner(call, "FuncCall"))
        .and_then(|call| list(&call["funcname"]).last().and_then(string))
        .map(str::to_owned);
    let mut columns = declared;
    columns.extend(renamed.unwrap_or_default());
    columns.extend(alias.map(str::to_owned));
    columns.extend(own.clone());
    // Set-returning functions over key-value data give columns of fixed names.
    columns.extend(
        ["key", "value", "ordinality"]
            .iter()
            .filter(|_| calls.contains("_each") || calls.contains("_elements") || calls.contains("\"ordinality\":true"))
            .map(|name| (*name).to_owned()),
    );
    Item::derived(alias.map(str::to_owned).or(own), Some(columns))
}

/// Column names of an alias.
fn aliases(names: &Value) -> Option<Vec<String>> {
    let names: Vec<String> = list(names).iter().filter_map(string).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

/// The names that a target list gives its columns with AS.
pub(super) fn output_aliases(targets: &Value) -> Vec<String> {
    let targets = list(targets).iter().filter_map(|target| inner(target, "ResTarget"));
    targets.filter_map(|target| target["name"].as_str()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The columns of a query, unless it has a `*` or is no SELECT.
fn outputs(query: &Value) -> Option<Vec<String>> {
    let mut select = inner(query, "SelectStmt")?;
    while !select["larg"].is_null() {
        select = &select["larg"];
    }
    let targets = list(&select["target_list"]);
    (!targets.is_empty()).then_some(())?;
    targets.iter().map(|target| output(inner(target, "ResTarget")?)).collect()
}

fn output(target: &Value) -> Option<String> {
    if let Some(name) = target["name"].as_str().filter(|name| !name.is_empty()) {
        return Some(name.to_owned());
    }
    let mut value = &target["val"];
    while let Some(cast) = inner(value, "TypeCast") {
        value = &cast["arg"];
    }
    if let Some(column) = inner(value, "ColumnRef") {
        // A `*` is no string, so its columns stay unknown.
        return list(&column["fields"]).last().and_then(string).map(str::to_owned);
    }
    let function = inner(value, "FuncCall").and_then(|call| list(&call["funcname"]).last()).and_then(string);
    Some(function.unwrap_or("?column?").to_owned())
}
