//! The changes of one release, read together: several statements that say one thing become one item.

mod fill;
mod idle;
mod named;
mod again;
mod around;
mod undone;
mod superseded;
mod serial;

pub(crate) use fill::is_over_own_row;
pub(crate) use idle::may_be_there;
pub(crate) use named::{Act, Named, named_by};
pub(crate) use serial::sequence_of;

use super::enum_swap::EnumSwap;
use super::format::Origin;
use crate::history::{Entry, History};
use crate::schema::change::{AddColumn, DropBehavior, IfExists, Lookup};
use crate::schema::object::{ObjectRef, signature};
use crate::schema::{Catalog, Change, Name, ObjectKind, Sql};
use crate::source::Migration;
use crate::sql::directive::DirectiveKind;
use crate::sql::postgres::ByName;
use crate::sql::{Span, postgres, write};

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
    /// The DROP before it, of what it creates again under the same name.
    pub(crate) instead_of: Option<Box<Change>>,
    pub(crate) directives: Vec<DirectiveKind>,
    /// Whether its session looks at the bodies of functions only when they run.
    pub(crate) unchecked_bodies: bool,
    /// Whether its tool runs it in a transaction, or its file begins one.
    pub(crate) in_transaction: bool,
    /// The schema right before and right after.
    pub(crate) before: Catalog,
    pub(crate) after: Catalog,
}

impl Item {
    /// What it creates or drops, if that is one thing with a name.
    pub(crate) fn named(&self) -> Option<(Act, Named)> {
        match &self.planned {
            Planned::Change(change) => named_by(change, &self.before, &self.after),
            Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
        }
    }
}

/// The items of a release. `migrations` are those that `history` was folded from.
pub(crate) fn items(history: &History, migrations: &[Migration]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (at, entry) in history.entries.iter().enumerate() {
        if is_session(&entry.change) {
            continue;
        }
        let after = history.entries.get(at + 1).map_or(&history.end, |next| &next.before);
        items.push(without_idle_guard(with_signature(of_its_kind(named_columns(item(history, at, entry, after, migrations))))));
    }
    let shapes = super::retype::fold(&super::enum_swap::fold(undone::leave_out(idle::leave_out(around::arrange(items)))));
    again::fold(&fill::fold(&superseded::leave_out(serial::fold(shapes))))
}

/// The item with the names of the columns that an INSERT means by place.
fn named_columns(mut item: Item) -> Item {
    if let Planned::Change(Change::Data(data)) = &mut item.planned
        && let ByName::Named { statement, columns } = postgres::by_name(&item.statement, &item.before)
    {
        data.statement.clone_from(&statement);
        data.columns = columns;
        item.statement = statement;
    }
    item
}

/// ALTER TABLE also renames sequences, views and indexes.
fn of_its_kind(mut item: Item) -> Item {
    let Planned::Change(Change::RenameTable { table, to }) = &item.planned else { return item };
    let (name, to) = (table.clone(), to.clone());
    let kind = item.before.relation_kind(&name).filter(|kind| *kind != ObjectKind::Table && *kind != ObjectKind::ForeignTable);
    let change = match kind {
        None => return item,
        Some(ObjectKind::Index) => Change::RenameIndex { index: name, to },
        Some(kind) => Change::RenameObject { object: ObjectRef { kind, name, detail: None }, to },
    };
    item.planned = Planned::Change(change);
    item
}

/// `DROP FUNCTION f` means the only one of that name where it stands; where it is done there may be another one.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other kind has arguments by which it is told apart")]
fn with_signature(mut item: Item) -> Item {
    let Planned::Change(Change::DropObject { object, behavior, if_exists }) = &item.planned else { return item };
    let kind = match object.kind {
        ObjectKind::Function => "FUNCTION",
        ObjectKind::Procedure => "PROCEDURE",
        ObjectKind::Routine => "ROUTINE",
        _ => return item,
    };
    let meant: Vec<String> = item.before.routines_named(&object.name).map(|routine| signature(&routine.arguments)).collect();
    let [arguments] = meant.as_slice() else { return item };
    if !item.statement.contains('(') {
        let exists = if *if_exists == IfExists::Skip { "IF EXISTS " } else { "" };
        let cascade = if *behavior == DropBehavior::Cascade { " CASCADE" } else { "" };
        item.statement = format!("DROP {kind} {exists}{}({arguments}){cascade}", write::name(&object.name));
    }
    item
}

/// ADD COLUMN IF NOT EXISTS of one that isn't there adds it.
fn without_idle_guard(mut item: Item) -> Item {
    if let Planned::Change(Change::AddColumn(add)) = &mut item.planned
        && let Lookup::Known(table) = item.before.table(&add.table)
        && table.column(&add.column.name).is_none()
        && !item.before.is_unknown(ObjectKind::Table, &add.table)
    {
        add.if_not_exists = IfExists::Fail;
    }
    item
}

/// Settings and transaction control of the migration's own runner: the executor has its own.
fn is_session(change: &Change) -> bool {
    if mutes_triggers(change) {
        return false;
    }
    matches!(
        change,
        Change::SetSearchPath { .. }
            | Change::SetParameter { .. }
            | Change::TransactionControl { .. }
            | Change::LockTables { .. }
            | Change::Maintenance { .. }
    )
}

/// Whether triggers and foreign keys don't fire in the session from there on.
pub(crate) fn mutes_triggers(change: &Change) -> bool {
    matches!(change, Change::SetParameter { name, .. } if name == "session_replication_role")
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
        // A comment after the head ends with its line.
        let joint = if head.lines().last().is_some_and(|line| line.contains("--")) { '\n' } else { ' ' };
        format!("{head}{joint}{}{}", entry.span.of(text), cascade(&entry.change, entry.statement_span.of(text)))
    };
    // What a block of code runs by EXECUTE stands there as a constant.
    let statement = postgres::constant_text(&statement).unwrap_or(statement);
    // PERFORM stands for SELECT.
    let selected = matches!(&entry.change, Change::Data(data) if data.statement.strip_prefix("SELECT ") == Some(statement.trim()));
    let statement = if selected { format!("SELECT {statement}") } else { statement };
    Item {
        planned: Planned::Change(entry.change.clone()),
        migration: entry.migration,
        span: entry.span,
        origin,
        also: Vec::new(),
        statement,
        instead_of: None,
        directives: entry.directives.iter().map(|directive| directive.kind.clone()).collect(),
        unchecked_bodies: leaves_bodies_unchecked(&history.entries[..at], entry.migration),
        in_transaction: is_in_transaction(history, at, migrations),
        before: entry.before.clone(),
        after: after.clone(),
    }
}

fn is_in_transaction(history: &History, at: usize, migrations: &[Migration]) -> bool {
    let entry = &history.entries[at];
    let of_file = || history.entries.iter().filter(|other| other.migration == entry.migration);
    let begun = of_file()
        .take_while(|other| other.statement < entry.statement)
        .any(|other| matches!(other.change, Change::TransactionControl { .. }));
    let several = of_file().any(|other| other.statement != entry.statement);
    begun || migrations.get(entry.migration).is_none_or(|migration| migration.transaction.wraps(1 + usize::from(several), false))
}

/// Whether the last `SET check_function_bodies` of the migration turns that off, as dumps do.
fn leaves_bodies_unchecked(before: &[Entry], migration: usize) -> bool {
    let said = before.iter().rev().filter(|entry| entry.migration == migration).find_map(|entry| {
        let Change::SetParameter { name, value, .. } = &entry.change else { return None };
        (name == "check_function_bodies").then_some(value.as_deref())
    });
    matches!(said, Some(Some("false" | "off" | "0" | "no")))
}

/// The CASCADE behind a list of what is dropped is meant for each of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else drops a list")]
fn cascade(change: &Change, whole: &str) -> &'static str {
    let behavior = match change {
        Change::DropTable { behavior, .. }
        | Change::DropIndex { behavior, .. }
        | Change::DropSchema { behavior, .. }
        | Change::DropExtension { behavior, .. }
        | Change::DropObject { behavior, .. } => *behavior,
        _ => DropBehavior::Restrict,
    };
    let drops = whole.trim_start().get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case("drop"));
    if drops && behavior == DropBehavior::Cascade { " CASCADE" } else { "" }
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
