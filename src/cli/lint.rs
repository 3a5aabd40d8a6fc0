//! `concertina lint`: reads the migrations, runs the rules, prints the findings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::config::FailOn;
use super::{Exit, Failure, Globals, Terminal};

/// The arguments of `lint`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The migrations: a folder, or one file of SQL [default: as concertina.toml says].
    path: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The least severity that makes the exit code 1 [default: as concertina.toml says].
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let _ = (arguments, globals, terminal);
    Err(Failure::NotThereYet { command: "lint" })
}
