//! `concertina status`: says what was done in the database, what is due and what waits. Changes nothing.

use clap::{Args, ValueEnum};

use super::database::{DatabaseArguments, wait_for};
use super::{Exit, Failure, Globals, Terminal, project};
use crate::{apply, report};

/// The arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let (_, chain) = project::chain(globals)?;
    let settings = arguments.database.settings(terminal)?;
    let status = wait_for(apply::status(&settings, &chain))??;
    match arguments.format {
        Format::Text => terminal.print(&report::status::text(&status)),
        Format::Json => terminal.print(&report::status::json(&status)),
    }
    Ok(Exit::Done)
}
