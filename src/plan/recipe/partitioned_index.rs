//! CREATE INDEX on a partitioned table: one is built CONCURRENTLY on each partition, under the name that the database would give
//! it; then the parent's takes them over without reading anything.

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
    let leaves: Vec<_> = children.iter().filter(is_leaf).collect();
    let builds = leaves.iter().map(|(name, child)| {
        let own = Index { name: Some(name.name.clone()), parent: None, ..(***child).clone() };
        build(&own).because("readers and writers go on while the index is built")
    });
    let mut recipe = Recipe { expand: builds.collect(), ..Recipe::default() };
    recipe.expand.push(attach(index, &children, leaves.first().map(|(name, _)| *name)));
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

/// The parent's index by a plain CREATE INDEX: it takes over an index of the same shape wherever a partition has one, and builds the
/// others. Of those that no migration makes nothing is known, so a gate asks how large they are.
fn attach(index: &Index, children: &[(&Name, &Arc<Index>)], built: Option<&Name>) -> Draft {
    let parent = name_of(index);
    let about = format!("make {} the index of {} that those of its partitions are part of", parent.name, index.table);
    let sql = vec![write::create_index(&Index { name: Some(parent.name.clone()), ..index.clone() }, Concurrency::Blocking)];
    let draft = Draft::own(format!("{}.{}", index.table, parent.name), "attach-index", about, sql);
    let draft = if children.is_empty() {
        draft.because("no migration makes a partition, and what others have made is small").locks(&index.table, LockMode::Share, Held::Scan)
    } else {
        draft.because("each partition has its index, so nothing is read under the lock").locks(&index.table, LockMode::Share, Held::Brief)
    };
    let draft = draft
        .after_zero(
            format!(
                "large partitions of {} that no migration makes, without such an index: build it CONCURRENTLY there, by hand",
                index.table
            ),
            others(index, built),
        )
        .probed(probe::index_valid(&parent))
        .undone_by(vec![format!("DROP INDEX {}", write::name(&parent))]);
    children.iter().fold(draft, |draft, (name, child)| {
        draft.locks(name, LockMode::Share, Held::Brief).locks(&child.table, LockMode::Share, Held::Brief)
    })
}

/// How many partitions there are for which CREATE INDEX would take long. `built`: an index that a step before has built.
fn others(index: &Index, built: Option<&Name>) -> String {
    const LARGE: &str = "1048576";
    let literal = |name: &Name| format!("to_regclass({})", write::literal(&write::name(name)));
    let shape = |index: &str| format!("split_part(pg_get_indexdef({index}), ' USING ', 2)");
    let wanted = built.map_or_else(|| write::literal(&said(index)), |name| shape(&literal(name)));
    format!(
        "SELECT count(*) FROM pg_partition_tree({}) p WHERE p.isleaf AND p.level > 0 AND pg_relation_size(p.relid) > {LARGE} AND NOT \
         EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.relid AND i.indisvalid AND {} = {wanted})",
        literal(&index.table),
        shape("i.indexrelid")
    )
}

/// What the database says of such an index behind USING, as far as that can be told without one.
fn said(index: &Index) -> String {
    let elements: Vec<String> = index.elements.iter().map(write::index_element).collect();
    let include: Vec<String> = index.include.iter().map(write::identifier).collect();
    let include = if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", include.join(", ")) };
    let predicate = index.predicate.as_ref().map(|predicate| format!(" WHERE ({})", write::text(predicate))).unwrap_or_default();
    format!("{} ({}){include}{predicate}", index.method, elements.join(", "))
}
