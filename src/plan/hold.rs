//! What contract removes is first held: out of the clients' way under a name of ours, for a time in which going back loses
//! nothing. Dropping it then must not depend on what later releases call its table.

mod column;
mod table;
mod needed;
mod ended;

pub(crate) use column::{Fed, HeldColumn};
pub(crate) use ended::ended;
pub(crate) use needed::Holds;
pub(crate) use table::HeldTable;

use super::draft::{Draft, path};
use super::format::{Gate, StepId};
use super::generated::generated_name;
use super::recipe::Context;
use crate::schema::{Constraint, ConstraintKind, Identifier, Name, Table, TableKind, Validity};
use crate::sql::write;

/// How names begin of what is held.
const PREFIX: &str = "concertina_held";

/// Whether a column or a schema of that name is held, or is made of what is.
pub fn is_held(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('_'))
}

/// A name that nothing else has: not in another table, and not when the same name is used and removed again.
fn held_name(ctx: &Context<'_>, table: &Name, what: &str) -> Identifier {
    let digest = super::build::digest(format!("{}\u{0}{}\u{0}{what}", ctx.deploy, path(table)).as_bytes());
    let readable = generated_name(PREFIX, table, &Identifier::from(what));
    let stem = readable.as_str().rsplit_once('_').map_or(PREFIX, |(stem, _)| stem);
    Identifier::new(format!("{stem}_{}", &digest[..8]))
}

/// The gate of the step that drops it. Whoever numbers the steps fills in which one holds it.
fn gate(ctx: &Context<'_>, what: String) -> Gate {
    Gate::Held { step: StepId(String::new()), hold: ctx.hold, what }
}

fn gated(mut draft: Draft, gate: Gate) -> Draft {
    draft.gates.push(gate);
    draft
}

fn drop_constraint(table: &Name, name: &Identifier) -> String {
    format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}", write::name(table), write::identifier(name))
}

/// Back again. Rows that came meanwhile may break it: then it holds for rows written from then on.
pub(crate) fn restore(table: &Table, constraint: &Constraint) -> Vec<String> {
    let relation = write::name(&table.name);
    let name = constraint.name.as_ref().map(write::identifier).unwrap_or_default();
    let add = |constraint: &Constraint| format!("ALTER TABLE {relation} ADD {}", write::constraint(constraint));
    // On a partitioned table a foreign key can't be added NOT VALID before PostgreSQL 18.
    let takes_unchecked = match &constraint.kind {
        ConstraintKind::Check { .. } => true,
        ConstraintKind::ForeignKey(_) => !matches!(table.kind, TableKind::Partitioned { .. }),
        ConstraintKind::NotNull { .. } | ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => false,
    };
    match constraint.validity {
        Validity::Valid if takes_unchecked => {
            let unchecked = Constraint { validity: Validity::NotValid, ..constraint.clone() };
            let validate = format!("ALTER TABLE {relation} VALIDATE CONSTRAINT {name}");
            vec![
                add(&unchecked),
                format!("DO $concertina$ BEGIN {validate}; EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $concertina$"),
            ]
        }
        Validity::Valid | Validity::NotValid => vec![add(constraint)],
    }
}
