//! What belongs to the server or to the outside rather than to a schema: roles, databases, tablespaces, foreign servers, subscriptions.

use pg_query::NodeEnum;
use pg_query::protobuf::{self as pg, Node};

use super::definition::{alter, mapping, simple};
use super::nodes::{behavior, if_exists, role};
use super::object::whole;
use super::{one, opaque};
use crate::schema::change::{DropBehavior, Touches};
use crate::schema::{Change, Name, ObjectKind, Sql};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// Statements on what stands beside all schemas.
#[expect(clippy::wildcard_enum_match_arm, reason = "the parser has a node for every part of the grammar; the rest belongs to others")]
pub(super) fn statement(source: &Source<'_>, node: &NodeEnum) -> Option<Vec<Lowered>> {
    use ObjectKind::{Database, ForeignDataWrapper, ForeignServer, Role, Subscription, Tablespace};
    Some(match node {
        NodeEnum::CreateRoleStmt(create) => simple(source, Role, &create.role),
        NodeEnum::AlterRoleStmt(alter) => altered(source, Role, role(alter.role.as_ref()).as_str()),
        NodeEnum::AlterRoleSetStmt(alter) if alter.role.is_none() => altered(source, Database, &alter.database),
        NodeEnum::AlterRoleSetStmt(alter) => altered(source, Role, role(alter.role.as_ref()).as_str()),
        NodeEnum::DropRoleStmt(drop) => drop_roles(source, drop),
        NodeEnum::CreatedbStmt(create) => simple(source, Database, &create.dbname),
        NodeEnum::AlterDatabaseStmt(alter) => altered(source, Database, &alter.dbname),
        NodeEnum::AlterDatabaseSetStmt(alter) => altered(source, Database, &alter.dbname),
        NodeEnum::AlterDatabaseRefreshCollStmt(alter) => altered(source, Database, &alter.dbname),
        NodeEnum::DropdbStmt(drop) => dropped(source, Database, &drop.dbname, drop.missing_ok),
        NodeEnum::CreateTableSpaceStmt(create) => simple(source, Tablespace, &create.tablespacename),
        NodeEnum::AlterTableSpaceOptionsStmt(alter) => altered(source, Tablespace, &alter.tablespacename),
        NodeEnum::DropTableSpaceStmt(drop) => dropped(source, Tablespace, &drop.tablespacename, drop.missing_ok),
        NodeEnum::CreateSubscriptionStmt(create) => simple(source, Subscription, &create.subname),
        NodeEnum::AlterSubscriptionStmt(alter) => altered(source, Subscription, &alter.subname),
        NodeEnum::DropSubscriptionStmt(drop) => {
            let object = whole(Subscription, Name::unqualified(drop.subname.as_str()));
            one(source, Change::DropObject { object, behavior: behavior(drop.behavior), if_exists: if_exists(drop.missing_ok) })
        }
        NodeEnum::CreateFdwStmt(create) => simple(source, ForeignDataWrapper, &create.fdwname),
        NodeEnum::AlterFdwStmt(alter) => altered(source, ForeignDataWrapper, &alter.fdwname),
        NodeEnum::AlterForeignServerStmt(alter) => altered(source, ForeignServer, &alter.servername),
        NodeEnum::AlterUserMappingStmt(written) => {
            alter(source, written, Owner::Value, mapping(&written.servername, written.user.as_ref()))
        }
        NodeEnum::DropUserMappingStmt(drop) => {
            let object = mapping(&drop.servername, drop.user.as_ref());
            one(source, Change::DropObject { object, behavior: DropBehavior::Restrict, if_exists: if_exists(drop.missing_ok) })
        }
        NodeEnum::ImportForeignSchemaStmt(import) => import_schema(source, import),
        NodeEnum::AlterSystemStmt(_) => opaque(source, "ALTER SYSTEM sets the whole server, not a schema", Touches::Nothing),
        NodeEnum::DropOwnedStmt(_) => opaque(source, "which objects a role owns is not known", Touches::Anything),
        NodeEnum::ReassignOwnedStmt(_) => opaque(source, "which objects a role owns is not known", Touches::Nothing),
        _ => return None,
    })
}

fn altered(source: &Source<'_>, kind: ObjectKind, name: &str) -> Vec<Lowered> {
    let object = whole(kind, Name::unqualified(name));
    one(source, Change::AlterObject { object, statement: Sql::plain(source.statement()) })
}

fn dropped(source: &Source<'_>, kind: ObjectKind, name: &str, missing_ok: bool) -> Vec<Lowered> {
    let object = whole(kind, Name::unqualified(name));
    one(source, Change::DropObject { object, behavior: DropBehavior::Restrict, if_exists: if_exists(missing_ok) })
}

fn drop_roles(source: &Source<'_>, drop: &pg::DropRoleStmt) -> Vec<Lowered> {
    let roles = super::object::roles(&drop.roles).into_iter();
    roles.flat_map(|role| dropped(source, ObjectKind::Role, role.as_str(), drop.missing_ok)).collect()
}

/// The foreign tables come with the columns that the other server has.
fn import_schema(source: &Source<'_>, import: &pg::ImportForeignSchemaStmt) -> Vec<Lowered> {
    let named = |node: &Node| match &node.node {
        Some(NodeEnum::RangeVar(table)) => {
            let name = Name::new(import.local_schema.as_str(), table.relname.as_str());
            Some(whole(ObjectKind::ForeignTable, name))
        }
        _ => None,
    };
    let only_these = import.list_type() == pg::ImportForeignSchemaType::FdwImportSchemaLimitTo;
    let touches = if only_these { Touches::Objects(import.table_list.iter().filter_map(named).collect()) } else { Touches::Anything };
    opaque(source, "the columns of imported tables are known only to the foreign server", touches)
}
