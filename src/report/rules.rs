//! The rules of lint, and the vocabulary that they are written in, as the page `docs/rules.md`. Says nothing that isn't in the
//! rules' own files.

use std::fmt::Write;

use crate::lint::{Category, Example, Rule, RunnerExample, Term};

/// What stands above the generated part.
const HEAD: &str = "\
# Rules of lint

Made from the files in `rules/`; a test keeps it fresh. Every example here is run.

`concertina lint` looks at the migrations of the newest plan and at those that no plan lists (`--all`: at all of them). An object
that the same release creates is nobody's yet, so nothing that is done to it is found. A finding that you know and accept is
taken away by a directive above its statement, with the reason:

```sql
-- concertina: allow drop-column because \"no release since 41 reads it\"
ALTER TABLE users DROP COLUMN nickname;
```

An `allow` that takes nothing away is found by `unused-allow`, one for a rule that doesn't exist by `unknown-rule`.

Findings of severity *error* make the exit code 1, those of severity *warning* only with `--fail-on warning`.
`--format json` prints one document, `concertina.findings/1`: `findings` (each with `rule`, `severity`, `category`, `place`, `message`,
`why`, `instead`, `locks`), `problems` (what could not be read, or doesn't fit the schema before it), and `summary`. It may gain fields,
it never loses or renames one.
";

/// What stands above the vocabulary.
const VOCABULARY: &str = "\
## The vocabulary of rules

A rule is one file in `rules/`. `[when]` says what must all be true of a change (several `[[when]]`: of which one is enough), `[unless]`
what must not. The names are those below and no others; a mistake is told with its line and column when the rule is read.

| fact | true when | compared with |
|---|---|---|
";

/// The page.
pub fn page(rules: &[Rule], vocabulary: impl Iterator<Item = Term>) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n| rule | danger | severity |\n|---|---|---|\n");
    for rule in rules {
        line(&mut text, format_args!("| [`{id}`](#{id}) | {} | {} |", rule.title, rule.severity.as_str(), id = rule.id));
    }
    for rule in rules {
        section(&mut text, rule);
    }
    text.push('\n');
    text.push_str(VOCABULARY);
    for term in vocabulary {
        let words = if term.words.is_empty() { "true, false".to_owned() } else { list(term.words) };
        line(&mut text, format_args!("| `{}` | {} | {words} |", term.name, term.meaning));
    }
    text
}

fn section(text: &mut String, rule: &Rule) {
    let versions = match (rule.versions.from, rule.versions.to) {
        (0, u32::MAX) => String::new(),
        (from, u32::MAX) => format!(" PostgreSQL {from} on."),
        (0, to) => format!(" Up to PostgreSQL {to}."),
        (from, to) => format!(" PostgreSQL {from} to {to}."),
    };
    line(text, format_args!("\n### {}\n\n{}: {}.{versions}", rule.id, category(rule.category), rule.title));
    line(text, format_args!("\n{}\n\n{}", rule.why, rule.instead));
    for (says, examples) in [("Found", &rule.bad), ("Not found", &rule.good)] {
        for example in examples {
            show(text, says, example);
        }
    }
}

fn show(text: &mut String, says: &str, example: &Example) {
    let mut about = String::new();
    if example.version != 15 {
        about = format!(" (PostgreSQL {})", example.version);
    }
    if example.runner == RunnerExample::Wrapped {
        about.push_str(" (in a runner's transaction)");
    }
    if !example.note.is_empty() {
        about.push_str(": ");
        about.push_str(&example.note);
    }
    line(text, format_args!("\n{says}{about}\n\n```sql"));
    for statement in example.setup.trim().lines() {
        line(text, format_args!("/* before */ {statement}"));
    }
    line(text, format_args!("{}\n```", example.sql.trim()));
}

fn category(category: Category) -> &'static str {
    match category {
        Category::BreaksClients => "Breaks clients",
        Category::Lock => "Locks",
        Category::LosesData => "Loses data",
        Category::Correctness => "Fails or misleads",
    }
}

/// A list of words; the names of all kinds of change would fill the page.
fn list(words: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = words.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    if words.len() > SHOWN { format!("{} and {} more", shown.join(", "), words.len() - SHOWN) } else { shown.join(", ") }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string can always be written to");
    text.push('\n');
}
