//! IF EXISTS and IF NOT EXISTS of what a statement that can't be read may have made: it isn't taken for missing only because nobody
//! has seen it.

use super::statement::step;
use super::{Context, Named, Recipe};
use crate::plan::draft::Draft;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::may_be_there;
use crate::schema::change::IfExists;
use crate::schema::{Change, Name};
use crate::sql::write;

/// What ends something that may be there or not.
#[expect(clippy::wildcard_enum_match_arm, reason = "everything else is run as written, with its IF EXISTS, or is no DROP of these")]
pub(super) fn plan(ctx: &Context<'_>, change: &Change) -> Result<Option<Recipe>, Refusal> {
    let unseen = |named: &Named| !named.is_in(ctx.before) && !ctx.is_dropped_before(named) && may_be_there(named, ctx.before);
    Ok(match change {
        Change::DropIndex { index, if_exists: IfExists::Skip, .. } if unseen(&Named::Index(index.clone())) => Some(drop_index(index)),
        Change::DropTable { table, if_exists: IfExists::Skip, .. } if unseen(&Named::Table(table.clone())) => Some(Recipe::contract(
            step(ctx).because(WHY).probed(probe::relation_gone(table)).final_losing("the table and its rows, if it was there"),
        )),
        Change::DropConstraint { table, constraint, if_exists: IfExists::Skip, .. }
            if ctx.before.tables.contains_key(table) && unseen(&Named::Constraint(table.clone(), constraint.clone())) =>
        {
            return Err(ctx.refuse(
                format!("{constraint} of {table} may be there, since an earlier statement can't be read, and what it is can't be told"),
                "if it is a CHECK or a foreign key, write `-- concertina: phase expand` above the statement; if it is a key, \
                 `-- concertina: phase contract`; if it isn't there, take the statement out",
            ));
        }
        Change::DropColumn { table, column, if_exists: IfExists::Skip, .. }
            if ctx.before.tables.contains_key(table) && unseen(&Named::Column(table.clone(), column.clone())) =>
        {
            return Err(ctx.refuse(
                format!("{table}.{column} may be there, since an earlier statement can't be read, and what new clients must write to it can't be told"),
                "if it is there, and may be NULL or has a default, write `-- concertina: phase contract` above the statement; if it isn't, \
                 take the statement out",
            ));
        }
        _ => None,
    })
}

const WHY: &str = "an earlier statement that can't be read may have made it, and old clients may use it";

fn drop_index(index: &Name) -> Recipe {
    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", write::name(index));
    let draft = Draft::autocommit(index.to_string(), "drop-index", format!("drop index {}, if it is there", index.name), drop);
    Recipe::contract(draft.because(WHY).probed(probe::relation_gone(index)).final_losing("the index, if it was there"))
}

/// What is made unless it is there is not there when its step begins: else the plan would take back what it has not made.
pub(super) fn gate(ctx: &Context<'_>, change: &Change, recipe: &mut Recipe) {
    let Some((kind, name)) = made(ctx, change) else { return };
    let is_usable =
        if kind == "index" { " AND EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid AND i.indisvalid)" } else { "" };
    let count =
        format!("SELECT count(*) FROM pg_catalog.pg_class c WHERE c.oid = to_regclass({}){is_usable}", write::literal(&write::name(&name)));
    if let Some(first) = recipe.steps_mut().next() {
        *first = first.clone().after_zero(format!("{kind} {name} that a statement which can't be read has made"), count);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is made only if it isn't there")]
fn made(ctx: &Context<'_>, change: &Change) -> Option<(&'static str, Name)> {
    let (kind, named) = match change {
        Change::CreateTable(create) if create.if_not_exists == IfExists::Skip => ("table", Named::Table(create.table.name.clone())),
        Change::CreateIndex { index, if_not_exists: IfExists::Skip, .. } if !ctx.is_new_table(&index.table) => {
            ("index", Named::Index(index.table.sibling(index.name.clone()?)))
        }
        _ => return None,
    };
    let (Named::Table(name) | Named::Index(name)) = &named else { return None };
    (!named.is_in(ctx.before) && !ctx.is_dropped_before(&named) && may_be_there(&named, ctx.before)).then(|| (kind, name.clone()))
}
