//! The meta-commands of psql in a file. None is run: those without effect on the schema are passed over, the others are mistakes here.

use super::split::{Place, Quote};
use crate::sql::script::{Skipped, SyntaxError};
use crate::sql::span::Span;

/// What a meta-command is to us.
pub(super) enum Meta {
    /// Passed over.
    Skipped(Skipped),
    /// It may change what the file means.
    Refused(SyntaxError),
}

/// A backslash and what follows on its line.
pub(super) fn read(text: &str, span: Span, place: Place) -> Meta {
    let line = span.of(text);
    let word: String = line.chars().skip(1).take_while(|letter| !letter.is_whitespace() && *letter != '\\').collect();
    let name = Span { start: span.start, end: span.start + 1 + word.len() };
    let command = Span { start: span.start, end: span.start + line.trim_end().len() };
    let sends = matches!(word.as_str(), "g" | "gx" | "");
    match refusal(&word) {
        None if place != Place::Inside || sends => Meta::Skipped(Skipped { span: command, reason: reason(&word) }),
        None => refused(name, format!("psql's `\\{word}` stands inside of a statement"), "move it between two statements"),
        Some(help) => refused(name, format!("psql's `\\{word}` is not run here, and may change what the file does"), help),
    }
}

fn refused(span: Span, message: String, help: &str) -> Meta {
    Meta::Refused(SyntaxError { span, message, help: Some(help.to_owned()) })
}

/// Why a command is passed over.
fn reason(word: &str) -> String {
    match word {
        "restrict" | "unrestrict" => format!("`\\{word}` only keeps psql from running other meta-commands in a dump"),
        "set" | "unset" => format!("`\\{word}` is about psql's variables, which are not known here"),
        "g" | "gx" => format!("`\\{word}` ends a statement as a semicolon does"),
        _ => format!("psql's `\\{word}` has no effect on the schema"),
    }
}

/// What to do about a command that can't be passed over.
fn refusal(word: &str) -> Option<&'static str> {
    Some(match word {
        // What psql prints, and how.
        "echo" | "qecho" | "warn" | "timing" | "pset" | "x" | "t" | "a" | "f" | "H" | "C" | "T" | "encoding" | "restrict"
        | "unrestrict" | "set" | "unset" | "setenv" | "g" | "gx" | "conninfo" | "l" | "z" | "p" | "h" | "?" | "copyright"
        | "errverbose" | "o" | "s" | "w" | "sf" | "sv" | "" => return None,
        describes if describes.starts_with('d') => return None,
        "i" | "ir" | "include" | "include_relative" => "put the included SQL into this file, or make it a migration of its own",
        "c" | "connect" => "a migration works on one database: remove it, or set the database in the connection URL",
        "if" | "elif" | "else" | "endif" => "what a migration does must not depend on psql's variables: keep one branch",
        "gexec" => "write the statements that the query would give",
        "gset" | "prompt" | "getenv" => "psql's variables are not known here: write the values",
        "gdesc" | "bind" | "parse" | "bind_named" | "close_prepared" | "crosstabview" | "watch" => "end the statement by a semicolon",
        "copy" => "use COPY … FROM stdin with the rows below it, or INSERT",
        "q" | "quit" => "psql would leave out the rest of the file: remove either",
        "." => "the rows that it ends have no COPY … FROM stdin before them",
        "!" => "a migration is SQL alone: run the program elsewhere",
        _ => "only SQL is run here: remove it, or write it as SQL",
    })
}

/// A quote or comment that nothing closes.
pub(super) fn unterminated(opening: Span, what: Quote) -> SyntaxError {
    let (message, help) = match what {
        Quote::String => ("unterminated string", "close it by a quote; within a string a quote is written twice: `''`"),
        Quote::Identifier => ("unterminated quoted identifier", "close it by a double quote"),
        Quote::Dollar => ("unterminated dollar-quoted string", "close it by the same tag; the rest of the file was not read"),
        Quote::Comment => ("unterminated comment", "close it by `*/`, once for each `/*`; the rest of the file was not read"),
    };
    SyntaxError { span: opening, message: message.to_owned(), help: Some(help.to_owned()) }
}

/// Rows after COPY … FROM stdin without the line that ends them.
pub(super) fn endless_copy_data(text: &str, span: Span) -> SyntaxError {
    let line = text[span.start..span.end].lines().next().unwrap_or_default();
    SyntaxError {
        span: Span { start: span.start, end: span.start + line.len() },
        message: "the rows after COPY … FROM stdin have no end".to_owned(),
        help: Some("end them by a line with `\\.` alone; the rest of the file was taken for rows".to_owned()),
    }
}
