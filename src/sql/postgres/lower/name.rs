//! Names in parse trees. Never looks anything up: a schema is there only if the author wrote it.

use pg_query::protobuf::RangeVar;
use pg_query::{Node, NodeEnum};

pub(in crate::sql::postgres) use super::data_type::data_type;
use crate::schema::{Identifier, Name};

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

/// The name that a node spells: a list of strings, a relation, a type, a function or a lone string.
pub(in crate::sql::postgres) fn named_by(node: &Node) -> Name {
    match &node.node {
        Some(NodeEnum::List(list)) => dotted(&list.items),
        Some(NodeEnum::RangeVar(relation)) => self::relation(relation),
        Some(NodeEnum::TypeName(name)) => data_type(name).name,
        Some(NodeEnum::ObjectWithArgs(object)) => dotted(&object.objname),
        _ => dotted(std::slice::from_ref(node)),
    }
}
