//! The only place that quotes and writes SQL, for PostgreSQL. Decides nothing: what it is given, it spells.

mod keyword_list;
mod data_type;
mod constraint;
mod index;
mod table;
mod make;
mod reference;
mod catalog;

use crate::schema::{Identifier, Name, Part, Sql};

pub use catalog::{catalog, remarks_about};
pub use constraint::{constraint, reference_action};
pub use data_type::data_type;
pub use index::{create_index, index_element};
pub(crate) use make::sequence_options;
pub use make::{create_sequence, create_type, create_view};
pub use reference::{keyword, object};
pub use table::{alter_default, column, create_table, set_default};

/// An identifier, in quotes where it needs them.
pub fn identifier(identifier: &Identifier) -> String {
    quoted(identifier.as_str())
}

/// The same for a text that is the stored name of something.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let begins = text.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
    if begins && text.chars().all(plain) && !keyword_list::needs_quotes(text) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

/// A string literal. Backslashes stand for themselves (`standard_conforming_strings`, on since PostgreSQL 9.1).
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name with its schema; what is built in is found without one.
pub fn name(name: &Name) -> String {
    match &name.schema {
        Some(schema) if schema != "pg_catalog" => format!("{}.{}", identifier(schema), identifier(&name.name)),
        _ => identifier(&name.name),
    }
}

/// Identifiers with commas between them.
pub fn list<'a>(identifiers: impl IntoIterator<Item = &'a Identifier>) -> String {
    identifiers.into_iter().map(identifier).collect::<Vec<_>>().join(", ")
}

/// What is said only where there is something to say.
pub(crate) fn optional<T: ?Sized>(word: &str, value: Option<&T>, spell: impl Fn(&T) -> String) -> String {
    value.map(|value| format!("{word}{}", spell(value))).unwrap_or_default()
}

/// A piece of SQL, with its references as they are called now.
pub fn text(sql: &Sql) -> String {
    let mut written = String::new();
    for part in &sql.parts {
        let piece = match part {
            Part::Text(text) => text.clone(),
            Part::Column { name, .. } => identifier(name),
            Part::Relation(relation) => name(relation),
            Part::RelationLiteral(relation) => literal(&name(relation)),
            Part::Function(called) if is_operator(&called.name) => operator(called),
            Part::Function(called) | Part::Type(called) => name(called),
        };
        // A name that had quotes may stand right beside a word: `select"A"from`.
        if written.ends_with(is_word) && piece.starts_with(is_word) && !piece.is_empty() {
            written.push(' ');
        }
        written.push_str(&piece);
    }
    written
}

/// An operator with its schema, which takes no quotes.
fn operator(called: &Name) -> String {
    let schema = called.schema.as_ref().filter(|schema| *schema != "pg_catalog");
    format!("{}{}", schema.map(|schema| format!("{}.", identifier(schema))).unwrap_or_default(), called.name)
}

fn is_operator(name: &Identifier) -> bool {
    !name.as_str().is_empty() && name.as_str().chars().all(|letter| "+-*/<>=~!@#%^&|`?".contains(letter))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$' || !letter.is_ascii()
}

/// Storage parameters, as in `WITH (fillfactor = 70)`; nothing where there are none.
pub(crate) fn with_options(options: &crate::schema::Options) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", option_list(options)) }
}

/// Storage parameters with commas between them.
pub fn option_list(options: &crate::schema::Options) -> String {
    let written = options.iter().map(|(key, value)| {
        let key = key.split('.').map(quoted).collect::<Vec<_>>().join(".");
        if value.is_empty() { key } else { format!("{key} = {}", option_value(value)) }
    });
    written.collect::<Vec<_>>().join(", ")
}

/// Words and numbers stand for themselves; anything else is a literal.
fn option_value(value: &str) -> String {
    let number = value.strip_prefix('-').unwrap_or(value);
    let is_number = number.starts_with(|letter: char| letter.is_ascii_digit()) && number.parse::<f64>().is_ok();
    if is_number || quoted(value) == value { value.to_owned() } else { literal(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_only_where_they_must_be() {
        for (stored, written) in [
            ("users", "users"),
            ("_a1", "_a1"),
            ("Users", "\"Users\""),
            ("1a", "\"1a\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a$", "\"a$\""),
            ("größe", "\"größe\""),
            ("user", "\"user\""),
            ("order", "\"order\""),
            ("left", "\"left\""),
            ("between", "\"between\""),
            ("name", "name"),
            ("value", "value"),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(stored), written);
        }
    }

    #[test]
    fn words_that_lose_their_quotes_stay_words() {
        let column = Part::Column { of: None, name: "b".into() };
        let sql = Sql { parts: vec![Part::Text("a+".into()), column.clone(), Part::Text("is null or".into()), column] };
        assert_eq!(text(&sql), "a+b is null or b");
    }

    #[test]
    fn every_word_that_the_parser_reserves_is_quoted() {
        for word in keyword_list::ALL {
            let tokens = pg_query::scan(word).unwrap().tokens;
            assert!(tokens[0].keyword_kind > pg_query::protobuf::KeywordKind::UnreservedKeyword as i32, "{word}");
        }
    }
}
