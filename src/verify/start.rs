//! Whether the release finds the database that its plan is for: where a statement before it can't be read there may be more than
//! anybody knows of, and `apply` would not begin.

use sqlx::PgConnection;

use super::prove::Case;
use super::shape::Shape;
use super::step;
use crate::plan::{Gate, Phase, path};

/// What is otherwise than the plan has it, if something is.
pub(super) async fn otherwise(connection: &mut PgConnection, case: &Case<'_>, shape: &Shape) -> Result<Option<String>, sqlx::Error> {
    // What earlier releases have begun stands beside the shape that the plan starts from.
    if !case.begun.is_empty() {
        return Ok(None);
    }
    for (table, columns) in &case.plan.starts_from.tables {
        let Some(found) = shape.tables.iter().find(|found| &path(&found.name) == table) else { continue };
        let is_known = |name: &str| columns.iter().any(|column| column.name == name);
        if let Some(more) = found.columns.iter().find(|column| !is_known(column.name.as_str())) {
            return Ok(Some(format!(
                "{table} has a column {} that no statement which can be read has made: apply would not begin",
                more.name
            )));
        }
    }
    let own = case.plan.steps.iter().filter(|step| step.phase == Phase::Expand && step.introduced_by == case.plan.release);
    for step in own {
        for gate in &step.gates {
            if let Gate::Zero { counts, sql } = gate
                && let Some(count) = step::count(connection, sql).await?.filter(|count| *count > 0)
            {
                return Ok(Some(format!("there is {count} {counts}: apply would stop before step {}", step.id)));
            }
        }
    }
    Ok(None)
}
