//! What PostgreSQL's parser says about a text that it refuses, with the place that its message leaves out. Never reads past the
//! statement.

use super::source::Source;
use crate::sql::script::SyntaxError;
use crate::sql::span::Span;

/// A statement that doesn't parse.
pub(super) struct Mistake {
    /// What is reported.
    pub(super) error: SyntaxError,
    /// Where a statement of its own may begin, if a semicolon is missing before it: a byte of the statement.
    pub(super) next: Option<usize>,
}

/// The most of a token that a message repeats.
const LONGEST_TOKEN: usize = 40;

/// Where the mistake in `text` is, which begins at byte `offset` of its file, and what to do about it.
pub(super) fn find(text: &str, offset: usize, error: &pg_query::Error) -> Mistake {
    let Some(said) = message_of(error) else {
        let message = format!("the statement can't be read: {}", error.to_string().to_lowercase());
        let error = SyntaxError { span: Span { start: offset, end: offset + text.len() }, message, help: None };
        return Mistake { error, next: None };
    };
    let source = Source::new(text, offset);
    let span = place(text, &source, said);
    let (message, help) = explained(text, span, said);
    let next = begins_statement(text, span).then_some(span.start).filter(|_| help.as_deref() == Some(MISSING_SEMICOLON));
    Mistake { error: SyntaxError { span: Span { start: span.start + offset, end: span.end + offset }, message, help }, next }
}

fn message_of(error: &pg_query::Error) -> Option<&str> {
    match error {
        pg_query::Error::Parse(said) | pg_query::Error::Scan(said) | pg_query::Error::Split(said) => Some(said),
        pg_query::Error::Conversion(_)
        | pg_query::Error::Decode(_)
        | pg_query::Error::InvalidJson(_)
        | pg_query::Error::InvalidPointer
        | pg_query::Error::IsUtility(_) => None,
    }
}

/// The offending token: where the parser stops being able to go on.
fn place(text: &str, source: &Source<'_>, said: &str) -> Span {
    let whole = Span { start: 0, end: text.len() };
    if said.ends_with("at end of input") {
        return Span { start: text.len(), end: text.len() };
    }
    let tokens: Vec<Span> = source.tokens_in(whole).collect();
    let Some(named) = named_token(said) else { return first_that_says(text, &tokens, said).unwrap_or(whole) };
    let candidates: Vec<Span> = tokens.into_iter().filter(|token| token.of(text) == named).collect();
    let found = match candidates.as_slice() {
        [only] => Some(*only),
        _ => first_that_says(text, &candidates, said),
    };
    // The scanner refuses the text as a whole, so that there are no tokens, or names only a part of one.
    found.or_else(|| text.find(named).map(|start| Span { start, end: start + named.len() })).unwrap_or(whole)
}

/// What stands in quotes after `at or near`.
fn named_token(said: &str) -> Option<&str> {
    said.split_once(" at or near \"")?.1.strip_suffix('"').filter(|token| !token.is_empty())
}

/// The first of these tokens at which the text, cut off behind it, gives the same message. Cut off before the mistake, the text is only
/// incomplete; so the answers go from no to yes once.
fn first_that_says(text: &str, tokens: &[Span], said: &str) -> Option<Span> {
    let says = |token: &Span| match pg_query::parse(&text[..token.end], 0) {
        Ok(_) => false,
        Err(error) => message_of(&error) == Some(said),
    };
    tokens.get(tokens.partition_point(|token| !says(token))).copied()
}

const MISSING_SEMICOLON: &str = "is a semicolon missing before it?";

/// The message, its token cut to a readable length, and what to do about it where that is known.
fn explained(text: &str, span: Span, said: &str) -> (String, Option<String>) {
    let token = span.of(text);
    let shown: String = token.chars().take_while(|letter| *letter != '\n').take(LONGEST_TOKEN).collect();
    let message = if shown.len() < token.len() && named_token(said).is_some() {
        format!("{} at or near \"{shown}…\"", said.split(" at or near ").next().unwrap_or(said))
    } else {
        said.to_owned()
    };
    let after = &text[span.end..];
    let help = if token == ":" && after.starts_with(|letter: char| letter.is_alphabetic() || "'\"_{".contains(letter)) {
        "psql's variables are not known here: write the value, or expand the file first".to_owned()
    } else if let Some(space) = token.chars().chain(after.chars().take(1)).find(|letter| !letter.is_ascii() && !letter.is_alphanumeric()) {
        format!("the character U+{:04X} is neither a space nor a letter: type it anew", u32::from(space))
    } else if is_template(text, span) {
        "this looks like a template: expand it first, and give what comes out".to_owned()
    } else if let Some(help) = of_another_dialect(token) {
        help.to_owned()
    } else if begins_statement(text, span) {
        MISSING_SEMICOLON.to_owned()
    } else {
        return (message, None);
    };
    (message, Some(help))
}

/// `{{ x }}`, `${x}`, `<% x %>` and `#{x}`.
fn is_template(text: &str, span: Span) -> bool {
    let mut from = span.start.saturating_sub(2);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = (span.end + 2).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    ["{{", "${", "<%", "#{", "{%"].iter().any(|mark| text[from..to].contains(mark))
}

/// What PostgreSQL has in place of a word of another database.
fn of_another_dialect(token: &str) -> Option<&'static str> {
    Some(match token.to_ascii_lowercase().as_str() {
        "auto_increment" | "autoincrement" => "PostgreSQL has `GENERATED BY DEFAULT AS IDENTITY`",
        "unsigned" => "PostgreSQL has no unsigned types: use the next larger one, and a CHECK",
        "datetime" => "PostgreSQL has `timestamp` and `timestamptz`",
        "engine" | "charset" => "this is MySQL's: PostgreSQL has no such option",
        "`" => "PostgreSQL puts names in double quotes",
        "go" | "delimiter" => "this is a command of another database's client: end statements by semicolons",
        _ => return None,
    })
}

/// Whether the token is the first on its line and a word with which statements begin.
fn begins_statement(text: &str, span: Span) -> bool {
    const WORDS: [&str; 16] = [
        "create", "alter", "drop", "insert", "update", "delete", "comment", "grant", "revoke", "begin", "commit", "truncate", "do", "set",
        "with", "select",
    ];
    let line = text[..span.start].rsplit('\n').next().unwrap_or_default();
    span.start > 0
        && line.trim().is_empty()
        && text[..span.start].contains('\n')
        && WORDS.contains(&span.of(text).to_ascii_lowercase().as_str())
}
