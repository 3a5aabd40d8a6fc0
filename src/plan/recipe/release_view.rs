//! `strategy views`: a schema for the release, with a view for each table that it changes so, under the table's own name. New
//! clients find it by their `search_path`; old ones go on with the table itself.
//!
//! A column whose type changes has a second one beside it, kept in step both ways, which the view shows under the column's name. A
//! renamed column keeps its name in the table. Contract gives the table the new shape and drops the view in one transaction: a
//! schema that is gone is passed over in `search_path`, so clients of the release find the table in its place.

use super::change_type::Target;
use super::second_column::{SecondColumn, Wanted, Writers};
use super::triggered::takes;
use super::{Context, Item, Recipe, company, compatibility_view, rename_column, retyped};
use crate::engine::postgres::{self, Retype, TypeChange};
use crate::engine::{Held, LockMode};
use crate::plan::copies::{self, OfKeys};
use crate::plan::draft::Draft;
use crate::plan::format::{HazardKind, Release};
use crate::plan::mute::said;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::plan::trigger::Sync;
use crate::schema::object::{Routine, Trigger};
use crate::schema::{Change, Column, Identifier, Name, Sql, Table};
use crate::sql::directive::{DirectiveKind, Strategy};
use crate::sql::write;

/// The schema of a release's views: a name that needs no quotes, since one that is misspelt in `search_path` is passed over unheard.
pub(crate) fn schema(release: &Release) -> Identifier {
    const LONGEST: usize = 50;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: Vec<char> = release.0.chars().map(plain).collect();
    let end: String = name[name.len().saturating_sub(LONGEST)..].iter().collect();
    Identifier::new(format!("concertina_{end}"))
}

/// What the step does that makes a view, in its id.
pub(crate) const SHOW: &str = "show-release";
/// What the step does that gives the table the shape of the view, in its id.
pub(crate) const TAKE_OVER: &str = "take-over";

/// Whether a directive above the statement asks for it.
pub(crate) fn is_asked_for(item: &Item) -> bool {
    item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Strategy(Strategy::Views)))
}

/// What the release's views make of a table's columns.
enum Changes<'a> {
    Types(Vec<(Context<'a>, SecondColumn<'a>)>),
    Names(Vec<compatibility_view::Renamed>),
}

/// The steps of one statement. The first of those about a table has what is done once for all of them.
pub(crate) fn plan(ctx: &Context<'_>, name: &Name) -> Result<Recipe, Refusal> {
    let table = ctx.table(name)?;
    let own: Vec<&Item> = ctx.release.iter().filter(|item| is_asked_for(item) && item_table(item) == Some(name)).collect();
    let changes = changes(ctx, table, &own)?;
    refuse(ctx, table, &own, &changes)?;
    let mut recipe = Recipe::default();
    if let Changes::Types(types) = &changes {
        for (of, second) in types.iter().filter(|(of, _)| std::ptr::eq(of.item, ctx.item)) {
            let add = second.add(of);
            recipe = Recipe::expand(match second.refuses_old() {
                None => add,
                Some(refused) => add.hazard(HazardKind::RefusesWrites, refused),
            });
            recipe.migrate = second.fill(of)?;
        }
    }
    if own.first().is_some_and(|first| std::ptr::eq(*first, ctx.item)) {
        recipe.last = vec![show(ctx, table, &changes)];
        recipe.first_to_contract = vec![take_over(ctx, table, &changes)];
    }
    Ok(recipe)
}

fn item_table(item: &Item) -> Option<&Name> {
    match &item.planned {
        Planned::Change(Change::ChangeType { table, .. } | Change::RenameColumn { table, .. }) => Some(table),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    }
}

fn changes<'a>(ctx: &Context<'a>, table: &Table, own: &[&'a Item]) -> Result<Changes<'a>, Refusal> {
    let renamed = compatibility_view::renamed_columns(ctx, &table.name);
    let types: Vec<&&Item> = own.iter().filter(|item| matches!(item.planned, Planned::Change(Change::ChangeType { .. }))).collect();
    if types.is_empty() {
        return Ok(Changes::Names(renamed));
    }
    if !renamed.is_empty() {
        return Err(ctx.refuse(
            format!("the release gives columns of {} other names and other types, and one view can't serve both", table.name),
            "put the renames or the changes of type into the next release",
        ));
    }
    let made = types.into_iter().map(|item| {
        let of = Context { item, before: &item.before, after: &item.after, ..*ctx };
        second(&of).map(|second| (of, second))
    });
    Ok(Changes::Types(made.collect::<Result<_, _>>()?))
}

fn second<'a>(ctx: &Context<'a>) -> Result<SecondColumn<'a>, Refusal> {
    let Planned::Change(Change::ChangeType { table, column, data_type, collation, using }) = &ctx.item.planned else {
        return Err(ctx.refuse("it changes no type", "take the directive away"));
    };
    let found = ctx.item.before.tables.get(table).and_then(|found| Some((found, found.column(column)?)));
    let Some((found, column)) = found else {
        return Err(ctx.refuse(format!("there is no {table}.{column} before this statement"), "check the names"));
    };
    let target = Target { data_type, collation: collation.as_ref(), using: using.as_ref() };
    let retype = Retype { column, to: data_type, collation: target.collation, using: target.using };
    if ctx.is_new_column(table, &column.name) {
        return Err(
            ctx.refuse(format!("{table}.{} is added and changed in one release", column.name), "add it with its final type at once")
        );
    }
    if postgres::type_change(&retype, ctx.before) == TypeChange::Metadata {
        return Err(ctx.refuse(
            "the new type holds every value as it is, so both releases can use one column",
            "take `strategy views` away: the type is changed at once",
        ));
    }
    let back = retyped::check(ctx, found, column, &target)?;
    retyped::refuse_session_text(ctx, found, column, &target)?;
    let value = target.using.cloned().unwrap_or_else(|| Sql::column(&column.name));
    if value.own_columns().any(|named| named != &column.name) {
        return Err(ctx.refuse(
            format!("USING reads other columns than {}, and clients of both releases change those, too", column.name),
            "write USING over the column itself",
        ));
    }
    let (collation, keys, written_by) = (target.collation, OfKeys::Refused, Writers::NewClients);
    let second = SecondColumn::new(ctx, found, column, Wanted { data_type, collation, value, back, keys, written_by })?;
    second.refuse_other_end(ctx, "drop it in a release before, and make it again in one behind")?;
    Ok(second)
}

/// The columns by their names before and after.
fn columns(changes: &Changes<'_>) -> Vec<compatibility_view::Renamed> {
    match changes {
        Changes::Names(renamed) => renamed.clone(),
        Changes::Types(types) => types.iter().map(|(_, second)| (second.shown().0, second.shown().0)).collect(),
    }
}

fn refuse(ctx: &Context<'_>, table: &Table, own: &[&Item], changes: &Changes<'_>) -> Result<(), Refusal> {
    let changed = columns(changes);
    if let Some(obstacle) = compatibility_view::obstacle(ctx, table, if matches!(changes, Changes::Names(_)) { &changed } else { &[] }) {
        return Err(ctx.refuse(
            format!("a view can't serve clients of the release in the place of {}: {obstacle}", table.name),
            "change that in an earlier release, or take another strategy (docs/directives.md)",
        ));
    }
    let late = |item: &&Item| item.directives.iter().any(|directive| matches!(directive, DirectiveKind::ContractAfter(_)));
    if own.iter().any(late) {
        return Err(ctx.refuse(
            "the views of a release serve its own clients: those of the next one find the table, which must have the new shape by then",
            "take `contract-after` away",
        ));
    }
    let namesake = |item: &Item| item_table(item).is_some_and(|other| other.name == table.name.name && other != &table.name);
    if ctx.release.iter().any(|item| is_asked_for(item) && namesake(item)) {
        return Err(ctx.refuse(
            format!("two tables by the name {} would have a view in one schema", table.name.name),
            "put one of the two into the next release",
        ));
    }
    refuse_past_the_view(ctx, &table.name)?;
    company::refuse_beside_release_view(ctx, &table.name, &changed)
}

/// A function that finds the table whatever the `search_path` of who calls it is: new clients would read and write the old shape by it.
fn refuse_past_the_view(ctx: &Context<'_>, table: &Name) -> Result<(), Refusal> {
    let qualified = table.schema.as_ref().map(|schema| format!("{schema}.{}", table.name).to_lowercase());
    let past = |routine: &&Routine| {
        let text = write::text(&routine.definition).to_lowercase().replace('"', "");
        let names = company::has_word(&text, table.name.as_str()) && text.contains("search_path");
        names
            || qualified.as_ref().is_some_and(|name| company::has_word(&text, name))
            || routine.reads.iter().any(|(read, _)| read == table)
    };
    let mut known = ctx.old.routines.values().chain(ctx.new.routines.values()).map(AsRef::as_ref);
    match known.find(past) {
        None => Ok(()),
        Some(routine) => Err(ctx.refuse(
            format!("function {} finds {table} past the view, and new clients that call it would have the old shape", routine.name),
            "let it name the table without a schema and have no search_path of its own, in a release before, or take another strategy \
             (docs/directives.md)",
        )),
    }
}

/// Our triggers beside the user's, whose functions know the column by one type: those that only read it find it filled; one that
/// sets it would set it for old clients alone.
pub(crate) fn beside_triggers(ctx: &Context<'_>, table: &Table, column: &Column, sync: Sync) -> Result<Sync, Refusal> {
    let mut read = false;
    let is_early = |trigger: &&Trigger| trigger.table == table.name && said(trigger, "BEFORE") && said(trigger, "ROW");
    let early: Vec<&Trigger> = ctx.old.triggers.values().chain(ctx.new.triggers.values()).map(AsRef::as_ref).filter(is_early).collect();
    for trigger in &early {
        let bodies = [ctx.old, ctx.new].into_iter().flat_map(|catalog| catalog.routines_named(&trigger.function));
        let bodies: Vec<String> = bodies.map(|routine| write::text(&routine.definition)).collect();
        if bodies.is_empty()
            || takes(trigger, &column.name)
            || bodies.iter().any(|body| may_set(body))
            || bodies.iter().any(|body| rename_column::sets_new(body, &column.name))
        {
            return Err(ctx.refuse(
                format!("trigger {} of {} may set {}, and would do so for old clients alone", trigger.name, table.name, column.name),
                "let its function leave the column alone in a release before, or take another strategy (docs/directives.md)",
            ));
        }
        read |= bodies.iter().any(|body| company::has_word(body, column.name.as_str()));
    }
    if read {
        let sync = sync.before_others();
        return match early.iter().find(|trigger| trigger.name.as_str() < sync.first_trigger().as_str()) {
            None => Ok(sync),
            Some(other) => Err(ctx.refuse(
                format!("trigger {} of {} fires before ours, which fill {} for it", other.name, table.name, column.name),
                "give it a name that begins with a small letter, in a release before, or take another strategy (docs/directives.md)",
            )),
        };
    }
    rename_column::refuse_later_triggers(ctx, &table.name, &sync)?;
    Ok(sync)
}

/// Whether a function may set columns of the row otherwise than one by one.
fn may_set(body: &str) -> bool {
    let words = body.to_lowercase().replace(":=", " := ").replace('=', " = ").replace(": =", " :=");
    let words: Vec<&str> = words.split_whitespace().collect();
    let whole = words.windows(2).any(|pair| pair[0] == "new" && [":=", "="].contains(&pair[1]));
    whole || words.contains(&"into") && words.iter().any(|word| word.starts_with("new.")) || words.contains(&"execute")
}

/// What the view shows: each column as new clients know it, and the column of the table that it is until contract.
fn shown(ctx: &Context<'_>, table: &Table, changes: &Changes<'_>) -> Vec<compatibility_view::Shown> {
    let pairs: Vec<(Identifier, Identifier)> = match changes {
        Changes::Names(renamed) => renamed.iter().map(|(from, to)| (to.clone(), from.clone())).collect(),
        Changes::Types(types) => types.iter().map(|(_, second)| second.shown()).collect(),
    };
    let until = |name: &Identifier| pairs.iter().find(|(shown, _)| shown == name).map_or(name, |(_, until)| until).clone();
    let new = ctx.new.tables.get(&table.name);
    new.map(|new| new.columns.iter().map(|column| (column.name.clone(), until(&column.name))).collect()).unwrap_or_default()
}

fn view(ctx: &Context<'_>, table: &Table) -> Name {
    Name::new(schema(ctx.deploy), table.name.name.clone())
}

fn make(ctx: &Context<'_>, table: &Table, changes: &Changes<'_>) -> Vec<String> {
    let (schema, view) = (write::identifier(&schema(ctx.deploy)), view(ctx, table));
    let mut sql = vec![format!("CREATE SCHEMA IF NOT EXISTS {schema}"), open_to_the_same(&schema, &table.name)];
    sql.extend(compatibility_view::show(ctx, &view, &table.name, &shown(ctx, table, changes)));
    if let Changes::Types(types) = changes {
        let defaults = types.iter().filter_map(|(of, second)| Some((second.shown().0, second.new_default(of)?)));
        sql.extend(defaults.map(|(column, default)| {
            format!("ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {default}", write::name(&view), write::identifier(&column))
        }));
    }
    sql
}

fn unmake(ctx: &Context<'_>, table: &Table) -> Vec<String> {
    let schema = schema(ctx.deploy);
    let (name, quoted) = (write::literal(schema.as_str()), write::identifier(&schema));
    let mut sql = compatibility_view::drop_view(&view(ctx, table));
    // Another table's view may be in it.
    sql.push(format!(
        "DO $concertina$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {name}) THEN DROP SCHEMA {quoted}; END IF; END $concertina$"
    ));
    sql
}

fn show(ctx: &Context<'_>, table: &Table, changes: &Changes<'_>) -> Draft {
    let (schema, view) = (schema(ctx.deploy), view(ctx, table));
    let draft = Draft::own(
        table.name.to_string(),
        SHOW,
        format!("show {} to clients of release {} as they know it, by the view {view}", table.name, ctx.deploy),
        make(ctx, table, changes),
    )
    .because(format!(
        "old clients go on with {}; new ones have {schema} first in their search_path, and find the view in its place",
        table.name
    ))
    .locks(&table.name, LockMode::AccessShare, Held::Brief)
    .probed(probe::relation_exists(&view))
    .undone_by(unmake(ctx, table))
    .hazard(
        HazardKind::ThroughView,
        format!(
            "until contract new clients must have {schema} first in their search_path and name {} without its schema; through the view {}",
            table.name.name,
            compatibility_view::NOT_THROUGH_A_VIEW
        ),
    );
    let Changes::Types(types) = changes else { return draft };
    types.iter().fold(draft, |draft, (_, second)| {
        let draft = match second.refuses_new() {
            None => draft,
            Some(refused) => draft.hazard(HazardKind::RefusesWrites, refused),
        };
        if !second.fills_null() {
            return draft;
        }
        let subject = second.subject();
        let what = format!("until contract, a row inserted with NULL for {subject} is taken for one of old clients, who left it out");
        draft.hazard(HazardKind::FillsNull, what)
    })
}

/// The table takes the shape that the view shows.
fn take_over(ctx: &Context<'_>, table: &Table, changes: &Changes<'_>) -> Draft {
    let relation = write::name(&table.name);
    let mut sql = unmake(ctx, table);
    let about = format!("give {} the shape that clients of release {} know, and drop their view", table.name, ctx.deploy);
    let draft = |sql: Vec<String>| {
        Draft::own(table.name.to_string(), TAKE_OVER, about.clone(), sql)
            .because("no client that knows the old shape is left; those that look for the view find the table in its place")
            .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::relation_gone(&view(ctx, table)))
            .hazard(HazardKind::CachedPlans, super::add_column::cached_plans(&table.name))
    };
    match changes {
        Changes::Names(renamed) => {
            let rename = |from: &Identifier, to: &Identifier| {
                format!("ALTER TABLE {relation} RENAME COLUMN {} TO {}", write::identifier(from), write::identifier(to))
            };
            sql.extend(renamed.iter().map(|(from, to)| rename(from, to)));
            let mut undo: Vec<String> = renamed.iter().rev().map(|(from, to)| rename(to, from)).collect();
            undo.extend(make(ctx, table, changes));
            draft(sql).undone_by(undo)
        }
        Changes::Types(types) => {
            let mut relations: Vec<Name> = types.iter().flat_map(|(_, second)| second.relations()).collect();
            relations.retain(|other| other != &table.name);
            relations.dedup();
            relations.push(table.name.clone());
            sql.push(copies::lock_all(&relations));
            for (of, second) in types {
                sql.extend(second.replace(of));
                sql.extend(second.set_default(of));
            }
            let names: Vec<String> = types.iter().map(|(_, second)| second.shown().0.to_string()).collect();
            let draft = draft(sql).final_losing(format!("the old type of {}", names.join(", ")));
            types.iter().fold(draft, |draft, (of, second)| second.replacing(of, draft))
        }
    }
}

/// Lets the roles into the schema that may use that of the table; its owner is to own the view.
fn open_to_the_same(schema: &str, table: &Name) -> String {
    let (schema, relation) = (write::literal(schema), write::literal(&write::name(table)));
    format!(
        "DO $concertina$
DECLARE
  entry record;
BEGIN
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %s TO %I', {schema}, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = {relation}::regclass));
  FOR entry IN
    SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
    FROM pg_namespace n, aclexplode(n.nspacl)
    WHERE n.oid = (SELECT relnamespace FROM pg_class WHERE oid = {relation}::regclass) AND privilege_type = 'USAGE'
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', {schema}, entry.grantee);
  END LOOP;
END
$concertina$"
    )
}
