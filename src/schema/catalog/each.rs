//! A change to every object of one kind, filed anew under the name that it then has. Must never copy what stays as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use super::rename::index_name;
use crate::schema::index::Index;
use crate::schema::name::Name;
use crate::schema::object::{Definition, ObjectRef, Routine, Sequence, Trigger, UserType, View};
use crate::schema::shared::Shared;
use crate::schema::table::Table;

/// Passes a copy of each value through `change`, and keeps it only where that made a difference.
fn each<K: Ord + Clone, V: Clone + PartialEq>(
    map: &mut Shared<BTreeMap<K, Arc<V>>>,
    mut change: impl FnMut(&mut V),
    key: impl Fn(&K, &V) -> K,
) {
    let mut changed: Vec<(K, V)> = Vec::new();
    for (name, value) in map.iter() {
        let mut copy = (**value).clone();
        change(&mut copy);
        if copy != **value || key(name, &copy) != *name {
            changed.push((name.clone(), copy));
        }
    }
    if changed.is_empty() {
        return;
    }
    for (name, _) in &changed {
        map.remove(name);
    }
    for (name, value) in changed {
        map.insert(key(&name, &value), Arc::new(value));
    }
}

impl Catalog {
    pub(super) fn each_table(&mut self, change: impl FnMut(&mut Table)) {
        each(&mut self.tables, change, |_, table| table.name.clone());
    }

    pub(super) fn each_index(&mut self, change: impl FnMut(&mut Index)) {
        each(&mut self.indexes, change, |name, index| index_name(index).unwrap_or_else(|| name.clone()));
    }

    pub(super) fn each_sequence(&mut self, change: impl FnMut(&mut Sequence)) {
        each(&mut self.sequences, change, |_, sequence| sequence.name.clone());
    }

    pub(super) fn each_type(&mut self, change: impl FnMut(&mut UserType)) {
        each(&mut self.types, change, |_, found| found.name.clone());
    }

    pub(super) fn each_view(&mut self, change: impl FnMut(&mut View)) {
        each(&mut self.views, change, |_, view| view.name.clone());
    }

    pub(super) fn each_routine(&mut self, change: impl FnMut(&mut Routine)) {
        each(&mut self.routines, change, |_, routine| (routine.name.clone(), routine.arguments.clone()));
    }

    pub(super) fn each_trigger(&mut self, change: impl FnMut(&mut Trigger)) {
        each(&mut self.triggers, change, |_, trigger| (trigger.table.clone(), trigger.name.clone()));
    }

    pub(super) fn each_definition(&mut self, mut change: impl FnMut(&mut Definition)) {
        let changed: Vec<(usize, Definition)> = self
            .definitions
            .iter()
            .enumerate()
            .filter_map(|(at, definition)| {
                let mut copy = (**definition).clone();
                change(&mut copy);
                (copy != **definition).then_some((at, copy))
            })
            .collect();
        for (at, definition) in changed {
            if let Some(place) = self.definitions.get_mut(at) {
                *place = Arc::new(definition);
            }
        }
    }

    /// Every reference in comments, grants, owners, and among what isn't known.
    pub(super) fn each_reference(&mut self, mut change: impl FnMut(&mut ObjectRef)) {
        let mut changed = |object: &ObjectRef| {
            let mut copy = object.clone();
            change(&mut copy);
            (copy != *object).then(|| (object.clone(), copy))
        };
        let comments: Vec<_> = self.comments.keys().filter_map(&mut changed).collect();
        let owners: Vec<_> = self.owners.keys().filter_map(&mut changed).collect();
        let unknown: Vec<_> = self.unknown.iter().filter_map(&mut changed).collect();
        if self.grants.iter().chain(self.revokes.iter()).any(|right| changed(&right.object).is_some()) {
            self.each_right(|right| {
                let object = changed(&right.object).map_or_else(|| right.object.clone(), |(_, new)| new);
                Some(crate::schema::change::Grant { object, ..right.clone() })
            });
        }
        for (old, new) in comments {
            if let Some(text) = self.comments.remove(&old) {
                self.comments.insert(new, text);
            }
        }
        for (old, new) in owners {
            if let Some(owner) = self.owners.remove(&old) {
                self.owners.insert(new, owner);
            }
        }
        for (old, new) in unknown {
            self.unknown.remove(&old);
            self.unknown.insert(new);
        }
    }

    /// What was said of `old` is said of `new`.
    pub(super) fn replace_object(&mut self, old: &ObjectRef, new: &ObjectRef) {
        self.each_reference(|object| {
            if object == old {
                *object = new.clone();
            }
        });
    }

    /// What was said of a part of `of` called `from` is said of `to`.
    pub(super) fn rename_comment(
        &mut self,
        kind: crate::schema::object::ObjectKind,
        of: &Name,
        from: &crate::schema::name::Identifier,
        to: &crate::schema::name::Identifier,
    ) {
        self.replace_object(&ObjectRef::part(kind, of.clone(), from.as_str()), &ObjectRef::part(kind, of.clone(), to.as_str()));
    }
}
