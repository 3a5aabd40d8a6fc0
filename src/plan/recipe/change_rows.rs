//! Plain DML: in migrate, in chunks where the statement allows, else as written with its hazard.

use std::collections::BTreeSet;

use super::company::has_word;
use super::refill::is_null;
use super::triggered::{feeds, sums_up};
use super::{Context, Recipe, early_rows, statement};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::{Backfill, HazardKind, SyncTriggers};
use crate::plan::keyset::{self, Action};
use crate::plan::mute::said;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{DataChange, Verb};
use crate::schema::object::Volatility;
use crate::schema::{Change, Constraint, Identifier, Lookup, Name, ReferentialAction, Table};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, data: &DataChange) -> Result<Recipe, Refusal> {
    early_rows::refuse(ctx, data)?;
    refuse_code_that_changes_the_schema(ctx, data)?;
    refuse_deleting_what_was_kept(ctx, data)?;
    refuse_wiping_what_was_brought(ctx, data)?;
    if data.verb == Verb::Truncate {
        return Err(ctx.refuse(
            "TRUNCATE empties a table that old clients use, under a lock",
            "say when with `-- concertina: phase contract` (no old client is left) or `-- concertina: phase migrate`",
        ));
    }
    if data.verb == Verb::Copy {
        return Err(
            ctx.refuse("COPY … FROM loads rows that are not in the statement", "load them outside of migrations, or write an INSERT")
        );
    }
    if data.writes.is_empty() && data.verb == Verb::Select {
        if only_looks(data) {
            return Ok(Recipe::migrate(
                statement::step(ctx)
                    .because("it changes nothing, and stops the release if the rows aren't as it demands")
                    .leaving_nothing(),
            ));
        }
        let step = as_written(ctx, data).because("it may call functions that write");
        return Ok(Recipe::migrate(
            step.hazard(HazardKind::Opaque, "what the functions that it calls do, and lock, can't be told from it"),
        ));
    }
    let table = data.writes.first().map(|name| ctx.before.table(name));
    let watched = watched(ctx, data);
    if let Some(Lookup::Known(table)) = table
        && is_by_row(data)
        && watched.is_empty()
        && let Some(chunked) = in_chunks(ctx, data, table)
    {
        // A refusal if the key by which it walks gets its name in this release.
        super::add_column::walking_key(ctx, table)?;
        return Ok(Recipe::migrate(chunked));
    }
    Ok(Recipe::migrate(holding_still(&watched, as_written(ctx, data)).because("new clients expect the data as the release leaves it")))
}

/// Whether a SELECT, or code of which that is the most, calls nothing that may write.
fn only_looks(data: &DataChange) -> bool {
    // Built-in functions that do; of others the reader tells.
    const WRITE: [&str; 14] = [
        "setval",
        "nextval",
        "set_config",
        "lo_",
        "lowrite",
        "pg_notify",
        "pg_advisory",
        "pg_try_advisory",
        "pg_create",
        "pg_drop",
        "pg_logical",
        "pg_replication",
        "pg_import",
        "query_to_xml",
    ];
    let statement = data.statement.to_lowercase();
    let mut words = statement.split(|c: char| !c.is_alphanumeric() && c != '_');
    data.calls.is_empty() && !words.any(|word| WRITE.iter().any(|write| word.starts_with(write)))
}

/// A function of the migrations whose body makes, changes or drops something, or runs what it puts together itself.
fn refuse_code_that_changes_the_schema(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let Some((function, word)) = data.calls.iter().find_map(|name| Some((name, says_ddl(ctx, name, &mut BTreeSet::new())?))) else {
        return Ok(());
    };
    Err(ctx.refuse(
        format!("what this statement does can't be told: the function {function} that it calls says {word}"),
        "write out what it does, or say in which phase it is safe, in a comment above the statement:\n-- concertina: phase expand\n(or \
         `migrate`, or `contract`)",
    ))
}

/// The word by which the body of a function, or of one that it calls, changes more than rows.
fn says_ddl(ctx: &Context<'_>, name: &Name, seen: &mut BTreeSet<Name>) -> Option<&'static str> {
    const WORDS: [&str; 6] = ["ALTER", "CREATE", "DROP", "EXECUTE", "GRANT", "TRUNCATE"];
    if !seen.insert(name.clone()) {
        return None;
    }
    ctx.before.routines_named(name).find_map(|routine| {
        let definition = write::text(&routine.definition);
        // What stands before the body says CREATE itself.
        let (_, body) = definition.split_once(['$', '\''])?;
        let said = WORDS.into_iter().find(|word| has_word(body, word));
        let mut others = ctx.before.routines.values().map(|other| &other.name).filter(|other| *other != name);
        said.or_else(|| others.find_map(|other| if has_word(body, other.name.as_str()) { says_ddl(ctx, other, seen) } else { None }))
    })
}

/// Rows that are kept elsewhere and then deleted: what comes between the two statements would be deleted and kept nowhere.
fn refuse_deleting_what_was_kept(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let Some(table) = data.writes.first().filter(|_| data.verb == Verb::Delete && ctx.item.directives.is_empty()) else { return Ok(()) };
    let kept = |item: &Item| match &item.planned {
        Planned::Change(Change::Data(insert)) if insert.verb == Verb::Insert && insert.reads.contains(table) => {
            insert.writes.iter().find(|target| *target != table && !data.reads.contains(target)).cloned()
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    };
    let Some((item, target)) = ctx.earlier().find_map(|item| Some((item, kept(item)?))).filter(|_| !ctx.is_new_table(table)) else {
        return Ok(());
    };
    Err(ctx.refuse(
        format!(
            "rows of {table} are brought to {target} before ({}:{}): those that old clients bring between the two statements would be \
             deleted and be nowhere",
            item.origin.file, item.origin.line
        ),
        format!(
            "write both as one statement, as in\nWITH gone AS (DELETE FROM {relation} WHERE … RETURNING a, b) INSERT INTO {other} (a, b) SELECT a, b \
             FROM gone;\nor delete what is in {target} alone: DELETE FROM {relation} WHERE id IN (SELECT id FROM {other});\nor, if no \
             such rows come meanwhile, write `-- concertina: phase migrate` above this statement",
            relation = write::name(table),
            other = write::name(&target)
        ),
    ))
}

/// A column that is emptied after its values were brought to another table.
fn refuse_wiping_what_was_brought(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let Some(table) = data.writes.first().filter(|_| data.verb == Verb::Update && ctx.item.directives.is_empty()) else { return Ok(()) };
    let emptied = data.assignments.iter().filter(|(_, value)| is_null(value)).map(|(name, _)| name);
    let emptied: Vec<&Identifier> = emptied.filter(|name| !ctx.is_new_column(table, name)).collect();
    let brings = |item: &&Item| match &item.planned {
        Planned::Change(Change::Data(other)) => {
            matches!(other.verb, Verb::Insert | Verb::Update | Verb::Merge)
                && other.reads.contains(table)
                && other.writes.iter().any(|target| target != table)
                && emptied.iter().any(|name| has_word(&other.statement, name.as_str()))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    match ctx.earlier().find(brings) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "what {table} holds is brought elsewhere before ({}:{}) and emptied here: what old clients write between the two would be lost",
                item.origin.file, item.origin.line
            ),
            "put this into the next release, with the same statement once more before it",
        )),
    }
}

/// Tables on which the release has made a trigger that writes what this statement computes from their rows. In a transaction nobody
/// writes to them between the two.
fn watched<'a>(ctx: &'a Context<'_>, data: &'a DataChange) -> Vec<&'a Name> {
    let computes = data.verb == Verb::Update || data.verb == Verb::Insert && sums_up(&data.statement);
    let fed = ctx.earlier().filter(|_| computes).filter_map(|item| feeds(ctx, item, data));
    fed.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The step, with the rows held still of the tables that a new trigger watches.
pub(super) fn beside_triggers(ctx: &Context<'_>, data: &DataChange, draft: Draft) -> Draft {
    holding_still(&watched(ctx, data), draft)
}

/// The step, with the rows of those tables held still.
fn holding_still(watched: &[&Name], mut draft: Draft) -> Draft {
    for table in watched.iter().copied() {
        draft.sql.insert(0, format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", write::name(table)));
        draft = draft.locks(table, LockMode::ShareRowExclusive, Held::Scan).hazard(
            HazardKind::BlocksWrites,
            format!("writers of {table} wait, so that the new trigger and this count no row twice or not at all"),
        );
    }
    draft
}

/// Whether what becomes of a row follows from that row, and from other tables that are looked at for it.
pub(crate) fn is_by_row(data: &DataChange) -> bool {
    let table = data.writes.first();
    let looks_up = data.condition.is_some() && data.reads.iter().all(|read| Some(read) != table);
    data.writes.len() == 1 && data.calls.is_empty() && is_unaliased(data) && (data.plain || (looks_up && !data.reads.is_empty()))
}

/// Whether the table goes by its own name in the statement, as it does in chunks.
fn is_unaliased(data: &DataChange) -> bool {
    let statement = data.statement.to_lowercase();
    let words: Vec<&str> = statement.split_whitespace().collect();
    match data.verb {
        Verb::Update => words.first() == Some(&"update") && words.get(2) == Some(&"set"),
        Verb::Delete => words.starts_with(&["delete", "from"]) && words.get(3).is_none_or(|word| matches!(*word, "where" | ";")),
        Verb::Insert | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => false,
    }
}

/// A chunked form, if each row's new value depends on that row alone and the key stays as it is.
fn in_chunks(ctx: &Context<'_>, data: &DataChange, table: &Table) -> Option<Draft> {
    let key = keyset::walking_key(ctx.before, table)?;
    if fires_once(ctx, table, data.verb) {
        return None;
    }
    if data.assignments.iter().any(|(column, _)| key.contains(column)) {
        return None;
    }
    let action = match data.verb {
        Verb::Update if !data.assignments.is_empty() => Action::assigning(&data.assignments),
        Verb::Delete => Action::Delete,
        Verb::Update | Verb::Insert | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => return None,
    };
    let condition = data.condition.as_ref().map(write::text);
    // What is done can't be told from the rows: one that matches may be new, or right as it is. The cursor tells.
    let remaining = "SELECT 0::bigint".to_owned();
    let backfill = Backfill { sync: SyncTriggers::Fire, ..keyset::backfill(table, &key, &action, condition.as_deref(), remaining) };
    let verb = if data.verb == Verb::Delete { "delete" } else { "update" };
    let slug = if data.verb == Verb::Delete { "delete" } else { "update" };
    let draft = Draft::chunked(subject(ctx, data), slug, format!("{verb} rows of {}", table.name), backfill)
        .because("in chunks no row is locked for longer than a moment")
        .locks(&table.name, LockMode::RowExclusive, Held::Brief)
        .hazard(
            HazardKind::OldClientsReadNewValues,
            format!("old clients read the changed rows of {}, and rows that they write later are not changed", table.name),
        );
    let draft = draft.probed(probe::UNKNOWABLE).final_losing("the rows as they were before");
    let volatile = data.assignments.iter().any(|(_, value)| postgres::volatility(value, ctx.before) == Volatility::Volatile);
    Some(if volatile {
        draft.hazard(HazardKind::NotRepeatable, "each run gives other values; the cursor sees to it that no row is changed twice")
    } else {
        draft
    })
}

/// Whether a trigger fires once for the statement, so that several statements are not the same.
fn fires_once(ctx: &Context<'_>, table: &Table, verb: Verb) -> bool {
    let event = if verb == Verb::Delete { "DELETE" } else { "UPDATE" };
    let mut triggers = ctx.before.triggers.values().filter(|trigger| trigger.table == table.name && trigger.enabled != 'D');
    triggers.any(|trigger| said(trigger, event) && !said(trigger, "ROW"))
}

/// Rows that the release puts into its own new tables may reference rows of old clients, who then can't delete those.
pub(super) fn tying(ctx: &Context<'_>, data: &DataChange, draft: Draft) -> Draft {
    if !matches!(data.verb, Verb::Insert | Verb::Update | Verb::Merge | Verb::Copy) {
        return draft;
    }
    let stays = |action: ReferentialAction| matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict);
    let mut ties = BTreeSet::new();
    for table in data.writes.iter().filter(|table| ctx.is_new_table(table)).filter_map(|table| ctx.new.tables.get(table)) {
        for key in table.constraints.iter().filter_map(Constraint::foreign_key).filter(|key| !ctx.is_new_table(&key.references)) {
            let what = match (stays(key.on_delete), stays(key.on_update)) {
                (true, true) => "delete rows of, or change keys of",
                (true, false) => "delete rows of",
                (false, true) => "change keys of",
                (false, false) => continue,
            };
            ties.insert(format!("old clients can't {what} {} to which the new rows of {} refer", key.references, table.name));
        }
    }
    ties.into_iter().fold(draft, |draft, detail| draft.hazard(HazardKind::RefusesWrites, detail))
}

fn as_written(ctx: &Context<'_>, data: &DataChange) -> Draft {
    let slug = match data.verb {
        Verb::Insert => "insert",
        Verb::Update => "update",
        Verb::Delete => "delete",
        Verb::Merge => "merge",
        Verb::Truncate => "truncate",
        Verb::Copy => "copy",
        Verb::Select => "select",
    };
    let mut draft = Draft::own(subject(ctx, data), slug, format!("{slug} as written{}", of_tables(data)), super::statement::sql(ctx))
        .final_losing("the rows as they were before");
    for table in &data.writes {
        draft = draft.locks(table, LockMode::RowExclusive, Held::Scan);
    }
    let draft = tying(ctx, data, draft);
    let news = data.writes.iter().map(|table| {
        (
            table,
            match data.verb {
                Verb::Insert => "the new rows",
                Verb::Update | Verb::Delete | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => "the changed rows",
            },
        )
    });
    let draft = news.fold(draft, |draft, (table, rows)| {
        let detail = format!("old clients read {rows} of {table}, and rows that they write later are not changed");
        draft.hazard(HazardKind::OldClientsReadNewValues, detail)
    });
    draft
        .hazard(HazardKind::LongTransaction, "all rows are changed in one transaction, and stay locked until it ends")
        .hazard(HazardKind::NoUndo, "the rows as they were before are not kept")
}

fn of_tables(data: &DataChange) -> String {
    let names: Vec<String> = data.writes.iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn subject(ctx: &Context<'_>, data: &DataChange) -> String {
    let columns: Vec<&str> = data.assignments.iter().map(|(column, _): &(Identifier, _)| column.as_str()).collect();
    match (data.writes.first(), columns.as_slice()) {
        (Some(table), [column]) => format!("{table}.{column}"),
        (Some(table), _) => table.to_string(),
        (None, _) => super::statement::file_stem(&ctx.item.origin.file),
    }
}
