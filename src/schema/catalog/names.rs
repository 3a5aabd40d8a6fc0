//! Names that PostgreSQL makes up: of constraints, indexes and sequences that their author left unnamed. By its own rules, to
//! the byte; must never look at anything but names that are taken.

use crate::schema::name::Identifier;

/// The longest name in bytes (`NAMEDATALEN` less one, in every build that people run).
const LONGEST: usize = 63;

/// `first`, `second` and `label` joined by `_`, where the longer of the first two gives way until 63 bytes are enough.
///
/// PostgreSQL's `makeObjectName` (`src/backend/commands/indexcmds.c`).
pub fn object_name(first: &str, second: Option<&str>, label: &str) -> Identifier {
    let overhead = label.len() + 1 + usize::from(second.is_some());
    let available = LONGEST.saturating_sub(overhead);
    let mut first_length = first.len();
    let mut second_length = second.map_or(0, str::len);
    while first_length + second_length > available {
        if first_length > second_length {
            first_length -= 1;
        } else {
            second_length -= 1;
        }
    }
    let mut name = clip(first, first_length).to_owned();
    if let Some(second) = second {
        name.push('_');
        name.push_str(clip(second, second_length));
    }
    name.push('_');
    name.push_str(label);
    Identifier::new(name)
}

/// The first name of the series `label`, `label1`, `label2` … that is free.
///
/// PostgreSQL's `ChooseRelationName` and `ChooseConstraintName`.
pub fn choose(first: &str, second: Option<&str>, label: &str, taken: impl Fn(&Identifier) -> bool) -> Identifier {
    let mut name = object_name(first, second, label);
    let mut pass = 0_u32;
    while taken(&name) {
        pass += 1;
        name = object_name(first, second, &format!("{label}{pass}"));
    }
    name
}

/// Column names joined by `_`, as they stand in the name of an index or a foreign key.
///
/// PostgreSQL's `ChooseIndexNameAddition`: it stops as soon as there is more than a name can hold.
pub fn addition<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for column in columns {
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
        if joined.len() > LONGEST {
            break;
        }
    }
    joined
}

/// The columns of an index by name, made different from each other by a number.
///
/// PostgreSQL's `ChooseIndexColumnNames`.
pub fn index_columns(preliminary: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for original in preliminary {
        let mut name = original.clone();
        let mut pass = 0_u32;
        while names.contains(&name) {
            pass += 1;
            let number = pass.to_string();
            name = format!("{}{number}", clip(&original, LONGEST - number.len()));
        }
        names.push(name);
    }
    names
}

/// What is left of an identifier that is too long.
pub fn truncated(name: &Identifier) -> Identifier {
    if name.as_str().len() <= LONGEST { name.clone() } else { Identifier::from(clip(name.as_str(), LONGEST)) }
}

/// At most `length` bytes of `text`, no character cut in two.
fn clip(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_name_gives_way() {
        let cases = [
            ("users", Some("email"), "key", "users_email_key"),
            ("users", None, "pkey", "users_pkey"),
            (
                "a_table_with_a_name_that_is_rather_long_for_its_own_good_really",
                Some("id"),
                "seq",
                "a_table_with_a_name_that_is_rather_long_for_its_own_good_id_seq",
            ),
            (
                "a_table_with_a_name_that_is_rather_long",
                Some("a_column_with_a_name_that_is_rather_long"),
                "fkey",
                "a_table_with_a_name_that_is_r_a_column_with_a_name_that_is_fkey",
            ),
            ("tüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü", Some("x"), "idx", "tüüüüüüüüüüüüüüüüüüüüüüüüüüüü_x_idx"),
        ];
        for (first, second, label, expected) in cases {
            assert_eq!(object_name(first, second, label).as_str(), expected);
        }
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = ["t_a_idx", "t_a_idx1"];
        let name = choose("t", Some("a"), "idx", |name| taken.contains(&name.as_str()));
        assert_eq!(name, "t_a_idx2");
    }

    #[test]
    fn equal_columns_are_numbered() {
        let names = index_columns(["lower", "a", "lower", "lower"].map(str::to_owned));
        assert_eq!(names, ["lower", "a", "lower1", "lower2"]);
    }
}
