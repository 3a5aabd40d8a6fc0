//! Whether two databases have the same schema: column order and order of creation aside.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::Error;
use crate::db::postgres::introspect;

/// A database's schema as a set of statements that make it.
pub(super) type Schema = BTreeSet<String>;

/// Reads the schema of a database. What is ours and left behind counts too.
pub(super) async fn schema(connection: &mut PgConnection) -> Result<Schema, Error> {
    let statements = introspect::statements(connection).await?;
    with_ours(connection, &statements).await
}

/// The same in the transaction that is open, with what it has done.
pub(super) async fn schema_here(connection: &mut PgConnection) -> Result<Schema, Error> {
    let statements = introspect::statements_here(connection).await?;
    with_ours(connection, &statements).await
}

async fn with_ours(connection: &mut PgConnection, statements: &[String]) -> Result<Schema, Error> {
    let mut found: Schema = statements.iter().map(|statement| without_order(statement)).collect();
    let ours = "SELECT 'of concertina: ' || p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'concertina'
        UNION ALL SELECT 'of concertina: ' || c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'concertina'
        UNION ALL SELECT 'not valid: ' || i.indexrelid::pg_catalog.regclass::text FROM pg_catalog.pg_index i WHERE NOT i.indisvalid";
    let left: Vec<String> = sqlx::query_scalar(ours)
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(|source| Error::Shadow { doing: ours.to_owned(), source })?;
    found.extend(left);
    Ok(found)
}

/// A statement's lines in alphabetical order, where they are the columns of a table.
fn without_order(statement: &str) -> String {
    let head = statement.lines().next().unwrap_or_default().to_ascii_lowercase();
    if !head.starts_with("create ") || !head.contains("table ") || !head.ends_with('(') {
        return statement.to_owned();
    }
    let mut lines: Vec<&str> = statement.lines().map(|line| line.trim().trim_end_matches(',')).collect();
    if let Some(inner) = lines.get_mut(1..) {
        inner.sort_unstable();
    }
    lines.join("\n")
}

/// The first differences: what only one of them has.
pub(super) fn differences(expected: &Schema, found: &Schema) -> Option<(String, String)> {
    if expected == found {
        return None;
    }
    let list = |only: Vec<&String>| {
        let shown: Vec<&str> = only.iter().take(3).map(|text| text.as_str()).collect();
        if shown.is_empty() { "nothing of the kind".to_owned() } else { shown.join("\n") }
    };
    Some((list(expected.difference(found).collect()), list(found.difference(expected).collect())))
}
