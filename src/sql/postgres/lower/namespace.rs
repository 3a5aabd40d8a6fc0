//! Schemas and extensions.

use pg_query::protobuf::{AlterExtensionStmt, CreateExtensionStmt, CreateSchemaStmt};

use super::nodes::{elements, if_exists, option_value, role};
use super::object::whole;
use super::{one, opaque};
use crate::schema::change::Touches;
use crate::schema::{Change, Identifier, Name, ObjectKind, Sql};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE SCHEMA`. Without a name it is called as its owner.
pub(super) fn create_schema(source: &Source<'_>, statement: &CreateSchemaStmt) -> Vec<Lowered> {
    let owner = statement.authrole.as_ref().map(|owner| role(Some(owner)));
    let schema = match (&owner, statement.schemaname.as_str()) {
        (Some(owner), "") => owner.clone(),
        (_, name) => Identifier::from(name),
    };
    let mut changes = one(source, Change::CreateSchema { schema, if_not_exists: if_exists(statement.if_not_exists), owner });
    if !statement.schema_elts.is_empty() {
        let reason = "what CREATE SCHEMA creates along with the schema is not read: make each a statement of its own";
        changes.extend(opaque(source, reason, Touches::Anything));
    }
    changes
}

/// `CREATE EXTENSION`.
pub(super) fn create_extension(source: &Source<'_>, statement: &CreateExtensionStmt) -> Vec<Lowered> {
    let option = |name: &str| elements(&statement.options).find(|option| option.defname == name).map(option_value);
    one(
        source,
        Change::CreateExtension {
            extension: Identifier::from(statement.extname.as_str()),
            schema: option("schema").map(Identifier::from),
            version: option("new_version"),
            if_not_exists: if_exists(statement.if_not_exists),
        },
    )
}

/// `ALTER EXTENSION … UPDATE`.
pub(super) fn alter_extension(source: &Source<'_>, statement: &AlterExtensionStmt) -> Vec<Lowered> {
    let object = whole(ObjectKind::Extension, Name::unqualified(statement.extname.as_str()));
    one(source, Change::AlterObject { object, statement: Sql::plain(source.statement()) })
}
