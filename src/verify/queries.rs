//! Queries that users name: prepared, and run if wanted, in every state in which their release's clients live.

use sqlx::PgConnection;

use super::client::execute;
use crate::db::postgres::trusted;

/// A query of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The file that has it.
    pub file: String,
    /// Its name, or its number in the file.
    pub name: String,
    /// Its text, with `$1` for its parameters.
    pub sql: String,
}

/// Queries by the release that asks them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Those of the release before.
    pub old: Vec<Query>,
    /// Those of the release.
    pub new: Vec<Query>,
    /// Whether they are run and not only prepared.
    pub execute: bool,
}

/// The queries of a file: statements, named by a comment `-- name: NAME` above (as sqlc and others write it) or by number.
pub fn read(file: &str, text: &str) -> Vec<Query> {
    let script = crate::sql::postgres::parse(text);
    let mut queries = Vec::new();
    let mut from = 0;
    for (number, statement) in (1..).zip(&script.statements) {
        let comments = text.get(from..statement.span.start).unwrap_or_default();
        let own = statement.span.of(text);
        let named = comments
            .lines()
            .chain(own.lines())
            .filter_map(|line| line.trim().strip_prefix("--"))
            .find_map(|line| line.trim().strip_prefix("name:"));
        let name = named.and_then(|name| name.split_whitespace().next()).map_or_else(|| format!("number {number}"), str::to_owned);
        queries.push(Query { file: file.to_owned(), name, sql: own.to_owned() });
        from = statement.span.end;
    }
    queries
}

/// What was prepared outlives a transaction, and isn't there if the server refused it.
const FORGET: &str =
    "DO $concertina$ BEGIN DEALLOCATE concertina_query; EXCEPTION WHEN invalid_sql_statement_name THEN NULL; END $concertina$";

/// Prepares a query after what is to come `first`, and runs it with NULLs if `run` says so; what it does is taken back. What the
/// server says against it.
pub(super) async fn ask(
    connection: &mut PgConnection,
    query: &Query,
    run: bool,
    first: Option<&str>,
) -> Result<Result<(), String>, sqlx::Error> {
    execute(connection, "BEGIN").await?;
    if let Some(first) = first {
        execute(connection, first).await?;
    }
    let result = attempt(connection, query, run).await;
    execute(connection, "ROLLBACK").await?;
    execute(connection, FORGET).await?;
    match result {
        Ok(()) => Ok(Ok(())),
        Err(error) => match error.as_database_error().map(|error| error.message().to_owned()) {
            Some(message) => Ok(Err(message)),
            None => Err(error),
        },
    }
}

async fn attempt(connection: &mut PgConnection, query: &Query, run: bool) -> Result<(), sqlx::Error> {
    execute(connection, &format!("PREPARE concertina_query AS {}", query.sql)).await?;
    if run {
        let count: i32 = sqlx::query_scalar(
            "SELECT cardinality(parameter_types) FROM pg_catalog.pg_prepared_statements WHERE name = 'concertina_query'",
        )
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
        let nulls = vec!["NULL"; usize::try_from(count).unwrap_or_default()].join(", ");
        let call = if nulls.is_empty() { "EXECUTE concertina_query".to_owned() } else { format!("EXECUTE concertina_query ({nulls})") };
        sqlx::raw_sql(trusted(&call)).fetch_all(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn queries_have_the_name_that_a_comment_gives_them() {
        let found = read("q.sql", "-- name: GetUser :one\nSELECT 1;\n\nSELECT 2;\n");
        let names: Vec<&str> = found.iter().map(|query| query.name.as_str()).collect();
        assert_eq!(names, ["GetUser", "number 2"]);
    }
}
