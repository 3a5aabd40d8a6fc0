//! `concertina schema`: prints the schema that migrations build, or that a database has, as SQL. Changes nothing.

use std::path::PathBuf;

use clap::Args;

use super::database::{self, DatabaseArguments};
use super::project::{Problems, Project};
use super::{Exit, Failure, Globals, Terminal};
use crate::db::postgres::{self, introspect};
use crate::history;
use crate::schema::Catalog;
use crate::sql::write;

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
    if arguments.from_database.is_some() || arguments.database.database_url_file.is_some() {
        let catalog = from_database(arguments, terminal)?;
        terminal.print(&write::catalog(&catalog));
        return Ok(Exit::Done);
    }
    let project = Project::open(globals, arguments.path.as_deref(), terminal)?;
    let history = history::fold(project.config.engine, &project.migrations, &Catalog::default());
    terminal.print(&write::catalog(&history.end));
    // What could be read is printed all the same: it shows how far the migrations lead.
    Ok(if project.problems(&history, terminal) == Problems::Some { Exit::Input } else { Exit::Done })
}

fn from_database(arguments: &Arguments, terminal: &mut Terminal) -> Result<Catalog, Failure> {
    let settings = match arguments.from_database.as_deref() {
        Some(url) if !url.is_empty() => database::settings_of("--from-database", url, terminal)?,
        Some(_) | None => arguments.database.settings(terminal)?,
    };
    database::wait_for(async {
        let mut connection = postgres::connect_to_any(&settings, "concertina schema").await?;
        Ok(introspect::introspect(&mut connection).await?)
    })?
}
