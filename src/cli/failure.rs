//! What stops a command. Maps every error of the floors below to its exit code, and holds no error text of theirs.

use super::config::ConfigError;
use super::exit::Exit;
use super::files::FileError;
use crate::source::SourceError;

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
    /// The command is not built yet.
    #[error("`concertina {command}` is not there yet")]
    NotThereYet {
        /// The command.
        command: &'static str,
    },
}

impl Failure {
    /// The exit code that tells it apart.
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(_) | Self::Config(_) | Self::Source(_) | Self::NotThereYet { .. } => Exit::Input,
        }
    }
}
