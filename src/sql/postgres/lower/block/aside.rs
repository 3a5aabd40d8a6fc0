//! Blocks of code that leave the schema and the rows alone: those that only look, and stop the release where something isn't as it
//! has to be, and those that make roles where there are none yet. They run as a whole, whatever their conditions are.

use pg_query::NodeEnum;
use serde_json::Value;

use crate::schema::change::{OnConflict, Verb};
use crate::schema::{Change, Identifier, Name, ObjectKind};
use crate::sql::postgres::lower::nodes::role;
use crate::sql::postgres::lower::{data, definition, object, statement};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// What the block counts as; nothing if it may do more.
pub(super) fn read(source: &Source<'_>, function: &Value) -> Option<Vec<Lowered>> {
    let mut found = Found::default();
    found.walk(&function["datums"])?;
    found.walk(&function["action"])?;
    Some(match found.roles.into_iter().next() {
        Some(role) => {
            let object = object::whole(ObjectKind::Role, Name::unqualified(role));
            definition::create(source, object, Vec::new(), OnConflict::Skip)
        }
        // The schema is as it asks only at the end of the release.
        None if found.reads.iter().any(is_of_system) => return None,
        None => data::looking(source, found.reads, found.calls),
    })
}

/// Whether it is a table of the server's own, of whatever kind.
fn is_of_system(table: &Name) -> bool {
    let schema = table.schema.as_ref().map_or("", |schema| schema.as_str());
    table.name.as_str().starts_with("pg_") || matches!(schema, "pg_catalog" | "information_schema")
}

/// What the code does.
#[derive(Default)]
struct Found {
    /// Tables that it reads.
    reads: Vec<Name>,
    /// Functions that it calls.
    calls: Vec<Name>,
    /// Roles that are made, changed, or given something.
    roles: Vec<Identifier>,
}

/// What code may consist of that changes nothing by itself.
const HARMLESS: [&str; 16] = [
    "PLpgSQL_stmt_block",
    "PLpgSQL_stmt_if",
    "PLpgSQL_stmt_case",
    "PLpgSQL_stmt_raise",
    "PLpgSQL_stmt_assert",
    "PLpgSQL_stmt_return",
    "PLpgSQL_stmt_assign",
    "PLpgSQL_stmt_execsql",
    "PLpgSQL_stmt_perform",
    "PLpgSQL_stmt_getdiag",
    "PLpgSQL_stmt_fors",
    "PLpgSQL_stmt_fori",
    "PLpgSQL_stmt_foreach_a",
    "PLpgSQL_stmt_loop",
    "PLpgSQL_stmt_while",
    "PLpgSQL_stmt_exit",
];

impl Found {
    fn walk(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.walk(value)),
            Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
                if name.starts_with("PLpgSQL_stmt_") && !HARMLESS.contains(&name.as_str()) {
                    return None;
                }
                match value["query"].as_str().filter(|_| name == "PLpgSQL_expr") {
                    Some(query) => self.query(query),
                    None => self.walk(value),
                }
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(()),
        }
    }

    /// A statement, an expression, or the assignment of one.
    fn query(&mut self, query: &str) -> Option<()> {
        let expression = query.split_once(":=").or_else(|| query.split_once('=')).map_or(query, |(_, expression)| expression);
        let forms = [query.to_owned(), format!("SELECT {query}"), format!("SELECT {expression}")];
        let (text, parsed) = forms.iter().find_map(|text| Some((text, pg_query::parse(text, 0).ok()?)))?;
        let own = Source::new(text, 0);
        let mut nodes = parsed.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref());
        nodes.try_for_each(|node| self.node(&own, node))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest isn't about a role")]
    fn node(&mut self, source: &Source<'_>, node: &NodeEnum) -> Option<()> {
        match node {
            NodeEnum::CreateRoleStmt(create) => self.roles.push(Identifier::from(create.role.as_str())),
            NodeEnum::AlterRoleStmt(alter) => self.roles.push(role(alter.role.as_ref())),
            NodeEnum::AlterRoleSetStmt(alter) => self.roles.push(role(alter.role.as_ref())),
            NodeEnum::GrantRoleStmt(grant) if grant.is_grant => self.roles.push(Identifier::from("public")),
            NodeEnum::GrantStmt(grant) if grant.is_grant => self.roles.push(Identifier::from("public")),
            NodeEnum::SelectStmt(_) => {
                for lowered in statement(source, node) {
                    let Change::Data(data) = lowered.change else { return None };
                    (data.verb == Verb::Select && data.writes.is_empty()).then_some(())?;
                    self.reads.extend(data.reads);
                    self.calls.extend(data.calls);
                }
            }
            _ => return None,
        }
        Some(())
    }
}
