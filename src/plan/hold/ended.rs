//! What is held out of the way of clients is still in the way of some statements: a release that has such a one ends the hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::chain::Chain;
use crate::plan::draft::path;
use crate::plan::format::{EndedHold, Start, StartColumn, Step, StepId};
use crate::plan::release::{Act, Item, Planned, name_at_start};
use crate::plan::whole;
use crate::schema::{Catalog, Change, Name, ObjectKind};

/// Steps of earlier releases that must have dropped what they drop before the release begins, each with the reason.
pub(crate) fn ended(chain: &Chain, items: &[Item], start: &Catalog) -> Vec<EndedHold> {
    let plans = || chain.links().iter().map(|link| &link.plan);
    let over: BTreeSet<&StepId> = plans().flat_map(|plan| &plan.ends_holds).map(|ended| &ended.step).collect();
    let mut seen = BTreeSet::new();
    let held = plans().flat_map(|plan| &plan.deferred).filter(|step| step.held().is_some() && !over.contains(&step.id));
    let held: Vec<&Step> = held.filter(|step| seen.insert(&step.id)).collect();
    let types = |step: &Step| types(step, &plans().find(|plan| plan.release == step.introduced_by)?.starts_from);
    let why = |step: &Step| {
        let types = types(step);
        items.iter().find_map(|item| in_the_way(step, item, items, start).or_else(|| takes_away(step, types.as_ref(), item)))
    };
    let mut reasons: BTreeMap<&StepId, String> = held.iter().filter_map(|step| Some((&step.id, why(step)?))).collect();
    let ends: Vec<&Step> = held.iter().filter(|step| reasons.contains_key(&step.id)).copied().collect();
    for step in ends {
        tell(step, &held, &mut reasons);
    }
    held.into_iter().filter_map(|step| Some(EndedHold { step: step.id.clone(), why: reasons.remove(&step.id)? })).collect()
}

/// Ends what the step needs to be gone, too.
fn tell<'a>(step: &Step, held: &[&'a Step], reasons: &mut BTreeMap<&'a StepId, String>) {
    for needed in held.iter().filter(|other| step.needs.contains(&other.id)) {
        reasons.entry(&needed.id).or_insert_with(|| format!("{} comes after it", step.id));
        tell(needed, held, reasons);
    }
}

/// Why the item can't be run beside what the step drops.
fn in_the_way(step: &Step, item: &Item, items: &[Item], start: &Catalog) -> Option<String> {
    let Planned::Change(change) = &item.planned else { return None };
    let place = format!("{}:{}", item.origin.file, item.origin.line);
    match step.id.slug() {
        // A table that is held is in a schema of its own.
        "drop-table" => None,
        "drop-column" => {
            let is_it = |name: &Name| is_of(step, name_at_start(items, name), start) || is_of(step, name, start);
            let of_rows = || item.before.tables.keys().any(|name| is_it(name) && whole::has_rows_of(change, name));
            if whole::taken(&item.statement, change, &item.before).iter().any(is_it) || of_rows() {
                return Some(format!("{place} takes all columns of its table"));
            }
            whole::gets_primary_key(change)
                .is_some_and(is_it)
                .then(|| format!("{place} gives its table a primary key, which it may have as long as the column is there"))
        }
        _ => {
            let made = if let Change::CreateExtension { extension: name, .. } | Change::CreateSchema { schema: name, .. } = change {
                Some(name.to_string())
            } else {
                item.named().filter(|(act, _)| *act == Act::Creates).map(|(_, named)| named.called())
            };
            (made.as_deref() == Some(step.subject())).then(|| format!("{place} takes its name"))
        }
    }
}

/// The types that what the step drops is made of, without schema and quotes; `None` if the plan doesn't say.
fn types(step: &Step, start: &Start) -> Option<BTreeSet<String>> {
    let columns = step.locks.iter().map(|lock| start.tables.get(&lock.relation)).collect::<Option<Vec<_>>>()?;
    let bare = |column: &StartColumn| {
        let text = column.data_type.trim_end_matches("[]").replace('"', "");
        text.rsplit('.').next().unwrap_or_default().to_owned()
    };
    (!columns.is_empty()).then(|| columns.into_iter().flatten().map(bare).collect())
}

/// Why the item can't take away what the held thing may be made of.
#[expect(clippy::wildcard_enum_match_arm, reason = "no table needs anything else")]
fn takes_away(step: &Step, types: Option<&BTreeSet<String>>, item: &Item) -> Option<String> {
    let of_type = |name: &Name| types.is_none_or(|types| types.contains(name.name.as_str()));
    let is_it = match &item.planned {
        Planned::EnumSwap(swap) => of_type(&swap.name),
        Planned::Change(Change::RenameEnumValue { name, .. }) => of_type(name),
        Planned::Change(Change::DropObject { object, .. }) => match object.kind {
            ObjectKind::Type | ObjectKind::Domain => of_type(&object.name),
            ObjectKind::Function
            | ObjectKind::Procedure
            | ObjectKind::Routine
            | ObjectKind::Aggregate
            | ObjectKind::Sequence
            | ObjectKind::Collation => true,
            _ => false,
        },
        Planned::Change(change) => matches!(change, Change::DropExtension { .. } | Change::DropSchema { .. }),
        Planned::FilledColumn { .. } => false,
    };
    let place = format!("{}:{}", item.origin.file, item.origin.line);
    is_it.then(|| format!("{place} takes away what {} may be made of", step.subject()))
}

/// Whether the step drops a column of the table, or of one that is called something else by now.
fn is_of(step: &Step, table: &Name, start: &Catalog) -> bool {
    let paths = || step.locks.iter().map(|lock| lock.relation.as_str());
    let known = |relation: &str| start.tables.keys().any(|name| path(name) == relation);
    paths().any(|relation| relation == path(table)) || start.tables.contains_key(table) && !paths().all(known)
}
