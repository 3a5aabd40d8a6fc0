//! ALTER COLUMN TYPE: as written where only the catalog changes; else a second column is filled beside the first and takes
//! its name before new clients start.

use super::add_column::walking_key;
use super::{Context, Recipe, set_not_null};
use crate::engine::postgres::{self, Retype, TypeChange};
use crate::engine::{self, Held, LockMode};
use crate::plan::copies::{self, Copies, Replacement};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::identity::differs;
use crate::plan::keyset::{self, Action};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::trigger::{Sync, over};
use crate::schema::{Column, DataType, Identifier, Name, Sql, Table};
use crate::sql::write;

/// What the column is to become.
pub(crate) struct Target<'a> {
    pub(crate) data_type: &'a DataType,
    pub(crate) collation: Option<&'a Name>,
    pub(crate) using: Option<&'a Sql>,
}

pub(crate) fn plan(ctx: &Context<'_>, table_name: &Name, name: &Identifier, target: &Target<'_>) -> Result<Recipe, Refusal> {
    let table = ctx.table(table_name)?;
    let Some(column) = table.column(name) else {
        return Err(ctx.refuse(format!("{table_name} has no column {name}"), "check the name"));
    };
    if ctx.is_new_column(table_name, name) {
        return Err(ctx.refuse(format!("{table_name}.{name} is added and changed in one release"), "add it with its final type at once"));
    }
    let retype = Retype { column, to: target.data_type, collation: target.collation, using: target.using };
    match postgres::type_change(&retype, ctx.before) {
        TypeChange::Metadata if is_brief(ctx, table_name) => Ok(at_once(table, column, target)),
        TypeChange::Metadata | TypeChange::IndexRebuild | TypeChange::Rewrite => beside(ctx, table, column, target),
    }
}

/// Whether nothing is read under the lock either: no CHECK is verified again, no expression index built again.
fn is_brief(ctx: &Context<'_>, table: &Name) -> bool {
    let super::Planned::Change(change) = &ctx.item.planned else { return false };
    let effects = engine::effects(ctx.engine, change, ctx.before);
    effects.locks.iter().filter(|lock| &lock.relation == table).all(|lock| lock.held == Held::Brief) && effects.work.is_empty()
}

fn at_once(table: &Table, column: &Column, target: &Target<'_>) -> Recipe {
    let relation = write::name(&table.name);
    let quoted = write::identifier(&column.name);
    let data_type = write::data_type(target.data_type);
    let back = format!("ALTER TABLE {relation} ALTER COLUMN {quoted} TYPE {}", write::data_type(&column.data_type));
    let subject = format!("{}.{}", table.name, column.name);
    Recipe::expand(
        Draft::own(
            &subject,
            "change-type",
            format!("change the type of {subject} to {data_type}"),
            vec![format!("ALTER TABLE {relation} ALTER COLUMN {quoted} TYPE {data_type}")],
        )
        .because("the new type holds every value of the old one as it is, so nothing is rewritten")
        .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::column_has_type(&table.name, &column.name, &data_type))
        .undone_by(vec![back])
        .hazard(
            HazardKind::CachedPlans,
            format!("a prepared statement that returns {subject} fails once in each session (\"cached plan must not change result type\")"),
        )
        .hazard(
            HazardKind::OldClientsReadNewValues,
            format!("old clients may read values of {subject} that the old type could not hold, once new clients write them"),
        ),
    )
}

/// The parts of a change that goes by a second column.
struct Beside<'a> {
    table: &'a Table,
    column: &'a Column,
    /// The second column while it is filled.
    filling: Identifier,
    /// The first column once the second has its name.
    retired: Identifier,
    second: Column,
    up: String,
}

fn beside(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<Recipe, Refusal> {
    refuse_what_clients_would_notice(ctx, table, column, target)?;
    let filling = generated_name("new", &table.name, &column.name);
    let mut second = Column::new(filling.clone(), target.data_type.clone());
    second.collation = target.collation.cloned();
    let value =
        target.using.cloned().unwrap_or_else(|| Sql { parts: vec![crate::schema::Part::Column { of: None, name: column.name.clone() }] });
    let cast = |value: String| format!("({value})::{}", write::data_type(target.data_type));
    let parts =
        Beside { table, column, retired: generated_name("old", &table.name, &column.name), second, up: cast(write::text(&value)), filling };
    let replacement = Replacement { table, from: &column.name, to: &parts.filling };
    let copies = replacement.copies(ctx)?;
    super::super::conflict::refuse(ctx, &table.name, &[&column.name], copies.originals())?;
    let changed = differs(
        ctx.before,
        column,
        &format!("OLD.{}", write::identifier(&column.name)),
        &format!("NEW.{}", write::identifier(&column.name)),
    );
    let forward = Sync::derived(&table.name, &parts.filling, &cast(over("NEW", &value)), &changed);
    super::rename_column::refuse_later_triggers(ctx, &table.name, &forward)?;
    let back_value = format!("NEW.{}::{}", write::identifier(&column.name), write::data_type(&column.data_type));
    let backward = Sync::derived_or_null(&table.name, &parts.retired, &back_value, "true");
    let mut recipe = Recipe::expand(parts.add(ctx, &forward));
    recipe.migrate.push(parts.fill(ctx)?);
    recipe.migrate.extend(copies.build(ctx));
    if column.not_null {
        let mut steps = set_not_null::steps(ctx, &table.name, &parts.filling);
        for step in &mut steps {
            step.hazards.clear();
        }
        recipe.migrate.extend(steps);
    }
    recipe.migrate.push(parts.swap(ctx, &forward, &backward, &copies));
    recipe.contract.push(parts.remove(&backward, &copies));
    Ok(recipe)
}

fn refuse_what_clients_would_notice(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<(), Refusal> {
    if target.using.is_some_and(|using| !super::super::release::is_over_own_row(using)) {
        return Err(ctx.refuse("USING reads more than its own row", "write USING over the columns of the same row, without table names"));
    }
    if postgres::same_to_clients(&column.data_type, target.data_type) {
        return Ok(());
    }
    let (from, to) = (write::data_type(&column.data_type), write::data_type(target.data_type));
    Err(ctx.refuse(
        format!("{}.{} can't be {from} for old clients and {to} for new ones under one name", table.name, column.name),
        format!(
            "add a column of type {to} under a new name and fill it:\nALTER TABLE {relation} ADD COLUMN {new} {to};\n-- concertina: up {table}.{new} = {old}::{to}\nand drop {old} in a later release; or accept downtime for a small table with `-- concertina: strategy direct`",
            relation = write::name(&table.name),
            table = table.name,
            old = write::identifier(&column.name),
            new = write::identifier(&Identifier::new(format!("{}_new", column.name))),
        ),
    ))
}

impl Beside<'_> {
    fn subject(&self) -> String {
        format!("{}.{}", self.table.name, self.column.name)
    }

    fn relation(&self) -> String {
        write::name(&self.table.name)
    }

    fn data_type(&self) -> String {
        write::data_type(&self.second.data_type)
    }

    fn add(&self, ctx: &Context<'_>, forward: &Sync) -> Draft {
        let relation = self.relation();
        let mut sql = vec![format!("ALTER TABLE {relation} ADD COLUMN {}", write::column(&self.second))];
        sql.extend(copies::attributes(ctx, self.table, &self.column.name, &self.filling));
        sql.extend(forward.create());
        let mut undo = forward.drop();
        undo.push(format!("ALTER TABLE {relation} DROP COLUMN {}", write::identifier(&self.filling)));
        Draft::own(
            self.subject(),
            "add-column",
            format!("add a column of type {} beside {} and keep it in step", self.data_type(), self.subject()),
            sql,
        )
        .because("changing the type in place would rewrite the table or its indexes under a lock")
        .locks(&self.table.name, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::column_exists(&self.table.name, &self.filling))
        .undone_by(undo)
        .hazard(HazardKind::CachedPlans, super::add_column::cached_plans(&self.table.name))
        .hazard(
            HazardKind::ColumnOrder,
            format!("until contract `SELECT *` on {} shows one column more; {} ends as the last one", self.table.name, self.column.name),
        )
    }

    fn fill(&self, ctx: &Context<'_>) -> Result<Draft, Refusal> {
        let new = write::identifier(&self.filling);
        let pending = differs(ctx.before, &self.second, &new, &self.up);
        let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", self.relation());
        let key = walking_key(ctx, self.table)?;
        let backfill = keyset::backfill(self.table, &key, &Action::Set(format!("{new} = {}", self.up)), Some(&pending), remaining);
        Ok(Draft::chunked(self.subject(), "fill", format!("convert {} in the rows that were there", self.subject()), backfill)
            .because("rows that old clients write meanwhile are converted by the trigger")
            .locks(&self.table.name, LockMode::RowExclusive, Held::Brief))
    }

    /// Both names change hands in one transaction, before new clients start.
    fn swap(&self, ctx: &Context<'_>, forward: &Sync, backward: &Sync, copies: &Copies) -> Draft {
        let relation = self.relation();
        let name = write::identifier(&self.column.name);
        let (filling, retired) = (write::identifier(&self.filling), write::identifier(&self.retired));
        let alter = |column: &str, what: &str| format!("ALTER TABLE {relation} ALTER COLUMN {column} {what}");
        let rename = |from: &str, to: &str| format!("ALTER TABLE {relation} RENAME COLUMN {from} TO {to}");
        let default = self.column.default.as_ref().map(write::text);
        let new_default = ctx
            .after
            .tables
            .get(&self.table.name)
            .and_then(|table| table.column(&self.column.name))
            .and_then(|column| column.default.as_ref())
            .map(write::text);
        let mut sql = vec![copies::lock_first(&self.table.name, &[])];
        sql.extend(forward.drop());
        sql.extend([rename(&name, &retired), rename(&filling, &name)]);
        if let Some(default) = &new_default {
            sql.push(alter(&name, &format!("SET DEFAULT {default}")));
        }
        if self.column.default.is_some() {
            sql.push(alter(&retired, "DROP DEFAULT"));
        }
        if self.column.not_null {
            sql.push(alter(&retired, "DROP NOT NULL"));
        }
        sql.extend(self.sequences(ctx, &self.column.name));
        sql.extend(backward.create());
        let mut undo = vec![copies::lock_first(&self.table.name, &[]), self.refuse_loss()];
        undo.extend(backward.drop());
        undo.extend(self.sequences(ctx, &self.retired));
        undo.extend([alter(&name, "DROP DEFAULT"), rename(&name, &filling), rename(&retired, &name)]);
        undo.extend(default.iter().map(|default| alter(&name, &format!("SET DEFAULT {default}"))));
        if self.column.not_null {
            undo.push(alter(&name, "SET NOT NULL"));
        }
        undo.extend(forward.create());
        Draft::own(self.subject(), "swap", format!("let {} be the column of type {}", self.subject(), self.data_type()), sql)
            .because("from here on old and new clients use the new column under the old name; the first one is still fed, so that going back loses nothing")
            .locks(&self.table.name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::column_exists(&self.table.name, &self.retired))
            .undone_by(undo)
            .after_zero(
                format!("rows of {} in which the converted value differs", self.table.name),
                format!("SELECT count(*) FROM {relation} WHERE {}", differs(ctx.before, &self.second, &filling, &self.up)),
            )
            .hazard(
                HazardKind::CachedPlans,
                format!("a prepared statement that returns {} fails once in each session, and drivers that are strict about types see {} in old clients too", self.subject(), self.data_type()),
            )
            .hazard(
                HazardKind::OldClientsReadNewValues,
                format!("once new clients write a value of {} that {} can't hold, going back to the old release is refused", self.subject(), write::data_type(&self.column.data_type)),
            )
            .tap_references(copies)
    }

    /// Raises an error if a value was written that the old type can't hold.
    fn refuse_loss(&self) -> String {
        let (name, retired) = (write::identifier(&self.column.name), write::identifier(&self.retired));
        let message = write::literal(&format!(
            "{} has values that {} can't hold: going back would lose them",
            self.subject(),
            write::data_type(&self.column.data_type)
        ));
        format!(
            "DO $concertina$ BEGIN IF EXISTS (SELECT 1 FROM {} WHERE {retired}::{}::text IS DISTINCT FROM {name}::text) THEN RAISE EXCEPTION USING MESSAGE = {message}; END IF; END $concertina$",
            self.relation(),
            self.data_type(),
        )
    }

    fn sequences(&self, ctx: &Context<'_>, to: &Identifier) -> Vec<String> {
        ctx.before
            .sequences
            .values()
            .filter(|sequence| {
                sequence.owned_by.as_ref().is_some_and(|(owner, column)| owner == &self.table.name && column == &self.column.name)
            })
            .map(|sequence| {
                format!("ALTER SEQUENCE {} OWNED BY {}.{}", write::name(&sequence.name), self.relation(), write::identifier(to))
            })
            .collect()
    }

    fn remove(&self, backward: &Sync, copies: &Copies) -> Draft {
        let others = copies.referenced();
        let mut sql = vec![copies::lock_first(&self.table.name, &others)];
        sql.extend(backward.drop());
        sql.push(format!("ALTER TABLE {} DROP COLUMN {}", self.relation(), write::identifier(&self.retired)));
        sql.extend(copies.take_names());
        let draft = Draft::own(
            self.subject(),
            "drop-column",
            format!("drop the column of type {} that {} has replaced", write::data_type(&self.column.data_type), self.subject()),
            sql,
        )
        .because("no client that may go back to the old type is left")
        .final_losing(format!("the way back to {}", write::data_type(&self.column.data_type)));
        copies::removes(draft, &self.table.name, &self.retired, &others)
    }
}

impl Draft {
    /// Foreign keys of the column lock their other table too, when it takes another name.
    fn tap_references(self, copies: &Copies) -> Self {
        copies.referenced().iter().fold(self, |draft, other| draft.locks(other, LockMode::RowShare, Held::Brief))
    }
}
