//! What a release says of a column besides giving it another name or type: what loosens it is read as said before that, under
//! the old name, and what tightens it or is built on it as said after that, under the new one. The schema at the end is the same.

use super::again::is_directed;
use super::named::Act;
use super::{Item, Planned};
use crate::plan::recipe::company::has_word;
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Catalog, Change, Identifier, Name, TableKind};
use crate::sql::{postgres, write};

/// The column that a change gives another name or type.
struct Moved {
    table: Name,
    from: Identifier,
    to: Identifier,
}

/// Puts such statements before and behind each change of a name or a type.
pub(super) fn arrange(mut items: Vec<Item>) -> Vec<Item> {
    // Of an enum that is exchanged the changes of type are part, in their order.
    if items.iter().any(|item| matches!(item.planned, Planned::Change(Change::CreateType(_)))) {
        return items;
    }
    for at in 0..items.len() {
        if let Some(moved) = moved(&items[at])
            && items[0].before.tables.get(&moved.table).is_some_and(|table| is_plain(&table.kind) && table.column(&moved.from).is_some())
            && let Some(arranged) = [true, false].into_iter().find_map(|ends| around(&items, at, &moved, ends))
        {
            items = arranged;
        }
    }
    items
}

fn is_plain(kind: &TableKind) -> bool {
    !matches!(kind, TableKind::Partitioned { .. })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else gives a column another name or type")]
fn moved(item: &Item) -> Option<Moved> {
    let Planned::Change(change) = &item.planned else { return None };
    if is_directed(item) {
        return None;
    }
    match change {
        Change::RenameColumn { table, column, to } => Some(Moved { table: table.clone(), from: column.clone(), to: to.clone() }),
        Change::ChangeType { table, column, .. } => Some(Moved { table: table.clone(), from: column.clone(), to: column.clone() }),
        _ => None,
    }
}

/// The items in the new order, each with the schema before and after it; nothing if the order is right, or the end would be another.
/// With `ends`, what ends over the column is among them.
fn around(items: &[Item], at: usize, moved: &Moved, ends: bool) -> Option<Vec<Item>> {
    let mut late: Vec<Item> = Vec::new();
    let mut early: Vec<Item> = Vec::new();
    let mut ahead: Vec<Item> = Vec::new();
    let mut behind: Vec<Item> = Vec::new();
    for (place, item) in items[..at].iter().enumerate() {
        let late_default = || drops_default(item, moved, &items[at]).filter(|_| is_required(item, moved) && !sets_default(items, moved));
        match tightened(items, item, moved, &items[at])
            .or_else(late_default)
            .filter(|_| !items[place + 1..at].iter().any(|other| rests_on(other, &moved.table)))
        {
            Some(change) => late.push(said(item, change)),
            None => ahead.push(item.clone()),
        }
    }
    let mut stays: Vec<usize> = Vec::new();
    for (place, item) in items.iter().enumerate().skip(at + 1) {
        let early_default = || drops_default(item, moved, &items[at]).filter(|_| !is_required(item, moved) && !sets_default(items, moved));
        let change = loosened(item, moved)
            .or_else(early_default)
            .filter(|_| !stays.iter().any(|other| rests_on(&items[*other], &moved.table)))
            .or_else(|| ended(items, item, moved).filter(|_| ends));
        if let Some(change) = change {
            early.push(said(item, change));
        } else {
            stays.push(place);
            behind.push(item.clone());
        }
    }
    if late.is_empty() && early.is_empty() {
        return None;
    }
    let order: Vec<Item> = ahead.into_iter().chain(early).chain([items[at].clone()]).chain(late).chain(behind).collect();
    folded(order, items)
}

/// The same items, over the same schema. What can't be folded, or ends otherwise, is not the same release.
fn folded(mut order: Vec<Item>, items: &[Item]) -> Option<Vec<Item>> {
    let mut catalog = items.first()?.before.clone();
    for item in &mut order {
        let Planned::Change(change) = &item.planned else { return None };
        let path = item.before.search_path.clone();
        catalog.search_path = path;
        item.before = catalog.clone();
        catalog.apply(change).ok()?;
        item.after = catalog.clone();
    }
    let end = &items.last()?.after;
    catalog.search_path.clone_from(&end.search_path);
    (catalog == *end).then_some(order)
}

/// The item with its change, written as a statement of its own.
fn said(item: &Item, change: Change) -> Item {
    let mut said = item.clone();
    if let Some(statement) = statement(&change) {
        said.statement = statement;
    }
    said.planned = Planned::Change(change);
    said
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest keeps its place")]
fn statement(change: &Change) -> Option<String> {
    let alter = |table: &Name, what: String| format!("ALTER TABLE {} {what}", write::name(table));
    let column = |table: &Name, column: &Identifier, what: &str| alter(table, format!("ALTER COLUMN {} {what}", write::identifier(column)));
    match change {
        Change::SetDefault { table, column, default, only } => Some(write::alter_default(table, *only, column, Some(default))),
        Change::DropDefault { table, column, only } => Some(write::alter_default(table, *only, column, None)),
        Change::DropNotNull { table, column: of } => Some(column(table, of, "DROP NOT NULL")),
        Change::SetNotNull { table, column: of } => Some(column(table, of, "SET NOT NULL")),
        Change::AddConstraint { table, constraint } => Some(alter(table, format!("ADD {}", write::constraint(constraint)))),
        Change::CreateIndex { index, concurrency, .. } => Some(write::create_index(index, *concurrency)),
        Change::Data(data) => Some(data.statement.clone()),
        _ => None,
    }
}

/// Whether the item makes again what an earlier one drops: both are one change.
fn comes_again(items: &[Item], item: &Item) -> bool {
    let Some((Act::Creates, made)) = item.named() else { return false };
    items.iter().take_while(|other| !std::ptr::eq(*other, item)).any(|other| other.named() == Some((Act::Drops, made.clone())))
}

/// DROP DEFAULT beside a change of type: old clients that leave a required column out need the default until contract.
fn drops_default(item: &Item, moved: &Moved, by: &Item) -> Option<Change> {
    let Planned::Change(change @ Change::DropDefault { table, column, .. }) = &item.planned else { return None };
    let is_type = matches!(by.planned, Planned::Change(Change::ChangeType { .. }));
    (is_type && !is_directed(item) && table == &moved.table && column == &moved.from).then(|| change.clone())
}

fn is_required(item: &Item, moved: &Moved) -> bool {
    item.before.tables.get(&moved.table).and_then(|table| table.column(&moved.from)).is_some_and(|column| column.not_null)
}

/// Whether the release sets a default of the column: then all that it says of it is part of the change of type.
fn sets_default(items: &[Item], moved: &Moved) -> bool {
    items.iter().any(|item| {
        matches!(&item.planned, Planned::Change(Change::SetDefault { table, column, .. }) if table == &moved.table && column == &moved.from)
    })
}

/// What loosens the column, under its old name. Of a change of type the defaults around it are part.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else loosens a column")]
fn loosened(item: &Item, moved: &Moved) -> Option<Change> {
    let Planned::Change(change) = &item.planned else { return None };
    let is_it = |table: &Name, column: &Identifier| !is_directed(item) && table == &moved.table && column == &moved.to;
    let is_renamed = moved.from != moved.to;
    let (table, column) = (moved.table.clone(), moved.from.clone());
    match change {
        Change::SetDefault { table: on, column: of, default, only } if is_renamed && is_it(on, of) => {
            Some(Change::SetDefault { table, column, default: default.clone(), only: *only })
        }
        Change::DropDefault { table: on, column: of, only } if is_renamed && is_it(on, of) => {
            Some(Change::DropDefault { table, column, only: *only })
        }
        Change::DropNotNull { table: on, column: of } if is_it(on, of) => Some(Change::DropNotNull { table, column }),
        _ => None,
    }
}

/// The end of a constraint or an index over the column, which doesn't come again.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is built on one column")]
fn ended(items: &[Item], item: &Item, moved: &Moved) -> Option<Change> {
    let Planned::Change(change) = &item.planned else { return None };
    let (Act::Drops, gone) = item.named()? else { return None };
    let comes_again = items.iter().any(|other| other.named() == Some((Act::Creates, gone.clone())));
    if is_directed(item) || comes_again {
        return None;
    }
    let is_over = match change {
        Change::DropConstraint { table, constraint, .. } if table == &moved.table => {
            let found = item.before.tables.get(table)?.constraint(constraint)?;
            found.columns().contains(&moved.to)
        }
        Change::DropIndex { index, .. } => {
            item.before.indexes.get(index).is_some_and(|found| found.table == moved.table && found.mentions(&moved.to))
        }
        _ => false,
    };
    is_over.then(|| change.clone())
}

/// What tightens the column or is built on it, under its new name.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is kept until the change is done")]
fn tightened(items: &[Item], item: &Item, moved: &Moved, by: &Item) -> Option<Change> {
    let Planned::Change(change) = &item.planned else { return None };
    if is_directed(item) || comes_again(items, item) {
        return None;
    }
    let Planned::Change(moving) = &by.planned else { return None };
    let later = || -> Option<Catalog> {
        let mut catalog = item.after.clone();
        catalog.apply(moving).ok()?;
        Some(catalog)
    };
    match change {
        Change::SetNotNull { table, column } if table == &moved.table && column == &moved.from => {
            Some(Change::SetNotNull { table: table.clone(), column: moved.to.clone() })
        }
        Change::CreateIndex { index, concurrency, if_not_exists } if index.table == moved.table && index.mentions(&moved.from) => {
            let mut made = item.after.indexes.keys().filter(|name| !item.before.indexes.contains_key(*name));
            let name = made.next()?;
            let mut index = later()?.indexes.get(name)?.as_ref().clone();
            index.name = Some(name.name.clone());
            Some(Change::CreateIndex { index: Box::new(index), concurrency: *concurrency, if_not_exists: *if_not_exists })
        }
        // Its body is read when it runs. One that is new runs for nobody before a trigger comes.
        Change::CreateRoutine { routine, .. } if moved.from != moved.to => {
            let is_there = item.before.routines_named(&routine.name).next().is_some();
            (is_there && has_word(&write::text(&routine.definition), moved.to.as_str())).then(|| change.clone())
        }
        Change::CreateTrigger { trigger, .. } if moved.from != moved.to && trigger.table == moved.table => {
            let mut bodies = item.before.routines_named(&trigger.function);
            bodies.any(|body| has_word(&write::text(&body.definition), moved.to.as_str())).then(|| change.clone())
        }
        Change::Data(data) if moved.from != moved.to && is_over(data, &moved.table) => renamed_rows(item, moved, &later()?),
        Change::AddConstraint { table, constraint } if table == &moved.table && constraint.columns().contains(&moved.from) => {
            let before = item.before.tables.get(table)?;
            let mut made = item.after.tables.get(table)?.constraints.iter().filter_map(|found| found.name.as_ref());
            let name = made.find(|name| before.constraint(name).is_none())?;
            let constraint = later()?.tables.get(table)?.constraint(name)?.clone();
            Some(Change::AddConstraint { table: table.clone(), constraint })
        }
        _ => None,
    }
}

/// Whether it changes rows of the table, and looks at no other.
fn is_over(data: &DataChange, table: &Name) -> bool {
    let changes = matches!(data.verb, Verb::Update | Verb::Delete) && data.calls.is_empty();
    changes && data.writes.as_slice() == std::slice::from_ref(table) && data.reads.iter().all(|read| read == table)
}

/// The change of rows with the new name of the column, which it must say. `catalog` has the column under that name.
fn renamed_rows(item: &Item, moved: &Moved, catalog: &Catalog) -> Option<Change> {
    let text = postgres::with_column_renamed(&item.statement, &moved.from, &moved.to).filter(|text| *text != item.statement)?;
    let script = postgres::parse(&text);
    let [statement] = script.statements.as_slice() else { return None };
    let [lowered] = statement.changes.as_slice() else { return None };
    let change = catalog.resolve(lowered.change.clone());
    matches!(change, Change::Data(_)).then_some(change)
}

/// Whether the item may need what a statement about the table before it says, or that it is not yet said.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest stands for itself")]
fn rests_on(item: &Item, table: &Name) -> bool {
    let Planned::Change(change) = &item.planned else { return true };
    match change {
        Change::Data(data) => data.writes.contains(table) && !is_over(data, table),
        Change::Opaque { .. } | Change::DropIndex { .. } | Change::RenameTable { .. } | Change::SetTableSchema { .. } => true,
        Change::DropConstraint { table: on, .. }
        | Change::RenameConstraint { table: on, .. }
        | Change::ValidateConstraint { table: on, .. }
        | Change::DropTable { table: on, .. }
        | Change::AddConstraintUsingIndex { table: on, .. }
        | Change::ClusterOn { table: on, .. }
        | Change::SetReplicaIdentity { table: on, .. } => on == table,
        Change::AddConstraint { constraint, .. } => constraint.foreign_key().is_some_and(|key| &key.references == table),
        _ => false,
    }
}
