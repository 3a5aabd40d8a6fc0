//! A proof as text and JSON. Pure.

use std::fmt::Write as _;

use serde::Serialize;

use crate::verify::{Example, Proof, Rows, Verdict};

/// One migration, verified as a release of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Its path.
    pub path: String,
    /// What came of it.
    pub result: Result,
    /// Why it is not proven.
    pub reason: Option<String>,
    /// What to write instead or above it.
    pub directive: Option<String>,
    /// How long it took.
    pub seconds: Seconds,
}

/// Seconds, to the tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub std::time::Duration);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0.as_secs_f64() * 10.0).round() / 10.0)
    }
}

/// What came of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Result {
    /// Planned, and everything held.
    Proven,
    /// Planned, and something could not be tried.
    NotProven,
    /// Not planned: it says what to do.
    Refused,
    /// Planned, and something did not hold.
    Refuted,
}

impl From<Verdict> for Result {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Proven => Self::Proven,
            Verdict::NotProven => Self::NotProven,
            Verdict::Refuted => Self::Refuted,
        }
    }
}

/// For people: a line a check, then what did not hold and what could not be tried.
pub fn text(proof: &Proof) -> String {
    let mut text = format!("release {}: {}\n", proof.release, proof.result);
    for check in &proof.checks {
        let probes = if check.probes == 1 { "1 try".to_owned() } else { format!("{} tries", check.probes) };
        let _ = writeln!(text, "  {:<20} {:<11} {probes}", check.check.words(), check.result.to_string());
    }
    let seeded: u64 = proof.tables.iter().map(|table| u64::from(table.rows)).sum();
    let like = match proof.rows {
        Rows::Varied => "NULLs and extremes among them",
        Rows::Plain => "ordinary ones only, since the migrations as written refuse others",
        Rows::None => "since the migrations as written refuse all that were made up",
    };
    let _ = writeln!(text, "  on {seeded} rows in {} tables ({like})", proof.tables.len());
    for check in &proof.checks {
        for example in &check.examples {
            let _ = writeln!(text, "\nrefuted: {}", check.check.words());
            example_text(&mut text, example);
        }
    }
    for declared in &proof.declared {
        let _ = writeln!(text, "\nas planned: {declared}");
    }
    for reason in &proof.reasons {
        let _ = writeln!(text, "\nnot proven: {reason}");
    }
    text
}

fn example_text(text: &mut String, example: &Example) {
    let indented = |value: &str| value.lines().collect::<Vec<_>>().join("\n             ");
    let _ = writeln!(text, "  when       {}", example.state);
    let _ = writeln!(text, "  what       {}", example.about);
    let _ = writeln!(text, "  expected   {}", indented(&example.expected));
    let _ = writeln!(text, "  found      {}", indented(&example.found));
    if !example.sql.is_empty() {
        let _ = writeln!(text, "  sql        {}", indented(&example.sql));
    }
}

/// The first thing that did not hold or could not be tried, in one line.
pub fn reason(proof: &Proof) -> Option<String> {
    let first = proof.checks.iter().find_map(|check| check.examples.first().map(|example| (check, example)));
    first
        .map(|(check, example)| {
            format!(
                "{}: {}, {}: expected {}, found {} [{}]",
                check.check.words(),
                example.state,
                example.about,
                example.expected,
                example.found,
                example.sql
            )
        })
        .or_else(|| proof.reasons.first().cloned())
}

/// For programs.
pub fn json(proof: &Proof) -> String {
    pretty(proof)
}

/// For people: a line a migration, and how many came to what.
pub fn each_text(migrations: &[Migration]) -> String {
    let mut text = String::new();
    for migration in migrations {
        text.push_str(&each_line(migration));
    }
    let count = |result| migrations.iter().filter(|migration| migration.result == result).count();
    let _ = writeln!(
        text,
        "{} migrations: {} proven, {} not proven, {} refused, {} refuted",
        migrations.len(),
        count(Result::Proven),
        count(Result::NotProven),
        count(Result::Refused),
        count(Result::Refuted)
    );
    text
}

fn each_line(migration: &Migration) -> String {
    let word = match migration.result {
        Result::Proven => "proven",
        Result::NotProven => "not proven",
        Result::Refused => "refused",
        Result::Refuted => "refuted",
    };
    let mut line = format!("{word:<11} {}\n", migration.path);
    for more in [&migration.reason, &migration.directive].into_iter().flatten() {
        let _ = writeln!(line, "            {}", more.lines().collect::<Vec<_>>().join("\n            "));
    }
    line
}

/// For programs.
pub fn each_json(migrations: &[Migration]) -> String {
    #[derive(Serialize)]
    struct Each<'a> {
        migrations: &'a [Migration],
    }
    pretty(&Each { migrations })
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("names are text, and nothing else can fail");
    text.push('\n');
    text
}
