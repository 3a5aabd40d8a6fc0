//! How a command is told which database to work on. The URL comes from a file or the environment, never from an argument
//! that other users of the machine could read, and is never printed.

use std::path::PathBuf;

use clap::Args;

/// Where the database's URL is.
#[derive(Debug, Args)]
pub(super) struct DatabaseArguments {
    /// A file that holds the database's URL [default: the variable DATABASE_URL, then PGHOST and its like].
    #[arg(long, value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,
}
