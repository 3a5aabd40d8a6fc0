//! A script of DDL to a catalog, like a migration that starts from nothing. Pure: asks no database.

use super::Error;
use crate::schema::{Catalog, Identifier};
use crate::sql::postgres;

/// The schema that the statements make. All their names have schemas, so that they are looked up nowhere else.
pub(super) fn fold(statements: &[String], search_path: &[String]) -> Result<Catalog, Error> {
    let mut catalog = Catalog { search_path: Vec::new(), ..Catalog::default() };
    let text = statements.join(";\n");
    let script = postgres::parse(&text);
    if let Some(error) = script.errors.into_iter().next() {
        return Err(Error::Syntax { statement: error.span.of(&text).to_owned(), message: error.message });
    }
    for statement in script.statements {
        for lowered in statement.changes {
            let change = catalog.resolve(lowered.change);
            catalog.apply(&change).map_err(|source| Error::Mismatch { statement: statement.span.of(&text).to_owned(), source })?;
        }
    }
    catalog.search_path = search_path.iter().map(|schema| Identifier::from(schema.as_str())).collect();
    Ok(catalog)
}
