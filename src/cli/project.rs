//! A project as a command finds it: its settings, its migrations in order, its plans as they are on the disk. Reads; what
//! the plans say is the business of `plan`.

use std::path::{Path, PathBuf};

use super::config::{self, Config};
use super::files::{self, FileError};
use super::{Failure, Globals, Terminal};
use crate::history::History;
use crate::plan::Chain;
use crate::report::findings::{self, Findings};
use crate::source::{self, Folder, Interest, Migration};

/// The settings and the migrations.
#[derive(Debug)]
pub(super) struct Project {
    /// The settings.
    pub(super) config: Config,
    /// The folder to which the migrations' paths are relative, as the user would write it.
    pub(super) folder: PathBuf,
    /// The migrations in the order in which they are applied.
    pub(super) migrations: Vec<Migration>,
}

/// Whether something of the migrations could not be read, or doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problems {
    /// Nothing.
    None,
    /// Something, which has been said.
    Some,
}

impl Project {
    /// Reads the settings and the migrations. `path`, a folder or one file, takes the place of the folder that the settings
    /// name, and then the settings may be missing.
    pub(super) fn open(globals: &Globals, path: Option<&Path>, terminal: &mut Terminal) -> Result<Self, Failure> {
        let given = globals.config.as_deref();
        let Some(path) = path else {
            let config = config::load(given)?;
            let migrations = read(&config.migrations, terminal)?;
            return Ok(Self { folder: config.migrations.clone(), config, migrations });
        };
        let config = config::load_or_default(given)?;
        let path = if files::are_same(path, &config.migrations) { config.migrations.clone() } else { path.to_owned() };
        if files::is_folder(&path)? {
            return Ok(Self { config, migrations: read(&path, terminal)?, folder: path });
        }
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| FileError::NameNotUtf8 { path: path.clone() })?;
        let migration = source::file(name, &files::read(&path)?)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { config, folder, migrations: vec![migration] })
    }

    /// Says on standard error what of the history could not be read, or doesn't fit what is before it.
    pub(super) fn problems(&self, history: &History, terminal: &mut Terminal) -> Problems {
        if history.syntax_errors.is_empty() && history.mismatches.is_empty() {
            return Problems::None;
        }
        let folder = self.folder.to_string_lossy();
        let problems = Findings {
            migrations: &self.migrations,
            folder: &folder,
            findings: &[],
            errors: &history.syntax_errors,
            mismatches: &history.mismatches,
        };
        terminal.note(findings::text(&problems, findings::Colour::With).trim_end());
        Problems::Some
    }

    /// The plan files: name within the plans folder, and text. None if there is no such folder yet.
    pub(super) fn plans(&self) -> Result<Vec<(String, String)>, Failure> {
        plans(&self.config)
    }
}

/// The settings and the plans in their order: all that a deploy needs, where the migrations themselves may be missing.
pub(super) fn chain(globals: &Globals) -> Result<(Config, Chain), Failure> {
    let config = config::load(globals.config.as_deref())?;
    let chain = Chain::read(&plans(&config)?).map_err(Failure::Chain)?;
    Ok((config, chain))
}

fn plans(config: &Config) -> Result<Vec<(String, String)>, Failure> {
    if !files::is_there(&config.plans)? {
        return Ok(Vec::new());
    }
    let is_plan = |path: &str| {
        if Path::new(path).extension().is_some_and(|extension| extension == "json") { Interest::Text } else { Interest::None }
    };
    Ok(files::read_folder(&config.plans, is_plan)?)
}

/// The migrations of a folder. What the reader should know of left-out files is said at once.
fn read(path: &Path, terminal: &mut Terminal) -> Result<Vec<Migration>, Failure> {
    let Folder { migrations, left_out, same_version } = source::folder(files::read_folder(path, source::interest)?)?;
    for file in left_out.iter().filter(|file| file.reason.is_worth_a_note()) {
        terminal.note(&format!("note: {}", path.join(file.to_string()).display()));
    }
    if let Some(pair) = same_version.first() {
        let more = match same_version.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        terminal.note(&format!("note: in {}, {pair}{more}", path.display()));
    }
    if migrations.is_empty() {
        terminal.note(&format!("note: there are no migrations in {}", path.display()));
    }
    Ok(migrations)
}
