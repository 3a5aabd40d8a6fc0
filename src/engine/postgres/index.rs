//! What changes to indexes lock, and what building them reads. Never forgets that a lock on an index alone stops readers of
//! its table, since planning any query opens all indexes.

use super::super::LockMode;
use super::constraint;
use super::tally::Tally;
use crate::schema::change::{Concurrency, DropBehavior};
use crate::schema::{Index, Name, ObjectKind, ObjectRef, Uniqueness};

/// CREATE INDEX.
pub(super) fn create(tally: &mut Tally<'_>, index: &Index, concurrency: Concurrency) {
    let name = index.name.as_ref().map(|name| index.table.sibling(name.clone()));
    let there = name.as_ref().is_some_and(|name| tally.before.indexes.contains_key(name));
    let members = if index.only { vec![index.table.clone()] } else { tally.partitions(&index.table) };
    match concurrency {
        Concurrency::Blocking if there => {
            // IF NOT EXISTS still takes its lock.
            tally.lock(&index.table, LockMode::Share);
        }
        Concurrency::Blocking => members.iter().for_each(|member| tally.lock(member, LockMode::Share)),
        Concurrency::Concurrently => {
            tally.outside_transaction();
            tally.lock(&index.table, LockMode::ShareUpdateExclusive);
        }
    }
    if there {
        return;
    }
    for member in &members {
        let has_it = member != &index.table && has_same(tally, member, index);
        if !has_it {
            let own = if member == &index.table { name.clone() } else { None };
            tally.build(member, own);
        }
    }
}

/// Whether a partition has an index that the parent's can take over.
fn has_same(tally: &Tally<'_>, partition: &Name, index: &Index) -> bool {
    tally.before.indexes_of(partition).any(|(_, own)| {
        own.method == index.method
            && own.elements == index.elements
            && own.include == index.include
            && own.predicate == index.predicate
            && own.nulls == index.nulls
            && (own.uniqueness == Uniqueness::Unique) == (index.uniqueness == Uniqueness::Unique)
            && own.parent.is_none()
    })
}

/// ALTER INDEX … RENAME, which also takes the name of a table, and then locks as for a table.
pub(super) fn rename(tally: &mut Tally<'_>, name: &Name) {
    let is_index = tally.before.indexes.contains_key(name);
    tally.lock(name, if is_index { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive });
}

/// ALTER INDEX … SET and RESET: only these two parameters are changed under a weak lock.
pub(super) fn set_options<'a>(tally: &mut Tally<'_>, index: &Name, options: impl IntoIterator<Item = &'a String>) {
    let weak = options.into_iter().all(|option| option == "fillfactor" || option == "deduplicate_items");
    tally.lock(index, if weak { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive });
}

/// DROP INDEX.
pub(super) fn drop(tally: &mut Tally<'_>, index: &Name, concurrency: Concurrency, behavior: DropBehavior) {
    if concurrency == Concurrency::Concurrently {
        tally.outside_transaction();
    }
    let mode = match concurrency {
        Concurrency::Blocking => LockMode::AccessExclusive,
        Concurrency::Concurrently => LockMode::ShareUpdateExclusive,
    };
    let Some(found) = tally.before.indexes.get(index) else { return };
    if concurrency == Concurrency::Blocking {
        tally.lock_partitions(&found.table, mode);
        tally.lock(index, mode);
    } else {
        tally.lock(&found.table, mode);
    }
    if behavior == DropBehavior::Cascade && found.uniqueness == Uniqueness::Unique {
        let columns = found.columns();
        for (other, _) in constraint::other_ends(tally, &found.table, columns.first()) {
            tally.lock(&other, LockMode::AccessExclusive);
        }
    }
}

/// ALTER INDEX … ATTACH PARTITION: readers of the partition wait for its index.
pub(super) fn attach(tally: &mut Tally<'_>, index: &Name, child: &Name) {
    tally.lock(index, LockMode::ShareUpdateExclusive);
    tally.lock(child, LockMode::AccessExclusive);
    for name in [index, child] {
        if let Some(found) = tally.before.indexes.get(name) {
            tally.lock(&found.table, LockMode::AccessShare);
        }
    }
}

/// REINDEX. Of a partitioned table or index it runs outside a transaction (PostgreSQL 14 on).
pub(super) fn reindex(tally: &mut Tally<'_>, target: &ObjectRef, concurrency: Concurrency) {
    let on_table = match concurrency {
        Concurrency::Blocking => LockMode::Share,
        Concurrency::Concurrently => LockMode::ShareUpdateExclusive,
    };
    if concurrency == Concurrency::Concurrently {
        tally.outside_transaction();
    }
    let before = tally.before;
    let named = before.indexes.get(&target.name).filter(|_| target.kind == ObjectKind::Index);
    if let Some(index) = named {
        let partitioned = tally.is_partitioned(&index.table);
        let attached = before.indexes.iter().filter(|(name, other)| *name == &target.name || other.parent.as_ref() == Some(&target.name));
        for (name, index) in attached {
            tally.lock(&index.table, on_table);
            rebuild(tally, name, index, concurrency);
        }
        if partitioned {
            tally.outside_transaction();
        }
        return;
    }
    if target.kind != ObjectKind::Table && target.kind != ObjectKind::MaterializedView {
        // A whole schema or database.
        tally.outside_transaction();
        let of_schema = |name: &Name| target.kind != ObjectKind::Schema || name.schema.as_ref() == Some(&target.name.name);
        for (name, index) in before.indexes.iter().filter(|(name, _)| of_schema(name)) {
            tally.lock(&index.table, on_table);
            rebuild(tally, name, index, concurrency);
        }
        return;
    }
    let partitioned = tally.is_partitioned(&target.name);
    tally.lock(&target.name, on_table);
    if partitioned && tally.major < 14 {
        return;
    }
    if partitioned {
        tally.outside_transaction();
    }
    for member in tally.partitions(&target.name) {
        // CONCURRENTLY over a partitioned table takes SHARE on every partition all the same.
        let mode = if member == target.name { on_table } else { LockMode::Share };
        tally.lock(&member, mode);
        for (name, index) in before.indexes_of(&member) {
            rebuild(tally, name, index, concurrency);
        }
    }
}

fn rebuild(tally: &mut Tally<'_>, name: &Name, index: &Index, concurrency: Concurrency) {
    if concurrency == Concurrency::Blocking && tally.has_rows(&index.table) {
        tally.lock(name, LockMode::AccessExclusive);
    }
    tally.build(&index.table, Some(name.clone()));
}
