//! A column that took its numbers from a sequence becomes an identity column: DROP DEFAULT, DROP SEQUENCE, ADD GENERATED … AS
//! IDENTITY, and a SELECT setval(…) that brings the new sequence to where the old one was, are one change.

use super::again::is_directed;
use super::{Item, Planned};
use crate::schema::change::Verb;
use crate::schema::object::ObjectKind;
use crate::schema::{Catalog, Change, Identifier, Name, Part};

/// Takes the statements around each ADD GENERATED … AS IDENTITY into it. It then knows the schema before the first of them.
pub(super) fn fold(items: Vec<Item>) -> Vec<Item> {
    let mut items = items;
    let mut gone = vec![false; items.len()];
    for at in 0..items.len() {
        let Some(others) = others(&items, at) else { continue };
        let last = others.iter().copied().chain([at]).max().unwrap_or(at);
        let first = others.iter().copied().chain([at]).min().unwrap_or(at);
        let (before, after) = (items[first].before.clone(), items[last].after.clone());
        let also: Vec<_> = others.iter().map(|other| items[*other].origin.clone()).collect();
        let item = &mut items[at];
        item.before = before;
        item.after = after;
        item.also.extend(also);
        for other in others {
            gone[other] = true;
        }
    }
    items.into_iter().zip(gone).filter_map(|(item, gone)| (!gone).then_some(item)).collect()
}

/// The sequence from which a column takes its default.
pub(crate) fn sequence_of(catalog: &Catalog, table: &Name, column: &Identifier) -> Option<Name> {
    let default = catalog.tables.get(table)?.column(column)?.default.as_ref()?;
    let called = default.parts.iter().find_map(|part| match part {
        Part::RelationLiteral(name) => Some(name),
        Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::Function(_) | Part::Type(_) => None,
    })?;
    catalog.sequences.contains_key(called).then(|| called.clone())
}

/// Where the other statements of the change are.
fn others(items: &[Item], at: usize) -> Option<Vec<usize>> {
    let Planned::Change(Change::AddIdentity { table, column, options, .. }) = &items[at].planned else { return None };
    let places = |key: &String| ["START", "RESTART", "INCREMENT", "MINVALUE", "MAXVALUE"].iter().any(|word| key.eq_ignore_ascii_case(word));
    let sequence = sequence_of(&items.first()?.before, table, column)?;
    if options.keys().any(places) || is_directed(&items[at]) {
        return None;
    }
    let mut ends = false;
    let mut found = Vec::new();
    for (other, item) in items.iter().enumerate() {
        let Planned::Change(change) = &item.planned else { continue };
        if is_directed(item) {
            continue;
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else ends one sequence or begins another")]
        let is_part = match change {
            Change::DropDefault { table: on, column: of, .. } if other < at && on == table && of == column => {
                ends = true;
                true
            }
            Change::DropObject { object, .. } if object.kind == ObjectKind::Sequence && object.name == sequence => {
                ends |= other < at;
                true
            }
            Change::Data(data) => other > at && data.verb == Verb::Select && counts_on(&item.statement, table),
            _ => false,
        };
        if is_part {
            found.push(other);
        }
    }
    ends.then_some(found)
}

/// Whether it sets a sequence to the greatest number in the table. By the text: `setval` may be given the sequence in many ways.
fn counts_on(statement: &str, table: &Name) -> bool {
    let text = statement.to_lowercase();
    ["setval", "max(", &table.name.as_str().to_lowercase()].iter().all(|word| text.contains(word))
}
