//! What is one moment as written and several steps as planned, where a trigger looks on: rows that it takes along by the place of
//! their columns, and rows that are copied beside it. Refused.

use super::Context;
use super::company::has_word;
use crate::plan::mute::said;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{DataChange, Verb};
use crate::schema::object::Trigger;
use crate::schema::{Catalog, Change, Identifier, Name};
use crate::sql::write;

/// A table whose shape changes in steps while a trigger writes its whole rows, without names of columns, into another table.
pub(super) fn rows_by_place(ctx: &Context<'_>) -> Result<(), Refusal> {
    let Some((table, exchanges)) = reshaped(ctx, ctx.item) else { return Ok(()) };
    if ctx.is_new_table(table) || !ctx.item.directives.is_empty() && as_author_wants(ctx) {
        return Ok(());
    }
    for trigger in ctx.before.triggers.values().filter(|trigger| &trigger.table == table && trigger.enabled != 'D') {
        let Some(body) = bodies(ctx.before, trigger).find(|body| takes_by_place(body)) else { continue };
        let follows = |item: &&Item| reshaped(ctx, item).is_some_and(|(other, _)| other != table && has_word(&body, other.name.as_str()));
        if exchanges {
            return Err(ctx.refuse(
                format!(
                    "trigger {} writes whole rows of {table} by the place of their columns, and until contract {table} has a column more or \
                     in another place",
                    trigger.name
                ),
                format!("name the columns in function {} first, in a release before", trigger.function),
            ));
        }
        if let Some(other) = ctx.later().find(follows) {
            return Err(ctx.refuse(
                format!(
                    "trigger {} writes whole rows of {table} by the place of their columns into a table that gets its column only \
                     afterwards ({}:{}): until then every write to {table} fails",
                    trigger.name, other.origin.file, other.origin.line
                ),
                "put that statement before this one",
            ));
        }
    }
    Ok(())
}

/// A trigger in the place of another one of the table, under another name: until contract both would fire, and what they write would be
/// there twice.
pub(super) fn refuse_twice(ctx: &Context<'_>, trigger: &Trigger) -> Result<(), Refusal> {
    let drops_function = |name: &Name| {
        ctx.release.iter().any(|item| matches!(&item.planned, Planned::Change(Change::DropObject { object, .. }) if &object.name == name))
    };
    let shares = |old: &Trigger| {
        let event = ["INSERT", "UPDATE", "DELETE"].into_iter().any(|event| said(old, event) && said(trigger, event));
        let after = |trigger: &Trigger| has_word(&write::text(&trigger.definition), "after");
        event && after(old) && after(trigger) && (old.function == trigger.function || drops_function(&old.function))
    };
    let dropped = ctx.release.iter().filter(|item| item.directives.is_empty()).find_map(|item| match &item.planned {
        Planned::Change(Change::DropTrigger { table, trigger: name, .. }) if table == &trigger.table => {
            ctx.old.triggers.get(&(table.clone(), name.clone())).filter(|old| shares(old)).map(|old| (item, old))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    let Some((item, old)) = dropped.filter(|_| !ctx.is_new_table(&trigger.table)) else { return Ok(()) };
    Err(ctx.refuse(
        format!(
            "trigger {} takes the place of {} ({}:{}), which fires until contract: what both write would be there twice",
            trigger.name, old.name, item.origin.file, item.origin.line
        ),
        format!(
            "call it {} too: then one is exchanged for the other in one transaction; or, if nothing is lost between the two, write \
             `-- concertina: phase expand` above the DROP TRIGGER, before this statement",
            old.name
        ),
    ))
}

/// The table which old clients write to, if the item makes a trigger on it that writes what the statement computes from its rows.
pub(super) fn feeds<'i>(ctx: &Context<'_>, item: &'i Item, data: &DataChange) -> Option<&'i Name> {
    let Planned::Change(Change::CreateTrigger { trigger, .. }) = &item.planned else { return None };
    let written = |body: &str| data.writes.iter().any(|target| *target != trigger.table && has_word(body, target.name.as_str()));
    let is_fed = data.reads.contains(&trigger.table)
        && !ctx.is_new_table(&trigger.table)
        && said(trigger, "INSERT")
        && bodies(ctx.new, trigger).any(|body| written(&body));
    is_fed.then_some(&trigger.table)
}

/// Rows that are computed before the trigger is there which does so for those to come: what old clients write between the two is in neither.
pub(super) fn copied_before(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    if !matches!(data.verb, Verb::Insert | Verb::Update) || !ctx.item.directives.is_empty() {
        return Ok(());
    }
    let Some(item) = ctx.later().find(|item| feeds(ctx, item, data).is_some()) else { return Ok(()) };
    let how = match data.verb {
        Verb::Insert if sums_up(&data.statement) => ", and end this one with ON CONFLICT (…) DO UPDATE SET … = EXCLUDED.…",
        Verb::Insert => ", and end this one with ON CONFLICT DO NOTHING",
        Verb::Update | Verb::Delete | Verb::Merge | Verb::Truncate | Verb::Copy | Verb::Select => "",
    };
    Err(ctx.refuse(
        format!(
            "the trigger that goes on with it comes afterwards ({}:{}): what old clients write between the two would be in neither",
            item.origin.file, item.origin.line
        ),
        format!(
            "create the trigger before this statement{how}; or, if no such rows come meanwhile, write `-- concertina: phase migrate` above this statement"
        ),
    ))
}

/// Whether one row comes of several.
pub(super) fn sums_up(statement: &str) -> bool {
    let statement = statement.to_lowercase();
    ["group by", "count(", "sum(", "max(", "min(", "avg(", "array_agg(", "bool_or("].iter().any(|words| statement.contains(words))
}

/// Rows that a new trigger writes for the rows of old clients, and that are copied after it for those that are there.
pub(super) fn copied_beside(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let statement = data.statement.to_lowercase();
    let careful = ["on conflict", "not exists", "not in", "except", "left join"].iter().any(|words| statement.contains(words));
    let sums = sums_up(&statement) && !statement.contains("do update");
    if data.verb != Verb::Insert || careful && !sums {
        return Ok(());
    }
    let Some(target) = data.writes.first().filter(|target| has_key(ctx.before, target)) else { return Ok(()) };
    let writes = |item: &&Item| feeds(ctx, item, data).is_some();
    match ctx.earlier().find(writes) {
        Some(item) if sums => Err(ctx.refuse(
            format!(
                "a trigger that is there before ({}:{}) may have begun a row of {target} for which this statement has the sum of all",
                item.origin.file, item.origin.line
            ),
            "end it with `ON CONFLICT (…) DO UPDATE SET … = EXCLUDED.…`: nobody writes meanwhile",
        )),
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "a trigger that is there before ({}:{}) writes to {target} what clients insert meanwhile: this statement would bring such \
                 rows once more",
                item.origin.file, item.origin.line
            ),
            format!("leave out what is there, with `ON CONFLICT DO NOTHING` or `WHERE NOT EXISTS (SELECT 1 FROM {target} …)`"),
        )),
    }
}

/// A column that goes while a trigger of its table, as it is at the end of the release, still names it: from then on it fails, and
/// with it each write.
pub(super) fn left_behind(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let (Change::DropColumn { table, column, .. } | Change::RenameColumn { table, column, .. }) = change else { return Ok(()) };
    let Some(end) = ctx.new.tables.get(table).filter(|end| end.column(column).is_none()) else { return Ok(()) };
    let of_table = |trigger: &&Trigger| trigger.table == end.name && trigger.enabled != 'D';
    let in_body = |trigger: &Trigger| bodies(ctx.new, trigger).any(|body| !tells_apart(&body) && is_of_row(&body, column));
    let names = |trigger: &&Trigger| in_body(trigger) || is_search_column(trigger) && takes(trigger, column);
    match ctx.new.triggers.values().map(AsRef::as_ref).filter(of_table).find(names) {
        None => Ok(()),
        Some(trigger) => Err(ctx.refuse(
            format!(
                "function {} of trigger {} still names {column} of the row: once {table} has no such column, each write that fires it fails",
                trigger.function, trigger.name
            ),
            "replace the function (CREATE OR REPLACE FUNCTION) or drop the trigger, in this release or before",
        )),
    }
}

/// Whether the trigger fills a search column of the row by a function that the database has for that.
fn is_search_column(trigger: &Trigger) -> bool {
    ["tsvector_update_trigger", "tsvector_update_trigger_column"].contains(&trigger.function.name.as_str())
}

/// Whether the trigger gives its function the column's name.
pub(super) fn takes(trigger: &Trigger, column: &Identifier) -> bool {
    let text = write::text(&trigger.definition);
    let call = text.to_uppercase().rfind("EXECUTE").map_or("", |at| text.get(at..).unwrap_or_default());
    call.split_once('(').is_some_and(|(_, arguments)| has_word(arguments, column.as_str()))
}

/// Whether a function may look for what the row has before it names a column of it.
fn tells_apart(body: &str) -> bool {
    ["tg_table_name", "tg_relname", "tg_relid", "tg_argv", "exception"].iter().any(|word| body.contains(word))
}

/// Whether a function's body names the column as one of NEW or OLD.
fn is_of_row(body: &str, column: &Identifier) -> bool {
    let (body, name) = (body.replace('"', ""), column.as_str().to_lowercase());
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
    ["new", "old"].iter().map(|row| format!("{row}.{name}")).any(|named| {
        body.match_indices(&named)
            .any(|(at, _)| !inside(body[..at].chars().next_back()) && !inside(body[at + named.len()..].chars().next()))
    })
}

/// Whether a directive takes the statement out of its recipe.
fn as_author_wants(ctx: &Context<'_>) -> bool {
    super::as_written::directed_phase(ctx).is_some() || ctx.strategy().is_some()
}

/// The table whose columns the item changes, and whether there are more of them, or others in their places, until contract.
fn reshaped<'a>(ctx: &Context<'_>, item: &'a Item) -> Option<(&'a Name, bool)> {
    match &item.planned {
        Planned::FilledColumn { add, .. } | Planned::Change(Change::AddColumn(add)) => Some((&add.table, false)),
        Planned::Change(Change::ChangeType { table, .. }) => Some((table, !super::change_type::is_at_once(ctx, item))),
        Planned::Change(Change::DropColumn { table, .. } | Change::RenameColumn { table, .. }) => Some((table, true)),
        Planned::Change(_) | Planned::EnumSwap(_) => None,
    }
}

pub(super) fn bodies<'a>(catalog: &'a Catalog, trigger: &'a Trigger) -> impl Iterator<Item = String> + 'a {
    catalog.routines_named(&trigger.function).map(|routine| write::text(&routine.definition).to_lowercase())
}

/// Whether a query in it says `OLD.*` or `NEW.*` as columns of its own: not as one value for a function.
fn takes_by_place(body: &str) -> bool {
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ").replace("(new).*", "new.*").replace("(old).*", "old.*");
    ["new.*", "old.*"].iter().any(|row| {
        words.match_indices(row).any(|(at, _)| {
            let before = words[..at].trim_end();
            let open = before.strip_suffix('(').map(str::trim_end);
            before.ends_with("select") || before.ends_with(',') && !within_call(before) || open.is_some_and(|open| open.ends_with("values"))
        })
    })
}

/// Whether an opening parenthesis that is not that of VALUES is still open at the end of the text.
fn within_call(text: &str) -> bool {
    let mut depth = 0;
    for (at, letter) in text.char_indices().rev() {
        match letter {
            ')' => depth += 1,
            '(' if depth > 0 => depth -= 1,
            '(' => return !text[..at].trim_end().ends_with("values"),
            ';' => return false,
            _ => {}
        }
    }
    false
}

fn has_key(catalog: &Catalog, table: &Name) -> bool {
    let of_table = |index: &crate::schema::Index| index.uniqueness == crate::schema::Uniqueness::Unique;
    catalog.indexes_of(table).any(|(_, index)| of_table(index))
}

#[cfg(test)]
mod tests {
    use super::takes_by_place;

    #[test]
    fn a_whole_row_as_one_value_has_no_places() {
        for by_place in [
            "insert into hist select old.*;",
            "insert into audit select 'd', now(), current_user, old.*;",
            "insert into hist values (new.*);",
            "insert into hist values (nextval('s'), new.*);",
            "insert into hist select (old).*;",
        ] {
            assert!(takes_by_place(by_place), "{by_place}");
        }
        for whole in [
            "insert into log (row) values (to_jsonb(new.*));",
            "perform f(1, old.*);",
            "x := row_to_json(old.*);",
            "insert into log select hstore(new.*)",
        ] {
            assert!(!takes_by_place(whole), "{whole}");
        }
    }
}
