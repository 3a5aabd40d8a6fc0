//! Rows that a release changes in migrate, though the statement rests on what an earlier one does only in contract: refused.

use super::company::has_word;
use super::drop_constraint::acts;
use super::{Context, as_written};
use crate::plan::mute::said;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{DataChange, Verb};
use crate::schema::object::Trigger;
use crate::schema::{Change, Constraint, ConstraintKind, Identifier, Index, Name, Uniqueness};
use crate::sql::directive::{DirectiveKind, PhaseName};

/// Refuses what is too early.
pub(super) fn refuse(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    type_to_come(ctx, data)?;
    rule_to_go(ctx, data)?;
    key_to_come(ctx, data)?;
    trigger_to_go(ctx, data)?;
    rule_to_be_replaced(ctx, data)
}

/// Rows for which a trigger would fire that an earlier statement drops, which is done in contract.
fn trigger_to_go(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let event = match data.verb {
        Verb::Insert | Verb::Copy => "INSERT",
        Verb::Update => "UPDATE",
        Verb::Delete => "DELETE",
        Verb::Truncate => "TRUNCATE",
        Verb::Merge | Verb::Select => return Ok(()),
    };
    let fires = |trigger: &Trigger| data.writes.contains(&trigger.table) && trigger.enabled != 'D' && said(trigger, event);
    let dropped = |drop: &Change, item: &Item| {
        let Change::DropTrigger { table, trigger, .. } = drop else { return false };
        item.before.triggers.get(&(table.clone(), trigger.clone())).is_some_and(|found| fires(found))
    };
    let goes = ctx.earlier().filter(|item| as_written::phase_of(item).is_none()).find(|item| match &item.planned {
        Planned::Change(change) => dropped(change, item),
        Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    });
    let comes_back = || {
        ctx.release.iter().find(|item| item.instead_of.as_deref().is_some_and(|drop| dropped(drop, item) && is_dropped_before(ctx, item)))
    };
    match goes.or_else(comes_back) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "a trigger that an earlier statement drops ({}:{}) is there until contract, and would fire for these rows, which are changed \
                 in migrate",
                item.origin.file, item.origin.line
            ),
            "put this statement into contract too, with `-- concertina: phase contract` above it, or into the next release; or, where no old \
             client needs the trigger, drop it before with `-- concertina: phase expand` above the DROP",
        )),
    }
}

/// Whether the DROP that became a part of the item stands before this statement. Of other files that can't be told.
fn is_dropped_before(ctx: &Context<'_>, item: &Item) -> bool {
    let own = &ctx.item.origin;
    item.also.iter().any(|origin| origin.file == own.file && origin.line < own.line) && item.origin.line > own.line
}

/// Rows that a rule would refuse which is dropped before and added again after: until contract the old one holds.
fn rule_to_be_replaced(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let places = matches!(data.verb, Verb::Insert | Verb::Merge);
    let sets = |columns: &[Identifier]| places || columns.iter().any(|column| data.columns.contains(column));
    let holds = |item: &&Item| {
        if let Some(Change::DropIndex { index, .. }) = item.instead_of.as_deref() {
            let unique = item.before.indexes.get(index).filter(|found| found.uniqueness == Uniqueness::Unique);
            return unique.is_some_and(|found| data.writes.contains(&found.table) && sets(&found.columns()))
                && is_dropped_before(ctx, item);
        }
        let Some(Change::DropConstraint { table, constraint, .. }) = item.instead_of.as_deref() else { return false };
        let Some(found) = item.before.tables.get(table).and_then(|table| table.constraint(constraint)) else { return false };
        let refuses = match &found.kind {
            ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => data.writes.contains(table) && sets(&found.columns()),
            ConstraintKind::ForeignKey(key) => {
                data.writes.contains(table) && sets(&key.columns)
                    || data.writes.contains(&key.references)
                        && (data.verb == Verb::Delete || item.before.key_referenced_by(key).is_some_and(|columns| sets(&columns)))
            }
            // Of two that differ, rows may obey either.
            ConstraintKind::Check { .. } => {
                let same =
                    matches!(&item.planned, Planned::Change(Change::AddConstraint { constraint, .. }) if constraint.kind == found.kind);
                same && data.writes.contains(table) && sets(&found.columns())
            }
            ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => false,
        };
        refuses && is_dropped_before(ctx, item)
    };
    match ctx.release.iter().find(holds) {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "a rule that is dropped before and added again afterwards ({}:{}) is exchanged in one moment, and holds when these rows are \
                 changed in migrate",
                item.origin.file, item.origin.line
            ),
            "drop the rule in a release before, change the rows in this one and add the rule in the next",
        )),
    }
}

/// Rows that are changed by a column's new type, which a directive puts off until contract: migrate comes before that.
fn type_to_come(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let contract = |directive: &DirectiveKind| matches!(directive, DirectiveKind::Phase(PhaseName::Contract));
    let later = ctx.earlier().filter(|item| item.directives.iter().any(contract)).find_map(|item| match &item.planned {
        Planned::Change(Change::ChangeType { table, column, .. })
            if (data.writes.contains(table) || data.reads.contains(table)) && has_word(&data.statement, column.as_str()) =>
        {
            Some((table, column))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    match later {
        None => Ok(()),
        Some((table, column)) => Err(ctx.refuse(
            format!("{table}.{column} gets its type in contract, as a directive says, and these rows are changed in migrate, before that"),
            "put this statement into contract too, with `-- concertina: phase contract` above it, or into the next release",
        )),
    }
}

/// Rows that a rule would refuse (or an ON CONFLICT pass over) which goes in contract: until then it holds.
fn rule_to_go(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let places = matches!(data.verb, Verb::Insert | Verb::Merge);
    let sets = |columns: &[Identifier]| places || columns.iter().any(|column| data.columns.contains(column));
    #[expect(clippy::wildcard_enum_match_arm, reason = "other rules go in expand")]
    let rule = ctx.earlier().filter(|item| as_written::phase_of(item).is_none()).find_map(|item| match &item.planned {
        Planned::Change(Change::DropConstraint { table, constraint, .. }) if data.writes.contains(table) => {
            let found = item.before.tables.get(table)?.constraint(constraint)?;
            (holds_until_contract(found) && sets(&found.columns())).then_some((constraint, table))
        }
        Planned::Change(Change::DropIndex { index: name, .. }) => {
            let index = item.before.indexes.get(name)?;
            let refuses = index.uniqueness == Uniqueness::Unique && data.writes.contains(&index.table);
            (refuses && sets(&index.columns())).then_some((&name.name, &index.table))
        }
        _ => None,
    });
    match rule {
        None => Ok(()),
        Some((rule, table)) => Err(ctx.refuse(
            format!("{rule} of {table} is dropped in contract, and these rows are written in migrate, while it still holds"),
            "put this statement into contract too, with `-- concertina: phase contract` above it, or into the next release; or, where \
             no old client needs the rule (for ON CONFLICT, say), drop it before with `-- concertina: phase expand` above the DROP",
        )),
    }
}

/// Rows of an ON CONFLICT that rests on a unique key which comes in contract: until then nothing conflicts, or there is an error.
fn key_to_come(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    let upper = data.statement.to_uppercase();
    let Some(at) = upper.rfind("ON CONFLICT").filter(|_| data.verb == Verb::Insert && upper.len() == data.statement.len()) else {
        return Ok(());
    };
    let rest = data.statement[at + "ON CONFLICT".len()..].trim_start();
    let target = rest.split_once(')').map_or(rest, |(target, _)| target);
    let any = rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("do"));
    let rests = |table: &Name, name: Option<&Identifier>, columns: &[Identifier]| {
        let unique = |index: &Index| index.uniqueness == Uniqueness::Unique && index.predicate.is_none() && index.columns() == columns;
        let comes = data.writes.contains(table)
            && !ctx.is_new_table(table)
            && !ctx.old.indexes_of(table).any(|(_, index)| unique(index))
            && !columns.iter().all(|column| ctx.stays_null_for_old(table, column));
        let named = name.is_some_and(|name| has_word(target, name.as_str()));
        comes && (any || named || !columns.is_empty() && columns.iter().all(|column| has_word(target, column.as_str())))
    };
    let brings = |table: &Name, constraint: &Constraint| {
        let key = matches!(constraint.kind, ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_));
        key && rests(table, constraint.name.as_ref(), &constraint.columns())
    };
    let planned = |item: &&Item| as_written::phase_of(item).is_none() && item.instead_of.is_none();
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else brings a unique key")]
    let key = ctx.earlier().filter(planned).find(|item| match &item.planned {
        Planned::Change(Change::AddConstraint { table, constraint }) => brings(table, constraint),
        Planned::Change(Change::CreateIndex { index, .. }) => {
            index.uniqueness == Uniqueness::Unique && rests(&index.table, index.name.as_ref(), &index.columns())
        }
        Planned::Change(Change::AddColumn(add)) | Planned::FilledColumn { add, .. } => {
            add.constraints.iter().any(|constraint| brings(&add.table, constraint))
        }
        _ => false,
    });
    match key {
        None => Ok(()),
        Some(item) => Err(ctx.refuse(
            format!(
                "ON CONFLICT rests on a unique key that comes in contract ({}:{}), and these rows are written in migrate, before it",
                item.origin.file, item.origin.line
            ),
            "put this statement into contract too, with `-- concertina: phase contract` above it, or into the next release; or say WHERE NOT \
             EXISTS (SELECT …) in the place of ON CONFLICT",
        )),
    }
}

fn holds_until_contract(constraint: &Constraint) -> bool {
    match &constraint.kind {
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => true,
        ConstraintKind::ForeignKey(key) => acts(key),
        ConstraintKind::Check { .. } | ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => false,
    }
}
