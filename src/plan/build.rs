//! A release's changes and what earlier releases left become a plan.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::chain::Chain;
use super::draft::{Draft, path};
use super::family::lock_children;
use super::format::{
    FORMAT, Gate, Milliseconds, Origin, Phase, Plan, PlannedMigration, Predecessor, Release, Start, StartColumn, Step, StepId,
};
use super::gapless::close_gaps;
use super::hold::{Holds, ended};
use super::order::order;
use super::overtaking::{left_behind, overtakes, taken_away};
use super::recalled;
use super::recipe::{self, Context, release_view};
use super::refusal::Refusal;
use super::release::{Item, Planned, items};
use crate::engine::Engine;
use crate::history::History;
use crate::schema::{Catalog, Name};
use crate::source::Migration;
use crate::sql::directive::DirectiveKind;
use crate::sql::write;

/// What a plan is made from.
pub struct Input<'a> {
    /// The release to plan.
    pub release: &'a Release,
    /// The engine.
    pub engine: Engine,
    /// The plans before it.
    pub chain: &'a Chain,
    /// The schema that those build.
    pub start: &'a Catalog,
    /// The release's migrations, in order.
    pub migrations: &'a [Migration],
    /// Those migrations folded over `start`.
    pub history: &'a History,
    /// How long what contract removes is held before it is dropped; zero is not at all.
    pub hold: Milliseconds,
}

/// Makes the plan of a release.
///
/// # Errors
/// All changes that are not planned, each with what to do about it.
pub fn build(input: &Input<'_>) -> Result<Plan, Vec<Refusal>> {
    let items = items(input.history, input.migrations);
    let mut refusals = Vec::new();
    let mut made = Made {
        release: input.release,
        ids: BTreeSet::new(),
        expand: Vec::new(),
        migrate: Vec::new(),
        contract: Vec::new(),
        held: Vec::new(),
    };
    let (due, waiting) = input.chain.left_to_contract();
    let mut recipes = Vec::new();
    let mut holds = Holds::default();
    for item in &items {
        refusals.extend(too_early(item, &waiting));
        let ctx = Context {
            engine: input.engine,
            deploy: input.release,
            hold: input.hold,
            old: input.start,
            before: &item.before,
            after: &item.after,
            new: &input.history.end,
            item,
            release: &items,
        };
        match recipe::plan(&ctx) {
            Ok(mut recipe) => {
                refusals.extend(overtakes(&ctx, &recipe, &recipes));
                refusals.extend(left_behind(&ctx, &recipe, &recipes));
                refusals.extend(taken_away(&ctx, &recipe, &recipes));
                lock_children(&ctx, &mut recipe);
                recalled::comments(&ctx, &mut recipe);
                after_what_is_held(input, item, &mut recipe, &mut holds);
                recipes.push((item, recipe));
            }
            // Several parts of one statement may be refused alike.
            Err(refusal) if refusals.iter().any(|other| refusal.is_like(other)) => {}
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    made.take(recipes);
    let mut steps = due;
    steps.extend(made.expand);
    steps.extend(made.migrate);
    let mut deferred = waiting;
    deferred.extend(made.contract);
    deferred.extend(made.held);
    Ok(Plan {
        format: FORMAT.to_owned(),
        release: input.release.clone(),
        engine: "postgresql".to_owned(),
        engine_version: major(input.engine),
        predecessor: input.chain.last().map(|last| Predecessor { release: last.plan.release.clone(), digest: last.digest.clone() }),
        adopted: false,
        migrations: input.migrations.iter().map(planned).collect(),
        views_schema: views_schema(input.release, &steps),
        ends_holds: ended(input.chain, &items, input.start),
        starts_from: start(input.start, &steps),
        steps: sorted(steps),
        deferred: sorted(deferred),
    })
}

/// What something held still needs is dropped after that.
fn after_what_is_held(input: &Input<'_>, item: &Item, recipe: &mut recipe::Recipe, holds: &mut Holds) {
    let Planned::Change(change) = &item.planned else { return };
    if let Some(drop) = recipe.held.first() {
        holds.add(change, drop);
    } else if let Some(gate) = holds.gate_of(change, input.start, input.history) {
        recipe.held = std::mem::take(&mut recipe.contract);
        recipe.held.iter_mut().for_each(|draft| draft.gates.push(gate.clone()));
    }
}

/// The first plan of a chain whose migrations another tool has applied: it has no steps.
pub fn adopt(release: Release, engine: Engine, migrations: &[Migration]) -> Plan {
    Plan {
        format: FORMAT.to_owned(),
        release,
        engine: "postgresql".to_owned(),
        engine_version: major(engine),
        predecessor: None,
        adopted: true,
        migrations: migrations.iter().map(planned).collect(),
        views_schema: None,
        ends_holds: Vec::new(),
        starts_from: start(&Catalog::default(), &[]),
        steps: Vec::new(),
        deferred: Vec::new(),
    }
}

/// The schema of the release's views, if it has any.
fn views_schema(release: &Release, steps: &[Step]) -> Option<String> {
    let shows = |step: &Step| &step.introduced_by == release && step.id.slug() == release_view::SHOW;
    steps.iter().any(shows).then(|| release_view::schema(release).to_string())
}

fn major(engine: Engine) -> u32 {
    let Engine::PostgreSql { major } = engine;
    major
}

fn planned(migration: &Migration) -> PlannedMigration {
    PlannedMigration { path: migration.path.clone(), sha256: digest(migration.text.as_bytes()) }
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Steps that recipes make come with the needs of a line, so there is no circle to find.
fn sorted(steps: Vec<Step>) -> Vec<Step> {
    let as_they_are = steps.clone();
    order(steps).unwrap_or(as_they_are)
}

fn start(catalog: &Catalog, steps: &[Step]) -> Start {
    let touched: BTreeSet<&str> = steps.iter().flat_map(|step| &step.locks).map(|lock| lock.relation.as_str()).collect();
    let mut tables = BTreeMap::new();
    for (name, table) in &catalog.tables {
        if touched.contains(path(name).as_str()) {
            let columns = table
                .columns
                .iter()
                .map(|column| StartColumn { name: column.name.to_string(), data_type: write::data_type(&column.data_type) })
                .collect();
            tables.insert(path(name), columns);
        }
    }
    Start { digest: digest(write::catalog(catalog).as_bytes()), tables }
}

/// A change of what an earlier release still has to contract, before that is due.
fn too_early(item: &Item, waiting: &[Step]) -> Option<Refusal> {
    let relations: Vec<&Name> = match &item.planned {
        Planned::Change(change) => change.relation().into_iter().collect(),
        Planned::FilledColumn { add, .. } => vec![&add.table],
        Planned::EnumSwap(swap) => swap.columns.iter().map(|(table, _)| table).collect(),
    };
    let waits_for = |relation: &String| waiting.iter().find(|step| step.locks.iter().any(|lock| &lock.relation == relation));
    let (relation, step) = relations.into_iter().map(path).find_map(|relation| Some((relation.clone(), waits_for(&relation)?)))?;
    Some(Refusal::new(
        item,
        format!(
            "release {} has a contract step on {relation} that isn't due yet ({}), and this change touches the same table",
            step.introduced_by, step.id
        ),
        format!("put the change into a later release, or take `contract-after` out of the migration of {}", step.introduced_by),
    ))
}

/// How many deploys after its own the contract of a change is due.
fn contract_after(item: &Item) -> u32 {
    let said = item.directives.iter().find_map(|directive| match directive {
        DirectiveKind::ContractAfter(releases) => Some(*releases),
        DirectiveKind::Allow { .. }
        | DirectiveKind::Up(_)
        | DirectiveKind::Down(_)
        | DirectiveKind::Phase(_)
        | DirectiveKind::Strategy(_) => None,
    });
    said.unwrap_or(1)
}

/// Steps as they come out of recipes, phase by phase.
struct Made<'a> {
    release: &'a Release,
    ids: BTreeSet<String>,
    expand: Vec<Step>,
    migrate: Vec<Step>,
    contract: Vec<Step>,
    /// What drops what those hold.
    held: Vec<Step>,
}

impl Made<'_> {
    /// Within a phase the order of the migrations is kept, except that a view which takes a table's place comes when all else
    /// is done that needs the table, and goes before anything else does.
    fn take(&mut self, recipes: Vec<(&Item, recipe::Recipe)>) {
        let moves_rows = |relation: &str| recipes.iter().flat_map(|(_, recipe)| &recipe.migrate).any(|draft| draft.is_about(relation));
        let (after_migrate, after_expand): (Vec<_>, Vec<_>) = recipes
            .iter()
            .flat_map(|(item, recipe)| recipe.last.iter().map(|draft| (*item, draft.clone())))
            .partition(|(_, draft)| draft.locks.iter().any(|lock| moves_rows(&lock.relation)));
        let mut phases = [Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for (item, recipe) in recipes {
            let [expand, migrate, first, contract, held] = &mut phases;
            held.extend(recipe.held.into_iter().map(|draft| (item, draft)));
            expand.extend(recipe.expand.into_iter().map(|draft| (item, draft)));
            migrate.extend(recipe.migrate.into_iter().map(|draft| (item, draft)));
            first.extend(recipe.first_to_contract.into_iter().map(|draft| (item, draft)));
            contract.extend(recipe.contract.into_iter().map(|draft| (item, draft)));
        }
        let [expand, migrate, first, contract, held] = phases;
        for (item, draft) in expand.into_iter().chain(after_expand) {
            let step = self.step(item, Phase::Expand, draft, None);
            self.expand.push(step);
        }
        for (item, draft) in migrate.into_iter().chain(after_migrate) {
            let step = self.step(item, Phase::Migrate, draft, None);
            self.migrate.push(step);
        }
        for (item, draft) in first.into_iter().chain(close_gaps(contract)) {
            let step = self.step(item, Phase::Contract, draft, Some(contract_after(item)));
            self.contract.push(step);
        }
        for (item, draft) in held {
            let step = self.step(item, Phase::Contract, draft, Some(contract_after(item)));
            let step = self.after_its_hold(step);
            self.held.push(step);
        }
    }

    /// A step that drops what another one holds needs that one, and those that drop before it.
    fn after_its_hold(&self, mut step: Step) -> Step {
        let holds = self.contract.iter().rfind(|hold| hold.origin == step.origin).map(|hold| hold.id.clone());
        let before = self.held.iter().rfind(|before| before.due_after <= step.due_after);
        let held_with = before.and_then(|before| before.held()).map(|(hold, ..)| hold.clone());
        step.needs = before.map(|before| before.id.clone()).into_iter().collect();
        for gate in &mut step.gates {
            if let (Gate::Held { step: hold, .. }, Some(id)) = (gate, holds.clone().or(held_with.clone())) {
                step.needs.insert(0, id.clone());
                *hold = id;
            }
        }
        step
    }

    fn step(&mut self, item: &Item, phase: Phase, draft: Draft, due_after: Option<u32>) -> Step {
        let base = format!("{}/{phase}/{}/{}", self.release, draft.subject, draft.slug);
        let taken = self.ids.iter().filter(|id| **id == base || id.strip_prefix(&base).is_some_and(|rest| rest.starts_with('-'))).count();
        let id = if taken == 0 { base } else { format!("{base}-{}", taken + 1) };
        self.ids.insert(id.clone());
        // Within a phase the order of the migrations is kept: a later statement may build on any earlier one.
        let same_phase = match phase {
            Phase::Expand => self.expand.last(),
            Phase::Migrate => self.migrate.last().or(self.expand.last()),
            // What is due later can't be waited for.
            Phase::Contract => {
                self.contract.iter().rfind(|step| step.due_after <= due_after).or(self.migrate.last()).or(self.expand.last())
            }
        };
        let mut origin: Vec<Origin> = vec![item.origin.clone()];
        origin.extend(item.also.iter().cloned());
        Step {
            id: StepId(id),
            phase,
            introduced_by: self.release.clone(),
            due_after,
            about: draft.about,
            why: draft.why,
            origin,
            sql: draft.sql,
            transaction: draft.transaction,
            backfill: draft.backfill,
            locks: draft.locks,
            lock_wait: draft.lock_wait,
            statement_time: draft.statement_time,
            needs: same_phase.map(|step| step.id.clone()).into_iter().collect(),
            probe: draft.probe,
            undo: draft.undo,
            gates: draft.gates,
            hazards: draft.hazards,
        }
    }
}
