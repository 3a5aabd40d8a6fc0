//! A view under a table's old name, through which clients of both releases read and write one base: no data moves.
//!
//! For renamed columns the base steps aside under a name of ours and the view shows the column under both names, until
//! contract gives the table its name back. For a renamed or moved table the base has its new name already.

use super::{Context, Recipe, company};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::beside;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::object::{Definition, ObjectKind, Routine};
use crate::schema::table::Persistence;
use crate::schema::{Change, Identifier, Name, Table, TableKind};
use crate::sql::directive::{DirectiveKind, Strategy};
use crate::sql::write;

/// A column and the name that it gets.
pub(crate) type Renamed = (Identifier, Identifier);

/// What clients must not do while they go through a view.
pub(crate) const NOT_THROUGH_A_VIEW: &str = "TRUNCATE, COPY … FROM, ON CONFLICT ON CONSTRAINT, MERGE before PostgreSQL 17, system columns (xmin, ctid), GROUP BY of the key alone, new foreign keys to it and look-ups of its primary key or sequences fail";

/// RENAME COLUMN through a view: all of a table's renamed columns share one.
pub(crate) fn plan(ctx: &Context<'_>, table: &Table) -> Result<Recipe, Refusal> {
    let renames: Vec<&Item> = ctx.release.iter().filter(|item| renames_column_of(item, &table.name)).collect();
    if renames.first().is_some_and(|first| first.origin != ctx.item.origin) {
        // The first of them makes the view for all.
        return Ok(Recipe::default());
    }
    let renamed = renamed_columns(ctx, &table.name);
    let base = table.name.sibling(beside(&table.name.name, "base"));
    if let Some(obstacle) = obstacle(ctx, table, &renamed) {
        return Err(refusal(ctx, table, &obstacle));
    }
    if ctx.old.tables.contains_key(&base) || ctx.old.views.contains_key(&base) {
        return Err(refusal(ctx, table, &format!("{base} exists, which is the name under which the table would stand behind it")));
    }
    company::refuse_beside_columns(ctx, &table.name, &renamed)?;
    let swap = show_both(ctx, table, &base, &renamed);
    let back = give_back(ctx, table, &base, &renamed);
    Ok(Recipe { last: vec![swap], first_to_contract: vec![back], ..Recipe::default() })
}

fn refusal(ctx: &Context<'_>, table: &Table, obstacle: &str) -> Refusal {
    ctx.refuse(
        format!("a view can't serve clients of both releases under the name {}: {obstacle}", table.name),
        "change that in an earlier release, or accept downtime with\n-- concertina: strategy direct",
    )
}

fn renames_column_of(item: &Item, table: &Name) -> bool {
    matches!(&item.planned, Planned::Change(Change::RenameColumn { table: on, .. }) if on == table)
}

/// The columns of a table that the release renames, whatever the table is called at that moment.
pub(crate) fn renamed_columns(ctx: &Context<'_>, table: &Name) -> Vec<Renamed> {
    let name = |item: &Item| match &item.planned {
        Planned::Change(Change::RenameColumn { table: on, column, to })
            if ctx.name_before_release(on) == ctx.name_before_release(table) =>
        {
            Some((column.clone(), to.clone()))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    };
    ctx.release.iter().filter_map(name).collect()
}

/// Whether a directive above any statement that renames a column of the table asks for the view.
pub(crate) fn is_asked_for(ctx: &Context<'_>, table: &Name) -> bool {
    let asks = |directive: &DirectiveKind| matches!(directive, DirectiveKind::Strategy(Strategy::CompatibilityView));
    ctx.release.iter().any(|item| renames_column_of(item, table) && item.directives.iter().any(asks))
}

/// What stands in the way of a view under the table's name.
pub(crate) fn obstacle(ctx: &Context<'_>, table: &Table, renamed: &[Renamed]) -> Option<String> {
    if matches!(table.kind, TableKind::Foreign { .. }) {
        return Some("it is a foreign table".to_owned());
    }
    if table.persistence == Persistence::Temporary {
        return Some("it is a temporary table".to_owned());
    }
    if table.row_security && ctx.major() < 15 {
        return Some("it has row level security, which a view obeys for its reader only from PostgreSQL 15 on".to_owned());
    }
    if !renamed.is_empty()
        && let Some(obstacle) = column_obstacle(ctx, table)
    {
        return Some(obstacle);
    }
    row_type_obstacle(ctx, &table.name).or_else(|| trigger_obstacle(ctx, table, renamed))
}

/// What keeps the columns of a table from being called otherwise behind a view.
fn column_obstacle(ctx: &Context<'_>, table: &Table) -> Option<String> {
    if table.partition_of.is_some() || !table.parents.is_empty() || table.of_type.is_some() {
        return Some("the table has its columns from another one".to_owned());
    }
    let inherits = |other: &Table| other.partition_of.is_none() && other.parents.contains(&table.name);
    if let Some(child) = ctx.before.tables.values().find(|other| inherits(other)) {
        return Some(format!("{} inherits from it", child.name));
    }
    let sends = |definition: &Definition| {
        definition.object.kind == ObjectKind::Publication && definition.depends_on.iter().any(|object| object.name == table.name)
    };
    let publication = ctx.before.definitions.iter().find(|definition| sends(definition))?;
    Some(format!("publication {} sends its rows under its name", publication.object.name))
}

/// The row type stays with the base, so what takes or gives rows of that type doesn't take or give rows of the view.
fn row_type_obstacle(ctx: &Context<'_>, table: &Name) -> Option<String> {
    let is_row = |data_type: &crate::schema::DataType| &data_type.name == table;
    if let Some(routine) = ctx.before.routines.values().find(|routine| {
        routine.arguments.iter().any(is_row) || routine.returns.as_ref().is_some_and(is_row) || gives_rows_of(routine, table)
    }) {
        return Some(format!("function {} takes or returns its rows as such", routine.name));
    }
    let holder = ctx.before.tables.values().find(|other| other.columns.iter().any(|column| is_row(&column.data_type)));
    holder.map(|holder| format!("a column of {} has its row type", holder.name))
}

/// Whether the function `RETURNS SETOF` the table.
fn gives_rows_of(routine: &Routine, table: &Name) -> bool {
    let text = write::text(&routine.definition).to_lowercase();
    let named = |rest: &str| {
        let name = rest.trim_start().split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default().replace('"', "");
        name.rsplit('.').next() == Some(table.name.as_str().to_lowercase().as_str())
    };
    text.match_indices("setof ").any(|(at, word)| named(&text[at + word.len()..]))
}

/// The body of a trigger's function is text that nobody renames: `NEW.a` fails as soon as the column is called `b`.
fn trigger_obstacle(ctx: &Context<'_>, table: &Table, renamed: &[Renamed]) -> Option<String> {
    for trigger in ctx.before.triggers.values().filter(|trigger| trigger.table == table.name && !renamed.is_empty()) {
        let bodies: Vec<String> = ctx
            .before
            .routines
            .values()
            .filter(|routine| routine.name == trigger.function)
            .map(|routine| write::text(&routine.definition))
            .collect();
        if bodies.is_empty() {
            return Some(format!("trigger {} calls {}, whose body is not in the migrations", trigger.name, trigger.function));
        }
        for (column, _) in renamed {
            if bodies.iter().any(|body| company::has_word(body, column.as_str())) {
                return Some(format!("function {} of trigger {} speaks of {column} in its body", trigger.function, trigger.name));
            }
        }
    }
    None
}

/// A view's column and the column of the base that it shows.
pub(crate) type Shown = (Identifier, Identifier);

/// What old clients know, each column where it was; renamed ones are read from their new name.
fn old_shape(ctx: &Context<'_>, table: &Name, renamed: &[Renamed]) -> Vec<Shown> {
    let now = |name: &Identifier| renamed.iter().find(|(from, _)| from == name).map_or(name, |(_, to)| to).clone();
    let old = ctx.old.tables.get(ctx.name_before_release(table));
    old.map(|old| old.columns.iter().map(|column| (column.name.clone(), now(&column.name))).collect()).unwrap_or_default()
}

/// What both know: new names and new columns come last, so that rows written by position fit both shapes.
fn both_shapes(ctx: &Context<'_>, table: &Name, renamed: &[Renamed]) -> Vec<Shown> {
    let mut shown = old_shape(ctx, table, renamed);
    if let Some(new) = ctx.new.tables.get(table) {
        for column in &new.columns {
            if !shown.iter().any(|(name, _)| name == &column.name) {
                shown.push((column.name.clone(), column.name.clone()));
            }
        }
    }
    shown
}

fn create_view(view: &Name, base: &Name, shown: &[Shown]) -> String {
    let columns: Vec<String> = shown
        .iter()
        .map(|(name, column)| {
            let quoted = write::identifier(column);
            if name == column { quoted } else { format!("{quoted} AS {}", write::identifier(name)) }
        })
        .collect();
    format!("CREATE VIEW {} AS SELECT {} FROM {}", write::name(view), columns.join(", "), write::name(base))
}

/// The base under its new name, and old clients' shape under the old one.
pub(crate) fn show_old(ctx: &Context<'_>, view: &Name, base: &Name, renamed: &[Renamed], moving: &[String]) -> Vec<String> {
    let mut sql: Vec<String> = renamed.iter().map(|(from, to)| rename_column(view, from, to)).collect();
    sql.extend_from_slice(moving);
    sql.extend(show(ctx, view, base, &old_shape(ctx, view, renamed)));
    sql
}

/// Statements that make the view.
pub(crate) fn show(ctx: &Context<'_>, view: &Name, base: &Name, shown: &[Shown]) -> Vec<String> {
    vec![create_view(view, base, shown), same_owner_and_privileges(ctx, view, base, shown)]
}

/// Statements that take [`show_old`] back.
pub(crate) fn hide_old(view: &Name, renamed: &[Renamed], moving_back: &[String]) -> Vec<String> {
    let mut sql = drop_view(view);
    sql.extend_from_slice(moving_back);
    sql.extend(renamed.iter().rev().map(|(from, to)| rename_column(view, to, from)));
    sql
}

/// Readers lock the view, then the table: so does this, or it would deadlock with them.
pub(crate) fn drop_view(view: &Name) -> Vec<String> {
    let view = write::name(view);
    vec![format!("LOCK TABLE {view} IN ACCESS EXCLUSIVE MODE"), format!("DROP VIEW {view}")]
}

fn rename_column(table: &Name, from: &Identifier, to: &Identifier) -> String {
    format!("ALTER TABLE {} RENAME COLUMN {} TO {}", write::name(table), write::identifier(from), write::identifier(to))
}

fn rename_table(table: &Name, to: &Name) -> String {
    format!("ALTER TABLE {} RENAME TO {}", write::name(table), write::identifier(&to.name))
}

fn in_words(renamed: &[Renamed]) -> String {
    let pairs: Vec<String> = renamed.iter().map(|(from, to)| format!("{from} as {to}")).collect();
    pairs.join(", ")
}

fn swap_in(ctx: &Context<'_>, table: &Table, base: &Name, renamed: &[Renamed]) -> Vec<String> {
    let shown = both_shapes(ctx, &table.name, renamed);
    let mut sql: Vec<String> = renamed.iter().map(|(from, to)| rename_column(&table.name, from, to)).collect();
    sql.push(rename_table(&table.name, base));
    sql.extend(show(ctx, &table.name, base, &shown));
    sql
}

fn show_both(ctx: &Context<'_>, table: &Table, base: &Name, renamed: &[Renamed]) -> Draft {
    let mut undo = drop_view(&table.name);
    undo.push(rename_table(base, &table.name));
    undo.extend(renamed.iter().rev().map(|(from, to)| rename_column(&table.name, to, from)));
    let draft = Draft::own(
        table.name.to_string(),
        "show-both-names",
        format!("put a view under the name {} that shows {}, under both names", table.name, in_words(renamed)),
        swap_in(ctx, table, base, renamed),
    )
    .because(format!("old and new clients read and write {base} through the view; no data moves"))
    .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::relation_exists(base))
    .undone_by(undo)
    .hazard(
        HazardKind::ThroughView,
        format!(
            "until contract {} is a view: {NOT_THROUGH_A_VIEW}, and so does a statement that writes a column under both its names",
            table.name
        ),
    )
    .hazard(HazardKind::CachedPlans, super::add_column::cached_plans(&table.name));
    if matches!(table.kind, TableKind::Partitioned { .. }) {
        return draft.hazard(
            HazardKind::ThroughView,
            format!("clients that name partitions of {} themselves find the new names there at once, and the old ones no more", table.name),
        );
    }
    draft
}

fn give_back(ctx: &Context<'_>, table: &Table, base: &Name, renamed: &[Renamed]) -> Draft {
    let mut sql = drop_view(&table.name);
    sql.push(rename_table(base, &table.name));
    Draft::own(table.name.to_string(), "drop-view", format!("drop the view {} and give the table its name back", table.name), sql)
        .because("no client that uses the old names is left")
        .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::relation_gone(base))
        .undone_by(swap_back_in(ctx, table, base, renamed))
        .hazard(HazardKind::CachedPlans, super::add_column::cached_plans(&table.name))
}

/// The table is called by its new columns by then.
fn swap_back_in(ctx: &Context<'_>, table: &Table, base: &Name, renamed: &[Renamed]) -> Vec<String> {
    swap_in(ctx, table, base, renamed).split_off(renamed.len())
}

/// Gives the view what the table has: read when the step runs, since privileges are often granted outside of migrations. A view reads
/// with its owner's rights, past row security, so there it gets the reader's own; not elsewhere, since a reader then needs rights on every
/// column that the view has, whichever are read.
fn same_owner_and_privileges(ctx: &Context<'_>, view: &Name, table: &Name, shown: &[Shown]) -> String {
    let view_name = write::literal(&write::name(view));
    let table_name = write::literal(&write::name(table));
    let invoker = if ctx.major() >= 15 {
        format!(
            "  IF (SELECT relrowsecurity FROM pg_class WHERE oid = {table_name}::regclass) THEN\n    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', {view_name});\n  END IF;\n"
        )
    } else {
        String::new()
    };
    let columns: Vec<String> =
        shown.iter().map(|(name, column)| format!("({}, {})", write::literal(name.as_str()), write::literal(column.as_str()))).collect();
    format!(
        "DO $concertina$
DECLARE
  entry record;
BEGIN
{invoker}  EXECUTE format('ALTER VIEW %s OWNER TO %I', {view_name}, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = {table_name}::regclass));
  FOR entry IN
    SELECT privilege_type, is_grantable, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
    FROM pg_class, aclexplode(relacl)
    WHERE oid = {table_name}::regclass AND aclexplode.grantee <> relowner AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s%s', entry.privilege_type, {view_name}, entry.grantee, CASE WHEN entry.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
  FOR entry IN
    SELECT privilege_type, is_grantable, shown.name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
    FROM (VALUES {}) AS shown (name, of_column)
    JOIN pg_attribute ON attrelid = {table_name}::regclass AND attname = shown.of_column, aclexplode(attacl)
    WHERE privilege_type IN ('SELECT', 'INSERT', 'UPDATE')
  LOOP
    EXECUTE format('GRANT %s (%I) ON %s TO %s%s', entry.privilege_type, entry.name, {view_name}, entry.grantee, CASE WHEN entry.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END
$concertina$",
        columns.join(", ")
    )
}
