//! What clients of the release before write while both releases run: on a copy, contract must make of it what the migrations as
//! written make of it, wherever it promises to.

use sqlx::{Connection, PgConnection};

use super::super::Error;
use super::super::carry;
use super::super::client::{Keep, Outcome, Row, Statement, execute, reading, rows_differ, rows_if_any, run_all, sequences_at};
use super::super::journal::{CheckKind, Example};
use super::super::shadow::Shadow;
use super::super::shape::{Table, WrittenBy};
use super::super::{step, written};
use super::Course;
use crate::plan::{HazardKind, Step};
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// Where sequences stand in the second database that shows what is expected.
const ELSEWHERE: u32 = 20_021;

/// What the late rows are like: those that give every column a value, so that no default decides.
const ABOUT: &[&str] =
    &["inserts a row with every column", "inserts a row of extremes", "inserts a row with NULL in every column that allows it"];

impl Course<'_> {
    /// Rows that come late, and contract after them.
    pub(super) async fn late(&mut self, shadow: &mut Shadow) -> Result<(), Error> {
        let plan = self.case.plan;
        let fills = |step: &Step| step.backfill.is_some() || step.id.slug().starts_with("refill");
        if self.vouched.is_some() || plan.deferred.is_empty() || !plan.steps.iter().chain(&plan.deferred).any(fills) {
            return Ok(());
        }
        let knows = |(statement, first, second): &(Statement, Outcome, Outcome)| {
            let works = matches!((first, second), (Outcome::Rows(_), Outcome::Rows(_)));
            (works && self.touched.contains(&statement.table) && ABOUT.contains(&statement.about.as_str())).then(|| statement.clone())
        };
        let rows: Vec<Statement> = self.old.statements.iter().filter_map(knows).collect();
        self.disconnect(shadow).await?;
        let copy = shadow.create(Some(&self.main)).await?;
        let mut connection = shadow.connect(&copy).await?;
        let rows = put(&mut connection, &rows).await?;
        let expected = self.expected(shadow, &rows).await?;
        if let Some([first, second]) = &expected {
            let (mut one, mut other) = (shadow.connect(first).await?, shadow.connect(second).await?);
            let promises = self.promises(&mut connection).await?;
            if self.contract(&mut connection).await? {
                for promise in promises {
                    self.keeps(&promise, (&mut one, &mut other), &mut connection).await?;
                }
            }
            let _ = (one.close().await, other.close().await);
        }
        let _ = connection.close().await;
        for name in expected.iter().flatten().chain([&copy]) {
            shadow.drop(name).await?;
        }
        self.connection = shadow.connect(&self.main).await?;
        Ok(())
    }

    /// Two databases in which the rows came before the migrations as written; none if those refuse them.
    async fn expected(&self, shadow: &mut Shadow, rows: &[Statement]) -> Result<Option<[String; 2]>, Error> {
        let names = [shadow.create(Some(&self.spare)).await?, shadow.create(Some(&self.spare)).await?];
        for (name, elsewhere) in names.iter().zip([false, true]) {
            let mut connection = shadow.connect(name).await?;
            if elsewhere {
                execute(&mut connection, &sequences_at(ELSEWHERE)).await?;
            }
            let taken = put(&mut connection, rows).await?;
            let _ = connection.close().await;
            if taken.len() < rows.len() || written::run(shadow, name, self.case.migrations).await?.is_err() {
                for name in &names {
                    shadow.drop(name).await?;
                }
                return Ok(None);
            }
        }
        Ok(Some(names))
    }

    /// Runs what is left to contract. False where a gate is shut, which is for people, or where a step fails.
    async fn contract(&mut self, connection: &mut PgConnection) -> Result<bool, Error> {
        for step in &self.case.plan.deferred {
            if step::gates(connection, step).await?.is_err() {
                return Ok(false);
            }
            if let Err(failure) = step::forth(connection, step, &self.there).await? {
                self.state = format!("after step {}, over rows that clients of the release before have written meanwhile", step.id);
                self.broken(CheckKind::SameEnd, "the step does what the plan says", failure);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn keeps(
        &mut self,
        promise: &Promise,
        (one, other): (&mut PgConnection, &mut PgConnection),
        found: &mut PgConnection,
    ) -> Result<(), Error> {
        let sql = reading(&promise.table, &promise.columns.iter().collect::<Vec<_>>());
        let (first, second, found) = (rows_if_any(one, &sql).await?, rows_if_any(other, &sql).await?, rows_if_any(found, &sql).await?);
        let (Some(first), Some(second), Some(found)) = (first, second, found) else { return Ok(()) };
        match rows_differ(&promise.of(first), &promise.of(second), &promise.of(found)) {
            None => self.journal.held(CheckKind::SameEnd, 1),
            Some((expected, found)) => {
                let table = &promise.table;
                let about = format!("rows of {table} that clients of the release before wrote meanwhile end as if they had come before it");
                let state = "at the end of contract".to_owned();
                self.journal.failed_late(Example { state, about, sql, expected, found });
            }
        }
        Ok(())
    }

    /// What contract must bring into line: all of a table's rows, or, where the release changes rows as data, a column that it fills
    /// once more in the rows that have NULL there now.
    async fn promises(&self, connection: &mut PgConnection) -> Result<Vec<Promise>, Error> {
        let mut promises = Vec::new();
        for table in &self.new_shape.tables {
            let path = carry::path(&table.name);
            if !self.touched.contains(&table.name) || self.stirred.contains(&path) || self.unsettled.contains(&path) {
                continue;
            }
            if !self.changed.contains(&path) && !self.has_hazard(&[path].into(), HazardKind::FillsNull) {
                // Numbers that the database gives are others each time.
                let given = table.columns.iter().filter(|column| column.written_by == WrittenBy::Clients);
                promises.push(Promise {
                    table: table.name.clone(),
                    columns: given.map(|column| column.name.clone()).collect(),
                    keys: None,
                });
                continue;
            }
            let Some(key) = table.key() else { continue };
            for column in table.columns.iter().map(|column| &column.name).filter(|column| self.refills(table, column)) {
                let now = format!("{} WHERE {} IS NULL", reading(&table.name, &key.iter().collect::<Vec<_>>()), write::identifier(column));
                let keys = rows_if_any(connection, &now).await?.unwrap_or_default();
                let columns = key.iter().chain([column]).cloned().collect();
                promises.push(Promise { table: table.name.clone(), columns, keys: Some(keys) });
            }
        }
        Ok(promises)
    }

    fn refills(&self, table: &Table, column: &Identifier) -> bool {
        let subject = format!("/{}.{column}/", table.name);
        self.case.plan.deferred.iter().any(|step| step.id.slug().starts_with("refill") && step.id.0.contains(&subject))
    }
}

/// Columns of a table that must have the right values, in all rows or in those of these keys, whose columns come first.
struct Promise {
    table: Name,
    columns: Vec<Identifier>,
    keys: Option<Vec<Row>>,
}

impl Promise {
    fn of(&self, mut rows: Vec<Row>) -> Vec<Row> {
        if let Some(keys) = &self.keys {
            rows.retain(|row| keys.iter().any(|key| row.starts_with(key)));
        }
        rows
    }
}

/// Puts in rows that stay; those that were taken.
async fn put(connection: &mut PgConnection, rows: &[Statement]) -> Result<Vec<Statement>, sqlx::Error> {
    let outcomes = run_all(connection, rows, Keep::Yes).await?;
    let taken = rows.iter().zip(outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Rows(_)));
    Ok(taken.map(|(statement, _)| statement.clone()).collect())
}
