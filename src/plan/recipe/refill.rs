//! The statements of the release that see to it that a column is not NULL, once more in contract: for the rows that old clients
//! have left NULL since. Where doing them again could give another value than the first time, nothing is done, and the gate of
//! SET NOT NULL tells of the rows.

use super::company::has_word;
use super::{Act, Context, set_not_null, statement};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::{Backfill, HazardKind, SyncTriggers};
use crate::plan::keyset::{self, Action};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned, is_over_own_row};
use crate::schema::change::{DataChange, Verb};
use crate::schema::object::Volatility;
use crate::schema::{Catalog, Change, Identifier, Name, Part, Sql, Table};
use crate::sql::postgres::narrow;
use crate::sql::write;

/// The steps, in the order of the statements.
pub(super) fn steps(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<Vec<Draft>, Refusal> {
    if names_a_row_of_before(ctx, table, column) || is_set_later(ctx, &table.name, column) {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    let mut is_set = false;
    for (item, data) in about(ctx, &table.name, column) {
        let sets = data.verb == Verb::Update && data.columns.contains(column);
        // A row that an earlier statement has given a value would have got that of this one.
        if sets && is_set && !narrow::asks_null(&item.statement, column) {
            return Ok(Vec::new());
        }
        is_set |= sets;
        if sets && sets_null(data, column) {
            continue;
        }
        match again(ctx, table, column, item, data)? {
            Some(step) => steps.push(step),
            // A later one would take the rows that this one is about for its own.
            None if sets || data.verb == Verb::Delete => return Ok(Vec::new()),
            None => {}
        }
    }
    Ok(if is_set { steps } else { Vec::new() })
}

/// Whether the column references rows that the release makes from those of the table: for the rows of old clients there are none.
fn names_a_row_of_before(ctx: &Context<'_>, table: &Table, column: &Identifier) -> bool {
    let referenced = ctx.references(&table.name, column);
    ctx.earlier().any(|item| match &item.planned {
        Planned::Change(Change::Data(data)) => {
            data.verb == Verb::Insert && data.reads.contains(&table.name) && data.writes.iter().any(|written| referenced.contains(&written))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// Whether a statement behind this one sets the column: it has given rows its own value, and finds those no more that come late.
fn is_set_later(ctx: &Context<'_>, table: &Name, column: &Identifier) -> bool {
    ctx.later().any(|item| match &item.planned {
        Planned::Change(Change::Data(data)) => {
            data.verb == Verb::Update && data.writes.first() == Some(table) && data.columns.contains(column)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// What sets the column, or is about rows in which it is NULL.
fn about<'a>(ctx: &'a Context<'_>, table: &'a Name, column: &'a Identifier) -> impl Iterator<Item = (&'a Item, &'a DataChange)> {
    ctx.earlier().filter_map(move |item| {
        let Planned::Change(Change::Data(data)) = &item.planned else { return None };
        let changes = matches!(data.verb, Verb::Update | Verb::Delete) && data.writes.first() == Some(table);
        let is_about = changes && (data.columns.contains(column) || narrow::asks_null(&item.statement, column));
        is_about.then_some((item, &**data))
    })
}

/// Whether the value is a plain NULL.
pub(super) fn is_null(value: &Sql) -> bool {
    write::text(value).trim().eq_ignore_ascii_case("null")
}

fn sets_null(data: &DataChange, column: &Identifier) -> bool {
    data.assignments.iter().any(|(name, value)| name == column && is_null(value))
}

/// The statement for the rows in which the column is NULL; None if it can't be repeated.
fn again(ctx: &Context<'_>, table: &Table, column: &Identifier, item: &Item, data: &DataChange) -> Result<Option<Draft>, Refusal> {
    if !item.directives.is_empty() || ctx.names_what_is_gone(&table.name, data) {
        return Ok(None);
    }
    let own = data.plain && data.assignments.iter().all(|(_, value)| is_over_own_row(value));
    if own && data.assignments.iter().all(|(_, value)| stays(ctx, value)) {
        return in_chunks(ctx, table, column, item, data);
    }
    // What is counted over the table's own rows comes out otherwise for some of them.
    let counts = data.reads.contains(&table.name) || has_word(&item.statement.to_lowercase(), "over");
    let repeats = !own && !counts && data.verb == Verb::Update && is_all_there(ctx, data, &table.name);
    Ok(if repeats { as_written(ctx, table, column, item) } else { None })
}

fn in_chunks(ctx: &Context<'_>, table: &Table, column: &Identifier, item: &Item, data: &DataChange) -> Result<Option<Draft>, Refusal> {
    let key = super::add_column::walking_key(ctx, table)?;
    let deletes = data.verb == Verb::Delete;
    if data.assignments.iter().any(|(name, _)| key.contains(name)) || deletes && ctx.keeps_rows_elsewhere(&table.name) {
        return Ok(None);
    }
    set_not_null::refuse_renamed(ctx, &table.name, &key)?;
    let quoted = write::identifier(column);
    let asks = narrow::asks_null(&item.statement, column);
    let condition = data.condition.as_ref().map(write::text);
    let may_be_null = data.assignments.iter().find(|(name, value)| name == column && may_be_null(ctx, value));
    let parts = [
        condition.map(|condition| format!("({condition})")),
        (!asks).then(|| format!("{quoted} IS NULL")),
        // What stays NULL is told by the gate.
        may_be_null.map(|(_, value)| format!("({}) IS NOT NULL", write::text(value))),
    ];
    let pending = parts.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
    let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", write::name(&table.name));
    let action = if deletes { Action::Delete } else { Action::assigning(&data.assignments) };
    let backfill = Backfill { sync: SyncTriggers::Fire, ..keyset::backfill(table, &key, &action, Some(&pending), remaining) };
    let subject = format!("{}.{column}", table.name);
    let (slug, about, why) = if deletes {
        ("delete-again", format!("delete rows of {} in which old clients left {column} NULL", table.name), "deleted")
    } else {
        ("refill", format!("fill {column} in rows that old clients left NULL"), "filled")
    };
    let mut draft = Draft::chunked(subject, slug, about, backfill)
        .because(format!("old clients went on writing NULL after the rows were {why}"))
        .locks(&table.name, LockMode::RowExclusive, Held::Brief);
    if !deletes && !data.columns.contains(column) {
        // Which rows it has changed can't be told from them.
        draft.backfill.iter_mut().for_each(|backfill| "SELECT 0::bigint".clone_into(&mut backfill.remaining));
        return Ok(Some(draft.probed(probe::UNKNOWABLE).final_losing("the rows as they were before")));
    }
    Ok(Some(if deletes {
        draft
            .final_losing("the rows as they were before")
            .hazard(HazardKind::DataLoss, format!("rows of {} in which old clients have left {column} NULL are deleted", table.name))
    } else {
        told(ctx, draft, table, column)
    }))
}

fn as_written(ctx: &Context<'_>, table: &Table, column: &Identifier, item: &Item) -> Option<Draft> {
    let sql =
        if narrow::asks_null(&item.statement, column) { item.statement.clone() } else { narrow::where_null(&item.statement, column)? };
    let draft = Draft::own(
        format!("{}.{column}", table.name),
        "refill",
        format!("fill {column} in rows that old clients left NULL"),
        statement::in_its_path(item, sql),
    );
    let draft = draft
        .because("old clients went on writing NULL after the rows were filled")
        .locks(&table.name, LockMode::RowExclusive, Held::Scan)
        .hazard(HazardKind::LongTransaction, "the rows that are filled stay locked until all are");
    Some(told(ctx, draft, table, column))
}

fn told(ctx: &Context<'_>, draft: Draft, table: &Table, column: &Identifier) -> Draft {
    if !ctx.is_new_column(&table.name, column) {
        return draft;
    }
    draft.hazard(
        HazardKind::NewClientsReadOldValues,
        format!("until then new clients find NULL in {}.{column} of rows that old clients have written", table.name),
    )
}

/// Whether the value is more than a constant. One that is another each time is asked for once.
fn may_be_null(ctx: &Context<'_>, value: &Sql) -> bool {
    let constant = value.parts.iter().all(|part| matches!(part, Part::Text(text) if !text.contains('(')));
    !constant && postgres::volatility(value, ctx.before) != Volatility::Volatile
}

/// Whether all that an UPDATE from other rows names is there in contract as well.
fn is_all_there(ctx: &Context<'_>, data: &DataChange, table: &Name) -> bool {
    let changes_shape = |item: &&Item| match &item.planned {
        Planned::Change(
            Change::DropColumn { table, .. }
            | Change::RenameColumn { table, .. }
            | Change::RenameTable { table, .. }
            | Change::SetTableSchema { table, .. },
        ) => data.writes.contains(table) || data.reads.contains(table),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    // What is read without being named as a relation: nextval('…').
    let dropped = |item: &Item| item.named().is_some_and(|(act, named)| act == Act::Drops && has_word(&data.statement, &named.word()));
    data.calls.is_empty()
        && !ctx.release.iter().any(dropped)
        && data.writes.as_slice() == std::slice::from_ref(table)
        && data.reads.iter().all(|read| ctx.new.relation_kind(read).is_some())
        && !ctx.release.iter().any(|item| changes_shape(&item))
}

/// Whether all that the value is made of outlives the release.
fn stays(ctx: &Context<'_>, value: &Sql) -> bool {
    let ends = |has: &dyn Fn(&Catalog) -> bool| !has(ctx.new) && ctx.release.iter().any(|item| has(&item.before));
    !value.parts.iter().any(|part| match part {
        Part::Relation(name) | Part::RelationLiteral(name) => ends(&|catalog| catalog.relation_kind(name).is_some()),
        Part::Function(name) => ends(&|catalog| catalog.routines.keys().any(|(known, _)| known == name)),
        Part::Text(_) | Part::Column { .. } | Part::Type(_) => false,
    })
}
