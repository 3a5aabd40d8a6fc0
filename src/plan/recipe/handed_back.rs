//! A column that goes and of which the release makes others, with a `down` directive above its DROP: what new clients write to
//! those is handed back to it, as `up` hands on what old clients write. Who changes a row is told by which column changed.

use super::Context;
use crate::plan::identity::differs;
use crate::plan::release::{Item, Planned};
use crate::plan::trigger::Marker;
use crate::schema::change::AddColumn;
use crate::schema::{Change, Column, Identifier, Name, Sql, Table};
use crate::sql::write;

/// The columns of new clients from which `down` makes the column again, if one of them is made of it.
pub(crate) fn sources<'a>(ctx: &Context<'a>, table: &Name, column: &Identifier) -> Vec<&'a AddColumn> {
    let filled = |item: &'a Item| match &item.planned {
        Planned::FilledColumn { add, up, .. } if &add.table == table => Some((&**add, up)),
        Planned::FilledColumn { .. } | Planned::Change(_) | Planned::EnumSwap(_) => None,
    };
    let down = |item: &'a Item| match &item.planned {
        Planned::Change(Change::DropColumn { table: on, column: of, .. }) if on == table && of == column => {
            Context { item, before: &item.before, ..*ctx }.down(table, column).cloned()
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    };
    let Some(down) = ctx.release.iter().find_map(down) else { return Vec::new() };
    let named: Vec<(&AddColumn, &Sql)> = ctx.release.iter().filter_map(filled).filter(|(add, _)| down.mentions(&add.column.name)).collect();
    if !named.iter().any(|(_, up)| up.mentions(column)) {
        return Vec::new();
    }
    named.into_iter().map(|(add, _)| add).collect()
}

/// What marks a row as written by new clients, for a new column that is made of those that are handed back.
pub(crate) fn markers(ctx: &Context<'_>, table: &Name, up: &Sql) -> Vec<Marker> {
    let mut columns: Vec<&Identifier> = up.own_columns().filter(|column| !sources(ctx, table, column).is_empty()).collect();
    columns.sort();
    columns.dedup();
    columns.into_iter().map(|column| Marker::of(table, column)).collect()
}

/// The conditions under which new clients have written the row, on INSERT and on UPDATE: by the columns of theirs that `down` names.
pub(crate) fn written(ctx: &Context<'_>, down: &Sql, table: &Table) -> (String, String) {
    let theirs = |name: &&Identifier| ctx.is_new_column(&table.name, name);
    let mut columns: Vec<&Column> = down.own_columns().filter(theirs).filter_map(|name| table.column(name)).collect();
    columns.sort_by_key(|column| &column.name);
    columns.dedup_by_key(|column| &column.name);
    // What a trigger of ours gives the same value in every row says nothing of who has written it.
    let is_constant = |name: &Identifier| {
        ctx.release.iter().any(|item| match &item.planned {
            Planned::FilledColumn { add, up, .. } => {
                add.table == table.name && &add.column.name == name && up.own_columns().next().is_none()
            }
            Planned::Change(_) | Planned::EnumSwap(_) => false,
        })
    };
    let both = |column: &&Column| {
        let name = write::identifier(&column.name);
        let constant = is_constant(&column.name);
        let given = (column.default.is_none() && !constant).then(|| format!("NEW.{name} IS NOT NULL"));
        let changed = differs(ctx.before, column, &format!("OLD.{name}"), &format!("NEW.{name}"));
        (given, if constant { format!("OLD.{name} IS NOT NULL AND {changed}") } else { changed })
    };
    let (given, changed): (Vec<Option<String>>, Vec<String>) = columns.iter().map(both).unzip();
    (given.into_iter().flatten().collect::<Vec<_>>().join(" OR "), changed.join(" OR "))
}
