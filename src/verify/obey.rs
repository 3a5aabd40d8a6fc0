//! Values that may obey a table's conditions: guesses by what the conditions name, another one for each attempt. Pure.

use super::shape::{Column, Table};
use super::value::{cast, lengths, literals};
use crate::sql::write;

/// How often a row is tried with other values.
pub(super) const TRIES: u64 = 12;

/// Whether an error may go by with other values: conditions, NOT NULL, keys, what triggers refuse, and what a type does not hold.
pub(super) fn may_pass(code: &str) -> bool {
    matches!(code, "23514" | "23502" | "23505" | "P0001" | "22001" | "22P02" | "22003")
}

/// From the second attempt on, and for a column that conditions name: NULL, or a value from their text.
pub(super) fn guess(table: &Table, column: &Column, number: u64, attempt: u64) -> Option<String> {
    if attempt == 0 {
        return None;
    }
    if is_left_out(table, column, attempt) {
        return Some("NULL".to_owned());
    }
    let conditions = table.conditions.iter().filter(|(columns, _)| columns.contains(&column.name));
    let mut known: Vec<Option<String>> =
        conditions.flat_map(|(_, text)| lengths(text, number).into_iter().chain(literals(text))).map(Some).collect();
    known.retain(|text| text.as_ref().is_none_or(|text| may_be(column, text)));
    if known.is_empty() {
        return None;
    }
    if !column.not_null {
        known.push(None);
    }
    let spread =
        number.wrapping_mul(7).wrapping_add(attempt.wrapping_mul(attempt)).wrapping_add(column.name.as_str().len() as u64 * (attempt / 2));
    let at = usize::try_from(spread).unwrap_or_default() % known.len();
    known.get(at).map(|text| text.as_ref().map_or_else(|| "NULL".to_owned(), |text| cast(text, column)))
}

/// Every third row is one that the release's statements are about, where a column isn't to name a row of another table.
pub(super) fn hint(table: &Table, column: &Column, number: u64) -> Option<String> {
    let references = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    let fitting: Vec<&String> = column.hints.iter().filter(|text| may_be(column, text)).collect();
    let at = usize::try_from(number / 3).unwrap_or_default() % fitting.len().max(1);
    fitting.get(at).filter(|_| number.is_multiple_of(3) && !references).map(|text| cast(text, column))
}

/// Whether the text looks like a value of the column's type; of most types any does.
fn may_be(column: &Column, text: &str) -> bool {
    match column.type_text.as_str() {
        "uuid" => text.len() == 36,
        name if name.starts_with("timestamp") || name == "date" => text.contains('-') && text.len() > 4,
        "smallint" | "integer" | "bigint" => text.parse::<i64>().is_ok(),
        "json" | "jsonb" => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        _ => true,
    }
}

/// What is added to the number of a value from the second attempt on, for columns that a condition names together: they differ
/// then, and the first is the least, or the greatest at every other attempt (`a <> b`, `since < until`).
pub(super) fn apart(table: &Table, column: &Column, attempt: u64) -> u64 {
    let together = table.conditions.iter().map(|(columns, _)| columns).find(|columns| columns.len() > 1 && columns.contains(&column.name));
    let Some(together) = together.filter(|_| attempt > 0) else { return 0 };
    let mut named = table.columns.iter().filter(|one| together.contains(&one.name));
    let place = named.position(|one| one.name == column.name).unwrap_or_default();
    let shift = if attempt.is_multiple_of(2) { together.len() - place.min(together.len()) } else { place };
    shift as u64
}

/// Whether it is this column's turn to be NULL, where a condition says which columns go together: `(a IS NULL) <> (b IS NULL)`,
/// or one way after the other, `a IS NULL AND b IS NOT NULL OR …`.
fn is_left_out(table: &Table, column: &Column, attempt: u64) -> bool {
    let name = write::identifier(&column.name);
    for (columns, text) in &table.conditions {
        let ways: Vec<&str> = text.split(" OR ").collect();
        if columns.contains(&column.name)
            && ways.len() > 1
            && ways.iter().all(|way| way.contains(" IS NULL") || way.contains(" IS NOT NULL"))
        {
            let way = usize::try_from(attempt).unwrap_or_default() % ways.len();
            return !column.not_null && ways[way].contains(&format!("({name} IS NULL)"));
        }
    }
    let together = table.conditions.iter().filter(|(columns, text)| columns.len() > 1 && (text.contains("NULL") || text.contains("num_n")));
    let mut columns = together.flat_map(|(columns, _)| columns).filter(|name| table.column(name).is_some_and(|found| !found.not_null));
    let place = columns.position(|name| name == &column.name);
    place.is_some_and(|place| attempt >> (place % 3) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::guess;
    use crate::schema::{Identifier, Name};
    use crate::verify::shape::{Column, Kind, Table, WrittenBy};

    fn column(name: &str) -> Column {
        Column {
            name: Identifier::from(name),
            data_type: 23,
            modifier: -1,
            becomes: None,
            type_text: "integer".to_owned(),
            not_null: false,
            default: None,
            written_by: WrittenBy::Clients,
            hints: Vec::new(),
        }
    }

    #[test]
    fn either_of_two_columns_is_left_out_at_some_attempt() {
        let both = vec![Identifier::from("a"), Identifier::from("b")];
        let table = Table {
            name: Name::unqualified("t"),
            kind: Kind::Table,
            columns: vec![column("a"), column("b")],
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            reads: Vec::new(),
            conditions: vec![(both, "CHECK (((a IS NULL) <> (b IS NULL)))".to_owned())],
            samples: Vec::new(),
        };
        let null = |name: &str, attempt| guess(&table, &column(name), 1, attempt).is_some();
        assert_eq!((null("a", 1), null("b", 1)), (true, false));
        assert_eq!((null("a", 2), null("b", 2)), (false, true));
    }
}
