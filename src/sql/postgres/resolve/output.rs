//! The names that PostgreSQL gives output columns that have none (`FigureColname` in its source). Never looks at the catalog.

use pg_query::protobuf::{AExprKind, MinMaxOp, SqlValueFunctionOp, SubLinkType, XmlExprOp};
use serde_json::Value;

use super::super::tree::{inner, list, string};

/// The name of an element of a select list.
pub(super) fn name(target: &Value) -> String {
    match target["name"].as_str() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => figured(&target["val"]).0.unwrap_or_else(|| "?column?".to_owned()),
    }
}

/// The names of a select list; those behind a `*` are left out.
pub(super) fn of_targets(targets: &Value) -> Vec<String> {
    list(targets).iter().filter_map(|target| inner(target, "ResTarget")).map(name).collect()
}

/// The names of a query's columns, unless a `*` hides them.
pub(super) fn names(select: &Value) -> Option<Vec<String>> {
    if select["larg"].is_object() {
        return names(&select["larg"]);
    }
    if let Some(first) = list(&select["values_lists"]).first() {
        let count = list(&inner(first, "List")?["items"]).len();
        return Some((1..=count).map(|number| format!("column{number}")).collect());
    }
    let targets: Vec<&Value> = list(&select["target_list"]).iter().filter_map(|target| inner(target, "ResTarget")).collect();
    let starred = |target: &&Value| {
        let reference = inner(&target["val"], "ColumnRef").or_else(|| inner(&target["val"], "AIndirection"));
        reference.is_some_and(|reference| {
            list(&reference["fields"])
                .iter()
                .chain(list(&reference["indirection"]))
                .any(|field| string(field).is_none() && inner(field, "AStar").is_some())
        })
    };
    if targets.iter().any(starred) { None } else { Some(targets.into_iter().map(name).collect()) }
}

/// What a query's columns are computed by, each as a text that is the same for the same expression over the same names; nothing
/// where a name may stand for something computed.
pub(super) fn expressions(select: &Value) -> Option<Vec<String>> {
    let computed = |element: &Value| has_key(element, "subquery") || has_key(element, "functions");
    if select["larg"].is_object() || !select["with_clause"].is_null() || list(&select["from_clause"]).iter().any(computed) {
        return None;
    }
    names(select)?;
    let targets = list(&select["target_list"]).iter().filter_map(|target| inner(target, "ResTarget"));
    Some(targets.map(|target| without_places(&target["val"]).to_string()).collect())
}

fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| has_key(value, key)),
        Value::Object(map) => map.contains_key(key) || map.values().any(|value| has_key(value, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn without_places(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_places).collect(),
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| *key != "location").map(|(key, value)| (key.clone(), without_places(value)));
            Value::Object(kept.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What a subquery in an expression is for.
pub(super) fn link(link: &Value) -> Option<SubLinkType> {
    let number = link["sub_link_type"].as_i64().and_then(|number| i32::try_from(number).ok())?;
    SubLinkType::try_from(number).ok()
}

/// Whether a subquery is that of EXISTS.
pub(super) fn is_exists(value: &Value) -> bool {
    link(value) == Some(SubLinkType::ExistsSublink)
}

fn is(value: &Value, number: i32) -> bool {
    value.as_i64() == Some(i64::from(number))
}

/// A name with its strength: a weak one (1) gives way to that of a cast around it.
fn figured(node: &Value) -> (Option<String>, u8) {
    let strong = |name: &str| (Some(name.to_owned()), 2);
    let Some((kind, value)) = node.get("node").and_then(Value::as_object).and_then(|node| node.iter().next()) else {
        return (None, 0);
    };
    match kind.as_str() {
        "ColumnRef" => list(&value["fields"]).iter().rev().find_map(string).map_or((None, 0), strong),
        "AIndirection" => match list(&value["indirection"]).iter().rev().find_map(string) {
            Some(field) => strong(field),
            None => figured(&value["arg"]),
        },
        "FuncCall" => list(&value["funcname"]).last().and_then(string).map_or((None, 0), strong),
        "AExpr" if is(&value["kind"], AExprKind::AexprNullif as i32) => strong("nullif"),
        "TypeCast" => {
            let (name, strength) = figured(&value["arg"]);
            let type_name = list(&value["type_name"]["names"]).last().and_then(string);
            match type_name {
                Some(of_type) if strength <= 1 => (Some(of_type.to_owned()), 1),
                _ => (name, strength),
            }
        }
        "CollateClause" => figured(&value["arg"]),
        "GroupingFunc" => strong("grouping"),
        "SubLink" => sub_link(value),
        "CaseExpr" => {
            let (name, strength) = figured(&value["defresult"]);
            if strength <= 1 { (Some("case".to_owned()), 1) } else { (name, strength) }
        }
        "AArrayExpr" => strong("array"),
        "RowExpr" => strong("row"),
        "CoalesceExpr" => strong("coalesce"),
        "MinMaxExpr" => strong(if is(&value["op"], MinMaxOp::IsGreatest as i32) { "greatest" } else { "least" }),
        "SqlvalueFunction" | "SQLValueFunction" => value_function(&value["op"]).map_or((None, 0), strong),
        "XmlExpr" => xml(&value["op"]).map_or((None, 0), strong),
        "XmlSerialize" => strong("xmlserialize"),
        "JsonObjectConstructor" => strong("json_object"),
        "JsonArrayConstructor" | "JsonArrayQueryConstructor" => strong("json_array"),
        "JsonObjectAgg" => strong("json_objectagg"),
        "JsonArrayAgg" => strong("json_arrayagg"),
        _ => (None, 0),
    }
}

fn sub_link(link: &Value) -> (Option<String>, u8) {
    if is_exists(link) {
        return (Some("exists".to_owned()), 2);
    }
    if is(&link["sub_link_type"], SubLinkType::ArraySublink as i32) {
        return (Some("array".to_owned()), 2);
    }
    if !is(&link["sub_link_type"], SubLinkType::ExprSublink as i32) {
        return (None, 0);
    }
    let mut select = inner(&link["subselect"], "SelectStmt");
    while let Some(left) = select.map(|select| &select["larg"]).filter(|left| left.is_object()) {
        select = Some(left);
    }
    let target = select.and_then(|select| list(&select["target_list"]).first()).and_then(|target| inner(target, "ResTarget"));
    match target {
        Some(target) if target["name"].as_str().is_some_and(|name| !name.is_empty()) => (target["name"].as_str().map(str::to_owned), 2),
        Some(target) => figured(&target["val"]),
        None => (None, 0),
    }
}

fn value_function(op: &Value) -> Option<&'static str> {
    let op = op.as_i64().and_then(|op| i32::try_from(op).ok()).and_then(|op| SqlValueFunctionOp::try_from(op).ok())?;
    Some(match op {
        SqlValueFunctionOp::SqlvalueFunctionOpUndefined => return None,
        SqlValueFunctionOp::SvfopCurrentDate => "current_date",
        SqlValueFunctionOp::SvfopCurrentTime | SqlValueFunctionOp::SvfopCurrentTimeN => "current_time",
        SqlValueFunctionOp::SvfopCurrentTimestamp | SqlValueFunctionOp::SvfopCurrentTimestampN => "current_timestamp",
        SqlValueFunctionOp::SvfopLocaltime | SqlValueFunctionOp::SvfopLocaltimeN => "localtime",
        SqlValueFunctionOp::SvfopLocaltimestamp | SqlValueFunctionOp::SvfopLocaltimestampN => "localtimestamp",
        SqlValueFunctionOp::SvfopCurrentRole => "current_role",
        SqlValueFunctionOp::SvfopCurrentUser => "current_user",
        SqlValueFunctionOp::SvfopUser => "user",
        SqlValueFunctionOp::SvfopSessionUser => "session_user",
        SqlValueFunctionOp::SvfopCurrentCatalog => "current_catalog",
        SqlValueFunctionOp::SvfopCurrentSchema => "current_schema",
    })
}

fn xml(op: &Value) -> Option<&'static str> {
    let op = op.as_i64().and_then(|op| i32::try_from(op).ok()).and_then(|op| XmlExprOp::try_from(op).ok())?;
    match op {
        XmlExprOp::IsXmlconcat => Some("xmlconcat"),
        XmlExprOp::IsXmlelement => Some("xmlelement"),
        XmlExprOp::IsXmlforest => Some("xmlforest"),
        XmlExprOp::IsXmlparse => Some("xmlparse"),
        XmlExprOp::IsXmlpi => Some("xmlpi"),
        XmlExprOp::IsXmlroot => Some("xmlroot"),
        XmlExprOp::Undefined | XmlExprOp::IsXmlserialize | XmlExprOp::IsDocument => None,
    }
}
