//! `concertina lint`: reads the migrations, runs the rules, prints the findings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::config::FailOn;
use super::project::Project;
use super::{Exit, Failure, Globals, Terminal};
use crate::history;
use crate::lint::{self, BornTogether, Options, Severity};
use crate::report::findings::{self, Colour, Findings};
use crate::schema::Catalog;

/// The arguments of `lint`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The migrations: a folder, or one file of SQL [default: as concertina.toml says].
    path: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The least severity that makes the exit code 1 [default: as concertina.toml says].
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let project = Project::open(globals, arguments.path.as_deref(), terminal)?;
    let engine = project.config.engine;
    let history = history::fold(engine, &project.migrations, &Catalog::default());
    let options = Options { engine, from: project.first_not_applied()?, born_together: BornTogether::File };
    let found = lint::run(&history, &project.migrations, &options);
    let errors: Vec<_> = history.syntax_errors.iter().map(|unread| (unread.migration, unread.error.clone())).collect();
    let folder = project.folder.to_string_lossy();
    let report =
        Findings { migrations: &project.migrations, folder: &folder, findings: &found, errors: &errors, mismatches: &history.mismatches };
    terminal.print(&match arguments.format {
        Format::Text => findings::text(&report, Colour::With),
        Format::Json => findings::json(&report),
    });
    Ok(exit(&report, arguments.fail_on.unwrap_or(project.config.policies.fail_on)))
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
