//! Types of columns: their names, values of theirs, and what they can be changed to.

use super::picks::Picks;

/// What a type's values are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Whole,
    Decimal,
    Text,
    Bool,
    Time,
    Label,
    Other,
}

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    /// As SQL has it.
    pub(super) sql: String,
    pub(super) family: Family,
    /// Two values of it, as SQL expressions.
    pub(super) values: [String; 2],
}

const TYPES: &[(&str, Family, &str, &str)] = &[
    ("integer", Family::Whole, "7", "8"),
    ("text", Family::Text, "'x'", "'it''s'"),
    ("bigint", Family::Whole, "7", "8"),
    ("boolean", Family::Bool, "false", "true"),
    ("varchar(20)", Family::Text, "'x'", "'y z'"),
    ("numeric(10,2)", Family::Decimal, "0", "1.50"),
    ("timestamptz", Family::Time, "now()", "'2020-01-01 00:00:00+00'"),
    ("smallint", Family::Whole, "7", "8"),
    ("numeric", Family::Decimal, "0", "1.50"),
    ("date", Family::Time, "'2020-01-01'", "CURRENT_DATE"),
    ("timestamp", Family::Time, "'2020-01-01 00:00:00'", "LOCALTIMESTAMP"),
    ("uuid", Family::Other, "'00000000-0000-0000-0000-000000000000'", "gen_random_uuid()"),
    ("jsonb", Family::Other, "'{}'", "'{\"a\": [1.0]}'"),
    ("json", Family::Other, "'{}'", "'{\"a\":  1}'"),
    ("char(3)", Family::Text, "'a'", "'abc'"),
    ("double precision", Family::Decimal, "0", "1.5"),
    ("real", Family::Decimal, "0", "1.5"),
    ("bytea", Family::Other, "'\\x00'", "'\\xff'"),
    ("interval", Family::Other, "'1 day'", "'24 hours'"),
    ("text[]", Family::Other, "'{}'", "'{a,\"b c\"}'"),
    ("integer[]", Family::Other, "'{}'", "ARRAY[1, 2]"),
    ("inet", Family::Other, "'10.0.0.1'", "'10.0.0.2'"),
    ("int4range", Family::Other, "'empty'", "'[1,5)'"),
    ("text COLLATE \"C\"", Family::Text, "'x'", "'y'"),
    ("time", Family::Other, "'10:00'", "'11:30'"),
    ("varchar", Family::Text, "'x'", "'y z'"),
    ("bit(4)", Family::Other, "B'0000'", "B'1010'"),
];

/// A type that the database has without help.
pub(super) fn built_in(picks: &mut Picks) -> Type {
    let (sql, family, one, other) = TYPES[picks.below(TYPES.len())];
    Type { sql: sql.to_owned(), family, values: [one.to_owned(), other.to_owned()] }
}

/// That type of `TYPES`.
pub(super) fn named(name: &str) -> Type {
    let found = TYPES.iter().find(|(sql, ..)| *sql == name);
    let (sql, family, one, other) = found.expect("the type is in the list");
    Type { sql: (*sql).to_owned(), family: *family, values: [(*one).to_owned(), (*other).to_owned()] }
}

/// An enum's type.
pub(super) fn of_enum(name: &str, labels: &[String]) -> Type {
    let value = |at: usize| super::name::literal(labels.get(at).or(labels.first()).map_or("", String::as_str));
    Type { sql: name.to_owned(), family: Family::Label, values: [value(0), value(1)] }
}

/// What a type may be changed to, and the USING that it takes (with `{}` for the column).
const CHANGES: &[(&str, &str, &str)] = &[
    ("smallint", "integer", ""),
    ("smallint", "bigint", ""),
    ("integer", "bigint", ""),
    ("integer", "text", ""),
    ("integer", "numeric", ""),
    ("integer", "smallint", ""),
    ("integer", "boolean", "{} <> 0"),
    ("bigint", "numeric", ""),
    ("bigint", "integer", ""),
    ("bigint", "text", "{}::text"),
    ("text", "varchar", ""),
    ("text", "varchar(20)", "left({}, 20)"),
    ("varchar(20)", "text", ""),
    ("varchar(20)", "varchar", ""),
    ("varchar", "text", ""),
    ("char(3)", "text", ""),
    ("char(3)", "varchar(20)", ""),
    ("numeric(10,2)", "numeric", ""),
    ("numeric", "numeric(10,2)", "trunc({} % 1000000, 2)"),
    ("numeric", "double precision", ""),
    ("real", "double precision", ""),
    ("date", "timestamp", ""),
    ("timestamp", "date", ""),
    ("timestamp", "timestamptz", "{} AT TIME ZONE 'UTC'"),
    ("timestamptz", "timestamp", "{} AT TIME ZONE 'UTC'"),
    ("timestamptz", "date", "({} AT TIME ZONE 'UTC')::date"),
    ("json", "jsonb", ""),
    ("jsonb", "json", ""),
    ("jsonb", "text", ""),
    ("boolean", "integer", "{}::integer"),
    ("boolean", "text", ""),
    ("uuid", "text", ""),
    ("inet", "text", ""),
    ("interval", "text", ""),
    ("text", "text COLLATE \"C\"", ""),
];

/// A type that this one may be changed to, and the expression of USING, if it takes one.
pub(super) fn changed(picks: &mut Picks, from: &Type, column: &str) -> Option<(Type, Option<String>)> {
    let choices: Vec<&(&str, &str, &str)> = CHANGES.iter().filter(|(old, ..)| *old == from.sql).collect();
    let (_, to, using) = picks.of(&choices)?;
    Some((named(to), (!using.is_empty()).then(|| using.replace("{}", column))))
}
