//! Triggers, functions, policies and the like: one for the other in a single transaction, so that no write meets neither.

use super::super::statement::sql;
use super::super::{Context, Recipe};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::schema::object::{Routine, Trigger, signature};
use crate::schema::{Identifier, Name, ObjectKind, ObjectRef};
use crate::sql::write;

pub(super) fn trigger(ctx: &Context<'_>, trigger: &Trigger) -> Recipe {
    let old = ctx.before.triggers.get(&(trigger.table.clone(), trigger.name.clone()));
    // A statement that can't be read may have made it.
    let exists = if old.is_some() { "" } else { "IF EXISTS " };
    let drop = format!("DROP TRIGGER {exists}{} ON {}", write::identifier(&trigger.name), write::name(&trigger.table));
    let mut statements = vec![drop.clone()];
    statements.extend(sql(ctx));
    let draft = Draft::own(
        trigger.table.to_string(),
        "replace-trigger",
        format!("replace trigger {} of {}", trigger.name, trigger.table),
        statements,
    );
    let draft = match old {
        Some(old) => draft.undone_by(vec![drop, write::text(&old.definition)]),
        None => draft.final_losing("the trigger that may have been there"),
    };
    Recipe::expand(
        draft
            .because("in one transaction no write meets neither of the two")
            .locks(&trigger.table, LockMode::AccessExclusive, Held::Brief)
            .hazard(HazardKind::OldClientsReadNewValues, format!("writes of old clients to {} fire the new one too", trigger.table)),
    )
}

pub(super) fn routine(ctx: &Context<'_>, routine: &Routine) -> Result<Recipe, Refusal> {
    let old = ctx.before.routines.get(&(routine.name.clone(), routine.arguments.clone()));
    let Some(old) = old else { return Ok(Recipe::expand(super::super::statement::step(ctx).because("old clients don't call it"))) };
    let untold = old.returns.is_none() && old.kind != ObjectKind::Procedure && head(old) != head(routine);
    if untold || old.returns != routine.returns || old.kind != routine.kind {
        return Err(ctx.refuse(
            format!("{} gets another result under the same signature, and old and new clients would both call it", routine.name),
            "give the new one another name and drop the old one in the next release, or accept the break with \
             `-- concertina: strategy direct` above both statements",
        ));
    }
    if head(old) == head(routine) && !is_spoken_of(ctx, old) {
        return Ok(in_place(ctx, old));
    }
    let drop = format!("DROP ROUTINE {}({})", write::name(&routine.name), signature(&routine.arguments));
    let mut statements = vec![drop.clone()];
    statements.extend(sql(ctx));
    let mut undo = vec![drop, write::text(&old.definition)];
    undo.extend(old.alters.iter().map(write::text));
    undo.extend(write::remarks_about(ctx.before, &routine.name));
    Ok(Recipe::expand(
        Draft::own(routine.name.to_string(), "replace-function", format!("replace {}", routine.name), statements)
            .because("the signature and the result stay; the body must serve old clients too")
            .undone_by(undo)
            .hazard(HazardKind::OldClientsReadNewValues, "old clients call the new body"),
    ))
}

/// CREATE OR REPLACE instead of DROP and CREATE: what rests on the function may be there still.
fn in_place(ctx: &Context<'_>, old: &Routine) -> Recipe {
    let replaced = |text: &str| {
        let rest = text.trim_start().get("create".len()..).unwrap_or_default();
        if rest.trim_start().get(..3).is_some_and(|word| word.eq_ignore_ascii_case("or ")) {
            text.to_owned()
        } else {
            format!("CREATE OR REPLACE{rest}")
        }
    };
    let mut statements = sql(ctx);
    if let Some(create) = statements.iter_mut().find(|statement| statement.trim_start().to_lowercase().starts_with("create")) {
        *create = replaced(create);
    }
    Recipe::expand(
        Draft::own(old.name.to_string(), "replace-function", format!("replace {}", old.name), statements)
            .because("arguments and result stay; the body must serve old clients too")
            .undone_by(vec![replaced(&write::text(&old.definition))])
            .hazard(HazardKind::OldClientsReadNewValues, "old clients call the new body"),
    )
}

/// Whether a DROP would take along what is said of the function: its grants, its comment, what ALTER has set.
fn is_spoken_of(ctx: &Context<'_>, old: &Routine) -> bool {
    let catalog = ctx.before;
    !old.alters.is_empty()
        || catalog.grants.iter().any(|grant| grant.object.name == old.name)
        || catalog.revokes.iter().any(|revoke| revoke.object.name == old.name)
        || catalog.comments.keys().chain(catalog.owners.keys()).any(|object| object.name == old.name)
}

/// What stands before the body: arguments and result as they are written.
fn head(routine: &Routine) -> String {
    let text = write::text(&routine.definition).to_lowercase().replacen("create or replace", "create", 1);
    let head = text.split(['$', '\'']).next().unwrap_or_default();
    head.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn definition(ctx: &Context<'_>, object: &ObjectRef) -> Recipe {
    let drop = format!("DROP {}", write::object(object));
    let mut statements = vec![drop.clone()];
    statements.extend(sql(ctx));
    let mut undo = vec![drop];
    if let Some(old) = ctx.before.definitions.iter().find(|definition| &definition.object == object) {
        undo.push(write::text(&old.create));
        undo.extend(old.alters.iter().map(write::text));
    }
    let draft =
        Draft::own(subject(object), "replace", format!("replace {}", object.to_string().replace('`', "")), statements).undone_by(undo);
    if matches!(object.kind, ObjectKind::Policy | ObjectKind::Rule | ObjectKind::EventTrigger) {
        // What the new one refuses old clients may do until then.
        return Recipe::contract(
            on_table(draft, &object.name, object.detail.as_ref().map(|name| Identifier::from(name.as_str())).as_ref())
                .because("old clients work under the old one until then")
                .hazard(HazardKind::RefusesWrites, "until then new clients work under the old one too"),
        );
    }
    let mut draft = draft;
    draft.locks.extend(super::super::statement::step(ctx).locks);
    Recipe::expand(draft.because("clients don't see which of the two is there"))
}

fn on_table(draft: Draft, table: &Name, part: Option<&Identifier>) -> Draft {
    if part.is_some() { draft.locks(table, LockMode::AccessExclusive, Held::Brief) } else { draft }
}

fn subject(object: &ObjectRef) -> String {
    object.name.to_string()
}
