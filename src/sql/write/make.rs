//! Views, sequences and types.

use super::{data_type, identifier, list, literal, name, optional, text, with_options};
use crate::schema::object::{Sequence, TypeKind, UserType, View, ViewColumn};
use crate::schema::{Lookup, Validity};
use crate::sql::postgres::resolve::output_names;

/// `CREATE VIEW`, without a semicolon. The column names are spelled out where the query gives its columns others.
pub fn create_view(view: &View) -> String {
    let materialized = if view.materialized { "MATERIALIZED " } else { "" };
    let query = text(&view.query);
    let columns = match &view.columns {
        Lookup::Known(columns) if !are_own_names(columns, &query) => format!(" ({})", list(columns.iter().map(|column| &column.name))),
        Lookup::Known(_) | Lookup::Absent | Lookup::Unknown => String::new(),
    };
    let options = with_options(&view.options);
    let tablespace = optional(" TABLESPACE ", view.tablespace.as_ref(), identifier);
    let check = optional("\nWITH ", view.check_option.as_ref(), |kind| format!("{} CHECK OPTION", kind.to_ascii_uppercase()));
    let data = if view.materialized && !view.populated { "\nWITH NO DATA" } else { "" };
    format!("CREATE {materialized}VIEW {}{columns}{options}{tablespace} AS\n{}{check}{data}", name(&view.name), query.trim_end())
}

/// Whether a query by itself gives its columns these names.
fn are_own_names(columns: &[ViewColumn], query: &str) -> bool {
    let own = output_names(query).unwrap_or_default();
    own.len() == columns.len() && own.iter().zip(columns).all(|(own, column)| column.name == own.as_str())
}

/// `CREATE SEQUENCE`, without a semicolon and without its owner, which may be made later.
pub fn create_sequence(sequence: &Sequence) -> String {
    let unlogged = if sequence.unlogged { "UNLOGGED " } else { "" };
    let of_type = if sequence.data_type.is("int8") { String::new() } else { format!(" AS {}", data_type(&sequence.data_type)) };
    format!("CREATE {unlogged}SEQUENCE {}{of_type}{}", name(&sequence.name), sequence_options(sequence))
}

/// The options of a sequence, each with a space before it.
pub(crate) fn sequence_options(sequence: &Sequence) -> String {
    let written = sequence.options.iter().map(|(key, value)| sequence_option(key, value));
    written.collect()
}

/// One option of a sequence, with a space before it.
pub(super) fn sequence_option(key: &str, value: &str) -> String {
    match (key, value) {
        ("CYCLE", "false") => " NO CYCLE".to_owned(),
        ("CYCLE", _) => " CYCLE".to_owned(),
        ("INCREMENT", value) => format!(" INCREMENT BY {value}"),
        ("START", value) => format!(" START WITH {value}"),
        ("RESTART", value) if !value.is_empty() => format!(" RESTART WITH {value}"),
        (key, "") => format!(" {}{key}", if key.ends_with("VALUE") { "NO " } else { "" }),
        (key, value) => format!(" {key} {value}"),
    }
}

/// `CREATE TYPE` or `CREATE DOMAIN`, without a semicolon.
pub fn create_type(of: &UserType) -> String {
    let called = name(&of.name);
    match &of.kind {
        TypeKind::Enum { labels } => format!("CREATE TYPE {called} AS ENUM {}", lines(labels.iter().map(|label| literal(label)))),
        TypeKind::Composite { attributes } => {
            let attributes = attributes.iter().map(|(attribute, of_type, collation)| {
                format!("{} {}{}", identifier(attribute), data_type(of_type), optional(" COLLATE ", collation.as_ref(), name))
            });
            format!("CREATE TYPE {called} AS {}", lines(attributes))
        }
        TypeKind::Range { options } => format!("CREATE TYPE {called} AS RANGE {}", in_parentheses(&text(options))),
        TypeKind::Base { definition: Some(definition) } => text(definition),
        TypeKind::Base { definition: None } => format!("CREATE TYPE {called}"),
        TypeKind::Domain { base, collation, default, not_null, checks } => {
            // NOT VALID can't be said here: it is for ALTER DOMAIN.
            let valid = checks.iter().filter(|(_, _, validity)| *validity == Validity::Valid);
            let checks = valid.map(|(check, condition, _)| format!("\n    CONSTRAINT {} CHECK ({})", identifier(check), text(condition)));
            [
                format!("CREATE DOMAIN {called} AS {}", data_type(base)),
                optional(" COLLATE ", collation.as_ref(), name),
                optional(" DEFAULT ", default.as_ref(), text),
                if *not_null { " NOT NULL".to_owned() } else { String::new() },
                checks.collect(),
            ]
            .concat()
        }
    }
}

/// Elements in parentheses, each on a line of its own.
fn lines(elements: impl Iterator<Item = String>) -> String {
    let elements: Vec<String> = elements.collect();
    if elements.is_empty() { "()".to_owned() } else { format!("(\n    {}\n)", elements.join(",\n    ")) }
}

fn in_parentheses(text: &str) -> String {
    if text.trim_start().starts_with('(') { text.to_owned() } else { format!("({text})") }
}
