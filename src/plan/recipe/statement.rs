//! A statement as its author wrote it, as a step: its locks, how to see that it is done, how to take it back.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named here has no probe and no undo, and says so")]

use super::add_check::constraint_name;
use super::rename_object::is_routine;
use super::{Context, Named, Planned, commits, inherited, replaced};
use crate::engine::{self, Held, LockMode, Transactional};
use crate::plan::compiled;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::release::Item;
use crate::schema::change::OnConflict;
use crate::schema::{Catalog, Change, Identifier, Name, ObjectKind, Sql};
use crate::sql::write;

/// The statement as a step, with the locks that the engine says it takes.
pub(crate) fn step(ctx: &Context<'_>) -> Draft {
    let Planned::Change(change) = &ctx.item.planned else {
        return Draft::own("", "run", "", sql(ctx));
    };
    let subject = subject(ctx, change);
    let effects = engine::effects(ctx.engine, change, ctx.before);
    let about = format!("as written: {}", first_line(&ctx.item.statement));
    let mut draft = match effects.transactional {
        Transactional::Yes if commits::by_itself(ctx) => Draft::autocommit(subject, slug(change), about, ctx.item.statement.clone()),
        Transactional::Yes => Draft::own(subject, slug(change), about, [sql(ctx), compiled_again(ctx, change)].concat()),
        Transactional::No => Draft::autocommit(subject, slug(change), about, ctx.item.statement.clone()),
    };
    for lock in &effects.locks {
        if ctx.is_new_table(&lock.relation) {
            continue;
        }
        draft = draft.locks(&lock.relation, lock.mode, lock.held);
        if lock.held == Held::Brief {
            continue;
        }
        draft = match lock.mode {
            LockMode::AccessExclusive => {
                draft.hazard(HazardKind::BlocksReads, format!("readers and writers of {} wait while it runs", lock.relation))
            }
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => {
                draft.hazard(HazardKind::BlocksWrites, format!("writers of {} wait while it runs", lock.relation))
            }
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive | LockMode::ShareUpdateExclusive => draft,
        };
    }
    let draft = match done(change) {
        Some(probe) => draft.probed(probe),
        None => draft,
    };
    undo(ctx, change, draft)
}

/// What lets sessions know the columns that a table has after the statement.
fn compiled_again(ctx: &Context<'_>, change: &Change) -> Vec<String> {
    match change {
        Change::AddColumn(add) => compiled::again_for_new_column(ctx, &add.table),
        Change::ChangeType { table, column, .. } => compiled::again_for_type(ctx, table, column),
        _ => Vec::new(),
    }
}

/// The statement under the search path for which it was written.
pub(crate) fn sql(ctx: &Context<'_>) -> Vec<String> {
    sql_of(ctx.item)
}

/// The statement of an item under the search path for which it was written.
pub(crate) fn sql_of(item: &Item) -> Vec<String> {
    in_its_path(item, item.statement.clone())
}

/// Another form of the statement of an item, under the search path for which that was written.
pub(crate) fn in_its_path(item: &Item, statement: String) -> Vec<String> {
    let path = &item.before.search_path;
    let makes_function = matches!(item.planned, Planned::Change(Change::CreateRoutine { .. }));
    let bodies = (item.unchecked_bodies && makes_function).then(|| "SET LOCAL check_function_bodies = off".to_owned());
    if *path == Catalog::default().search_path {
        return bodies.into_iter().chain([statement]).collect();
    }
    let names: Vec<String> = path.iter().map(write::identifier).collect();
    let path = if names.is_empty() { "''".to_owned() } else { names.join(", ") };
    bodies.into_iter().chain([format!("SET LOCAL search_path TO {path}"), statement]).collect()
}

fn first_line(statement: &str) -> String {
    let mut lines = statement.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let short: String = first.chars().take(80).collect();
    if short.len() < first.len() || lines.next().is_some() { format!("{short} …") } else { short }
}

fn subject(ctx: &Context<'_>, change: &Change) -> String {
    match change {
        Change::CreateType(created) => created.name.to_string(),
        Change::CreateRoutine { routine, .. } => routine.name.to_string(),
        Change::CreateSchema { schema, .. } | Change::RenameSchema { schema, .. } | Change::DropSchema { schema, .. } => schema.to_string(),
        Change::CreateExtension { extension, .. } | Change::DropExtension { extension, .. } => extension.to_string(),
        Change::DropObject { object, .. } | Change::AlterObject { object, .. } | Change::Comment { object, .. } => object.name.to_string(),
        other => other.relation().map_or_else(|| file_stem(&ctx.item.origin.file), ToString::to_string),
    }
}

/// The file's name without folders and ending, for statements that are about nothing with a name.
pub(crate) fn file_stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".sql").unwrap_or(name).to_owned()
}

fn slug(change: &Change) -> &'static str {
    match change {
        Change::CreateTable(_) => "create-table",
        Change::CreateIndex { .. } => "create-index",
        Change::AddColumn(_) => "add-column",
        Change::AddConstraint { .. } => "add-constraint",
        Change::CreateView { .. } => "create-view",
        Change::CreateRoutine { .. } => "create-function",
        Change::CreateTrigger { .. } => "create-trigger",
        Change::CreateType(_) => "create-type",
        Change::CreateSequence { .. } => "create-sequence",
        Change::CreateSchema { .. } => "create-schema",
        Change::CreateExtension { .. } => "create-extension",
        Change::Comment { .. } => "comment",
        Change::Grant(_) => "grant",
        Change::Revoke { .. } => "revoke",
        Change::SetDefault { .. } => "set-default",
        Change::DropDefault { .. } => "drop-default",
        Change::DropNotNull { .. } => "drop-not-null",
        Change::Data(_) => "change-rows",
        Change::DropTrigger { .. } => "drop-trigger",
        Change::DropObject { .. } => "drop",
        Change::DetachPartition { .. } => "detach-partition",
        Change::DropInheritance { .. } => "drop-inheritance",
        _ => "run",
    }
}

fn done(change: &Change) -> Option<String> {
    match change {
        Change::CreateTable(create) => Some(probe::relation_exists(&create.table.name)),
        Change::CreateView { view, on_conflict: OnConflict::Fail, .. } => Some(probe::relation_exists(&view.name)),
        Change::CreateSequence { sequence, .. } => Some(probe::relation_exists(&sequence.name)),
        Change::DropObject { object, .. }
            if matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Sequence) =>
        {
            Some(probe::relation_gone(&object.name))
        }
        Change::AddColumn(add) => Some(probe::column_exists(&add.table, &add.column.name)),
        Change::DropTrigger { table, trigger, .. } => Some(probe::trigger_gone(table, trigger)),
        Change::AddEnumValue { name, value, .. } => Some(probe::enum_label_exists(name, value)),
        _ => None,
    }
}

/// What lives on a table that is new in this release goes with the table, which its own step takes back, or which the release
/// itself drops again. What names something else that is new is taken back before that goes.
#[expect(clippy::wildcard_enum_match_arm, reason = "all the rest goes with the table")]
fn undo_on_new_table(ctx: &Context<'_>, change: &Change, draft: Draft) -> Draft {
    let alter = |table: &Name, what: String| vec![format!("ALTER TABLE IF EXISTS {} {what}", write::name(table))];
    match change {
        Change::SetTableSchema { table, schema } => {
            let moved = Name { schema: Some(schema.clone()), ..table.clone() };
            let back = table.schema.clone().unwrap_or_else(|| "public".into());
            draft.undone_by(alter(&moved, format!("SET SCHEMA {}", write::identifier(&back))))
        }
        Change::RenameTable { table, to } => {
            draft.undone_by(alter(&table.sibling(to.clone()), format!("RENAME TO {}", write::identifier(&table.name))))
        }
        Change::RenameColumn { table, column, to } => {
            draft.undone_by(alter(table, format!("RENAME COLUMN {} TO {}", write::identifier(to), write::identifier(column))))
        }
        Change::AddColumn(add) => {
            draft.undone_by(alter(&add.table, format!("DROP COLUMN IF EXISTS {}", write::identifier(&add.column.name))))
        }
        Change::DropColumn { table, column, .. } => {
            match ctx.before.tables.get(table).and_then(|found| found.column(column)) {
                // Empty, for the steps before to find it.
                Some(found) => draft.undone_by(alter(
                    table,
                    format!("ADD COLUMN IF NOT EXISTS {} {}", write::identifier(column), write::data_type(&found.data_type)),
                )),
                None => draft,
            }
        }
        Change::AddConstraint { table, constraint } => match constraint_name(ctx, table, constraint) {
            Ok(name) => draft.undone_by(alter(table, format!("DROP CONSTRAINT IF EXISTS {}", write::identifier(&name)))),
            Err(_) => draft,
        },
        Change::CreateTrigger { trigger, .. } => {
            draft.undone_by(vec![format!("DROP TRIGGER IF EXISTS {} ON {}", write::identifier(&trigger.name), write::name(&trigger.table))])
        }
        // It may need what is made after the table, and goes before it.
        Change::CreateIndex { .. } if ctx.earlier().any(makes_what_indexes_need) => match ctx.item.named() {
            Some((_, Named::Index(index))) => draft.undone_by(vec![format!("DROP INDEX IF EXISTS {}", write::name(&index))]),
            Some(_) | None => draft,
        },
        Change::SetDefault { table, column, .. } | Change::DropDefault { table, column, .. } => {
            draft.undone_by(alter(table, write::set_default(column, default_before(ctx, table, column).as_ref())))
        }
        _ => draft,
    }
}

/// An extension, a function, an operator class.
fn makes_what_indexes_need(item: &Item) -> bool {
    matches!(
        &item.planned,
        Planned::Change(
            Change::CreateExtension { .. } | Change::CreateRoutine { .. } | Change::CreateObject { .. } | Change::CreateType(_)
        )
    )
}

/// How it is taken back.
fn undo(ctx: &Context<'_>, change: &Change, draft: Draft) -> Draft {
    let drop = |kind: &str, name: &Name| vec![format!("DROP {kind} {}", write::name(name))];
    match change {
        Change::CreateTable(create) if ctx.before.tables.contains_key(&create.table.name) => draft,
        Change::CreateTable(create) if !ctx.new.tables.contains_key(&create.table.name) => {
            draft.undone_by(drop("TABLE IF EXISTS", &create.table.name))
        }
        Change::CreateTable(create) => draft.undone_by(drop("TABLE", &create.table.name)),
        other if other.relation().is_some_and(|table| ctx.is_new_table(table)) => undo_on_new_table(ctx, other, draft),
        Change::CreateView { view, .. } if !ctx.before.views.contains_key(&view.name) => {
            draft.undone_by(drop(if view.materialized { "MATERIALIZED VIEW" } else { "VIEW" }, &view.name))
        }
        Change::CreateSequence { sequence, .. } if !ctx.before.sequences.contains_key(&sequence.name) => {
            draft.undone_by(drop("SEQUENCE", &sequence.name))
        }
        Change::CreateType(created) => draft.undone_by(drop("TYPE", &created.name)),
        Change::CreateSchema { schema, .. } if !ctx.before.schemas.contains_key(schema) => {
            draft.undone_by(vec![format!("DROP SCHEMA {}", write::identifier(schema))])
        }
        Change::CreateExtension { extension, .. } if !ctx.before.extensions.contains_key(extension) => {
            draft.undone_by(vec![format!("DROP EXTENSION {}", write::identifier(extension))])
        }
        Change::CreateSchema { .. } | Change::CreateExtension { .. } => draft,
        // It goes with the table.
        Change::Comment { object, .. } if ctx.before.tables.contains_key(&object.name) && ctx.is_new_table(&object.name) => draft,
        Change::Comment { object, .. } => {
            // Nobody has said it in a migration, and still there is one.
            let born = (object.kind == ObjectKind::Schema && object.name.name == "public").then_some("standard public schema");
            let before = ctx.before.comments.get(object).map(String::as_str).or(born).map_or_else(|| "NULL".to_owned(), write::literal);
            draft.undone_by(vec![format!("COMMENT ON {} IS {before}", write::object(object))])
        }
        Change::CreateRoutine { routine, .. } if !ctx.before.routines.contains_key(&(routine.name.clone(), routine.arguments.clone())) => {
            let arguments: Vec<String> = routine.arguments.iter().map(write::data_type).collect();
            draft.undone_by(vec![format!("DROP ROUTINE {}({})", write::name(&routine.name), arguments.join(", "))])
        }
        Change::CreateRoutine { routine, .. } => undone_if_told(draft, replaced::as_it_was(ctx, &routine.name, Some(routine))),
        Change::AlterObject { object, .. } if is_routine(object.kind) => {
            undone_if_told(draft, replaced::as_it_was(ctx, &object.name, None))
        }
        Change::CreateTrigger { trigger, .. } if !ctx.before.triggers.contains_key(&(trigger.table.clone(), trigger.name.clone())) => {
            draft.undone_by(vec![format!("DROP TRIGGER {} ON {}", write::identifier(&trigger.name), write::name(&trigger.table))])
        }
        Change::DropDefault { table, column, .. } if default_before(ctx, table, column).is_none() => {
            draft.final_losing("the default, if a statement that can't be read has set one")
        }
        Change::SetDefault { table, column, only, .. } | Change::DropDefault { table, column, only } => {
            draft.undone_by(defaults_before(ctx, table, column, *only))
        }
        Change::AlterSequence { sequence, data_type: Some(_), options, owned_by: None, .. } if options.is_empty() => {
            let before = ctx.before.sequences.get(sequence).map(|before| write::data_type(&before.data_type));
            undone_if_told(draft, before.map(|data_type| vec![format!("ALTER SEQUENCE {} AS {data_type}", write::name(sequence))]))
        }
        Change::DropNotNull { table, column } => draft.undone_by(inherited::not_null_before(ctx, table, column)),
        Change::RenameIndex { index, to } => draft.undone_by(vec![format!(
            "ALTER INDEX {} RENAME TO {}",
            write::name(&index.sibling(to.clone())),
            write::identifier(&index.name)
        )]),
        Change::RenameConstraint { table, constraint, to } => draft.undone_by(vec![format!(
            "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
            write::name(table),
            write::identifier(to),
            write::identifier(constraint)
        )]),
        Change::AddColumn(add) => {
            draft.undone_by(vec![format!("ALTER TABLE {} DROP COLUMN {}", write::name(&add.table), write::identifier(&add.column.name))])
        }
        Change::CreateIndex { index, .. } => match &index.name {
            Some(name) => draft.undone_by(drop("INDEX", &index.table.sibling(name.clone()))),
            None => draft.final_losing("nothing but the index, whose name the database chose"),
        },
        _ => draft.final_losing("what it was before"),
    }
}

fn undone_if_told(draft: Draft, back: Option<Vec<String>>) -> Draft {
    match back {
        Some(back) => draft.undone_by(back),
        None => draft.final_losing("what it was before"),
    }
}

/// Statements that give the column the defaults that it had, in the table and, unless it was about `only` that, below it.
fn defaults_before(ctx: &Context<'_>, table: &Name, column: &Identifier, only: bool) -> Vec<String> {
    let before = default_before(ctx, table, column);
    let mut back = vec![write::alter_default(table, only, column, before.as_ref())];
    if !only {
        back.extend(inherited::defaults_before(ctx, table, column, before.as_ref()));
    }
    back
}

/// The default that a column had.
fn default_before(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Option<Sql> {
    let of = |catalog: &'_ Catalog, table: &Name| catalog.tables.get(table)?.column(column)?.default.clone();
    // What took the default along goes in contract only.
    let says = |item: &Item| matches!(&item.planned, Planned::Change(Change::SetDefault { table: on, column: name, .. } | Change::DropDefault { table: on, column: name, .. }) if on == table && name == column);
    let before = of(ctx.before, table);
    if ctx.earlier().any(says) { before } else { before.or_else(|| of(ctx.old, ctx.name_before_release(table))) }
}
