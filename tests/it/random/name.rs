//! Names that a careless writer of SQL stumbles over, and the only place here that quotes them.

use super::picks::Picks;

/// Names as clients may give them; the plain ones come first.
const NAMES: &[&str] = &[
    "alpha",
    "beta",
    "gamma",
    "Order",
    "user",
    "select",
    "größe",
    "a b",
    "quo\"te",
    "per%cent",
    "dotted.name",
    "dollar$1",
    "back\\slash",
    "it's",
    "名前",
    "🐘",
    "colon:x",
    "_",
    "9lives",
    "table",
    "new",
    "old",
    "id_",
    "Alpha",
    "a_name_that_is_exactly_as_long_as_postgresql_lets_a_name_be_ok_",
    "ein_Name_der_so_lang_ist_wie_PostgreSQL_Namen_sein_läßt_63_Byt",
];

/// A name that is not among `taken`.
pub(super) fn fresh(picks: &mut Picks, taken: impl Fn(&str) -> bool) -> String {
    let base = picks.of(NAMES).copied().unwrap_or("alpha");
    if !taken(base) {
        return base.to_owned();
    }
    let numbered = |number: usize| {
        let mut name = format!("{number}_{base}");
        if number < 10 && base.is_ascii() && base.len() < 60 {
            name = format!("{base}{number}");
        }
        while name.len() > 63 {
            name.pop();
        }
        name
    };
    (2..1000).map(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && !matches!(name, "user" | "select" | "table" | "order" | "new" | "old") {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Several, separated by commas.
pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// A text as SQL has it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
