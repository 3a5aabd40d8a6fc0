//! A proof on its way: runs the steps of the plan one by one, and lets clients try what they know in between.

mod attempt;
mod declared;
mod late;
mod same_end;
mod undo;

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection};

use super::Error;
use super::carry;
use super::chance::renumber;
use super::client::{Client, Outcome, Statement};
use super::compare::{self, Schema};
use super::journal::{CheckKind, Example, Journal, Proof};
use super::prove::{Case, Options, Scope};
use super::reference::{Written, add_readers, add_referencing, alike, learn, relabelled, sampled};
use super::renames::Renames;
use super::sample;
use super::seed::Rows;
use super::shadow::Shadow;
use super::shape::{ForeignKey, Kind, Shape, Table};
use super::step::{self, Failure, Relations};
use super::through::{Through, Views};
use crate::plan::{HazardKind, LockMode, Phase, SHOW, Step, StepId, SyncTriggers, TAKE_OVER, Transaction};
use crate::schema::Name;

/// A proof on its way.
pub(super) struct Course<'a> {
    case: &'a Case<'a>,
    written: Written,
    journal: Journal,
    connection: PgConnection,
    main: String,
    /// A database of the release before that nobody has written to.
    spare: String,
    /// A database of the release that was built while the plan ran, if one was needed.
    later: Option<String>,
    old_shape: Shape,
    new_shape: Shape,
    /// What is there before the migrations of earlier releases that contract still has to end.
    due_shape: Option<Shape>,
    touched: BTreeSet<Name>,
    old: Client,
    new: Client,
    /// Tables whose rows the release changes as data, or by triggers and functions: their values are not compared.
    changed: BTreeSet<String>,
    /// Tables from which the release deletes rows as data, and those that reference them.
    deleted: BTreeSet<String>,
    /// Tables in which the release changes keys as data that others reference.
    rekeyed: BTreeSet<String>,
    /// Tables in which the release changes as data what a unique key tells rows apart by.
    regrouped: BTreeSet<String>,
    /// Tables into which the release puts rows as data.
    inserted: BTreeSet<String>,
    /// Tables that triggers have written to because a fill fired them: nobody's clients do, nor the migrations as written.
    stirred: BTreeSet<String>,
    /// The step whose author vouches for old clients, if one was run.
    vouched: Option<String>,
    /// The tables that the release has found.
    there: Relations,
    /// Tables on which triggers of ours keep two shapes in step.
    in_step: BTreeSet<String>,
    /// Tables with a column of an enum that gets other labels: until contract rows have the old ones.
    relabelled: BTreeSet<String>,
    /// The same of what earlier releases have begun.
    waiting: BTreeSet<String>,
    /// Tables whose rows have other values each time the migrations run: the first row by key is another one then.
    unsettled: BTreeSet<String>,
    /// What clients see tables through now.
    views: Views,
    stage: Stage,
    state: String,
}

/// Tables that come, go or change from one shape to the other.
fn reshaped(old: &Shape, new: &Shape) -> Vec<Name> {
    let changed = new.tables.iter().filter(|table| old.table(&table.name).is_none_or(|before| !alike(before, table)));
    let gone = old.tables.iter().filter(|table| new.table(&table.name).is_none());
    changed.chain(gone).map(|table| table.name.clone()).collect()
}

impl<'a> Course<'a> {
    pub(super) async fn begin(
        shadow: &mut Shadow,
        case: &'a Case<'a>,
        options: Options,
        written: Written,
        touched: BTreeSet<Name>,
        mut journal: Journal,
    ) -> Result<Self, Error> {
        let main = written.seeded.clone();
        let mut connection = shadow.connect(&main).await?;
        let there = step::relations(&mut connection).await?;
        let due_shape = if case.before.is_empty() { None } else { Some(Shape::read(&mut connection).await?) };
        let base = due_shape.clone().filter(|_| !case.begun.is_empty());
        if let Some(base) = &base {
            let old = Shape::read(&mut shadow.connect(&written.old).await?).await?;
            renumber(shadow, &written.old_again, &[base], &old, case.renames).await?;
        }
        let (mut old_shape, mut new_shape) = (sampled(shadow, &written.old).await?, sampled(shadow, &written.new).await?);
        if written.old_again != written.old {
            sample::keep_settled(&mut old_shape, &sampled(shadow, &written.old_again).await?);
        }
        let mut touched = touched;
        touched.extend(reshaped(&old_shape, &new_shape));
        tell_of_empty_tables(&written, &old_shape, &touched, &mut journal);
        let before: Vec<&Shape> = base.iter().chain([&old_shape]).collect();
        renumber(shadow, &written.again, &before, &new_shape, case.renames).await?;
        sample::keep_settled(&mut new_shape, &sampled(shadow, &written.again).await?);
        let tried = |table: &Table| options.scope == Scope::All || touched.contains(&table.name);
        let old = learn(shadow, [&written.old, &written.old_again], &old_shape, 1_000_000, tried).await?;
        let new = learn(shadow, [&written.new, &written.again], &new_shape, 2_000_000, tried).await?;
        let differs = |(statement, first, second): &(Statement, Outcome, Outcome)| {
            (statement.sql.starts_with("SELECT ") && first != second).then(|| carry::path(&statement.table))
        };
        let unsettled = new.statements.iter().filter_map(differs).collect();
        let waiting = base.map(|base| relabelled(&Renames::default(), &base, &old_shape)).unwrap_or_default();
        let relabelled: BTreeSet<String> = relabelled(case.renames, &old_shape, &new_shape);
        for table in &relabelled {
            journal.declared(format!("until contract, rows of {table} have labels that the release no longer has, or by their old names"));
        }
        let moved = |step: &&Step| step.introduced_by == case.plan.release && step.has_hazard(HazardKind::MovedByDirective);
        let vouched = case.plan.steps.iter().chain(&case.plan.deferred).find(moved).map(|step| step.id.0.clone());
        let (changed, in_step) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self {
            spare: written.old_again.clone(),
            later: None,
            unsettled,
            there,
            in_step,
            relabelled,
            waiting,
            case,
            written,
            journal,
            connection,
            main,
            old_shape,
            new_shape,
            touched,
            old,
            new,
            changed,
            deleted: BTreeSet::new(),
            rekeyed: BTreeSet::new(),
            regrouped: BTreeSet::new(),
            due_shape,
            inserted: BTreeSet::new(),
            stirred: BTreeSet::new(),
            vouched,
            views: Views::default(),
            stage: Stage::Due,
            state: "at the start".to_owned(),
        })
    }

    pub(super) async fn run(&mut self, shadow: &mut Shadow) -> Result<(), Error> {
        for step in self.case.begun {
            if !self.go(step).await? {
                return Ok(());
            }
        }
        let (contract, rest): (Vec<&Step>, Vec<&Step>) = self.case.plan.steps.iter().partition(|step| step.phase == Phase::Contract);
        let (held, contract) = contract.into_iter().partition::<Vec<&Step>, _>(|step| self.stays_held(step));
        self.changed.clone_from(&self.relabelled);
        for (left, step) in (0..contract.len()).rev().zip(contract) {
            if !self.go(step).await? {
                return Ok(());
            }
            if left == 0 {
                self.stage = Stage::Window;
            }
            self.try_old(shadow, Reach::Touched).await?;
        }
        self.stage = Stage::Window;
        self.meet().await?;
        let start = compare::schema(&mut self.connection).await?;
        // The undo of a step is tried with all that came after it, so in a long plan not every place to stop is one to try.
        let apart = rest.len() / MOST_STOPS + 1;
        for (number, step) in (1..).zip(&rest) {
            if !self.go(step).await? {
                return Ok(());
            }
            self.try_old(shadow, Reach::Touched).await?;
            if number % apart == 0 || number == rest.len() {
                self.back_to(shadow, &rest[..number], &start).await?;
            }
        }
        self.try_old(shadow, Reach::All).await?;
        self.try_new(shadow, Reach::All).await?;
        self.carry(shadow).await?;
        self.late(shadow).await?;
        for step in held {
            if !self.go(step).await? {
                return Ok(());
            }
        }
        let holds: BTreeSet<&StepId> = self.case.plan.deferred.iter().filter_map(|step| step.held().map(|(hold, ..)| hold)).collect();
        for step in &self.case.plan.deferred {
            // As for the rest, no time passes in a proof: what is held is dropped when clients have tried to live with it.
            let start = if holds.contains(&step.id) { Some(compare::schema(&mut self.connection).await?) } else { None };
            if !self.go(step).await? {
                return Ok(());
            }
            self.try_new(shadow, Reach::Touched).await?;
            if let Some(start) = start {
                self.back_to(shadow, &[step], &start).await?;
            }
        }
        self.stage = Stage::Ended;
        self.try_new(shadow, Reach::Touched).await?;
        self.same_end(shadow).await
    }

    /// Whether the step drops what earlier releases hold, and the release may be run beside that: then it is.
    fn stays_held(&self, step: &Step) -> bool {
        step.held().is_some() && !self.case.plan.ends_holds.iter().any(|ended| ended.step == step.id)
    }

    /// The release begins here: it finds the tables that earlier ones have left, under the names that they have now.
    async fn meet(&mut self) -> Result<(), Error> {
        let mut now = step::relations(&mut self.connection).await?;
        for (relation, (names, _)) in &mut now {
            names.extend(self.there.remove(relation).map(|(known, _)| known).unwrap_or_default());
        }
        self.there = now;
        Ok(())
    }

    /// Runs a step. False if it failed.
    async fn go(&mut self, step: &Step) -> Result<bool, Error> {
        let first = step::forth(&mut self.connection, step, &self.there).await?;
        self.state = format!("after step {}", step.id);
        let observed = match first {
            Ok(observed) => observed,
            Err(failure) => {
                self.broken(CheckKind::SameEnd, "the step does what the plan says", failure);
                return Ok(false);
            }
        };
        let opaque = step.has_hazard(HazardKind::Opaque);
        let undeclared = if opaque { Vec::new() } else { step::undeclared(step, &observed) };
        self.journal.held(CheckKind::LocksAsDeclared, 1);
        for (expected, found) in undeclared {
            let example = Example {
                state: self.state.clone(),
                about: "the plan says what is locked, and how long".to_owned(),
                sql: step.sql.join(";\n"),
                expected,
                found,
            };
            self.journal.failed(CheckKind::LocksAsDeclared, example);
        }
        self.note(step, observed.written);
        if [SHOW, TAKE_OVER].contains(&step.id.slug()) {
            self.views = Views::read(&mut self.connection, &self.case.plan.release).await?;
        }
        Ok(true)
    }

    /// What the step means for what follows.
    fn note(&mut self, step: &Step, written: BTreeSet<String>) {
        let changes = |sync| sync == SyncTriggers::Fire || step.has_hazard(HazardKind::OldClientsReadNewValues);
        let writes = step.backfill.as_ref().is_some_and(|backfill| changes(backfill.sync))
            || step.transaction == Transaction::Own
                && !step.locks.is_empty()
                && step.locks.iter().all(|lock| lock.mode == LockMode::RowExclusive);
        let refreshes = step.sql.iter().any(|sql| sql.trim_start().get(..7).is_some_and(|verb| verb.eq_ignore_ascii_case("refresh")));
        let copies = step.id.slug() == "create-table" && step.has_hazard(HazardKind::NewClientsReadOldValues);
        let behaves = refreshes || copies || BEHAVIOUR.contains(&step.id.slug()) && step.phase != Phase::Contract;
        if writes || behaves {
            self.changed.extend(step.locks.iter().map(|lock| lock.relation.clone()).chain(written.iter().cloned()));
            let born = self.new_shape.tables.iter().filter(|table| self.old_shape.table(&table.name).is_none());
            let meant = born.map(|table| carry::path(&table.name)).filter(|path| is_about(step, path));
            let born: BTreeSet<String> = meant.collect();
            self.changed.extend(born.iter().cloned());
            // What becomes of rows becomes of those that reference them.
            add_referencing(&mut self.changed, &[&self.old_shape, &self.new_shape]);
            let chunks = step.backfill.iter().map(|backfill| &backfill.chunk);
            let says = |verb: &str| step.sql.iter().chain(chunks.clone()).any(|sql| sql.to_ascii_uppercase().contains(verb));
            if says("INSERT") {
                self.inserted.extend(born);
                self.inserted.extend(step.locks.iter().map(|lock| lock.relation.clone()));
            }
            if says("UPDATE") {
                let text: String = step.sql.iter().chain(chunks.clone()).map(|sql| sql.replace('"', "")).collect();
                let locked = |table: &Name| step.locks.iter().any(|lock| lock.relation == carry::path(table));
                let keys = self.old_shape.tables.iter().flat_map(|table| &table.foreign_keys).filter(|key| locked(&key.references));
                let sets = |key: &&ForeignKey| key.referenced.iter().any(|column| text.contains(&format!("{} = ", column.as_str())));
                self.rekeyed.extend(keys.filter(sets).map(|key| carry::path(&key.references)));
                let regroups = |table: &&Table| {
                    locked(&table.name) && table.keys.iter().flatten().any(|column| text.contains(&format!("{} = ", column.as_str())))
                };
                self.regrouped.extend(self.old_shape.tables.iter().filter(regroups).map(|table| carry::path(&table.name)));
            }
            if says("DELETE") {
                self.deleted.extend(step.locks.iter().map(|lock| lock.relation.clone()));
                add_referencing(&mut self.deleted, &[&self.old_shape, &self.new_shape]);
            }
        }
        // Another query under the name of a view: clients of both releases read through it, and the plan says so.
        let is_view =
            |path: &String| self.old_shape.tables.iter().any(|table| table.kind == Kind::View && carry::path(&table.name) == *path);
        if step.phase != Phase::Contract && step.has_hazard(HazardKind::OldClientsReadNewValues) {
            let views: Vec<String> = step.locks.iter().map(|lock| lock.relation.clone()).filter(is_view).collect();
            self.changed.extend(views);
            add_readers(&mut self.changed, &[&self.old_shape, &self.new_shape]);
        }
        if step.has_hazard(HazardKind::FiresTriggers) {
            let elsewhere = |path: &String| !step.locks.iter().any(|lock| lock.relation == *path);
            self.stirred.extend(written.into_iter().filter(elsewhere));
            add_readers(&mut self.stirred, &[&self.old_shape, &self.new_shape]);
        }
        let own = step.introduced_by == self.case.plan.release && step.phase != Phase::Contract;
        let code = ["-trigger", "-function"].iter().any(|what| step.id.slug().ends_with(what));
        if own && code && step.has_hazard(HazardKind::OldClientsReadNewValues) {
            self.journal.leave_to_author(&step.id.0);
        }
        if step.sql.iter().any(|sql| sql.contains("zz_concertina")) {
            self.in_step.extend(step.locks.iter().map(|lock| lock.relation.clone()));
        }
        let says_which = ["create-index", "change-rows"].contains(&step.id.slug());
        if own && step.phase == Phase::Expand && step.has_hazard(HazardKind::RefusesWrites) && !says_which && !self.has_view(&step.locks) {
            self.vouched = Some(step.id.0.clone());
        }
        let told = [HazardKind::NewClientsReadOldValues, HazardKind::FiresTriggers];
        for hazard in step.hazards.iter().filter(|hazard| told.contains(&hazard.kind)) {
            self.journal.declared(hazard.detail.clone());
        }
        if step.has_hazard(HazardKind::Opaque) {
            self.journal.untried(format!("what step {} does can't be told from its SQL", step.id));
        }
    }

    fn broken(&mut self, check: CheckKind, about: &str, failure: Failure) {
        let Failure { sql, expected, found } = failure;
        self.journal.failed(check, Example { state: self.state.clone(), about: about.to_owned(), sql, expected, found });
    }

    fn compare(&mut self, check: CheckKind, about: &str, sql: String, expected: &Schema, found: &Schema) {
        match compare::differences(expected, found) {
            None => self.journal.held(check, 1),
            Some((expected, found)) => {
                self.journal.failed(check, Example { state: self.state.clone(), about: about.to_owned(), sql, expected, found });
            }
        }
    }

    /// What each side writes, the other reads.
    async fn carry(&mut self, shadow: &mut Shadow) -> Result<(), Error> {
        if self.vouched.is_some() {
            self.journal.untried("writes were not carried over: a directive has moved a change out of its place");
            return Ok(());
        }
        if self.spare == self.written.old {
            self.spare = shadow.create(Some(&self.written.old)).await?;
        }
        let mut changed = self.shrinking();
        changed.extend(self.changed.iter().chain(&self.stirred).cloned());
        let about = carry::Sides {
            case: self.case,
            old_database: &self.written.old,
            spare: &self.spare,
            old_shape: &self.old_shape,
            new_shape: &self.new_shape,
            old: &self.old,
            new: &self.new,
            touched: &self.touched,
            changed: &changed,
            through: &self.views.new,
            state: &self.state,
        };
        carry::old_to_new(shadow, &mut self.connection, &about, &mut self.journal).await?;
        carry::new_to_old(&mut self.connection, &about, &mut self.journal).await
    }

    /// What clients of one side see tables through now.
    fn through(&self, check: CheckKind) -> &Through {
        if check == CheckKind::NewClients { &self.views.new } else { &self.views.old }
    }

    /// Lets go of the main database, so that it can be copied.
    async fn disconnect(&mut self, shadow: &Shadow) -> Result<(), Error> {
        let elsewhere = shadow.connect(&self.written.again).await?;
        let connection = std::mem::replace(&mut self.connection, elsewhere);
        let _ = connection.close().await;
        Ok(())
    }

    pub(super) async fn end(self, shadow: &mut Shadow) -> Result<Proof, Error> {
        let Self { case, written, journal, connection, main, spare, later, .. } = self;
        let _ = connection.close().await;
        for name in [&main, &spare, &written.old, &written.old_again, &written.new, &written.again].into_iter().chain(&later) {
            shadow.drop(name).await?;
        }
        Ok(journal.end(case.plan.release.clone(), written.rows, written.tables))
    }
}

/// What has no rows shows nothing.
fn tell_of_empty_tables(written: &Written, old_shape: &Shape, touched: &BTreeSet<Name>, journal: &mut Journal) {
    for table in written.tables.iter().filter(|table| table.rows == 0) {
        if old_shape.tables.iter().any(|old| old.name.to_string() == table.table && touched.contains(&old.name)) {
            journal.untried(format!(
                "{} has no rows: {}",
                table.table,
                table.reason.as_deref().unwrap_or("none of those that were tried was taken")
            ));
        }
    }
    if written.rows == Rows::None && old_shape.tables.iter().any(|table| touched.contains(&table.name)) {
        journal.untried("the tables were empty: the migrations as written refuse the rows that were made up");
    }
}

/// How often it is asked what may differ only because time has passed, as an age does that a view shows.
const TIMES: usize = 3;

/// At how many places of a plan it is stopped and taken back, about.
const MOST_STOPS: usize = 16;

/// What steps do that change what the database does with what clients write.
const BEHAVIOUR: &[&str] =
    &["create-trigger", "replace-trigger", "create-function", "replace-function", "drop-trigger", "change-rows", "trigger", "set-default"];

/// Whether a step's id says that it is about that table: one that is new in the release has no lock that says so.
fn is_about(step: &Step, path: &str) -> bool {
    let subject = step.id.0.rsplit('/').nth(1).unwrap_or_default();
    let table = subject.rsplit_once('.').map_or(subject, |(table, _)| table);
    [subject, table].iter().any(|name| path == *name || path.rsplit_once('.').is_some_and(|(_, own)| own == *name))
}

/// How far the deploy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What earlier releases have left to contract is due.
    Due,
    /// Old and new clients are at work.
    Window,
    /// Contract is done.
    Ended,
}

/// Which tables are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Touched,
}
