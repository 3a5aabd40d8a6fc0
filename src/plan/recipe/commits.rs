//! Code that ends its own transactions, as batched updates do: PostgreSQL runs it only outside of one.

use super::Context;
use super::company::has_word;
use crate::schema::Name;
use crate::sql::write;

/// Whether the statement is a block of code or a CALL that commits, in a file that its tool runs in no transaction.
pub(super) fn by_itself(ctx: &Context<'_>) -> bool {
    let statement = ctx.item.statement.trim_start();
    let (verb, rest) = statement.split_once(|c: char| c.is_whitespace()).unwrap_or((statement, ""));
    if ctx.item.in_transaction {
        return false;
    }
    match verb.to_ascii_uppercase().as_str() {
        "DO" => ends_transactions(rest),
        "CALL" => called(rest).is_some_and(|name| procedure_commits(ctx, &name)),
        _ => false,
    }
}

fn ends_transactions(body: &str) -> bool {
    has_word(body, "commit") || has_word(body, "rollback")
}

/// What is called, without its schema and its arguments.
fn called(rest: &str) -> Option<String> {
    let (name, _) = rest.split_once('(')?;
    let name = name.rsplit('.').next()?.trim();
    Some(name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).map_or_else(|| name.to_lowercase(), str::to_owned))
}

/// Whether a procedure of that name does, or isn't known.
fn procedure_commits(ctx: &Context<'_>, called: &str) -> bool {
    let is_it = |name: &Name| name.name.as_str() == called;
    let mut found = ctx.before.routines.values().filter(|routine| is_it(&routine.name)).peekable();
    found.peek().is_none() || found.any(|routine| ends_transactions(&write::text(&routine.definition)))
}
