//! Types as a statement writes them, to `DataType`. Never asks whether a type exists.

use pg_query::protobuf::{TypeName, a_const::Val};
use pg_query::{Node, NodeEnum};

use super::name::{dotted, identifiers};
use super::nodes::{joined, plain};
use crate::schema::{DataType, Name};
use crate::sql::postgres::built_in;

/// What follows the name of a type that is taken from a column (`t.c%TYPE`), in place of modifiers.
const COPIED: &str = "%TYPE";

/// A type with its modifiers. Built-in ones get their catalog name, in whatever way they were written.
pub(in crate::sql::postgres) fn data_type(written: &TypeName) -> DataType {
    let dimensions = u32::try_from(written.array_bounds.len()).unwrap_or_default();
    if written.pct_type {
        let name = Name::unqualified(joined(&written.names));
        return DataType { name, modifiers: vec![COPIED.to_owned()], dimensions };
    }
    let mut name = dotted(&written.names);
    if name.schema.is_none() && built_in::is_type(name.name.as_str()) {
        name.schema = Some("pg_catalog".into());
    }
    let mut modifiers: Vec<String> = written.typmods.iter().map(modifier).collect();
    if name.is_built_in("numeric") && modifiers.len() == 1 {
        // The database shows the scale that it was not given.
        modifiers.push("0".to_owned());
    }
    DataType { name, modifiers, dimensions }
}

/// A type that the grammar always gives.
pub(in crate::sql::postgres) fn optional_data_type(written: Option<&TypeName>) -> DataType {
    written.map_or_else(|| DataType::built_in("unknown"), data_type)
}

/// The integer type behind `serial` and its kin.
pub(in crate::sql::postgres) fn serial(written: &TypeName) -> Option<DataType> {
    let names = identifiers(&written.names);
    let [name] = names.as_slice() else { return None };
    if written.pct_type || !written.array_bounds.is_empty() {
        return None;
    }
    match name.as_str() {
        "serial" | "serial4" => Some(DataType::built_in("int4")),
        "bigserial" | "serial8" => Some(DataType::built_in("int8")),
        "smallserial" | "serial2" => Some(DataType::built_in("int2")),
        _ => None,
    }
}

/// A modifier as it can be written again: string constants keep their quotes.
fn modifier(node: &Node) -> String {
    match &node.node {
        Some(NodeEnum::AConst(constant)) if matches!(constant.val, Some(Val::Sval(_))) => format!("'{}'", plain(node).replace('\'', "''")),
        _ => plain(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> DataType {
        let parsed = pg_query::parse(&format!("SELECT NULL::{text}"), 0).unwrap();
        let nodes = parsed.protobuf.nodes();
        let written =
            nodes.iter().find_map(|(node, ..)| if let pg_query::NodeRef::TypeCast(cast) = node { cast.type_name.as_ref() } else { None });
        data_type(written.unwrap())
    }

    #[test]
    fn every_spelling_of_a_type_gives_one_type() {
        for (text, name, modifiers, dimensions) in [
            ("integer", "pg_catalog.int4", "", 0),
            ("int", "pg_catalog.int4", "", 0),
            ("int8", "pg_catalog.int8", "", 0),
            ("bigint", "pg_catalog.int8", "", 0),
            ("smallint", "pg_catalog.int2", "", 0),
            ("boolean", "pg_catalog.bool", "", 0),
            ("bool", "pg_catalog.bool", "", 0),
            ("text", "pg_catalog.text", "", 0),
            ("pg_catalog.text", "pg_catalog.text", "", 0),
            ("TEXT[]", "pg_catalog.text", "", 1),
            ("text[3][]", "pg_catalog.text", "", 2),
            ("text array", "pg_catalog.text", "", 1),
            ("varchar(50)", "pg_catalog.varchar", "50", 0),
            ("character varying", "pg_catalog.varchar", "", 0),
            ("char", "pg_catalog.bpchar", "1", 0),
            ("char(3)", "pg_catalog.bpchar", "3", 0),
            ("\"char\"", "pg_catalog.char", "", 0),
            ("bit", "pg_catalog.bit", "1", 0),
            ("bit varying(8)", "pg_catalog.varbit", "8", 0),
            ("numeric", "pg_catalog.numeric", "", 0),
            ("decimal(10)", "pg_catalog.numeric", "10,0", 0),
            ("numeric(10, 2)", "pg_catalog.numeric", "10,2", 0),
            ("numeric(3, -2)", "pg_catalog.numeric", "3,-2", 0),
            ("float(24)", "pg_catalog.float4", "", 0),
            ("float(25)", "pg_catalog.float8", "", 0),
            ("double precision", "pg_catalog.float8", "", 0),
            ("timestamp(3) with time zone", "pg_catalog.timestamptz", "3", 0),
            ("timestamptz", "pg_catalog.timestamptz", "", 0),
            ("timestamp", "pg_catalog.timestamp", "", 0),
            ("time with time zone", "pg_catalog.timetz", "", 0),
            ("interval", "pg_catalog.interval", "", 0),
            ("interval year to month", "pg_catalog.interval", "6", 0),
            ("interval(3)", "pg_catalog.interval", "32767,3", 0),
            ("uuid", "pg_catalog.uuid", "", 0),
            ("jsonb", "pg_catalog.jsonb", "", 0),
            ("citext", "citext", "", 0),
            ("app.status", "app.status", "", 0),
            ("\"Role\"[]", "Role", "", 1),
            ("geometry(Point, 4326)", "geometry", "point,4326", 0),
            ("vector(3)", "vector", "3", 0),
        ] {
            let found = read(text);
            assert_eq!(
                (found.name.to_string().as_str(), found.modifiers.join(",").as_str(), found.dimensions),
                (name, modifiers, dimensions),
                "{text}"
            );
        }
    }
}
