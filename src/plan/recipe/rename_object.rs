//! RENAME of what is no table and no column: in expand where clients seldom name it, with the hazard for those that do; refused
//! where they live by the name.

use super::compatibility_view::NOT_THROUGH_A_VIEW;
use super::statement::step;
use super::{Context, Recipe, as_written};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::schema::{Change, ConstraintKind, Identifier, Lookup, Name};
use crate::sql::write;

#[expect(clippy::wildcard_enum_match_arm, reason = "only renames come here")]
pub(crate) fn plan(ctx: &Context<'_>, change: &Change) -> Result<Recipe, Refusal> {
    match change {
        Change::RenameConstraint { table, constraint, .. } => Ok(of_constraint(ctx, table, constraint)),
        Change::RenameIndex { index, .. } => {
            let behind = ctx.before.indexes.get(index).and_then(|found| found.constraint.clone().map(|name| (found.table.clone(), name)));
            Ok(match behind {
                // It may be built in contract only, and its name be another's until then.
                None if !ctx.old.indexes.contains_key(index) => {
                    Recipe::contract(step(ctx).because("the index is new in this release, and no client needs it by its name"))
                }
                Some((table, constraint)) => of_constraint(ctx, &table, &constraint),
                None => Recipe::expand(step(ctx).because("no client needs an index by its name").hazard(
                    HazardKind::NameGone,
                    format!("clients that name the index {} (hints, messages of unique violations) must know both names", index.name),
                )),
            })
        }
        Change::RenameObject { object, to } => of_object(ctx, change, object, to),
        other => as_written::by_class(ctx, other),
    }
}

fn of_constraint(ctx: &Context<'_>, table: &Name, constraint: &Identifier) -> Recipe {
    let kind = ctx.before.tables.get(table).and_then(|found| found.constraint(constraint)).map(|found| &found.kind);
    let arbiter = matches!(kind, Some(ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_)));
    let says = if arbiter { format!("`ON CONFLICT ON CONSTRAINT {constraint}` fails; ") } else { String::new() };
    let draft = step(ctx).because("clients meet a constraint's name in error messages only, unless they write it").hazard(
        HazardKind::NameGone,
        format!("{says}clients that tell errors of {table} apart by the name {constraint} must know both names"),
    );
    // What is new may come in contract only, and its name be another's until then.
    if is_new(ctx, table, constraint) { Recipe::contract(draft) } else { Recipe::expand(draft) }
}

/// Whether the release adds the constraint, under whatever name, to a table that was there.
fn is_new(ctx: &Context<'_>, table: &Name, constraint: &Identifier) -> bool {
    if ctx.is_new_table(table) {
        return false;
    }
    let earlier: Vec<&Item> = ctx.earlier().collect();
    let mut name = constraint;
    for item in earlier.iter().rev() {
        match &item.planned {
            Planned::Change(Change::RenameConstraint { table: on, constraint, to }) if on == table && to == name => name = constraint,
            Planned::Change(Change::AddConstraint { table: on, constraint }) if on == table && constraint.name.as_ref() == Some(name) => {
                return true;
            }
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => {}
        }
    }
    let before = ctx.old.tables.get(ctx.name_before_release(table));
    before.is_none_or(|before| before.constraint(name).is_none())
}

fn of_object(ctx: &Context<'_>, change: &Change, object: &ObjectRef, to: &Identifier) -> Result<Recipe, Refusal> {
    let name = &object.name;
    let owner = ctx.before.sequences.get(name).and_then(|sequence| sequence.owned_by.as_ref());
    let owned = owner.is_some();
    if let Some((table, column)) = owner
        && let Some(other) = ctx.release.iter().find(|item| exchanges(item, table, column))
    {
        return Err(ctx.refuse(
            format!(
                "the column that owns {name} is exchanged in this release ({}:{}), and takes the sequence along by its name in contract",
                other.origin.file, other.origin.line
            ),
            "rename the sequence in the next release",
        ));
    }
    if object.kind == ObjectKind::Sequence && owned {
        let back = format!("ALTER SEQUENCE {} RENAME TO {}", write::name(&name.sibling(to.clone())), write::identifier(&name.name));
        return Ok(Recipe::expand(
            step(ctx)
                .because("the column that owns it goes on to take its values")
                .probed(probe::relation_exists(&name.sibling(to.clone())))
                .undone_by(vec![back])
                .hazard(HazardKind::NameGone, format!("clients that say nextval('{name}') themselves must know both names")),
        ));
    }
    if object.kind == ObjectKind::View {
        return view(ctx, name, to);
    }
    if matches!(object.kind, ObjectKind::Sequence | ObjectKind::Type | ObjectKind::Domain | ObjectKind::MaterializedView)
        || is_routine(object.kind)
    {
        return Err(ctx.refuse(
            format!("{object} would be known to new clients under another name only, and old ones still use this one"),
            "create a second one under the new name and drop this one in a later release, or, if no client names it, write\n-- concertina: phase expand",
        ));
    }
    if matches!(object.kind, ObjectKind::Policy | ObjectKind::Rule | ObjectKind::Statistics) {
        let mut renamed = object.clone();
        match &mut renamed.detail {
            Some(detail) if object.kind != ObjectKind::Statistics => *detail = to.to_string(),
            Some(_) | None => renamed.name = name.sibling(to.clone()),
        }
        let was = object.detail.as_deref().filter(|_| object.kind != ObjectKind::Statistics).map_or(name.name.clone(), Identifier::from);
        let back = format!("ALTER {} RENAME TO {}", write::object(&renamed), write::identifier(&was));
        return Ok(Recipe::expand(step(ctx).because("no client needs it by its name").undone_by(vec![back])));
    }
    if object.kind == ObjectKind::Publication {
        return Err(ctx.refuse(
            format!("subscribers look for {object} by its name, and stop when it isn't there"),
            "create a second one under the new name, let the subscribers change over, and drop this one in a later release; or, if it has none, \
             write\n-- concertina: phase expand",
        ));
    }
    as_written::by_class(ctx, change)
}

/// Whether the item gives the column another name or another type.
fn exchanges(item: &Item, table: &Name, column: &Identifier) -> bool {
    match &item.planned {
        Planned::Change(Change::RenameColumn { table: on, column: from, to }) => on == table && (from == column || to == column),
        Planned::Change(Change::ChangeType { table: on, column: of, .. }) => on == table && of == column,
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    }
}

pub(super) fn is_routine(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine)
}

/// A view has no rows of its own, so a second one over it serves under the old name.
fn view(ctx: &Context<'_>, from: &Name, to: &Identifier) -> Result<Recipe, Refusal> {
    let columns = ctx.before.views.get(from).map(|view| &view.columns);
    let Some(Lookup::Known(columns)) = columns else {
        return Err(ctx.refuse(format!("the columns of view {from} can't be told"), "create a second view under the new name instead"));
    };
    let new = from.sibling(to.clone());
    let shown: Vec<(Identifier, Identifier)> = columns.iter().map(|column| (column.name.clone(), column.name.clone())).collect();
    let rename = format!("ALTER VIEW {} RENAME TO {}", write::name(from), write::identifier(to));
    let show = super::compatibility_view::show(ctx, from, &new, &shown);
    // No LOCK TABLE: it would reach through the view to its tables, which are none of this.
    let drop = format!("DROP VIEW {}", write::name(from));
    let mut undo = vec![drop.clone()];
    undo.push(format!("ALTER VIEW {} RENAME TO {}", write::name(&new), write::identifier(&from.name)));
    let mut sql = vec![rename];
    sql.extend(show.iter().cloned());
    let swap = Draft::own(
        new.to_string(),
        "rename-view",
        format!("rename view {from} to {to} and show it to old clients under the old name"),
        sql,
    )
    .because("a second view under the old name reads from it")
    .locks(from, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::relation_exists(&new))
    .undone_by(undo)
    .hazard(HazardKind::ThroughView, format!("if clients write through {from}: {NOT_THROUGH_A_VIEW}"));
    let end = Draft::own(new.to_string(), "drop-view", format!("drop the view {from} that showed {to} under its old name"), vec![drop])
        .because("no client that uses the old name is left")
        .locks(from, LockMode::AccessExclusive, Held::Brief)
        .locks(&new, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::relation_gone(from))
        .undone_by(show);
    Ok(Recipe { expand: vec![swap], first_to_contract: vec![end], ..Recipe::default() })
}
