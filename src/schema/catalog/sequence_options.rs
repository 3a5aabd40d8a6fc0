//! A sequence's options worked out: what the database keeps of them, defaults filled in, and what is left to write. Must never
//! write a default, nor lose a value that an earlier statement made the sequence keep.

use crate::schema::options::Options;

use crate::schema::data_type::DataType;

/// What the database keeps of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    increment: i128,
    minimum: i128,
    maximum: i128,
    start: i128,
    cache: i128,
    cycle: bool,
}

/// The options of a sequence after `ALTER SEQUENCE [AS to] changes`.
///
/// PostgreSQL's `init_params` (`src/backend/commands/sequence.c`).
pub(super) fn altered(options: &Options, from: &DataType, to: &DataType, changes: &Options) -> Options {
    let before = kept(options, from);
    let increment = number(changes, "INCREMENT").unwrap_or(before.increment);
    let follows_type = |bound: i128, of_type: i128| from != to && bound == of_type;
    let maximum = match changes.get("MAXVALUE") {
        Some(value) => value.parse().ok(),
        None if follows_type(before.maximum, greatest(from)) => Some(greatest(to)),
        None => Some(before.maximum),
    };
    let minimum = match changes.get("MINVALUE") {
        Some(value) => value.parse().ok(),
        None if follows_type(before.minimum, least(from)) => Some(least(to)),
        None => Some(before.minimum),
    };
    let after = Kept {
        increment,
        maximum: maximum.unwrap_or_else(|| default_maximum(increment, to)),
        minimum: minimum.unwrap_or_else(|| default_minimum(increment, to)),
        start: number(changes, "START").unwrap_or(before.start),
        cache: number(changes, "CACHE").unwrap_or(before.cache),
        cycle: changes.get("CYCLE").map_or(before.cycle, |value| is_on(value)),
    };
    written(&after, to)
}

/// What the options mean for a new sequence of that type.
fn kept(options: &Options, data_type: &DataType) -> Kept {
    let increment = number(options, "INCREMENT").unwrap_or(1);
    let maximum = number(options, "MAXVALUE").unwrap_or_else(|| default_maximum(increment, data_type));
    let minimum = number(options, "MINVALUE").unwrap_or_else(|| default_minimum(increment, data_type));
    Kept {
        increment,
        minimum,
        maximum,
        start: number(options, "START").unwrap_or(if increment > 0 { minimum } else { maximum }),
        cache: number(options, "CACHE").unwrap_or(1),
        cycle: options.get("CYCLE").is_some_and(|value| is_on(value)),
    }
}

/// The options that make a new sequence of that type keep these.
fn written(kept: &Kept, data_type: &DataType) -> Options {
    let first = if kept.increment > 0 { kept.minimum } else { kept.maximum };
    let numbers = [
        ("INCREMENT", kept.increment, 1),
        ("MINVALUE", kept.minimum, default_minimum(kept.increment, data_type)),
        ("MAXVALUE", kept.maximum, default_maximum(kept.increment, data_type)),
        ("START", kept.start, first),
        ("CACHE", kept.cache, 1),
    ];
    let differing = numbers.into_iter().filter(|(_, value, default)| value != default);
    let mut options: Options = differing.map(|(name, value, _)| (name.to_owned(), value.to_string())).collect();
    if kept.cycle {
        options.insert("CYCLE".to_owned(), "true".to_owned());
    }
    options
}

fn number(options: &Options, name: &str) -> Option<i128> {
    options.get(name)?.parse().ok()
}

fn is_on(value: &str) -> bool {
    !["false", "NO"].contains(&value)
}

fn default_maximum(increment: i128, data_type: &DataType) -> i128 {
    if increment > 0 { greatest(data_type) } else { -1 }
}

fn default_minimum(increment: i128, data_type: &DataType) -> i128 {
    if increment > 0 { 1 } else { least(data_type) }
}

/// The greatest value of an integer type.
fn greatest(data_type: &DataType) -> i128 {
    if data_type.is("int2") {
        i128::from(i16::MAX)
    } else if data_type.is("int4") {
        i128::from(i32::MAX)
    } else {
        i128::from(i64::MAX)
    }
}

fn least(data_type: &DataType) -> i128 {
    -greatest(data_type) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(written: &[(&str, &str)]) -> Options {
        written.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_alter_keeps_what_it_does_not_name() {
        let cases: [(&[_], &str, &[_], &str, &[_]); 6] = [
            (&[], "int8", &[("INCREMENT", "5")], "int8", &[("INCREMENT", "5")]),
            (&[("MAXVALUE", "9")], "int8", &[("MAXVALUE", "NO")], "int8", &[]),
            (&[("START", "7")], "int8", &[("MINVALUE", "-5")], "int8", &[("START", "7"), ("MINVALUE", "-5")]),
            (&[], "int8", &[("MINVALUE", "-5")], "int8", &[("START", "1"), ("MINVALUE", "-5")]),
            (&[], "int4", &[], "int2", &[]),
            (&[("CYCLE", "true")], "int4", &[("CYCLE", "false"), ("RESTART", "3")], "int4", &[]),
        ];
        for (before, from, changes, to, after) in cases {
            let (from, to) = (DataType::built_in(from), DataType::built_in(to));
            assert_eq!(altered(&options(before), &from, &to, &options(changes)), options(after), "{changes:?}");
        }
    }
}
