//! The passes of ALTER TABLE: what it drops goes first, then types change, then comes the rest, whatever the order in which it is
//! written (`AlterTablePass` in tablecmds.c). What is about different columns comes out the same in any order.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named here is done in the order in which it is written")]

use crate::schema::{Change, Identifier};

/// Whether ALTER TABLE does `later` before `first`, which is about the same thing.
pub(in crate::engine) fn overtakes(later: &Change, first: &Change) -> bool {
    about(later).is_some() && about(later) == about(first) && pass(later) < pass(first)
}

fn pass(change: &Change) -> u8 {
    match change {
        Change::DropColumn { .. }
        | Change::DropConstraint { .. }
        | Change::DropDefault { .. }
        | Change::DropNotNull { .. }
        | Change::DropExpression { .. }
        | Change::DropIdentity { .. } => 0,
        Change::ChangeType { .. } => 1,
        _ => 2,
    }
}

#[derive(PartialEq)]
enum About<'a> {
    Column(&'a Identifier),
    Constraint(&'a Identifier),
}

/// What of its table a change is about.
fn about(change: &Change) -> Option<About<'_>> {
    match change {
        Change::AddColumn(add) => Some(About::Column(&add.column.name)),
        Change::DropColumn { column, .. }
        | Change::ChangeType { column, .. }
        | Change::SetDefault { column, .. }
        | Change::DropDefault { column, .. }
        | Change::SetNotNull { column, .. }
        | Change::DropNotNull { column, .. }
        | Change::DropExpression { column, .. }
        | Change::AddIdentity { column, .. }
        | Change::DropIdentity { column, .. } => Some(About::Column(column)),
        Change::AddConstraint { constraint, .. } => constraint.name.as_ref().map(About::Constraint),
        Change::DropConstraint { constraint, .. } => Some(About::Constraint(constraint)),
        _ => None,
    }
}
