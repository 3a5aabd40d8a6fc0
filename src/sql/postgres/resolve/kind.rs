//! The types of expressions, where they can be told without knowing every function and operator. Must never be wrong: what isn't
//! sure is nothing.

use pg_query::protobuf::{self as pg, AExprKind, SubLinkType};
use pg_query::{Node, NodeEnum};
use serde_json::Value;

use super::super::lower::data_type::data_type;
use super::super::tree::{inner, list, string};
use super::Resolver;
use super::output::{self, is_exists};
use super::scope::{self, Found};
use crate::schema::DataType;
use crate::schema::object::Routine;

/// The type of an expression.
pub(super) fn of(resolver: &Resolver<'_>, node: &Value) -> Option<DataType> {
    let (kind, value) = node.get("node")?.as_object()?.iter().next()?;
    let built_in = |name: &str| Some(DataType::built_in(name));
    match kind.as_str() {
        "ColumnRef" => column(resolver, value),
        "TypeCast" => named(&value["type_name"]),
        "CollateClause" => of(resolver, &value["arg"]),
        "AConst" => constant(value),
        "BoolExpr" | "NullTest" | "BooleanTest" => built_in("bool"),
        "SubLink" if is_exists(value) => built_in("bool"),
        "SubLink" => subquery(resolver, value),
        "FuncCall" => function(resolver, value),
        "CoalesceExpr" | "MinMaxExpr" => common(resolver, list(&value["args"]).iter()),
        "CaseExpr" => {
            let results = list(&value["args"]).iter().filter_map(|when| inner(when, "CaseWhen")).map(|when| &when["result"]);
            common(resolver, results.chain(Some(&value["defresult"]).filter(|value| !value.is_null())))
        }
        "AExpr" => operator(resolver, value),
        _ => None,
    }
}

/// The one column of a subquery that stands for a value, or for an array of them.
fn subquery(resolver: &Resolver<'_>, link: &Value) -> Option<DataType> {
    let select = inner(&link["subselect"], "SelectStmt")?;
    let [column] = resolver.within().select(select)?.try_into().ok()?;
    let found = column.data_type?;
    match output::link(link) {
        Some(SubLinkType::ExprSublink) => Some(found),
        Some(SubLinkType::ArraySublink) if found.dimensions == 0 => Some(DataType { dimensions: 1, ..found }),
        _ => None,
    }
}

/// The one type that all of them have, NULLs aside.
fn common<'a>(resolver: &Resolver<'_>, values: impl Iterator<Item = &'a Value>) -> Option<DataType> {
    let mut common: Option<DataType> = None;
    for value in values {
        let is_literal = inner(value, "AConst").is_some_and(|constant| constant["isnull"] == true || constant["val"].get("Sval").is_some());
        if is_literal {
            continue;
        }
        let found = of(resolver, value)?;
        common = Some(match common {
            Some(common) if common != found => wider(common, found)?,
            Some(_) | None => found,
        });
    }
    common
}

/// Numbers in the order in which one becomes another by itself.
const NUMBERS: [&str; 6] = ["int2", "int4", "int8", "numeric", "float4", "float8"];

/// That of two types of numbers which holds both.
fn wider(one: DataType, other: DataType) -> Option<DataType> {
    let place = |data_type: &DataType| NUMBERS.iter().position(|name| data_type.is(name));
    let wider = if place(&one)? >= place(&other)? { one } else { other };
    Some(DataType { modifiers: Vec::new(), ..wider })
}

fn column(resolver: &Resolver<'_>, reference: &Value) -> Option<DataType> {
    let names: Vec<&str> = list(&reference["fields"]).iter().map(string).collect::<Option<_>>()?;
    let found = match names.split_last()? {
        (name, []) => scope::unqualified(&resolver.frames, name),
        (name, qualifier) => scope::qualified(&resolver.frames, qualifier, name),
    };
    match found {
        Found::Column(column) => column.data_type,
        Found::Something | Found::Nothing => None,
    }
}

fn constant(value: &Value) -> Option<DataType> {
    let number = &value["val"];
    if number.get("Ival").is_some() {
        Some(DataType::built_in("int4"))
    } else if number.get("Boolval").is_some() {
        Some(DataType::built_in("bool"))
    } else if number.get("Sval").is_some() {
        Some(DataType::built_in("text"))
    } else {
        let written = number.get("Fval")?["fval"].as_str()?;
        Some(DataType::built_in(if written.parse::<i64>().is_ok() { "int8" } else { "numeric" }))
    }
}

fn operator(resolver: &Resolver<'_>, value: &Value) -> Option<DataType> {
    let kind = value["kind"].as_i64().and_then(|kind| i32::try_from(kind).ok()).and_then(|kind| AExprKind::try_from(kind).ok())?;
    let name = list(&value["name"]).last().and_then(string)?;
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds are conditions")]
    match kind {
        AExprKind::AexprOp if ["=", "<>", "<", ">", "<=", ">=", "~", "~*", "!~", "@>", "<@", "&&", "?", "@@"].contains(&name) => {
            Some(DataType::built_in("bool"))
        }
        AExprKind::AexprOp if name == "->>" || name == "#>>" => Some(DataType::built_in("text")),
        AExprKind::AexprOp => {
            let (left, right) = (of(resolver, &value["lexpr"])?, of(resolver, &value["rexpr"])?);
            let numbers = ["int2", "int4", "int8", "numeric", "float8"].iter().any(|name| left.is(name));
            (left == right && left.modifiers.is_empty() && numbers && ["+", "-", "*", "/"].contains(&name)).then_some(left)
        }
        AExprKind::Undefined => None,
        AExprKind::AexprNullif => of(resolver, &value["lexpr"]),
        _ => Some(DataType::built_in("bool")),
    }
}

/// Functions that give one type, whatever they are given.
const FUNCTIONS: [(&str, &[&str]); 9] = [
    ("int8", &["count", "row_number", "rank", "dense_rank", "hashtextextended"]),
    ("int4", &["length", "char_length", "octet_length", "array_length", "cardinality", "strpos", "hashtext", "ascii"]),
    (
        "text",
        &[
            "lower",
            "upper",
            "concat",
            "concat_ws",
            "md5",
            "to_char",
            "string_agg",
            "replace",
            "trim",
            "btrim",
            "format",
            "initcap",
            "split_part",
            "left",
            "right",
            "lpad",
            "rpad",
            "quote_ident",
        ],
    ),
    ("timestamptz", &["now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "to_timestamp"]),
    ("uuid", &["gen_random_uuid", "uuid_generate_v4", "uuid_generate_v1"]),
    ("json", &["json_agg", "json_build_object", "json_build_array", "json_object_agg", "to_json", "row_to_json"]),
    ("jsonb", &["jsonb_agg", "jsonb_build_object", "jsonb_build_array", "jsonb_object_agg", "to_jsonb", "jsonb_set"]),
    ("bool", &["bool_or", "bool_and", "every", "starts_with"]),
    ("float8", &["random"]),
];

fn function(resolver: &Resolver<'_>, call: &Value) -> Option<DataType> {
    let names: Vec<&str> = list(&call["funcname"]).iter().filter_map(string).collect();
    let (schema, name) = match names.as_slice() {
        [name] => (None, *name),
        [schema, name] => (Some(*schema), *name),
        _ => return None,
    };
    // A function of the schema's own may have the name of a built-in one.
    let own: Vec<&Routine> = resolver.catalog.routines.values().map(AsRef::as_ref).filter(|own| own.name.name == *name).collect();
    match (schema, own.as_slice()) {
        (None | Some("pg_catalog"), []) => {}
        (Some(schema), [own]) if own.name.schema.as_ref().is_some_and(|found| found == schema) => return routine(resolver, own, call),
        _ => return None,
    }
    if let Some((of_type, _)) = FUNCTIONS.iter().find(|(_, names)| names.contains(&name)) {
        return Some(DataType::built_in(of_type));
    }
    let argument = list(&call["args"]).first().and_then(|argument| of(resolver, argument));
    let without_modifiers = argument.map(|argument| DataType { modifiers: Vec::new(), ..argument })?;
    let is = |names: &[&str]| names.iter().any(|name| without_modifiers.is(name));
    match name {
        // These take text for the shorter kinds of it.
        "max" | "min" if is(&["varchar", "bpchar"]) => Some(DataType::built_in(if is(&["bpchar"]) { "bpchar" } else { "text" })),
        "max" | "min" => Some(without_modifiers),
        "sum" if is(&["int2", "int4"]) => Some(DataType::built_in("int8")),
        "sum" if is(&["int8", "numeric"]) => Some(DataType::built_in("numeric")),
        "avg" if is(&["int2", "int4", "int8", "numeric"]) => Some(DataType::built_in("numeric")),
        "sum" | "avg" if is(&["float8", "interval"]) => Some(without_modifiers),
        "array_agg" => Some(DataType { dimensions: 1, ..without_modifiers }),
        _ => None,
    }
}

/// What the one function of that name returns: its type, or that of the arguments which decide it.
fn routine(resolver: &Resolver<'_>, routine: &Routine, call: &Value) -> Option<DataType> {
    let returns = routine.returns.as_ref().filter(|returns| returns.modifiers.is_empty())?;
    let is_pseudo = returns.name.name.as_str().starts_with("any") || returns.is("record") || returns.is("void") || returns.is("trigger");
    if !is_pseudo {
        return Some(returns.clone());
    }
    let arguments = list(&call["args"]);
    let by_name = arguments.iter().any(|argument| inner(argument, "NamedArgExpr").is_some());
    if !returns.is("anyelement") || by_name {
        return None;
    }
    let decide = routine.arguments.iter().zip(arguments).filter(|(declared, _)| declared.is("anyelement")).map(|(_, argument)| argument);
    common(resolver, decide).map(|found| DataType { modifiers: Vec::new(), ..found })
}

/// A type as it is named in a tree.
pub(super) fn named(type_name: &Value) -> Option<DataType> {
    let names = list(&type_name["names"]);
    (!names.is_empty() && type_name["setof"].as_bool() != Some(true)).then_some(())?;
    let text = |text: &str| Node { node: Some(NodeEnum::String(pg::String { sval: text.to_owned() })) };
    let number = |number: i32| {
        let val = Some(pg::a_const::Val::Ival(pg::Integer { ival: number }));
        Node { node: Some(NodeEnum::AConst(pg::AConst { isnull: false, location: -1, val })) }
    };
    let modifier = |modifier: &Value| {
        let ival = &inner(modifier, "AConst")?["val"]["Ival"]["ival"];
        ival.as_i64().and_then(|ival| i32::try_from(ival).ok()).map(number)
    };
    let written = pg::TypeName {
        names: names.iter().filter_map(string).map(text).collect(),
        typmods: list(&type_name["typmods"]).iter().map(modifier).collect::<Option<_>>()?,
        array_bounds: list(&type_name["array_bounds"]).iter().map(|_| number(-1)).collect(),
        pct_type: type_name["pct_type"].as_bool() == Some(true),
        ..pg::TypeName::default()
    };
    (!written.pct_type).then(|| data_type(&written))
}
