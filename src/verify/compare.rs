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
    let mut found: Schema = statements.iter().map(|statement| once_cast(&as_text(&without_order(statement)))).collect();
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

/// ALTER COLUMN TYPE casts the constants of a CHECK once more, `((1)::numeric)::double precision`, where one that is made anew
/// says `(1)::double precision`. Of a whole number both are the same.
fn once_cast(statement: &str) -> String {
    const AGAIN: &str = ")::numeric)::";
    let mut cast = String::new();
    let mut rest = statement;
    while let Some(at) = rest.find(AGAIN) {
        let (before, after) = (&rest[..at], &rest[at + AGAIN.len()..]);
        rest = after;
        match before.rsplit_once("((") {
            Some((start, constant)) if is_whole(constant) => cast.extend([start, "(", constant, ")::"]),
            _ => cast.extend([before, AGAIN]),
        }
    }
    cast + rest
}

/// A column that was `varchar` when its CHECK was made keeps constants of that type in it: `('a'::character varying)::text`, where
/// one that is made anew says `'a'::text`. Both are the same text.
fn as_text(statement: &str) -> String {
    const AGAIN: &str = "::character varying)::text";
    let mut cast = String::new();
    let mut rest = statement;
    while let Some(at) = rest.find(AGAIN) {
        let (before, after) = (&rest[..at], &rest[at + AGAIN.len()..]);
        rest = after;
        match before.rsplit_once("('") {
            Some((start, constant)) if constant.strip_suffix('\'').is_some_and(|inside| !inside.replace("''", "").contains('\'')) => {
                cast.extend([start, "'", constant, "::text"]);
            }
            _ => cast.extend([before, AGAIN]),
        }
    }
    cast + rest
}

/// `7`, `'-7'::integer`.
fn is_whole(constant: &str) -> bool {
    let literal = constant.strip_suffix("::integer").or_else(|| constant.strip_suffix("::bigint")).unwrap_or(constant);
    let digits = literal.trim_matches('\'').trim_start_matches('-');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
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

#[cfg(test)]
mod tests {
    use super::{as_text, once_cast};

    #[test]
    fn text_constants_are_cast_once() {
        let twice = "CHECK ((d = ANY (ARRAY[('a'::character varying)::text, ('it''s'::character varying)::text])))";
        assert_eq!(as_text(twice), "CHECK ((d = ANY (ARRAY['a'::text, 'it''s'::text])))");
        let other = "CHECK (((d)::character varying)::text <> ('a'::bpchar)::text)";
        assert_eq!(as_text(other), other);
    }

    #[test]
    fn whole_constants_are_cast_once() {
        let twice = "CHECK ((a > (('-10'::integer)::numeric)::double precision) AND (b < ((7)::numeric)::real))";
        assert_eq!(once_cast(twice), "CHECK ((a > ('-10'::integer)::double precision) AND (b < (7)::real))");
        for other in ["CHECK (((a)::numeric)::real > 1)", "CHECK (((1.5)::numeric)::real > a)"] {
            assert_eq!(once_cast(other), other);
        }
    }
}
