//! The changes of one release, read together: several statements that say one thing become one item.

use super::enum_swap::EnumSwap;
use super::format::Origin;
use crate::history::{Entry, History};
use crate::schema::change::{AddColumn, DataChange, IfExists, Verb};
use crate::schema::{Catalog, Change, Identifier, Name, Part, Sql};
use crate::source::Migration;
use crate::sql::Span;
use crate::sql::directive::DirectiveKind;

/// What is planned as one.
#[derive(Debug, Clone)]
pub(crate) enum Planned {
    /// A change by itself.
    Change(Change),
    /// ADD COLUMN with an UPDATE that fills it, and perhaps SET NOT NULL: one change whose UPDATE says how to fill it.
    FilledColumn {
        /// The column.
        add: Box<AddColumn>,
        /// Its value, from the other columns of the row.
        up: Sql,
        /// Whether it ends NOT NULL.
        not_null: bool,
    },
    /// An enum that is replaced by another of the same name.
    EnumSwap(EnumSwap),
}

/// One thing to plan, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) planned: Planned,
    pub(crate) migration: usize,
    pub(crate) span: Span,
    pub(crate) origin: Origin,
    /// Where the other statements are that became part of it.
    pub(crate) also: Vec<Origin>,
    /// The change as a statement of its own.
    pub(crate) statement: String,
    pub(crate) directives: Vec<DirectiveKind>,
    /// The schema right before and right after.
    pub(crate) before: Catalog,
    pub(crate) after: Catalog,
}

/// The items of a release. `migrations` are those that `history` was folded from.
pub(crate) fn items(history: &History, migrations: &[Migration]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (at, entry) in history.entries.iter().enumerate() {
        if is_session(&entry.change) {
            continue;
        }
        let after = history.entries.get(at + 1).map_or(&history.end, |next| &next.before);
        items.push(item(history, at, entry, after, migrations));
    }
    fold_fills(&super::retype::fold(&super::enum_swap::fold(items)))
}

/// Settings and transaction control of the migration's own runner: the executor has its own.
fn is_session(change: &Change) -> bool {
    matches!(
        change,
        Change::SetSearchPath { .. }
            | Change::SetParameter { .. }
            | Change::TransactionControl { .. }
            | Change::LockTables { .. }
            | Change::Maintenance { .. }
    )
}

fn item(history: &History, at: usize, entry: &Entry, after: &Catalog, migrations: &[Migration]) -> Item {
    let text = migrations.get(entry.migration).map_or("", |migration| migration.text.as_str());
    let file = migrations.get(entry.migration).map_or_else(String::new, |migration| migration.path.clone());
    let origin = Origin { file, line: entry.span.position(text).line, statement: entry.span.of(text).to_owned() };
    let alone = !history
        .entries
        .iter()
        .enumerate()
        .any(|(other, e)| other != at && e.migration == entry.migration && e.statement_span == entry.statement_span);
    let statement = if alone || entry.span == entry.statement_span {
        entry.statement_span.of(text).to_owned()
    } else {
        // A subcommand of ALTER TABLE, said alone: what stands before the first subcommand, and it.
        let first = history
            .entries
            .iter()
            .filter(|e| e.migration == entry.migration && e.statement_span == entry.statement_span)
            .map(|e| e.span.start)
            .min()
            .unwrap_or(entry.span.start);
        let head = Span { start: entry.statement_span.start, end: first }.of(text).trim_end().to_owned();
        format!("{head} {}", entry.span.of(text))
    };
    Item {
        planned: Planned::Change(entry.change.clone()),
        migration: entry.migration,
        span: entry.span,
        origin,
        also: Vec::new(),
        statement,
        directives: entry.directives.iter().map(|directive| directive.kind.clone()).collect(),
        before: entry.before.clone(),
        after: after.clone(),
    }
}

/// Finds `ADD COLUMN c`, `UPDATE … SET c = …`, `ALTER COLUMN c SET NOT NULL` and makes one item of them.
fn fold_fills(items: &[Item]) -> Vec<Item> {
    let mut result: Vec<Item> = Vec::new();
    let mut taken = vec![false; items.len()];
    for at in 0..items.len() {
        if taken[at] {
            continue;
        }
        let mut item = items[at].clone();
        if let Some(fold) = fill_of(items, at) {
            for other in fold.others {
                taken[other] = true;
                item.also.push(items[other].origin.clone());
                item.after = items[other].after.clone();
            }
            item.planned = Planned::FilledColumn { add: fold.add, up: fold.up, not_null: fold.not_null };
        }
        result.push(item);
    }
    result
}

/// What a table was called when the release began.
pub(crate) fn name_at_start<'n>(items: &'n [Item], name: &'n Name) -> &'n Name {
    let moved = items.iter().find_map(|item| match &item.planned {
        Planned::Change(Change::RenameTable { table, to }) if &table.sibling(to.clone()) == name => Some(table),
        Planned::Change(Change::SetTableSchema { table, schema }) if name.schema.as_ref() == Some(schema) && name.name == table.name => {
            Some(table)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    moved.unwrap_or(name)
}

struct Fill {
    add: Box<AddColumn>,
    up: Sql,
    not_null: bool,
    others: Vec<usize>,
}

fn fill_of(items: &[Item], at: usize) -> Option<Fill> {
    let item = &items[at];
    let Planned::Change(Change::AddColumn(add)) = &item.planned else { return None };
    // On a table that is new itself everything goes as written.
    if !items.first()?.before.tables.contains_key(name_at_start(items, &add.table)) || add.column.default.is_some() || add.serial {
        return None;
    }
    if add.column.generated.is_some() || add.column.identity.is_some() || add.if_not_exists == IfExists::Skip || !add.constraints.is_empty()
    {
        return None;
    }
    let name = &add.column.name;
    let directed = item.directives.iter().find_map(|directive| match directive {
        DirectiveKind::Up(up) if &up.column == name => Some(up.expression.clone()),
        DirectiveKind::Up(_)
        | DirectiveKind::Down(_)
        | DirectiveKind::Allow { .. }
        | DirectiveKind::Phase(_)
        | DirectiveKind::Strategy(_)
        | DirectiveKind::ContractAfter(_) => None,
    });
    let update = items.iter().enumerate().skip(at + 1).find_map(|(other, candidate)| match &candidate.planned {
        Planned::Change(Change::Data(data)) => filling(data, &add.table, name).map(|up| (other, up)),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    let required = items.iter().enumerate().skip(at + 1).find_map(|(other, candidate)| match &candidate.planned {
        Planned::Change(Change::SetNotNull { table, column }) if table == &add.table && column == name => Some(other),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    let mut others: Vec<usize> = update.iter().map(|(other, _)| *other).collect();
    let up = directed.or(update.map(|(_, up)| up))?;
    others.extend(required);
    others.sort_unstable();
    Some(Fill { add: add.clone(), up, not_null: add.column.not_null || required.is_some(), others })
}

/// The value that a plain `UPDATE t SET c = value [WHERE c IS NULL]` gives, if it says how to fill `column` and nothing else.
fn filling(data: &DataChange, table: &Name, column: &Identifier) -> Option<Sql> {
    if data.verb != Verb::Update || !data.plain || data.writes.first() != Some(table) || !data.reads.is_empty() {
        return None;
    }
    let [(target, value)] = data.assignments.as_slice() else { return None };
    if target != column || value.mentions(column) || !is_over_own_row(value) {
        return None;
    }
    match &data.condition {
        None => Some(value.clone()),
        Some(condition) if is_null_test(condition, column) => Some(value.clone()),
        Some(_) => None,
    }
}

/// Whether the expression names its columns bare, so that a row can be put before them.
pub(crate) fn is_over_own_row(expression: &Sql) -> bool {
    let mut previous = "";
    for part in &expression.parts {
        match part {
            Part::Column { of: Some(_), .. } | Part::Relation(_) => return false,
            Part::Column { of: None, .. } if previous.trim_end().ends_with('.') => return false,
            Part::Text(text) => previous = text,
            Part::Column { of: None, .. } | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => previous = "",
        }
    }
    true
}

fn is_null_test(condition: &Sql, column: &Identifier) -> bool {
    match condition.parts.as_slice() {
        [Part::Column { of: None, name }, Part::Text(rest)] => name == column && rest.trim().eq_ignore_ascii_case("is null"),
        [Part::Text(open), Part::Column { of: None, name }, Part::Text(rest)] => {
            open.trim().is_empty() && name == column && rest.trim().eq_ignore_ascii_case("is null")
        }
        _ => false,
    }
}
