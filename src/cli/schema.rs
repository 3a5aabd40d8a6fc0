//! `concertina schema`: prints the schema that migrations build, or that a database has, as SQL. Changes nothing.

use std::path::PathBuf;

use clap::Args;

use super::database::DatabaseArguments;
use super::{Exit, Failure, Globals, Terminal};

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The migrations: a folder, or one file of SQL [default: as concertina.toml says].
    path: Option<PathBuf>,
    /// Read the schema of a database instead [default: the one that DATABASE_URL names].
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", conflicts_with = "path")]
    from_database: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let _ = (arguments, globals, terminal);
    Err(Failure::NotThereYet { command: "schema" })
}
