//! The constants with which a statement that changes rows compares columns: what the values that it is about look like. A hint,
//! nothing more: it goes by the columns' bare names.

use pg_query::NodeEnum;
use serde_json::{Map, Value};

use super::tree::{inner, list, string};
use super::with_deep_stack;

/// Columns and constants, each pair as often as it stands there. Nothing of a statement that changes no rows.
pub fn compared(statement: &str) -> Vec<(String, String)> {
    with_deep_stack(|| {
        let mut found = Vec::new();
        let parsed = pg_query::parse(statement, 0).ok();
        let nodes = parsed.iter().flat_map(|parsed| &parsed.protobuf.stmts).filter_map(|raw| raw.stmt.as_ref()?.node.as_ref());
        for node in nodes.filter(|node| changes_rows(node)) {
            if let Ok(tree) = serde_json::to_value(node) {
                visit(&tree, &mut found);
            }
        }
        found
    })
}

/// ALTER TABLE may convert values.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest changes no rows")]
fn changes_rows(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) | NodeEnum::InsertStmt(_) | NodeEnum::MergeStmt(_) => true,
        NodeEnum::AlterTableStmt(alter) => alter.cmds.iter().any(|command| {
            matches!(&command.node, Some(NodeEnum::AlterTableCmd(command)) if command.subtype() == pg_query::protobuf::AlterTableType::AtAlterColumnType)
        }),
        _ => false,
    }
}

fn visit(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| visit(value, found)),
        Value::Object(map) => {
            compare(map, found);
            map.values().for_each(|value| visit(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compare(map: &Map<String, Value>, found: &mut Vec<(String, String)>) {
    let pairs = if map.contains_key("lexpr") && map.contains_key("rexpr") {
        vec![(&map["lexpr"], &map["rexpr"]), (&map["rexpr"], &map["lexpr"])]
    } else if let (Some(arg), Some(cases)) = (map.get("arg"), map.get("args")) {
        // CASE column WHEN constant.
        list(cases).iter().filter_map(|case| inner(case, "CaseWhen")).map(|case| (arg, &case["expr"])).collect()
    } else {
        Vec::new()
    };
    for (one, other) in pairs {
        let Some(column) = column(one) else { continue };
        let other = uncast(other);
        // IN has a list, ANY an array.
        let several =
            inner(other, "List").map(|list| &list["items"]).or_else(|| inner(other, "AArrayExpr").map(|array| &array["elements"]));
        let values = several.map_or_else(|| std::slice::from_ref(other), list);
        found.extend(values.iter().filter_map(constant).map(|value| (column.to_owned(), value)));
    }
}

fn uncast(node: &Value) -> &Value {
    inner(node, "TypeCast").map_or(node, |cast| uncast(&cast["arg"]))
}

/// The bare name of a column.
fn column(node: &Value) -> Option<&str> {
    list(&inner(uncast(node), "ColumnRef")?["fields"]).last().and_then(string)
}

fn constant(node: &Value) -> Option<String> {
    let value = &inner(uncast(node), "AConst")?["val"];
    let text = value.get("Sval").and_then(|text| text["sval"].as_str()).map(ToOwned::to_owned);
    let whole = value.get("Ival").map(|number| number["ival"].to_string());
    text.or(whole).or_else(|| Some(value.get("Fval")?["fval"].as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::compared;

    fn check(statement: &str, expected: &[(&str, &str)]) {
        let found = compared(statement);
        let found: Vec<(&str, &str)> = found.iter().map(|(column, value)| (column.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{statement}");
    }

    #[test]
    fn what_rows_are_about_is_found() {
        check("UPDATE t SET a = 'x' WHERE b = 'y' AND t.c IN (1, 2)", &[("b", "y"), ("c", "1"), ("c", "2")]);
        check("DELETE FROM t WHERE 'y' <> b::text OR c = ANY (ARRAY['p', 'q']::e[])", &[("b", "y"), ("c", "p"), ("c", "q")]);
        check("UPDATE t SET a = CASE b WHEN 'y' THEN 1 ELSE 2 END", &[("b", "y")]);
        check("ALTER TABLE t ALTER a TYPE e USING (CASE WHEN a = 'y' THEN 'z'::e END)", &[("a", "y")]);
        check("INSERT INTO t SELECT b FROM s WHERE kind = 'y'", &[("kind", "y")]);
        check("CREATE INDEX ON t (a) WHERE b = 'y'", &[]);
        check("not sql", &[]);
    }
}
