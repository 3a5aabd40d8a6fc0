//! `concertina init`: writes `concertina.toml` and, to adopt a database that another tool has migrated so far, the first
//! plan of the chain. Never overwrites a file.

use std::path::Path;

use clap::Args;

use super::project::Project;
use super::{Exit, Failure, Globals, Terminal, config, files};
use crate::plan::{self, Release};
use crate::source::Migration;

/// The arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Take the migrations that are there as applied by another tool, as the release of this name.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    adopt: Option<Release>,
    /// The last migration that is applied [default: all].
    #[arg(long, value_name = "FILE", requires = "adopt")]
    through: Option<String>,
}

/// Where the usual tools keep migrations.
const USUAL_FOLDERS: [&str; 6] =
    ["migrations", "db/migrations", "prisma/migrations", "db/migration", "src/main/resources/db/migration", "sql/migrations"];

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let path = globals.config.as_deref().unwrap_or(Path::new(config::FILE_NAME));
    // A project that is configured already is adopted as it is.
    if arguments.adopt.is_none() || !files::is_there(path)? {
        configure(path, terminal)?;
    }
    if let Some(release) = &arguments.adopt {
        let globals = globals.with_config(path);
        adopt(release, arguments.through.as_deref(), &globals, terminal)?;
    }
    Ok(Exit::Done)
}

/// Writes the configuration, with the folder in which this project keeps its migrations.
fn configure(path: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut text = config::TEMPLATE.to_owned();
    for folder in USUAL_FOLDERS {
        if files::is_there(&path.parent().unwrap_or(Path::new("")).join(folder))? {
            text = text.replace("\nmigrations = \"migrations\"\n", &format!("\nmigrations = \"{folder}\"\n"));
            break;
        }
    }
    files::create(path, &text)?;
    terminal.line(&format!("wrote {}", path.display()));
    Ok(())
}

/// Writes the first plan of the chain: the migrations up to `through` are applied, and there is nothing to do.
fn adopt(release: &Release, through: Option<&str>, globals: &Globals, terminal: &mut Terminal) -> Result<(), Failure> {
    let project = Project::open(globals, None, terminal)?;
    if let Some((name, _)) = project.plans()?.first() {
        return Err(Failure::Begun { plan: project.config.plans.join(name) });
    }
    let migrations = adopted(&project, through)?;
    let plan = plan::adopt(release.clone(), project.config.engine, migrations);
    let path = project.config.plans.join(format!("{release}.json"));
    files::create(&path, &plan.to_text())?;
    let count = migrations.len();
    terminal.line(&format!("wrote {}: {count} migration{} taken as applied", path.display(), if count == 1 { " is" } else { "s are" }));
    Ok(())
}

/// The migrations up to and with `through`, which is a path within the migrations folder, or one that leads there.
fn adopted<'a>(project: &'a Project, through: Option<&str>) -> Result<&'a [Migration], Failure> {
    let Some(through) = through else { return Ok(&project.migrations) };
    let is_meant = |migration: &Migration| migration.path == through || project.folder.join(&migration.path) == Path::new(through);
    match project.migrations.iter().position(is_meant) {
        Some(last) => Ok(&project.migrations[..=last]),
        None => Err(Failure::NoSuchMigration { given: through.to_owned(), folder: project.folder.clone() }),
    }
}
