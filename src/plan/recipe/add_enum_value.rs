//! ALTER TYPE … ADD VALUE: in expand. The label can't be used in the transaction that adds it, so it has one of its own.

use super::{Context, Recipe};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::schema::Name;
use crate::schema::object::TypeKind;

pub(crate) fn plan(ctx: &Context<'_>, name: &Name, value: &str) -> Recipe {
    if ctx
        .before
        .types
        .get(name)
        .is_some_and(|found| matches!(&found.kind, TypeKind::Enum { labels } if labels.iter().any(|label| label == value)))
    {
        return Recipe::default();
    }
    Recipe::expand(step(name, value, ctx.item.statement.clone()))
}

/// The step that adds the label by this statement.
pub(crate) fn step(name: &Name, value: &str, statement: String) -> Draft {
    Draft::own(name.to_string(), "add-enum-value", format!("add '{value}' to {name}"), vec![statement])
        .because("old clients don't write the new value")
        .probed(probe::enum_label_exists(name, value))
        .hazard(HazardKind::OldClientsReadNewValues, format!("old clients may read '{value}' once new clients write it"))
        .hazard(HazardKind::NoUndo, "a value can't be removed from an enum; left unused it does no harm")
}
