//! `concertina lint`: reads the migrations, runs the rules, prints the findings. Decides nothing about what is dangerous.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::config::FailOn;
use super::project::Project;
use super::{Exit, Failure, Globals, Terminal};
use crate::history;
use crate::lint::{self, Options, Severity};
use crate::plan::{Chain, Link};
use crate::report::findings::{self, Colour, Findings};
use crate::schema::Catalog;

/// The arguments of `lint`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The migrations: a folder, or one file of SQL [default: as concertina.toml says].
    path: Option<PathBuf>,
    /// Lint every migration, not only those of the newest plan and those that no plan lists.
    #[arg(long)]
    all: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The least severity that makes the exit code 1 [default: as concertina.toml says].
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each finding drawn under its SQL.
    Text,
    /// One JSON document, `concertina.findings/1`.
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let project = Project::open(globals, arguments.path.as_deref(), terminal)?;
    let options = options(arguments, &project)?;
    let history = history::fold(project.config.engine, &project.migrations, &start(arguments, &project));
    let found = lint::run(&history, &project.migrations, &options);
    let folder = project.folder.to_string_lossy();
    let report = Findings {
        migrations: &project.migrations,
        folder: &folder,
        findings: &found,
        errors: &history.syntax_errors,
        mismatches: &history.mismatches,
    };
    terminal.print(&match arguments.format {
        Format::Text => findings::text(&report, Colour::With),
        Format::Json => findings::json(&report),
    });
    Ok(exit(&report, arguments.fail_on.unwrap_or(project.config.policies.fail_on)))
}

/// Which migrations are linted, and which are released together.
///
/// With plans those of the newest plan and those that no plan lists are linted: the ones before have been applied. Without
/// plans every migration is, as a release by itself.
fn options(arguments: &Arguments, project: &Project) -> Result<Options, Failure> {
    let (engine, migrations) = (project.config.engine, &project.migrations);
    let plans = if project.folder == project.config.migrations { project.plans()? } else { Vec::new() };
    let chain = Chain::read(&plans).map_err(Failure::Chain)?;
    if chain.links().is_empty() {
        return Ok(Options::each_by_itself(engine, migrations.len()));
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut next, mut newest) = (0, 0);
    for Link { plan, .. } in chain.links() {
        newest = next;
        for migration in &plan.migrations {
            numbers.insert(&migration.path, next);
            // Nobody knows in which releases another tool applied what is adopted.
            next += usize::from(plan.adopted);
        }
        // It has been applied; any other newest plan may still wait for its deploy.
        (next, newest) = if plan.adopted { (next, next) } else { (next + 1, newest) };
    }
    let from = if arguments.all { 0 } else { newest };
    let releases = migrations.iter().map(|migration| numbers.get(migration.path.as_str()).copied().unwrap_or(next)).collect();
    Ok(Options { engine, from, releases })
}

/// The schema before the first migration. One file alone stands on a schema that nobody has told.
fn start(arguments: &Arguments, project: &Project) -> Catalog {
    let is_file = arguments.path.as_ref().is_some_and(|path| project.migrations.len() == 1 && path.ends_with(&project.migrations[0].path));
    Catalog { unknown_all: is_file, ..Catalog::default() }
}

/// What can't be read is worse than any finding: nobody knows what is in it.
fn exit(report: &Findings<'_>, fail_on: FailOn) -> Exit {
    if !report.errors.is_empty() || !report.mismatches.is_empty() {
        return Exit::Input;
    }
    let counts = |severity| match fail_on {
        FailOn::Error => severity == Severity::Error,
        FailOn::Warning => true,
        FailOn::Never => false,
    };
    if report.findings.iter().any(|finding| counts(finding.severity)) { Exit::Findings } else { Exit::Done }
}
