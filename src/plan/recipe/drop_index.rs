//! DROP INDEX: in contract, CONCURRENTLY. Old clients' queries may need its speed, and their ON CONFLICT its uniqueness.

use super::{Context, Recipe};
use crate::engine::{Held, LockMode};
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::Named;
use crate::schema::change::Concurrency;
use crate::schema::{Identifier, Index, Lookup, Name, TableKind, Uniqueness};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, name: &Name) -> Result<Recipe, Refusal> {
    let Some(index) = ctx.before.indexes.get(name) else {
        // IF EXISTS, and it isn't there; without, history has reported it.
        return Ok(Recipe::default());
    };
    if let Some(constraint) = &index.constraint {
        return Err(ctx.refuse(
            format!("index {} belongs to the constraint {constraint} of {}", name.name, index.table),
            format!(
                "drop the constraint instead: ALTER TABLE {} DROP CONSTRAINT {}",
                write::name(&index.table),
                write::identifier(constraint)
            ),
        ));
    }
    if let Lookup::Known(table) = ctx.before.table(&index.table)
        && (matches!(table.kind, TableKind::Partitioned { .. }) || index.parent.is_some())
    {
        return Err(ctx.refuse(
            format!("index {} is partitioned: it can't be dropped CONCURRENTLY", name.name),
            "accept the lock with `-- concertina: strategy direct`",
        ));
    }
    if ctx.is_made_before(&Named::Index(name.clone())) && index.uniqueness == Uniqueness::Plain {
        return Ok(Recipe::expand(drop(index, name).because("the release itself has built it, so no old client needs it")));
    }
    let step = drop(index, name).because("queries and ON CONFLICT clauses of old clients may need it until then");
    // CASCADE ends foreign keys that need the index, which CONCURRENTLY can't.
    let mut recipe = dependents::end_lost_foreign_keys(ctx)?;
    recipe.contract.push(if index.uniqueness == Uniqueness::Unique {
        step.hazard(HazardKind::RefusesWrites, still(&name.name))
    } else {
        step
    });
    Ok(recipe)
}

/// What new clients meet until a unique key is gone.
pub(crate) fn still(name: &Identifier) -> String {
    format!(
        "until then {name} refuses duplicates of new clients too; where no old client has an ON CONFLICT on it, `phase expand` drops it before"
    )
}

/// DROP INDEX CONCURRENTLY.
pub(crate) fn drop(index: &Index, name: &Name) -> Draft {
    let mut rebuilt = index.clone();
    rebuilt.name = Some(name.name.clone());
    Draft::autocommit(
        format!("{}.{}", index.table, name.name),
        "drop-index",
        format!("drop index {} of {}", name.name, index.table),
        format!("DROP INDEX CONCURRENTLY IF EXISTS {}", write::name(name)),
    )
    .locks(&index.table, LockMode::ShareUpdateExclusive, Held::Brief)
    .probed(probe::relation_gone(name))
    .undone_outside_a_transaction_by(write::create_index(&rebuilt, Concurrency::Concurrently))
}
