//! Names and types in parse trees. Never looks anything up: a schema is there only if the author wrote it.

use pg_query::protobuf::{RangeVar, TypeName};
use pg_query::{Node, NodeEnum};

use crate::schema::{DataType, Identifier, Name};
use crate::sql::postgres::built_in;

/// The name of a relation. A database's name before the schema's is left away: it can only be the one we are in.
pub(in crate::sql::postgres) fn relation(relation: &RangeVar) -> Name {
    match relation.schemaname.as_str() {
        "" => Name::unqualified(relation.relname.as_str()),
        schema => Name::new(schema, relation.relname.as_str()),
    }
}

/// The name of a relation that the grammar demands, so that it is missing only in trees that the parser doesn't make.
pub(in crate::sql::postgres) fn relation_of(relation: Option<&RangeVar>) -> Name {
    relation.map_or_else(|| Name::unqualified(""), self::relation)
}

/// A dotted name: its last two parts.
pub(in crate::sql::postgres) fn dotted(parts: &[Node]) -> Name {
    let names: Vec<&str> = parts.iter().filter_map(string).collect();
    match names.as_slice() {
        [.., schema, name] => Name::new(*schema, *name),
        [name] => Name::unqualified(*name),
        [] => Name::unqualified(""),
    }
}

/// The strings of a list of names.
pub(in crate::sql::postgres) fn identifiers(parts: &[Node]) -> Vec<Identifier> {
    parts.iter().filter_map(string).map(Identifier::from).collect()
}

/// The text of a string node.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other node is no string")]
pub(in crate::sql::postgres) fn string(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::String(string) => Some(&string.sval),
        _ => None,
    }
}

/// A type, built-in ones with their schema.
pub(in crate::sql::postgres) fn data_type(name: &TypeName) -> DataType {
    let mut type_name = dotted(&name.names);
    if type_name.schema.is_none() && built_in::is_type(type_name.name.as_str()) {
        type_name.schema = Some(Identifier::from("pg_catalog"));
    }
    let modifiers = name.typmods.iter().map(modifier).collect();
    DataType { name: type_name, modifiers, dimensions: u32::try_from(name.array_bounds.len()).unwrap_or(u32::MAX) }
}

/// One of the values in a type's parentheses.
#[expect(clippy::wildcard_enum_match_arm, reason = "PostgreSQL allows only constants and names here")]
fn modifier(node: &Node) -> String {
    use pg_query::protobuf::a_const::Val;
    match &node.node {
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(Val::Ival(value)) => value.ival.to_string(),
            Some(Val::Fval(value)) => value.fval.clone(),
            Some(Val::Boolval(value)) => value.boolval.to_string(),
            Some(Val::Sval(value)) => value.sval.clone(),
            Some(Val::Bsval(value)) => value.bsval.clone(),
            None => String::new(),
        },
        Some(NodeEnum::ColumnRef(column)) => column.fields.iter().filter_map(string).collect::<Vec<_>>().join("."),
        Some(NodeEnum::Integer(value)) => value.ival.to_string(),
        _ => String::new(),
    }
}
