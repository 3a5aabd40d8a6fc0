//! How the result of an expression depends on time and data, which decides whether a default can be kept once for all
//! rows. Reads the text's words; it never evaluates anything, and what it doesn't know is volatile.

use crate::schema::object::Volatility;
use crate::schema::{Catalog, Name, Part, Sql};

/// Built-in functions none of whose variants is volatile, one a line, sorted. From `pg_proc` of PostgreSQL 15, and what 16 to 18 added.
const STEADY: &str = include_str!("functions.txt");

/// Words that may stand before a parenthesis and call nothing, or nothing volatile.
const WORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "at",
    "between",
    "bigint",
    "bit",
    "boolean",
    "by",
    "case",
    "cast",
    "char",
    "character",
    "coalesce",
    "collation",
    "current_time",
    "current_timestamp",
    "dec",
    "decimal",
    "distinct",
    "double",
    "else",
    "escape",
    "exists",
    "extract",
    "float",
    "for",
    "from",
    "greatest",
    "ilike",
    "in",
    "int",
    "integer",
    "interval",
    "is",
    "isnull",
    "json",
    "json_array",
    "json_exists",
    "json_object",
    "json_query",
    "json_value",
    "jsonb",
    "least",
    "like",
    "localtime",
    "localtimestamp",
    "nchar",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "on",
    "operator",
    "or",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "select",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "to",
    "treat",
    "trim",
    "uuid",
    "varbit",
    "varchar",
    "varying",
    "when",
    "where",
    "with",
    "xmlconcat",
    "xmlelement",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "zone",
];

/// How the value of `expression` depends on time and data. An unknown function is volatile.
pub fn volatility(expression: &Sql, catalog: &Catalog) -> Volatility {
    let mut worst = Volatility::Immutable;
    for part in &expression.parts {
        let found = match part {
            Part::Text(text) => of_text(text, catalog),
            Part::Function(name) => of_function(name, catalog),
            Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Type(_) => Volatility::Immutable,
        };
        worst = worse(worst, found);
    }
    worst
}

/// Whether the text is NULL and nothing else, perhaps with a cast.
pub fn is_null(expression: &Sql) -> bool {
    let Some(Part::Text(text)) = expression.parts.first() else { return false };
    let text = text.trim().trim_start_matches('(').trim_start().to_ascii_lowercase();
    let Some(rest) = text.strip_prefix("null") else { return false };
    let rest = rest.trim_start().trim_end_matches(')').trim_end();
    if rest.is_empty() {
        return expression.parts.len() == 1;
    }
    rest.starts_with("::") && !rest.contains(['+', '|', '-', '*', '/'])
}

fn of_text(text: &str, catalog: &Catalog) -> Volatility {
    let mut worst = Volatility::Immutable;
    for word in Words::of(text) {
        let found = match word {
            Word::Called(name) if WORDS.binary_search(&name.as_str()).is_ok() => Volatility::Stable,
            Word::Called(name) => of_function(&Name::unqualified(name.as_str()), catalog),
            Word::Bare(name) if name.starts_with("current_") || name.starts_with("local") || name == "session_user" || name == "user" => {
                Volatility::Stable
            }
            Word::Bare(_) => Volatility::Immutable,
        };
        worst = worse(worst, found);
    }
    worst
}

/// A function's volatility: what migrations declared, else what the engine brings, else the worst.
fn of_function(name: &Name, catalog: &Catalog) -> Volatility {
    let declared = catalog
        .routines
        .iter()
        .filter(|((routine, _), _)| routine.name == name.name && (name.schema.is_none() || routine.schema == name.schema))
        .map(|(_, routine)| routine.volatility)
        .reduce(worse);
    let built_in = name.schema.as_ref().is_none_or(|schema| schema == "pg_catalog") && is_steady(name.name.as_str());
    match declared {
        Some(volatility) => volatility,
        None if built_in => Volatility::Stable,
        None => Volatility::Volatile,
    }
}

fn is_steady(name: &str) -> bool {
    STEADY.lines().any(|line| line == name)
}

fn worse(left: Volatility, right: Volatility) -> Volatility {
    match (left, right) {
        (Volatility::Volatile, _) | (_, Volatility::Volatile) => Volatility::Volatile,
        (Volatility::Stable, _) | (_, Volatility::Stable) => Volatility::Stable,
        (Volatility::Immutable, Volatility::Immutable) => Volatility::Immutable,
    }
}

/// A word of an expression.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// With a parenthesis after it.
    Called(String),
    /// Without.
    Bare(String),
}

/// The words of a text, its literals left out.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Passes over a literal or a quoted name that begins with `quote`, and gives what is in it.
    fn quoted(&mut self, quote: char) -> &'a str {
        let body = &self.rest[quote.len_utf8()..];
        let mut end = 0;
        while let Some(found) = body[end..].find(quote) {
            let after = end + found + quote.len_utf8();
            if body[after..].starts_with(quote) {
                end = after + quote.len_utf8();
                continue;
            }
            self.rest = &body[after..];
            return &body[..end + found];
        }
        self.rest = "";
        body
    }

    fn word(&mut self, name: String) -> Word {
        if self.rest.trim_start().starts_with('(') { Word::Called(name) } else { Word::Bare(name) }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while let Some(first) = self.rest.chars().next() {
            if first == '\'' {
                self.quoted('\'');
            } else if first == '"' {
                let name = self.quoted('"').to_owned();
                return Some(self.word(name));
            } else if first.is_alphabetic() || first == '_' {
                let length = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(self.rest.len());
                let name = self.rest[..length].to_lowercase();
                self.rest = &self.rest[length..];
                return Some(self.word(name));
            } else if first.is_ascii_digit() {
                let length = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(self.rest.len());
                self.rest = &self.rest[length..];
            } else {
                self.rest = &self.rest[first.len_utf8()..];
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Volatility) {
        assert_eq!(volatility(&Sql::plain(text), &Catalog::default()), expected, "{text}");
    }

    #[test]
    fn the_words_are_sorted() {
        assert!(WORDS.is_sorted());
    }

    #[test]
    fn a_default_is_as_volatile_as_its_worst_function() {
        for text in ["0", "'now()'", "'{}'::jsonb", "1 + 2 * (3)", "'a' || 'b'", "e'it''s random()'", "(5)::numeric(10,2)"] {
            assert_ne!(volatility(&Sql::plain(text), &Catalog::default()), Volatility::Volatile, "{text}");
        }
        for text in [
            "now()",
            "NOW ()",
            "current_timestamp",
            "current_date",
            "statement_timestamp()",
            "txid_current()",
            "make_interval(days => 7)",
            "timezone('utc', now())",
            "now() at time zone 'utc'",
            "now() + interval '7 days'",
            "coalesce(current_setting('a.b', true), 'x')",
            "pg_catalog.now()",
            "(CURRENT_TIMESTAMP(3))",
        ] {
            check(text, Volatility::Stable);
        }
        for text in [
            "clock_timestamp()",
            "timeofday()",
            "random()",
            "ARRAY[random()]",
            "gen_random_uuid()",
            "uuidv7()",
            "nextval('s'::regclass)",
            "uuid_generate_v4()",
            "app_code()",
            "coalesce(null, md5(random()::text))",
            "\"My Function\"(1)",
        ] {
            check(text, Volatility::Volatile);
        }
    }

    #[test]
    fn null_is_no_default() {
        for text in ["NULL", "null::text", " (NULL) ", "null :: varchar(20)"] {
            assert!(is_null(&Sql::plain(text)), "{text}");
        }
        for text in ["0", "'null'", "nullif(1, 2)", "null || 'a'", "nulls"] {
            assert!(!is_null(&Sql::plain(text)), "{text}");
        }
    }

    proptest::proptest! {
        /// Expressions come from people's files: whatever is in them, there is an answer.
        #[test]
        fn any_text_has_an_answer(text in "[a-z_ ('\")é:0-9\\$]{0,40}") {
            let sql = Sql::plain(text.as_str());
            let _ = volatility(&sql, &Catalog::default());
            let _ = is_null(&sql);
            let _ = super::super::spelling::canonical_type(&text);
        }
    }
}
