//! Directives in comments. One that isn't understood is an error, since a comment that is believed to work and doesn't is worse than none.

use pg_query::NodeEnum;

use super::mark::Owner;
use super::mistake;
use super::source::{Source, folded};
use crate::schema::{Identifier, Name, Sql};
use crate::sql::directive::{Assignment, Directive, DirectiveKind, PhaseName, Strategy};
use crate::sql::script::SyntaxError;
use crate::sql::span::Span;

const KEYWORDS: [&str; 6] = ["allow", "up", "down", "phase", "strategy", "contract-after"];

/// How each keyword is written, in the order of `KEYWORDS`.
const FORMS: [&str; 6] = [
    "allow RULE because \"…\"",
    "up table.column = expression",
    "down table.column = expression",
    "phase expand|migrate|contract",
    "strategy columns|compatibility-view|views|direct",
    "contract-after RELEASES",
];

/// A comment that names us. `None` if it only mentions us.
pub(super) fn read(text: &str, span: Span) -> Option<Result<Directive, SyntaxError>> {
    let comment = span.of(text);
    let marker = comment.len() - comment.trim_start_matches(['-', '/', '*']).trim_start().len();
    let name_end = marker + "concertina".len();
    let after = &comment[name_end..];
    let Some(said) = after.strip_prefix(':') else {
        let forgot_colon = after.starts_with([' ', '\t']) && KEYWORDS.contains(&after.split_whitespace().next().unwrap_or_default());
        return forgot_colon.then(|| {
            let place = Span { start: span.start + marker, end: span.start + name_end };
            Err(error(place, "a colon is missing after `concertina`", "write `-- concertina: …`"))
        });
    };
    if !comment.starts_with("--") {
        return Some(Err(error(span, "a directive in a block comment", "write it as a line of its own: `-- concertina: …`")));
    }
    // With nothing said, the start is the end.
    let words = Words { text, at: span.start + comment.len() - said.len(), end: span.start + comment.trim_end().len() };
    Some(kind(words).map(|kind| Directive { span, kind }))
}

/// The words of a directive that are still to be read.
struct Words<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn rest(&self) -> Span {
        let rest = &self.text[self.at..self.end];
        Span { start: self.end - rest.trim_start().len(), end: self.end }
    }

    /// The next word; empty at the end.
    fn word(&mut self) -> (Span, &'a str) {
        let rest = self.rest();
        let length = rest.of(self.text).find(char::is_whitespace).unwrap_or(rest.end - rest.start);
        let span = Span { start: rest.start, end: rest.start + length };
        self.at = span.end;
        (span, span.of(self.text))
    }

    /// Nothing may follow but a comment.
    fn finish(&self, form: &str) -> Result<(), SyntaxError> {
        let rest = self.rest();
        if rest.start == rest.end || rest.of(self.text).starts_with("--") {
            Ok(())
        } else {
            Err(error(rest, "more than the directive has room for", &format!("write `{form}`")))
        }
    }
}

fn kind(mut words: Words<'_>) -> Result<DirectiveKind, SyntaxError> {
    let (span, keyword) = words.word();
    let form = KEYWORDS.iter().zip(FORMS).find(|(known, _)| **known == keyword).map(|(_, form)| form);
    let Some(form) = form else { return Err(unknown("directive", span, keyword, &KEYWORDS)) };
    let kind = match keyword {
        "allow" => return allow(words, form),
        "up" => return assignment(&words, form).map(DirectiveKind::Up),
        "down" => return assignment(&words, form).map(DirectiveKind::Down),
        "phase" => {
            let phases = [("expand", PhaseName::Expand), ("migrate", PhaseName::Migrate), ("contract", PhaseName::Contract)];
            DirectiveKind::Phase(one_of("phase", words.word(), &phases)?)
        }
        "strategy" => {
            let strategies = [
                ("columns", Strategy::Columns),
                ("compatibility-view", Strategy::CompatibilityView),
                ("views", Strategy::Views),
                ("direct", Strategy::Direct),
            ];
            DirectiveKind::Strategy(one_of("strategy", words.word(), &strategies)?)
        }
        _ => {
            let (span, number) = words.word();
            let releases = number.parse().ok().filter(|releases| *releases > 0);
            let help = "give the number of releases that must follow before contract, as in `contract-after 3`";
            DirectiveKind::ContractAfter(releases.ok_or_else(|| error(span, "not a number of releases", help))?)
        }
    };
    words.finish(form)?;
    Ok(kind)
}

fn one_of<T: Copy>(what: &str, (span, word): (Span, &str), known: &[(&str, T)]) -> Result<T, SyntaxError> {
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    found.ok_or_else(|| unknown(what, span, word, &known.iter().map(|(name, _)| *name).collect::<Vec<_>>()))
}

/// `allow RULE because "…"`.
fn allow(mut words: Words<'_>, form: &str) -> Result<DirectiveKind, SyntaxError> {
    let help = format!("write `{form}`");
    let (span, rule) = words.word();
    if rule.is_empty() || rule == "because" {
        return Err(error(span, "which rule is allowed is missing", &help));
    }
    let (span, because) = words.word();
    if because != "because" {
        return Err(error(span, "the reason is missing", &help));
    }
    let rest = words.rest();
    let quoted = rest.of(words.text).strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let Some((reason, _)) = quoted else { return Err(error(rest, "the reason must stand in double quotes", &help)) };
    if reason.trim().is_empty() {
        return Err(error(rest, "the reason is empty", "say why the rule does not apply here: a later reader will ask"));
    }
    words.at = rest.start + reason.len() + 2;
    words.finish(form)?;
    Ok(DirectiveKind::Allow { rule: rule.to_owned(), reason: reason.to_owned() })
}

/// `[schema.]table.column = expression`.
fn assignment(words: &Words<'_>, form: &str) -> Result<Assignment, SyntaxError> {
    let rest = words.rest();
    let help = format!("write `{form}`");
    let source = Source::new(rest.of(words.text), rest.start);
    let equals = source.after_name(0);
    if !source.is(equals, "=") || source.len() == equals + 1 {
        return Err(error(rest, "not an assignment to a column", &help));
    }
    let names: Vec<Identifier> = (0..equals).step_by(2).map(|index| Identifier::from(folded(source.token(index)))).collect();
    let (table, column) = match names.as_slice() {
        [table, column] => (Name::unqualified(table.clone()), column.clone()),
        [schema, table, column] => (Name::new(schema.clone(), table.clone()), column.clone()),
        _ => return Err(error(source.in_file(source.span(0, equals)), "the table of the column is missing", &help)),
    };
    let start = source.span(equals, equals + 1).end;
    let place = Span { start: rest.start + start, end: rest.end };
    Ok(Assignment { expression: expression(words.text, place, &table)?, table, column })
}

const BEFORE: &str = "SELECT (";

/// An expression over a row of `table`. It is parsed as the only column of a query.
fn expression(text: &str, place: Span, table: &Name) -> Result<Sql, SyntaxError> {
    let query = format!("{BEFORE}{}\n)", place.of(text));
    let in_file = |span: Span| {
        let shift = |at: usize| (at + place.start).saturating_sub(BEFORE.len()).clamp(place.start, place.end);
        Span { start: shift(span.start), end: shift(span.end) }
    };
    let parsed = pg_query::parse(&query, 0).map_err(|said| {
        let found = mistake::find(&query, 0, &said).error;
        SyntaxError { span: in_file(found.span), ..found }
    })?;
    let alone = || error(place, "not one expression", "write one SQL expression over the columns of the row");
    let [statement] = parsed.protobuf.stmts.as_slice() else { return Err(alone()) };
    let Some(NodeEnum::SelectStmt(select)) = statement.stmt.as_ref().and_then(|node| node.node.as_ref()) else { return Err(alone()) };
    let [target] = select.target_list.as_slice() else { return Err(alone()) };
    let Some(NodeEnum::ResTarget(target)) = &target.node else { return Err(alone()) };
    if !select.from_clause.is_empty() || select.where_clause.is_some() || !target.name.is_empty() {
        return Err(alone());
    }
    let source = Source::new(&query, 0);
    let inner = source.span(2, source.len().saturating_sub(1));
    Ok(source.mark(inner, target.as_ref(), Owner::Table(table, None)))
}

/// The same kind of thing said twice about one statement.
pub(super) fn twice(directives: &[Directive]) -> Vec<SyntaxError> {
    let same = |one: &Directive, other: &Directive| match (&one.kind, &other.kind) {
        (DirectiveKind::Allow { rule, .. }, DirectiveKind::Allow { rule: again, .. }) => rule == again,
        (DirectiveKind::Up(one), DirectiveKind::Up(other)) | (DirectiveKind::Down(one), DirectiveKind::Down(other)) => {
            one.table == other.table && one.column == other.column
        }
        (one, other) => {
            std::mem::discriminant(one) == std::mem::discriminant(other)
                && !matches!(one, DirectiveKind::Allow { .. } | DirectiveKind::Up(_) | DirectiveKind::Down(_))
        }
    };
    let repeated =
        directives.iter().enumerate().filter(|(index, directive)| directives[..*index].iter().any(|before| same(before, directive)));
    repeated.map(|(_, directive)| error(directive.span, "the same directive stands above this one", "keep one of the two")).collect()
}

/// A directive that is about no statement.
pub(super) fn misplaced(span: Span, message: &str) -> SyntaxError {
    error(span, message, "write it on a line of its own, directly above the statement that it is about")
}

fn unknown(what: &str, span: Span, word: &str, known: &[&str]) -> SyntaxError {
    let listed = known.join(", ");
    if word.is_empty() {
        return error(span, &format!("the {what} is missing"), &format!("it is one of: {listed}"));
    }
    let nearest = known.iter().map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), name), name)).min();
    let help = match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("did you mean `{name}`? It is one of: {listed}"),
        Some(_) | None => format!("it is one of: {listed}"),
    };
    error(span, &format!("unknown {what} `{word}`"), &help)
}

fn error(span: Span, message: &str, help: &str) -> SyntaxError {
    SyntaxError { span, message: message.to_owned(), help: Some(help.to_owned()) }
}
