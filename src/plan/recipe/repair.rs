//! Repairs that the release makes before it tightens, made once more in contract: old clients go on writing rows that need them.
//! Touches no row but those that the new rule would refuse.

use super::refill::is_null;
use super::{Context, change_rows, set_not_null};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::{Backfill, HazardKind, SyncTriggers};
use crate::plan::keyset::{self, Action};
use crate::plan::refusal::Refusal;
use crate::plan::release::{Planned, is_over_own_row};
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Change, Constraint, Identifier, Lookup, Name, Sql, TableKind};
use crate::sql::write;

/// Repairs of rows that break a CHECK.
pub(crate) fn of_check(ctx: &Context<'_>, table: &Name, expression: &Sql) -> Result<Vec<Draft>, Refusal> {
    let columns: Vec<Identifier> = expression.own_columns().cloned().collect();
    again(ctx, table, &columns, &format!("NOT ({})", write::text(expression)))
}

/// Repairs of rows for which `broken` holds, a condition over these columns of the row itself. An UPDATE of other columns is none.
pub(crate) fn again(ctx: &Context<'_>, table: &Name, columns: &[Identifier], broken: &str) -> Result<Vec<Draft>, Refusal> {
    let mends = |data: &&DataChange| match data.verb {
        Verb::Update => {
            data.assignments.iter().any(|(name, _)| columns.contains(name))
                && !data.assignments.iter().any(|(name, value)| is_refused(ctx, table, name, value))
        }
        Verb::Delete => !ctx.keeps_rows_elsewhere(table),
        Verb::Insert | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => true,
    };
    earlier(ctx, table).filter(mends).filter_map(|data| in_chunks(ctx, table, data, broken).transpose()).collect()
}

/// Whether the value is NULL and the column refuses that by then.
fn is_refused(ctx: &Context<'_>, table: &Name, column: &Identifier, value: &Sql) -> bool {
    let not_null = ctx.new.tables.get(table).and_then(|table| table.column(column)).is_some_and(|column| column.not_null);
    not_null && is_null(value)
}

/// Deletes of duplicates: they compare rows of the table with each other, so they are repeated as they were written. An UPDATE
/// is if it looks for the rows that it changes: one that numbers all of them anew would change those of new clients too.
pub(crate) fn of_key(ctx: &Context<'_>, table: &Name, columns: &[Identifier]) -> Vec<Draft> {
    if ctx.keeps_rows_elsewhere(table) {
        return Vec::new();
    }
    let looks = |data: &DataChange| {
        let condition = data.condition.as_ref().map(|condition| write::text(condition).to_lowercase()).unwrap_or_default();
        data.columns.iter().any(|column| columns.contains(column)) && [" and ", "select "].iter().any(|word| condition.contains(word))
    };
    let own = |data: &&DataChange| {
        let mends = data.verb == Verb::Delete || data.verb == Verb::Update && looks(data);
        mends && !data.plain && data.calls.is_empty()
    };
    let reads_itself = |data: &&DataChange| {
        data.reads.iter().all(|read| read == table) && data.statement.to_lowercase().matches(table.name.as_str()).count() > 1
    };
    let mut drafts = Vec::new();
    let references = |other: &Name| {
        let found = ctx.before.tables.get(other).filter(|_| other != table);
        found.is_some_and(|found| found.constraints.iter().filter_map(Constraint::foreign_key).any(|key| &key.references == table))
    };
    for item in ctx.release.iter().take_while(|item| item.origin != ctx.item.origin) {
        let Planned::Change(Change::Data(data)) = &item.planned else { continue };
        let data: &DataChange = data;
        // Rows that hang on the duplicates are saved before: by a statement that can't be repeated alone, nor this one without it.
        if data.writes.iter().any(references) {
            return Vec::new();
        }
        if data.writes.first() != Some(table) || !own(&data) || !reads_itself(&data) || !item.directives.is_empty() {
            continue;
        }
        drafts.push(
            Draft::own(table.to_string(), "repair", format!("repair rows of {table} once more"), super::statement::sql_of(item))
                .because("old clients went on writing rows that need it")
                .locks(table, LockMode::RowExclusive, Held::Scan)
                .final_losing("the rows as they were before")
                .hazard(HazardKind::LongTransaction, "all rows are changed in one transaction, and stay locked until it ends"),
        );
    }
    drafts
}

fn earlier<'a>(ctx: &'a Context<'_>, table: &'a Name) -> impl Iterator<Item = &'a DataChange> {
    ctx.release.iter().take_while(|item| item.origin != ctx.item.origin).filter_map(move |item| match &item.planned {
        Planned::Change(Change::Data(data)) if data.writes.first() == Some(table) && item.directives.is_empty() => Some(&**data),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    })
}

fn in_chunks(ctx: &Context<'_>, table: &Name, data: &DataChange, broken: &str) -> Result<Option<Draft>, Refusal> {
    let Lookup::Known(known) = ctx.before.table(table) else { return Ok(None) };
    let unfit = data.condition.is_none() && data.verb == Verb::Delete || ctx.names_what_is_gone(table, data);
    if !change_rows::is_by_row(data) || unfit {
        return Ok(None);
    }
    let key = keyset::walking_key(ctx.before, known).unwrap_or_default();
    if key.is_empty() && !matches!(known.kind, TableKind::Plain) {
        return Ok(None);
    }
    let action = match data.verb {
        Verb::Delete => Action::Delete,
        Verb::Update if data.assignments.iter().all(|(name, value)| !key.contains(name) && is_over_own_row(value)) => {
            Action::assigning(&data.assignments)
        }
        Verb::Update | Verb::Insert | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => return Ok(None),
    };
    set_not_null::refuse_renamed(ctx, table, &key)?;
    let pending = match &data.condition {
        Some(condition) => format!("({}) AND ({broken})", write::text(condition)),
        None => format!("({broken})"),
    };
    let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", write::name(table));
    let backfill = Backfill { sync: SyncTriggers::Fire, ..keyset::backfill(known, &key, &action, Some(&pending), remaining) };
    let draft =
        Draft::chunked(table.to_string(), "repair", format!("repair rows of {table} that old clients have written since"), backfill)
            .because("old clients went on writing rows that the new rule refuses")
            .locks(table, LockMode::RowExclusive, Held::Brief)
            .final_losing("the rows as they were before");
    Ok(Some(if data.verb == Verb::Delete {
        draft.hazard(HazardKind::DataLoss, format!("rows of {table} that the new rule refuses are deleted"))
    } else {
        draft
    }))
}
