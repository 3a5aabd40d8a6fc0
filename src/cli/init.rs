//! `concertina init`: writes `concertina.toml` and, to adopt a database that another tool has migrated so far, the first
//! plan of the chain. Never overwrites a file.

use std::path::Path;

use clap::Args;

use super::{Exit, Failure, Globals, Terminal, config, files};
use crate::plan::Release;

/// The arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Take the migrations that are there as applied by another tool, as the release of this name.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    adopt: Option<Release>,
    /// The last migration that is applied [default: all].
    #[arg(long, value_name = "FILE", requires = "adopt")]
    through: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    if arguments.adopt.is_some() || arguments.through.is_some() {
        return Err(Failure::NotThereYet { command: "init --adopt" });
    }
    let path = globals.config.as_deref().unwrap_or(Path::new(config::FILE_NAME));
    files::create(path, config::TEMPLATE)?;
    terminal.line(&format!("wrote {}", path.display()));
    Ok(Exit::Done)
}
