//! What else of a release would change a value that is filled: the triggers that fill it know nothing of the order in which
//! the migrations were written.

use super::Context;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{AddColumn, DataChange, Verb};
use crate::schema::{Change, Identifier, Sql};
use crate::sql::directive::DirectiveKind;
use crate::sql::write;

/// Refuses a column whose value, `up`, would not be what the migrations as written give it.
pub(super) fn refuse(ctx: &Context<'_>, add: &AddColumn, up: &Sql) -> Result<(), Refusal> {
    let subject = super::add_column::subject(add);
    if let Some(renamed) = up.own_columns().find(|name| ctx.is_renamed_to(&add.table, name)) {
        return Err(ctx.refuse(
            format!("the value of {subject} reads {renamed}, which this release renames"),
            "put the new column into the next release",
        ));
    }
    let otherwise = |directive: &DirectiveKind| {
        let DirectiveKind::Up(said) = directive else { return false };
        said.column == add.column.name && write::text(&said.expression).trim() != write::text(up).trim()
    };
    if ctx.item.directives.iter().any(otherwise) {
        return Err(ctx.refuse(
            format!("an UPDATE of the release fills {subject} with another value than `up` says"),
            "leave one of the two out, or put the UPDATE into the next release",
        ));
    }
    let own = ctx.release.iter().position(|item| std::ptr::eq(item, ctx.item)).unwrap_or_default();
    for (at, item) in ctx.release.iter().enumerate().filter(|(at, _)| *at != own) {
        let place = format!("{}:{}", item.origin.file, item.origin.line);
        if let Some(column) = retyped(ctx, item, add, up, at > own) {
            return Err(ctx.refuse(
                format!(
                    "the value of {subject} reads {column}, whose type this release changes ({place}): a trigger would stand in its way"
                ),
                "put the new column into the next release",
            ));
        }
        let Planned::Change(Change::Data(data)) = &item.planned else { continue };
        if at < own || !data.writes.contains(&add.table) {
            continue;
        }
        if let Some(column) = data.columns.iter().find(|column| data.verb == Verb::Update && up.mentions(column)) {
            return Err(ctx.refuse(
                format!(
                    "the value of {subject} reads {column}, which this release changes afterwards ({place}): the value would change too"
                ),
                "put that statement into the next release",
            ));
        }
        if leaves_out(data, &add.column.name) {
            return Err(ctx.refuse(
                format!(
                    "this release inserts rows into {} without {} afterwards ({place}): it would be filled there too",
                    add.table, add.column.name
                ),
                format!("name {} in that statement, or put it into the next release", add.column.name),
            ));
        }
    }
    Ok(())
}

/// A column that the value reads and whose type the item changes, unless that is done, in place, before the column is added.
fn retyped<'i>(ctx: &Context<'_>, item: &'i Item, add: &AddColumn, up: &Sql, later: bool) -> Option<&'i Identifier> {
    match &item.planned {
        Planned::Change(Change::ChangeType { table, column, .. }) => {
            (table == &add.table && up.mentions(column) && (later || !super::change_type::is_at_once(ctx, item))).then_some(column)
        }
        Planned::EnumSwap(swap) => {
            swap.columns.iter().find(|(table, column)| table == &add.table && up.mentions(column)).map(|(_, column)| column)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } => None,
    }
}

/// Whether it inserts rows that don't have the column.
fn leaves_out(data: &DataChange, column: &Identifier) -> bool {
    data.verb == Verb::Insert && !data.columns.is_empty() && !data.columns.contains(column)
}
