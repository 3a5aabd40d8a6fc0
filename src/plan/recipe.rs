//! How one kind of change becomes steps: what a recipe is given, what it gives, and which one is whose.

pub(crate) mod add_column;
pub(crate) mod identity_column;
mod add_sequence_column;
mod one_value;
pub(crate) mod fill_column;
mod fill_conflict;
pub(crate) mod drop_column;
pub(crate) mod handed_back;
pub(crate) mod drop_expression;
pub(crate) mod rename_column;
pub(crate) mod rename_table;
pub(crate) mod rename_object;
pub(crate) mod compatibility_view;
pub(crate) mod company;
pub(crate) mod change_type;
pub(crate) mod retyped;
pub(crate) mod second_column;
pub(crate) mod release_view;
pub(crate) mod set_not_null;
pub(crate) mod add_index;
mod partitioned_index;
pub(crate) mod drop_index;
pub(crate) mod add_check;
pub(crate) mod add_foreign_key;
pub(crate) mod add_unique;
pub(crate) mod drop_constraint;
pub(crate) mod drop_table;
pub(crate) mod replace;
mod replaced;
pub(crate) mod referenced;
mod repair;
mod refill;
pub(crate) mod add_enum_value;
pub(crate) mod change_enum;
pub(crate) mod change_rows;
pub(crate) mod rights_and_rules;
pub(crate) mod as_written;
mod change_default;
mod unseen;
mod under_views;
mod commits;
mod inherited;
mod late;
mod refused;
mod early_rows;
mod triggered;
pub(crate) mod statement;

use super::draft::Draft;
use super::format::{Milliseconds, Release};
use super::refusal::Refusal;
use super::release::{Act, Item, Named, Planned, name_at_start};
use crate::engine::Engine;
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Catalog, Change, Column, Constraint, ConstraintKind, Identifier, Lookup, Name, ObjectKind, Sql, Table, Uniqueness};
use crate::sql::directive::{DirectiveKind, PhaseName, Strategy};
use std::sync::Arc;

/// The steps of one change, in the order in which each phase runs them.
#[derive(Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) expand: Vec<Draft>,
    pub(crate) migrate: Vec<Draft>,
    /// What comes after expand of all other changes, and after migrate of those that touch the same table.
    pub(crate) last: Vec<Draft>,
    /// What comes before contract of all other changes.
    pub(crate) first_to_contract: Vec<Draft>,
    pub(crate) contract: Vec<Draft>,
    /// What drops what contract holds, when its time has run out.
    pub(crate) held: Vec<Draft>,
}

impl Recipe {
    pub(crate) fn expand(step: Draft) -> Self {
        Self { expand: vec![step], ..Self::default() }
    }

    pub(crate) fn migrate(step: Draft) -> Self {
        Self { migrate: vec![step], ..Self::default() }
    }

    pub(crate) fn contract(step: Draft) -> Self {
        Self { contract: vec![step], ..Self::default() }
    }

    /// What contract holds first, and drops later.
    pub(crate) fn hold(&mut self, hold: Draft, drop: Draft) {
        self.contract.push(hold);
        self.held.push(drop);
    }

    /// All steps, of whatever phase.
    pub(crate) fn steps_mut(&mut self) -> impl Iterator<Item = &mut Draft> {
        let before = self.expand.iter_mut().chain(&mut self.migrate).chain(&mut self.last);
        before.chain(&mut self.first_to_contract).chain(&mut self.contract).chain(&mut self.held)
    }

    /// The steps of another recipe after these.
    pub(crate) fn append(&mut self, other: Self) {
        self.expand.extend(other.expand);
        self.migrate.extend(other.migrate);
        self.last.extend(other.last);
        self.first_to_contract.extend(other.first_to_contract);
        self.contract.extend(other.contract);
        self.held.extend(other.held);
    }
}

/// What a recipe knows.
pub(crate) struct Context<'a> {
    pub(crate) engine: Engine,
    /// The release that is planned.
    pub(crate) deploy: &'a Release,
    /// How long what contract removes is held; zero is not at all.
    pub(crate) hold: Milliseconds,
    /// The schema that old clients know: at the start of the release.
    pub(crate) old: &'a Catalog,
    /// The schema right before the change.
    pub(crate) before: &'a Catalog,
    /// The schema right after the change.
    pub(crate) after: &'a Catalog,
    /// The schema that new clients know: at the end of the release.
    pub(crate) new: &'a Catalog,
    /// The change with its directives and its place.
    pub(crate) item: &'a Item,
    /// All changes of the release.
    pub(crate) release: &'a [Item],
}

impl Context<'_> {
    /// The table right before the change; a refusal if it isn't known.
    pub(crate) fn table(&self, name: &Name) -> Result<&Arc<Table>, Refusal> {
        match self.before.table(name) {
            Lookup::Known(table) => Ok(table),
            Lookup::Absent => {
                Err(self
                    .refuse(format!("there is no table {name} before this statement"), "check the name, or the order of the migrations"))
            }
            Lookup::Unknown => Err(self.refuse(
                format!("what table {name} looks like can't be told, since an earlier statement can't be read"),
                "say how it is meant with a directive (docs/directives.md)",
            )),
        }
    }

    /// A column of a table right before the change; a refusal if it isn't known.
    pub(crate) fn column<'t>(&self, table: &'t Table, name: &Identifier) -> Result<&'t Column, Refusal> {
        table.column(name).ok_or_else(|| {
            if self.before.is_unknown(ObjectKind::Table, &table.name) {
                self.refuse(
                    format!("what {}.{name} is can't be told: only an earlier statement that can't be read can have made it", table.name),
                    "say how it is meant with a directive (docs/directives.md), as in -- concertina: phase contract",
                )
            } else {
                self.refuse(format!("{} has no column {name}", table.name), "check the name")
            }
        })
    }

    /// Whether the table came to be in this release, so that old clients don't know it.
    pub(crate) fn is_new_table(&self, name: &Name) -> bool {
        matches!(self.before.table(name), Lookup::Known(_)) && !self.old.tables.contains_key(self.name_before_release(name))
    }

    /// Whether the column came to be in this release.
    pub(crate) fn is_new_column(&self, table: &Name, column: &Identifier) -> bool {
        match self.old.tables.get(self.name_before_release(table)) {
            None => true,
            Some(old) => old.column(column).is_none() && !self.is_renamed_to(table, column),
        }
    }

    /// Whether the column is new and empty in all rows that old clients write: no default, and no trigger of ours fills it.
    pub(crate) fn stays_null_for_old(&self, table: &Name, column: &Identifier) -> bool {
        let bare = |catalog: &Catalog| {
            catalog
                .tables
                .get(table)
                .and_then(|found| found.column(column))
                .is_none_or(|found| found.default.is_none() && found.generated.is_none() && found.identity.is_none())
        };
        let filled = self.release.iter().any(|item| match &item.planned {
            Planned::FilledColumn { add, .. } => &add.table == table && &add.column.name == column,
            Planned::Change(_) | Planned::EnumSwap(_) => false,
        });
        self.is_new_column(table, column) && bare(self.before) && bare(self.after) && bare(self.new) && !filled
    }

    /// Whether a statement on rows of this release writes the column. A MERGE does not say which it writes.
    pub(crate) fn is_written(&self, table: &Name, column: &Identifier) -> bool {
        self.release.iter().any(|item| match &item.planned {
            Planned::Change(Change::Data(data)) => {
                data.writes.contains(table) && data.verb != Verb::Delete && (data.columns.is_empty() || data.columns.contains(column))
            }
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
        })
    }

    /// Whether this release exchanges the enum for another one of the same name, which is done in contract.
    pub(crate) fn exchanges_type(&self, name: &Name) -> bool {
        self.release.iter().any(|item| match &item.planned {
            Planned::EnumSwap(swap) => &swap.name == name,
            Planned::Change(Change::RenameEnumValue { name: of, .. }) => of == name,
            Planned::Change(_) | Planned::FilledColumn { .. } => false,
        })
    }

    /// Whether a statement of this release changes its type.
    pub(crate) fn is_retyped(&self, table: &Name, column: &Identifier) -> bool {
        self.release.iter().any(|item| {
            matches!(&item.planned, Planned::Change(Change::ChangeType { table: on, column: of, .. }) if on == table && of == column)
        })
    }

    /// Whether a RENAME COLUMN of this release gave the column its name.
    pub(crate) fn is_renamed_to(&self, table: &Name, column: &Identifier) -> bool {
        self.release.iter().any(|item| {
            matches!(&item.planned, Planned::Change(Change::RenameColumn { table: renamed, to, .. }) if renamed == table && to == column)
        })
    }

    /// The tables that inherit from the table, its partitions included, parents first.
    pub(crate) fn below(&self, table: &Name) -> impl Iterator<Item = &Table> {
        let catalog = self.before;
        let names = catalog.with_descendants(table).into_iter().skip(1);
        names.filter_map(|name| catalog.tables.get(&name).map(AsRef::as_ref))
    }

    /// The changes of the release before this one.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = &Item> {
        self.release.iter().take_while(|item| !std::ptr::eq(*item, self.item))
    }

    /// The changes of the release after this one.
    pub(crate) fn later(&self) -> impl Iterator<Item = &Item> {
        self.release.iter().skip_while(|item| !std::ptr::eq(*item, self.item)).skip(1)
    }

    /// Whether a statement on rows of the table names a column of it that a statement before this one takes away: in contract it is gone.
    fn names_what_is_gone(&self, table: &Name, data: &DataChange) -> bool {
        let values = data.assignments.iter().map(|(_, value)| value).chain(&data.condition);
        let named: Vec<&Identifier> = data.assignments.iter().map(|(name, _)| name).chain(values.flat_map(Sql::own_columns)).collect();
        let says = |column: &Identifier| named.contains(&column) || !data.plain && company::has_word(&data.statement, column.as_str());
        self.earlier().any(|item| match &item.planned {
            Planned::Change(Change::DropColumn { table: on, column, .. } | Change::RenameColumn { table: on, column, .. }) => {
                on == table && says(column)
            }
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
        })
    }

    /// The tables that foreign keys over the column reference.
    fn references(&self, table: &Name, column: &Identifier) -> Vec<&Name> {
        let keys = self.before.tables.get(table).into_iter().flat_map(|found| &found.constraints).filter_map(Constraint::foreign_key);
        keys.filter(|key| key.columns.contains(column)).map(|key| &key.references).collect()
    }

    /// Whether a statement before this one takes rows of the table to another one: the rows that are then deleted are kept there.
    fn keeps_rows_elsewhere(&self, table: &Name) -> bool {
        self.earlier().any(|item| match &item.planned {
            Planned::Change(Change::Data(data)) => data.reads.contains(table) && data.writes.iter().any(|other| other != table),
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
        })
    }

    /// Whether a statement before this one drops it.
    fn is_dropped_before(&self, named: &Named) -> bool {
        self.earlier().any(|item| item.named().is_some_and(|(act, dropped)| act == Act::Drops && dropped.may_be(named)))
    }

    /// Whether an earlier statement of the release makes it.
    fn is_made_before(&self, named: &Named) -> bool {
        self.earlier().any(|item| item.named().is_some_and(|(act, made)| act == Act::Creates && made == *named))
    }

    /// What the table was called when the release began.
    pub(crate) fn name_before_release<'n>(&'n self, name: &'n Name) -> &'n Name {
        // A later statement may give the name of an old table to another one.
        if self.old.tables.contains_key(name) && !self.has_lost_its_name(name) { name } else { name_at_start(self.release, name) }
    }

    /// What the table is called when the release ends: in contract it has no other name.
    fn name_at_end(&self, name: &Name) -> Name {
        self.later().fold(name.clone(), |name, item| match &item.planned {
            Planned::Change(Change::RenameTable { table, to }) if *table == name => name.sibling(to.clone()),
            Planned::Change(Change::SetTableSchema { table, schema }) if *table == name => Name::new(schema.clone(), name.name.clone()),
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => name,
        })
    }

    /// Whether a statement before this one has dropped the table or given it another name.
    pub(crate) fn has_lost_its_name(&self, name: &Name) -> bool {
        self.earlier().any(|item| {
            matches!(
                &item.planned,
                Planned::Change(Change::DropTable { table, .. } | Change::RenameTable { table, .. } | Change::SetTableSchema { table, .. })
                    if table == name
            )
        })
    }

    /// Whether an ADD COLUMN of this release brings the column without saying how it is filled.
    pub(crate) fn added_without_fill(&self, table: &Name, column: &Identifier) -> bool {
        self.release.iter().any(|item| {
            matches!(&item.planned, Planned::Change(Change::AddColumn(add)) if &add.table == table && &add.column.name == column && add.column.default.is_none())
        })
    }

    /// A refusal of this change.
    pub(crate) fn refuse(&self, what: impl Into<String>, remedy: impl Into<String>) -> Refusal {
        Refusal::new(self.item, what.into(), remedy.into())
    }

    /// The strategy that a directive asks for.
    pub(crate) fn strategy(&self) -> Option<Strategy> {
        self.item.directives.iter().find_map(|directive| match directive {
            DirectiveKind::Strategy(strategy) => Some(*strategy),
            DirectiveKind::Allow { .. }
            | DirectiveKind::Up(_)
            | DirectiveKind::Down(_)
            | DirectiveKind::Phase(_)
            | DirectiveKind::ContractAfter(_) => None,
        })
    }

    /// What a `down` directive above the statement says of the column.
    pub(crate) fn down(&self, table: &Name, column: &Identifier) -> Option<&Sql> {
        self.item.directives.iter().find_map(|directive| match directive {
            DirectiveKind::Down(down) if &down.column == column && &self.before.resolve_relation(&down.table) == table => {
                Some(&down.expression)
            }
            DirectiveKind::Down(_)
            | DirectiveKind::Up(_)
            | DirectiveKind::Allow { .. }
            | DirectiveKind::Phase(_)
            | DirectiveKind::Strategy(_)
            | DirectiveKind::ContractAfter(_) => None,
        })
    }

    /// Whether a directive above the statement allows what a rule says of it.
    pub(crate) fn allows(&self, wanted: &str) -> bool {
        self.item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Allow { rule, .. } if rule == wanted))
    }

    /// The major version of PostgreSQL.
    pub(crate) fn major(&self) -> u32 {
        let Engine::PostgreSql { major } = self.engine;
        major
    }
}

/// The steps of one item.
pub(crate) fn plan(ctx: &Context<'_>) -> Result<Recipe, Refusal> {
    refused::idle_directives(ctx)?;
    triggered::rows_by_place(ctx)?;
    match &ctx.item.planned {
        Planned::FilledColumn { add, up, not_null } => fill_column::plan(ctx, add, up, *not_null),
        Planned::EnumSwap(swap) => change_enum::plan(ctx, swap),
        Planned::Change(change) => {
            refused::too_new(ctx, change)?;
            refused::temporary(ctx, change)?;
            refused::muting(ctx, change)?;
            refused::starred(ctx, change)?;
            triggered::left_behind(ctx, change)?;
            if let Some(phase) = as_written::directed_phase(ctx) {
                // `strategy` says how, `phase` says when.
                let by_columns = ctx.strategy() == Some(Strategy::Columns) && matches!(change, Change::ChangeType { .. });
                if !(by_columns && phase == PhaseName::Contract) {
                    refused::made_too_late(ctx, phase)?;
                    return Ok(as_written::in_phase(ctx, phase));
                }
            }
            if ctx.strategy() == Some(Strategy::Direct) {
                return Ok(as_written::direct(ctx, change));
            }
            if let Change::Data(data) = change {
                triggered::copied_before(ctx, data)?;
                triggered::copied_beside(ctx, data)?;
            }
            refused::taken_table_name(ctx, change)?;
            refused::taken_bounds(ctx, change)?;
            referenced::refuse_within(ctx, change)?;
            if let Change::AddConstraint { table, constraint } = change
                && ctx.item.instead_of.is_none()
                && let ConstraintKind::ForeignKey(key) = &constraint.kind
                && referenced::comes_in_contract(ctx, key)
            {
                return add_foreign_key::plan(ctx, table, constraint, key);
            }
            if as_written::is_on_new_table(ctx, change) {
                refused::taken_with_another(ctx)?;
                refused::made_again(ctx, change)?;
                // What the release computes with the help of the table is done in migrate.
                let late = matches!(change, Change::DropTable { .. }) || late::is_late(ctx, change);
                let step = as_written::on_new_table(ctx, change);
                let mut recipe = if late {
                    Recipe::migrate(step.because("no client knows the table, and the statements before this one are done with it"))
                } else {
                    Recipe::expand(step.because("the table is new in this release, so no old client uses it"))
                };
                unseen::gate(ctx, change, &mut recipe);
                return Ok(recipe);
            }
            if let Some(drop) = &ctx.item.instead_of {
                return replace::plan(ctx, drop, change);
            }
            refused::taken_name(ctx, change)?;
            // A unique one comes in contract itself, after what ends there.
            if matches!(change, Change::CreateIndex { index, .. } if index.uniqueness == Uniqueness::Plain) {
                refused::taken_with_another(ctx)?;
            }
            if let Some(recipe) = unseen::plan(ctx, change)? {
                return Ok(recipe);
            }
            refused::made_again(ctx, change)?;
            let mut recipe = of_change(ctx, change)?;
            unseen::gate(ctx, change, &mut recipe);
            Ok(recipe)
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a change without a recipe of its own goes by its class, and every change has one")]
fn of_change(ctx: &Context<'_>, change: &Change) -> Result<Recipe, Refusal> {
    match change {
        Change::ChangeType { table, .. } | Change::RenameColumn { table, .. } if ctx.strategy() == Some(Strategy::Views) => {
            release_view::plan(ctx, table)
        }
        Change::AddColumn(add) => add_column::plan(ctx, add),
        Change::DropColumn { table, column, behavior, .. } => drop_column::plan(ctx, table, column, *behavior),
        Change::RenameColumn { table, column, to } => rename_column::plan(ctx, table, column, to),
        Change::RenameTable { table, to } => rename_table::rename(ctx, table, to),
        Change::SetTableSchema { table, schema } => rename_table::set_schema(ctx, table, schema),
        Change::RenameObject { object, to } if object.kind == ObjectKind::Type => Err(change_enum::rename_type(ctx, &object.name, to)),
        Change::RenameIndex { .. } | Change::RenameConstraint { .. } | Change::RenameObject { .. } => rename_object::plan(ctx, change),
        Change::ChangeType { table, column, data_type, collation, using } => {
            change_type::plan(ctx, table, column, &change_type::Target { data_type, collation: collation.as_ref(), using: using.as_ref() })
        }
        Change::DropExpression { table, column, if_exists } => drop_expression::plan(ctx, table, column, *if_exists),
        Change::SetNotNull { table, column } => set_not_null::plan(ctx, table, column),
        Change::AddIdentity { table, column, kind, .. } => identity_column::add(ctx, table, column, *kind),
        Change::SetIdentity { table, column, kind: Some(kind), options } if options.is_empty() => {
            Ok(identity_column::set(ctx, table, column, *kind))
        }
        Change::CreateIndex { index, .. } => add_index::plan(ctx, index),
        Change::DropIndex { index, .. } => drop_index::plan(ctx, index),
        Change::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::Check { expression } => add_check::plan(ctx, table, constraint, expression),
            ConstraintKind::ForeignKey(key) => add_foreign_key::plan(ctx, table, constraint, key),
            ConstraintKind::Unique(key) => add_unique::plan(ctx, table, constraint, key, add_unique::As::Unique),
            ConstraintKind::PrimaryKey(key) => add_unique::plan(ctx, table, constraint, key, add_unique::As::PrimaryKey),
            ConstraintKind::NotNull { column } => set_not_null::plan(ctx, table, column),
            ConstraintKind::Exclude(_) => Err(ctx.refuse(
                "an EXCLUDE constraint can only be added by building its index while the table is locked",
                "accept that for a small table with `-- concertina: strategy direct`",
            )),
        },
        Change::DropConstraint { table, constraint, behavior, .. } => drop_constraint::plan(ctx, table, constraint, *behavior),
        Change::DropTable { table, .. } => drop_table::plan(ctx, table),
        Change::AddEnumValue { name, value, .. } => Ok(add_enum_value::plan(ctx, name, value)),
        Change::RenameEnumValue { name, value, to } => change_enum::rename_label(ctx, name, value, to),
        Change::Data(data) => change_rows::plan(ctx, data),
        other => match as_written::with_its_rule(ctx, other) {
            Some(recipe) => Ok(recipe),
            None => match rights_and_rules::plan(ctx, other)? {
                Some(recipe) => Ok(recipe),
                None => as_written::by_class(ctx, other),
            },
        },
    }
}
