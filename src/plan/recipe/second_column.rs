//! A column that becomes another one under its own name: the second is built beside it, kept in step by a trigger, filled,
//! given all that the first one has, and then takes its name. When it does is for the recipe to say.

use super::add_column::walking_key;
use super::{Context, set_not_null};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::compiled;
use crate::plan::copies::{self, Copies, OfKeys, Replacement};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::generated::generated_name;
use crate::plan::identity::differs;
use crate::plan::keys::Keys;
use crate::plan::keyset::{self, Action};
use crate::plan::mute::muted;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::trigger::{Sync, over};
use crate::schema::{Column, DataType, Identifier, Name, Part, Sql, Table};
use crate::sql::write;

/// What the second column is.
pub(crate) struct Wanted<'a> {
    pub(crate) data_type: &'a DataType,
    pub(crate) collation: Option<&'a Name>,
    /// Its value, from the columns of the row.
    pub(crate) value: Sql,
    /// The first column's value from the second, where that isn't a plain cast.
    pub(crate) back: Option<Sql>,
    /// Whether it may be part of a key.
    pub(crate) keys: OfKeys,
    /// Who writes to the second column while it has no name of its own.
    pub(crate) written_by: Writers,
}

/// Who writes to a second column before it takes the name of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// Only its trigger.
    Nobody,
    /// New clients, through a view.
    NewClients,
}

/// A second column, and everything that comes with it.
pub(crate) struct SecondColumn<'a> {
    table: &'a Table,
    column: &'a Column,
    /// The second column while it is filled.
    filling: Identifier,
    /// The first column once the second has its name.
    retired: Identifier,
    second: Column,
    value: Sql,
    back: Option<Sql>,
    forward: Sync,
    copies: Copies,
    keys: Option<Keys>,
    written_by: Writers,
}

impl<'a> SecondColumn<'a> {
    /// A refusal if the column has what can't be carried over.
    pub(crate) fn new(ctx: &Context<'_>, table: &'a Table, column: &'a Column, wanted: Wanted<'_>) -> Result<Self, Refusal> {
        let filling = generated_name("new", &table.name, &column.name);
        let mut second = Column::new(filling.clone(), wanted.data_type.clone());
        second.collation = wanted.collation.cloned();
        let replacement = Replacement { table, from: &column.name, to: &filling, keys: wanted.keys };
        let copies = replacement.copies(ctx)?;
        super::super::conflict::refuse(ctx, &table.name, &[&column.name], copies.originals())?;
        super::super::conflict::refuse_fixed_rows(ctx, table)?;
        let changed = differs_of(ctx, column, "OLD", "NEW");
        let value = cast(&over("NEW", &wanted.value), wanted.data_type);
        let turn = super::fill_column::turn(ctx, &table.name, &wanted.value);
        let forward = match wanted.written_by {
            Writers::Nobody => {
                let sync = Sync::derived(&table.name, &filling, &value, &changed).in_turn(turn);
                super::rename_column::refuse_later_triggers(ctx, &table.name, &sync)?;
                sync
            }
            Writers::NewClients => {
                let back = back_from(wanted.back.as_ref(), column, &filling, "NEW");
                let quoted = write::identifier(&filling);
                let new_changed = differs(ctx.before, &second, &format!("OLD.{quoted}"), &format!("NEW.{quoted}"));
                let lost = differs(ctx.before, &second, &format!("NEW.{quoted}"), &value);
                let lost = (wanted.back.is_none() && !is_always_castable(wanted.data_type, &column.data_type)).then_some(lost);
                let names = ((&column.name, back.as_str()), (&filling, value.as_str()));
                let sync = Sync::converted(&table.name, names.0, names.1, (&changed, &new_changed), lost.as_deref());
                super::release_view::beside_triggers(ctx, table, column, sync)?
            }
        };
        let retired = generated_name("old", &table.name, &column.name);
        let keys = match wanted.keys {
            OfKeys::TakenCareOf => Some(Keys::of(ctx, table, &column.name, &filling)?),
            OfKeys::Refused => None,
        };
        let written_by = wanted.written_by;
        Ok(Self { table, column, filling, retired, second, value: wanted.value, back: wanted.back, forward, copies, keys, written_by })
    }

    /// Whether something that is built for it is made of an expression over the column.
    pub(crate) fn has_expressions(&self) -> bool {
        self.copies.has_expressions()
    }

    /// Refuses a type with which the table would be written anew, or end otherwise than where ALTER TYPE is run in place.
    pub(crate) fn refuse_other_end(&self, ctx: &Context<'_>, remedy: &str) -> Result<(), Refusal> {
        if postgres::is_constrained_domain(&self.second.data_type, ctx.before) {
            return Err(ctx.refuse(
                format!("adding a column of a domain with constraints to {} rewrites the table under a lock", self.table.name),
                "use the domain's base type with a CHECK, or accept the rewrite for a small table with `-- concertina: strategy direct`",
            ));
        }
        match self.with_a_constant() {
            None => Ok(()),
            Some(rule) => Err(ctx.refuse(
                format!(
                    "{rule} compares {} with a text constant, which keeps the old type where ALTER TYPE is run in place",
                    self.subject()
                ),
                remedy,
            )),
        }
    }

    /// An index or a CHECK in which a text constant would get another type beside the second column than it has beside the first.
    fn with_a_constant(&self) -> Option<&Identifier> {
        let one_text = |data_type: &DataType| {
            data_type.dimensions == 0 && (data_type.name.is_built_in("varchar") || data_type.name.is_built_in("text"))
        };
        let (from, to) = (&self.column.data_type, &self.second.data_type);
        if from.name == to.name || one_text(from) && one_text(to) {
            return None;
        }
        self.copies.with_a_constant(&self.filling)
    }

    pub(crate) fn subject(&self) -> String {
        format!("{}.{}", self.table.name, self.column.name)
    }

    /// The column's name, and the one that the second has until it takes that.
    pub(crate) fn shown(&self) -> (Identifier, Identifier) {
        (self.column.name.clone(), self.filling.clone())
    }

    /// What is refused to new clients as long as the first column is fed, if anything is.
    pub(crate) fn refuses_new(&self) -> Option<String> {
        let (old, new) = (&self.column.data_type, &self.second.data_type);
        if self.back.is_none() && is_always_castable(new, old) {
            return None;
        }
        let old = write::data_type(old);
        let what = if self.back.is_some() { "that `down` can't make" } else { "that can't be" };
        Some(format!("until contract, a value of {} {what} {old} without a loss for old clients is refused to new ones", self.subject()))
    }

    /// What is refused to old clients from the moment on that the second column is there, if anything is.
    pub(crate) fn refuses_old(&self) -> Option<String> {
        let (old, new) = (&self.column.data_type, &self.second.data_type);
        if self.is_plain() && is_always_castable(old, new) {
            return None;
        }
        let new = write::data_type(new);
        Some(format!("until contract, a value of {} that can't be made {new} for new clients is refused to old ones", self.subject()))
    }

    /// Whether a row that is inserted with NULL may get another value: one that old clients' NULL stands for, or their default.
    pub(crate) fn fills_null(&self) -> bool {
        let text = write::text(&self.value).to_ascii_lowercase();
        let makes = ["null", "coalesce", "concat", "case", "greatest", "least", "build", "array["].iter().any(|word| text.contains(word));
        self.column.default.is_some() || !self.is_plain() && makes
    }

    /// Whether it has the first column's value, but for the type.
    fn is_plain(&self) -> bool {
        matches!(self.value.parts.as_slice(), [Part::Column { .. }])
    }

    /// What must be zero before the first goes, where new clients write to the second: rows in which neither follows from the other.
    pub(crate) fn out_of_step(&self, ctx: &Context<'_>) -> (String, String) {
        let (old, new) = (write::identifier(&self.column.name), write::identifier(&self.filling));
        let back = back_from(self.back.as_ref(), self.column, &self.filling, "");
        (
            format!("rows of {} in which neither value of {} follows from the other", self.table.name, self.column.name),
            format!(
                "SELECT count(*) FROM {} WHERE CASE WHEN {} THEN {} ELSE false END",
                self.relation(),
                differs(ctx.before, self.column, &old, &back),
                differs(ctx.before, &self.second, &new, &self.up())
            ),
        )
    }

    fn relation(&self) -> String {
        write::name(&self.table.name)
    }

    fn data_type(&self) -> String {
        write::data_type(&self.second.data_type)
    }

    /// The second column's value in a row as it is.
    fn up(&self) -> String {
        cast(&write::text(&self.value), &self.second.data_type)
    }

    fn alter(&self, column: &Identifier, what: &str) -> String {
        format!("ALTER TABLE {} ALTER COLUMN {} {what}", self.relation(), write::identifier(column))
    }

    fn rename(&self, from: &Identifier, to: &Identifier) -> String {
        format!("ALTER TABLE {} RENAME COLUMN {} TO {}", self.relation(), write::identifier(from), write::identifier(to))
    }

    /// The step that adds it.
    pub(crate) fn add(&self, ctx: &Context<'_>) -> Draft {
        let relation = self.relation();
        let mut sql = vec![format!("ALTER TABLE {relation} ADD COLUMN {}", write::column(&self.second))];
        sql.extend(copies::attributes(ctx, self.table, &self.column.name, &self.filling));
        sql.extend(self.forward.create());
        sql.extend(compiled::again_for_new_column(ctx, &self.table.name));
        let mut undo = self.forward.drop();
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

    /// The steps that fill it and give it what the first one has.
    pub(crate) fn fill(&self, ctx: &Context<'_>) -> Result<Vec<Draft>, Refusal> {
        let mut steps = muted(ctx, &self.table.name, &self.filling, None, self.fill_rows(ctx)?);
        steps.extend(self.copies.build(ctx));
        steps.extend(self.keys.iter().flat_map(Keys::build));
        if self.column.not_null {
            let mut refuse_null = set_not_null::steps(ctx, &self.table.name, &self.filling);
            for step in &mut refuse_null {
                step.hazards.clear();
            }
            steps.extend(refuse_null);
        }
        Ok(steps)
    }

    fn fill_rows(&self, ctx: &Context<'_>) -> Result<Draft, Refusal> {
        let new = write::identifier(&self.filling);
        let pending = differs(ctx.before, &self.second, &new, &self.up());
        let remaining = format!("SELECT count(*) FROM {} WHERE {pending}", self.relation());
        let key = walking_key(ctx, self.table)?;
        let backfill = keyset::backfill(self.table, &key, &Action::Set(format!("{new} = {}", self.up())), Some(&pending), remaining);
        Ok(Draft::chunked(self.subject(), "fill", format!("convert {} in the rows that were there", self.subject()), backfill)
            .because("rows that clients write meanwhile are converted by the trigger")
            .locks(&self.table.name, LockMode::RowExclusive, Held::Brief))
    }

    /// What must be zero before the second takes the first one's place.
    fn differing(&self, ctx: &Context<'_>) -> (String, String) {
        let filling = write::identifier(&self.filling);
        (
            format!("rows of {} in which the converted value differs", self.table.name),
            format!("SELECT count(*) FROM {} WHERE {}", self.relation(), differs(ctx.before, &self.second, &filling, &self.up())),
        )
    }

    /// The default of the column after the change.
    pub(crate) fn new_default(&self, ctx: &Context<'_>) -> Option<String> {
        let column = ctx.after.tables.get(&self.table.name)?.column(&self.column.name)?;
        let text = write::text(column.default.as_ref()?);
        // The database keeps the type that the constant had.
        let keeps_type = self.second.data_type.dimensions > 0 && column.default == self.column.default && is_text_constant(&text);
        let bare = DataType { modifiers: Vec::new(), ..self.column.data_type.clone() };
        Some(if keeps_type { format!("{text}::{}", write::data_type(&bare)) } else { text })
    }

    /// Both names change hands in one transaction, before new clients start.
    pub(crate) fn swap(&self, ctx: &Context<'_>) -> Draft {
        let backward = self.backward(ctx);
        let name = &self.column.name;
        let default = self.column.default.as_ref().map(write::text);
        let keys = |of: fn(&Keys) -> Vec<String>| self.keys.iter().flat_map(of).collect::<Vec<_>>();
        let children = self.keys.as_ref().map(Keys::children).unwrap_or_default();
        let move_identity =
            |from: &Identifier, to: &Identifier| self.keys.iter().flat_map(|keys| keys.move_identity(from, to)).collect::<Vec<_>>();
        // Clients touch the referenced table first.
        let lock = copies::lock_all(&[std::slice::from_ref(&self.table.name), children.as_slice()].concat());
        let mut sql = vec![lock.clone()];
        sql.extend(self.forward.drop());
        sql.extend(keys(Keys::let_go));
        sql.extend([self.rename(name, &self.retired), self.rename(&self.filling, name)]);
        if let Some(default) = &self.new_default(ctx) {
            sql.push(self.alter(name, &format!("SET DEFAULT {default}")));
        }
        if self.column.default.is_some() {
            sql.push(self.alter(&self.retired, "DROP DEFAULT"));
        }
        sql.extend(move_identity(&self.retired, name));
        if self.column.not_null {
            sql.push(self.alter(&self.retired, "DROP NOT NULL"));
        }
        sql.extend(keys(Keys::take));
        sql.extend(self.sequences(ctx, name));
        sql.extend(backward.create());
        sql.extend(compiled::again_for_type(ctx, &self.table.name, name));
        let mut undo = vec![lock, self.refuse_loss(ctx)];
        undo.extend(backward.drop());
        undo.extend(keys(Keys::let_go));
        undo.extend(self.sequences(ctx, &self.retired));
        undo.extend(self.column.identity.is_none().then(|| self.alter(name, "DROP DEFAULT")));
        undo.extend([self.rename(name, &self.filling), self.rename(&self.retired, name)]);
        undo.extend(default.iter().map(|default| self.alter(name, &format!("SET DEFAULT {default}"))));
        if self.column.not_null {
            undo.push(self.alter(name, "SET NOT NULL"));
        }
        undo.extend(move_identity(&self.filling, name));
        undo.extend(keys(Keys::take_back));
        undo.extend(self.forward.create());
        undo.extend(compiled::again_for_type(ctx, &self.table.name, name));
        let (counts, count) = self.differing(ctx);
        let swap = Draft::own(self.subject(), "swap", format!("let {} be the column of type {}", self.subject(), self.data_type()), sql)
            .because("from here on old and new clients use the new column under the old name; the first one is still fed, so that going back loses nothing")
            .locks(&self.table.name, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::column_exists(&self.table.name, &self.retired))
            .undone_by(undo)
            .after_zero(counts, count)
            .hazard(
                HazardKind::CachedPlans,
                format!("a prepared statement that returns {} fails once in each session, and drivers that are strict about types see {} in old clients too", self.subject(), self.data_type()),
            )
            .hazard(
                HazardKind::OldClientsReadNewValues,
                format!("once new clients write a value of {} that {} can't hold, going back to the old release is refused", self.subject(), write::data_type(&self.column.data_type)),
            );
        let swap = children.iter().fold(swap, |draft, child| draft.locks(child, LockMode::AccessExclusive, Held::Brief));
        // Foreign keys of the column lock their other table too, when it takes another name.
        self.copies.referenced().iter().fold(swap, |draft, other| draft.locks(other, LockMode::RowShare, Held::Brief))
    }

    /// Steps that check what the swap has added without reading.
    pub(crate) fn validate(&self) -> Vec<Draft> {
        self.keys.iter().flat_map(Keys::validate).collect()
    }

    /// Keeps the first column fed once the second has its name. A cast that would lose something gives NULL: its unique keys
    /// must not find two values of new clients equal, and a row with NULL there is told on the way back.
    fn backward(&self, ctx: &Context<'_>) -> Sync {
        let new = format!("NEW.{}", write::identifier(&self.column.name));
        let value = if let Some(back) = &self.back {
            cast(&over("NEW", back), &self.column.data_type)
        } else {
            let back = cast(&new, &self.column.data_type);
            let again = cast(&back, &self.second.data_type);
            format!("CASE WHEN {} THEN NULL ELSE {back} END", differs(ctx.before, &self.second, &again, &new))
        };
        let taken = self.value.with_own_column_renamed(&self.column.name, &self.retired);
        let taken = cast(&over("NEW", &taken), &self.second.data_type);
        Sync::derived_or_null_by_place(&self.table.name, &self.retired, &value, (&self.column.name, &taken))
    }

    /// Raises an error if a value was written that the old type can't hold.
    fn refuse_loss(&self, ctx: &Context<'_>) -> String {
        let name = write::identifier(&self.column.name);
        let message = write::literal(&format!(
            "{} has values that {} can't hold: going back would lose them",
            self.subject(),
            write::data_type(&self.column.data_type)
        ));
        let there_and_back =
            cast(&write::text(&self.value.with_own_column_renamed(&self.column.name, &self.retired)), &self.second.data_type);
        format!(
            "DO $concertina$ BEGIN IF EXISTS (SELECT 1 FROM {} WHERE {}) THEN RAISE EXCEPTION USING MESSAGE = {message}; END IF; END $concertina$",
            self.relation(),
            differs(ctx.before, &self.second, &there_and_back, &name),
        )
    }

    fn sequences(&self, ctx: &Context<'_>, to: &Identifier) -> Vec<String> {
        ctx.before
            .sequences
            .values()
            .filter(|sequence| {
                !sequence.identity
                    && sequence.owned_by.as_ref().is_some_and(|(owner, column)| owner == &self.table.name && column == &self.column.name)
            })
            .map(|sequence| {
                format!("ALTER SEQUENCE {} OWNED BY {}.{}", write::name(&sequence.name), self.relation(), write::identifier(to))
            })
            .collect()
    }

    /// The step that removes the first column, after a swap.
    pub(crate) fn remove(&self, ctx: &Context<'_>) -> Draft {
        let others = self.copies.referenced();
        let mut sql = vec![copies::lock_first(&self.table.name, &others)];
        sql.extend(self.backward(ctx).drop());
        sql.push(format!("ALTER TABLE {} DROP COLUMN {}", self.relation(), write::identifier(&self.retired)));
        sql.extend(self.copies.take_names(ctx));
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

    /// Statements by which the second takes the place of the first at once, without a way back. The tables are locked before.
    pub(crate) fn replace(&self, ctx: &Context<'_>) -> Vec<String> {
        let mut sql = self.forward.drop();
        sql.extend(self.sequences(ctx, &self.filling));
        sql.push(format!("ALTER TABLE {} DROP COLUMN {}", self.relation(), write::identifier(&self.column.name)));
        sql.push(self.rename(&self.filling, &self.column.name));
        sql.extend(compiled::again_for_type(ctx, &self.table.name, &self.column.name));
        sql.extend(self.copies.take_names(ctx));
        sql
    }

    /// The statement that gives it its default, once it has its name.
    pub(crate) fn set_default(&self, ctx: &Context<'_>) -> Option<String> {
        Some(self.alter(&self.column.name, &format!("SET DEFAULT {}", self.new_default(ctx)?)))
    }

    /// The probe of a replacement at once.
    pub(crate) fn is_replaced(&self) -> String {
        probe::column_gone(&self.table.name, &self.filling)
    }

    /// A step with the locks and the gate of a replacement at once.
    pub(crate) fn replacing(&self, ctx: &Context<'_>, draft: Draft) -> Draft {
        let (counts, count) = match self.written_by {
            Writers::Nobody => self.differing(ctx),
            Writers::NewClients => self.out_of_step(ctx),
        };
        self.relations()
            .iter()
            .fold(draft, |draft, table| draft.locks(table, LockMode::AccessExclusive, Held::Brief))
            .after_zero(counts, count)
    }

    /// The tables that a replacement at once locks, its own as the last.
    pub(crate) fn relations(&self) -> Vec<Name> {
        let mut relations = self.copies.referenced();
        relations.push(self.table.name.clone());
        relations
    }
}

/// Whether every value of the one type is cast to the other.
fn is_always_castable(from: &DataType, to: &DataType) -> bool {
    let is_text = to.dimensions == 0 && to.modifiers.is_empty() && ["text", "varchar"].iter().any(|name| to.name.is_built_in(name));
    is_text || postgres::same_to_clients(from, to)
}

/// The first column's value from the second, of the row that is called so.
fn back_from(back: Option<&Sql>, column: &Column, second: &Identifier, row: &str) -> String {
    let own = Sql::column(&column.name);
    let value = back.unwrap_or(&own).with_own_column_renamed(&column.name, second);
    cast(&if row.is_empty() { write::text(&value) } else { over(row, &value) }, &column.data_type)
}

fn cast(value: &str, data_type: &DataType) -> String {
    format!("({value})::{}", write::data_type(data_type))
}

fn differs_of(ctx: &Context<'_>, column: &Column, left: &str, right: &str) -> String {
    let quoted = write::identifier(&column.name);
    differs(ctx.before, column, &format!("{left}.{quoted}"), &format!("{right}.{quoted}"))
}

/// `'…'`, and nothing behind it.
fn is_text_constant(text: &str) -> bool {
    let inner = text.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.is_some_and(|inner| !inner.replace("''", "").contains('\''))
}
