//! ALTER COLUMN TYPE: as written where only the catalog changes; else a second column is filled beside the first and takes
//! its name before new clients start, or by directive when no old client is left.

use std::collections::BTreeSet;

use super::second_column::{SecondColumn, Wanted, Writers};
use super::{Context, Recipe, as_written, retyped, under_views};
use crate::engine::postgres::{self, Retype, TypeChange};
use crate::engine::{self, Held, LockMode};
use crate::plan::compiled;
use crate::plan::copies::{self, OfKeys, Replacement};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Catalog, Change, Column, Constraint, DataType, Identifier, Name, Sql, Table};
use crate::sql::directive::PhaseName;
use crate::sql::write;

/// What the column is to become.
pub(crate) struct Target<'a> {
    pub(crate) data_type: &'a DataType,
    pub(crate) collation: Option<&'a Name>,
    pub(crate) using: Option<&'a Sql>,
}

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, name: &Identifier, target: &Target<'_>) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let column = ctx.column(table, name)?;
    if ctx.is_new_column(table_name, name) {
        return Err(ctx.refuse(format!("{table_name}.{name} is added and changed in one release"), "add it with its final type at once"));
    }
    refuse_what_stays(ctx, table_name, name)?;
    refuse_what_is_built_again(ctx, table_name)?;
    let retype = Retype { column, to: target.data_type, collation: target.collation, using: target.using };
    match postgres::type_change(&retype, ctx.before) {
        TypeChange::Metadata if is_brief(ctx, table_name) => at_once(ctx, table, column, target),
        TypeChange::Metadata | TypeChange::IndexRebuild | TypeChange::Rewrite => beside(ctx, table, column, target),
    }
}

/// A statement before this one that ends what is built on the column: old clients have that until contract, and it is built on the
/// column as it is.
fn refuse_what_stays(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Result<(), Refusal> {
    if as_written::directed_phase(ctx).is_some() {
        return Ok(());
    }
    let built = |catalog: &Catalog, item: &super::Item| {
        let table = catalog.tables.get(table)?;
        let ctx = Context { item, before: catalog, new: catalog, ..*ctx };
        Replacement { table, from: column, to: column, keys: OfKeys::TakenCareOf }.obstacle(&ctx)
    };
    let stays = |item: &super::Item| as_written::phase_of(item) != Some(PhaseName::Expand) && item.directives.is_empty();
    let mut ended = ctx.earlier().filter(|item| stays(item) && built(&item.after, item).is_none());
    let Some((item, what)) = ended.find_map(|item| Some((item, built(&item.before, item)?))) else { return Ok(()) };
    Err(ctx.refuse(
        format!("{what}, and what an earlier statement ends is there until contract ({}:{})", item.origin.file, item.origin.line),
        "put one of the two into the next release, or write `-- concertina: phase expand` above what ends it, if old clients can do without",
    ))
}

/// An index that a statement before this one drops is there until contract, and would be built again under the lock.
fn refuse_what_is_built_again(ctx: &Context<'_>, table: &Name) -> Result<(), Refusal> {
    if as_written::directed_phase(ctx).is_some() || !is_brief(ctx, table) {
        return Ok(());
    }
    let built_again = |item: &&super::Item| {
        let drops = matches!(&item.planned, super::Planned::Change(Change::DropIndex { .. }));
        drops && item.directives.is_empty() && !is_brief(&Context { before: &item.before, ..*ctx }, table)
    };
    match ctx.earlier().find(built_again) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "the index that an earlier statement drops ({}:{}) is there until contract, and would be built again under the lock",
                item.origin.file, item.origin.line
            ),
            "put one of the two into the next release, or write `-- concertina: phase expand` above the DROP INDEX, if old clients can do without",
        )),
    }
}

/// Whether the item changes the type of a column where it stands, and at once.
pub(super) fn is_at_once(ctx: &Context<'_>, item: &super::Item) -> bool {
    let super::Planned::Change(Change::ChangeType { table, column, data_type, collation, using }) = &item.planned else { return false };
    let ctx = Context { item, before: &item.before, after: &item.after, ..*ctx };
    let Some(found) = item.before.tables.get(table).and_then(|found| found.column(column)) else { return false };
    let retype = Retype { column: found, to: data_type, collation: collation.as_ref(), using: using.as_ref() };
    item.directives.is_empty() && postgres::type_change(&retype, ctx.before) == TypeChange::Metadata && is_brief(&ctx, table)
}

/// Whether nothing is read under the lock either: no CHECK is verified again, no expression index built again.
fn is_brief(ctx: &Context<'_>, table: &Name) -> bool {
    let super::Planned::Change(change) = &ctx.item.planned else { return false };
    let effects = engine::effects(ctx.engine, change, ctx.before);
    effects.locks.iter().filter(|lock| &lock.relation == table).all(|lock| lock.held == Held::Brief) && effects.work.is_empty()
}

fn at_once(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<Recipe, Refusal> {
    let relation = write::name(&table.name);
    let quoted = write::identifier(&column.name);
    let data_type = write::data_type(target.data_type);
    let alter = |what: String| format!("ALTER TABLE {relation} ALTER COLUMN {quoted} {what}");
    let mut sql = vec![alter(format!("TYPE {data_type}"))];
    let mut undo = vec![alter(format!("TYPE {}", write::data_type(&column.data_type)))];
    // DROP DEFAULT and SET DEFAULT around the change are part of it.
    let default = |column: Option<&Column>| column.and_then(|column| column.default.as_ref()).map(write::text);
    let after = default(ctx.after.tables.get(&table.name).and_then(|table| table.column(&column.name)));
    let before = default(Some(column));
    if after != before {
        let set = |default: &Option<String>| {
            default.as_ref().map_or_else(|| "DROP DEFAULT".to_owned(), |default| format!("SET DEFAULT {default}"))
        };
        sql.push(alter(set(&after)));
        undo.push(alter(set(&before)));
    }
    sql.extend(compiled::again_for_type(ctx, &table.name, &column.name));
    undo.extend(compiled::again_for_type(ctx, &table.name, &column.name));
    let subject = format!("{}.{}", table.name, column.name);
    let draft = Draft::own(&subject, "change-type", format!("change the type of {subject} to {data_type}"), sql);
    // The database makes the foreign keys of the column anew, and locks the tables at their other ends for that.
    let draft =
        other_ends(ctx, table, &column.name).iter().fold(draft, |draft, other| draft.locks(other, LockMode::AccessExclusive, Held::Brief));
    let draft = draft.undone_by(undo);
    Ok(Recipe::expand(
        under_views::exchanged(ctx, &table.name, draft)?
            .because("the new type holds every value of the old one as it is, so nothing is rewritten")
            .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::column_has_type(&table.name, &column.name, &data_type))
            .hazard(
                HazardKind::CachedPlans,
                format!(
                    "a prepared statement that returns {subject} fails once in each session (\"cached plan must not change result type\")"
                ),
            )
            .hazard(
                HazardKind::OldClientsReadNewValues,
                format!("old clients may read values of {subject} that the old type could not hold, once new clients write them"),
            ),
    ))
}

/// The tables that foreign keys of the column lead to or come from. Those that the release drops may be there until contract.
fn other_ends(ctx: &Context<'_>, table: &Table, column: &Identifier) -> BTreeSet<Name> {
    let mut ends = BTreeSet::new();
    for referrer in ctx.before.tables.values().chain(ctx.old.tables.values()) {
        for key in referrer.constraints.iter().filter_map(Constraint::foreign_key) {
            if referrer.name == table.name && key.columns.contains(column) {
                ends.insert(key.references.clone());
            } else if key.references == table.name && key.referenced_columns.contains(column) {
                ends.insert(referrer.name.clone());
            }
        }
    }
    ends.remove(&table.name);
    ends
}

/// By a second column, which takes the name before new clients start; or in contract, if directives say so.
fn beside(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<Recipe, Refusal> {
    let back = retyped::check(ctx, table, column, target)?;
    let value = target.using.cloned().unwrap_or_else(|| Sql::column(&column.name));
    let in_contract = as_written::directed_phase(ctx) == Some(PhaseName::Contract);
    let keys = if in_contract { OfKeys::Refused } else { OfKeys::TakenCareOf };
    let second = SecondColumn::new(
        ctx,
        table,
        column,
        Wanted { data_type: target.data_type, collation: target.collation, value, back, keys, written_by: Writers::Nobody },
    )?;
    second.refuse_other_end(ctx, "drop it before this statement, and make it again behind it under another name")?;
    if in_contract {
        return after_old_clients(ctx, &second, target);
    }
    let mut add = second.add(ctx);
    if !postgres::same_to_clients(&column.data_type, target.data_type) {
        let data_type = write::data_type(target.data_type);
        add = add
            .hazard(
                HazardKind::MovedByDirective,
                format!("the author vouches that the old release can read and write {data_type} in {}", second.subject()),
            )
            .hazard(
                HazardKind::RefusesWrites,
                format!("a value of {} that can't be made {data_type} is refused from here on", second.subject()),
            );
    }
    let mut recipe = Recipe::expand(add);
    recipe.migrate = second.fill(ctx)?;
    recipe.migrate.push(second.swap(ctx));
    recipe.migrate.extend(second.validate());
    recipe.contract.push(second.remove(ctx));
    Ok(recipe)
}

/// All of it in contract: new clients live with the old type until then.
fn after_old_clients(ctx: &Context<'_>, second: &SecondColumn<'_>, target: &Target<'_>) -> Result<Recipe, Refusal> {
    let subject = second.subject();
    let data_type = write::data_type(target.data_type);
    let mut recipe = Recipe::contract(
        second
            .add(ctx)
            .because("directives put the change after the last old client; in place it would rewrite the table under a lock")
            .hazard(
                HazardKind::MovedByDirective,
                format!("the author vouches that the new release can live with the old type of {subject} until then"),
            )
            .hazard(HazardKind::RefusesWrites, format!("a value of {subject} that can't be made {data_type} is refused from here on")),
    );
    recipe.contract.extend(second.fill(ctx)?);
    let mut sql = vec![copies::lock_all(&second.relations())];
    sql.extend(second.replace(ctx));
    sql.extend(second.set_default(ctx));
    recipe.contract.push(
        second.replacing(
            ctx,
            Draft::own(&subject, "replace", format!("let {subject} be the column of type {data_type}"), sql)
                .because("the second column is filled and in step, so the exchange is brief")
                .probed(second.is_replaced())
                .final_losing("the column of the old type")
                .hazard(HazardKind::CachedPlans, format!("a prepared statement that returns {subject} fails once in each session")),
        ),
    );
    Ok(recipe)
}
