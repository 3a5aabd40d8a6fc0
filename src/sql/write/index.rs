//! Indexes as SQL. Decides nothing about how they are built.

use super::{identifier, list, name, option_list, optional, text, with_options};
use crate::schema::change::Concurrency;
use crate::schema::{Index, IndexElement, IndexKey, NullsDistinct, Uniqueness};

/// `CREATE INDEX`, without a semicolon.
pub fn create_index(index: &Index, concurrency: Concurrency) -> String {
    let unique = match index.uniqueness {
        Uniqueness::Plain => "",
        Uniqueness::Unique => "UNIQUE ",
    };
    let concurrently = match concurrency {
        Concurrency::Blocking => "",
        Concurrency::Concurrently => "CONCURRENTLY ",
    };
    let called = optional("", index.name.as_ref(), |name| format!("{} ", identifier(name)));
    let only = if index.only { "ONLY " } else { "" };
    let method = if index.method == "btree" { String::new() } else { format!(" USING {}", identifier(&index.method)) };
    let elements: Vec<String> = index.elements.iter().map(index_element).collect();
    let include = if index.include.is_empty() { String::new() } else { format!(" INCLUDE ({})", list(&index.include)) };
    let nulls = match index.nulls {
        NullsDistinct::Distinct => "",
        NullsDistinct::NotDistinct => " NULLS NOT DISTINCT",
    };
    let tablespace = optional(" TABLESPACE ", index.tablespace.as_ref(), identifier);
    let predicate = optional(" WHERE ", index.predicate.as_ref(), text);
    format!(
        "CREATE {unique}INDEX {concurrently}{called}ON {only}{}{method} ({}){include}{nulls}{}{tablespace}{predicate}",
        name(&index.table),
        elements.join(", "),
        with_options(&index.options)
    )
}

/// An element of an index, an exclusion constraint or a partition key.
pub fn index_element(element: &IndexElement) -> String {
    let key = match &element.key {
        IndexKey::Column(name) => identifier(name),
        IndexKey::Expression(expression) => format!("({})", text(expression)),
    };
    let collation = optional(" COLLATE ", element.collation.as_ref(), name);
    let class = optional(" ", element.class.as_ref(), name);
    let options = if element.class_options.is_empty() { String::new() } else { format!(" ({})", option_list(&element.class_options)) };
    let order = if element.descending { " DESC" } else { "" };
    let nulls = match element.nulls_first {
        None => "",
        Some(true) => " NULLS FIRST",
        Some(false) => " NULLS LAST",
    };
    format!("{key}{collation}{class}{options}{order}{nulls}")
}
