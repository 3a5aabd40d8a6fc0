//! `concertina verify`: proves a release's plan, or each pending migration as a release of its own, on a throwaway database.

mod each;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::database::{settings_of, wait_for};
use super::project::Project;
use super::{Exit, Failure, Globals, Terminal, apply, files};
use crate::apply::Wrapped;
use crate::history::{self, History};
use crate::plan::{Chain, Link, Phase, Release, Step};
use crate::report;
use crate::schema::Catalog;
use crate::source::{Interest, Migration};
use crate::verify::{self, Asked, Case, InTransaction, Options, Place, Query, Renames, Scope, Script, Shadow, Verdict};

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release whose committed plan is proven.
    #[arg(long, value_name = "NAME", value_parser = super::release, required_unless_present = "each")]
    release: Option<Release>,
    /// Prove each pending migration as a release of its own.
    #[arg(long, conflicts_with = "release")]
    each: bool,
    /// With --each: take the migrations before this one as applied.
    #[arg(long, value_name = "FILE", requires = "each")]
    adopt_before: Option<String>,
    /// The folder of the PostgreSQL binaries for the throwaway server [default: looked for].
    #[arg(long, value_name = "DIR", conflicts_with = "shadow_url")]
    shadow_bin: Option<PathBuf>,
    /// A database that may be used instead, whose user may make databases; it makes its own and drops them.
    #[arg(long, value_name = "URL", env = "CONCERTINA_SHADOW_URL", hide_env_values = true)]
    shadow_url: Option<String>,
    /// A folder of SQL files with queries of the release's clients.
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,
    /// The same of the release before.
    #[arg(long, value_name = "DIR")]
    old_queries: Option<PathBuf>,
    /// Run the queries, with NULL for each parameter, and not only prepare them.
    #[arg(long)]
    execute: bool,
    /// How many rows each table gets.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    rows: u32,
    /// End with 0 when nothing is refuted, though something could not be tried.
    #[arg(long)]
    accept_not_proven: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, globals: &Globals, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let project = Project::open(globals, None, terminal)?;
    match &arguments.release {
        Some(release) => one(arguments, &project, release, terminal),
        None => each::run(arguments, &project, terminal),
    }
}

fn one(arguments: &Arguments, project: &Project, release: &Release, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let chain = Chain::read(&project.plans()?).map_err(Failure::Chain)?;
    let Some(at) = chain.links().iter().position(|link| &link.plan.release == release) else {
        return Err(Failure::NotPlanned { release: release.clone() });
    };
    chain.sort(project.migrations.clone()).map_err(Failure::Chain)?;
    let links = chain.links();
    let first = earliest(links, at);
    let of = |links: &[Link]| scripts(links, &project.migrations);
    let (base, before, migrations) = (of(&links[..first])?, of(&links[first..at])?, of(&links[at..=at])?);
    let begun: Vec<Step> =
        links[first..at].iter().flat_map(|link| &link.plan.steps).filter(|step| is_of(step, &links[first..at])).cloned().collect();
    let history = history_of(project, links, at);
    let renames = Renames::of(&history);
    let queries = asked(arguments)?;
    let place = place(arguments, terminal)?;
    let options = Options { rows: arguments.rows, scope: Scope::All };
    let proof = wait_for(async {
        let mut shadow = Shadow::open(place)?;
        let texts = project.migrations.iter().map(|migration| migration.text.as_str());
        let database = verify::begin_written(&mut shadow, texts).await?;
        if let Err(refused) = verify::run_written(&shadow, &database, &base).await? {
            shadow.close().await?;
            return Err(Failure::Unreadable(format!("a migration of an earlier release can't be run in the shadow database: {refused}")));
        }
        let case = Case {
            plan: &links[at].plan,
            base: &database,
            begun: &begun,
            before: &before,
            migrations: &migrations,
            renames: &renames,
            queries: &queries,
        };
        let proof = verify::prove(&mut shadow, &case, &options).await;
        shadow.close().await?;
        Ok(proof?)
    })??;
    match arguments.format {
        Format::Text => terminal.print(&report::verify::text(&proof)),
        Format::Json => terminal.print(&report::verify::json(&proof)),
    }
    Ok(match proof.result {
        Verdict::Proven => Exit::Done,
        Verdict::NotProven if arguments.accept_not_proven => Exit::Done,
        Verdict::NotProven | Verdict::Refuted => Exit::Findings,
    })
}

/// The first release of which something is left to contract when the release at `at` is deployed.
fn earliest(links: &[Link], at: usize) -> usize {
    let plan = &links[at].plan;
    let left = plan.steps.iter().filter(|step| step.phase == Phase::Contract).chain(&plan.deferred);
    left.filter_map(|step| links[..at].iter().position(|link| link.plan.release == step.introduced_by)).min().unwrap_or(at)
}

fn is_of(step: &Step, links: &[Link]) -> bool {
    links.iter().any(|link| link.plan.release == step.introduced_by)
}

/// The migrations of plans, ready to run.
fn scripts(links: &[Link], migrations: &[Migration]) -> Result<Vec<Script>, Failure> {
    let listed = links.iter().flat_map(|link| &link.plan.migrations);
    let found = listed.filter_map(|listed| migrations.iter().find(|migration| migration.path == listed.path));
    found.map(script).collect()
}

fn script(migration: &Migration) -> Result<Script, Failure> {
    let written = apply::written(migration)?;
    let transaction = match written.wrapped {
        Wrapped::Yes => InTransaction::Together,
        Wrapped::No => InTransaction::Apart,
    };
    let statements = verify::meant(&migration.text, written.statements);
    Ok(Script { path: written.path, statements, transaction })
}

/// The history of the release at `at`, over that of those before it.
fn history_of(project: &Project, links: &[Link], at: usize) -> History {
    let of = |links: &[Link]| -> Vec<Migration> {
        let listed = links.iter().flat_map(|link| &link.plan.migrations);
        listed.filter_map(|listed| project.migrations.iter().find(|migration| migration.path == listed.path)).cloned().collect()
    };
    let before = history::fold(project.config.engine, &of(&links[..at]), &Catalog::default());
    history::fold(project.config.engine, &of(&links[at..=at]), &before.end)
}

fn place(arguments: &Arguments, terminal: &mut Terminal) -> Result<Place, Failure> {
    Ok(match &arguments.shadow_url {
        Some(url) => Place::Lent(Box::new(settings_of("--shadow-url", url, terminal)?)),
        None => Place::Own { binaries: arguments.shadow_bin.clone() },
    })
}

fn asked(arguments: &Arguments) -> Result<Asked, Failure> {
    let of = |folder: Option<&Path>| folder.map_or_else(|| Ok(Vec::new()), queries);
    Ok(Asked { old: of(arguments.old_queries.as_deref())?, new: of(arguments.queries.as_deref())?, execute: arguments.execute })
}

fn queries(folder: &Path) -> Result<Vec<Query>, Failure> {
    let is_sql =
        |path: &str| if Path::new(path).extension().is_some_and(|extension| extension == "sql") { Interest::Text } else { Interest::None };
    let files = files::read_folder(folder, is_sql)?;
    Ok(files.iter().flat_map(|(name, text)| verify::read_queries(name, text)).collect())
}
