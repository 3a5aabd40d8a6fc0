//! A script of DDL to a catalog, as if it were the first migration. Pure: asks no database.

use super::Error;
use crate::engine::Engine;
use crate::history;
use crate::schema::{Catalog, Identifier};
use crate::source::{Migration, RunnerTransaction};

/// The schema that the statements make. All their names have schemas, so that they are looked up nowhere else.
pub(super) fn fold(statements: &[String], search_path: &[String], major: u32) -> Result<Catalog, Error> {
    let start = Catalog { search_path: Vec::new(), ..Catalog::default() };
    let text = statements.join(";\n");
    let script =
        Migration { path: String::new(), version: String::new(), up: 0..text.len(), text, transaction: RunnerTransaction::Unwrapped };
    let mut history = history::fold(Engine::PostgreSql { major }, std::slice::from_ref(&script), &start);
    if let Some(unread) = history.syntax_errors.pop() {
        return Err(Error::Unreadable { statement: unread.error.span.of(&script.text).to_owned(), message: unread.error.message });
    }
    if let Some(mismatch) = history.mismatches.pop() {
        return Err(Error::Unreadable { statement: mismatch.span.of(&script.text).to_owned(), message: mismatch.message });
    }
    history.end.search_path = search_path.iter().map(|schema| Identifier::from(schema.as_str())).collect();
    Ok(history.end)
}
