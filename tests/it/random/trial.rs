//! What comes of a case: its releases are planned one after the other, and each plan is proven, as `concertina plan` and
//! `concertina verify` do it.

use concertina::apply::{self, Wrapped};
use concertina::engine::Engine;
use concertina::history::{self, History};
use concertina::plan::{self, Chain, Input, Link, Milliseconds, Phase, Plan, Refusal, Release, Step};
use concertina::report;
use concertina::schema::Catalog;
use concertina::source::{self, Migration};
use concertina::sql::postgres::parse;
use concertina::verify::{self, Asked, CheckKind, Example, InTransaction, Options, Place, Proof, Renames, Scope, Script, Shadow, Verdict};

use super::case::Case;

/// How many rows a table gets: one of each kind that `verify` makes, and one to spare.
const ROWS: u32 = 10;

/// What came of one release of a case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Proven,
    NotProven(String),
    /// The planner refuses it, for these reasons.
    Refused(String),
    /// PostgreSQL refuses the migrations as written.
    Discarded(String),
    /// What must never happen.
    Failed {
        kind: String,
        report: String,
    },
}

/// A place for trials.
pub(super) struct Bench {
    runtime: tokio::runtime::Runtime,
    shadow: Shadow,
}

impl Bench {
    pub(super) fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shadow = Shadow::open(Place::Own { binaries: None }).unwrap();
        Self { runtime, shadow }
    }

    /// Tries a case: what came of each of its releases.
    pub(super) fn attempt(&mut self, case: &Case) -> Vec<Outcome> {
        let Self { runtime, shadow } = self;
        runtime.block_on(attempt(shadow, case)).unwrap_or_else(|error| vec![failed("the proof stops", &error.to_string())])
    }
}

fn failed(kind: &str, report: &str) -> Outcome {
    Outcome::Failed { kind: kind.to_owned(), report: report.to_owned() }
}

const ENGINE: Engine = Engine::PostgreSql { major: 15 };
/// What contract removes is held, and dropped in the same proof.
const HOLD: Milliseconds = Milliseconds(1_000);

async fn attempt(shadow: &mut Shadow, case: &Case) -> Result<Vec<Outcome>, verify::Error> {
    let base = migration(0, &case.base);
    let first = shadow.create(None).await?;
    if let Err(refused) = verify::run_written(shadow, &first, &[script(&base)]).await? {
        shadow.drop(&first).await?;
        return Ok(vec![Outcome::Discarded(format!("base: {}", without_names(&refused.message)))]);
    }
    let mut attempt = Attempt::new(base, first);
    let mut outcomes = Vec::new();
    for (number, text) in (1..).zip(&case.releases) {
        let outcome = attempt.release(shadow, migration(number, text)).await?;
        let goes_on = matches!(outcome, Outcome::Proven | Outcome::NotProven(_)) && number < case.releases.len();
        outcomes.push(outcome);
        if !goes_on || attempt.advance(shadow).await?.is_some() {
            break;
        }
    }
    for database in attempt.written {
        shadow.drop(&database).await?;
    }
    Ok(outcomes)
}

/// The releases of a case that are planned already.
struct Attempt {
    plans: Vec<(String, String)>,
    migrations: Vec<Migration>,
    /// The schema at the end of each.
    catalogs: Vec<Catalog>,
    /// A database at the end of each, built by the migrations as written; of the last one it may be still to come.
    written: Vec<String>,
}

impl Attempt {
    fn new(base: Migration, database: String) -> Self {
        let end = history::fold(ENGINE, std::slice::from_ref(&base), &Catalog::default()).end;
        let adopted = plan::adopt(Release("0".to_owned()), ENGINE, std::slice::from_ref(&base));
        Self { plans: vec![("0.json".to_owned(), adopted.to_text())], migrations: vec![base], catalogs: vec![end], written: vec![database] }
    }

    /// Builds the database at the end of the last release; what PostgreSQL says if it refuses.
    async fn advance(&mut self, shadow: &mut Shadow) -> Result<Option<String>, verify::Error> {
        let Some(last) = self.migrations.last() else { return Ok(None) };
        let refused = self.run(shadow, last).await?;
        let (database, refused) = match refused {
            Ok(database) => (database, None),
            Err((database, refused)) => (database, Some(refused)),
        };
        self.written.push(database);
        Ok(refused)
    }

    /// Runs a migration in a copy of the last database.
    async fn run(&self, shadow: &mut Shadow, migration: &Migration) -> Result<Result<String, (String, String)>, verify::Error> {
        let copy = shadow.create(self.written.last().map(String::as_str)).await?;
        let ran = verify::run_written(shadow, &copy, &[script(migration)]).await?;
        Ok(match ran {
            Ok(()) => Ok(copy),
            Err(refused) => Err((copy, without_names(&refused.message))),
        })
    }

    /// Plans and proves the next release.
    async fn release(&mut self, shadow: &mut Shadow, migration: Migration) -> Result<Outcome, verify::Error> {
        let start = self.catalogs.last().cloned().unwrap_or_default();
        let alone = std::slice::from_ref(&migration);
        let history = history::fold(ENGINE, alone, &start);
        let problems = report::problems::text(&history, alone);
        if !problems.is_empty() {
            return Ok(match self.run(shadow, &migration).await? {
                Ok(_) => failed("misread", &problems),
                Err((_, refused)) => Outcome::Discarded(refused),
            });
        }
        let chain = Chain::read(&self.plans).expect("the plans are ours");
        let release = Release(self.migrations.len().to_string());
        let plan = match twice(&release, &chain, &start, alone, &history) {
            Ok(plan) => plan,
            Err(outcome) => return Ok(outcome),
        };
        self.plans.push((format!("{release}.json"), plan.to_text()));
        self.catalogs.push(history.end.clone());
        self.migrations.push(migration);
        let chain = Chain::read(&self.plans).expect("the plans are ours");
        let first = earliest(chain.links(), chain.links().len() - 1);
        let chained = self.prove_chained(shadow, (&chain, first), &Renames::of(&history)).await?;
        // With nothing left by earlier releases both proofs are one.
        if !matches!(chained, Outcome::Proven) || first + 1 == chain.links().len() {
            return Ok(chained);
        }
        self.prove_alone(shadow, &start, &history).await
    }

    /// As `concertina verify --release` does: with what earlier releases have left to contract.
    async fn prove_chained(
        &self,
        shadow: &mut Shadow,
        (chain, first): (&Chain, usize),
        renames: &Renames,
    ) -> Result<Outcome, verify::Error> {
        let links = chain.links();
        let at = links.len() - 1;
        let scripts: Vec<Script> = self.migrations.iter().map(script).collect();
        let introduced = |step: &&Step| links[first..at].iter().any(|link| link.plan.release == step.introduced_by);
        let begun: Vec<Step> = links[first..at].iter().flat_map(|link| &link.plan.steps).filter(introduced).cloned().collect();
        let (before, migrations) = (&scripts[first..at], &scripts[at..]);
        let queries = Asked::default();
        // The plan at 0 is the adopted one, and the database of its end the first.
        let base = self.written[first - 1].as_str();
        let case = verify::Case { plan: &links[at].plan, base, begun: &begun, before, migrations, renames, queries: &queries };
        let proof = verify::prove(shadow, &case, &Options { rows: ROWS, scope: Scope::Touched }).await?;
        Ok(outcome(&proof, &links[at].plan))
    }

    /// As `concertina verify --each` does: over the migrations before it as written.
    async fn prove_alone(&self, shadow: &mut Shadow, start: &Catalog, history: &History) -> Result<Outcome, verify::Error> {
        let alone = &self.migrations[self.migrations.len() - 1..];
        let release = Release("each".to_owned());
        let plan = match twice(&release, &Chain::default(), start, alone, history) {
            Ok(plan) => plan,
            Err(outcome) => return Ok(outcome),
        };
        let scripts: Vec<Script> = alone.iter().map(script).collect();
        let (queries, renames) = (Asked::default(), Renames::of(history));
        let case = verify::Case {
            plan: &plan,
            base: &self.written[self.written.len() - 1],
            begun: &[],
            before: &[],
            migrations: &scripts,
            renames: &renames,
            queries: &queries,
        };
        let proof = verify::prove(shadow, &case, &Options { rows: ROWS, scope: Scope::Touched }).await?;
        Ok(outcome(&proof, &plan))
    }
}

/// The plan, made twice: the same input gives the same bytes.
fn twice(release: &Release, chain: &Chain, start: &Catalog, migrations: &[Migration], history: &History) -> Result<Plan, Outcome> {
    let input = |history| Input { release, engine: ENGINE, chain, start, migrations, history, hold: HOLD };
    let again = history::fold(ENGINE, migrations, start);
    let (input, other) = (input(history), input(&again));
    match (plan::build(&input), plan::build(&other)) {
        (Ok(one), Ok(two)) if one.to_text() == two.to_text() => Ok(one),
        (Err(refusals), Err(_)) => Err(Outcome::Refused(reasons(&refusals))),
        _ => Err(failed("two plans", "the same migrations give two plans")),
    }
}

fn reasons(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| without_names(&refusal.what)).min().unwrap_or_default()
}

fn earliest(links: &[Link], at: usize) -> usize {
    let plan = &links[at].plan;
    let left = plan.steps.iter().filter(|step| step.phase == Phase::Contract).chain(&plan.deferred);
    left.filter_map(|step| links[..at].iter().position(|link| link.plan.release == step.introduced_by)).min().unwrap_or(at)
}

fn outcome(proof: &Proof, plan: &Plan) -> Outcome {
    match proof.result {
        Verdict::Proven => Outcome::Proven,
        Verdict::NotProven => {
            let reason = proof.reasons.first().map(|reason| without_names(reason)).unwrap_or_default();
            let refused = reason.starts_with("the migrations as written don't run");
            if refused { Outcome::Discarded(reason) } else { Outcome::NotProven(reason) }
        }
        Verdict::Refuted => {
            let first = proof.checks.iter().find_map(|check| check.examples.first().map(|example| (check.check, example)));
            let kind = first.map(|(check, example)| kind(check, example)).unwrap_or_default();
            failed(&kind, &format!("{}\n{}", report::verify::text(proof), report::plan::sql(plan)))
        }
    }
}

/// What failures have in common that come from one mistake, as far as can be told.
fn kind(check: CheckKind, example: &Example) -> String {
    let step = example.state.rsplit('/').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let found = if example.found.starts_with("error") { without_names(&example.found) } else { String::new() };
    format!("{} after {step}: {} {found}", check.words(), without_names(&example.about))
}

/// A text without what is a name or a value in it, so that texts of one kind are alike.
fn without_names(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let line = text.lines().next().unwrap_or_default();
    for word in line.split_whitespace() {
        let plain =
            word.trim_end_matches([',', ':', ';', '.']).chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '\'' | '-' | '(' | ')'));
        let named = matches!(
            word.trim_end_matches([',', ':', ';']),
            "alpha" | "beta" | "gamma" | "user" | "select" | "table" | "app" | "new" | "old"
        );
        let word = if plain && !named { word } else { "…" };
        if word != "…" || words.last() != Some(&"…") {
            words.push(word);
        }
    }
    words.join(" ")
}

fn migration(number: usize, text: &str) -> Migration {
    source::file(&format!("{number}.sql"), text).expect("a plain file")
}

/// A migration, ready to run.
fn script(migration: &Migration) -> Script {
    let read = parse(&migration.text);
    let statements: Vec<String> = read.statements.iter().map(|statement| statement.span.of(&migration.text).to_owned()).collect();
    let wrapped = if migration.transaction.wraps(statements.len(), read.has_apart(&migration.text)) { Wrapped::Yes } else { Wrapped::No };
    let (statements, wrapped) = apply::unwrap(statements, wrapped);
    let transaction = match wrapped {
        Wrapped::Yes => InTransaction::Together,
        Wrapped::No => InTransaction::Apart,
    };
    Script { path: migration.path.clone(), statements: verify::meant(&migration.text, statements), transaction }
}
