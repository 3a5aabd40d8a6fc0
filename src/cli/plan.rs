//! `concertina plan`: plans a release and writes the plan file, or checks that the committed one is right.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, Globals, Terminal};
use crate::plan::Release;

/// The arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release that the pending migrations belong to.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    release: Release,
    /// Write nothing; fail, with the difference, when the committed plan is not what the migrations give.
    #[arg(long)]
    check: bool,
    /// How the plan is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table by phase, with locks, durations, hazards and reasons.
    Text,
    /// The plan file.
    Json,
    /// The SQL of every step.
    Sql,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let _ = (arguments, globals, terminal);
    Err(Failure::NotThereYet { command: "plan" })
}
