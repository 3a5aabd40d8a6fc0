//! RENAME COLUMN: a second column under the new name, kept in step with the first by triggers until contract.

use super::add_column::{cached_plans, walking_key};
use super::company::has_word;
use super::triggered::takes;
use super::{Context, Recipe, compatibility_view, set_not_null};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::compiled;
use crate::plan::copies::{self, Copies, OfKeys, Replacement};
use crate::plan::dependents::asks_for_null;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::identity::differs;
use crate::plan::keyset::{self, Action};
use crate::plan::mute::{muted, said};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::plan::retype::is_as_written;
use crate::plan::trigger::Sync;
use crate::schema::object::{Definition, ObjectKind, Trigger};
use crate::schema::{Catalog, Change, Column, Constraint, ConstraintKind, Identifier, Lookup, Name, Table};
use crate::sql::directive::DirectiveKind;
use crate::sql::write;

/// A publication that lists the column keeps it from being dropped when the other one has taken its place.
fn refuse_published(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Result<(), Refusal> {
    let lists = |definition: &&Definition| {
        let text = write::text(&definition.create);
        definition.object.kind == ObjectKind::Publication && has_word(&text, table.name.as_str()) && has_word(&text, column.as_str())
    };
    match ctx.before.definitions.iter().map(AsRef::as_ref).find(lists) {
        None => Ok(()),
        Some(publication) => Err(ctx.refuse(
            format!("publication {} lists {column} of {table}, which can't be dropped while it does", publication.object.name.name),
            "publish all columns of the table in a release before, or rename under a lock with `-- concertina: strategy direct`, which the \
             publication follows",
        )),
    }
}

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, from: &Identifier, to: &Identifier) -> Result<Recipe, Refusal> {
    if ctx.before.views.contains_key(table_name) || ctx.before.types.contains_key(table_name) {
        return Err(ctx.refuse(
            format!("{table_name} is not a table: a column of it can't be served under two names"),
            "create a second view or type under a new name, and drop this one in a later release",
        ));
    }
    let table = ctx.table(table_name)?;
    let column = ctx.column(table, from)?;
    if ctx.is_new_column(table_name, from) {
        return Err(refused_new(ctx, table_name, from, to));
    }
    let gives =
        |item: &Item| matches!(&item.planned, Planned::Change(Change::RenameColumn { table, to, .. }) if table == table_name && to == from);
    if ctx.earlier().any(gives) {
        return Err(ctx.refuse(format!("{table_name}.{from} is renamed twice in one release"), format!("rename it to {to} at once")));
    }
    if is_renamed_table(ctx, table_name) {
        if let Some(other) = ctx.release.iter().find(|item| renames_table_as_written(item, table_name)) {
            return Err(ctx.refuse(
                format!(
                    "a directive renames the table as it is ({}:{}), and no view shows the column under its old name",
                    other.origin.file, other.origin.line
                ),
                "take the directive away, or put this into the next release",
            ));
        }
        // The view that shows the table under its old name shows the column under its old name too.
        return Ok(Recipe::default());
    }
    if is_served_by_view(ctx, table) {
        return compatibility_view::plan(ctx, table);
    }
    refuse_second(ctx, table, from, to)?;
    let replacement = Replacement { table, from, to, keys: OfKeys::Refused };
    let copies = replacement.copies(ctx)?;
    super::super::conflict::refuse(ctx, table_name, &[from, to], copies.originals())?;
    super::super::conflict::refuse_fixed_rows(ctx, table)?;
    let sync = in_step(ctx, table_name, column, to)?;
    let mut recipe = Recipe::expand(add(ctx, table, column, to, &sync));
    let value = format!("OLD.{}", write::identifier(from));
    recipe.migrate.extend(muted(ctx, table_name, to, Some(&value), fill(ctx, table, column, to)?));
    recipe.migrate.extend(copies.build(ctx));
    if column.not_null {
        let mut steps = set_not_null::steps(ctx, table_name, to);
        for step in &mut steps {
            step.hazards.clear();
        }
        recipe.migrate.extend(steps);
    }
    recipe.contract.push(remove(ctx, table, column, to, &sync, &copies));
    Ok(recipe)
}

/// A new column is named at once.
fn refused_new(ctx: &Context<'_>, table: &Name, from: &Identifier, to: &Identifier) -> Refusal {
    let remedy = if is_known(ctx, table, to) {
        let (relation, column) = (write::name(table), write::identifier(to));
        format!("if it is to be {to} with another type, write that: ALTER TABLE {relation} ALTER COLUMN {column} TYPE …")
    } else {
        format!("add it under the name {to} at once")
    };
    ctx.refuse(format!("{table}.{from} is added and renamed in one release"), remedy)
}

/// Whether old clients know a column of that name.
fn is_known(ctx: &Context<'_>, table: &Name, name: &Identifier) -> bool {
    ctx.old.tables.get(ctx.name_before_release(table)).is_some_and(|old| old.column(name).is_some())
}

/// Refuses where no second column can stand beside the first.
fn refuse_second(ctx: &Context<'_>, table: &Table, from: &Identifier, to: &Identifier) -> Result<(), Refusal> {
    if is_known(ctx, &table.name, to) {
        return Err(ctx.refuse(
            format!("old clients know another column of {} by the name {to}, until contract", table.name),
            "give it a name that is new, or let the other one go in this release and rename in the next",
        ));
    }
    if is_of_a_checked_domain(ctx, table, from) {
        return Err(ctx.refuse(
            format!("{}.{from} is of a domain with constraints: adding a second column of it rewrites the table under a lock", table.name),
            "take `strategy columns` away: a view then shows the table to old clients",
        ));
    }
    refuse_published(ctx, &table.name, from)
}

/// Whether the release gives the whole table another name.
fn is_renamed_table(ctx: &Context<'_>, table: &Name) -> bool {
    let old = ctx.name_before_release(table);
    ctx.release.iter().any(|item| match &item.planned {
        Planned::Change(Change::RenameTable { table: moved, .. } | Change::SetTableSchema { table: moved, .. }) => moved == old,
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// Keeps both columns in step; before the user's own triggers too, if a function of one reads the column by its new name. One that
/// only sets it is fine: what comes after it brings that to the old name.
fn in_step(ctx: &Context<'_>, table: &Name, column: &Column, to: &Identifier) -> Result<Sync, Refusal> {
    let sync = Sync::both_ways(table, &column.name, to, &|left, right| differs(ctx.before, column, left, right));
    refuse_later_triggers(ctx, table, &sync)?;
    let body = |catalog: &Catalog, trigger: &Trigger| {
        catalog.routines_named(&trigger.function).map(|routine| write::text(&routine.definition)).collect::<String>()
    };
    let is_early = |trigger: &&Trigger| &trigger.table == table && said(trigger, "BEFORE") && said(trigger, "ROW");
    let reads = |trigger: &&Trigger| reads_new(&body(ctx.new, trigger), to) || takes(trigger, to);
    let Some(reader) = ctx.new.triggers.values().map(AsRef::as_ref).filter(is_early).find(reads) else { return Ok(sync) };
    let sync = sync.and_early();
    let known = ctx.old.triggers.values().chain(ctx.new.triggers.values()).map(AsRef::as_ref);
    let before_ours = |trigger: &Trigger| sync.early_trigger().is_some_and(|first| trigger.name.as_str() < first.as_str());
    let sets = |trigger: &Trigger| sets_new(&body(ctx.old, trigger), &column.name);
    match known.filter(is_early).find(|trigger| before_ours(trigger) || sets(trigger)) {
        None => Ok(sync),
        Some(other) => Err(ctx.refuse(
            format!(
                "trigger {} of {table} reads {to}, which must be filled before it fires for rows that old clients write, and trigger {} \
                 changes the row before that or sets {} itself",
                reader.name, other.name, column.name
            ),
            "let the function not read the column until the next release, or accept downtime with `-- concertina: strategy direct` above \
             the RENAME and the function",
        )),
    }
}

/// Whether a function's body reads the column of NEW, and does not only give it a value.
fn reads_new(body: &str, column: &Identifier) -> bool {
    uses(body, column).any(|is_set| !is_set)
}

/// Whether a function's body gives the column of NEW a value.
pub(super) fn sets_new(body: &str, column: &Identifier) -> bool {
    uses(body, column).any(|is_set| is_set)
}

/// Where a function's body names the column of NEW: whether it is given a value there.
fn uses(body: &str, column: &Identifier) -> impl Iterator<Item = bool> {
    let (body, name) = (body.to_lowercase().replace('"', ""), format!("new.{}", column.as_str().to_lowercase()));
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
    let found: Vec<usize> = body.match_indices(&name).map(|(at, _)| at).collect();
    let found = found.into_iter().filter(|at| !inside(body[at + name.len()..].chars().next()));
    let is_set = |at: usize| {
        let (before, after) = (body[..at].trim_end(), body[at + name.len()..].trim_start());
        let begins = [";", "begin", "then", "else", "loop"].iter().any(|word| before.ends_with(word));
        after.starts_with(":=") || after.starts_with('=') && begins
    };
    found.map(is_set).collect::<Vec<_>>().into_iter()
}

/// Whether the item gives the table its name, and a directive wants that as its author wrote it.
fn renames_table_as_written(item: &Item, table: &Name) -> bool {
    let gives = match &item.planned {
        Planned::Change(Change::RenameTable { table: from, to }) => &from.sibling(to.clone()) == table,
        Planned::Change(Change::SetTableSchema { table: from, schema }) => table.schema.as_ref() == Some(schema) && from.name == table.name,
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    gives && is_as_written(item)
}

/// Whether a view shows the table's renamed columns under both names: because a directive says so, or because one of them
/// can't have a second column beside it. Then it shows all of them.
fn is_served_by_view(ctx: &Context<'_>, table: &Table) -> bool {
    if compatibility_view::is_asked_for(ctx, &table.name) {
        return true;
    }
    let at_start = Context { before: ctx.old, ..*ctx };
    let Some(old) = ctx.old.tables.get(&table.name) else { return false };
    let stands_in_the_way = |item: &Item| match &item.planned {
        Planned::Change(Change::RenameColumn { table: on, column, to }) if on == &table.name => {
            !item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Strategy(_)))
                && (needs_its_null(old, column)
                    || is_of_a_checked_domain(ctx, old, column)
                    || Replacement { table: old, from: column, to, keys: OfKeys::Refused }.obstacle(&at_start).is_some())
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    ctx.release.iter().any(stands_in_the_way)
}

/// A second column of such a domain can't be added without writing the table anew.
fn is_of_a_checked_domain(ctx: &Context<'_>, table: &Table, column: &Identifier) -> bool {
    table.column(column).is_some_and(|found| postgres::is_constrained_domain(&found.data_type, ctx.before))
}

/// Whether a rule asks whether the column is NULL, which a second column with a default would not stay.
fn needs_its_null(table: &Table, column: &Identifier) -> bool {
    let asks = |constraint: &Constraint| match &constraint.kind {
        ConstraintKind::Check { expression } => constraint.columns().contains(column) && asks_for_null(expression),
        ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::Exclude(_)
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::NotNull { .. } => false,
    };
    table.column(column).is_some_and(|found| found.default.is_some()) && table.constraints.iter().any(asks)
}

/// The column and its triggers in one transaction: in between, a write would be lost to the other side.
fn add(ctx: &Context<'_>, table: &Table, column: &Column, to: &Identifier, sync: &Sync) -> Draft {
    let relation = write::name(&table.name);
    let mut second = Column::new(to.clone(), column.data_type.clone());
    second.collation.clone_from(&column.collation);
    let mut sql = vec![format!("ALTER TABLE {relation} ADD COLUMN {}", write::column(&second))];
    sql.extend(copies::attributes(ctx, table, &column.name, to));
    sql.extend(sync.create());
    sql.extend(compiled::again_for_new_column(ctx, &table.name));
    let mut undo = sync.drop();
    undo.push(format!("ALTER TABLE {relation} DROP COLUMN {}", write::identifier(to)));
    let draft = Draft::own(
        format!("{}.{to}", table.name),
        "add-column",
        format!("add {to} beside {} to {} and keep both in step", column.name, table.name),
        sql,
    )
    .because(format!("old clients go on with {}, new ones use {to}; triggers carry what one side writes to the other", column.name))
    .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::column_exists(&table.name, to))
    .undone_by(undo)
    .hazard(HazardKind::CachedPlans, cached_plans(&table.name))
    .hazard(HazardKind::ColumnOrder, format!("{to} is the last column of {}, not where {} was", table.name, column.name));
    if column.default.is_none() {
        return draft;
    }
    draft.hazard(
        HazardKind::FillsNull,
        format!("until contract, a row inserted with an explicit NULL for {to} takes the default of {}", column.name),
    )
}

fn fill(ctx: &Context<'_>, table: &Table, column: &Column, to: &Identifier) -> Result<Draft, Refusal> {
    let (old, new) = (write::identifier(&column.name), write::identifier(to));
    let pending = differs(ctx.before, column, &new, &old);
    let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", write::name(&table.name));
    let key = walking_key(ctx, table)?;
    let backfill = keyset::backfill(table, &key, &Action::Set(format!("{new} = {old}")), Some(&pending), remaining);
    Ok(Draft::chunked(
        format!("{}.{to}", table.name),
        "fill",
        format!("copy {} to {to} in the rows that were there", column.name),
        backfill,
    )
    .because("new clients read only the new column; rows that old clients write meanwhile are copied by the trigger")
    .locks(&table.name, LockMode::RowExclusive, Held::Brief))
}

fn remove(ctx: &Context<'_>, table: &Table, column: &Column, to: &Identifier, sync: &Sync, copies: &Copies) -> Draft {
    let relation = write::name(&table.name);
    let (old, new) = (write::identifier(&column.name), write::identifier(to));
    let others = copies.referenced();
    let mut sql = vec![copies::lock_first(&table.name, &others)];
    sql.extend(sync.drop());
    sql.extend(owned_sequences(ctx, table, &column.name, to));
    if let Some(default) = &column.default {
        sql.push(format!("ALTER TABLE {relation} ALTER COLUMN {new} SET DEFAULT {}", write::text(default)));
        sql.push(format!("ALTER TABLE {relation} ALTER COLUMN {old} DROP DEFAULT"));
    }
    sql.push(format!("ALTER TABLE {relation} DROP COLUMN {old}"));
    sql.extend(copies.take_names(ctx));
    let draft = Draft::own(
        format!("{}.{to}", table.name),
        "drop-column",
        format!("drop {} of {}, which {to} has replaced", column.name, table.name),
        sql,
    )
    .because("no client that uses the old name is left")
    .final_losing(format!("the name {}; its values are in {to}", column.name))
    .after_zero(
        format!("rows of {} in which {to} differs from {}", table.name, column.name),
        format!("SELECT count(*) FROM {relation} WHERE {}", differs(ctx.before, column, &new, &old)),
    );
    copies::removes(draft, &table.name, &column.name, &others)
}

/// A sequence goes with the column that owns it, so it is given to the new one first.
fn owned_sequences(ctx: &Context<'_>, table: &Table, from: &Identifier, to: &Identifier) -> Vec<String> {
    ctx.before
        .sequences
        .values()
        .filter(|sequence| sequence.owned_by.as_ref().is_some_and(|(owner, column)| owner == &table.name && column == from))
        .map(|sequence| {
            format!("ALTER SEQUENCE {} OWNED BY {}.{}", write::name(&sequence.name), write::name(&table.name), write::identifier(to))
        })
        .collect()
}

/// BEFORE triggers fire by name. One that fires after ours could change a column behind its back.
pub(crate) fn refuse_later_triggers(ctx: &Context<'_>, table: &Name, sync: &Sync) -> Result<(), Refusal> {
    if ctx.before.table(table) == Lookup::Absent {
        return Ok(());
    }
    let later = ctx.before.triggers.iter().find(|((on, name), _)| on == table && name.as_str() > sync.first_trigger().as_str());
    match later {
        None => Ok(()),
        Some(((_, name), _)) => Err(ctx.refuse(
            format!(
                "trigger {name} on {table} fires after the one that would keep both columns in step, and could change one of them unseen"
            ),
            format!(
                "rename it in an earlier release so that it sorts before `zz`: ALTER TRIGGER {} ON {} RENAME TO …",
                write::identifier(name),
                write::name(table)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::reads_new;
    use crate::schema::Identifier;

    #[test]
    fn a_value_that_is_given_is_not_read() {
        let reads = |body: &str| reads_new(body, &Identifier::from("Word"));
        assert!(!reads("BEGIN NEW.word := now(); NEW.\"Word\" = 1; RETURN NEW; END"));
        assert!(!reads("BEGIN NEW.words := NEW.other; RETURN NEW; END"));
        assert!(reads("BEGIN NEW.slug := lower(NEW.word); RETURN NEW; END"));
        assert!(reads("BEGIN IF NEW.word = 'x' THEN RETURN NULL; END IF; END"));
    }
}
