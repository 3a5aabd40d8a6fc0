//! `concertina plan`: plans a release and writes the plan file, or checks that the committed one is right.

use clap::{Args, ValueEnum};

use super::project::Project;
use super::{Exit, Failure, Globals, Terminal, files};
use crate::history::{self, History};
use crate::plan::{self, Chain, Input, Plan, Release};
use crate::report;
use crate::schema::Catalog;
use crate::source::Migration;

/// The arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release that the pending migrations belong to.
    #[arg(long, value_name = "NAME", value_parser = super::release)]
    release: Release,
    /// Write nothing; fail, with the difference, when the committed plan is not what the migrations give.
    #[arg(long)]
    check: bool,
    /// How the plan is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table by phase, with locks, durations, hazards and reasons.
    Text,
    /// The plan file.
    Json,
    /// The SQL of every step.
    Sql,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let project = Project::open(globals, None, terminal)?;
    let file = format!("{}.json", arguments.release);
    let committed = project.plans()?;
    let made = match make(&project, &committed, &arguments.release)? {
        Ok(plan) => plan,
        Err(refusals) => {
            terminal.print(&report::plan::refusals(&refusals, &arguments.release.0));
            return Ok(Exit::Input);
        }
    };
    let text = made.to_text();
    if arguments.check {
        return Ok(check(&file, &text, &committed, terminal));
    }
    files::write(&project.config.plans.join(&file), &text)?;
    match arguments.format {
        Format::Text => {
            terminal.print(&report::plan::text(&made));
            terminal.note(&format!("wrote {}", project.config.plans.join(&file).display()));
        }
        Format::Json => terminal.print(&text),
        Format::Sql => terminal.print(&report::plan::sql(&made)),
    }
    Ok(Exit::Done)
}

fn make(project: &Project, committed: &[(String, String)], release: &Release) -> Result<Result<Plan, Vec<plan::Refusal>>, Failure> {
    // The file that is about to be written anew may be anything; only the plans before it count.
    let file = format!("{release}.json");
    let chain = match Chain::read(committed) {
        Ok(chain) => chain,
        Err(errors) => {
            let others: Vec<(String, String)> = committed.iter().filter(|(name, _)| *name != file).cloned().collect();
            Chain::read(&others).map_err(|_| Failure::Chain(errors))?
        }
    };
    let chain = chain.before(release).map_err(|error| Failure::Chain(vec![error]))?;
    let sorted = chain.sort(project.migrations.clone()).map_err(Failure::Chain)?;
    let engine = project.config.engine;
    let base = readable(history::fold(engine, &sorted.planned, &Catalog::default()), &sorted.planned)?;
    let history = readable(history::fold(engine, &sorted.pending, &base.end), &sorted.pending)?;
    let hold = project.config.policies.hold();
    Ok(plan::build(&Input { release, engine, chain: &chain, start: &base.end, migrations: &sorted.pending, history: &history, hold }))
}

/// The history, if every statement of it could be read and fits what is before it.
fn readable(history: History, migrations: &[Migration]) -> Result<History, Failure> {
    let problems = report::problems::text(&history, migrations);
    if problems.is_empty() { Ok(history) } else { Err(Failure::Unreadable(problems)) }
}

fn check(file: &str, text: &str, committed: &[(String, String)], terminal: &mut Terminal) -> Exit {
    match committed.iter().find(|(name, _)| name == file) {
        Some((_, found)) if found == text => {
            terminal.note(&format!("{file} is what the migrations give"));
            Exit::Done
        }
        Some((_, found)) => {
            terminal.print(&report::difference::text(
                found,
                text,
                &format!("{file} (committed)"),
                &format!("{file} (from the migrations)"),
            ));
            Exit::Findings
        }
        None => {
            terminal.print(&report::difference::text("", text, "(no plan is committed)", &format!("{file} (from the migrations)")));
            Exit::Findings
        }
    }
}
