//! A column that is held: renamed, together with what has a name of its own and would go with it. What could refuse new
//! clients' writes in its stead is taken off, and put back by undo.

use super::{drop_constraint, gate, gated, held_name, restore};
use crate::engine::{Held, LockMode};
use crate::plan::copies::lock_first;
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::{HazardKind, Milliseconds};
use crate::plan::probe;
use crate::plan::recipe::Context;
use crate::plan::trigger::{Sync, over};
use crate::schema::{Column, Constraint, ConstraintKind, Identifier, Name, Sql, Table, TableKind};
use crate::sql::write;

/// What keeps the column filled.
struct Feed {
    /// Under its own name.
    before: Sync,
    /// While it is held.
    meanwhile: Sync,
}

/// How a `down` directive has kept the column filled so far.
pub(crate) struct Fed<'a> {
    pub(crate) down: &'a Sql,
    pub(crate) before: Sync,
    /// When new clients have written what it is made of, on INSERT and on UPDATE, if it follows that.
    pub(crate) written: Option<(String, String)>,
}

/// A column that is held.
pub(crate) struct HeldColumn<'a> {
    table: &'a Table,
    column: &'a Column,
    name: Identifier,
    /// Each rename of what goes with it, forth and back.
    renames: Vec<(String, String)>,
    /// What could refuse writes.
    taken_off: Vec<&'a Constraint>,
    feed: Option<Feed>,
}

impl<'a> HeldColumn<'a> {
    /// None if it is dropped at once: nothing would be lost, or what CASCADE drops with it can't be held.
    pub(crate) fn of(ctx: &Context<'_>, table: &'a Table, column: &'a Column, down: Option<Fed<'_>>) -> Option<Self> {
        let is_own = table.partition_of.is_none() && table.parents.is_empty() && !matches!(table.kind, TableKind::Foreign { .. });
        let goes_alone = !dependents::takes_others_along(ctx.before, ctx.after, &table.name, Some(&column.name));
        // A type that is exchanged is gone in contract.
        let swapped = ctx.exchanges_type(&column.data_type.name);
        // It would go on to refuse what clients write to the other columns.
        let shares_a_key = dependents::shared_keys(ctx.before, &table.name, &column.name).next().is_some();
        if swapped || shares_a_key || ctx.hold.0 == 0 || column.generated.is_some() || !is_own || !goes_alone {
            return None;
        }
        let name = held_name(ctx, &table.name, column.name.as_str());
        let feed = down.map(|Fed { down, before, written }| {
            let value = over("NEW", &down.with_own_column_renamed(&column.name, &name));
            let meanwhile = match written {
                Some((given, changed)) => Sync::handed_back_to_held(&table.name, &name, &value, &given, &changed),
                None => Sync::held(&table.name, &name, &value),
            };
            Feed { before, meanwhile }
        });
        let ended = if feed.is_none() { dependents::rules_to_end(table, column) } else { Vec::new() };
        let of_it = |constraint: &&Constraint| {
            constraint.columns().contains(&column.name) && !ended.iter().any(|ended| ended.name == constraint.name)
        };
        let (taken_off, kept): (Vec<_>, Vec<_>) =
            table.constraints.iter().filter(of_it).partition(|constraint| refuses_for_others(constraint));
        let renames = renames(ctx, table, column, &kept);
        Some(Self { table, column, name, renames, taken_off, feed })
    }

    fn subject(&self) -> String {
        format!("{}.{}", self.table.name, self.column.name)
    }

    fn rename(&self, from: &Identifier, to: &Identifier) -> String {
        format!("ALTER TABLE {} RENAME COLUMN {} TO {}", write::name(&self.table.name), write::identifier(from), write::identifier(to))
    }

    fn not_null(&self, what: &str) -> String {
        format!("ALTER TABLE {} ALTER COLUMN {} {what} NOT NULL", write::name(&self.table.name), write::identifier(&self.name))
    }

    fn referenced(&self) -> Vec<Name> {
        let keys = self.taken_off.iter().filter_map(|constraint| constraint.foreign_key());
        keys.map(|key| &key.references).filter(|name| **name != self.table.name).cloned().collect()
    }

    /// Takes it out of the clients' way.
    pub(crate) fn hold(&self) -> Draft {
        let others = self.referenced();
        let table = &self.table.name;
        let mut sql = vec![lock_first(table, &others)];
        let mut undo = sql.clone();
        sql.extend(self.feed.iter().flat_map(|feed| feed.before.drop()));
        sql.extend(self.taken_off.iter().filter_map(|constraint| Some(drop_constraint(table, constraint.name.as_ref()?))));
        sql.extend(self.renames.iter().map(|(forth, _)| forth.clone()));
        sql.push(self.rename(&self.column.name, &self.name));
        if let Some(feed) = &self.feed {
            undo.extend(feed.meanwhile.drop());
            if self.column.not_null {
                sql.push(self.not_null("DROP"));
                undo.push(self.not_null("SET"));
            }
            sql.extend(feed.meanwhile.create());
        }
        undo.push(self.rename(&self.name, &self.column.name));
        undo.extend(self.renames.iter().rev().map(|(_, back)| back.clone()));
        undo.extend(self.taken_off.iter().flat_map(|constraint| restore(self.table, constraint)));
        undo.extend(self.feed.iter().flat_map(|feed| feed.before.create()));
        let about = format!("hide column {} of {table}: hold it as {}", self.column.name, self.name);
        let draft = Draft::own(self.subject(), "hold-column", about, sql)
            .because("no client that reads or writes the column is left; until it is dropped, going back loses nothing")
            .locks(table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::column_exists(table, &self.name))
            .undone_by(undo)
            .hazard(
                HazardKind::ColumnOrder,
                format!(
                    "until it is dropped, `SELECT *` on {table} shows {}, and INSERT or COPY without names of columns writes to it",
                    self.name
                ),
            );
        // Undo may have to read the table again.
        let draft = if self.taken_off.is_empty() { draft } else { Draft { statement_time: Milliseconds(0), ..draft } };
        others.iter().fold(draft, |draft, other| draft.locks(other, LockMode::AccessExclusive, Held::Brief))
    }

    /// Makes of the step that would drop it at once the one that drops what is held.
    pub(crate) fn drop(&self, ctx: &Context<'_>, at_once: Draft) -> Draft {
        let tables = probe::tables_with_column(&self.name);
        let column = write::identifier(&self.name);
        let mut draft = at_once.probed(format!("SELECT NOT EXISTS ({tables})"));
        draft.about = format!("drop column {} of {}, held as {}", self.column.name, self.table.name, self.name);
        draft.sql = self.feed.iter().map(|feed| feed.meanwhile.drop_anywhere()).collect();
        draft.sql.push(format!(
            "DO $concertina$\nDECLARE\n  found regclass;\nBEGIN\n  FOR found IN {tables} LOOP\n    EXECUTE format('ALTER TABLE %s DROP COLUMN {column}', found);\n  END LOOP;\nEND\n$concertina$"
        ));
        gated(draft, gate(ctx, format!("column {} of {}, as {}", self.column.name, self.table.name, self.name)))
            .because("it was held long enough for anybody to miss it; whatever its table is called now, it is found by its name")
    }
}

/// Whether it could refuse what new clients write to other columns or tables.
fn refuses_for_others(constraint: &Constraint) -> bool {
    match &constraint.kind {
        ConstraintKind::ForeignKey(_) => true,
        ConstraintKind::Check { .. } => {
            let columns = constraint.columns();
            columns.iter().any(|column| *column != columns[0])
        }
        ConstraintKind::NotNull { .. } | ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => false,
    }
}

/// What goes with the column lets go of its name, so that later releases can use it.
fn renames(ctx: &Context<'_>, table: &Table, column: &Column, kept: &[&Constraint]) -> Vec<(String, String)> {
    let both = |what: &dyn Fn(&Identifier, &Identifier) -> String, name: &Identifier| {
        let held = held_name(ctx, &table.name, name.as_str());
        (what(name, &held), what(&held, name))
    };
    let relation = write::name(&table.name);
    let constraint = |from: &Identifier, to: &Identifier| {
        format!("ALTER TABLE {relation} RENAME CONSTRAINT {} TO {}", write::identifier(from), write::identifier(to))
    };
    let of_kind = |kind: &'static str, schema: &Name| {
        let schema = schema.clone();
        move |from: &Identifier, to: &Identifier| {
            format!("ALTER {kind} {} RENAME TO {}", write::name(&schema.sibling(from.clone())), write::identifier(to))
        }
    };
    let named = kept.iter().filter(|kept| !matches!(kept.kind, ConstraintKind::NotNull { .. }));
    let mut renames: Vec<(String, String)> = named.filter_map(|kept| kept.name.as_ref()).map(|name| both(&constraint, name)).collect();
    let indexes = ctx.before.indexes_of(&table.name).filter(|(_, index)| index.constraint.is_none() && index.mentions(&column.name));
    renames.extend(indexes.map(|(name, _)| both(&of_kind("INDEX", name), &name.name)));
    let owned = ctx
        .before
        .sequences
        .values()
        .filter(|sequence| sequence.owned_by.as_ref().is_some_and(|(owner, owning)| owner == &table.name && owning == &column.name));
    renames.extend(owned.map(|sequence| both(&of_kind("SEQUENCE", &sequence.name), &sequence.name.name)));
    renames
}
