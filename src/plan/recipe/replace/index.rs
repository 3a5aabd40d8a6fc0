//! An index over something else under the same name: built beside under a name of ours, exchanged by renaming in contract.

use super::super::{Context, Recipe, add_index, drop_index, refused, repair};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Index, IndexElement, Lookup, Name, NullsDistinct, TableKind, Uniqueness};
use crate::sql::write;

pub(super) fn plan(ctx: &Context<'_>, name: &Name, index: &Index) -> Result<Recipe, Refusal> {
    let Some(old) = ctx.before.indexes.get(name) else { return for_what_may_be_there(ctx, name, index) };
    if let Lookup::Known(table) = ctx.before.table(&index.table)
        && (matches!(table.kind, TableKind::Partitioned { .. }) || old.parent.is_some())
    {
        return Err(ctx.refuse(
            format!("index {} is partitioned: it can't be dropped CONCURRENTLY", name.name),
            "give the new index another name, or accept the lock with `-- concertina: strategy direct` above both statements",
        ));
    }
    if old.constraint.is_some() {
        return drop_index::plan(ctx, name);
    }
    if old.table != index.table {
        return Err(
            ctx.refuse(format!("index {} moves from {} to {}", name.name, old.table, index.table), "give the new index another name")
        );
    }
    let new_name = name.sibling(generated_name("new", &index.table, &name.name));
    let old_name = name.sibling(generated_name("old", &index.table, &name.name));
    let beside = Index { name: Some(new_name.name.clone()), ..index.clone() };
    let mut recipe = Recipe::default();
    let build = add_index::build(&beside);
    if index.uniqueness == Uniqueness::Plain {
        recipe.expand.push(build.because("readers and writers go on while it is built, and the old one serves old clients meanwhile"));
    } else if implied(old, index) {
        recipe.migrate.push(
            build
                .because("the old index is stricter, so nothing is refused; ON CONFLICT of new clients needs it")
                .hazard(HazardKind::RefusesWrites, format!("until contract the old {} holds for new clients too", name.name)),
        );
    } else {
        let build = build
            .because("old clients may still write duplicates until then; new clients never do")
            .hazard(HazardKind::RefusesWrites, format!("a duplicate in {} is refused as soon as the build begins", index.table));
        recipe.contract.extend(repair::of_key(ctx, &index.table, &index.columns()));
        recipe.contract.push(match add_index::duplicates(&beside) {
            Some(sql) => build.after_zero(format!("keys of {} that occur more than once", index.table), sql),
            None => build,
        });
    }
    recipe.contract.push(
        Draft::own(
            format!("{}.{}", index.table, name.name),
            "swap",
            format!("let the new index of {} take the name {}", index.table, name.name),
            vec![rename(name, &old_name), rename(&new_name, name)],
        )
        .because("queries of old clients may need the old one until then; renaming locks only the indexes")
        .locks(&index.table, LockMode::AccessShare, Held::Brief)
        .undone_by(vec![rename(name, &new_name), rename(&old_name, name)]),
    );
    let last = drop_index::drop(old, &old_name).because("the new one serves all clients");
    recipe.contract.push(match old.uniqueness {
        Uniqueness::Unique => last
            .hazard(HazardKind::RefusesWrites, format!("until then the old {} refuses duplicates that new clients may write", name.name)),
        Uniqueness::Plain => last,
    });
    Ok(recipe)
}

fn rename(from: &Name, to: &Name) -> String {
    format!("ALTER INDEX {} RENAME TO {}", write::name(from), write::identifier(&to.name))
}

/// A statement that can't be read may have made the old one: it goes if it is there.
fn for_what_may_be_there(ctx: &Context<'_>, name: &Name, index: &Index) -> Result<Recipe, Refusal> {
    let is_plain = matches!(ctx.before.table(&index.table), Lookup::Known(table) if matches!(table.kind, TableKind::Plain));
    if !is_plain || index.uniqueness == Uniqueness::Unique {
        return Err(refused::may_be_dropped_late(ctx, name.name.as_str()));
    }
    let new_name = name.sibling(generated_name("new", &index.table, &name.name));
    let subject = format!("{}.{}", index.table, name.name);
    let build = add_index::build(&Index { name: Some(new_name.name.clone()), ..index.clone() });
    let drop = Draft::autocommit(
        subject.clone(),
        "drop-index",
        format!("drop index {} of {}, if it is there", name.name, index.table),
        format!("DROP INDEX CONCURRENTLY IF EXISTS {}", write::name(name)),
    );
    let swap = format!("let the new index of {} take the name {}", index.table, name.name);
    Ok(Recipe {
        expand: vec![build.because("readers and writers go on while it is built; under the name there may be one that old clients need")],
        contract: vec![
            drop.because("an earlier statement that can't be read may have made it")
                .locks(&index.table, LockMode::ShareUpdateExclusive, Held::Brief)
                .probed(probe::relation_gone(name))
                .final_losing("the index that may have been there"),
            Draft::own(subject, "swap", swap, vec![rename(&new_name, name)])
                .because("renaming locks only the index")
                .locks(&index.table, LockMode::AccessShare, Held::Brief)
                .undone_by(vec![rename(name, &new_name)]),
        ],
        ..Recipe::default()
    })
}

/// Whether a table that obeys the old index obeys the new one by itself.
fn implied(old: &Index, new: &Index) -> bool {
    let same =
        |one: &IndexElement, other: &IndexElement| one.key == other.key && one.collation == other.collation && one.class == other.class;
    old.uniqueness == Uniqueness::Unique
        && old.predicate.is_none()
        && (new.nulls == NullsDistinct::Distinct || old.nulls == NullsDistinct::NotDistinct)
        && old.elements.iter().all(|element| new.elements.iter().any(|other| same(element, other)))
}
