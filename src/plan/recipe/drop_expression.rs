//! DROP EXPRESSION: a generated column becomes one that clients write. New clients must be able to from the start, and old
//! ones never do; for those a trigger gives it the value that the expression gave.

use super::{Context, Recipe, fill_column};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::change::{AddColumn, IfExists};
use crate::schema::{GeneratedKind, Identifier, Name};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, name: &Identifier, if_exists: IfExists) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let column = ctx.column(table, name)?;
    let generated = match &column.generated {
        Some(generated) if generated.kind == GeneratedKind::Stored => generated,
        None if if_exists == IfExists::Skip => return Ok(Recipe::default()),
        Some(_) | None => {
            return Err(ctx.refuse(
                format!("{table_name}.{name} is no stored generated column"),
                "take the statement away, or put a plain column in its place",
            ));
        }
    };
    let as_added = AddColumn {
        table: table_name.clone(),
        column: column.clone(),
        constraints: Vec::new(),
        serial: false,
        identity_options: crate::schema::Options::new(),
        if_not_exists: IfExists::Fail,
    };
    let sync = fill_column::sync(ctx, &as_added, &generated.expression, table);
    super::rename_column::refuse_later_triggers(ctx, table_name, &sync)?;
    let subject = format!("{table_name}.{name}");
    let mut sql = vec![format!("ALTER TABLE {} ALTER COLUMN {} DROP EXPRESSION", write::name(table_name), write::identifier(name))];
    sql.extend(sync.create());
    let mut recipe = Recipe::expand(
        Draft::own(&subject, "drop-expression", format!("let clients write {subject}, and fill it where they don't"), sql)
            .because("old clients don't write the column; a trigger gives it the value that the expression gave")
            .locks(table_name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::trigger_there(table_name, sync.first_trigger()))
            .final_losing("the expression; the trigger goes on filling the column for old clients")
            .hazard(HazardKind::FillsNull, format!("until contract {name} is filled in rows of new clients that leave it NULL"))
            .hazard(HazardKind::NoUndo, "a plain column can't become a generated one without a rewrite"),
    );
    recipe.contract.push(
        Draft::own(&subject, "drop-trigger", format!("stop filling {subject} for old clients"), sync.drop())
            .because("no client that leaves the column to the database is left")
            .locks(table_name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::trigger_gone(table_name, sync.first_trigger()))
            .undone_by(sync.create()),
    );
    Ok(recipe)
}
