//! `concertina rollback`: takes back expand and migrate of a release, in reverse order, as long as contract has not begun.

use std::time::Duration;

use clap::Args;

use super::apply::options;
use super::database::{DatabaseArguments, wait_for};
use super::progress::Progress;
use super::{Exit, Failure, Globals, Terminal, project};
use crate::apply::{self, Losses, Stop};
use crate::plan::Release;
use crate::report;

/// The arguments of `rollback`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release to take back.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    release: Release,
    /// Go on although some steps can't be taken back; those stay as they are.
    #[arg(long)]
    accept_loss: bool,
    /// Print what would be taken back, and take nothing back.
    #[arg(long)]
    dry_run: bool,
    /// How long a step may go on trying to get its locks, as in `90s` [default: as concertina.toml says].
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    lock_budget: Option<Duration>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let (config, chain) = project::chain(globals)?;
    let settings = arguments.database.settings(terminal)?;
    let release = &arguments.release;
    let losses = if arguments.accept_loss { Losses::Accept } else { Losses::Refuse };
    if arguments.dry_run {
        let steps = wait_for(apply::dry_run_rollback(&settings, &chain, release, losses))??;
        terminal.print(&report::steps::undo_text(&steps));
        return Ok(Exit::Done);
    }
    let options = options(&config, arguments.lock_budget);
    let progress = Progress::new(terminal);
    wait_for(async {
        let stop = Stop::on_signals().map_err(Failure::Runtime)?;
        Ok(apply::rollback(&settings, &chain, release, losses, &options, &progress, stop).await?)
    })?
    .map(|()| Exit::Done)
}
