//! Values for columns, by their type: ordinary ones, different for each number, and extremes. As SQL literals. Pure.

use std::collections::BTreeMap;

use super::shape::{Column, DataType};
use crate::sql::write;

/// What a value is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Ordinary, and another one for each number.
    Plain,
    /// At the edge of what the type holds.
    Extreme,
}

/// A value for the column as an SQL expression of its type. None if the type is one for which we know none.
pub(super) fn value(types: &BTreeMap<i64, DataType>, column: &Column, number: u64, flavour: Flavour) -> Option<String> {
    let text = of_type(types, column.data_type, column.modifier, number, flavour)?;
    Some(cast(&text, column))
}

/// The same, where its text is also a value of the type that the column becomes.
pub(super) fn value_to_come(types: &BTreeMap<i64, DataType>, column: &Column, number: u64) -> Option<String> {
    let (data_type, modifier) = column.becomes?;
    let text = of_type(types, data_type, modifier, number, Flavour::Plain)?;
    Some(cast(&text, column))
}

/// A text as a value of the column's type.
pub(super) fn cast(text: &str, column: &Column) -> String {
    format!("{}::{}", write::literal(text), column.type_text)
}

/// The literals in a condition, without their quotes: what a value that obeys it may look like.
pub(super) fn literals(condition: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = condition;
    while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_digit()) {
        let before = rest[..at].chars().next_back();
        rest = &rest[at..];
        if let Some(quoted) = rest.strip_prefix('\'') {
            let end = quoted.find('\'').unwrap_or(quoted.len());
            found.push(quoted[..end].to_owned());
            rest = quoted.get(end + 1..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        // Digits inside of a name are none of a number.
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            let sign = if before == Some('-') { "-" } else { "" };
            found.push(format!("{sign}{}", &rest[..end]));
            let whole: Option<i64> = rest[..end].parse().ok();
            found.extend(
                whole.iter().flat_map(|number| [number.saturating_add(1), number.saturating_sub(1)]).map(|number| number.to_string()),
            );
        }
        rest = &rest[end..];
    }
    found.dedup();
    found
}

/// Texts that a condition on their length may ask for: as long as its numbers say, and one longer.
pub(super) fn lengths(condition: &str, n: u64) -> Vec<String> {
    const LONGEST: usize = 1000;
    if !condition.contains("length(") {
        return Vec::new();
    }
    let numbers = literals(condition).into_iter().filter_map(|literal| literal.parse::<usize>().ok()).filter(|length| *length <= LONGEST);
    let text = |length: usize| format!("text-{n}-{:x<LONGEST$}", "").chars().take(length).collect();
    numbers.map(text).collect()
}

fn of_type(types: &BTreeMap<i64, DataType>, number_of_type: i64, modifier: i32, n: u64, flavour: Flavour) -> Option<String> {
    let data_type = types.get(&number_of_type)?;
    match data_type.kind {
        'e' => {
            let at = usize::try_from(n).unwrap_or_default() % data_type.labels.len().max(1);
            data_type.labels.get(at).cloned()
        }
        'd' => {
            let known: Vec<String> = data_type.conditions.iter().flat_map(|condition| literals(condition)).collect();
            let long: Vec<String> = data_type.conditions.iter().flat_map(|condition| lengths(condition, n)).collect();
            let any = |among: &[String]| among.get(usize::try_from(n / 3).unwrap_or_default() % among.len().max(1)).cloned();
            // Of three values one is what the domain's own conditions name, and one as long as they ask for.
            let named = if n % 3 == 1 { any(&known) } else { any(&long).filter(|_| n % 3 == 2) };
            named.or_else(|| of_type(types, data_type.of, data_type.of_modifier, n, flavour))
        }
        'c' => Some(format!("({})", ",".repeat(usize::try_from(data_type.attributes).unwrap_or(1).saturating_sub(1)))),
        'r' | 'm' => {
            let low = of_type(types, data_type.of, -1, n, Flavour::Plain)?;
            let high = of_type(types, data_type.of, -1, n + 1, Flavour::Plain)?;
            let range =
                if low < high || low.len() < high.len() { format!("[\"{low}\",\"{high}\")") } else { format!("[\"{low}\",\"{low}\"]") };
            Some(if data_type.kind == 'm' { format!("{{{range}}}") } else { range })
        }
        _ if data_type.is_array && flavour == Flavour::Extreme => Some("{}".to_owned()),
        _ if data_type.is_array => {
            let element = |n| of_type(types, data_type.of, modifier, n, Flavour::Plain).map(|text| quoted_element(&text));
            Some(format!("{{{},{}}}", element(n)?, element(n + 1)?))
        }
        _ => built_in(&data_type.name, modifier, n, flavour),
    }
}

fn quoted_element(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// How many characters or bits a type holds; `format_type`'s modifier of the textual types counts four more.
fn room(name: &str, modifier: i32) -> Option<usize> {
    let offset = if matches!(name, "varchar" | "bpchar") { 4 } else { 0 };
    usize::try_from(modifier - offset).ok().filter(|_| modifier >= offset)
}

fn built_in(name: &str, modifier: i32, n: u64, flavour: Flavour) -> Option<String> {
    let extreme = flavour == Flavour::Extreme;
    let even = n.is_multiple_of(2);
    Some(match name {
        "bool" => even.to_string(),
        "int2" => small(n, extreme, i64::from(i16::MAX)),
        "int4" | "oid" | "xid" if name != "int4" => (n % 100_000).to_string(),
        "int4" => small(n, extreme, i64::from(i32::MAX)),
        "int8" => small(n, extreme, i64::MAX),
        "numeric" => numeric(modifier, n, extreme),
        "float4" | "float8" if extreme => format!("{}e30", n % 9 + 1),
        "float4" | "float8" => format!("{}.5", n % 1_000_000),
        "money" => format!("{}.25", n % 1_000_000),
        "text" | "varchar" | "bpchar" | "citext" | "name" | "char" => textual(name, modifier, n, extreme),
        "uuid" => format!("00000000-0000-4000-8000-{n:012x}"),
        "date" => format!("{}-{:02}-{:02}", 1990 + n / 336 % 200, n / 28 % 12 + 1, n % 28 + 1),
        "timestamp" => format!("{}-{:02}-{:02} {:02}:30:15.123456", 1990 + n / 336 % 200, n / 28 % 12 + 1, n % 28 + 1, n % 24),
        "timestamptz" => format!("{}-{:02}-{:02} {:02}:30:15.123456+00", 1990 + n / 336 % 200, n / 28 % 12 + 1, n % 28 + 1, n % 24),
        "time" => format!("{:02}:{:02}:15", n % 24, n / 24 % 60),
        "timetz" => format!("{:02}:{:02}:15+00", n % 24, n / 24 % 60),
        "interval" => format!("{} days {} hours", n % 1000, n % 24),
        "json" | "jsonb" if extreme && even => "null".to_owned(),
        "json" | "jsonb" => format!("{{\"n\": {n}, \"list\": [1, null, 1.00], \"text\": \"é\"}}"),
        "bytea" if extreme => String::new(),
        "bytea" => format!("\\x{n:016x}"),
        "inet" => format!("10.{}.{}.{}", n / 65536 % 256, n / 256 % 256, n % 256),
        "cidr" => format!("10.{}.{}.0/24", n / 256 % 256, n % 256),
        "macaddr" => format!("08:00:2b:{:02x}:{:02x}:{:02x}", n / 65536 % 256, n / 256 % 256, n % 256),
        "macaddr8" => format!("08:00:2b:00:00:{:02x}:{:02x}:{:02x}", n / 65536 % 256, n / 256 % 256, n % 256),
        "point" => format!("({},1)", n % 1000),
        "box" | "lseg" => format!("({},1),(0,0)", n % 1000 + 1),
        "path" | "polygon" => format!("((0,0),({},1),(1,2))", n % 1000),
        "circle" => format!("<(0,0),{}>", n % 1000 + 1),
        "line" => format!("{{1,-1,{}}}", n % 1000),
        "bit" | "varbit" => (0..room(name, modifier).unwrap_or(8)).map(|at| if n >> (at % 60) & 1 == 1 { '1' } else { '0' }).collect(),
        "xml" => format!("<a n=\"{n}\"/>"),
        "tsvector" => format!("'word{n}':1"),
        "tsquery" => format!("'word{n}'"),
        "hstore" => format!("\"n\"=>\"{n}\""),
        "ltree" | "lquery" | "ltxtquery" => format!("top.n{n}"),
        "pg_lsn" => format!("0/{n:X}"),
        "vector" | "halfvec" => format!("[{}]", vec![(n % 10 + 1).to_string(); room("", modifier).unwrap_or(3).max(1)].join(",")),
        "geometry" | "geography" => format!("SRID=4326;POINT({} {})", n % 180, n % 90),
        "jsonpath" => "$.n".to_owned(),
        _ => return None,
    })
}

/// Ordinary numbers start at 1; extremes come down from the greatest and up from the least.
fn small(n: u64, extreme: bool, greatest: i64) -> String {
    let n = i64::try_from(n).unwrap_or(1);
    match (extreme, n % 3) {
        (false, _) => (n % greatest + i64::from(n % greatest == 0)).to_string(),
        (true, 0) => (greatest - n % 30_000).to_string(),
        (true, 1) => (-greatest + n % 30_000).to_string(),
        (true, _) => "0".to_owned(),
    }
}

fn numeric(modifier: i32, n: u64, extreme: bool) -> String {
    if modifier < 4 {
        return if extreme { format!("{n}.10") } else { format!("{n}.5") };
    }
    let (precision, scale) = ((modifier - 4) >> 16 & 0xffff, (modifier - 4) & 0x7ff);
    let whole = u32::try_from(precision - scale).unwrap_or_default().min(15);
    let limit = 10_u64.pow(whole);
    if whole == 0 {
        "0".to_owned()
    } else if extreme {
        (limit - 1 - n % limit.min(1000)).to_string()
    } else {
        (n % limit).to_string()
    }
}

fn textual(name: &str, modifier: i32, n: u64, extreme: bool) -> String {
    let text = match (name, extreme, n % 4) {
        ("char", ..) => return char::from(b'a' + u8::try_from(n % 26).unwrap_or_default()).to_string(),
        ("citext", false, _) => format!("MiXed-{n}"),
        (_, false, _) => format!("text-{n}"),
        (_, true, 0) => String::new(),
        (_, true, 1) => format!("žluťoučký 🐘 {n}"),
        (_, true, 2) => format!(" O'Reilly \"{n}\" \\ % "),
        (_, true, _) => "x".repeat(200) + &n.to_string(),
    };
    match room(name, modifier) {
        Some(room) if text.chars().count() > room => {
            let digits = format!("{n:0>room$}");
            digits.chars().skip(digits.chars().count().saturating_sub(room)).collect()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn a_condition_tells_values_that_may_obey_it() {
        assert_eq!(literals("CHECK (((kind)::text = ANY (ARRAY['a b'::text, 'c'])))"), ["a b", "c"]);
        assert_eq!(literals("CHECK ((n2 >= 10))"), ["10", "11", "9"]);
        assert_eq!(literals("FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"), ["2024-01-01", "2025-01-01"]);
    }
}
