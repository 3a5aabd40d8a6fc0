//! `concertina apply`: runs one phase of a release on the database, or all migrations on an empty one.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::config::Config;
use super::database::{DatabaseArguments, wait_for};
use super::progress::Progress;
use super::project::Project;
use super::{Exit, Failure, Globals, Terminal, project};
use crate::apply::{self, Holds, Options, Stop, Wrapped, Written};
use crate::plan::{Chain, Phase, Release};
use crate::report;
use crate::source::Migration;
use crate::sql::Position;
use crate::sql::postgres::parse;

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
    /// Drop at once what contract holds, as if its time had run out: its data is gone then.
    #[arg(long, requires = "phase")]
    end_hold: bool,
    /// How long a step may go on trying to get its locks, as in `90s` [default: as concertina.toml says].
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    lock_budget: Option<Duration>,
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
    let (Some(release), Some(phase)) = (&arguments.release, arguments.phase.map(Phase::from)) else {
        return bootstrap(arguments, globals, terminal);
    };
    let (config, chain) = project::chain(globals)?;
    let settings = arguments.database.settings(terminal)?;
    let holds = if arguments.end_hold { Holds::End } else { Holds::Last };
    if arguments.dry_run {
        let steps = wait_for(apply::dry_run(&settings, &chain, release, phase, holds))??;
        terminal.print(&report::steps::text(&steps));
        return Ok(Exit::Done);
    }
    let options = Options { holds, ..options(&config, arguments.lock_budget) };
    let progress = Progress::new(terminal);
    wait_for(async {
        let stop = Stop::on_signals().map_err(Failure::Runtime)?;
        Ok(apply::apply(&settings, &chain, release, phase, &options, &progress, stop).await?)
    })?
    .map(|()| Exit::Done)
}

/// Runs the migrations that are planned as they are written, on an empty database.
fn bootstrap(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let project = Project::open(globals, None, terminal)?;
    let chain = Chain::read(&project.plans()?).map_err(Failure::Chain)?;
    let settings = arguments.database.settings(terminal)?;
    let sorted = chain.sort(project.migrations.clone()).map_err(Failure::Chain)?;
    let migrations = sorted.planned.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    for migration in &sorted.pending {
        terminal.note(&format!("note: {} is in no plan yet, and is left out", migration.path));
    }
    if arguments.dry_run {
        for migration in &migrations {
            terminal.line(&migration.path);
        }
        return Ok(Exit::Done);
    }
    let options = options(&project.config, arguments.lock_budget);
    let progress = Progress::new(terminal);
    wait_for(async {
        let stop = Stop::on_signals().map_err(Failure::Runtime)?;
        Ok(apply::bootstrap(&settings, &chain, &migrations, &options, &progress, stop).await?)
    })?
    .map(|()| Exit::Done)
}

/// A migration's statements, if all of it can be run.
pub(super) fn written(migration: &Migration) -> Result<Written, Failure> {
    let text = &migration.text[migration.up.clone()];
    let script = parse(text);
    let start = migration.up.start;
    let problem = |byte: usize, message: &str| {
        let Position { line, column } = Position::of(&migration.text, start + byte);
        Failure::Unreadable(format!("{}:{line}:{column}: {message}", migration.path))
    };
    if let Some(error) = script.errors.first() {
        return Err(problem(error.span.start, &error.message));
    }
    let statements: Vec<String> = script.statements.iter().map(|statement| statement.span.of(text).to_owned()).collect();
    for (statement, sql) in script.statements.iter().zip(&statements) {
        let words = sql.to_ascii_lowercase();
        if words.starts_with("copy") && words.contains("stdin") {
            let message = "COPY … FROM stdin can't be run here; write the rows as INSERT, or build this database by `psql`";
            return Err(problem(statement.span.start, message));
        }
    }
    let wrapped = if migration.transaction.wraps(statements.len(), script.has_apart(text)) { Wrapped::Yes } else { Wrapped::No };
    let (statements, wrapped) = apply::unwrap(statements, wrapped);
    Ok(Written { path: migration.path.clone(), statements, wrapped })
}

/// How the executor behaves in this project.
pub(super) fn options(config: &Config, lock_budget: Option<Duration>) -> apply::Options {
    let policies = &config.policies;
    let lock_budget = lock_budget.unwrap_or(policies.lock_budget);
    apply::Options { lock_budget, chunk_time: policies.chunk_time, ..apply::Options::default() }
}
