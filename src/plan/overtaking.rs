//! Statements that a directive puts before or after others which they need, or which need them.

use std::collections::BTreeSet;

use super::draft::{Draft, path};
use super::recipe::company::has_word;
use super::recipe::{Context, Recipe, as_written};
use super::refusal::Refusal;
use super::release::{Act, Item, Named, Planned};
use crate::schema::change::Verb;
use crate::schema::{Change, Constraint, Identifier, Part};
use crate::sql::directive::{PhaseName, Strategy};

/// `strategy direct` runs a statement in expand, before what earlier ones about the same table have left to migrate or contract.
pub(super) fn overtakes(ctx: &Context<'_>, recipe: &Recipe, earlier: &[(&Item, Recipe)]) -> Option<Refusal> {
    if ctx.strategy() != Some(Strategy::Direct) {
        return None;
    }
    let locked =
        |drafts: &[Draft]| -> BTreeSet<String> { drafts.iter().flat_map(|draft| &draft.locks).map(|lock| lock.relation.clone()).collect() };
    let own = locked(&recipe.expand);
    let reads = |item: &Item| match &item.planned {
        Planned::Change(Change::DropObject { object, .. }) => {
            let view = item.before.views.get(&object.name);
            view.is_some_and(|view| view.query.parts.iter().any(|part| matches!(part, Part::Relation(name) if own.contains(&path(name)))))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    let late = |(item, recipe): &&(&Item, Recipe)| {
        let later: Vec<&Vec<Draft>> = vec![&recipe.migrate, &recipe.last, &recipe.first_to_contract, &recipe.contract];
        later.iter().any(|drafts| !drafts.is_empty() && (reads(item) || !locked(drafts).is_disjoint(&own)))
    };
    let (other, _) = earlier.iter().find(late)?;
    Some(ctx.refuse(
        format!(
            "a statement before it about the same table ({}:{}) is done after expand, where `strategy direct` runs this one",
            other.origin.file, other.origin.line
        ),
        "if this one needs that, write `-- concertina: strategy direct` above it too; if not, put it behind this one, or into another release",
    ))
}

/// A directive puts a statement into a later phase, and this one, which needs it, is done before.
pub(super) fn left_behind(ctx: &Context<'_>, recipe: &Recipe, earlier: &[(&Item, Recipe)]) -> Option<Refusal> {
    let is_before = |phase: PhaseName| match phase {
        PhaseName::Expand => false,
        PhaseName::Migrate => !recipe.expand.is_empty(),
        PhaseName::Contract => acts_before_contract(recipe),
    };
    let late =
        |item: &&Item| as_written::phase_of(item).is_some_and(is_before) && (names_what_it_makes(ctx, item) || deletes_before(ctx, item));
    let other = earlier.iter().map(|(item, _)| *item).find(late)?;
    Some(ctx.refuse(
        format!("it needs a statement before it ({}:{}), which a directive puts into a later phase", other.origin.file, other.origin.line),
        "write a directive with the same phase above this one too, or take the one above the other away",
    ))
}

fn acts_before_contract(recipe: &Recipe) -> bool {
    [&recipe.expand, &recipe.migrate, &recipe.last].iter().any(|drafts| !drafts.is_empty())
}

/// What this one makes is dropped before by a statement that is done after it.
pub(super) fn taken_away(ctx: &Context<'_>, recipe: &Recipe, earlier: &[(&Item, Recipe)]) -> Option<Refusal> {
    let Some((Act::Creates, made)) = ctx.item.named() else { return None };
    if !acts_before_contract(recipe) {
        return None;
    }
    let drops = |(item, recipe): &&(&Item, Recipe)| {
        item.named() == Some((Act::Drops, made.clone())) && !(recipe.contract.is_empty() && recipe.held.is_empty())
    };
    let (other, _) = earlier.iter().find(drops)?;
    Some(ctx.refuse(
        format!(
            "a statement before it ({}:{}) drops what has this name in contract, after this one is done",
            other.origin.file, other.origin.line
        ),
        "write the same directive above both statements, or above none of them",
    ))
}

/// Whether the statement says a name that the other one gives.
fn names_what_it_makes(ctx: &Context<'_>, other: &Item) -> bool {
    let made: Option<Identifier> = match &other.planned {
        Planned::Change(Change::RenameTable { to, .. } | Change::RenameObject { to, .. } | Change::RenameColumn { to, .. }) => {
            Some(to.clone())
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => match other.named() {
            Some((
                Act::Creates,
                Named::Table(name) | Named::View(name) | Named::Sequence(name) | Named::Type(name) | Named::Routine(name, _),
            )) => Some(name.name),
            Some(_) | None => None,
        },
    };
    made.is_some_and(|name| has_word(&ctx.item.statement, name.as_str()))
}

/// Whether the other one deletes rows that reference rows which this one deletes.
fn deletes_before(ctx: &Context<'_>, other: &Item) -> bool {
    let (Planned::Change(Change::Data(other)), Planned::Change(Change::Data(data))) = (&other.planned, &ctx.item.planned) else {
        return false;
    };
    let removes = |verb: Verb| matches!(verb, Verb::Delete | Verb::Truncate);
    let keys = other.writes.iter().filter_map(|table| ctx.before.tables.get(table)).flat_map(|table| &table.constraints);
    let mut referenced = keys.filter_map(Constraint::foreign_key).map(|key| &key.references);
    removes(other.verb) && removes(data.verb) && referenced.any(|table| data.writes.contains(table))
}
