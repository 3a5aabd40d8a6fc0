//! A foreign key with another action or timing: one for the other in a single transaction. Every row obeys it already.

use super::super::set_not_null::validate;
use super::super::{Context, Recipe, add_foreign_key, drop_constraint};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::schema::{Constraint, ForeignKey, Identifier, Name, ReferentialAction, TableKind, Validity};
use crate::sql::write;

/// Both shapes of the constraint.
pub(super) struct Two<'a> {
    pub(super) old: &'a Constraint,
    pub(super) new: &'a Constraint,
    pub(super) before: &'a ForeignKey,
    pub(super) key: &'a ForeignKey,
}

pub(super) fn plan(ctx: &Context<'_>, table: &Name, name: &Identifier, two: &Two<'_>) -> Result<Recipe, Refusal> {
    let same = two.before.columns == two.key.columns
        && two.before.references == two.key.references
        && (two.key.referenced_columns.is_empty() || two.before.referenced_columns == two.key.referenced_columns);
    if !same {
        // They share nothing but the name: the old one is let go, and the new one comes when nobody breaks it.
        let mut recipe = drop_constraint::plan(ctx, table, name, crate::schema::change::DropBehavior::Restrict)?;
        recipe.append(add_foreign_key::plan(ctx, table, two.new, two.key)?);
        return Ok(recipe);
    }
    if matches!(ctx.table(table)?.kind, TableKind::Partitioned { .. }) && ctx.major() < 18 {
        return Err(ctx.refuse(
            format!("{table} is partitioned: before PostgreSQL 18 a foreign key on it can't be added NOT VALID"),
            "accept the lock with `-- concertina: strategy direct` above both statements",
        ));
    }
    let relation = write::name(table);
    let quoted = write::identifier(name);
    let tables = if &two.key.references == table { relation.clone() } else { format!("{}, {relation}", write::name(&two.key.references)) };
    let exchange = |to: &Constraint| {
        let unchecked = Constraint { validity: Validity::NotValid, ..to.clone() };
        vec![
            format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"),
            format!("ALTER TABLE {relation} DROP CONSTRAINT {quoted}"),
            format!("ALTER TABLE {relation} ADD {}", write::constraint(&unchecked)),
        ]
    };
    let mut undo = exchange(two.old);
    if two.old.validity == Validity::Valid {
        undo.push(format!("ALTER TABLE {relation} VALIDATE CONSTRAINT {quoted}"));
    }
    let mut replace = Draft::own(
        format!("{table}.{name}"),
        "replace-foreign-key",
        format!("replace foreign key {name} of {table} by the one with the other rules"),
        exchange(two.new),
    )
    .locks(table, LockMode::AccessExclusive, Held::Brief)
    .locks(&two.key.references, LockMode::AccessExclusive, Held::Brief)
    .undone_by(undo);
    let checked = || {
        let mut steps = Vec::new();
        if two.new.validity == Validity::Valid {
            steps.push(validate(table, name, &format!("{table}.{name}")).locks(&two.key.references, LockMode::RowShare, Held::Scan));
        }
        steps
    };
    if loosens(two) {
        replace = replace.because("what old clients do stays allowed, and new clients rely on the new rules").hazard(
            HazardKind::OldClientsReadNewValues,
            format!("a DELETE or UPDATE in {} that old clients expect to be refused has the new effect", two.key.references),
        );
        return Ok(Recipe { expand: vec![replace], migrate: checked(), ..Recipe::default() });
    }
    replace = replace.because("old clients rely on the old rules until then").hazard(
        HazardKind::RefusesWrites,
        format!("until then the old rules hold for new clients too when they delete rows of {} or change keys there", two.key.references),
    );
    if two.before.on_delete == ReferentialAction::Cascade && two.key.on_delete != ReferentialAction::Cascade {
        let detail = format!("until then a DELETE in {} takes the rows of {table} along, for new clients too", two.key.references);
        replace = replace.hazard(HazardKind::DataLoss, detail);
    }
    let mut contract = vec![replace];
    contract.extend(checked());
    // What the old rules write must end before a rule that refuses it begins: SET NULL before SET NOT NULL.
    Ok(if writes(two.before) {
        Recipe { first_to_contract: contract, ..Recipe::default() }
    } else {
        Recipe { contract, ..Recipe::default() }
    })
}

/// Whether it gives referencing columns another value.
fn writes(key: &ForeignKey) -> bool {
    [key.on_delete, key.on_update].iter().any(|action| matches!(action, ReferentialAction::SetNull | ReferentialAction::SetDefault))
}

/// Whether all that was accepted, with the effect that it had, still is.
fn loosens(two: &Two<'_>) -> bool {
    let refuses = |action: ReferentialAction| matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict);
    let looser = |old: ReferentialAction, new: ReferentialAction| old == new || (refuses(old) && new != ReferentialAction::Restrict);
    looser(two.before.on_delete, two.key.on_delete)
        && looser(two.before.on_update, two.key.on_update)
        && two.before.on_delete_columns == two.key.on_delete_columns
        && two.before.match_full >= two.key.match_full
        && (two.old.timing == two.new.timing || two.old.timing == crate::schema::Timing::Immediate)
}
