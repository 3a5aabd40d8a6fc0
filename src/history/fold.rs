//! The fold itself: statement by statement, change by change. Must never lose a change, nor let one that doesn't fit spoil those
//! after it.

use std::collections::BTreeMap;

use super::session::{Opened, Session};
use super::{Entry, History, Mismatch, Unread, query};
use crate::engine::{self, Engine};
use crate::schema::catalog::CatalogError;
use crate::schema::change::IfExists;
use crate::schema::condition::Condition;
use crate::schema::{Catalog, Change, Identifier};
use crate::source::Migration;
use crate::sql::{Lowered, Script, Span, Statement, postgres};

/// Folds migrations, in order, over the schema that is there before the first.
pub fn fold(engine: Engine, migrations: &[Migration], start: &Catalog) -> History {
    let mut history = History { end: start.clone(), ..History::default() };
    for (number, migration) in migrations.iter().enumerate() {
        let text = migration.text.get(migration.up.clone()).unwrap_or_default();
        let script = shifted(parse(engine, text), migration.up.start);
        let opened = if migration.transaction.wraps(script.statements.len(), script.has_apart(&migration.text)) {
            Opened::ByRunner
        } else {
            Opened::ByNobody
        };
        let mut folding =
            Folding { engine, migration: number, session: Session::new(&history.end, history.entries.len(), opened), history };
        for (number, statement) in script.statements.iter().enumerate() {
            folding.statement(number, statement);
        }
        history = folding.history;
        history.syntax_errors.extend(script.errors.into_iter().map(|error| Unread { migration: number, error }));
        if let Err(error) = Session::end(&mut history.end, &start.search_path) {
            history.mismatches.push(Mismatch { migration: number, span: Span { start: 0, end: 0 }, message: error.to_string() });
        }
    }
    history
}

fn parse(engine: Engine, text: &str) -> Script {
    match engine {
        Engine::PostgreSql { .. } => postgres::parse(text),
    }
}

/// One migration being folded.
struct Folding {
    engine: Engine,
    migration: usize,
    session: Session,
    history: History,
}

impl Folding {
    /// The changes of one statement; of a block of code, guarded part by guarded part.
    fn statement(&mut self, number: usize, statement: &Statement) {
        let guard = |lowered: &Lowered| lowered.within.and_then(|within| within.guard);
        let mut answers: BTreeMap<u32, Option<bool>> = BTreeMap::new();
        for part in statement.changes.chunk_by(|one, next| guard(one) == guard(next)) {
            let conditions = part.first().map_or(&[][..], |first| &first.conditions);
            // Each is asked once, where its statement begins.
            let fails = |(number, condition): &(u32, Condition)| {
                *answers.entry(*number).or_insert_with(|| condition.holds(&self.history.end)) == Some(false)
            };
            if conditions.iter().any(fails) {
                continue;
            }
            if part.first().and_then(guard).is_some() && makes_what_is_there(&self.history.end, part) {
                // Though a statement that can't be read may have dropped it, the condition is more likely to hold it back.
                continue;
            }
            let before = (self.history.end.clone(), self.history.entries.len(), self.history.mismatches.len());
            self.changes(number, statement, part);
            let (end, entries, mismatches) = before;
            if part.first().and_then(guard).is_some() && self.history.mismatches.len() > mismatches {
                // What doesn't fit is what the condition or the caught error is about: the database does nothing there.
                self.history.end = end;
                self.history.entries.truncate(entries);
                self.history.mismatches.truncate(mismatches);
            }
        }
    }

    /// Changes of one statement. A DROP of several objects is one to the database, so one of them may have to wait for another.
    fn changes(&mut self, number: usize, statement: &Statement, changes: &[Lowered]) {
        let mut waiting: Vec<(&Lowered, Change)> = Vec::new();
        let mut ordered: Vec<&Lowered> = Vec::with_capacity(changes.len());
        for lowered in changes {
            let overtaken = |first: &&Lowered| first.within.is_none() && engine::overtakes(self.engine, &lowered.change, &first.change);
            let place = ordered.iter().position(overtaken).unwrap_or(ordered.len());
            ordered.insert(place, lowered);
        }
        for lowered in ordered {
            let Some(change) = self.entry(number, statement, lowered) else { continue };
            match self.apply(&change) {
                Ok(()) => {}
                Err(CatalogError::InUse { .. }) if changes.len() > 1 => waiting.push((lowered, change)),
                Err(error) => self.mismatch(lowered.span, &error),
            }
        }
        for (lowered, change) in waiting.into_iter().rev() {
            if let Err(error) = self.apply(&change) {
                self.mismatch(lowered.span, &error);
            }
        }
    }

    /// Records the change, resolved; none where it has no effect because what it alters isn't there (`ALTER TABLE IF EXISTS`).
    fn entry(&mut self, number: usize, statement: &Statement, lowered: &Lowered) -> Option<Change> {
        let before = self.history.end.clone();
        let change = query::with_columns(before.resolve(lowered.change.clone()), &before);
        if lowered.if_exists == IfExists::Skip && before.lacks_target(&change) {
            return None;
        }
        let effects = engine::effects(self.engine, &change, &before);
        self.history.entries.push(Entry {
            migration: self.migration,
            statement: number,
            statement_span: lowered.within.map_or(statement.span, |within| within.statement),
            span: lowered.span,
            change: change.clone(),
            directives: statement.directives.clone(),
            before,
            effects,
        });
        Some(change)
    }

    fn apply(&mut self, change: &Change) -> Result<(), CatalogError> {
        let History { entries, end, .. } = &mut self.history;
        if let Change::SetSearchPath { schemas, local } = change {
            self.session.set_path(end, schemas, *local);
        } else if let Change::TransactionControl { keyword } = change {
            let left = self.session.control(end, keyword, entries.len());
            entries.truncate(left);
        } else {
            end.apply(change)?;
        }
        Ok(())
    }

    fn mismatch(&mut self, span: Span, error: &CatalogError) {
        self.history.mismatches.push(Mismatch { migration: self.migration, span, message: error.to_string() });
    }
}

/// The script of a part of a file, with places in the whole file.
fn shifted(mut script: Script, by: usize) -> Script {
    let shift = |span: &mut Span| *span = Span { start: span.start + by, end: span.end + by };
    for statement in &mut script.statements {
        shift(&mut statement.span);
        for lowered in &mut statement.changes {
            shift(&mut lowered.span);
            if let Some(within) = &mut lowered.within {
                shift(&mut within.statement);
            }
        }
        statement.directives.iter_mut().for_each(|directive| shift(&mut directive.span));
    }
    script.errors.iter_mut().for_each(|error| shift(&mut error.span));
    script.skipped.iter_mut().for_each(|skipped| shift(&mut skipped.span));
    script
}

/// Whether one of the changes makes what those before it leave there, as far as anybody can tell.
fn makes_what_is_there(start: &Catalog, part: &[Lowered]) -> bool {
    let mut catalog = start.clone();
    part.iter().any(|lowered| {
        let change = catalog.resolve(lowered.change.clone());
        let there = is_there(&catalog, &change);
        // What doesn't fit is told when the part is folded.
        let _ = catalog.apply(&change);
        there
    })
}

/// Whether the change makes what is there, without an IF NOT EXISTS of its own.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else is made is a mismatch, or is replaced")]
fn is_there(catalog: &Catalog, change: &Change) -> bool {
    match change {
        Change::CreateType(made) => catalog.types.contains_key(&made.name),
        Change::CreateTable(create) => create.if_not_exists == IfExists::Fail && catalog.tables.contains_key(&create.table.name),
        Change::AddColumn(add) => {
            let there = catalog.tables.get(&add.table).is_some_and(|table| table.column(&add.column.name).is_some());
            add.if_not_exists == IfExists::Fail && there
        }
        Change::AddConstraint { table, constraint } => {
            let there = |name| catalog.tables.get(table).is_some_and(|table| table.constraint(name).is_some());
            constraint.name.as_ref().is_some_and(there)
        }
        Change::CreateIndex { index, if_not_exists, .. } => {
            let there = |name: &Identifier| catalog.indexes.contains_key(&index.table.sibling(name.clone()));
            *if_not_exists == IfExists::Fail && index.name.as_ref().is_some_and(there)
        }
        _ => false,
    }
}
