//! DROP CONSTRAINT: a rule less is loosening and goes into expand; what old clients rely on (a key for their ON CONFLICT, a
//! foreign key that deletes along) stays until contract.

use super::{Context, Recipe, drop_index};
use crate::engine::{Held, LockMode};
use crate::plan::dependents;
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::hold::restore;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Named, Planned};
use crate::schema::change::DropBehavior;
use crate::schema::constraint::{ForeignKey, ReferentialAction};
use crate::schema::{Change, Constraint, ConstraintKind, Identifier, Name};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table: &Name, name: &Identifier, behavior: DropBehavior) -> Result<Recipe, Refusal> {
    // CASCADE ends foreign keys that need the key: new clients know nothing of them.
    let cascades = behavior == DropBehavior::Cascade;
    let mut recipe = if cascades { dependents::end_foreign_keys_of_a_key(ctx, table)? } else { Recipe::default() };
    recipe.append(at_once(ctx, table, name, behavior)?);
    if let Some(key) = ctx.table(table)?.constraint(name).and_then(Constraint::foreign_key)
        && acts(key)
    {
        let later = |mut draft: Draft| {
            let now = ctx.name_at_end(&key.references);
            if now != key.references {
                let said = |name: &Name| format!("LOCK TABLE {},", write::name(name));
                draft.sql.iter_mut().for_each(|sql| *sql = sql.replacen(&said(&key.references), &said(&now), 1));
                draft = draft.locks(&now, LockMode::AccessExclusive, Held::Brief);
            }
            draft
                .because(format!(
                    "old clients rely on what it does to rows of {table} when they delete or change rows of {}",
                    key.references
                ))
                .hazard(
                    HazardKind::RefusesWrites,
                    format!(
                        "until then {name} holds for new clients too; where no old client deletes from {}, `phase expand` drops it before",
                        key.references
                    ),
                )
        };
        recipe.contract.extend(std::mem::take(&mut recipe.expand).into_iter().map(later));
    } else if let Some(key) = ctx.table(table)?.constraint(name).and_then(Constraint::foreign_key)
        && ctx.item.directives.is_empty()
    {
        refuse_another_name(ctx, table, name, key)?;
        until_another_comes(ctx, table, (name, key), &mut recipe);
    }
    if ctx.is_made_before(&Named::Constraint(table.clone(), name.clone())) && ctx.item.directives.is_empty() {
        recipe.contract.append(&mut recipe.expand);
    }
    Ok(recipe)
}

/// Over the same columns another one under another name, which does more: until that comes in contract there would be none.
fn refuse_another_name(ctx: &Context<'_>, table: &Name, name: &Identifier, key: &ForeignKey) -> Result<(), Refusal> {
    let exchanges = |item: &&Item| match &item.planned {
        Planned::Change(Change::AddConstraint { table: on, constraint }) if on == table => {
            constraint.foreign_key().is_some_and(|other| acts(other) && other.references == key.references && other.columns == key.columns)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    match ctx.later().find(exchanges) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "another foreign key over the same columns follows under another name ({}:{}): until that comes, in contract, nobody would \
                 be held to either",
                item.origin.file, item.origin.line
            ),
            format!(
                "write the ADD before the DROP of {name}, or give the new one the same name: both are then exchanged in one transaction"
            ),
        )),
    }
}

/// The same for a foreign key that only refuses rows, if the release brings another one that holds all it holds: dropped at once, there
/// would be none until that comes in contract.
fn until_another_comes(ctx: &Context<'_>, table: &Name, (name, key): (&Identifier, &ForeignKey), recipe: &mut Recipe) {
    let holds = |item: &Item| match &item.planned {
        Planned::Change(Change::AddConstraint { table: on, constraint }) if on == table => constraint
            .foreign_key()
            .filter(|other| other.references == key.references && key.columns.iter().all(|column| other.columns.contains(column)))
            .map(acts),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    };
    let mut others = ctx.earlier().chain(ctx.later());
    let Some(other_acts) = others.find_map(holds) else { return };
    let why = "both releases' clients are held to it, and the one that holds as much comes in contract";
    let until_then = |draft: Draft| {
        let draft = draft.because(why);
        if other_acts {
            let detail = format!("until then {name} refuses to new clients too that rows of {} go or get other keys", key.references);
            return draft.hazard(HazardKind::RefusesWrites, detail);
        }
        draft
    };
    recipe.contract.extend(std::mem::take(&mut recipe.expand).into_iter().map(until_then));
}

/// Whether it does something to rows, and not only refuses some.
pub(crate) fn acts(key: &ForeignKey) -> bool {
    let acts = |action: ReferentialAction| match action {
        ReferentialAction::NoAction | ReferentialAction::Restrict => false,
        ReferentialAction::Cascade | ReferentialAction::SetNull | ReferentialAction::SetDefault => true,
    };
    acts(key.on_delete) || acts(key.on_update)
}

/// Whether it refuses to let a row go, or to change its key, while others reference it.
pub(crate) fn refuses(key: &ForeignKey) -> bool {
    [key.on_delete, key.on_update].iter().any(|action| matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict))
}

/// The same for what goes with its table or column, whose new clients know nothing of it: a foreign key ends in expand.
pub(crate) fn at_once(ctx: &Context<'_>, table: &Name, name: &Identifier, behavior: DropBehavior) -> Result<Recipe, Refusal> {
    let Some(constraint) = ctx.table(table)?.constraint(name) else {
        return Ok(Recipe::default());
    };
    let cascade = if behavior == DropBehavior::Cascade { " CASCADE" } else { "" };
    let relation = write::name(table);
    let mut sql = vec![format!("ALTER TABLE {relation} DROP CONSTRAINT {}{cascade}", write::identifier(name))];
    if let ConstraintKind::ForeignKey(key) = &constraint.kind
        && &key.references != table
    {
        // The drop locks both tables; clients touch the referenced one first.
        sql.insert(0, format!("LOCK TABLE {}, {relation} IN ACCESS EXCLUSIVE MODE", write::name(&key.references)));
    }
    let mut draft = Draft::own(format!("{table}.{name}"), "drop-constraint", format!("drop {name} of {table}"), sql)
        .locks(table, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::constraint_gone(table, name));
    if let ConstraintKind::ForeignKey(key) = &constraint.kind {
        draft = draft.locks(&key.references, LockMode::AccessExclusive, Held::Brief);
    }
    Ok(match &constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => {
            let draft = draft.undone_by(restore(ctx.table(table)?, constraint)).hazard(
                HazardKind::OldClientsReadNewValues,
                format!("old clients may read rows that {name} would have refused, once new clients write them"),
            );
            Recipe::expand(draft.because("new clients write what it refuses; old clients' writes obey it anyway"))
        }
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => Recipe::contract(
            draft
                .final_losing(format!("the guarantee of {name}: duplicates may come"))
                .because("ON CONFLICT clauses of old clients need it until then")
                .hazard(HazardKind::RefusesWrites, drop_index::still(name)),
        ),
    })
}
