//! The rules that come with the program, one file each. A test holds this list against the folder.

use std::sync::LazyLock;

use super::rule::Rule;

/// Makes the list of files from their names.
macro_rules! files {
    ($($id:literal),+ $(,)?) => {
        &[$((concat!($id, ".toml"), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/", $id, ".toml")))),+]
    };
}

/// Every rule's file: its name and its text, sorted.
pub const FILES: &[(&str, &str)] = files![
    "add-required-column",
    "check-not-valid-missing",
    "concurrently-in-tx",
    "constrained-domain-rewrite",
    "create-index-blocking",
    "drop-column",
    "drop-index-blocking",
    "drop-table",
    "exclusion-constraint-build",
    "fk-not-valid-missing",
    "identity-column-rewrite",
    "not-null-scan",
    "pk-index-inline",
    "rename-column",
    "rename-table",
    "set-not-null",
    "stored-generated-rewrite",
    "truncate",
    "type-change-index-rebuild",
    "type-change-rewrite",
    "unbatched-update",
    "unique-index-inline",
    "volatile-default-rewrite",
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| Rule::read(name, text).expect("a test reads every rule that comes with the program");
    FILES.iter().map(read).collect()
});

/// The rules that come with the program, by id.
pub fn all() -> &'static [Rule] {
    &RULES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read_and_shows_itself() {
        for (name, text) in FILES {
            let rule = Rule::read(name, text).unwrap_or_else(|error| panic!("rules/{error}"));
            assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{name} needs a bad and a good example");
        }
        assert!(FILES.is_sorted());
    }

    #[test]
    fn mistakes_are_told_with_line_and_column_and_the_nearest_name() {
        const HEAD: &str = "id = 'x'\ntitle = ''\ncategory = 'lock'\nseverity = 'error'\nwhy = ''\ninstead = ''\n";
        for (text, expected) in [
            ("message = ''\n[when]\ntable-is-now = true\n", "x.toml:9:1: there is no fact `table-is-now`; did you mean `table-is-new`?"),
            ("message = ''\n[when]\nchange = 'drop-colum'\n", "x.toml:9:10: `change` is never `drop-colum`; did you mean `drop-column`?"),
            ("message = ''\n[when]\nchange = ['add-column', 'nothing-like-it']\n", "x.toml:9:25: `change` is never `nothing-like-it`"),
            ("message = ''\n[when]\nconcurrently = 'no'\n", "x.toml:9:16: `concurrently` is true or false"),
            ("message = ''\n[when]\nlock-at-least = ['share']\n", "x.toml:9:17: `lock-at-least` is one word"),
            ("message = ''\n[[when]]\nunique = true\n[[when]]\nunique = 3\n", "x.toml:11:10: "),
            ("message = 'of {tabel}'\n[when]\n", "x.toml:7:11: a message can't name `{tabel}`; did you mean `table`?"),
            ("message = ''\nwen = 1\n[when]\n", "x.toml:8:1: unknown field `wen`"),
        ] {
            let error = Rule::read("x.toml", &format!("{HEAD}{text}")).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?} gave {error:?}");
        }
        let error = Rule::read("y.toml", &format!("{HEAD}message = ''\n[when]\n")).unwrap_err().to_string();
        assert!(error.starts_with("y.toml:1:6: "), "{error}");
    }
}
