//! SET DEFAULT and DROP DEFAULT: both releases' clients share one default, so what is set comes early, and what old clients need
//! goes late.

use super::statement::step;
use super::{Context, Recipe, one_value};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::Verb;
use crate::schema::{Catalog, Change, Identifier, Name, Sql};

pub(super) fn set(ctx: &Context<'_>, table: &Name, column: &Identifier, default: &Sql) -> Result<Recipe, Refusal> {
    if ctx.is_new_column(table, column) {
        return Ok(Recipe::expand(step(ctx).because("new clients may leave the column out").hazard(
            HazardKind::NewClientsReadOldValues,
            format!("rows that old clients write from here on get this default in {table}.{column}, not the one that rows before them got"),
        )));
    }
    super::add_column::refuse_last_number(ctx, Some(default))?;
    refuse_identity(ctx, table, column)?;
    one_value::refuse_shared(ctx, table, column, default)?;
    if names_a_row_to_come(ctx, table, column) {
        return Ok(set_once_there(ctx, column, "the row that it names is there by then"));
    }
    if is_left_out(ctx, table, column) {
        return Ok(set_once_there(ctx, column, "rows that the release inserts before have the default of before"));
    }
    Ok(Recipe::expand(step(ctx).because("new clients may leave the column out").hazard(
        HazardKind::OldClientsReadNewValues,
        format!("rows that old clients write without {column} get the new default from here on"),
    )))
}

/// A column that is an identity until contract can have no default before.
fn refuse_identity(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Result<(), Refusal> {
    let ends = |item: &&Item| {
        matches!(&item.planned, Planned::Change(Change::DropIdentity { table: on, column: of, .. }) if on == table && of == column)
            && item.directives.is_empty()
    };
    match ctx.earlier().find(ends) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "old clients have {table}.{column} numbered as an identity until contract ({}:{}), which can have no default",
                item.origin.file, item.origin.line
            ),
            "keep the identity, or write `-- concertina: phase expand` above both statements, between which rows without a number are refused",
        )),
    }
}

fn set_once_there(ctx: &Context<'_>, column: &Identifier, why: &str) -> Recipe {
    let detail = format!("old clients that leave {column} out write the new default from here on");
    Recipe::migrate(step(ctx).because(why).hazard(HazardKind::OldClientsReadNewValues, detail))
}

/// Whether a statement before this one inserts rows without the column, which get the default that it has until here.
fn is_left_out(ctx: &Context<'_>, table: &Name, column: &Identifier) -> bool {
    ctx.earlier().any(|item| inserts_without(item, table, column))
}

fn inserts_without(item: &Item, table: &Name, column: &Identifier) -> bool {
    match &item.planned {
        Planned::Change(Change::Data(data)) => {
            let inserts = !matches!(data.verb, Verb::Update | Verb::Delete | Verb::Truncate | Verb::Select);
            inserts && data.writes.contains(table) && !data.columns.contains(column)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    }
}

/// Whether the default of a column may name a row of another table that an earlier statement of the release writes.
fn names_a_row_to_come(ctx: &Context<'_>, table: &Name, column: &Identifier) -> bool {
    let references = ctx.references(table, column);
    ctx.earlier().any(|item| match &item.planned {
        Planned::Change(Change::Data(data)) => data.writes.iter().any(|written| references.contains(&written)),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// The step, where it ends a default that old clients have.
fn missed(ctx: &Context<'_>, column: &Identifier) -> Draft {
    let detail = format!("rows that old clients write without {column} have NULL there from here on");
    step(ctx).hazard(HazardKind::OldClientsReadNewValues, detail)
}

/// Old clients that leave a required column out live on its default.
pub(super) fn drop(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Result<Recipe, Refusal> {
    let required = |catalog: &Catalog, table: &Name| {
        let found = |name: &Name| catalog.tables.get(name).and_then(|table| table.column(column)).is_some_and(|column| column.not_null);
        catalog.with_descendants(table).iter().any(found)
    };
    // What the release loosens for a moment only stays as it is.
    let before = required(ctx.old, ctx.name_before_release(table));
    let stays = before && required(ctx.new, table);
    let goes = ctx.release.iter().any(|item| match &item.planned {
        Planned::Change(Change::DropColumn { table: on, column: gone, .. }) => on == table && gone == column,
        Planned::Change(Change::DropTable { table: gone, .. }) => gone == table,
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    });
    let in_contract = stays
        || goes
        || before && !ctx.later().any(|item| inserts_without(item, table, column))
        || required(ctx.before, table)
        || ctx.is_new_column(table, column);
    let sets = |item: &&Item| matches!(&item.planned, Planned::Change(Change::SetDefault { table: on, column: of, .. }) if on == table && of == column);
    if let Some(other) = ctx.later().find(sets).filter(|_| in_contract) {
        return Err(ctx.refuse(
            format!(
                "the default of {table}.{column} stays until contract, for old clients, and would then end the one that comes later ({}:{})",
                other.origin.file, other.origin.line
            ),
            "leave out the DROP DEFAULT, or put the rows that are written between the two into another release",
        ));
    }
    Ok(if in_contract {
        Recipe::contract(
            step(ctx)
                .because("old clients leave the column out and need its default until then")
                .hazard(HazardKind::FillsNull, format!("until then {column} has its default in rows of new clients that leave it out too")),
        )
    } else if is_left_out(ctx, table, column) {
        Recipe::migrate(missed(ctx, column).because("rows that the release inserts before have the default"))
    } else {
        Recipe::expand(missed(ctx, column).because("the column may stay empty in rows of old clients that leave it out"))
    })
}
