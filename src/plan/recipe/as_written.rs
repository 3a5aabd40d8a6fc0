//! Changes that run as their author wrote them: on what is new in the release, where a directive says so, and where the
//! statement is as gentle as any recipe.
#![expect(clippy::wildcard_enum_match_arm, reason = "a change that is not named here goes by its class, and every change has one")]

use std::collections::BTreeSet;

use super::company::has_word;
use super::rename_object::is_routine;
use super::statement::step;
use super::{Act, Context, Item, Named, Planned, Recipe, change_default, late};
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::schema::change::OnConflict;
use crate::schema::index::{IndexElement, IndexKey};
use crate::schema::object::{ObjectKind, ObjectRef, Trigger};
use crate::schema::table::ReplicaIdentity;
use crate::schema::{Catalog, Change, Class, Column, ConstraintKind, Identifier, Index, Name, Part, Sql, Table, Uniqueness, Validity};
use crate::sql::directive::{DirectiveKind, PhaseName};
use crate::sql::write;

/// The phase into which a directive puts the change.
pub(crate) fn directed_phase(ctx: &Context<'_>) -> Option<PhaseName> {
    phase_of(ctx.item)
}

/// The same of any item.
pub(crate) fn phase_of(item: &Item) -> Option<PhaseName> {
    item.directives.iter().find_map(|directive| match directive {
        DirectiveKind::Phase(phase) => Some(*phase),
        DirectiveKind::Allow { .. }
        | DirectiveKind::Up(_)
        | DirectiveKind::Down(_)
        | DirectiveKind::Strategy(_)
        | DirectiveKind::ContractAfter(_) => None,
    })
}

/// As written, in the phase that a directive names.
pub(crate) fn in_phase(ctx: &Context<'_>, phase: PhaseName) -> Recipe {
    let step = step(ctx)
        .because("a directive puts it here")
        .hazard(HazardKind::MovedByDirective, "the author vouches that old and new clients can live with it here");
    let step = if is_opaque(ctx) { step.hazard(HazardKind::Opaque, UNREADABLE) } else { step };
    match phase {
        PhaseName::Expand => Recipe::expand(step),
        PhaseName::Migrate => Recipe::migrate(step),
        PhaseName::Contract => Recipe::contract(step),
    }
}

/// As written, in expand, whatever it costs: `strategy direct`.
pub(crate) fn direct(ctx: &Context<'_>, change: &Change) -> Recipe {
    let step = step(ctx).because("`strategy direct`: the table is small, or downtime is accepted");
    let step = match change.class() {
        Class::Removing | Class::Replacing | Class::Tightening => {
            step.hazard(HazardKind::RefusesWrites, "old clients that use what it changes fail from here on")
        }
        Class::Opaque => step.hazard(HazardKind::Opaque, UNREADABLE),
        Class::Additive | Class::Loosening | Class::Data => step,
    };
    Recipe::expand(step)
}

const UNREADABLE: &str = "what the statement does, and locks, can't be told from it";

fn is_opaque(ctx: &Context<'_>) -> bool {
    matches!(&ctx.item.planned, Planned::Change(change) if change.class() == Class::Opaque)
}

/// As written, in expand.
pub(crate) fn expand(ctx: &Context<'_>, why: &str) -> Recipe {
    Recipe::expand(step(ctx).because(why))
}

/// As written, on a table that is new in this release. Rows that it gets from tables of old clients are a copy of one moment.
pub(crate) fn on_new_table(ctx: &Context<'_>, change: &Change) -> Draft {
    if let Change::CreateTable(create) = change
        && create.as_query.as_ref().is_some_and(|query| query.parts.iter().any(|part| matches!(part, Part::Relation(_))))
    {
        let detail = format!("what old clients write from here on is not brought to {}", create.table.name);
        return step(ctx).hazard(HazardKind::NewClientsReadOldValues, detail);
    }
    let Change::Data(data) = change else { return step(ctx) };
    let fed = |table: &&Name| ctx.earlier().any(|item| super::triggered::feeds(ctx, item, data) == Some(table));
    let sources = data.reads.iter().filter(|table| !ctx.is_new_table(table) && !fed(table));
    let sources: BTreeSet<String> = sources.map(ToString::to_string).collect();
    let targets: BTreeSet<String> = data.writes.iter().map(ToString::to_string).collect();
    let step = super::change_rows::beside_triggers(ctx, data, super::change_rows::tying(ctx, data, step(ctx)));
    if sources.is_empty() {
        return step;
    }
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("what old clients write to {} from here on is not brought to {}", list(sources), list(targets));
    step.hazard(HazardKind::NewClientsReadOldValues, detail)
}

/// Whether the change is about a table that came to be in this release, so that no old client minds.
pub(crate) fn is_on_new_table(ctx: &Context<'_>, change: &Change) -> bool {
    match change {
        Change::CreateTable(_) => true,
        Change::DropIndex { index, .. } | Change::RenameIndex { index, .. } => {
            ctx.before.indexes.get(index).is_some_and(|found| ctx.is_new_table(&found.table))
        }
        // A materialized view is a table here.
        Change::CreateIndex { index, .. } if ctx.before.views.contains_key(&index.table) => !ctx.old.views.contains_key(&index.table),
        Change::Data(data) => !data.writes.is_empty() && data.writes.iter().all(|table| ctx.is_new_table(table)),
        Change::RenameTable { table, .. } => !ctx.old.tables.contains_key(table) && ctx.is_new_table(table),
        other => other.relation().is_some_and(|table| ctx.is_new_table(table)),
    }
}

/// What has no recipe of its own: additive and loosening changes in expand, removals in contract, the rest refused.
pub(crate) fn by_class(ctx: &Context<'_>, change: &Change) -> Result<Recipe, Refusal> {
    if let Some(recipe) = special(ctx, change)? {
        return Ok(recipe);
    }
    super::refused::referenced_schema(ctx, change)?;
    match change.class() {
        Class::Additive => Ok(expand(ctx, "old clients don't see it")),
        Class::Loosening => Ok(Recipe::expand(
            step(ctx)
                .because("a rule less: what old clients write stays allowed")
                .hazard(HazardKind::OldClientsReadNewValues, "old clients may read what was refused before, once new clients write it"),
        )),
        Class::Removing => Ok(remove(ctx, change)),
        Class::Data => Ok(Recipe::migrate(
            step(ctx).because("new clients expect the data as the release leaves it").hazard(HazardKind::BlocksReads, "readers wait while it runs"),
        )),
        Class::Opaque => Err(opaque(ctx, change)),
        Class::Tightening | Class::Replacing => Err(ctx.refuse(
            "there is no recipe yet by which old and new clients could both live with this change",
            "say in which phase it is safe (`-- concertina: phase expand`, `migrate` or `contract`), or accept downtime with `-- concertina: strategy direct`",
        )),
    }
}

/// What is about a constraint or an index that comes in contract comes with it.
pub(crate) fn with_its_rule(ctx: &Context<'_>, change: &Change) -> Option<Recipe> {
    rests_on_a_rule_to_come(ctx, change).then(|| Recipe::contract(step(ctx).because("what it is about comes in contract")))
}

/// Whether it says something of a column for which the release exchanges another one, of another type.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is said of a column alone")]
fn is_of_a_column_to_come(ctx: &Context<'_>, change: &Change) -> bool {
    let of: Option<(&Name, Identifier)> = match change {
        Change::Comment { object, .. } if object.kind == ObjectKind::Column => {
            object.detail.as_ref().map(|column| (&object.name, Identifier::from(column.as_str())))
        }
        Change::SetColumnStatistics { table, column, .. }
        | Change::SetColumnOptions { table, column, .. }
        | Change::SetStorage { table, column, .. }
        | Change::SetCompression { table, column, .. } => Some((table, column.clone())),
        _ => None,
    };
    let exchanges = |item: &Item, table: &Name, column: &Identifier| {
        matches!(&item.planned, Planned::Change(Change::ChangeType { table: on, column: of, .. }) if on == table && of == column)
            && !super::change_type::is_at_once(ctx, item)
    };
    of.is_some_and(|(table, column)| !ctx.is_new_table(table) && ctx.earlier().any(|item| exchanges(item, table, &column)))
}

/// Whether it is about a constraint or an index that the release itself brings to a table of old clients: those may come in contract.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is about a constraint or an index alone")]
fn rests_on_a_rule_to_come(ctx: &Context<'_>, change: &Change) -> bool {
    if is_of_a_column_to_come(ctx, change) {
        return true;
    }
    let named = match change {
        Change::Comment { object, .. } if object.kind == ObjectKind::TableConstraint => {
            object.detail.as_ref().map(|name| Named::Constraint(object.name.clone(), Identifier::from(name.as_str())))
        }
        Change::Comment { object, .. } if object.kind == ObjectKind::Index => Some(Named::Index(object.name.clone())),
        Change::SetReplicaIdentity { table, identity: ReplicaIdentity::Index(index) } => Some(Named::Index(table.sibling(index.clone()))),
        Change::ClusterOn { table, index: Some(index) } => Some(Named::Index(table.sibling(index.clone()))),
        _ => None,
    };
    // The index behind a constraint has its name.
    let makes = |item: &Item, named: &Named| match (item.named(), named) {
        (Some((Act::Creates, made)), named) if &made == named => true,
        (Some((Act::Creates, Named::Constraint(table, constraint))), Named::Index(index)) => &table.sibling(constraint) == index,
        (Some(_) | None, _) => false,
    };
    named.is_some_and(|named| ctx.earlier().any(|item| makes(item, &named)))
}

/// A right that is taken and given again in one release is given in expand, if it wasn't there, and taken in contract: then what the
/// later statements give is given once more.
fn granted_again(ctx: &Context<'_>, change: &Change, mut draft: Draft) -> Draft {
    let Change::Revoke { grant: taken, .. } = change else { return draft };
    let later = ctx.release.iter().skip_while(|item| !std::ptr::eq(*item, ctx.item));
    for item in later {
        if matches!(&item.planned, Planned::Change(Change::Grant(given)) if given.object == taken.object && given.grantee == taken.grantee)
            && !draft.sql.contains(&item.statement)
        {
            draft.sql.extend(super::statement::sql_of(item));
        }
    }
    draft
}

/// In contract. Triggers go first there: their code may name what else does. One that isn't known may be there all the same,
/// made by a function.
fn remove(ctx: &Context<'_>, change: &Change) -> Recipe {
    let gone = ctx.before.triggers.keys().filter(|key| ctx.after.tables.contains_key(&key.0) && !ctx.after.triggers.contains_key(*key));
    let mut triggers: BTreeSet<(Name, Identifier)> = gone.cloned().collect();
    if let Change::DropTrigger { table, trigger, .. } = change {
        triggers.insert((table.clone(), trigger.clone()));
    }
    let draft = granted_again(ctx, change, removing(ctx, change));
    if triggers.is_empty() || matches!(change, Change::DropTable { .. }) {
        return Recipe::contract(draft);
    }
    let draft = triggers.into_iter().fold(draft, |draft, (table, trigger)| {
        let fires = format!("until contract, writes of new clients to {table} fire trigger {trigger} too");
        draft.hazard(HazardKind::NewClientsReadOldValues, fires)
    });
    Recipe { first_to_contract: vec![draft], ..Recipe::default() }
}

/// With all that CASCADE takes along, by name: tables among it lose their rows.
fn removing(ctx: &Context<'_>, change: &Change) -> Draft {
    let draft = step(ctx)
        .because("no client that uses it is left")
        .final_losing("what is dropped")
        .hazard(HazardKind::NoUndo, "what is dropped can't be brought back by undo");
    let draft = match until_then(change) {
        Some(detail) => draft.hazard(HazardKind::NewClientsReadOldValues, detail),
        None => draft,
    };
    let draft = match change {
        Change::DetachPartition { partition, .. } => {
            draft.hazard(HazardKind::RefusesWrites, format!("until then {partition} refuses rows outside of its bounds to new clients too"))
        }
        _ => draft,
    };
    let draft = without_default(ctx).into_iter().fold(draft, |draft, column| {
        draft.hazard(
            HazardKind::NewClientsReadOldValues,
            format!("until then rows of new clients get the default of {column} that goes with it"),
        )
    });
    let dropped = match change {
        Change::DropObject { object, .. } => object.name.clone(),
        other => other.relation().cloned().unwrap_or_else(|| Name::unqualified("")),
    };
    let mut gone = dependents::gone(ctx.before, ctx.after, &dropped);
    if let Change::DropTrigger { table, trigger, .. } = change {
        gone.retain(|name| *name != format!("trigger {trigger} of {table}"));
    }
    let draft = match gone.as_slice() {
        [] => draft,
        names => draft.hazard(HazardKind::DropsDependents, format!("gone with it: {}", names.join(", "))),
    };
    let lost: Vec<String> =
        gone.into_iter().filter_map(|name| name.strip_prefix("table ").or(name.strip_prefix("column ")).map(str::to_owned)).collect();
    match lost.as_slice() {
        [] => draft,
        names => draft.hazard(HazardKind::DataLoss, format!("the values of {} are gone", names.join(", "))),
    }
}

/// Columns that stay, and whose default goes with what is dropped.
fn without_default(ctx: &Context<'_>) -> Vec<String> {
    let tables = ctx.before.tables.values().filter_map(|table| Some((table, ctx.after.tables.get(&table.name)?)));
    let lose = |(before, after): (&'_ std::sync::Arc<Table>, &'_ std::sync::Arc<Table>)| {
        let has_none = |column: &&Column| after.column(&column.name).is_some_and(|after| after.default.is_none());
        let columns = before.columns.iter().filter(|column| column.default.is_some()).filter(has_none);
        columns.map(|column| format!("{}.{}", before.name, column.name)).collect::<Vec<_>>()
    };
    tables.flat_map(lose).collect()
}

/// What new clients meet until it is gone.
#[expect(clippy::wildcard_enum_match_arm, reason = "new clients don't meet the rest")]
fn until_then(change: &Change) -> Option<String> {
    match change {
        Change::DetachPartition { table, partition, .. } => Some(format!("until then new clients find the rows of {partition} in {table}")),
        Change::DropInheritance { table, parent } => Some(format!("until then new clients find the rows of {table} in {parent}")),
        _ => None,
    }
}

fn opaque(ctx: &Context<'_>, change: &Change) -> Refusal {
    let reason = match change {
        Change::Opaque { reason, .. } => reason.as_str(),
        _ => "it can't be read",
    };
    ctx.refuse(
        format!("what this statement does can't be told: {reason}"),
        "say in which phase it is safe, in a comment above it:\n-- concertina: phase expand\n(or `migrate`, or `contract`)",
    )
}

fn special(ctx: &Context<'_>, change: &Change) -> Result<Option<Recipe>, Refusal> {
    Ok(Some(match change {
        Change::DropDefault { table, column, .. } => change_default::drop(ctx, table, column)?,
        Change::SetDefault { table, column, default, .. } => change_default::set(ctx, table, column, default)?,
        // The swap to another primary key lets go of the column.
        Change::DropNotNull { table, column } if is_in_old_key(ctx, table, column) && is_replaced_later(ctx, table) => Recipe::default(),
        Change::DropNotNull { table, column } if is_in_old_key(ctx, table, column) => Recipe::contract(
            step(ctx)
                .because("it is part of the primary key of old clients until then")
                .hazard(HazardKind::RefusesWrites, format!("until then NULL in {column} is refused to new clients too")),
        ),
        Change::DropNotNull { .. } => Recipe::expand(step(ctx).because("new clients may leave the column out").hazard(
            HazardKind::OldClientsReadNewValues,
            "old clients may read NULL once new clients write it, and going back to the old release needs such rows filled first",
        )),
        Change::Revoke { grant, .. } if is_new_object(ctx, &grant.object) => Recipe::expand(
            step(ctx).because("what it is about is new in this release: nobody has used that right").final_losing("the right"),
        ),
        Change::ValidateConstraint { table, constraint } => validate(ctx, table, constraint),
        Change::AddConstraintUsingIndex { .. } => Recipe::contract(
            step(ctx)
                .because("the index enforces it already; ON CONFLICT ON CONSTRAINT of new clients needs it")
                .hazard(HazardKind::RefusesWrites, "NULL may be refused from here on"),
        ),
        Change::CreateView { view, on_conflict: OnConflict::Replace, .. } if !ctx.old.views.contains_key(&view.name) => {
            expand(ctx, "old clients don't see it")
        }
        Change::CreateView { on_conflict: OnConflict::Replace, .. } => once_filled(
            ctx,
            step(ctx)
                .because("the database lets a view that is replaced only gain columns")
                .hazard(HazardKind::OldClientsReadNewValues, "old clients read through the new definition"),
        ),
        // It holds what its query gives when it is made.
        Change::CreateView { view, .. } if view.materialized && late::is_late(ctx, change) => {
            Recipe::migrate(step(ctx).because("it keeps the rows as the statements before it leave them"))
        }
        Change::CreateRoutine { routine, on_conflict: OnConflict::Replace }
            if !ctx.old.routines.contains_key(&(routine.name.clone(), routine.arguments.clone())) =>
        {
            expand(ctx, "old clients don't call it")
        }
        Change::CreateRoutine { routine, on_conflict: OnConflict::Replace } => replaced_body(ctx, &routine.name)?,
        Change::AlterObject { object, .. } if is_routine(object.kind) && ctx.old.routines_named(&object.name).next().is_none() => {
            expand(ctx, "old clients don't call it")
        }
        Change::AlterObject { object, .. } if is_routine(object.kind) => replaced_body(ctx, &object.name)?,
        Change::CreateTrigger { trigger, .. } => {
            super::triggered::refuse_twice(ctx, trigger)?;
            new_trigger(ctx, change, trigger)
        }
        Change::AlterSequence { owned_by: Some(Some((table, column))), .. } if ctx.is_retyped(table, column) => {
            Recipe::contract(step(ctx).because("the column that it then belongs to has taken the place of the one before"))
        }
        _ => return Ok(None),
    }))
}

/// In expand, unless the release's own writes before it must not fire it, or its function needs a table that is made later.
fn new_trigger(ctx: &Context<'_>, change: &Change, trigger: &Trigger) -> Recipe {
    let fires = format!("writes of old clients to {} fire it too", trigger.table);
    let step = step(ctx).hazard(HazardKind::OldClientsReadNewValues, fires);
    let mut runs = ctx.new.routines_named(&trigger.function);
    if late::is_late(ctx, change) {
        Recipe::migrate(step.because("new clients rely on it, and the release's own writes before it don't fire it"))
    } else if runs.any(|routine| needs_later_table(ctx, &write::text(&routine.definition))) {
        Recipe {
            last: vec![step.because("new clients rely on it, and its function needs a table that is made first")],
            ..Recipe::default()
        }
    } else {
        Recipe::expand(step.because("new clients rely on it"))
    }
}

/// Whether the primary key that the release found, and that goes in contract, has the column.
fn is_in_old_key(ctx: &Context<'_>, table: &Name, column: &Identifier) -> bool {
    let old = ctx.old.tables.get(ctx.name_before_release(table));
    old.and_then(|old| old.primary_key()).is_some_and(|key| key.columns.contains(column))
}

/// Whether a statement after this one gives the table another primary key in place of the one that is dropped.
fn is_replaced_later(ctx: &Context<'_>, table: &Name) -> bool {
    ctx.later().filter(|item| item.instead_of.is_some()).any(|item| match &item.planned {
        Planned::Change(Change::AddConstraint { table: on, constraint }) => {
            on == table && matches!(constraint.kind, ConstraintKind::PrimaryKey(_))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// In expand: old clients call the new body too.
fn replaced_body(ctx: &Context<'_>, function: &Name) -> Result<Recipe, Refusal> {
    if let Some(trigger) = dropped_caller(ctx, function) {
        return Err(ctx.refuse(
            format!(
                "trigger {} of {} goes on running the function after this, and may not be able to run it as it will be",
                trigger.name, trigger.table
            ),
            "give the new function another name, or end the trigger before this statement, in expand: by a DROP with \
             `-- concertina: phase expand` above it, or by the CREATE TRIGGER that takes its place",
        ));
    }
    if let Some((item, table)) = key_to_come(ctx) {
        return Err(ctx.refuse(
            format!(
                "the function rests on a unique key of {table} by ON CONFLICT, which comes only in contract ({}:{}): until then each call fails",
                item.origin.file, item.origin.line
            ),
            "add the key in a release before this one",
        ));
    }
    if let Some(built) = built_by(ctx.before, function) {
        return Err(ctx.refuse(
            format!("{built} is made of what {} gives: with another body it would hold values that the function no longer gives", function.name),
            "give the new function another name, build the index or the column anew with that, and drop the old ones in the next release; if \
             both bodies give the same, say so with `-- concertina: phase expand` above the statement",
        ));
    }
    let replace = step(ctx)
        .because("the signature stays; what it does must serve old clients too")
        .hazard(HazardKind::OldClientsReadNewValues, "old clients call it as it is from here on");
    Ok(if needs_later_table(ctx, &ctx.item.statement) {
        Recipe { last: vec![replace], ..Recipe::default() }
    } else {
        once_filled(ctx, replace)
    })
}

/// A unique key that the release adds to a table of old clients, for a function that says ON CONFLICT of that table.
fn key_to_come<'a>(ctx: &Context<'a>) -> Option<(&'a Item, Name)> {
    let text = &ctx.item.statement;
    if !has_word(text, "conflict") {
        return None;
    }
    ctx.release.iter().find_map(|item| {
        let table = match &item.planned {
            Planned::Change(Change::CreateIndex { index, .. }) if index.uniqueness == Uniqueness::Unique => &index.table,
            Planned::Change(Change::AddConstraint { table, constraint })
                if matches!(constraint.kind, ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_)) =>
            {
                table
            }
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => return None,
        };
        (!ctx.is_new_table(table) && has_word(text, table.name.as_str())).then(|| (item, table.clone()))
    })
}

/// Whether the text of a function names a table that a later statement makes.
fn needs_later_table(ctx: &Context<'_>, text: &str) -> bool {
    let makes = |item: &Item| match &item.planned {
        Planned::Change(Change::CreateTable(create)) => has_word(text, create.table.name.name.as_str()),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    ctx.later().any(makes)
}

/// In expand, unless what it reads is filled first.
pub(super) fn once_filled(ctx: &Context<'_>, draft: Draft) -> Recipe {
    if reads_what_is_filled(ctx) { Recipe::migrate(draft) } else { Recipe::expand(draft) }
}

/// Whether the statement names a column that the release fills: until then, what it reads there is NULL.
fn reads_what_is_filled(ctx: &Context<'_>) -> bool {
    let filled = |item: &Item| match &item.planned {
        Planned::Change(Change::RenameColumn { to, .. }) => Some(to.clone()),
        Planned::FilledColumn { add, .. } => Some(add.column.name.clone()),
        Planned::Change(_) | Planned::EnumSwap(_) => None,
    };
    ctx.earlier().filter_map(filled).any(|column| has_word(&ctx.item.statement, column.as_str()))
}

/// Whether the release makes it: a table, a view, a sequence, a function, a schema.
fn is_new_object(ctx: &Context<'_>, object: &ObjectRef) -> bool {
    let name = &object.name;
    if is_routine(object.kind) {
        return ctx.old.routines.keys().all(|(known, _)| known != name) && ctx.new.routines.keys().any(|(known, _)| known == name);
    }
    ctx.before.relation_kind(name).is_some() && ctx.old.relation_kind(name).is_none() && ctx.name_before_release(name) == name
}

/// What the database has computed with the function, and keeps: an index, or a stored column.
fn built_by(catalog: &Catalog, function: &Name) -> Option<String> {
    let calls = |sql: &Sql| sql.parts.iter().any(|part| matches!(part, Part::Function(name) if name == function));
    let by_index = |index: &Index| {
        let key = |element: &IndexElement| matches!(&element.key, IndexKey::Expression(sql) if calls(sql));
        index.elements.iter().any(key) || index.predicate.as_ref().is_some_and(calls)
    };
    let index = catalog.indexes.iter().find(|(_, index)| by_index(index)).map(|(name, _)| format!("index {}", name.name));
    let made = index.or_else(|| {
        let columns = catalog.tables.values().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let mut made = columns.filter(|(_, column)| column.generated.as_ref().is_some_and(|made| calls(&made.expression)));
        made.next().map(|(table, column)| format!("{}.{}", table.name, column.name))
    });
    made.or_else(|| {
        let rules = catalog.tables.values().flat_map(|table| table.constraints.iter().map(move |constraint| (table, constraint)));
        let mut asking =
            rules.filter(|(_, constraint)| matches!(&constraint.kind, ConstraintKind::Check { expression } if calls(expression)));
        asking
            .next()
            .map(|(table, constraint)| format!("CHECK {} of {}", constraint.name.as_ref().map_or("", Identifier::as_str), table.name))
    })
}

/// A trigger of old clients that calls the function, and that the release drops in contract, without another one there.
fn dropped_caller<'a>(ctx: &Context<'a>, function: &Name) -> Option<&'a Trigger> {
    let moved =
        |item: &Item| item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Phase(_) | DirectiveKind::Strategy(_)));
    let drops = |change: &Change, on: &Name, name: &Identifier| matches!(change, Change::DropTrigger { table, trigger, .. } if table == on && trigger == name);
    let dropped_by =
        |item: &Item, on: &Name, name: &Identifier| matches!(&item.planned, Planned::Change(change) if drops(change, on, name));
    // The trigger that takes its place may run the same.
    let replaced_by = |item: &Item, on: &Name, name: &Identifier| {
        let otherwise = !matches!(&item.planned, Planned::Change(Change::CreateTrigger { trigger, .. }) if &trigger.function == function);
        otherwise && item.instead_of.as_deref().is_some_and(|change| drops(change, on, name))
    };
    let dropped = |on: &Name, name: &Identifier| {
        ctx.earlier().any(|item| dropped_by(item, on, name) && !moved(item))
            || ctx.later().any(|item| dropped_by(item, on, name) || replaced_by(item, on, name))
    };
    let goes_on = |on: &Name| ctx.new.triggers.values().any(|trigger| &trigger.table == on && &trigger.function == function);
    let calls = |trigger: &&Trigger| &trigger.function == function && dropped(&trigger.table, &trigger.name) && !goes_on(&trigger.table);
    ctx.old.triggers.values().map(AsRef::as_ref).find(calls)
}

/// After the step that adds the constraint, wherever that is.
fn validate(ctx: &Context<'_>, table: &Name, constraint: &Identifier) -> Recipe {
    let mut draft = super::set_not_null::validate(table, constraint, &format!("{table}.{constraint}"));
    draft = draft.because("readers and writers go on while the table is read");
    let old = ctx.old.tables.get(ctx.name_before_release(table)).and_then(|old| old.constraint(constraint));
    let again = ctx.is_made_before(&Named::Constraint(table.clone(), constraint.clone()));
    match old {
        Some(old) if !again => {
            let relation = write::name(table);
            let back = [
                format!("ALTER TABLE {relation} DROP CONSTRAINT {}", write::identifier(constraint)),
                format!("ALTER TABLE {relation} ADD {}", write::constraint(old)),
            ];
            let lock =
                old.foreign_key().map(|key| format!("LOCK TABLE {}, {relation} IN ACCESS EXCLUSIVE MODE", write::name(&key.references)));
            let back = lock.into_iter().chain(back).collect();
            Recipe::migrate(if old.validity == Validity::NotValid { draft.undone_by(back) } else { draft })
        }
        // SET NOT NULL, as which it is planned, leaves nothing to validate.
        None if ctx.earlier().any(|item| is_not_null(item, table, constraint)) => Recipe::default(),
        // It comes in contract, in its new shape.
        Some(_) | None => Recipe::contract(draft),
    }
}

fn is_not_null(item: &Item, table: &Name, name: &Identifier) -> bool {
    matches!(&item.planned, Planned::Change(Change::AddConstraint { table: on, constraint })
        if on == table && constraint.name.as_ref() == Some(name) && matches!(constraint.kind, ConstraintKind::NotNull { .. }))
}
