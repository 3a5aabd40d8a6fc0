//! A file cut into statements, comments that may be directives, psql's meta-commands and COPY data. Goes by quotes alone, so that a
//! statement that doesn't parse takes no other with it. Never parses.

use crate::sql::span::Span;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement, without leading comments and without what ends it.
    Statement(Span),
    /// A comment that names us, and where it stands.
    Comment(Span, Place),
    /// A backslash and what follows on its line, and where it stands.
    Meta(Span, Place),
    /// The rows after a COPY … FROM stdin, with the line that ends them.
    CopyData(Span),
    /// Such rows without that line: the rest of the file.
    EndlessCopyData(Span),
    /// A quote or comment that nothing closes.
    Unterminated {
        /// From the opening to the end of its line.
        opening: Span,
        /// What it is.
        what: Quote,
    },
}

/// Where a comment or a meta-command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between statements.
    Between,
    /// Between statements, but on the line on which one has ended.
    Behind,
    /// Inside of a statement.
    Inside,
}

/// What can be left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// `'`.
    String,
    /// `"`.
    Identifier,
    /// `$$`.
    Dollar,
    /// `/*`.
    Comment,
}

/// Where Drizzle cuts a file: the statement before it need not end with a semicolon.
const BREAKPOINT: &str = "--> statement-breakpoint";

/// The parts of a file, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut splitter = Splitter { text, bytes: text.as_bytes(), at: 0, pieces: Vec::new(), ended: None, open: None };
    if text.starts_with('\u{feff}') {
        splitter.at = '\u{feff}'.len_utf8();
    }
    splitter.run();
    splitter.pieces
}

/// The statement that is being read.
struct Open {
    start: usize,
    /// After its last token.
    end: usize,
    /// Its first words in lower case, as far as they decide how it ends.
    words: Vec<String>,
    parentheses: usize,
    /// The depth of `BEGIN ATOMIC … END` and the CASEs in it.
    atomic: usize,
    /// Whether the last word was BEGIN.
    begun: bool,
    /// How much of `COPY … FROM stdin` was seen.
    copies: Copies,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Copies {
    No,
    Copy,
    From,
    Stdin,
}

struct Splitter<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    pieces: Vec<Piece>,
    /// Where the statement before has ended.
    ended: Option<usize>,
    open: Option<Open>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            let next = self.bytes.get(self.at + 1).copied();
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c' => self.at += 1,
                b'-' if next == Some(b'-') => self.line_comment(),
                b'/' if next == Some(b'*') => self.block_comment(),
                b'\\' => self.meta(),
                b'\'' => self.quoted(b'\'', Quote::String, Escapes::No),
                b'"' => self.quoted(b'"', Quote::Identifier, Escapes::No),
                b'$' => self.dollar(),
                b';' => self.semicolon(),
                b'0'..=b'9' => {
                    let end = self.skip(self.at, is_word);
                    self.token(end);
                }
                _ if is_word_start(byte) => self.word(),
                _ => self.sign(byte),
            }
        }
        self.end_statement();
    }

    /// The first byte from `from` on that isn't `wanted`.
    fn skip(&self, from: usize, wanted: fn(u8) -> bool) -> usize {
        self.bytes[from..].iter().position(|&byte| !wanted(byte)).map_or(self.bytes.len(), |length| from + length)
    }

    /// The end of the line, its line break left out.
    fn line_end(&self, from: usize) -> usize {
        let end = self.bytes[from..].iter().position(|&byte| byte == b'\n').map_or(self.bytes.len(), |length| from + length);
        if end > from && self.bytes[end - 1] == b'\r' { end - 1 } else { end }
    }

    fn place(&self) -> Place {
        match (&self.open, self.ended) {
            (Some(_), _) => Place::Inside,
            (None, Some(ended)) if !self.text[ended..self.at].contains('\n') => Place::Behind,
            (None, _) => Place::Between,
        }
    }

    fn line_comment(&mut self) {
        let span = Span { start: self.at, end: self.line_end(self.at) };
        if names_us(span.of(self.text)) {
            self.pieces.push(Piece::Comment(span, self.place()));
        }
        if span.of(self.text).trim_end() == BREAKPOINT {
            self.end_statement();
        }
        self.at = span.end;
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match &self.bytes[self.at..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        let span = Span { start, end: self.at };
                        if names_us(span.of(self.text)) {
                            let place = if self.open.is_some() { Place::Inside } else { Place::Between };
                            self.pieces.push(Piece::Comment(span, place));
                        }
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.unterminated(start, Quote::Comment);
    }

    fn meta(&mut self) {
        let span = Span { start: self.at, end: self.line_end(self.at) };
        let place = self.place();
        let command = span.of(self.text).trim_start_matches('\\').split_whitespace().next().unwrap_or_default();
        // `\g` and its kin send the statement before them.
        if place == Place::Inside && command.starts_with('g') {
            self.end_statement();
        }
        self.pieces.push(Piece::Meta(span, place));
        self.at = span.end;
    }

    fn quoted(&mut self, quote: u8, what: Quote, escapes: Escapes) {
        let start = self.at;
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None => return self.unterminated(start, what),
                Some(b'\\') if escapes == Escapes::Yes => at += 2,
                Some(&byte) if byte == quote && self.bytes.get(at + 1) == Some(&quote) => at += 2,
                Some(&byte) if byte == quote => {
                    at += 1;
                    // A string goes on in the next line if that begins with a quote.
                    let next = self.skip(at, |byte| byte.is_ascii_whitespace());
                    if escapes == Escapes::Yes && self.bytes.get(next) == Some(&quote) && self.bytes[at..next].contains(&b'\n') {
                        at = next + 1;
                    } else {
                        return self.token(at);
                    }
                }
                Some(_) => at += 1,
            }
        }
    }

    fn dollar(&mut self) {
        let start = self.at;
        let tag_end = self.skip(start + 1, |byte| is_word(byte) && byte != b'$');
        let is_tag = self.bytes.get(tag_end) == Some(&b'$') && !self.bytes[start + 1].is_ascii_digit();
        if !is_tag {
            return self.token(tag_end.max(start + 1));
        }
        let tag = &self.text[start..=tag_end];
        match self.text[tag_end + 1..].find(tag) {
            Some(length) => self.token(tag_end + 1 + length + tag.len()),
            None => self.unterminated(start, Quote::Dollar),
        }
    }

    fn word(&mut self) {
        let end = self.skip(self.at, is_word);
        let word = &self.text[self.at..end];
        if word.eq_ignore_ascii_case("e") && self.bytes.get(end) == Some(&b'\'') {
            self.token(end);
            return self.quoted(b'\'', Quote::String, Escapes::Yes);
        }
        let word = word.to_ascii_lowercase();
        self.token(end);
        if let Some(open) = &mut self.open {
            open.read(&word);
        }
    }

    fn sign(&mut self, byte: u8) {
        self.token(self.at + 1);
        if let Some(open) = &mut self.open {
            match byte {
                b'(' => open.parentheses += 1,
                b')' => open.parentheses = open.parentheses.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn semicolon(&mut self) {
        self.at += 1;
        if self.open.as_ref().is_some_and(Open::goes_on_after_semicolon) {
            return self.token_from(self.at - 1, self.at);
        }
        let copies = self.open.as_ref().is_some_and(|open| open.copies == Copies::Stdin);
        self.end_statement();
        if copies {
            self.copy_data();
        }
    }

    fn token(&mut self, end: usize) {
        self.token_from(self.at, end);
    }

    fn token_from(&mut self, start: usize, end: usize) {
        let open = self.open.get_or_insert_with(|| Open {
            start,
            end,
            words: Vec::new(),
            parentheses: 0,
            atomic: 0,
            begun: false,
            copies: Copies::No,
        });
        open.end = end;
        self.at = end;
    }

    fn end_statement(&mut self) {
        if let Some(open) = self.open.take() {
            self.pieces.push(Piece::Statement(Span { start: open.start, end: open.end }));
        }
        self.ended = Some(self.at.min(self.bytes.len()));
    }

    /// The lines after the COPY up to one that is `\.` alone.
    fn copy_data(&mut self) {
        let line = self.line_end(self.at);
        let start = self.skip(line, |byte| byte == b'\r' || byte == b'\n').min(line + 2).min(self.bytes.len());
        let mut at = start;
        for line in self.text[start..].split_inclusive('\n') {
            at += line.len();
            if line.trim_end() == "\\." {
                self.pieces.push(Piece::CopyData(Span { start, end: at }));
                self.at = at;
                return;
            }
        }
        if !self.text[start..].trim().is_empty() {
            self.pieces.push(Piece::EndlessCopyData(Span { start, end: at }));
            self.at = at;
        }
    }

    /// Gives the statement up and goes on after the next semicolon that ends a line: the quotes before it can't be trusted. After an open
    /// `$$` or `/*` nothing can be told from text that was meant to be inside.
    fn unterminated(&mut self, start: usize, what: Quote) {
        let opening = Span { start, end: self.line_end(start) };
        self.pieces.push(Piece::Unterminated { opening, what });
        self.open = None;
        self.at = self.bytes.len();
        if matches!(what, Quote::String | Quote::Identifier) {
            let mut at = start;
            for line in self.text[start..].split_inclusive('\n') {
                at += line.len();
                if line.trim_end().ends_with(';') {
                    self.at = at;
                    self.ended = Some(at);
                    return;
                }
            }
        }
    }
}

impl Open {
    /// As psql has it: semicolons end no statement inside of `BEGIN ATOMIC … END` and of a rule's parentheses.
    fn goes_on_after_semicolon(&self) -> bool {
        self.atomic > 0 || (self.parentheses > 0 && self.creates(&["rule"]))
    }

    fn creates(&self, kinds: &[&str]) -> bool {
        let mut words = self.words.iter().map(String::as_str);
        if words.next() != Some("create") {
            return false;
        }
        let kind = match words.next() {
            Some("or") => words.nth(1),
            other => other,
        };
        kind.is_some_and(|kind| kinds.contains(&kind))
    }

    fn read(&mut self, word: &str) {
        if self.words.len() < 4 {
            self.words.push(word.to_owned());
        }
        self.copies = match (self.copies, word) {
            (Copies::No, "copy") if self.words.len() == 1 => Copies::Copy,
            (Copies::Copy, "from") if self.parentheses == 0 => Copies::From,
            (Copies::From, "stdin") => Copies::Stdin,
            (Copies::From, _) => Copies::No,
            (copies, _) => copies,
        };
        let begun = std::mem::replace(&mut self.begun, word == "begin");
        match word {
            "atomic" if begun && self.atomic == 0 && self.creates(&["function", "procedure"]) => self.atomic = 1,
            "case" | "begin" if self.atomic > 0 => self.atomic += 1,
            "end" => self.atomic = self.atomic.saturating_sub(1),
            _ => {}
        }
    }
}

/// Whether a backslash in a string takes the next letter's meaning away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Yes,
    No,
}

/// Whether a comment begins with our name.
fn names_us(comment: &str) -> bool {
    let said = comment.trim_start_matches(['-', '/', '*', ' ', '\t']);
    said.get(..10).is_some_and(|name| name.eq_ignore_ascii_case("concertina"))
}

/// PostgreSQL takes every byte outside of ASCII as a letter.
fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces, each with its text; statements without a mark.
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Statement(span) => span.of(text).to_owned(),
                Piece::Comment(span, place) => format!("{place:?} comment: {}", span.of(text)),
                Piece::Meta(span, place) => format!("{place:?} meta: {}", span.of(text)),
                Piece::CopyData(span) => format!("data: {}", span.of(text)),
                Piece::EndlessCopyData(span) => format!("endless data: {}", span.of(text)),
                Piece::Unterminated { opening, what } => format!("open {what:?}: {}", opening.of(text)),
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn semicolons_end_statements_only_outside_of_quotes() {
        check("", &[]);
        check(" -- only a comment", &[]);
        check("\u{feff}select 1;\r\n;;select 2\r\n", &["select 1", "select 2"]);
        check("-- a\n/* b /* ; */ ; */ select ';''', \";\" -- ;\n; x", &["select ';''', \";\"", "x"]);
        check("select e'\\';', 'a\\'; select e'a'\n'\\';' ; b", &["select e'\\';', 'a\\'", "select e'a'\n'\\';'", "b"]);
        check("do $$ a; $x$ ; $$; do $a$ $$; $a$; select $1;", &["do $$ a; $x$ ; $$", "do $a$ $$; $a$", "select $1"]);
        check("select a$b$; select 1$2; \"é\";é;", &["select a$b$", "select 1$2", "\"é\"", "é"]);
    }

    #[test]
    fn a_breakpoint_of_drizzle_ends_a_statement() {
        check("select 1\n--> statement-breakpoint\nselect 2;--> statement-breakpoint\n", &["select 1", "select 2"]);
        check("select '\n--> statement-breakpoint\n' -- > statement-breakpoint\n;", &["select '\n--> statement-breakpoint\n'"]);
    }

    #[test]
    fn an_open_parenthesis_takes_no_other_statement_with_it() {
        check("create table a (b int; select 1;", &["create table a (b int", "select 1"]);
        check("create or replace rule a as on insert to b do (c; d); e;", &["create or replace rule a as on insert to b do (c; d)", "e"]);
    }

    #[test]
    fn a_body_of_statements_is_part_of_its_function() {
        let body = "create or replace function a() returns int begin atomic select case when b then 1 end; select 2; end";
        check(&format!("{body}; begin; end; x"), &[body, "begin", "end", "x"]);
    }

    #[test]
    fn copied_rows_are_no_statements() {
        check("copy a (b) from stdin;\n1;'\n\\.\nx;", &["copy a (b) from stdin", "data: 1;'\n\\.\n", "x"]);
        check("COPY a FROM STDIN WITH CSV;\r\n\\.\r\nx;", &["COPY a FROM STDIN WITH CSV", "data: \\.\r\n", "x"]);
        check("copy a from stdin;\n1\n2", &["copy a from stdin", "endless data: 1\n2"]);
        check("copy a from stdin;", &["copy a from stdin"]);
        check("copy a to stdout;\nx;", &["copy a to stdout", "x"]);
    }

    #[test]
    fn an_open_quote_spoils_its_statement_and_not_the_next() {
        check("a;\nb 'it's');\nc;\n", &["a", "open String: ');", "c"]);
        check("a; b \"c;\nd", &["a", "open Identifier: \"c;", "d"]);
        check("a; b $$ c;\nd;", &["a", "open Dollar: $$ c;"]);
        check("a; /* b;\nd;", &["a", "open Comment: /* b;"]);
    }

    #[test]
    fn meta_commands_and_our_comments_are_told_apart_by_place() {
        check("\\set a 1\nb\n\\x\nc;\\echo d", &["Between meta: \\set a 1", "Inside meta: \\x", "b\n\\x\nc", "Behind meta: \\echo d"]);
        check("select 1 \\gexec\nb", &["select 1", "Inside meta: \\gexec", "b"]);
        check(
            "-- concertina: a\nb -- Concertina: c\n; --concertina d\n/* concertina: e */ f '-- concertina: g'",
            &[
                "Between comment: -- concertina: a",
                "Inside comment: -- Concertina: c",
                "b",
                "Behind comment: --concertina d",
                "Between comment: /* concertina: e */",
                "f '-- concertina: g'",
            ],
        );
    }
}
