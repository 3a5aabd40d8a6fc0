//! What sessions have compiled: a PL/pgSQL function keeps the columns and types of a row for which a session has first run it.
//! A column that comes later is lost where the function takes the row apart (`NEW.*`), and one that gets another type is an error
//! (42804) at each call, for as long as the session lives. A function that is altered, be it to what it is, is compiled again.

use super::recipe::Context;
use crate::schema::object::{Routine, Volatility};
use crate::schema::{Identifier, Name, ObjectKind};
use crate::sql::write;

/// Statements after which functions that take rows of the table apart know the columns that it has now.
pub(crate) fn again_for_new_column(ctx: &Context<'_>, table: &Name) -> Vec<String> {
    again(ctx, |routine| fires_on(ctx, routine, table) && takes_rows_apart(routine))
}

/// Statements after which functions that use the column know the type that it has now.
pub(crate) fn again_for_type(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Vec<String> {
    again(ctx, |routine| {
        fires_on(ctx, routine, table) && (takes_rows_apart(routine) || says(routine, column.as_str())) || says(routine, table.name.as_str())
    })
}

/// Statements after which functions that have variables of a type know the type that has its name now.
pub(crate) fn again_for_successor(ctx: &Context<'_>, data_type: &Name) -> Vec<String> {
    again(ctx, |routine| says(routine, data_type.name.as_str()))
}

fn again(ctx: &Context<'_>, is_meant: impl Fn(&Routine) -> bool) -> Vec<String> {
    let routines = ctx.before.routines.iter().map(|(key, routine)| (ctx.old.routines.contains_key(key), routine.as_ref()));
    // Of those of the release, old clients run the ones that triggers call.
    let runs = |known: bool, routine: &Routine| known || ctx.before.triggers.values().any(|trigger| trigger.function == routine.name);
    let meant = routines.filter(|(known, routine)| {
        routine.kind == ObjectKind::Function && says(routine, "plpgsql") && runs(*known, routine) && is_meant(routine)
    });
    let altered = meant.map(|(known, routine)| if known { altered_to_what_it_is(routine) } else { if_it_is_there(routine) });
    altered.collect()
}

/// The same of one that the release makes, perhaps later.
fn if_it_is_there(routine: &Routine) -> String {
    let signature = write::literal(&signature(routine));
    format!(
        "DO $concertina$ BEGIN IF to_regprocedure({signature}) IS NOT NULL THEN {}; END IF; END $concertina$",
        altered_to_what_it_is(routine)
    )
}

fn altered_to_what_it_is(routine: &Routine) -> String {
    let volatility = match routine.volatility {
        Volatility::Immutable => "IMMUTABLE",
        Volatility::Stable => "STABLE",
        Volatility::Volatile => "VOLATILE",
    };
    format!("ALTER FUNCTION {} {volatility}", signature(routine))
}

fn signature(routine: &Routine) -> String {
    let arguments: Vec<String> = routine.arguments.iter().map(write::data_type).collect();
    format!("{}({})", write::name(&routine.name), arguments.join(", "))
}

fn fires_on(ctx: &Context<'_>, routine: &Routine, table: &Name) -> bool {
    ctx.before.triggers.values().any(|trigger| &trigger.table == table && trigger.function == routine.name)
}

/// Whether a row of a trigger is spelled out as its columns.
fn takes_rows_apart(routine: &Routine) -> bool {
    let text: String = write::text(&routine.definition).to_lowercase().split_whitespace().collect();
    ["new.*", "old.*"].iter().any(|all| text.contains(all))
}

/// Whether the word stands in it: by its text, since altering one more does no harm.
fn says(routine: &Routine, word: &str) -> bool {
    write::text(&routine.definition).to_lowercase().contains(&word.to_lowercase())
}
