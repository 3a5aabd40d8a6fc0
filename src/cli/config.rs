//! `concertina.toml`: where things are and what the team has decided. Read here, and every mistake in it is told with its
//! line and column; what the settings mean is the business of the floors that obey them.

#![expect(clippy::disallowed_methods, reason = "the search for the file begins in the current folder")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::files::{self, FileError};
use crate::engine::Engine;
use crate::plan::Milliseconds;
use crate::sql::Position;

/// The file's name.
pub(super) const FILE_NAME: &str = "concertina.toml";

/// The file that `init` writes. Every setting in it has its default value.
pub(super) const TEMPLATE: &str = include_str!("config/concertina.toml");

/// The settings, paths resolved against the file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// The database engine, by the oldest version that is in use.
    pub engine: Engine,
    /// Where the migrations are.
    pub migrations: PathBuf,
    /// Where the plans are.
    pub plans: PathBuf,
    /// What the team has decided.
    pub policies: Policies,
}

/// What the team has decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Policies {
    /// The least severity of a finding that makes `lint` exit with 1.
    pub fail_on: FailOn,
    /// How long a step may go on trying to get its lock.
    #[serde(deserialize_with = "duration")]
    pub lock_budget: Duration,
    /// How long one chunk of a backfill should take.
    #[serde(deserialize_with = "duration")]
    pub chunk_time: Duration,
    /// How long what contract removes is held before it is dropped; zero is not at all.
    #[serde(deserialize_with = "duration")]
    pub hold: Duration,
}

impl Policies {
    /// The hold, as plans say it.
    pub(super) fn hold(&self) -> Milliseconds {
        Milliseconds(u64::try_from(self.hold.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            fail_on: FailOn::Error,
            lock_budget: Duration::from_mins(15),
            chunk_time: Duration::from_millis(100),
            hold: Duration::from_hours(48),
        }
    }
}

/// From which severity on findings make `lint` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FailOn {
    /// Only findings that break clients or stall the database.
    Error,
    /// Warnings too.
    Warning,
    /// None: findings are printed, and the exit code is 0.
    Never,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    engine: EngineName,
    version: u32,
    migrations: PathBuf,
    plans: PathBuf,
    policies: Policies,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            engine: EngineName::Postgresql,
            version: 15,
            migrations: PathBuf::from("migrations"),
            plans: PathBuf::from("plans"),
            policies: Policies::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EngineName {
    Postgresql,
}

/// A wrong or missing configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not as it must be.
    #[error("{}:{}:{}: {message}", path.display(), position.line, position.column)]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where.
        position: Position,
        /// What is wrong.
        message: String,
    },
    /// There is none here or above.
    #[error("there is no {FILE_NAME} in {} or a folder above it; `concertina init` writes one", folder.display())]
    Missing {
        /// Where the search began.
        folder: PathBuf,
    },
    /// The current folder is gone.
    #[error("the current folder can't be read: {0}")]
    NoCurrentFolder(std::io::Error),
    /// It can't be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The configuration: `given`, or the one found upwards from the current folder.
pub(super) fn load(given: Option<&Path>) -> Result<Config, ConfigError> {
    let Some(path) = given else {
        let folder = std::env::current_dir().map_err(ConfigError::NoCurrentFolder)?;
        return find(&folder)?.ok_or(ConfigError::Missing { folder });
    };
    parse(path, &files::read(path)?)
}

/// The configuration as `load` finds it, or the defaults for the current folder where there is none and none was named.
pub(super) fn load_or_default(given: Option<&Path>) -> Result<Config, ConfigError> {
    match load(given) {
        Err(ConfigError::Missing { .. }) => Ok(resolve(Written::default(), Path::new(""))),
        other => other,
    }
}

/// The configuration in `folder` or the nearest folder above it that has one.
fn find(folder: &Path) -> Result<Option<Config>, ConfigError> {
    for (up, candidate) in folder.ancestors().enumerate() {
        let path = candidate.join(FILE_NAME);
        if let Some(text) = files::read_if_there(&path)? {
            // In messages a path reads best as the user would write it; only from further up it is given in full.
            return parse(if up == 0 { Path::new(FILE_NAME) } else { &path }, &text).map(Some);
        }
    }
    Ok(None)
}

fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let wrong = |start: usize, message: &str| ConfigError::Wrong {
        path: path.to_owned(),
        position: Position::of(text, start),
        message: message.to_owned(),
    };
    let written: Written =
        toml::from_str(text).map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().trim_end()))?;
    Ok(resolve(written, path.parent().unwrap_or(Path::new(""))))
}

fn resolve(written: Written, folder: &Path) -> Config {
    let engine = match written.engine {
        EngineName::Postgresql => Engine::PostgreSql { major: written.version },
    };
    Config { engine, migrations: folder.join(written.migrations), plans: folder.join(written.plans), policies: written.policies }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| serde::de::Error::custom(format!("`{text}` is not a length of time: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_the_defaults() {
        assert_eq!(parse(Path::new(FILE_NAME), TEMPLATE).unwrap(), resolve(Written::default(), Path::new("")));
        assert_eq!(parse(Path::new(FILE_NAME), "").unwrap(), resolve(Written::default(), Path::new("")));
    }

    #[test]
    fn folders_are_beside_the_file() {
        let config = parse(Path::new("shop/concertina.toml"), "migrations = 'db/up'").unwrap();
        assert_eq!((config.migrations, config.plans), (PathBuf::from("shop/db/up"), PathBuf::from("shop/plans")));
    }

    #[test]
    fn mistakes_are_told_with_line_and_column() {
        for (text, expected) in [
            ("engine = 'postgresql'\nplan = 'x'\n", "concertina.toml:2:1: unknown field `plan`, expected one of "),
            ("engine = 'oracle'\n", "concertina.toml:1:10: unknown variant `oracle`, expected `postgresql`"),
            ("[policies]\nlock-budget = 'soon'\n", "concertina.toml:2:15: `soon` is not a length of time: "),
            ("[policies]\nfail-on = 3\n", "concertina.toml:2:11: "),
            ("version = \n", "concertina.toml:1:"),
        ] {
            let message = parse(Path::new(FILE_NAME), text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{text:?} gave {message:?}");
        }
    }
}
