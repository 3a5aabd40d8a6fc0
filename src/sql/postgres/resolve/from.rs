//! The elements of FROM, with the columns that each has. Never invents columns: of what isn't known, none are.

use serde_json::Value;

use super::super::tree::{inner, list, string};
use super::scope::{Column, Entry, Item, Visible};
use super::select::under;
use super::{Resolver, kind};
use crate::schema::object::TypeKind;
use crate::schema::{DataType, Lookup, Name};
use crate::sql::write;

impl Resolver<'_> {
    /// An element of FROM.
    pub(super) fn item(&mut self, node: &Value) -> Item {
        if let Some(join) = inner(node, "JoinExpr") {
            return self.join(join);
        }
        if let Some(sample) = inner(node, "RangeTableSample") {
            self.visit(&sample["args"]);
            return self.item(&sample["relation"]);
        }
        if let Some(range) = inner(node, "RangeVar") {
            return Item::single(self.range(range));
        }
        if let Some(derived) = inner(node, "RangeSubselect") {
            let columns = self.derived(derived);
            return Item::single(entry(derived, "", columns));
        }
        if let Some(function) = inner(node, "RangeFunction") {
            self.visit(&function["functions"]);
            let columns = self.functions(function);
            return Item::single(entry(function, function_name(function), columns));
        }
        // XMLTABLE and JSON_TABLE.
        let table = ["RangeTableFunc", "JsonTable"].iter().find_map(|kind| inner(node, kind)).unwrap_or(&Value::Null);
        for part in ["docexpr", "rowexpr", "context_item", "passing", "namespaces"] {
            self.visit(&table[part]);
        }
        let columns = list(&table["columns"]).iter().filter_map(|column| inner(column, "RangeTableFuncCol"));
        let columns = columns.map(|column| {
            let for_ordinality = column["for_ordinality"].as_bool() == Some(true);
            let data_type = if for_ordinality { Some(DataType::built_in("int4")) } else { kind::named(&column["type_name"]) };
            Column::made(column["colname"].as_str().unwrap_or_default(), data_type)
        });
        let columns: Vec<Column> = columns.collect();
        Item::single(entry(table, "xmltable", (!columns.is_empty()).then_some(columns)))
    }

    fn range(&mut self, range: &Value) -> Entry {
        let name = range["relname"].as_str().unwrap_or_default();
        let schema = range["schemaname"].as_str().unwrap_or_default();
        let query = self.frames.iter().rev().flat_map(|frame| frame.queries.iter().rev()).find(|(query, _)| query == name);
        if let (Some((_, columns)), true) = (query, schema.is_empty()) {
            return entry(range, name, columns.clone());
        }
        let full = if schema.is_empty() { Name::unqualified(name) } else { Name::new(schema, name) };
        let columns = self.columns_of(&full);
        let aliased = range["alias"].is_object();
        Entry { relation: (!aliased).then_some(full), ..entry(range, name, columns) }
    }

    /// The columns of a table or view.
    fn columns_of(&self, name: &Name) -> Option<Vec<Column>> {
        let column = |column: &crate::schema::Identifier, data_type: Option<DataType>| Column {
            name: column.to_string(),
            data_type,
            origin: Some((name.clone(), column.clone())),
            renamed: false,
            is_null: false,
        };
        if let Some(table) = self.catalog.tables.get(name) {
            return Some(table.columns.iter().map(|found| column(&found.name, Some(found.data_type.clone()))).collect());
        }
        match &self.catalog.views.get(name)?.columns {
            Lookup::Known(columns) => Some(columns.iter().map(|found| column(&found.name, found.data_type.clone())).collect()),
            Lookup::Absent | Lookup::Unknown => None,
        }
    }

    /// A subquery, which sees its neighbours only with LATERAL.
    fn derived(&mut self, derived: &Value) -> Option<Vec<Column>> {
        let lateral = derived["lateral"].as_bool() == Some(true);
        let neighbours = if lateral { Vec::new() } else { std::mem::take(&mut self.frame().items) };
        let columns = inner(&derived["subquery"], "SelectStmt").and_then(|select| self.select(select));
        if !lateral {
            self.frame().items = neighbours;
        }
        columns
    }

    fn join(&mut self, join: &Value) -> Item {
        let before = self.frame().items.len();
        for side in ["larg", "rarg"] {
            let item = self.item(&join[side]);
            self.frame().items.push(item);
        }
        let sides = self.frame().items.split_off(before);
        // ON sees the two sides, and nothing else of this FROM.
        let neighbours = std::mem::replace(&mut self.frame().items, sides);
        self.visit(&join["quals"]);
        let mut sides = std::mem::replace(&mut self.frame().items, neighbours).into_iter();
        let (left, right) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
        let using: Vec<String> = if join["is_natural"].as_bool() == Some(true) {
            let in_right = |name: &String| right.visible.iter().any(|visible| &visible.column.name == name);
            left.visible.iter().map(|visible| visible.column.name.clone()).filter(in_right).collect()
        } else {
            list(&join["using_clause"]).iter().filter_map(string).map(str::to_owned).collect()
        };
        let merged = joined(left, right, &using);
        for visible in merged.visible.iter().filter(|visible| visible.entry.is_none()) {
            self.bind(None, &visible.column);
        }
        match join["alias"]["aliasname"].as_str() {
            Some(_) => {
                let columns = merged.complete.then(|| merged.visible.into_iter().map(|visible| visible.column).collect());
                Item::single(entry(join, "", columns))
            }
            None => merged,
        }
    }

    /// The columns of the functions of one element of FROM.
    fn functions(&self, range: &Value) -> Option<Vec<Column>> {
        let alias = range["alias"]["aliasname"].as_str();
        let mut columns = Vec::new();
        let calls: Vec<&Value> = list(&range["functions"]).iter().filter_map(|call| inner(call, "List")).collect();
        let alone = calls.len() == 1;
        for call in calls {
            let declared = declared(&range["coldeflist"]).or_else(|| declared(&list(&call["items"]).get(1)?["node"]["List"]["items"]));
            let made = declared.or_else(|| self.function(list(&call["items"]).first()?, alias.filter(|_| alone)));
            columns.extend(made?);
        }
        if range["ordinality"].as_bool() == Some(true) {
            columns.push(Column::made("ordinality", Some(DataType::built_in("int8"))));
        }
        Some(columns)
    }

    fn function(&self, node: &Value, alias: Option<&str>) -> Option<Vec<Column>> {
        let Some(call) = inner(node, "FuncCall") else {
            // current_date and its like.
            return Some(vec![Column::made(alias?, kind::of(self, node))]);
        };
        let names: Vec<&str> = list(&call["funcname"]).iter().filter_map(string).collect();
        let name = *names.last()?;
        let own = match names.as_slice() {
            [schema, name] => Name::new(*schema, *name),
            _ => Name::unqualified(name),
        };
        let routine = self.catalog.routines.iter().find(|((found, _), _)| found == &own || names.len() == 1 && found.name == *name);
        if let Some((_, routine)) = routine {
            return self.rows_of_routine(&write::text(&routine.definition), routine.returns.as_ref(), alias.unwrap_or(name));
        }
        let called = alias.unwrap_or(name);
        match name {
            "generate_series" => Some(vec![Column::made(called, list(&call["args"]).first().and_then(|from| kind::of(self, from)))]),
            "unnest" => self.unnest(list(&call["args"]), called),
            _ => built_in_rows(name, called),
        }
    }

    /// The elements of arrays. One of a composite type would give its attributes.
    fn unnest(&self, arrays: &[Value], called: &str) -> Option<Vec<Column>> {
        let called = if arrays.len() == 1 { called } else { "unnest" };
        let built_in = |found: &DataType| found.name.schema.as_ref().is_some_and(|schema| schema == "pg_catalog");
        let composite =
            |found: &DataType| self.catalog.types.get(&found.name).is_none_or(|found| matches!(found.kind, TypeKind::Composite { .. }));
        let element = |array: &Value| kind::of(self, array).map(|array| DataType { dimensions: 0, ..array });
        let known = arrays.iter().map(|array| element(array).filter(|found| built_in(found) || !composite(found)));
        known.map(|element| element.map(|element| Column::made(called, Some(element)))).collect()
    }

    /// The row of a function of the schema's own.
    fn rows_of_routine(&self, definition: &str, returns: Option<&DataType>, name: &str) -> Option<Vec<Column>> {
        let tree = serde_json::to_value(&pg_query::parse(definition, 0).ok()?.protobuf.stmts.first()?.stmt).ok()?;
        let parameters =
            list(&inner(&tree, "CreateFunctionStmt")?["parameters"]).iter().filter_map(|node| inner(node, "FunctionParameter"));
        let out = |mode: &Value| ["FuncParamOut", "FuncParamInout", "FuncParamTable"].iter().any(|name| is_mode(mode, name));
        let columns: Vec<Column> = parameters
            .filter(|parameter| out(&parameter["mode"]))
            .map(|parameter| Column::made(parameter["name"].as_str().unwrap_or_default(), kind::named(&parameter["arg_type"])))
            .collect();
        if !columns.is_empty() {
            return Some(columns);
        }
        let returns = returns?;
        if let Some(columns) = self.columns_of(&returns.name) {
            return Some(columns.into_iter().map(|column| Column::made(column.name, column.data_type)).collect());
        }
        match self.catalog.types.get(&returns.name).map(|found| &found.kind) {
            Some(TypeKind::Composite { attributes }) => {
                Some(attributes.iter().map(|(name, data_type, _)| Column::made(name.as_str(), Some(data_type.clone()))).collect())
            }
            None if returns.name.is_built_in("record") => None,
            Some(_) | None => Some(vec![Column::made(name, Some(returns.clone()))]),
        }
    }
}

/// The rows of a function that is built in.
fn built_in_rows(name: &str, called: &str) -> Option<Vec<Column>> {
    let made = |name: &str, built_in: &str| Column::made(name, Some(DataType::built_in(built_in)));
    Some(match name {
        "json_each" => vec![made("key", "text"), made("value", "json")],
        "jsonb_each" => vec![made("key", "text"), made("value", "jsonb")],
        "json_each_text" | "jsonb_each_text" => vec![made("key", "text"), made("value", "text")],
        "json_array_elements" => vec![made("value", "json")],
        "jsonb_array_elements" => vec![made("value", "jsonb")],
        "json_array_elements_text" | "jsonb_array_elements_text" => vec![made("value", "text")],
        "json_object_keys" | "jsonb_object_keys" | "regexp_split_to_table" | "string_to_table" => vec![made(called, "text")],
        "generate_subscripts" => vec![made(called, "int4")],
        "jsonb_path_query" => vec![made(called, "jsonb")],
        "regexp_matches" => vec![Column::made(called, Some(DataType { dimensions: 1, ..DataType::built_in("text") }))],
        _ => return None,
    })
}

/// Modes are numbers in a tree that was made from the parser's own structures.
fn is_mode(mode: &Value, name: &str) -> bool {
    use pg_query::protobuf::FunctionParameterMode;
    let number =
        mode.as_i64().and_then(|number| i32::try_from(number).ok()).and_then(|number| FunctionParameterMode::try_from(number).ok());
    number.is_some_and(|mode| format!("{mode:?}") == name)
}

/// The columns of `AS f(a integer, b text)`.
fn declared(columns: &Value) -> Option<Vec<Column>> {
    let columns = list(columns).iter().filter_map(|column| inner(column, "ColumnDef"));
    let columns: Vec<Column> =
        columns.map(|column| Column::made(column["colname"].as_str().unwrap_or_default(), kind::named(&column["type_name"]))).collect();
    (!columns.is_empty()).then_some(columns)
}

/// The name of the first function of an element of FROM.
fn function_name(range: &Value) -> &str {
    let first = list(&range["functions"]).first().and_then(|call| inner(call, "List")).and_then(|call| list(&call["items"]).first());
    first.and_then(|call| inner(call, "FuncCall")).and_then(|call| list(&call["funcname"]).last()).and_then(string).unwrap_or_default()
}

/// An entry under its alias, or under the name that it has without one.
fn entry(node: &Value, name: &str, columns: Option<Vec<Column>>) -> Entry {
    let aliases: Vec<String> = list(&node["alias"]["colnames"]).iter().filter_map(string).map(str::to_owned).collect();
    let unknown = columns.is_none() && !aliases.is_empty();
    let columns = if unknown { None } else { under(columns, &aliases) };
    Entry { qualifier: node["alias"]["aliasname"].as_str().unwrap_or(name).to_owned(), relation: None, columns }
}

/// A join: the columns of USING first and once, then those of the left, then those of the right.
fn joined(left: Item, right: Item, using: &[String]) -> Item {
    let offset = left.entries.len();
    let shifted = |visible: Visible| Visible { entry: visible.entry.map(|place| place + offset), ..visible };
    let mut merged = Vec::new();
    for name in using {
        let found = left.visible.iter().chain(&right.visible).find(|visible| &visible.column.name == name);
        // The name stands for both columns, so that a rename of one leaves it.
        merged.extend(found.map(|visible| Visible { column: Column { renamed: true, ..visible.column.clone() }, entry: None }));
    }
    let rest = |visible: &Visible| !using.contains(&visible.column.name);
    let visible = merged
        .into_iter()
        .chain(left.visible.into_iter().filter(rest))
        .chain(right.visible.into_iter().filter(rest).map(shifted))
        .collect();
    Item { complete: left.complete && right.complete, entries: left.entries.into_iter().chain(right.entries).collect(), visible }
}
