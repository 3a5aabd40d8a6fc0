//! An enum that a migration replaces by another of the same name: CREATE TYPE, change of the columns, DROP TYPE, and renames
//! between. Every tool that can't remove a label writes it so, and it is one change: of the labels.

use std::collections::BTreeMap;

use super::release::{Item, Planned};
use super::retype::is_as_written;
use crate::schema::change::DropBehavior;
use crate::schema::object::{ObjectKind, TypeKind};
use crate::schema::{Catalog, Change, DataType, Identifier, Name, Part, Sql};

/// The change of an enum's labels.
#[derive(Debug, Clone)]
pub(crate) struct EnumSwap {
    pub(crate) name: Name,
    /// The labels that old clients know, in order.
    pub(crate) before: Vec<String>,
    /// The labels that new clients know, in order.
    pub(crate) after: Vec<String>,
    /// Labels that go on under another name.
    pub(crate) renamed: BTreeMap<String, String>,
    /// The columns of the type.
    pub(crate) columns: Vec<(Name, Identifier)>,
}

/// Makes one item of every such group of statements.
pub(crate) fn fold(items: Vec<Item>) -> Vec<Item> {
    let mut items = items;
    while let Some(group) = (0..items.len()).find_map(|at| Group::ended_by(&items, at)) {
        items = group.joined(items);
    }
    items
}

struct Group {
    swap: EnumSwap,
    /// Where its statements are, in order.
    members: Vec<usize>,
}

impl Group {
    /// The group that ends with the DROP TYPE at `at`.
    fn ended_by(items: &[Item], at: usize) -> Option<Self> {
        let Planned::Change(Change::DropObject { object, behavior: DropBehavior::Restrict, .. }) = &items[at].planned else { return None };
        if object.kind != ObjectKind::Type {
            return None;
        }
        let old = Track::back(items, at, &object.name);
        // A type that came to be in this release is nobody's.
        labels(&items.first()?.before, &old.first)?;
        let new = items.iter().enumerate().find_map(|(created, item)| match &item.planned {
            Planned::Change(Change::CreateType(made)) if matches!(made.kind, TypeKind::Enum { .. }) => {
                let track = Track::on(items, created, &made.name);
                (track.last == old.first).then_some(track)
            }
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
        })?;
        let mut group = Self {
            swap: EnumSwap {
                name: old.first.clone(),
                before: Vec::new(),
                after: Vec::new(),
                renamed: BTreeMap::new(),
                columns: Vec::new(),
            },
            members: old.places.iter().chain(&new.places).copied().chain([at]).collect(),
        };
        group.take_columns(items, &old, &new)?;
        group.members.sort_unstable();
        group.members.dedup();
        group.swap.before = labels(&items[*group.members.first()?].before, &group.swap.name)?;
        group.swap.after = labels(&items[*group.members.last()?].after, &group.swap.name)?;
        group.is_closed(items, &old, &new).then_some(group)
    }

    /// The changes of columns from the old type to the new one, perhaps by way of a text. None if one is neither.
    fn take_columns(&mut self, items: &[Item], old: &Track, new: &Track) -> Option<()> {
        for (at, item) in items.iter().enumerate() {
            let Planned::Change(Change::ChangeType { table, column, data_type, using, .. }) = &item.planned else { continue };
            let from = &item.before.tables.get(table)?.column(column)?.data_type;
            let to_new = new.is(at, &data_type.name);
            let of_group = old.is(at, &from.name) || (to_new && is_text(from) && self.columns_has(table, column));
            if !of_group && !to_new {
                continue;
            }
            let plain = using.as_ref().is_none_or(|using| is_plain(using, column, data_type));
            if !of_group || !plain || !(to_new || is_text(data_type)) {
                return None;
            }
            self.members.push(at);
            if !self.columns_has(table, column) {
                self.swap.columns.push((table.clone(), column.clone()));
            }
        }
        let of_column = |item: &Item| {
            matches!(&item.planned, Planned::Change(Change::SetDefault { table, column, .. } | Change::DropDefault { table, column, .. })
                if self.columns_has(table, column))
        };
        let defaults: Vec<usize> = items.iter().enumerate().filter(|(_, item)| of_column(item)).map(|(at, _)| at).collect();
        self.members.extend(defaults);
        Some(())
    }

    fn columns_has(&self, table: &Name, column: &Identifier) -> bool {
        self.swap.columns.iter().any(|(on, name)| on == table && name == column)
    }

    /// Whether nothing else of the release needs what is there only in between, and nothing is to run as written.
    fn is_closed(&self, items: &[Item], old: &Track, new: &Track) -> bool {
        let passing: Vec<&Name> =
            old.names.iter().chain(&new.names).map(|(_, name)| name).filter(|name| **name != self.swap.name).collect();
        items.iter().enumerate().all(|(at, item)| {
            if self.members.contains(&at) {
                !is_as_written(item)
            } else {
                !passing.iter().any(|name| item.statement.contains(name.name.as_str()))
            }
        })
    }

    fn joined(self, items: Vec<Item>) -> Vec<Item> {
        let (Some(first), Some(last)) = (self.members.first().copied(), self.members.last().copied()) else { return items };
        let after = items[last].after.clone();
        let also: Vec<_> = self.members[1..].iter().map(|at| items[*at].origin.clone()).collect();
        let directives: Vec<_> = self.members.iter().flat_map(|at| items[*at].directives.clone()).collect();
        let mut swap = Some(self.swap);
        let mut result = Vec::new();
        for (at, mut item) in items.into_iter().enumerate() {
            if at == first
                && let Some(swap) = swap.take()
            {
                item.planned = Planned::EnumSwap(swap);
                item.after = after.clone();
                item.also.extend(also.iter().cloned());
                item.directives.clone_from(&directives);
                result.push(item);
            } else if !self.members.contains(&at) {
                result.push(item);
            }
        }
        result
    }
}

/// What one type is called over the release.
struct Track {
    first: Name,
    last: Name,
    /// From which item on it has which name.
    names: Vec<(usize, Name)>,
    /// The items that create or rename it.
    places: Vec<usize>,
    /// The item before which it is no more.
    end: usize,
}

impl Track {
    /// Of the type that the item at `end` calls `name`, from the start of the release.
    fn back(items: &[Item], end: usize, name: &Name) -> Self {
        let mut first = name.clone();
        for item in items[..end].iter().rev() {
            if let Some((from, to)) = renamed(item)
                && to == first
            {
                first = from.clone();
            }
        }
        let mut track = Self { first: first.clone(), last: first.clone(), names: vec![(0, first)], places: Vec::new(), end };
        track.follow(items, 0, end);
        track
    }

    /// Of the type that the item at `start` creates, to the end of the release.
    fn on(items: &[Item], start: usize, name: &Name) -> Self {
        let mut track =
            Self { first: name.clone(), last: name.clone(), names: vec![(start + 1, name.clone())], places: vec![start], end: items.len() };
        track.follow(items, start + 1, items.len());
        track
    }

    fn follow(&mut self, items: &[Item], start: usize, end: usize) {
        for (at, item) in items.iter().enumerate().take(end).skip(start) {
            if let Some((from, to)) = renamed(item)
                && *from == self.last
            {
                self.last = to.clone();
                self.names.push((at + 1, to));
                self.places.push(at);
            }
        }
    }

    /// Whether `name` is this type right before the item at `at`.
    fn is(&self, at: usize, name: &Name) -> bool {
        at <= self.end && self.names.iter().rev().find(|(from, _)| *from <= at).is_some_and(|(_, called)| called == name)
    }
}

fn renamed(item: &Item) -> Option<(&Name, Name)> {
    match &item.planned {
        Planned::Change(Change::RenameObject { object, to }) if object.kind == ObjectKind::Type => {
            Some((&object.name, object.name.sibling(to.clone())))
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    }
}

fn labels(catalog: &Catalog, name: &Name) -> Option<Vec<String>> {
    match &catalog.types.get(name)?.kind {
        TypeKind::Enum { labels } => Some(labels.clone()),
        TypeKind::Domain { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => None,
    }
}

fn is_text(data_type: &DataType) -> bool {
    data_type.modifiers.is_empty() && (data_type.name.is_built_in("text") || data_type.name.is_built_in("varchar"))
}

/// Whether USING keeps every label: the column, cast to a text, to the type, or to both.
fn is_plain(using: &Sql, column: &Identifier, to: &DataType) -> bool {
    let mut written = String::new();
    for part in &using.parts {
        match part {
            Part::Text(text) => written.extend(text.chars().filter(|letter| !letter.is_whitespace() && !"()\"".contains(*letter))),
            Part::Column { of: None, name } if name == column => written.push('\u{1}'),
            Part::Type(name) if *name == to.name => written.push('\u{2}'),
            Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => return false,
        }
    }
    let plain = written
        .to_ascii_lowercase()
        .replace("pg_catalog.", "")
        .replace("[]", "")
        .replace("charactervarying", "text")
        .replace("varchar", "text");
    matches!(plain.as_str(), "\u{1}" | "\u{1}::text" | "\u{1}::\u{2}" | "\u{1}::text::\u{2}")
}
