//! What a file of a migrations folder is, by its path: the layouts of the usual tools. Never looks into a file.

use super::journal::is_journal;
use super::version::Version;
use super::{Reason, RunnerTransaction};

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Its text.
    Text,
    /// That it is there.
    Name,
    /// Nothing.
    None,
}

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A migration.
    Migration(Found),
    /// Settings of the migration beside it.
    Settings,
    /// Something else.
    LeftOut(Reason),
}

/// What a migration's path tells of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) version: Version,
    pub(super) dialect: Dialect,
    pub(super) transaction: RunnerTransaction,
}

/// The engine that a file is for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// It doesn't say.
    Any,
    /// This one.
    PostgreSql,
}

/// Extensions of the programs in which tools let migrations be written.
const PROGRAMS: [&str; 9] = ["cs", "go", "java", "js", "kt", "py", "rb", "ts", "php"];
const POSTGRESQL: [&str; 4] = ["postgres", "postgresql", "pg", "pgsql"];
const OTHER_ENGINES: [&str; 10] =
    ["mysql", "mariadb", "sqlite", "sqlite3", "cockroach", "cockroachdb", "mssql", "sqlserver", "oracle", "clickhouse"];

/// What is wanted of the file at `path`.
pub(super) fn interest(path: &str) -> Interest {
    let (_, name) = split(path);
    match extension(name) {
        Some("sql") => Interest::Text,
        Some("toml") if name == "metadata.toml" => Interest::Text,
        Some("conf") if name.ends_with(".sql.conf") => Interest::Text,
        Some("json") if is_journal(path) => Interest::Text,
        Some(extension) if PROGRAMS.contains(&extension) && is_program_migration(path) => Interest::Name,
        Some(_) | None => Interest::None,
    }
}

/// A program counts as a migration only under a version, as in `00002_fill.go` or `20240101120000_fill/migration.ts`; helpers
/// beside it don't.
fn is_program_migration(path: &str) -> bool {
    let (folder, name) = split(path);
    let versioned = match (folder, name.rsplit_once('.')) {
        (Some(folder), Some(("migration" | "up", _))) => split(folder).1,
        _ => name,
    };
    versioned.strip_prefix('V').unwrap_or(versioned).starts_with(|c: char| c.is_ascii_digit())
}

/// The path of the settings that may stand beside the migration at `path`.
pub(super) fn settings_of(path: &str) -> Option<String> {
    let (folder, name) = split(path);
    if name == "up.sql" { folder.map(|folder| format!("{folder}/metadata.toml")) } else { Some(format!("{path}.conf")) }
}

/// What the file at `path` is.
pub(super) fn role(path: &str) -> Role {
    let (folder, name) = split(path);
    if name == "metadata.toml" || name.ends_with(".sql.conf") || is_journal(path) {
        return Role::Settings;
    }
    let Some(stem) = strip_extension(name, "sql") else {
        let is_down = name.rsplit('.').nth(1) == Some("down");
        return Role::LeftOut(if is_down { Reason::Down } else { Reason::Program });
    };
    let parent = folder.map(|folder| split(folder).1);
    match (parent, stem) {
        (_, "down") => Role::LeftOut(Reason::Down),
        (Some(parent), "up") => found(Version::of(parent, path), Dialect::Any, RunnerTransaction::Wrapped),
        (Some(parent), "migration") => found(Version::Folder(parent.to_owned()), Dialect::Any, RunnerTransaction::IfSeveral),
        (_, stem) => named(stem, path),
    }
}

/// A file that carries its version in its own name, perhaps with suffixes: `7_x.postgres.autocommit.up.sql`.
fn named(stem: &str, path: &str) -> Role {
    let mut suffixes: Vec<&str> = stem.split('.').collect();
    let by_tool = if is_flyways(path) || stem.starts_with("R__") { RunnerTransaction::UnlessApart } else { RunnerTransaction::IfSeveral };
    let (mut dialect, mut transaction) = (Dialect::Any, by_tool);
    let mut other_engine = false;
    while let [_, .., last] = suffixes[..] {
        if last == "down" || last == "undo" {
            return Role::LeftOut(Reason::Down);
        } else if last == "autocommit" {
            transaction = RunnerTransaction::Unwrapped;
        } else if POSTGRESQL.contains(&last) {
            dialect = Dialect::PostgreSql;
        } else if OTHER_ENGINES.contains(&last) {
            other_engine = true;
        } else if last != "up" {
            break;
        }
        suffixes.pop();
    }
    if other_engine {
        return Role::LeftOut(Reason::OtherEngine);
    }
    let stem = suffixes.join(".");
    if let Some(name) = stem.strip_prefix("R__") {
        return found(Version::Repeatable(name.to_owned()), dialect, transaction);
    }
    if stem.starts_with('U') && stem.contains("__") && !Version::of(&stem[1..], path).is_bare_name() {
        return Role::LeftOut(Reason::Down);
    }
    let version = Version::of(&stem, path);
    found(if is_flyways(path) { version } else { version.below(&folders(path)) }, dialect, transaction)
}

/// Whether the name ends as a way down does where tools leave names to their users: `7_name_down.sql`.
pub(super) fn says_down(path: &str) -> bool {
    let (_, name) = split(path);
    strip_extension(name, "sql").is_some_and(|stem| stem.ends_with("_down") || stem.ends_with("-down"))
}

/// The folders above the file.
fn folders(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    parts
}

/// Whether the name is of Flyway's making: `V1.2__name.sql`.
pub(super) fn is_flyways(path: &str) -> bool {
    let (_, name) = split(path);
    name.starts_with(['V', 'v', 'B']) && name.contains("__")
}

fn found(version: Version, dialect: Dialect, transaction: RunnerTransaction) -> Role {
    Role::Migration(Found { version, dialect, transaction })
}

fn split(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name))
}

fn extension(name: &str) -> Option<&str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(if extension.eq_ignore_ascii_case("sql") { "sql" } else { extension })
}

fn strip_extension<'a>(name: &'a str, extension: &str) -> Option<&'a str> {
    let (stem, found) = name.rsplit_once('.')?;
    found.eq_ignore_ascii_case(extension).then_some(stem)
}
