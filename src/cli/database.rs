//! How a command is told which database to work on. The URL comes from a file or the environment, not from an argument that
//! other users of the machine could read, and is never printed.

#![expect(clippy::disallowed_methods, reason = "DATABASE_URL and its like are how a deploy names its database")]

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Terminal, files};
use crate::db::postgres::Settings;

/// Where the database's URL is.
#[derive(Debug, Args)]
pub(super) struct DatabaseArguments {
    /// A file that holds the database's URL [default: the variable DATABASE_URL, then PGHOST and its like].
    #[arg(long, value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,
}

impl DatabaseArguments {
    /// How to connect to the database that the arguments and the environment name.
    pub(super) fn settings(&self, terminal: &mut Terminal) -> Result<Settings, Failure> {
        let text = self.database_url_file.as_deref().map(files::read).transpose()?;
        let settings = Settings::find(text.as_deref(), &variable)?;
        note(&settings, terminal);
        Ok(settings)
    }
}

/// How to connect to the database of a URL that was given as an argument, under the argument's name.
pub(super) fn settings_of(argument: &str, url: &str, terminal: &mut Terminal) -> Result<Settings, Failure> {
    let settings = Settings::from_url(argument, url, &variable)?;
    note(&settings, terminal);
    Ok(settings)
}

/// Runs what waits for a database to its end.
pub(super) fn wait_for<F: Future>(work: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
    Ok(runtime.block_on(work))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Says what was left aside and may matter.
fn note(settings: &Settings, terminal: &mut Terminal) {
    for note in settings.notes() {
        terminal.note(&format!("note: {note}"));
    }
}
