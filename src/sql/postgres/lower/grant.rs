//! Privileges: GRANT, REVOKE and default privileges. Never expands `ALL TABLES IN SCHEMA`: that takes a catalog.

use std::collections::BTreeMap;

use pg_query::NodeEnum;
use pg_query::protobuf::{AlterDefaultPrivilegesStmt, GrantRoleStmt, GrantStmt, GrantTargetType, Node};

use super::name::{identifiers, named_by};
use super::nodes::behavior;
use super::object::{kind, part, reference, roles};
use super::{definition, opaque};
use crate::schema::change::{Grant, OnConflict, Touches};
use crate::schema::{Change, Identifier, Name, ObjectKind, ObjectRef};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `GRANT` and `REVOKE` on objects: one change for each object, grantee and list of columns.
pub(super) fn grant(source: &Source<'_>, statement: &GrantStmt) -> Vec<Lowered> {
    let mut changes = Vec::new();
    for object in objects(statement) {
        for grantee in roles(&statement.grantees) {
            for (columns, privileges) in privileges(&statement.privileges) {
                let (object, grantee) = (object.clone(), grantee.clone());
                let grant = Grant { object, privileges, columns, grantee, grantable: statement.grant_option };
                let change = if statement.is_grant {
                    Change::Grant(grant)
                } else {
                    Change::Revoke { grant, behavior: behavior(statement.behavior) }
                };
                changes.push(source.lowered(change));
            }
        }
    }
    if changes.is_empty() { opaque(source, "the parser does not say to whom or on what", Touches::Nothing) } else { changes }
}

/// What is granted on. All objects of a kind in a schema are a part of the schema: `all tables`.
fn objects(statement: &GrantStmt) -> Vec<ObjectRef> {
    let Some(kind) = kind(statement.objtype()) else { return Vec::new() };
    let object = |node: &Node| match statement.targtype() {
        GrantTargetType::AclTargetAllInSchema => part(ObjectKind::Schema, named_by(node), format!("all {}", plural(kind))),
        GrantTargetType::AclTargetObject | GrantTargetType::AclTargetDefaults | GrantTargetType::Undefined => reference(kind, node),
    };
    statement.objects.iter().map(object).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar has only these after ALL")]
fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Sequence => "sequences",
        ObjectKind::Function => "functions",
        ObjectKind::Procedure => "procedures",
        ObjectKind::Routine => "routines",
        _ => "tables",
    }
}

/// Privileges by the columns that they are on. None written means all.
fn privileges(nodes: &[Node]) -> BTreeMap<Vec<Identifier>, Vec<String>> {
    let mut by_columns: BTreeMap<Vec<Identifier>, Vec<String>> = BTreeMap::new();
    for node in nodes {
        if let Some(NodeEnum::AccessPriv(privilege)) = &node.node {
            let name = if privilege.priv_name.is_empty() { "ALL".to_owned() } else { privilege.priv_name.to_uppercase() };
            by_columns.entry(identifiers(&privilege.cols)).or_default().push(name);
        }
    }
    if by_columns.is_empty() {
        by_columns.insert(Vec::new(), vec!["ALL".to_owned()]);
    }
    for names in by_columns.values_mut() {
        names.sort();
        names.dedup();
    }
    by_columns
}

/// `ALTER DEFAULT PRIVILEGES`: kept as written, each statement by itself.
pub(super) fn defaults(source: &Source<'_>, _statement: &AlterDefaultPrivilegesStmt) -> Vec<Lowered> {
    let object = part(ObjectKind::DefaultPrivileges, Name::unqualified(""), source.statement());
    definition::create(source, object, Vec::new(), OnConflict::Replace)
}

/// `GRANT role TO role`.
pub(super) fn membership(source: &Source<'_>, _statement: &GrantRoleStmt) -> Vec<Lowered> {
    opaque(source, "who is a member of a role is a matter of the whole server, not of a schema", Touches::Nothing)
}
