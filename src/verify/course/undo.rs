//! The way back: steps that are taken back, in a transaction or on a copy, must lead to where they began.

use sqlx::Connection;

use super::super::Error;
use super::super::client::execute;
use super::super::compare::{self, Schema};
use super::super::journal::CheckKind;
use super::super::shadow::Shadow;
use super::super::step;
use super::Course;
use crate::plan::{Step, Undo};

impl Course<'_> {
    /// The steps so far, taken back in reverse order: in a transaction of which nothing stays, or on a copy where that can't be.
    pub(super) async fn back_to(&mut self, shadow: &mut Shadow, steps: &[&Step], start: &Schema) -> Result<(), Error> {
        if steps.iter().any(|step| matches!(step.undo, Undo::Impossible { .. })) {
            return Ok(());
        }
        if self.back_here(steps, start).await? {
            self.journal.held(CheckKind::SafeToStop, 1);
            return Ok(());
        }
        self.disconnect(shadow).await?;
        let copy = shadow.create(Some(&self.main)).await?;
        let mut connection = shadow.connect(&copy).await?;
        let mut undone: Vec<String> = Vec::new();
        let mut broken = false;
        for step in steps.iter().rev() {
            undone.extend(undo_sql(step).iter().cloned());
            if let Err(failure) = step::back(&mut connection, step).await? {
                self.broken(CheckKind::SafeToStop, &format!("the undo of step {} works", step.id), failure);
                broken = true;
                break;
            }
        }
        if !broken && steps.iter().any(|step| step.id.slug().starts_with("add-enum-value")) {
            self.journal.declared("a label that was added to an enum stays there after undo, unused");
        } else if !broken {
            let found = compare::schema(&mut connection).await?;
            self.compare(
                CheckKind::SafeToStop,
                "undo of all steps so far leads back to the schema of the start",
                undone.join(";\n"),
                start,
                &found,
            );
        }
        let _ = connection.close().await;
        shadow.drop(&copy).await?;
        self.connection = shadow.connect(&self.main).await?;
        Ok(())
    }

    /// Whether undo in one transaction leads back. What it finds amiss is looked at again on a copy.
    async fn back_here(&mut self, steps: &[&Step], start: &Schema) -> Result<bool, Error> {
        execute(&mut self.connection, "BEGIN").await?;
        let is_back = step::back_here(&mut self.connection, steps).await? && compare::schema_here(&mut self.connection).await? == *start;
        execute(&mut self.connection, "ROLLBACK").await?;
        Ok(is_back)
    }
}

fn undo_sql(step: &Step) -> &[String] {
    match &step.undo {
        Undo::Sql { sql, .. } => sql,
        Undo::Needless | Undo::Impossible { .. } => &[],
    }
}
