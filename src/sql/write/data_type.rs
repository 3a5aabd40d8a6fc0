//! Types, spelled as PostgreSQL's own `format_type` spells them. Must never drop a modifier.

use super::{identifier, name};
use crate::schema::DataType;

/// A type with its modifiers, as `format_type` prints it. It prints one `[]` however many dimensions were declared.
pub fn data_type(data_type: &DataType) -> String {
    let array = if data_type.dimensions > 0 { "[]" } else { "" };
    format!("{}{array}", element(data_type))
}

fn element(data_type: &DataType) -> String {
    let modifiers: Vec<&str> = data_type.modifiers.iter().map(String::as_str).collect();
    if data_type.name.schema.as_ref().is_none_or(|schema| schema != "pg_catalog") {
        return format!("{}{}", name(&data_type.name), in_parentheses(&modifiers));
    }
    match data_type.name.name.as_str() {
        "bool" => "boolean".to_owned(),
        "int2" => "smallint".to_owned(),
        "int4" => "integer".to_owned(),
        "int8" => "bigint".to_owned(),
        "float4" => "real".to_owned(),
        "float8" => "double precision".to_owned(),
        "varchar" => format!("character varying{}", in_parentheses(&modifiers)),
        "varbit" => format!("bit varying{}", in_parentheses(&modifiers)),
        // Without a length these are not the standard's types of length 1.
        "bpchar" if !modifiers.is_empty() => format!("character{}", in_parentheses(&modifiers)),
        "bit" if !modifiers.is_empty() => format!("bit{}", in_parentheses(&modifiers)),
        "bit" => "\"bit\"".to_owned(),
        "char" => "\"char\"".to_owned(),
        "numeric" => numeric(&modifiers),
        "time" => format!("time{} without time zone", in_parentheses(&modifiers)),
        "timetz" => format!("time{} with time zone", in_parentheses(&modifiers)),
        "timestamp" => format!("timestamp{} without time zone", in_parentheses(&modifiers)),
        "timestamptz" => format!("timestamp{} with time zone", in_parentheses(&modifiers)),
        "interval" => interval(&modifiers),
        // A keyword since PostgreSQL 17, printed bare all the same.
        "json" => "json".to_owned(),
        _ => format!("{}{}", identifier(&data_type.name.name), in_parentheses(&modifiers)),
    }
}

/// `numeric(5)` is `numeric(5,0)`.
fn numeric(modifiers: &[&str]) -> String {
    match modifiers {
        [precision] => format!("numeric({precision},0)"),
        _ => format!("numeric{}", in_parentheses(modifiers)),
    }
}

fn in_parentheses(modifiers: &[&str]) -> String {
    if modifiers.is_empty() {
        return String::new();
    }
    format!("({})", modifiers.join(","))
}

/// The bits by which the parser gives the fields of an interval (`utils/timestamp.h`, the same in PostgreSQL 12 to 18).
const MONTH: u32 = 1 << 1;
const YEAR: u32 = 1 << 2;
const DAY: u32 = 1 << 3;
const HOUR: u32 = 1 << 10;
const MINUTE: u32 = 1 << 11;
const SECOND: u32 = 1 << 12;

fn interval(modifiers: &[&str]) -> String {
    let fields = modifiers.first().and_then(|code| code.parse::<u32>().ok()).map_or("", fields);
    let precision = modifiers.get(1).map(|precision| format!("({precision})")).unwrap_or_default();
    format!("interval{fields}{precision}")
}

fn fields(code: u32) -> &'static str {
    const NAMED: [(u32, &str); 13] = [
        (YEAR, " year"),
        (MONTH, " month"),
        (DAY, " day"),
        (HOUR, " hour"),
        (MINUTE, " minute"),
        (SECOND, " second"),
        (YEAR | MONTH, " year to month"),
        (DAY | HOUR, " day to hour"),
        (DAY | HOUR | MINUTE, " day to minute"),
        (DAY | HOUR | MINUTE | SECOND, " day to second"),
        (HOUR | MINUTE, " hour to minute"),
        (HOUR | MINUTE | SECOND, " hour to second"),
        (MINUTE | SECOND, " minute to second"),
    ];
    NAMED.iter().find(|(mask, _)| *mask == code).map_or("", |(_, fields)| fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Name;

    #[test]
    fn types_are_spelled_as_format_type_spells_them() {
        for (name, modifiers, dimensions, expected) in [
            ("int4", &[][..], 0, "integer"),
            ("int4", &[], 2, "integer[]"),
            ("varchar", &["50"], 0, "character varying(50)"),
            ("varchar", &[], 1, "character varying[]"),
            ("bpchar", &["1"], 0, "character(1)"),
            ("bpchar", &[], 0, "bpchar"),
            ("char", &[], 0, "\"char\""),
            ("bit", &["1"], 0, "bit(1)"),
            ("varbit", &["3"], 0, "bit varying(3)"),
            ("numeric", &["10", "2"], 1, "numeric(10,2)[]"),
            ("numeric", &["10"], 0, "numeric(10,0)"),
            ("timestamptz", &["3"], 0, "timestamp(3) with time zone"),
            ("timetz", &[], 0, "time with time zone"),
            ("interval", &["6"], 0, "interval year to month"),
            ("interval", &["7176", "3"], 0, "interval day to second(3)"),
            ("interval", &["32767", "0"], 0, "interval(0)"),
            ("jsonb", &[], 0, "jsonb"),
        ] {
            let modifiers = modifiers.iter().map(|modifier| (*modifier).to_owned()).collect();
            let written = DataType { name: Name::new("pg_catalog", name), modifiers, dimensions };
            assert_eq!(data_type(&written), expected);
        }
    }
}
