//! `concertina rollback`: takes back expand and migrate of a release, in reverse order, as long as contract has not begun.

use clap::Args;

use super::database::DatabaseArguments;
use super::{Exit, Failure, Globals, Terminal};
use crate::plan::Release;

/// The arguments of `rollback`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release to take back.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    release: Release,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let _ = (arguments, globals, terminal);
    Err(Failure::NotThereYet { command: "rollback" })
}
