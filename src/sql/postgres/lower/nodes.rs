//! Small things read from parse tree nodes: options, what is done with dependents. Never looks at the text.

use crate::schema::options::Options;

use pg_query::protobuf::{self as pg, a_const::Val};
use pg_query::{Node, NodeEnum};

use super::name::string;

use crate::schema::Identifier;
use crate::schema::change::{Concurrency, DropBehavior, IfExists};

/// A name that may be left out.
pub(in crate::sql::postgres) fn optional(name: &str) -> Option<Identifier> {
    (!name.is_empty()).then(|| Identifier::from(name))
}

/// Options such as `WITH (fillfactor = 70)`: one without a value is switched on.
pub(in crate::sql::postgres) fn options(nodes: &[Node]) -> Options {
    elements(nodes).map(|element| (option_name(element), option_value(element))).collect()
}

/// The names alone, as RESET gives them.
pub(in crate::sql::postgres) fn option_names(nodes: &[Node]) -> Vec<String> {
    elements(nodes).map(option_name).collect()
}

/// The options among some nodes.
pub(in crate::sql::postgres) fn elements(nodes: &[Node]) -> impl Iterator<Item = &pg::DefElem> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::DefElem(element)) => Some(element.as_ref()),
        _ => None,
    })
}

fn option_name(element: &pg::DefElem) -> String {
    if element.defnamespace.is_empty() { element.defname.clone() } else { format!("{}.{}", element.defnamespace, element.defname) }
}

/// The value of an option as text.
pub(in crate::sql::postgres) fn option_value(element: &pg::DefElem) -> String {
    element.arg.as_deref().map_or_else(|| "true".to_owned(), plain)
}

/// A constant, name or list of them as text.
pub(in crate::sql::postgres) fn plain(node: &Node) -> String {
    match &node.node {
        Some(NodeEnum::Integer(number)) => number.ival.to_string(),
        Some(NodeEnum::Float(number)) => number.fval.clone(),
        Some(NodeEnum::Boolean(truth)) => truth.boolval.to_string(),
        Some(NodeEnum::String(string)) => string.sval.clone(),
        Some(NodeEnum::BitString(bits)) => bits.bsval.clone(),
        Some(NodeEnum::AConst(constant)) => constant_text(constant),
        Some(NodeEnum::TypeName(name)) => joined(&name.names),
        Some(NodeEnum::ColumnRef(column)) => joined(&column.fields),
        Some(NodeEnum::List(list)) => list.items.iter().map(plain).collect::<Vec<_>>().join("."),
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().map(plain).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A dotted name as one text.
pub(in crate::sql::postgres) fn joined(parts: &[Node]) -> String {
    parts.iter().filter_map(string).collect::<Vec<_>>().join(".")
}

fn constant_text(constant: &pg::AConst) -> String {
    match &constant.val {
        Some(Val::Ival(number)) => number.ival.to_string(),
        Some(Val::Fval(number)) => number.fval.clone(),
        Some(Val::Boolval(truth)) => truth.boolval.to_string(),
        Some(Val::Sval(string)) => string.sval.clone(),
        Some(Val::Bsval(bits)) => bits.bsval.clone(),
        None => "NULL".to_owned(),
    }
}

/// What becomes of dependents: RESTRICT unless CASCADE was written.
pub(in crate::sql::postgres) fn behavior(code: i32) -> DropBehavior {
    if code == pg::DropBehavior::DropCascade as i32 { DropBehavior::Cascade } else { DropBehavior::Restrict }
}

/// `IF [NOT] EXISTS`.
pub(in crate::sql::postgres) fn if_exists(written: bool) -> IfExists {
    if written { IfExists::Skip } else { IfExists::Fail }
}

/// `CONCURRENTLY`.
pub(in crate::sql::postgres) fn concurrency(written: bool) -> Concurrency {
    if written { Concurrency::Concurrently } else { Concurrency::Blocking }
}

/// The one letter that the grammar uses for a choice.
pub(in crate::sql::postgres) fn letter(code: &str) -> char {
    code.chars().next().unwrap_or(' ')
}

/// A role, as a statement names it. The special ones keep their keyword.
pub(in crate::sql::postgres) fn role(role: Option<&pg::RoleSpec>) -> Identifier {
    let Some(role) = role else { return Identifier::from("") };
    match pg::RoleSpecType::try_from(role.roletype).unwrap_or_default() {
        pg::RoleSpecType::RolespecCurrentRole => Identifier::from("current_role"),
        pg::RoleSpecType::RolespecCurrentUser => Identifier::from("current_user"),
        pg::RoleSpecType::RolespecSessionUser => Identifier::from("session_user"),
        pg::RoleSpecType::RolespecPublic => Identifier::from("public"),
        pg::RoleSpecType::RolespecCstring | pg::RoleSpecType::Undefined => Identifier::from(role.rolename.as_str()),
    }
}
