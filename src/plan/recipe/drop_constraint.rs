//! DROP CONSTRAINT: a rule less is loosening and goes into expand; a key that ON CONFLICT or foreign keys need stays until contract.

use super::{Context, Recipe, drop_index};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::change::DropBehavior;
use crate::schema::{Constraint, ConstraintKind, Identifier, Name};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table: &Name, name: &Identifier, behavior: DropBehavior) -> Result<Recipe, Refusal> {
    let Some(constraint) = ctx.table(table)?.constraint(name) else {
        return Ok(Recipe::default());
    };
    let cascade = if behavior == DropBehavior::Cascade { " CASCADE" } else { "" };
    let relation = write::name(table);
    let mut sql = vec![format!("ALTER TABLE {relation} DROP CONSTRAINT {}{cascade}", write::identifier(name))];
    if let ConstraintKind::ForeignKey(key) = &constraint.kind
        && &key.references != table
    {
        // The drop locks both tables; clients touch the referenced one first.
        sql.insert(0, format!("LOCK TABLE {}, {relation} IN ACCESS EXCLUSIVE MODE", write::name(&key.references)));
    }
    let mut draft = Draft::own(format!("{table}.{name}"), "drop-constraint", format!("drop {name} of {table}"), sql)
        .locks(table, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::constraint_gone(table, name));
    if let ConstraintKind::ForeignKey(key) = &constraint.kind {
        draft = draft.locks(&key.references, LockMode::AccessExclusive, Held::Brief);
    }
    Ok(match &constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => {
            let draft = draft.undone_by(restore(table, constraint)).hazard(
                HazardKind::OldClientsReadNewValues,
                format!("old clients may read rows that {name} would have refused, once new clients write them"),
            );
            Recipe::expand(draft.because("new clients write what it refuses; old clients' writes obey it anyway"))
        }
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => Recipe::contract(
            draft
                .final_losing(format!("the guarantee of {name}: duplicates may come"))
                .because("ON CONFLICT clauses of old clients need it until then")
                .hazard(HazardKind::RefusesWrites, drop_index::still(name)),
        ),
    })
}

/// Back again, for rows written from then on: rows that came meanwhile may break it.
fn restore(table: &Name, constraint: &Constraint) -> Vec<String> {
    let relation = write::name(table);
    let name = constraint.name.as_ref().map(write::identifier).unwrap_or_default();
    let whole = vec![format!("ALTER TABLE {relation} ADD {}", write::constraint(constraint))];
    match &constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) if constraint.validity == crate::schema::Validity::Valid => {
            let unchecked = Constraint { validity: crate::schema::Validity::NotValid, ..constraint.clone() };
            vec![
                format!("ALTER TABLE {relation} ADD {}", write::constraint(&unchecked)),
                format!("ALTER TABLE {relation} VALIDATE CONSTRAINT {name}"),
            ]
        }
        ConstraintKind::Check { .. }
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::Exclude(_) => whole,
    }
}
