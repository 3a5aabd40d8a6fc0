//! What a release does with its own new tables after migrate has begun to work with them: there, and not in expand.

use std::collections::BTreeSet;

use super::{Context, Planned, add_column, as_written};
use crate::schema::{Change, Name, Part};

/// Whether the change, on a table that is new in the release, has to wait for what the statements before it do in migrate.
pub(crate) fn is_late(ctx: &Context<'_>, change: &Change) -> bool {
    let mut moved = Moved::default();
    for item in ctx.earlier() {
        match &item.planned {
            Planned::Change(earlier) => moved.note(ctx, earlier),
            Planned::FilledColumn { add, .. } => moved.fills(&add.table),
            Planned::EnumSwap(_) => {}
        }
    }
    moved.concerns(change)
}

/// The tables that migrate writes and reads.
#[derive(Default)]
struct Moved {
    written: BTreeSet<Name>,
    read: BTreeSet<Name>,
}

impl Moved {
    fn fills(&mut self, table: &Name) {
        self.written.insert(table.clone());
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other change of rows that were there is a matter of migrate")]
    fn note(&mut self, ctx: &Context<'_>, change: &Change) {
        match change {
            Change::Data(data) if !as_written::is_on_new_table(ctx, change) || self.concerns(change) => {
                self.written.extend(data.writes.iter().cloned());
                self.read.extend(data.reads.iter().cloned());
            }
            Change::AddColumn(add) if !ctx.is_new_table(&add.table) && add_column::is_filled(ctx, add) => self.fills(&add.table),
            Change::RenameColumn { table, .. } | Change::ChangeType { table, .. } if !ctx.is_new_table(table) => self.fills(table),
            other if self.concerns(other) => self.written.extend(other.relation().cloned()),
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else keeps the rows of a query")]
    fn concerns(&self, change: &Change) -> bool {
        let touched = |table: &Name| self.written.contains(table) || self.read.contains(table);
        if let Change::Data(data) = change {
            return data.reads.iter().any(|table| self.written.contains(table)) || data.writes.iter().any(touched);
        }
        // What keeps the rows of a query keeps those that are there.
        let query = match change {
            Change::CreateTable(create) => create.as_query.as_ref(),
            Change::CreateView { view, .. } if view.materialized => Some(&view.query),
            _ => None,
        };
        let reads = |part: &Part| matches!(part, Part::Relation(name) if self.written.contains(name));
        change.relation().is_some_and(touched) || query.is_some_and(|query| query.parts.iter().any(reads))
    }
}
