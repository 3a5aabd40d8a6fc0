//! What is held in a database: by which step, until when, and which step drops it then. Only looks.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::{Error, doing};
use super::ledger::Ledger;
use crate::plan::{Link, Step, StepId};

/// Something that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldEntry {
    /// What, in words.
    pub what: String,
    /// The step that drops it.
    pub drop: StepId,
    /// Since when, by the database's clock.
    pub since: String,
    /// Until when.
    pub until: String,
    /// Whether that time has passed.
    pub over: bool,
}

/// What earlier contract phases hold, each with the step that drops it, in the order in which they are dropped.
pub(super) async fn read<'a>(
    connection: &mut PgConnection,
    links: &'a [Link],
    ledger: &Ledger,
) -> Result<Vec<(&'a Step, HeldEntry)>, Error> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for step in links.iter().flat_map(|link| &link.plan.steps) {
        let Some((hold, time, what)) = step.held() else { continue };
        if ledger.is_done(&step.id) || !ledger.is_done(hold) || !seen.insert(&step.id) {
            continue;
        }
        let time = i64::try_from(time.0).unwrap_or(i64::MAX);
        // A length of time that no calendar holds never ends.
        let row = sqlx::query(
            "SELECT date_trunc('second', ended)::text, date_trunc('second', until)::text, until <= clock_timestamp()
                FROM (SELECT ended, CASE WHEN $2 < 100000000000000 THEN ended + $2 * interval '1 millisecond' ELSE 'infinity' END AS until
                    FROM concertina.step WHERE id = $1) held",
        )
        .bind(&hold.0)
        .bind(time)
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| {
            Ok(HeldEntry {
                what: what.to_owned(),
                drop: step.id.clone(),
                since: row.try_get(0)?,
                until: row.try_get(1)?,
                over: row.try_get(2)?,
            })
        })
        .map_err(doing("reading until when things are held"))?;
        found.push((step, row));
    }
    Ok(found)
}

/// The ids of the steps that hold what the plans drop later.
pub(super) fn holds(links: &[Link]) -> BTreeSet<&StepId> {
    let steps = links.iter().flat_map(|link| link.plan.steps.iter().chain(&link.plan.deferred));
    steps.filter_map(|step| step.held().map(|(hold, ..)| hold)).collect()
}
