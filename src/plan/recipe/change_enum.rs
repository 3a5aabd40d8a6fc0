//! Another set of labels for an enum: new ones in expand, where they belong in the order; removed ones stay until contract,
//! which builds the type that doesn't have them, a second column of it beside each of the old one, and exchanges them.

use std::collections::BTreeMap;

use super::second_column::{SecondColumn, Wanted, Writers};
use super::{Context, Recipe, add_enum_value};
use crate::plan::compiled;
use crate::plan::copies;
use crate::plan::draft::Draft;
use crate::plan::enum_swap::EnumSwap;
use crate::plan::format::{Gate, HazardKind, Held, LockMode};
use crate::plan::generated::generated_name;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::object::{ObjectKind, TypeKind, UserType};
use crate::schema::{Change, Column, DataType, Identifier, Name, Part, Sql, Table};
use crate::sql::write;
use std::sync::Arc;

pub(crate) fn plan(ctx: &Context<'_>, swap: &EnumSwap) -> Result<Recipe, Refusal> {
    let mut recipe = Recipe { expand: add_labels(swap), ..Recipe::default() };
    set_defaults(ctx, swap, &mut recipe);
    if !is_within(&swap.before, &swap.after) {
        refuse_later_uses(ctx, swap)?;
        remove_labels(ctx, swap, &mut recipe)?;
    }
    Ok(recipe)
}

/// RENAME VALUE: both names are there until the rows of the old one can follow.
pub(crate) fn rename_label(ctx: &Context<'_>, name: &Name, value: &str, to: &str) -> Result<Recipe, Refusal> {
    let labels = |catalog: &crate::schema::Catalog| match catalog.types.get(name).map(|found| found.kind.clone()) {
        Some(TypeKind::Enum { labels }) => Ok(labels),
        _ => Err(ctx
            .refuse(format!("the labels of {name} can't be told"), "say in which phase it is safe, as in `-- concertina: phase contract`")),
    };
    let of_type = |table: &Arc<Table>| {
        let columns = table.columns.iter().filter(|column| column.data_type.name == *name);
        columns.map(|column| (table.name.clone(), column.name.clone())).collect::<Vec<_>>()
    };
    let swap = EnumSwap {
        name: name.clone(),
        before: labels(ctx.before)?,
        after: labels(ctx.after)?,
        renamed: BTreeMap::from([(value.to_owned(), to.to_owned())]),
        columns: ctx.before.tables.values().flat_map(of_type).collect(),
    };
    refuse_new_readers(ctx, value, to)?;
    let mut recipe = plan(ctx, &swap)?;
    if let Some(first) = recipe.expand.first_mut() {
        let detail = format!(
            "new clients read '{value}' until contract in rows that old clients wrote or that were there, and must take it for '{to}'"
        );
        first.hazards.push(crate::plan::format::Hazard { kind: HazardKind::NewClientsReadOldValues, detail });
    }
    Ok(recipe)
}

/// A function of triggers that knows the new name alone meets the old one in rows of old clients, until contract.
fn refuse_new_readers(ctx: &Context<'_>, value: &str, to: &str) -> Result<(), Refusal> {
    let knows_new_alone = |item: &&Item| match &item.planned {
        Planned::Change(Change::CreateRoutine { routine, .. }) => {
            let body = write::text(&routine.definition);
            let fires = ctx.new.triggers.values().any(|trigger| trigger.function == routine.name);
            fires && body.contains(&write::literal(to)) && !body.contains(&write::literal(value))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    };
    match ctx.release.iter().find(knows_new_alone) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "until contract rows have '{value}', and a trigger's function of this release ({}:{}) knows only '{to}'",
                item.origin.file, item.origin.line
            ),
            format!("let the function take '{value}' for '{to}' until the next release"),
        )),
    }
}

/// A type has one name, and clients that name it (in casts, in drivers) know no other.
pub(crate) fn rename_type(ctx: &Context<'_>, name: &Name, to: &Identifier) -> Refusal {
    ctx.refuse(
        format!("{name} can't have two names: clients of one of the releases cast to a type, or look one up, that isn't there"),
        format!(
            "keep the name and map it in the application, or say in a comment above the statement that no client names the type: if new \
             clients (and the rest of the release) don't say {to} yet,\n-- concertina: phase contract\nif old clients don't say {name},\n\
             -- concertina: phase expand"
        ),
    )
}

/// Whether all labels of `some` are among `all`, in the same order.
fn is_within(some: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|label| rest.any(|other| other == label))
}

/// Each new label after the one that it follows in the new order.
fn add_labels(swap: &EnumSwap) -> Vec<Draft> {
    let mut steps = Vec::new();
    for (at, label) in swap.after.iter().enumerate() {
        if swap.before.contains(label) {
            continue;
        }
        let place = match (at.checked_sub(1).and_then(|before| swap.after.get(before)), swap.before.first()) {
            (Some(neighbour), _) => format!(" AFTER {}", write::literal(neighbour)),
            (None, Some(first)) => format!(" BEFORE {}", write::literal(first)),
            (None, None) => String::new(),
        };
        let sql = format!("ALTER TYPE {} ADD VALUE {}{place}", write::name(&swap.name), write::literal(label));
        steps.push(add_enum_value::step(&swap.name, label, sql));
    }
    steps
}

/// Defaults that the release changes with the type: what new clients rely on before they start, and what old ones rely on after they end.
fn set_defaults(ctx: &Context<'_>, swap: &EnumSwap, recipe: &mut Recipe) {
    for (table, name) in &swap.columns {
        let find = |catalog: &crate::schema::Catalog| catalog.tables.get(table).and_then(|table| table.column(name)).cloned();
        let (Some(before), Some(after)) = (find(ctx.before), find(ctx.after)) else { continue };
        let (old, new) = (before.default.as_ref().map(write::text), after.default.as_ref().map(write::text));
        if old == new {
            continue;
        }
        let alter = |default: &Option<String>| {
            let what = default.as_ref().map_or_else(|| "DROP DEFAULT".to_owned(), |default| format!("SET DEFAULT {default}"));
            format!("ALTER TABLE {} ALTER COLUMN {} {what}", write::name(table), write::identifier(name))
        };
        let subject = format!("{table}.{name}");
        let step = Draft::own(&subject, "set-default", format!("change the default of {subject}"), vec![alter(&new)])
            .locks(table, LockMode::AccessExclusive, Held::Brief)
            .undone_by(vec![alter(&old)]);
        if new.is_none() && before.not_null {
            recipe.contract.push(step.because("old clients leave the column out and need its default until then"));
        } else {
            recipe.expand.push(step.because("new clients rely on it; the rows that are there stay as they are"));
        }
    }
}

/// What the release makes of the type beside these columns would still hold the old one in contract.
fn refuse_later_uses(ctx: &Context<'_>, swap: &EnumSwap) -> Result<(), Refusal> {
    let known = |table: &Name, column: &Identifier| swap.columns.iter().any(|(on, name)| on == table && name == column);
    let column = ctx.new.tables.values().find_map(|table| {
        let column = table.columns.iter().find(|column| column.data_type.name == swap.name && !known(&table.name, &column.name))?;
        Some(format!("column {} of {}", column.name, table.name))
    });
    let routine = ctx.new.routines.values().find(|routine| routine.arguments.iter().any(|argument| argument.name == swap.name));
    let other = ctx.new.types.values().find(|other| match &other.kind {
        TypeKind::Domain { base, .. } => base.name == swap.name,
        TypeKind::Composite { attributes } => attributes.iter().any(|(_, data_type, _)| data_type.name == swap.name),
        TypeKind::Enum { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => false,
    });
    let view =
        ctx.new.views.values().find(|view| view.query.parts.iter().any(|part| matches!(part, Part::Type(name) if *name == swap.name)));
    let user = column
        .or_else(|| routine.map(|routine| format!("function {}", routine.name)))
        .or_else(|| other.map(|other| format!("type {}", other.name)))
        .or_else(|| view.map(|view| format!("view {}", view.name)));
    match user {
        None => Ok(()),
        Some(user) => Err(ctx.refuse(
            format!("{user} is made of {}, and another type can't take its place there", swap.name),
            "if this release makes it, put one of the two into the next release; else say when the change is safe as written: `-- concertina: phase contract`",
        )),
    }
}

fn remove_labels(ctx: &Context<'_>, swap: &EnumSwap, recipe: &mut Recipe) -> Result<(), Refusal> {
    let at_the_end = ctx.new.types.get(&swap.name).map(|found| &found.kind);
    if !matches!(at_the_end, Some(TypeKind::Enum { labels }) if *labels == swap.after) {
        return Err(ctx.refuse(format!("the same release changes {} once more", swap.name), "put one of the two into the next release"));
    }
    let successor = swap.name.sibling(generated_name("new", &swap.name, &swap.name.name));
    let tables: BTreeMap<&Name, &Arc<Table>> =
        swap.columns.iter().map(|(table, _)| Ok((table, ctx.table(table)?))).collect::<Result<_, Refusal>>()?;
    let mut seconds: Vec<SecondColumn<'_>> = Vec::new();
    let mut gates = Vec::new();
    for (table, name) in &swap.columns {
        let Some(table) = tables.get(table) else { continue };
        let Some(column) = table.column(name) else { continue };
        gates.extend(gone(swap, table, column));
        seconds.push(second(ctx, swap, &successor, table, column)?);
    }
    let mut first = create(swap, &successor);
    first.gates = gates;
    recipe.contract.push(first);
    for second in &seconds {
        let mut add = second.add(ctx);
        "no client that writes a removed label is left; in place the change would rewrite the table under a lock".clone_into(&mut add.why);
        recipe
            .contract
            .push(add.hazard(HazardKind::RefusesWrites, format!("a removed label is refused in {} from here on", second.subject())));
        recipe.contract.extend(second.fill(ctx)?);
    }
    recipe.contract.push(exchange(ctx, swap, &successor, &seconds));
    Ok(())
}

fn second<'a>(
    ctx: &Context<'_>,
    swap: &EnumSwap,
    successor: &Name,
    table: &'a Table,
    column: &'a Column,
) -> Result<SecondColumn<'a>, Refusal> {
    let data_type = DataType { name: successor.clone(), ..column.data_type.clone() };
    let own = || Part::Column { of: None, name: column.name.clone() };
    let mut parts = vec![own(), Part::Text("::text".to_owned())];
    for (from, to) in &swap.renamed {
        let (from, to) = (write::literal(from), write::literal(to));
        if column.data_type.dimensions > 0 {
            parts.insert(0, Part::Text("array_replace(".to_owned()));
            parts.push(Part::Text(format!("[], {from}, {to})")));
        } else {
            parts.insert(0, Part::Text("CASE WHEN ".to_owned()));
            parts.push(Part::Text(format!(" = {from} THEN {to} ELSE ")));
            parts.extend([own(), Part::Text("::text END".to_owned())]);
        }
    }
    let value = Sql { parts };
    let second = SecondColumn::new(
        ctx,
        table,
        column,
        Wanted { data_type: &data_type, collation: None, value, back: None, keys: copies::OfKeys::Refused, written_by: Writers::Nobody },
    )?;
    if second.has_expressions() {
        return Err(ctx.refuse(
            format!(
                "a CHECK or an index of {} compares {} with labels of the type, and those can't be had for another type",
                table.name, column.name
            ),
            "drop it in an earlier release and add it again in a later one",
        ));
    }
    Ok(second)
}

/// Rows that have a removed label stop contract before it begins.
fn gone(swap: &EnumSwap, table: &Table, column: &Column) -> Option<Gate> {
    let removed: Vec<String> = swap
        .before
        .iter()
        .filter(|label| !swap.after.contains(label) && !swap.renamed.contains_key(*label))
        .map(|label| write::literal(label))
        .collect();
    if removed.is_empty() {
        return None;
    }
    let quoted = write::identifier(&column.name);
    let condition = if column.data_type.dimensions > 0 {
        format!("{quoted}::text[] && ARRAY[{}]", removed.join(", "))
    } else {
        format!("{quoted}::text IN ({})", removed.join(", "))
    };
    Some(Gate::Zero {
        counts: format!("rows of {} in which {} is {}: give them another value first", table.name, column.name, removed.join(" or ")),
        sql: format!("SELECT count(*) FROM {} WHERE {condition}", write::name(&table.name)),
    })
}

fn create(swap: &EnumSwap, successor: &Name) -> Draft {
    let made = UserType { name: successor.clone(), kind: TypeKind::Enum { labels: swap.after.clone() } };
    Draft::own(swap.name.to_string(), "create-type", format!("make the type that {} will be", swap.name), vec![write::create_type(&made)])
        .because("the database can't remove a label from an enum or change their order, so another type takes its place")
        .probed(probe::type_exists(successor))
        .undone_by(vec![format!("DROP TYPE {}", write::name(successor))])
}

/// All columns and the type's name change hands at once: a client that casts to the type meets columns of it at any time.
fn exchange(ctx: &Context<'_>, swap: &EnumSwap, successor: &Name, seconds: &[SecondColumn<'_>]) -> Draft {
    let mut tables: Vec<Name> = seconds.iter().flat_map(SecondColumn::relations).collect();
    tables.sort();
    tables.dedup();
    let mut sql = if tables.is_empty() { Vec::new() } else { vec![copies::lock_all(&tables)] };
    for second in seconds {
        sql.extend(second.replace(ctx));
    }
    let name = write::name(&swap.name);
    sql.push(format!("DROP TYPE {name}"));
    sql.push(format!("ALTER TYPE {} RENAME TO {}", write::name(successor), write::identifier(&swap.name.name)));
    sql.extend(seconds.iter().filter_map(|second| second.set_default(ctx)));
    sql.extend(copies::said_of(ctx.new, ObjectKind::Type, "TYPE", &swap.name));
    sql.extend(compiled::again_for_successor(ctx, &swap.name));
    let draft = Draft::own(swap.name.to_string(), "exchange-type", format!("let {} be the type with the labels that are left", swap.name), sql)
        .because("the second columns are filled and in step, so the exchange is brief")
        .probed(probe::enum_has_labels(&swap.name, &swap.after))
        .final_losing("the labels that are removed, and the order that they had")
        .hazard(
            HazardKind::CachedPlans,
            format!("a prepared statement that names {} or returns a column of it fails once in each session, and a driver that remembers the type's number must connect again", swap.name),
        );
    seconds.iter().fold(draft, |draft, second| second.replacing(ctx, draft))
}
