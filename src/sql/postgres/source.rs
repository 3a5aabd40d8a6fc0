//! The text of a statement with its tokens, and how to find a place in it. Never reads the parse tree: that gives only the places
//! where things begin.

use crate::schema::Change;
use crate::schema::change::IfExists;
use crate::sql::script::Lowered;
use crate::sql::span::Span;

/// A text that was parsed, cut into tokens. The parser's locations are bytes of this text.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// Without comments and white space.
    tokens: Vec<Span>,
    /// Where the text begins in its file.
    offset: usize,
}

impl<'a> Source<'a> {
    /// The text as the parser was given it, which begins at byte `offset` of its file.
    pub(crate) fn new(text: &'a str, offset: usize) -> Self {
        let comments = [pg_query::protobuf::Token::SqlComment as i32, pg_query::protobuf::Token::CComment as i32];
        // pg_query 18.1 makes a slice of a null pointer where there is no token at all.
        let empty = text.bytes().all(|byte| b" \t\n\r\x0b\x0c".contains(&byte));
        let scanned = if empty { Vec::new() } else { pg_query::scan_tokens(text).unwrap_or_default() };
        let tokens = scanned.iter().filter(|token| !comments.contains(&token.token)).map(|token| Span {
            start: usize::try_from(token.start).unwrap_or_default(),
            end: usize::try_from(token.end).unwrap_or_default(),
        });
        Self { text, tokens: tokens.collect(), offset }
    }

    /// The text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The text of the token of that number; empty past the end.
    pub(crate) fn token(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |span| span.of(self.text))
    }

    /// Whether that token is the keyword or sign `word`, in whatever case.
    pub(crate) fn is(&self, index: usize, word: &str) -> bool {
        self.token(index).eq_ignore_ascii_case(word)
    }

    /// Whether the tokens from `index` on are these.
    pub(crate) fn are(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is(index + n, word))
    }

    /// The number of the first token at or after a location that the parser gave.
    pub(crate) fn at(&self, location: i32) -> usize {
        let byte = usize::try_from(location).unwrap_or_default();
        self.tokens.partition_point(|token| token.start < byte)
    }

    /// The number of the token after the last of the statement, its semicolon left away.
    pub(crate) fn end(&self) -> usize {
        let mut end = self.tokens.len();
        while end > 0 && self.token(end - 1) == ";" {
            end -= 1;
        }
        end
    }

    /// The first token in `from..to`, outside of parentheses and brackets, for which `found` holds; else `to`.
    pub(crate) fn find(&self, from: usize, to: usize, found: impl Fn(usize) -> bool) -> usize {
        let mut depth = 0_usize;
        for index in from..to {
            if depth == 0 && found(index) {
                return index;
            }
            match self.token(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        to
    }

    /// The first keyword or sign `word` in `from..to` outside of parentheses; else `to`.
    pub(crate) fn find_word(&self, from: usize, to: usize, word: &str) -> usize {
        self.find(from, to, |index| self.is(index, word))
    }

    /// The number of the parenthesis that closes the one at `open`.
    pub(crate) fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for index in open..self.tokens.len() {
            match self.token(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return index;
            }
        }
        self.tokens.len()
    }

    /// The token after a dotted name that begins at `index`.
    pub(crate) fn after_name(&self, index: usize) -> usize {
        let mut next = index + 1;
        while self.token(next) == "." {
            next += 2;
        }
        next
    }

    /// `from..to` cut at its commas outside of parentheses.
    pub(crate) fn split(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut pieces = Vec::new();
        let mut start = from;
        while start < to {
            let comma = self.find(start, to, |index| self.token(index) == ",");
            pieces.push((start, comma));
            start = comma + 1;
        }
        pieces
    }

    /// The bytes of the tokens `from..to`. Comments before the first and after the last are left out.
    pub(crate) fn span(&self, from: usize, to: usize) -> Span {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if first.start <= last.start => Span { start: first.start, end: last.end },
            (Some(first), _) => Span { start: first.start, end: first.start },
            (None, _) => Span { start: self.text.len(), end: self.text.len() },
        }
    }

    /// The bytes of the whole statement.
    pub(crate) fn whole(&self) -> Span {
        self.span(0, self.end())
    }

    /// The statement as written, without its semicolon.
    pub(crate) fn statement(&self) -> String {
        self.whole().of(self.text).to_owned()
    }

    /// The tokens that lie within a span.
    pub(crate) fn tokens_in(&self, span: Span) -> impl Iterator<Item = Span> {
        let first = self.tokens.partition_point(|token| token.start < span.start);
        self.tokens.iter().skip(first).take_while(move |token| token.end <= span.end).copied()
    }

    /// The same span, counted in the file.
    pub(crate) fn in_file(&self, span: Span) -> Span {
        Span { start: span.start + self.offset, end: span.end + self.offset }
    }

    /// A change that the whole statement says.
    pub(crate) fn lowered(&self, change: Change) -> Lowered {
        self.lowered_at(self.whole(), change)
    }

    /// A change that a part of the statement says.
    pub(crate) fn lowered_at(&self, span: Span, change: Change) -> Lowered {
        Lowered { span: self.in_file(span), change, if_exists: IfExists::Fail, within: None, conditions: Vec::new() }
    }

    /// The parts of a dotted name that begins at a location, if it is the name that the parser read there.
    pub(crate) fn name_at(&self, location: i32, names: &[&str]) -> Option<Vec<Span>> {
        let mut index = self.at(location);
        let mut places = Vec::new();
        for (position, name) in names.iter().enumerate() {
            if position > 0 {
                (self.token(index) == ".").then_some(())?;
                index += 1;
            }
            (folded(self.token(index)) == *name).then_some(())?;
            places.push(*self.tokens.get(index)?);
            index += 1;
        }
        Some(places)
    }
}

/// An identifier as the database stores it: quotes removed, or folded to lower case and cut to 63 bytes.
pub(crate) fn folded(token: &str) -> String {
    let mut name = match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => token.chars().map(|letter| letter.to_ascii_lowercase()).collect(),
    };
    let mut length = name.len().min(63);
    while !name.is_char_boundary(length) {
        length -= 1;
    }
    name.truncate(length);
    name
}

/// A dotted name in a string literal, as `nextval` and `regclass` read it.
pub(crate) fn names_in_literal(text: &str) -> Option<Vec<String>> {
    let source = Source::new(text, 0);
    let mut names = Vec::new();
    for index in 0..source.len() {
        match (index % 2, source.token(index)) {
            (0, token) if token.starts_with(|letter: char| letter == '"' || letter == '_' || letter.is_alphabetic()) => {
                names.push(folded(token));
            }
            (1, ".") => {}
            _ => return None,
        }
    }
    (source.len() % 2 == 1 && names.len() <= 2).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_where_the_parser_says_in_any_spelling() {
        let source = Source::new(r#"select * from /* c */ "App" . Users -- c"#, 0);
        let places = source.name_at(14, &["App", "users"]).unwrap();
        assert_eq!(places[0].of(source.text()), "\"App\"");
        assert_eq!(places[1].of(source.text()), "Users");
        assert_eq!(source.name_at(14, &["app", "users"]), None);
    }

    #[test]
    fn pieces_end_at_commas_outside_of_parentheses() {
        let source = Source::new("a (b, c), d[1, 2] -- , \n, 'e,f';", 0);
        let pieces: Vec<_> = source.split(0, source.end()).into_iter().map(|(from, to)| source.span(from, to).of(source.text())).collect();
        assert_eq!(pieces, ["a (b, c)", "d[1, 2]", "'e,f'"]);
    }

    #[test]
    fn a_literal_holds_a_name_or_it_does_not() {
        assert_eq!(names_in_literal("public.\"Users_id_seq\"").unwrap(), ["public", "Users_id_seq"]);
        assert_eq!(names_in_literal("Users_ID_seq").unwrap(), ["users_id_seq"]);
        assert_eq!(names_in_literal("a b"), None);
        assert_eq!(names_in_literal(""), None);
    }
}
