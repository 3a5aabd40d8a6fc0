//! The command line: one command a file. The only floor that reads files, prints and tells the time; decides nothing that
//! a lower floor could decide.

mod exit;
mod failure;
mod terminal;
mod files;
mod config;
mod project;
mod database;
mod progress;
mod init;
mod lint;
mod schema;
mod plan;
mod verify;
mod apply;
mod status;
mod rollback;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand};

pub use exit::Exit;
pub use failure::Failure;
pub use terminal::Terminal;

use crate::plan::Release;

/// Zero-downtime schema changes from the SQL migrations you already write.
///
/// Lints them, plans each as expand, migrate and contract steps over releases, and applies the plan to a live database
/// while old and new versions of the application work.
#[derive(Debug, Parser)]
#[command(name = "concertina", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 findings or the plan differs, 2 bad input or usage, 3 a gate is shut (try later),
4 no lock within the budget (try again), 5 a step failed, 130 and 143 interrupted (run it again to go on).";

/// What every command takes.
#[derive(Debug, Args)]
struct Globals {
    /// The configuration [default: concertina.toml here or in a folder above].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// When to colour what is printed.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Say more; twice: say everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

impl Globals {
    /// As the user gave them, with this configuration.
    fn with_config(&self, path: &Path) -> Self {
        Self { config: Some(path.to_owned()), color: self.color, verbose: self.verbose }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write concertina.toml; with --adopt, begin the chain of plans.
    Init(init::Arguments),
    /// Say which statements would break the running release or stall the database.
    Lint(lint::Arguments),
    /// Print the schema that the migrations build, or that a database has, as SQL.
    Schema(schema::Arguments),
    /// Write the plan of a release, or check that the committed one is right.
    Plan(plan::Arguments),
    /// Prove on a throwaway database that old and new clients work at every step, and that the end is the same.
    Verify(verify::Arguments),
    /// Run one phase of a release on the database.
    Apply(apply::Arguments),
    /// Say what was done in the database, what is due and what waits.
    Status(status::Arguments),
    /// Take back expand and migrate of a release, as long as its contract has not begun.
    Rollback(rollback::Arguments),
}

/// Runs the program: arguments from the process, exit code to it.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // If even the help can't be printed (a closed pipe), nobody is there to be told.
            let _ = error.print();
            return if error.use_stderr() { Exit::Input.into() } else { Exit::Done.into() };
        }
    };
    let mut terminal = Terminal::new(arguments.globals.color);
    let exit = match run(arguments, &mut terminal) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit()
        }
    };
    terminal.finish(exit).into()
}

fn run(arguments: Arguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let Arguments { globals, command } = arguments;
    match command {
        Command::Init(arguments) => init::run(&arguments, &globals, terminal),
        Command::Lint(arguments) => lint::run(&arguments, &globals, terminal),
        Command::Schema(arguments) => schema::run(&arguments, &globals, terminal),
        Command::Plan(arguments) => plan::run(&arguments, &globals, terminal),
        Command::Verify(arguments) => verify::run(&arguments, &globals, terminal),
        Command::Apply(arguments) => apply::run(&arguments, &globals, terminal),
        Command::Status(arguments) => status::run(&arguments, &globals, terminal),
        Command::Rollback(arguments) => rollback::run(&arguments, &globals, terminal),
    }
}

/// A release's name as given on the command line. It becomes a file name and the first part of step ids, so it must be
/// one everywhere.
fn release(text: &str) -> Result<Release, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.starts_with(['.', '-']) || text.len() > 100 || !text.chars().all(allowed) {
        return Err("a release is named by letters, digits, `.`, `_` and `-`, as in `42` or `2026.11`".to_owned());
    }
    Ok(Release(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_release_is_a_file_name() {
        for good in ["42", "2026.11", "v1_2-rc1"] {
            assert_eq!(release(good), Ok(Release(good.to_owned())));
        }
        for bad in ["", "../x", ".", "-x", "a b", "é", "a/b"] {
            assert!(release(bad).is_err(), "{bad}");
        }
    }
}
