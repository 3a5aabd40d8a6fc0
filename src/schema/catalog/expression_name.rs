//! The name that PostgreSQL gives to an expression column of an index: `lower` for `lower(email)`, `expr` for `a + b`. Looks
//! at tokens only, and must never be used for more than a name.

use crate::schema::text::{Part, Sql};

/// The preliminary column name of an expression.
///
/// PostgreSQL's `FigureIndexColname` (`src/backend/parser/parse_target.c`).
pub(super) fn expression_name(sql: &Sql) -> String {
    figure(&tokens(sql)).map_or_else(|| "expr".to_owned(), |figured| figured.name)
}

/// A name, and whether a cast around it may replace it.
struct Figured {
    name: String,
    strong: bool,
}

impl Figured {
    #[expect(clippy::unnecessary_wraps, reason = "every caller answers with an Option")]
    fn strong(name: &str) -> Option<Self> {
        Some(Self { name: name.to_owned(), strong: true })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word; whether it may be a keyword.
    Word(String, Spelling),
    /// A constant.
    Constant,
    /// An opening bracket, a closing one, a comma, a dot.
    Mark(char),
    /// `::`.
    Cast,
    /// Any other operator.
    Operator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Bare,
    Quoted,
}

impl Token {
    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word, Spelling::Bare) if word == keyword)
    }
}

const COMPARISONS: &[&str] = &["and", "or", "not", "is", "isnull", "notnull", "in", "like", "ilike", "between", "similar", "operator"];

/// Types that the grammar calls by another name than the author.
const SPELLINGS: &[(&str, &str)] = &[
    ("bigint", "int8"),
    ("boolean", "bool"),
    ("char", "bpchar"),
    ("character", "bpchar"),
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("double", "float8"),
    ("float", "float8"),
    ("int", "int4"),
    ("integer", "int4"),
    ("real", "float4"),
    ("smallint", "int2"),
];

fn figure(tokens: &[Token]) -> Option<Figured> {
    let tokens = without_parentheses(tokens);
    let top = top_level(tokens);
    if tokens.first()?.is_keyword("case") {
        return figure_case(tokens);
    }
    let operator = |at: &usize| tokens[*at] == Token::Operator || COMPARISONS.iter().any(|keyword| tokens[*at].is_keyword(keyword));
    if top.iter().any(operator) {
        return None;
    }
    if top.iter().any(|at| tokens[*at].is_keyword("at") && *at > 0) {
        return Figured::strong("timezone");
    }
    if let Some(at) = top.iter().rev().find(|at| tokens[**at].is_keyword("collate")) {
        return figure(&tokens[..*at]);
    }
    if let Some(at) = top.iter().rev().find(|at| tokens[**at] == Token::Cast) {
        return figure_cast(&tokens[..*at], &tokens[at + 1..]);
    }
    figure_call_or_column(tokens)
}

fn figure_cast(argument: &[Token], to: &[Token]) -> Option<Figured> {
    match figure(argument) {
        Some(figured) if figured.strong => Some(figured),
        Some(_) | None => Some(Figured { name: type_name(to)?, strong: false }),
    }
}

fn figure_case(tokens: &[Token]) -> Option<Figured> {
    let last_else = top_level(tokens).into_iter().rev().find(|at| tokens[*at].is_keyword("else"));
    let default = last_else.and_then(|at| figure(&tokens[at + 1..tokens.len() - 1]));
    default.filter(|figured| figured.strong).or_else(|| Some(Figured { name: "case".to_owned(), strong: false }))
}

/// `f(…)`, `s.f(…)`, `a`, `t.a`, `(x).f`, `a[1]`, `CAST(… AS …)`.
fn figure_call_or_column(tokens: &[Token]) -> Option<Figured> {
    let mut name = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Word(word, Spelling::Bare) if word == "array" => return Figured::strong("array"),
            Token::Word(word, _) => name = Some(word.clone()),
            Token::Mark('(') if name.is_none() => {
                let end = closing(tokens, at);
                name = figure(&tokens[at..=end]).map(|figured| figured.name);
                at = end;
            }
            Token::Mark('(') => {
                let end = closing(tokens, at);
                let called = call(name.as_deref()?, &tokens[at + 1..end], &tokens[at - 1]);
                return called;
            }
            Token::Mark('[') => at = closing(tokens, at),
            Token::Mark(_) => {}
            Token::Constant | Token::Cast | Token::Operator => return None,
        }
        at += 1;
    }
    Figured::strong(&name?)
}

fn call(name: &str, arguments: &[Token], written: &Token) -> Option<Figured> {
    let leading = |keyword: &str| arguments.first().is_some_and(|token| token.is_keyword(keyword));
    if written.is_keyword("cast") {
        let at = top_level(arguments).into_iter().rev().find(|at| arguments[*at].is_keyword("as"))?;
        return figure_cast(&arguments[..at], &arguments[at + 1..]);
    }
    if written.is_keyword("trim") {
        return Figured::strong(if leading("leading") {
            "ltrim"
        } else if leading("trailing") {
            "rtrim"
        } else {
            "btrim"
        });
    }
    Figured::strong(name)
}

/// The name by which the grammar knows a type.
fn type_name(tokens: &[Token]) -> Option<String> {
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word(word, _) => Some(word.as_str()),
            Token::Constant | Token::Mark(_) | Token::Cast | Token::Operator => None,
        })
        .collect();
    let qualified = tokens.contains(&Token::Mark('.'));
    let name = if qualified { words.last()? } else { words.first()? };
    let zoned = words.contains(&"with") && words.contains(&"zone");
    Some(match *name {
        "timestamp" if zoned => "timestamptz".to_owned(),
        "time" if zoned => "timetz".to_owned(),
        "character" | "char" if words.contains(&"varying") => "varchar".to_owned(),
        name => SPELLINGS.iter().find(|(written, _)| *written == name).map_or(name, |(_, stored)| stored).to_owned(),
    })
}

/// The places of tokens that stand in no brackets and in no CASE.
fn top_level(tokens: &[Token]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut places = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let opens = matches!(token, Token::Mark('(' | '[')) || at > 0 && token.is_keyword("case");
        let closes = matches!(token, Token::Mark(')' | ']')) || at + 1 < tokens.len() && token.is_keyword("end");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 && !opens && !closes {
            places.push(at);
        }
        if opens {
            depth += 1;
        }
    }
    places
}

fn without_parentheses(mut tokens: &[Token]) -> &[Token] {
    while tokens.first() == Some(&Token::Mark('(')) && closing(tokens, 0) + 1 == tokens.len() {
        tokens = &tokens[1..tokens.len() - 1];
    }
    tokens
}

/// The place of the bracket that closes the one at `open`; the last token if there is none.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth = depth.saturating_sub(1),
            Token::Word(..) | Token::Constant | Token::Mark(_) | Token::Cast | Token::Operator => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

fn tokens(sql: &Sql) -> Vec<Token> {
    let mut tokens = Vec::new();
    for part in &sql.parts {
        match part {
            Part::Text(text) => scan(text, &mut tokens),
            Part::Column { name, .. } => tokens.push(Token::Word(name.as_str().to_owned(), Spelling::Quoted)),
            Part::Relation(name) | Part::Function(name) | Part::Type(name) => {
                tokens.push(Token::Word(name.name.as_str().to_owned(), Spelling::Quoted));
            }
            Part::RelationLiteral(_) => tokens.push(Token::Constant),
        }
    }
    tokens
}

fn scan(text: &str, tokens: &mut Vec<Token>) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => {
                let length = quoted_length(rest, first);
                tokens.push(if first == '"' {
                    let inner = rest.get(1..length.saturating_sub(1)).unwrap_or_default();
                    Token::Word(inner.replace("\"\"", "\""), Spelling::Quoted)
                } else {
                    Token::Constant
                });
                length
            }
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                // A prefix of a string (E'…') belongs to the constant that follows.
                if !rest[length..].starts_with('\'') {
                    tokens.push(Token::Word(rest[..length].to_lowercase(), Spelling::Bare));
                }
                length
            }
            _ if first.is_ascii_digit() => {
                tokens.push(Token::Constant);
                rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len())
            }
            '(' | ')' | '[' | ']' | ',' | '.' => {
                tokens.push(Token::Mark(first));
                1
            }
            ':' if rest.starts_with("::") => {
                tokens.push(Token::Cast);
                2
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                tokens.push(Token::Operator);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
}

/// How long the quoted text at the start of `rest` is, both quotes included.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut inside = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = inside.next() {
        if c == quote && inside.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_named_as_the_database_names_it() {
        let cases = [
            ("lower(email)", "lower"),
            ("(lower(email))", "lower"),
            ("a + b", "expr"),
            ("(a || b)", "expr"),
            ("data ->> 'key'", "expr"),
            ("(data ->> 'key')::int", "int4"),
            ("created_at::date", "created_at"),
            ("date(created_at)", "date"),
            ("pg_catalog.upper(a)", "upper"),
            ("coalesce(a, b)", "coalesce"),
            ("CAST(a || b AS text)", "text"),
            ("a COLLATE \"C\"", "a"),
            ("(lower(a)) COLLATE \"C\"", "lower"),
            ("created_at AT TIME ZONE 'utc'", "timezone"),
            ("CASE WHEN a THEN b ELSE c END", "c"),
            ("CASE WHEN a THEN b END", "case"),
            ("trim(a)", "btrim"),
            ("'x'::text", "text"),
            ("a IS NULL", "expr"),
            ("(t.a)", "a"),
            ("md5(a || 'b')", "md5"),
            ("(a || b)::character varying(20)", "varchar"),
            ("extract(year from d)", "extract"),
            ("ARRAY[a, b]", "array"),
        ];
        for (text, expected) in cases {
            assert_eq!(expression_name(&Sql::plain(text)), expected, "{text}");
        }
    }
}
