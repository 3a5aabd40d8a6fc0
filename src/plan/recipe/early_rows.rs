//! Rows that a release changes in migrate, though the statement rests on what an earlier one does only in contract: refused.

use super::company::has_word;
use super::drop_constraint::acts;
use super::{Context, as_written};
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::schema::change::{DataChange, Verb};
use crate::schema::{Change, Constraint, ConstraintKind, Identifier, Uniqueness};
use crate::sql::directive::{DirectiveKind, PhaseName};

/// Refuses what is too early.
pub(super) fn refuse(ctx: &Context<'_>, data: &DataChange) -> Result<(), Refusal> {
    type_to_come(ctx, data)?;
    rule_to_go(ctx, data)
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

fn holds_until_contract(constraint: &Constraint) -> bool {
    match &constraint.kind {
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => true,
        ConstraintKind::ForeignKey(key) => acts(key),
        ConstraintKind::Check { .. } | ConstraintKind::Exclude(_) | ConstraintKind::NotNull { .. } => false,
    }
}
