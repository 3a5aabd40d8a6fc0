//! DROP COLUMN: expand lets new clients leave the column out, contract holds it, and drops it when nobody has missed it.

use std::collections::BTreeSet;

use super::company::has_word;
use super::{Context, Recipe, drop_constraint, drop_index, handed_back, inherited, one_value};
use crate::engine::{Held, LockMode};
use crate::plan::copies::lock_first;
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::{HazardKind, Origin};
use crate::plan::hold::{Fed, HeldColumn};
use crate::plan::probe;
use crate::plan::refusal::{Refusal, as_directive};
use crate::plan::release::{Named, Planned, is_over_own_row};
use crate::plan::trigger::{Sync, over, without_generated};
use crate::schema::change::{DataChange, DropBehavior, Verb};
use crate::schema::object::TypeKind;
use crate::schema::{Catalog, Change, Column, Constraint, Identifier, Lookup, Name, Sql, Table};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, column: &Identifier, behavior: DropBehavior) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let Some(found) = table.column(column) else {
        // DROP COLUMN IF EXISTS of a column that isn't there.
        return Ok(Recipe::default());
    };
    // A copy tells where the values go, so there is nothing to guess.
    refuse_copied(ctx, table, column)?;
    refuse_rename(ctx, table, column)?;
    let mut recipe = Recipe::default();
    if let Some(down) = ctx.down(table_name, column) {
        if ctx.is_new_column(table_name, column) {
            return Err(ctx.refuse(
                format!(
                    "`down` says what old clients find in {table_name}.{column}, but the release itself adds the column: they don't know it"
                ),
                "remove the directive",
            ));
        }
        if found.identity.is_some() {
            return Err(ctx.refuse(
                format!("`down` says what old clients find in {table_name}.{column}, which numbers its rows itself"),
                "remove the directive",
            ));
        }
        // What this one holds in old rows may break it, with what new clients write in the others.
        let mut rules =
            dependents::rules_to_end(table, found).into_iter().filter(|rule| rule.foreign_key().is_none() && rule.columns().len() > 1);
        if let Some(name) = rules.find_map(|rule| rule.name.as_ref()) {
            return Err(ctx.refuse(
                format!(
                    "{name} of {table_name} asks for {column} and other columns together, and new clients change those without knowing it"
                ),
                format!("drop it before: ALTER TABLE {} DROP CONSTRAINT {}", write::name(table_name), write::identifier(name)),
            ));
        }
        return supplied(ctx, table, column, behavior, down);
    }
    refuse_domain(ctx, table, found)?;
    inherited::refuse_own_rules(ctx, table, found)?;
    if found.not_null && found.default.is_none() && found.identity.is_none() && found.generated.is_none() {
        recipe.expand.push(loosen(ctx, table, column)?);
    }
    for name in dependents::rules_to_end(table, found).into_iter().filter_map(|constraint| constraint.name.as_ref()) {
        if ctx.is_new_column(table_name, column) || ctx.is_made_before(&Named::Constraint(table_name.clone(), name.clone())) {
            return Err(ctx.refuse(
                format!("the same release puts {name} on {table_name}.{column} before it drops the column, and new clients know neither"),
                format!("take {name} out of the release"),
            ));
        }
        recipe.append(drop_constraint::at_once(ctx, table_name, name, DropBehavior::Restrict)?);
    }
    if behavior == DropBehavior::Cascade {
        recipe.append(dependents::end_foreign_keys(ctx, table_name, Some(column))?);
    }
    refuse_one_value(ctx, table, found)?;
    let end = with_shared_keys(ctx, table, column, drop(ctx, table, column, behavior));
    match HeldColumn::of(ctx, table, found, None) {
        Some(held) => recipe.hold(held.hold(), held.drop(ctx, end)),
        None => recipe.contract.push(locking_referenced(table, column, end)),
    }
    Ok(recipe)
}

/// A domain that takes no NULL goes on to refuse the rows of new clients, whatever is said of the column.
fn refuse_domain(ctx: &Context<'_>, table: &Table, column: &Column) -> Result<(), Refusal> {
    let domain = ctx.before.types.get(&column.data_type.name).filter(|_| column.data_type.dimensions == 0);
    let Some(TypeKind::Domain { default: None, not_null, checks, .. }) = domain.map(|domain| &domain.kind) else { return Ok(()) };
    let asks = |check: &Sql| {
        let text = write::text(check).to_uppercase();
        ["NULL", "COALESCE", "DISTINCT"].iter().any(|word| text.contains(word))
    };
    if column.default.is_some() || !not_null && !checks.iter().any(|(_, check, _)| asks(check)) {
        return Ok(());
    }
    Err(ctx.refuse(
        format!(
            "new clients leave {}.{} out, and its domain {} may refuse NULL until the column is gone",
            table.name, column.name, column.data_type.name
        ),
        format!(
            "give the column a default in an earlier release, or say its value in a comment above the statement:\n-- concertina: down {} = \
             <expression>",
            as_directive(&table.name, &column.name)
        ),
    ))
}

/// Unique indexes that tell rows apart by other columns too refuse what new clients may write, as long as they are there.
fn with_shared_keys(ctx: &Context<'_>, table: &Table, column: &Identifier, end: Draft) -> Draft {
    let keys = dependents::shared_keys(ctx.before, &table.name, column);
    keys.fold(end, |end, name| end.hazard(HazardKind::RefusesWrites, drop_index::still(name)))
}

/// New clients leave the column to its default, and a default that gives every row the same value makes a unique key refuse the
/// second one.
fn refuse_one_value(ctx: &Context<'_>, table: &Table, column: &Column) -> Result<(), Refusal> {
    let Some(default) = &column.default else { return Ok(()) };
    let Some(name) = one_value::refused_by(ctx.before, &table.name, &column.name, default) else { return Ok(()) };
    Err(ctx.refuse(
        format!(
            "until contract every row of new clients has {} in {}.{}, and {name} refuses the second one",
            write::text(default),
            table.name,
            column.name
        ),
        format!(
            "say which value each row gets, in a comment above the statement:\n-- concertina: down {} = <expression>\nor, where no \
             old client has an ON CONFLICT on {name}, drop it in a statement before with `-- concertina: phase expand` above that",
            as_directive(&table.name, &column.name)
        ),
    ))
}

/// A foreign key of the column goes with it, which locks the table that it references.
fn locking_referenced(table: &Table, column: &Identifier, draft: Draft) -> Draft {
    let keys = table.constraints.iter().filter_map(Constraint::foreign_key).filter(|key| key.columns.contains(column));
    keys.fold(draft, |draft, key| draft.locks(&key.references, LockMode::AccessExclusive, Held::Brief))
}

/// A `down` directive says what old clients find in rows that new clients insert: a trigger fills the column until contract.
fn supplied(ctx: &Context<'_>, table: &Table, column: &Identifier, behavior: DropBehavior, down: &Sql) -> Result<Recipe, Refusal> {
    if let Some(unknown) = down.own_columns().find(|name| table.column(name).is_none()) {
        return Err(ctx.refuse(
            format!("`down` names the column {unknown}, which {} does not have", table.name),
            "name only columns of that table, without a table before them",
        ));
    }
    if !is_over_own_row(down) {
        return Err(ctx
            .refuse("`down` reads more than its own row", "write it over the columns of the same row, without table names or subqueries"));
    }
    let sources = handed_back::sources(ctx, &table.name, column);
    if let Some(twin) = replaced_by(ctx, table, column).filter(|_| sources.is_empty()) {
        return Err(ctx.refuse(
            format!("{}.{column} is dropped and {twin} is made of it: what new clients write to {twin} would not reach it", table.name),
            format!("say in `down` how {column} follows from {twin}; if {twin} holds the same values, rename the column"),
        ));
    }
    let value = without_generated(down, table);
    let written = (!sources.is_empty()).then(|| handed_back::written(ctx, &value, table));
    if written.as_ref().is_some_and(|(given, _)| given.is_empty()) {
        return Err(ctx.refuse(
            format!("who has written a row of {} can't be told while all columns that `down` names have a default", table.name),
            "set the default in the next release",
        ));
    }
    let sync = match &written {
        // Before those of `up`, which look at what the row then has.
        Some((given, changed)) => {
            let required = table.column(column).is_some_and(|found| found.not_null);
            Sync::handed_back(&table.name, column, &over("NEW", &value), required, (given, changed))
        }
        None => {
            Sync::filled(&table.name, column, &over("NEW", &value), "", "false").in_turn(super::fill_column::turn(ctx, &table.name, &value))
        }
    };
    super::rename_column::refuse_later_triggers(ctx, &table.name, &sync)?;
    let subject = format!("{}.{column}", table.name);
    let rows = if written.is_some() { "write" } else { "insert" };
    let fill = Draft::own(&subject, "fill-by-trigger", format!("fill {subject} in rows that new clients {rows}"), sync.create())
        .because("new clients no longer supply the column; old clients go on reading it")
        .locks(&table.name, LockMode::ShareRowExclusive, Held::Brief)
        .probed(probe::trigger_there(&table.name, sync.first_trigger()))
        .undone_by(sync.drop());
    let fill = if written.is_some() {
        fill
    } else {
        fill.hazard(HazardKind::FillsNull, format!("a row that old clients write with NULL for {column} is filled too"))
    };
    let mut end = with_shared_keys(ctx, table, column, drop(ctx, table, column, behavior));
    let mut recipe = Recipe::expand(fill);
    let mut at_once = vec![lock_first(&table.name, &[])];
    at_once.extend(sync.drop());
    let held = table.column(column).and_then(|found| HeldColumn::of(ctx, table, found, Some(Fed { down, before: sync, written })));
    if let Some(held) = held {
        recipe.hold(held.hold(), held.drop(ctx, end));
    } else {
        at_once.append(&mut end.sql);
        end.sql = at_once;
        recipe.contract.push(locking_referenced(table, column, end));
    }
    Ok(recipe)
}

/// New clients don't name the column, so a NOT NULL without default would refuse their rows.
fn loosen(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<Draft, Refusal> {
    // One that the release takes away stays until contract.
    let old = ctx.old.tables.get(ctx.name_before_release(&table.name)).and_then(|old| old.primary_key());
    if table.primary_key().into_iter().chain(old).any(|key| key.columns.contains(column)) {
        return Err(ctx.refuse(
            format!(
                "{}.{column} is part of the primary key: until it is dropped, rows that new clients insert have no value for it",
                table.name
            ),
            "give the column a default in an earlier release, or accept downtime with `-- concertina: strategy direct`",
        ));
    }
    let relation = write::name(&table.name);
    let quoted = write::identifier(column);
    Ok(Draft::own(
        format!("{}.{column}", table.name),
        "drop-not-null",
        format!("let rows leave {column} out"),
        vec![format!("ALTER TABLE {relation} ALTER COLUMN {quoted} DROP NOT NULL")],
    )
    .because("new clients no longer supply the column, and it has no default")
    .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::column_not_null(&table.name, column, "false"))
    .undone_by(vec![format!("ALTER TABLE {relation} ALTER COLUMN {quoted} SET NOT NULL")])
    .hazard(
        HazardKind::OldClientsReadNewValues,
        format!(
            "old clients find NULL in {}.{column} of rows that new clients inserted, and going back to the old release needs those filled",
            table.name
        ),
    ))
}

/// The new column of this release that is made of the one that is dropped.
fn replaced_by(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Option<Identifier> {
    ctx.release.iter().find_map(|item| match &item.planned {
        Planned::FilledColumn { add, up, .. } if add.table == table.name && up.mentions(column) => Some(add.column.name.clone()),
        Planned::FilledColumn { .. } | Planned::EnumSwap(_) | Planned::Change(_) => None,
    })
}

fn drop(ctx: &Context<'_>, table: &Table, column: &Identifier, behavior: DropBehavior) -> Draft {
    let relation = write::name(&table.name);
    let cascade = if behavior == DropBehavior::Cascade { " CASCADE" } else { "" };
    let draft = Draft::own(
        format!("{}.{column}", table.name),
        "drop-column",
        format!("drop column {column} of {}", table.name),
        vec![format!("ALTER TABLE {relation} DROP COLUMN {}{cascade}", write::identifier(column))],
    )
    .because("no client that reads or writes the column is left")
    .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::column_gone(&table.name, column))
    .final_losing(format!("the values of {}.{column}", table.name))
    .hazard(HazardKind::DataLoss, format!("the values of {}.{column} are gone", table.name));
    let draft = match replaced_by(ctx, table, column) {
        Some(twin) if handed_back::sources(ctx, &table.name, column).is_empty() => draft.hazard(
            HazardKind::OldClientsReadNewValues,
            format!(
                "until then old clients don't see in {column} what new clients write to {twin}, nor does going back to the old release bring \
                 it there; `down` above the DROP COLUMN would"
            ),
        ),
        Some(_) | None => draft,
    };
    let draft = match table.column(column).and_then(|found| found.generated.as_ref()) {
        Some(generated) => draft.hazard(
            HazardKind::RefusesWrites,
            format!("until then rows for which {} fails are refused to new clients too", write::text(&generated.expression)),
        ),
        None => draft,
    };
    let acting = table.constraints.iter().filter_map(|constraint| Some((constraint.name.as_ref()?, constraint.foreign_key()?)));
    let acting = acting.filter(|(_, key)| key.columns.contains(column) && drop_constraint::acts(key));
    let draft = acting.fold(draft, |draft, (name, key)| {
        let detail = format!(
            "until then {name} goes on changing rows of {} when new clients delete or change rows of {}",
            table.name, key.references
        );
        let draft = draft.hazard(HazardKind::NewClientsReadOldValues, detail);
        if !drop_constraint::refuses(key) {
            return draft;
        }
        let detail = format!(
            "until then {name} refuses it to new clients too that a row of {} goes, or gets another key, which one of {} references",
            key.references, table.name
        );
        draft.hazard(HazardKind::RefusesWrites, detail)
    });
    match gone_with(ctx.before, ctx.after, table, column).as_slice() {
        [] => draft,
        names => draft.hazard(HazardKind::DropsDependents, format!("dropped with it: {}", names.join(", "))),
    }
}

/// What disappears together with the column: indexes, constraints, sequences, and what only CASCADE drops.
fn gone_with(before: &Catalog, after: &Catalog, table: &Table, column: &Identifier) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, index) in &before.indexes {
        if index.table == table.name && index.mentions(column) && !after.indexes.contains_key(name) && index.constraint.is_none() {
            names.push(format!("index {}", name.name));
        }
    }
    let own = format!("column {column} of {}", table.name);
    names.extend(dependents::gone(before, after, &table.name).into_iter().filter(|gone| *gone != own));
    let owned = before.sequences.values().filter(|sequence| sequence.owned_by.is_some() && !after.sequences.contains_key(&sequence.name));
    names.extend(owned.map(|sequence| format!("sequence {}", sequence.name)));
    names
}

/// What the release makes of the column once, it doesn't make of what old clients write there later, and then the column goes.
fn refuse_copied(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<(), Refusal> {
    let copies = |data: &DataChange| match data.verb {
        Verb::Insert | Verb::Merge => data.reads.contains(&table.name) && has_word(&data.statement, column.as_str()),
        // What a row becomes by a mark in the column is brought over too.
        Verb::Update if data.reads.is_empty() => {
            let marks = data.condition.as_ref().is_some_and(|condition| condition.mentions(column));
            let takes = |(to, value): &(Identifier, Sql)| to != column && (marks || value.mentions(column));
            data.writes.first() == Some(&table.name) && data.assignments.iter().any(takes)
        }
        Verb::Update => {
            (data.reads.contains(&table.name) || data.writes.contains(&table.name))
                && !(data.writes.first() == Some(&table.name) && data.columns.contains(column))
                && has_word(&data.statement, column.as_str())
        }
        Verb::Delete => {
            let marks = data.condition.as_ref().is_some_and(|condition| condition.mentions(column));
            data.writes.first() == Some(&table.name) && data.reads.is_empty() && marks
        }
        Verb::Truncate | Verb::Copy | Verb::Select => false,
    };
    let new_column = |data: &DataChange| {
        let [only] = data.columns.as_slice() else { return None };
        let is_own = data.verb == Verb::Update && data.writes.first() == Some(&table.name) && data.reads.is_empty();
        (is_own && ctx.is_new_column(&table.name, only)).then(|| only.clone())
    };
    let copy = ctx.earlier().find_map(|item| match &item.planned {
        Planned::Change(Change::Data(data)) if copies(data) => Some((&item.origin, data, new_column(data))),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    match copy {
        Some((origin, data, by_row)) if !ctx.allows("drop-column") => Err(ctx.refuse(
            used_once(&table.name, column, data, origin),
            format!(
                "drop the column in the next release, with the same statement once more before that and, since nobody writes the column any \
                 more by then, this above the statement that drops it (or here, if old clients don't write it now):\n-- concertina: allow drop-column \
                 because \"…\"{}",
                by_row.map(|name| format!("\nor, if each row's value follows from that row, say it above the ADD COLUMN, and take out the UPDATE and, if it has one, its DEFAULT:\n-- concertina: up {} = <expression over {}>", as_directive(&table.name, &name), write::identifier(column))).unwrap_or_default()
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

/// What becomes of the column's values, and what is lost of those that come later.
fn used_once(table: &Name, column: &Identifier, data: &DataChange, origin: &Origin) -> String {
    let place = format!("{}:{}", origin.file, origin.line);
    match (data.verb, data.writes.first()) {
        (Verb::Delete, Some(from)) => format!(
            "rows of {from} are deleted once by what {table}.{column} holds ({place}), and {column} is dropped: rows that old clients mark \
             after that would stay"
        ),
        (_, to) => {
            let to = to.map_or_else(|| "elsewhere".to_owned(), |to| format!("to {to}"));
            format!(
                "what {table}.{column} holds is brought {to} once ({place}), and {column} is dropped: what old clients write to it after that \
                 would be lost"
            )
        }
    }
}

/// Whether both columns reference tables, and not the same ones.
fn references_another(ctx: &Context<'_>, (old, column): (&Table, &Identifier), (new, candidate): (&Table, &Identifier)) -> bool {
    let referenced = |table: &Table, column: &Identifier| -> BTreeSet<Name> {
        let keys = table.constraints.iter().filter_map(Constraint::foreign_key);
        keys.filter(|key| key.columns.contains(column)).map(|key| key.references.clone()).collect()
    };
    let (before, after) = (referenced(old, column), referenced(new, candidate));
    // One that has got another name may be the same.
    let stay = before.iter().all(|name| ctx.new.tables.contains_key(name)) && after.iter().all(|name| ctx.old.tables.contains_key(name));
    !before.is_empty() && !after.is_empty() && stay && before.is_disjoint(&after)
}

/// A column dropped and one like it added in one release is probably a rename, and would lose the data.
fn refuse_rename(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<(), Refusal> {
    let Some(found) = table.column(column) else { return Ok(()) };
    let old_name = ctx.name_before_release(&table.name);
    let (Some(old), Lookup::Known(new)) = (ctx.old.tables.get(old_name), ctx.new.table(&table.name)) else { return Ok(()) };
    let twin = new.columns.iter().find(|candidate| {
        old.column(&candidate.name).is_none()
            && candidate.data_type == found.data_type
            && candidate.not_null == found.not_null
            && !new.columns.iter().any(|kept| &kept.name == column)
            && !ctx.allows("drop-column")
            && ctx.is_new_column(&table.name, &candidate.name)
            && ctx.added_without_fill(&table.name, &candidate.name)
            && !references_another(ctx, (old, column), (new, &candidate.name))
    });
    match twin {
        None => Ok(()),
        Some(twin) => Err(ctx.refuse(
            format!("{}.{column} is dropped and {} of the same type is added: if that is a rename, its data would be lost", table.name, twin.name),
            format!(
                "if it is a rename, write\nALTER TABLE {} RENAME COLUMN {} TO {};\nif it isn't, say so above the statement that drops it:\n-- concertina: allow drop-column because \"…\"",
                write::name(&table.name),
                write::identifier(column),
                write::identifier(&twin.name)
            ),
        )),
    }
}
