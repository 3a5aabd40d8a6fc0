//! Whether clients that know a column by one type can go on when it has another: what they write is taken, what they read
//! looks the same.

use crate::schema::DataType;

/// Integers and exact numbers, each of which holds all values of those before it.
const NUMBERS: &[&str] = &["int2", "int4", "int8", "numeric"];
/// Texts that look the same to a client. `char` is none of them: it is read with blanks behind it, and compared without.
const TEXTS: &[&str] = &["varchar", "text", "citext"];

/// Whether a column of type `from` can become `to` under its name while clients that know it as `from` go on.
///
/// They may not write or read what only `to` can hold; a driver that is strict about wire types (`int4` against `int8`) has
/// to be told, which is the plan's hazard to say.
pub fn same_to_clients(from: &DataType, to: &DataType) -> bool {
    if from.dimensions != to.dimensions {
        return false;
    }
    let (old, new) = (from.name.name.as_str(), to.name.name.as_str());
    if let (Some(before), Some(after)) = (place(NUMBERS, old), place(NUMBERS, new)) {
        return before < after && to.modifiers.is_empty() || (before == after && widens(from, to));
    }
    if place(TEXTS, old).is_some() && place(TEXTS, new).is_some() {
        return match (from.modifiers.first().and_then(|n| n.parse::<u64>().ok()), to.modifiers.first().and_then(|n| n.parse::<u64>().ok()))
        {
            (_, None) => true,
            (Some(before), Some(after)) => after >= before,
            (None, Some(_)) => false,
        };
    }
    match (old, new) {
        ("float4", "float8") | ("cidr", "inet") | ("json", "jsonb") => true,
        _ => old == new && widens(from, to),
    }
}

fn place(family: &[&str], name: &str) -> Option<usize> {
    family.iter().position(|known| *known == name)
}

/// Whether every value of `from` fits `to`, of the same type with other modifiers.
fn widens(from: &DataType, to: &DataType) -> bool {
    if to.modifiers.is_empty() {
        return true;
    }
    let number = |modifiers: &[String], at: usize| modifiers.get(at).and_then(|n| n.parse::<i64>().ok());
    let (Some(p1), Some(p2)) = (number(&from.modifiers, 0), number(&to.modifiers, 0)) else { return false };
    let (s1, s2) = (number(&from.modifiers, 1).unwrap_or(0), number(&to.modifiers, 1).unwrap_or(0));
    s2 >= s1 && p2 - s2 >= p1 - s1
}

#[cfg(test)]
mod tests {
    use super::same_to_clients;
    use crate::schema::DataType;

    fn of(name: &str, modifiers: &[&str]) -> DataType {
        DataType { modifiers: modifiers.iter().map(|&m| m.to_owned()).collect(), ..DataType::built_in(name) }
    }

    #[test]
    fn a_wider_type_is_the_same_to_clients_and_a_narrower_is_not() {
        type Case = (&'static str, &'static [&'static str], &'static str, &'static [&'static str], bool);
        let cases: &[Case] = &[
            ("int4", &[], "int8", &[], true),
            ("int8", &[], "int4", &[], false),
            ("int4", &[], "numeric", &["5", "2"], false),
            ("numeric", &["10", "2"], "numeric", &["12", "4"], true),
            ("numeric", &["10", "2"], "numeric", &["10", "4"], false),
            ("varchar", &["50"], "text", &[], true),
            ("text", &[], "varchar", &["50"], false),
            ("bpchar", &["5"], "varchar", &["5"], false),
            ("text", &[], "uuid", &[], false),
            ("timestamp", &[], "timestamptz", &[], false),
            ("json", &[], "jsonb", &[], true),
        ];
        for (from, from_modifiers, to, to_modifiers, expected) in cases {
            assert_eq!(same_to_clients(&of(from, from_modifiers), &of(to, to_modifiers)), *expected, "{from} to {to}");
        }
    }
}
