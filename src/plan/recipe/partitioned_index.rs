//! CREATE INDEX on a partitioned table: one is built CONCURRENTLY on each partition, under the name that the database would give
//! it; then the parent's is made without reading anything, and those are attached to it.

use std::sync::Arc;

use super::add_index::{build, name_of};
use super::{Context, Recipe, statement};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::change::Concurrency;
use crate::schema::{Index, Name, TableKind, Uniqueness};
use crate::sql::write;

pub(super) fn plan(ctx: &Context<'_>, index: &Index) -> Result<Recipe, Refusal> {
    if index.uniqueness == Uniqueness::Unique {
        return Err(ctx.refuse(
            format!("{} is partitioned: a unique index on it can't be built CONCURRENTLY", index.table),
            "accept the lock with `-- concertina: strategy direct`",
        ));
    }
    if index.only {
        return Ok(Recipe::expand(statement::step(ctx).because("nothing is read: it is valid once every partition has its own attached")));
    }
    let parent = name_of(index);
    let children = children(ctx, &parent);
    if let Some((name, _)) = children.iter().find(|(name, _)| ctx.before.indexes.contains_key(*name)) {
        return Err(ctx.refuse(
            format!("{} would take over the index {}, and could not give it back", parent.name, name.name),
            format!("drop {} in a release before, or accept the lock with `-- concertina: strategy direct`", name.name),
        ));
    }
    let is_leaf =
        |(_, child): &&(&Name, &Arc<Index>)| ctx.after.tables.get(&child.table).is_some_and(|table| matches!(table.kind, TableKind::Plain));
    let builds = children.iter().filter(is_leaf).map(|(name, child)| {
        let own = Index { name: Some(name.name.clone()), parent: None, ..(***child).clone() };
        build(&own).because("readers and writers go on while the index is built")
    });
    let mut recipe = Recipe { expand: builds.collect(), ..Recipe::default() };
    recipe.expand.push(attach(index, &children));
    Ok(recipe)
}

/// The indexes of partitions that become part of it, those of partitions' partitions after their parent's.
fn children<'a>(ctx: &'a Context<'_>, parent: &Name) -> Vec<(&'a Name, &'a Arc<Index>)> {
    let own = ctx.after.indexes.iter().filter(|(_, index)| index.parent.as_ref() == Some(parent));
    own.flat_map(|(name, index)| {
        let mut all = vec![(name, index)];
        all.extend(children(ctx, name));
        all
    })
    .collect()
}

fn attach(index: &Index, children: &[(&Name, &Arc<Index>)]) -> Draft {
    let parent = name_of(index);
    let create = |name: &Name, index: &Index| {
        let only = Index { name: Some(name.name.clone()), only: true, parent: None, ..index.clone() };
        write::create_index(&only, Concurrency::Blocking)
    };
    let is_branch = |name: &Name| children.iter().any(|(_, child)| child.parent.as_ref() == Some(name));
    let mut sql = vec![create(&parent, index)];
    sql.extend(children.iter().filter(|(name, _)| is_branch(name)).map(|(name, child)| create(name, child)));
    let attached = |(name, child): &(&Name, &Arc<Index>)| {
        child.parent.as_ref().map(|parent| format!("ALTER INDEX {} ATTACH PARTITION {}", write::name(parent), write::name(name)))
    };
    // The innermost first: an index is valid once all of its own are.
    sql.extend(children.iter().rev().filter_map(attached));
    let about = format!("make {} the index of {} that those of its partitions are part of", parent.name, index.table);
    let draft = Draft::own(format!("{}.{}", index.table, parent.name), "attach-index", about, sql)
        .because("each partition has its index, so nothing is read under the lock")
        .locks(&index.table, LockMode::Share, Held::Brief)
        .probed(probe::index_valid(&parent))
        .undone_by(vec![format!("DROP INDEX {}", write::name(&parent))]);
    children.iter().fold(draft, |draft, (name, child)| {
        let draft = draft.locks(name, LockMode::AccessExclusive, Held::Brief);
        if is_branch(name) { draft.locks(&child.table, LockMode::Share, Held::Brief) } else { draft }
    })
}
