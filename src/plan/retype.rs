//! DROP DEFAULT, a change of type and SET DEFAULT of one column, as tools write them, are one change: of the type.

use super::release::{Item, Planned};
use crate::schema::{Change, Identifier, Name};
use crate::sql::directive::{DirectiveKind, Strategy};

/// Joins the changes of a column's default with the change of its type.
pub(crate) fn fold(items: &[Item]) -> Vec<Item> {
    let mut result: Vec<Option<Item>> = items.iter().cloned().map(Some).collect();
    for (at, item) in items.iter().enumerate() {
        let Planned::Change(Change::ChangeType { table, column, .. }) = &item.planned else { continue };
        let parts = defaults(items, table, column);
        let (Some(first), Some(last)) = (parts.first().copied().map(|first| first.min(at)), parts.last().copied().map(|last| last.max(at)))
        else {
            continue;
        };
        // On a table that is new itself everything goes as written.
        let is_known = items[0].before.tables.contains_key(table);
        if !is_known || !is_one(items, at, &parts, table, column) {
            continue;
        }
        let mut joined = item.clone();
        joined.before = items[first].before.clone();
        joined.after = items[last].after.clone();
        joined.also.extend(parts.iter().map(|part| items[*part].origin.clone()));
        for part in parts {
            result[part] = None;
        }
        result[at] = Some(joined);
    }
    result.into_iter().flatten().collect()
}

/// Where the column's default is changed.
fn defaults(items: &[Item], of: &Name, name: &Identifier) -> Vec<usize> {
    let is_default = |item: &Item| {
        matches!(&item.planned,
            Planned::Change(Change::SetDefault { table, column, .. } | Change::DropDefault { table, column, .. }) if table == of && column == name)
    };
    items.iter().enumerate().filter(|(_, item)| is_default(item)).map(|(at, _)| at).collect()
}

/// Whether they are one change: the only one of its type, in which no default is lost that old clients live on, and which runs
/// by its recipe.
fn is_one(items: &[Item], at: usize, parts: &[usize], of: &Name, name: &Identifier) -> bool {
    let default = |catalog: &crate::schema::Catalog| catalog.tables.get(of).and_then(|table| table.column(name)?.default.clone());
    let (first, last) = (parts[0].min(at), parts[parts.len() - 1].max(at));
    let only_type = items
        .iter()
        .filter(|item| matches!(&item.planned, Planned::Change(Change::ChangeType { table, column, .. }) if table == of && column == name))
        .count()
        == 1;
    let keeps_default = default(&items[first].before).is_none() || default(&items[last].after).is_some();
    only_type && keeps_default && !parts.iter().chain([&at]).any(|part| is_as_written(&items[*part]))
}

/// Whether a directive wants the statement as its author wrote it.
pub(crate) fn is_as_written(item: &Item) -> bool {
    let by_columns = item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Strategy(Strategy::Columns)));
    item.directives.iter().any(|directive| match directive {
        DirectiveKind::Phase(_) => !by_columns,
        DirectiveKind::Strategy(Strategy::Direct) => true,
        DirectiveKind::Strategy(_)
        | DirectiveKind::Allow { .. }
        | DirectiveKind::Up(_)
        | DirectiveKind::Down(_)
        | DirectiveKind::ContractAfter(_) => false,
    })
}
