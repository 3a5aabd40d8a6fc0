//! Children in the old way of inheritance: what is done to a table is done to them, so they are locked with it.

use super::draft::{Draft, path};
use super::format::{LockMode, Transaction};
use super::recipe::{Context, Recipe};
use crate::schema::Name;

/// Declares the locks of children beside those of their parents.
pub(crate) fn lock_children(ctx: &Context<'_>, recipe: &mut Recipe) {
    let has_children = |catalog: &crate::schema::Catalog| catalog.tables.values().any(|table| !table.parents.is_empty());
    if !has_children(ctx.before) && !has_children(ctx.old) {
        return;
    }
    for draft in recipe.steps_mut() {
        // An index is built on the table alone.
        if draft.transaction != Transaction::None {
            *draft = with_children(ctx, draft.clone());
        }
    }
}

fn with_children(ctx: &Context<'_>, draft: Draft) -> Draft {
    let mut draft = draft;
    let mut at = 0;
    while let Some(lock) = draft.locks.get(at).cloned() {
        at += 1;
        let recurses = lock.mode >= LockMode::ShareUpdateExclusive || lock.mode == LockMode::RowExclusive;
        for child in children(ctx, &lock.relation).into_iter().filter(|_| recurses) {
            draft = draft.locks(&child, lock.mode, lock.held);
        }
    }
    draft
}

fn children(ctx: &Context<'_>, relation: &str) -> Vec<Name> {
    let tables = ctx.before.tables.values().chain(ctx.old.tables.values());
    let of_it = tables.filter(|table| table.parents.iter().any(|parent| path(parent) == relation));
    of_it.map(|table| table.name.clone()).filter(|name| !ctx.is_new_table(name)).collect()
}
