//! What else a release may do to a table that stands behind a view while both releases run. Errs on the side of refusing:
//! a change that names what the view renames goes into the next release.

use super::Context;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{AddColumn, DropBehavior};
use crate::schema::{Change, Column, Constraint, ForeignKey, Identifier, Name};
use crate::sql::directive::{DirectiveKind, Strategy};
use crate::sql::write;

/// A column and the name that it gets.
type Renamed = (Identifier, Identifier);

/// Other changes run before the base steps aside and after it is back, so they may be anything that names neither of a
/// renamed column's names and that leaves every column as the view shows it.
pub(super) fn refuse_beside_columns(ctx: &Context<'_>, table: &Name, renamed: &[Renamed]) -> Result<(), Refusal> {
    for item in others(ctx) {
        if is_rename_of_column(item, table) {
            continue;
        }
        let names = has_to_do_with(ctx, item, table, renamed);
        if references(item, table, renamed) {
            return Err(in_the_way(ctx, item, "put it into the next release"));
        }
        let about = is_about(item, table);
        if (about && (names || !leaves_the_shape(item))) || (names && names_word(item, &table.name)) {
            return Err(in_the_way(ctx, item, "put it into the next release, or into the one before"));
        }
    }
    Ok(())
}

/// Beside a view for new clients alone, other changes are made to the table as old clients know it, so the same holds; and what else
/// is made of the table, such as a view or a function, would be made of that.
pub(super) fn refuse_beside_release_view(ctx: &Context<'_>, table: &Name, changed: &[Renamed]) -> Result<(), Refusal> {
    for item in ctx.release.iter().filter(|item| !super::release_view::is_asked_for(item)) {
        let names = has_to_do_with(ctx, item, table, changed);
        let about = is_about(item, table);
        if references(item, table, changed) || about && (names || !leaves_the_shape(item)) || !about && names_word(item, &table.name) {
            return Err(in_the_way(ctx, item, "put it into the next release, or into the one before"));
        }
    }
    Ok(())
}

/// Whether the change names one of the columns, or what is made of one.
fn has_to_do_with(ctx: &Context<'_>, item: &Item, table: &Name, columns: &[Renamed]) -> bool {
    columns.iter().any(|(from, to)| names_word(item, from) || names_word(item, to))
        || drops_rule_over(item, table, columns)
        || fills_from(ctx, item, table, columns)
}

/// A renamed table has its new name from the rename on: what comes before may only be what is complete by then.
pub(super) fn refuse_beside_table(ctx: &Context<'_>, from: &Name, to: &Name, renamed: &[Renamed]) -> Result<(), Refusal> {
    let here = ctx.release.iter().position(|item| item.origin == ctx.item.origin).unwrap_or_default();
    for (at, item) in ctx.release.iter().enumerate().filter(|(at, _)| *at != here) {
        if is_rename_of_column(item, from) || is_rename_of_column(item, to) {
            continue;
        }
        let is_left = is_about(item, from) || brings_reference(ctx, item, from);
        if at < here && is_left && !is_complete_in_expand(item) {
            return Err(in_the_way(ctx, item, &format!("write it after the statement that renames {from}, with the new name")));
        }
        // It runs before the table and its columns have their new names.
        let by_new_name = has_word(&item.statement, from.name.as_str()) && renamed.iter().any(|(_, new)| names_word(item, new));
        if at < here && by_new_name && !is_about(item, from) {
            return Err(in_the_way(ctx, item, &format!("write it after the statement that renames {from}, with the new name")));
        }
        // The columns have their new names together with the table.
        let renames_later = |old: &Identifier| {
            ctx.release.iter().skip(at).any(
                |item| matches!(&item.planned, Planned::Change(Change::RenameColumn { table, column, .. }) if table == to && column == old),
            )
        };
        let early = |old: &Identifier| names_word(item, old) && renames_later(old);
        if at > here && !is_about(item, to) && has_word(&item.statement, to.name.as_str()) && renamed.iter().any(|(old, _)| early(old)) {
            return Err(in_the_way(ctx, item, "write it after the statement that renames the column, with the new name"));
        }
        let by_old_name = renamed.iter().any(|(old, _)| names_word(item, old)) || fills_from(ctx, item, from, renamed);
        if is_about(item, to) && (by_old_name || !leaves_the_shape(item)) {
            return Err(in_the_way(ctx, item, "put it into the next release"));
        }
    }
    Ok(())
}

/// Whether a foreign key of the change leads to a renamed column: said, or as the primary key that goes without saying.
fn references(item: &Item, table: &Name, renamed: &[Renamed]) -> bool {
    let is_renamed = |column: &Identifier| renamed.iter().any(|(from, to)| column == from || column == to);
    keys_to(item, table).any(|key| item.before.key_referenced_by(key).unwrap_or_default().iter().any(is_renamed))
}

/// Whether the change drops a constraint over a renamed column, perhaps for another one of that name.
fn drops_rule_over(item: &Item, table: &Name, renamed: &[Renamed]) -> bool {
    let change = match &item.planned {
        Planned::Change(change) => item.instead_of.as_deref().unwrap_or(change),
        Planned::FilledColumn { .. } | Planned::EnumSwap(_) => return false,
    };
    let Change::DropConstraint { table: on, constraint, .. } = change else { return false };
    let dropped = item.before.tables.get(on).filter(|_| on == table).and_then(|found| found.constraint(constraint));
    dropped.is_some_and(|dropped| dropped.columns().iter().any(|column| renamed.iter().any(|(from, to)| column == from || column == to)))
}

/// Whether the change gives a table that old clients know a foreign key to this one, which comes after expand.
fn brings_reference(ctx: &Context<'_>, item: &Item, table: &Name) -> bool {
    let of = match &item.planned {
        Planned::FilledColumn { add, .. } => Some(&add.table),
        Planned::Change(change) => change.relation(),
        Planned::EnumSwap(_) => None,
    };
    of.is_some_and(|of| !ctx.is_new_table(of)) && keys_to(item, table).next().is_some()
}

/// The foreign keys to the table that the change brings.
fn keys_to<'a>(item: &'a Item, table: &Name) -> impl Iterator<Item = &'a ForeignKey> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other change brings a foreign key")]
    let constraints: &[Constraint] = match &item.planned {
        Planned::FilledColumn { add, .. } => &add.constraints,
        Planned::Change(Change::AddColumn(add)) => &add.constraints,
        Planned::Change(Change::AddConstraint { constraint, .. }) => std::slice::from_ref(constraint),
        Planned::Change(Change::CreateTable(create)) => &create.table.constraints,
        _ => &[],
    };
    constraints.iter().filter_map(Constraint::foreign_key).filter(move |key| &key.references == table)
}

/// Whether a column is filled from a generated one that is made of a renamed one: triggers then name what that is made of.
fn fills_from(ctx: &Context<'_>, item: &Item, table: &Name, renamed: &[Renamed]) -> bool {
    let says = |directive: &DirectiveKind| matches!(directive, DirectiveKind::Up(_) | DirectiveKind::Down(_));
    if !matches!(item.planned, Planned::FilledColumn { .. }) && !item.directives.iter().any(says) {
        return false;
    }
    let Some(table) = ctx.old.tables.get(table) else { return false };
    let made =
        |column: &Column| column.generated.as_ref().is_some_and(|made| renamed.iter().any(|(from, _)| made.expression.mentions(from)));
    table.columns.iter().any(|column| made(column) && names_word(item, &column.name))
}

fn others<'a>(ctx: &'a Context<'_>) -> impl Iterator<Item = &'a Item> {
    ctx.release.iter().filter(|item| item.origin != ctx.item.origin)
}

fn in_the_way(ctx: &Context<'_>, other: &Item, remedy: &str) -> Refusal {
    ctx.refuse(
        format!(
            "clients of one release are served through a view, and the same release has a change that this would get in the way of ({}:{}: {})",
            other.origin.file,
            other.origin.line,
            other.origin.statement.lines().next().unwrap_or_default()
        ),
        remedy,
    )
}

fn is_rename_of_column(item: &Item, table: &Name) -> bool {
    matches!(&item.planned, Planned::Change(Change::RenameColumn { table: on, .. }) if on == table)
}

fn is_about(item: &Item, table: &Name) -> bool {
    match &item.planned {
        Planned::FilledColumn { add, .. } => &add.table == table,
        // Its statements alter the columns of tables.
        Planned::EnumSwap(_) => names_word(item, &table.name),
        Planned::Change(Change::Data(data)) => data.writes.contains(table) || data.reads.contains(table),
        Planned::Change(Change::DropIndex { index, .. } | Change::RenameIndex { index, .. }) => {
            item.before.indexes.get(index).is_some_and(|index| &index.table == table)
        }
        Planned::Change(change) => change.relation() == Some(table),
    }
}

/// Whether nothing of the change is left for migrate or contract.
fn is_complete_in_expand(item: &Item) -> bool {
    let plain = |add: &AddColumn| add.constraints.is_empty() && add.column.default.is_none() && !add.column.not_null;
    matches!(&item.planned, Planned::Change(Change::AddColumn(add)) if plain(add)) && is_planned_by_recipe(item)
}

fn is_planned_by_recipe(item: &Item) -> bool {
    !item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Phase(_) | DirectiveKind::Strategy(Strategy::Direct)))
}

/// Whether every column that is there stays as it is until contract.
#[expect(clippy::wildcard_enum_match_arm, reason = "what isn't known to leave the shape alone doesn't")]
fn leaves_the_shape(item: &Item) -> bool {
    if !is_planned_by_recipe(item) {
        return false;
    }
    match &item.planned {
        Planned::FilledColumn { .. } => true,
        Planned::EnumSwap(_) => false,
        Planned::Change(change) => match change {
            Change::DropColumn { behavior, .. } => *behavior == DropBehavior::Restrict,
            Change::AddColumn(_)
            | Change::SetDefault { .. }
            | Change::DropDefault { .. }
            | Change::SetNotNull { .. }
            | Change::DropNotNull { .. }
            | Change::AddConstraint { .. }
            | Change::DropConstraint { .. }
            | Change::ValidateConstraint { .. }
            | Change::CreateIndex { .. }
            | Change::DropIndex { .. }
            | Change::RenameIndex { .. }
            | Change::RenameConstraint { .. }
            | Change::Comment { .. }
            | Change::Data(_) => true,
            _ => false,
        },
    }
}

/// Whether a name stands anywhere in the statements of a change.
fn names_word(item: &Item, name: &Identifier) -> bool {
    let also = item.also.iter().any(|origin| has_word(&origin.statement, name.as_str()));
    let filled = match &item.planned {
        Planned::FilledColumn { up, .. } => has_word(&write::text(up), name.as_str()),
        Planned::Change(_) | Planned::EnumSwap(_) => false,
    };
    also || filled || has_word(&item.statement, name.as_str())
}

/// The length from which a name may be the beginning of what was written: PostgreSQL cuts at 63 bytes, before the character that
/// doesn't fit.
const CUT: usize = 60;

/// Whether a name stands in a text by itself, in any case. Between quotation marks, one in it stands twice.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    has_word_as_it_is(text, word) || word.contains('"') && has_word_as_it_is(text, &word.replace('"', "\"\""))
}

fn has_word_as_it_is(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let cut = word.len() >= CUT;
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
    text.match_indices(&word)
        .any(|(at, found)| !inside(text[..at].chars().next_back()) && (cut || !inside(text[at + found.len()..].chars().next())))
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert!(has_word("CHECK (\"Name\" <> '')", "name") && has_word("NEW.name", "name"));
        assert!(has_word("SET \"quo\"\"te\" = 1", "quo\"te") && !has_word("SET quote = 1", "quo\"te"));
        let long = "x".repeat(70);
        assert!(has_word(&long, &long[..63]) && !has_word(&long, &long[..50]));
        assert!(!has_word("full_name", "name") && !has_word("names", "name") && !has_word("", "name"));
    }
}
