//! What is said before the first object: settings that the statements count on, and what nobody can tell.

use crate::schema::{Catalog, Identifier};
use crate::sql::write::{identifier, object};

/// The settings, and remarks on what isn't known.
pub(super) fn preamble(catalog: &Catalog, body: &str) -> String {
    let mut lines = unknown(catalog);
    if body.contains("FUNCTION") || body.contains("PROCEDURE") {
        // A function may name a table that comes after it, or one that its caller makes.
        lines.push("SET check_function_bodies = off;".to_owned());
    }
    // Every name says its schema, but operators and what an extension brought may not.
    lines.push(format!("SET search_path = {};", search_path(catalog)));
    lines.join("\n") + "\n"
}

fn search_path(catalog: &Catalog) -> String {
    let mut path: Vec<&Identifier> = catalog.search_path.iter().filter(|schema| catalog.schemas.contains_key(*schema)).collect();
    for schema in catalog.schemas.keys() {
        if !path.contains(&schema) {
            path.push(schema);
        }
    }
    if path.is_empty() { "''".to_owned() } else { path.into_iter().map(identifier).collect::<Vec<_>>().join(", ") }
}

fn unknown(catalog: &Catalog) -> Vec<String> {
    let mut lines: Vec<String> =
        catalog.unknown.iter().map(|about| format!("-- Not known for sure: {}", object(about).replace('\n', " "))).collect();
    if catalog.unknown_all {
        lines.push("-- A statement that can't be read may have changed more than is shown here.".to_owned());
    }
    lines
}
