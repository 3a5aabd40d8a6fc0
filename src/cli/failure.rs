//! What stops a command. Maps every error of the floors below to its exit code, and holds no error text of theirs.

use std::path::PathBuf;

use super::config::ConfigError;
use super::exit::Exit;
use super::files::FileError;
use crate::apply;
use crate::db::postgres::introspect;
use crate::db::postgres::{ConnectError, SettingsError};
use crate::plan::{ChainError, Release};
use crate::source::SourceError;
use crate::verify;

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or folder that can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A wrong or missing `concertina.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A folder of files that is not a sequence of migrations.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database is not named, or not in a way that can be understood.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database can't be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database's schema can't be read.
    #[error(transparent)]
    Introspect(#[from] introspect::Error),
    /// The executor ended early.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// The machine gives us no threads or no way to wait.
    #[error("the work can't be begun: {0}")]
    Runtime(std::io::Error),
    /// There is a chain of plans already, which can't be begun once more.
    #[error("{} is there already: the chain of plans has begun, and a project is adopted only once", plan.display())]
    Begun {
        /// A plan of it.
        plan: PathBuf,
    },
    /// A migration that was named is not there.
    #[error("there is no migration `{given}` in {}", folder.display())]
    NoSuchMigration {
        /// The name.
        given: String,
        /// The migrations folder.
        folder: PathBuf,
    },
    /// Plans that don't form a chain, or don't fit the migrations.
    #[error("{}", lines(.0))]
    Chain(Vec<ChainError>),
    /// Migrations that can't be read, or that don't fit each other: a line for each problem.
    #[error("the migrations can't be read\n{}", .0.trim_end())]
    Unreadable(String),
    /// There is no plan of the release.
    #[error("release {release} is not planned; run `concertina plan --release {release}` first")]
    NotPlanned {
        /// The release.
        release: Release,
    },
    /// A proof could not be made.
    #[error(transparent)]
    Verify(#[from] verify::Error),
}

impl Failure {
    /// The exit code that tells it apart.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Apply(error) => match error.kind() {
                apply::Kind::Input => Exit::Input,
                apply::Kind::GateShut => Exit::GateShut,
                apply::Kind::LockNotFree => Exit::LockNotFree,
                apply::Kind::StepFailed => Exit::StepFailed,
                apply::Kind::Interrupted(apply::Signal::Interrupt) => Exit::Interrupted,
                apply::Kind::Interrupted(apply::Signal::Terminate) => Exit::Terminated,
            },
            Self::File(_)
            | Self::Config(_)
            | Self::Source(_)
            | Self::Settings(_)
            | Self::Connect(_)
            | Self::Introspect(_)
            | Self::Runtime(_)
            | Self::Chain(_)
            | Self::Unreadable(_)
            | Self::Begun { .. }
            | Self::NoSuchMigration { .. }
            | Self::NotPlanned { .. }
            | Self::Verify(_) => Exit::Input,
        }
    }
}

fn lines(errors: &[ChainError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n       ")
}
