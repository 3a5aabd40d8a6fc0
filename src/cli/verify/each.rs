//! Each pending migration as a release of its own, over those before it: one server, and a history that is run once.

#![expect(clippy::disallowed_methods, reason = "it says how long each took")]

use std::time::Instant;

use super::{Arguments, Format, place, script};
use crate::cli::database::wait_for;
use crate::cli::project::Project;
use crate::cli::{Exit, Failure, Terminal};
use crate::history;
use crate::plan::{self, Chain, Input, Plan, Release};
use crate::report;
use crate::report::verify::{Migration as Row, Result as Came, Seconds};
use crate::schema::Catalog;
use crate::source::Migration;
use crate::verify::{self, Asked, Case, Options, Renames, Scope, Script, Shadow};

/// Runs the command.
pub(super) fn run(arguments: &Arguments, project: &Project, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let (applied, pending) = parted(arguments, project)?;
    let place = place(arguments, terminal)?;
    let rows = wait_for(async {
        let mut shadow = Shadow::open(place)?;
        let result = all(&mut shadow, arguments, project, (&applied, &pending), terminal).await;
        shadow.close().await?;
        result
    })??;
    match arguments.format {
        Format::Text => terminal.print(&report::verify::each_text(&rows)),
        Format::Json => terminal.print(&report::verify::each_json(&rows)),
    }
    Ok(if rows.iter().any(|row| row.result == Came::Refuted) { Exit::Findings } else { Exit::Done })
}

/// The migrations that are taken as applied, and those that are proven.
fn parted(arguments: &Arguments, project: &Project) -> Result<(Vec<Migration>, Vec<Migration>), Failure> {
    let Some(first) = &arguments.adopt_before else {
        let sorted = Chain::read(&project.plans()?).map_err(Failure::Chain)?.sort(project.migrations.clone()).map_err(Failure::Chain)?;
        return Ok((sorted.planned, sorted.pending));
    };
    let is_meant = |migration: &Migration| &migration.path == first || project.folder.join(&migration.path) == std::path::Path::new(first);
    match project.migrations.iter().position(is_meant) {
        Some(at) => Ok((project.migrations[..at].to_vec(), project.migrations[at..].to_vec())),
        None => Err(Failure::NoSuchMigration { given: first.clone(), folder: project.folder.clone() }),
    }
}

async fn all(
    shadow: &mut Shadow,
    arguments: &Arguments,
    project: &Project,
    (applied, pending): (&[Migration], &[Migration]),
    terminal: &mut Terminal,
) -> Result<Vec<Row>, Failure> {
    let texts = applied.iter().chain(pending).map(|migration| migration.text.as_str());
    let base = verify::begin_written(shadow, texts).await?;
    let mut broken = advance(shadow, &base, applied).await?;
    let mut catalog = history::fold(project.config.engine, applied, &Catalog::default()).end;
    let mut rows = Vec::new();
    for migration in pending {
        let began = Instant::now();
        let (came, reason, directive) = match &broken {
            None => one(shadow, arguments, project, &base, &catalog, migration).await?,
            Some(why) => (Came::NotProven, Some(why.clone()), None),
        };
        let row = Row { path: migration.path.clone(), result: came, reason, directive, seconds: Seconds(began.elapsed()) };
        if arguments.format == Format::Json {
            terminal.note(&format!("{:>5.1} s  {:?}  {}", row.seconds.0.as_secs_f64(), row.result, row.path));
        }
        rows.push(row);
        catalog = history::fold(project.config.engine, std::slice::from_ref(migration), &catalog).end;
        if broken.is_none() {
            broken = advance(shadow, &base, std::slice::from_ref(migration)).await?;
        }
    }
    Ok(rows)
}

/// Runs migrations as written. What can't be run makes all that follows unprovable, and is told.
async fn advance(shadow: &Shadow, base: &str, migrations: &[Migration]) -> Result<Option<String>, Failure> {
    for migration in migrations {
        let script = match script(migration) {
            Ok(script) => script,
            Err(failure) => return Ok(Some(format!("the history before it can't be run here: {failure}"))),
        };
        if let Err(refused) = verify::run_written(shadow, base, &[script]).await? {
            return Ok(Some(format!("the history before it can't be run here: {refused}")));
        }
    }
    Ok(None)
}

type CameTo = (Came, Option<String>, Option<String>);

async fn one(
    shadow: &mut Shadow,
    arguments: &Arguments,
    project: &Project,
    base: &str,
    catalog: &Catalog,
    migration: &Migration,
) -> Result<CameTo, Failure> {
    let alone = std::slice::from_ref(migration);
    let history = history::fold(project.config.engine, alone, catalog);
    let problems = report::problems::text(&history, alone);
    if !problems.is_empty() {
        return Ok((Came::NotProven, Some(format!("it can't be read: {}", problems.trim_end())), None));
    }
    let release = Release("each".to_owned());
    let input = Input {
        release: &release,
        engine: project.config.engine,
        chain: &Chain::default(),
        start: catalog,
        migrations: alone,
        history: &history,
        hold: project.config.policies.hold(),
    };
    let plan = match plan::build(&input) {
        Ok(plan) => plan,
        Err(refusals) => {
            let joined = |text: &dyn Fn(&plan::Refusal) -> String| refusals.iter().map(text).collect::<Vec<_>>().join("\n");
            let reason = joined(&|refusal| format!("line {}: {}", refusal.origin.line, refusal.what));
            return Ok((Came::Refused, Some(reason), Some(joined(&|refusal| refusal.remedy.clone()))));
        }
    };
    let scripts = match script(migration) {
        Ok(script) => [script],
        Err(failure) => return Ok((Came::NotProven, Some(failure.to_string()), None)),
    };
    proof(shadow, arguments, base, &plan, &scripts, &Renames::of(&history)).await
}

async fn proof(
    shadow: &mut Shadow,
    arguments: &Arguments,
    base: &str,
    plan: &Plan,
    scripts: &[Script],
    renames: &Renames,
) -> Result<CameTo, Failure> {
    let queries = Asked::default();
    let case = Case { plan, base, begun: &[], before: &[], migrations: scripts, renames, queries: &queries };
    let options = Options { rows: arguments.rows, scope: Scope::Touched };
    let proof = verify::prove(shadow, &case, &options).await?;
    Ok((proof.result.into(), report::verify::reason(&proof), None))
}
