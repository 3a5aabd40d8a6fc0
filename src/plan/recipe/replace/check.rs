//! A CHECK with another expression: until contract, rows may obey either of the two.

use super::super::add_check::add_not_valid;
use super::super::set_not_null::validate;
use super::super::{Context, Recipe, change_type, repair};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::{Change, Constraint, Identifier, Name, Sql, Validity};
use crate::sql::write;

/// Both shapes of the constraint.
pub(super) struct Two<'a> {
    pub(super) old: &'a Constraint,
    pub(super) new: &'a Constraint,
    pub(super) before: &'a Sql,
    pub(super) expression: &'a Sql,
}

pub(super) fn plan(ctx: &Context<'_>, table: &Name, name: &Identifier, two: &Two<'_>) -> Result<Recipe, Refusal> {
    refuse_type_to_come(ctx, table, two.expression)?;
    let relation = write::name(table);
    let quoted = write::identifier(name);
    let subject = format!("{table}.{name}");
    let inherit = if two.old.no_inherit || two.new.no_inherit { " NO INHERIT" } else { "" };
    let drop = format!("ALTER TABLE {relation} DROP CONSTRAINT {quoted}");
    let unchecked = Constraint { validity: Validity::NotValid, ..two.old.clone() };
    let mut undo = vec![drop.clone(), format!("ALTER TABLE {relation} ADD {}", write::constraint(&unchecked))];
    if two.old.validity == Validity::Valid {
        undo.push(format!("ALTER TABLE {relation} VALIDATE CONSTRAINT {quoted}"));
    }
    let both = format!(
        "ALTER TABLE {relation} ADD CONSTRAINT {quoted} CHECK (({}) OR ({})){inherit} NOT VALID",
        write::text(two.before),
        write::text(two.expression)
    );
    let loosen =
        Draft::own(&subject, "loosen", format!("let rows of {table} obey either the old or the new {name}"), vec![drop, both.clone()])
            .because("old clients obey the old one and new clients the new one, so each row obeys one of the two")
            .locks(table, LockMode::AccessExclusive, Held::Brief)
            .undone_by(undo)
            .hazard(
                HazardKind::OldClientsReadNewValues,
                format!("old clients may read rows that the old {name} would have refused, once new clients write them"),
            );
    let new_name = generated_name("new", table, name);
    let temporary = write::identifier(&new_name);
    let count = format!("SELECT count(*) FROM {relation} WHERE NOT ({})", write::text(two.expression));
    let mut contract = repair::of_check(ctx, table, two.expression)?;
    contract.push(
        add_not_valid(table, two.new, &new_name)
            .because("old clients may still write what it refuses until then; new clients never do")
            .after_zero(format!("rows of {table} that the new {name} would refuse"), count),
    );
    if two.new.validity == Validity::Valid {
        contract.push(validate(table, &new_name, &subject));
    }
    contract.push(
        Draft::own(
            &subject,
            "swap",
            format!("leave only the new {name} on {table}"),
            vec![
                // A column of the old one that was dropped has taken the constraint along.
                format!("ALTER TABLE {relation} DROP CONSTRAINT IF EXISTS {quoted}"),
                format!("ALTER TABLE {relation} RENAME CONSTRAINT {temporary} TO {quoted}"),
            ],
        )
        .because("the new one has been validated, so the lock is brief")
        .locks(table, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::constraint_gone(table, &new_name))
        .undone_by(vec![format!("ALTER TABLE {relation} RENAME CONSTRAINT {quoted} TO {temporary}"), both]),
    );
    Ok(Recipe { expand: vec![loosen], contract, ..Recipe::default() })
}

/// The condition that rows may obey from expand on can't be over a type that the column gets later.
fn refuse_type_to_come(ctx: &Context<'_>, table: &Name, expression: &Sql) -> Result<(), Refusal> {
    let retypes = |item: &&Item| match &item.planned {
        Planned::Change(Change::ChangeType { table: on, column, .. }) => {
            on == table && expression.mentions(column) && !change_type::is_at_once(ctx, item)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    match ctx.earlier().find(retypes) {
        None => Ok(()),
        Some(other) => Err(ctx.refuse(
            format!(
                "the new condition is over a column that gets another type in this release ({}:{}), and rows must be let obey it before that",
                other.origin.file, other.origin.line
            ),
            "put the change of the CHECK into the next release, or drop the old CHECK in a release before",
        )),
    }
}
