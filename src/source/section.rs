//! The part of a file that is applied on the way up, and whether in a transaction, by the markers of the usual tools.
//! Knows comments that begin a line; parses no SQL.

use std::ops::Range;

use super::{RunnerTransaction, SourceError};

/// What the markers of a file say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The bytes that are applied on the way up.
    pub(super) up: Range<usize>,
    /// Whether they are wrapped in a transaction, where a marker or its tool says so.
    pub(super) transaction: Option<RunnerTransaction>,
}

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    /// The way up begins below.
    Up(RunnerTransaction),
    /// The way down begins below.
    Down,
    /// The file is run without a transaction.
    NoTransaction,
}

/// The way up of the file at `path`: all of it, if there is no marker.
pub(super) fn up(path: &str, text: &str) -> Result<Section, SourceError> {
    // PostgreSQL's parser takes a byte order mark for a part of the first word.
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut section = Section { up: start..text.len(), transaction: None };
    let (mut seen_up, mut seen_down) = (false, false);
    let mut line_start = 0;
    for (line, content) in (1..).zip(text.split_inclusive('\n')) {
        let line_end = line_start + content.len();
        let wrong = || SourceError::Sections { path: path.to_owned(), line, marker: format!("`{}`", content.trim()) };
        match marker(content) {
            Some(Marker::Up(_)) if seen_up && !seen_down && repeats(content) => {}
            Some(Marker::Down) if seen_down && repeats(content) => {}
            Some(Marker::Up(_)) if seen_up || seen_down && !repeats(content) => return Err(wrong()),
            Some(Marker::Up(transaction)) => {
                (seen_up, seen_down) = (true, false);
                section.up = line_end..text.len();
                // A marker for the whole file may stand above this one.
                section.transaction.get_or_insert(transaction);
            }
            Some(Marker::Down) if seen_down => return Err(wrong()),
            Some(Marker::Down) => {
                seen_down = true;
                section.up.end = line_start.max(section.up.start);
            }
            Some(Marker::NoTransaction) if !seen_down => section.transaction = Some(RunnerTransaction::Unwrapped),
            Some(Marker::NoTransaction) | None => {}
        }
        line_start = line_end;
    }
    Ok(section)
}

/// Whether settings beside a migration take its transaction away: diesel's `run_in_transaction = false`, Flyway's
/// `executeInTransaction=false`.
pub(super) fn settings_unwrap(settings: &str) -> bool {
    settings.lines().any(|line| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        line == "run_in_transaction=false" || line == "executeInTransaction=false"
    })
}

fn marker(line: &str) -> Option<Marker> {
    let comment = line.trim_start_matches('\u{feff}').trim().strip_prefix("--")?;
    if let Some(marker) = tern(comment) {
        return Some(marker);
    }
    let comment = comment.trim().to_ascii_lowercase();
    let mut words = comment.split_whitespace();
    let (first, rest) = (words.next()?, words.collect::<Vec<_>>());
    match (first, rest.as_slice()) {
        ("+goose" | "+migrate", ["up", options @ ..]) => Some(Marker::Up(wrapped_unless(options.contains(&"notransaction")))),
        ("+goose" | "+migrate", ["down", ..]) => Some(Marker::Down),
        ("+goose", ["no", "transaction", ..]) => Some(Marker::NoTransaction),
        ("migrate:up", options) => Some(Marker::Up(wrapped_unless(options.contains(&"transaction:false")))),
        ("migrate:down", _) => Some(Marker::Down),
        ("no-transaction", []) => Some(Marker::NoTransaction),
        ("atlas:txmode", ["none", ..]) => Some(Marker::NoTransaction),
        _ => None,
    }
}

/// Whether the tool takes the same marker once more for one that says the same, and the way down before the way up: sql-migrate does.
fn repeats(line: &str) -> bool {
    line.trim().strip_prefix("--").is_some_and(|comment| comment.trim().to_ascii_lowercase().starts_with("+migrate"))
}

/// tern: `---- create above / drop below ----` and `---- tern: disable-tx ----`.
fn tern(comment: &str) -> Option<Marker> {
    match comment.strip_prefix("--")?.trim_end_matches('-').trim() {
        "create above / drop below" => Some(Marker::Down),
        "tern: disable-tx" => Some(Marker::NoTransaction),
        _ => None,
    }
}

fn wrapped_unless(unwrapped: bool) -> RunnerTransaction {
    if unwrapped { RunnerTransaction::Unwrapped } else { RunnerTransaction::Wrapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, transaction: Option<RunnerTransaction>) {
        let section = up("a.sql", text).unwrap();
        assert_eq!((&text[section.up], section.transaction), (expected, transaction), "{text:?}");
    }

    #[test]
    fn the_way_up_ends_where_the_way_down_begins() {
        let wrapped = Some(RunnerTransaction::Wrapped);
        let unwrapped = Some(RunnerTransaction::Unwrapped);
        check("a;\n", "a;\n", None);
        check("\u{feff}a;", "a;", None);
        check("-- +goose Up\na;\n-- +goose Down\nb;\n", "a;\n", wrapped);
        check("-- +goose Up\r\na;\r\n--+goose down\r\nb;\r\n", "a;\r\n", wrapped);
        check("-- +goose NO TRANSACTION\n-- +goose Up\na;\n", "a;\n", unwrapped);
        check("-- +goose Up\n-- +goose NO TRANSACTION\na;\n", "-- +goose NO TRANSACTION\na;\n", unwrapped);
        check(
            "-- +goose Up\n-- +goose StatementBegin\na;\n-- +goose StatementEnd\n-- +goose Down",
            "-- +goose StatementBegin\na;\n-- +goose StatementEnd\n",
            wrapped,
        );
        check("-- +migrate Up notransaction\na;\n-- +migrate Down\n", "a;\n", unwrapped);
        check("-- +migrate Up\na;\n-- +migrate Up\nb;\n-- +migrate Down\nc;\n-- +migrate Down\n", "a;\n-- +migrate Up\nb;\n", wrapped);
        check("-- +migrate Down\nb;\n-- +migrate Up\na;\n", "a;\n", wrapped);
        check("-- +migrate Down\nb;\n-- +migrate Up\na;\n-- +migrate Down\nc;\n", "a;\n", wrapped);
        check("-- migrate:up\na;\n-- migrate:down\nb;", "a;\n", wrapped);
        check("-- migrate:up transaction:false\na;\n", "a;\n", unwrapped);
        check("-- no-transaction\na;\n", "-- no-transaction\na;\n", unwrapped);
        check("-- atlas:txmode none\n\na;\n", "-- atlas:txmode none\n\na;\n", unwrapped);
        check("a;\n---- create above / drop below ----\nb;\n", "a;\n", None);
        check("-- +goose Down\nb;\n", "", None);
    }

    #[test]
    fn sections_in_the_wrong_place_are_an_error() {
        for (text, line) in
            [("-- +goose Down\n-- +goose Up\n", 2), ("-- migrate:up\n-- migrate:up\n", 2), ("-- +goose Down\n\n--+goose Down\n", 3)]
        {
            let error = up("a.sql", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("a.sql:{line}: `--")), "{error}");
        }
    }
}
