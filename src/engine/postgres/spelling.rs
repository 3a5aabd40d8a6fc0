//! Reads the spelling of a built-in type, as far as the engine needs it inside an expression. Never an authority on types:
//! what it doesn't know is `None`.

use crate::schema::{DataType, Name};

/// Spellings that differ from the catalog's name.
const SPELLINGS: &[(&str, &str)] = &[
    ("bigint", "int8"),
    ("bit varying", "varbit"),
    ("boolean", "bool"),
    ("char", "bpchar"),
    ("character", "bpchar"),
    ("character varying", "varchar"),
    ("decimal", "numeric"),
    ("double precision", "float8"),
    ("int", "int4"),
    ("integer", "int4"),
    ("real", "float4"),
    ("smallint", "int2"),
    ("time with time zone", "timetz"),
    ("time without time zone", "time"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
];

/// Types whose name is their spelling.
const NAMES: &[&str] = &[
    "bit",
    "bool",
    "bpchar",
    "bytea",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "numeric",
    "oid",
    "regclass",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varbit",
    "varchar",
    "xml",
];

/// The type that `text` spells: `character varying(20)`.
pub(super) fn canonical_type(text: &str) -> Option<DataType> {
    let text = text.trim().to_lowercase();
    let bare = text.trim_end_matches("[]");
    let dimensions = u32::try_from((text.len() - bare.len()) / 2).ok()?;
    let (words, modifiers) = match bare.split_once('(') {
        None => (bare.to_owned(), Vec::new()),
        Some((before, rest)) => {
            let (inside, after) = rest.split_once(')')?;
            (format!("{} {}", before.trim(), after.trim()), inside.split(',').map(|modifier| modifier.trim().to_owned()).collect())
        }
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.strip_prefix("pg_catalog.").unwrap_or(&words);
    let name = SPELLINGS.iter().find(|(spelling, _)| *spelling == words).map(|(_, name)| *name);
    let name = name.or_else(|| NAMES.iter().find(|name| **name == words).copied())?;
    // `char` alone is `char(1)`.
    let modifiers = if name == "bpchar" && modifiers.is_empty() && words != "bpchar" { vec!["1".to_owned()] } else { modifiers };
    Some(DataType { name: Name::new("pg_catalog", name), modifiers, dimensions })
}
