//! `concertina apply`: runs one phase of a release on the database, or all migrations on an empty one.

use clap::{Args, ValueEnum};

use super::database::DatabaseArguments;
use super::{Exit, Failure, Globals, Terminal};
use crate::plan::{Phase, Release};

/// The arguments of `apply`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release whose deploy this is.
    #[arg(long, value_name = "NAME", value_parser = super::release, required_unless_present = "bootstrap", requires = "phase")]
    release: Option<Release>,
    /// What to run of it.
    #[arg(long, value_enum, required_unless_present = "bootstrap", requires = "release")]
    phase: Option<PhaseArgument>,
    /// Print what would be run, and run nothing.
    #[arg(long)]
    dry_run: bool,
    /// Run all migrations as written on an empty database, and mark the plans done.
    #[arg(long, conflicts_with_all = ["release", "phase"])]
    bootstrap: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// The phases of a deploy, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PhaseArgument {
    /// Remove and tighten what earlier releases left. No older client is left.
    Contract,
    /// Add and loosen. Old and new clients work.
    Expand,
    /// Move data. Then roll out the release.
    Migrate,
}

impl From<PhaseArgument> for Phase {
    fn from(phase: PhaseArgument) -> Self {
        match phase {
            PhaseArgument::Contract => Self::Contract,
            PhaseArgument::Expand => Self::Expand,
            PhaseArgument::Migrate => Self::Migrate,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let _ = (arguments, globals, terminal, arguments.phase.map(Phase::from));
    Err(Failure::NotThereYet { command: "apply" })
}
