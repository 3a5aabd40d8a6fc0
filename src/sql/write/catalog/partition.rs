//! Partitions: each is made as a part of its parent where the two agree, and otherwise by itself and attached. Indexes are made on
//! each table by itself and attached, so that they keep the names that they have.

use super::item::{Item, Items, Place, Rank, Thing};
use crate::schema::{Catalog, Column, ConstraintKind, Name, Table, TableKind};
use crate::sql::write::table::create_table_of;
use crate::sql::write::{name, text};

/// Whether it is a partitioned table.
pub(super) fn is_partitioned(table: &Table) -> bool {
    matches!(table.kind, TableKind::Partitioned { .. })
}

/// Whether tables inherit from it or are its partitions.
pub(super) fn has_children(catalog: &Catalog, table: &Name) -> bool {
    let partition = |child: &Table| child.partition_of.as_ref().is_some_and(|partition| &partition.parent == table);
    catalog.tables.values().any(|child| child.parents.contains(table) || partition(child))
}

/// Whether the table is a partition whose columns and checks are just those of its parent.
pub(super) fn is_declared_by_parent(catalog: &Catalog, table: &Table) -> bool {
    let Some(parent) = table.partition_of.as_ref().and_then(|partition| catalog.tables.get(&partition.parent)) else { return false };
    let checks = |table: &Table| {
        let checks = table.constraints.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Check { .. }));
        checks.map(|constraint| constraint.name.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let same = |(own, above): (&Column, &Column)| {
        let alike = Column { local: above.local, not_null: above.not_null, ..own.clone() } == *above;
        alike && own.not_null == above.not_null
    };
    table.columns.len() == parent.columns.len()
        && table.columns.iter().zip(&parent.columns).all(same)
        && checks(table) == checks(parent)
        && !matches!(table.kind, TableKind::Foreign { .. })
}

/// The statements that make a table, with these elements.
pub(super) fn create(catalog: &Catalog, table: &Table, elements: &[String]) -> String {
    match &table.partition_of {
        Some(partition) if !is_declared_by_parent(catalog, table) => {
            let alone = Table { partition_of: None, parents: Vec::new(), ..table.clone() };
            let (parent, own) = (name(&partition.parent), name(&table.name));
            let attach = format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {own} {};", text(&partition.bound));
            format!("{};\n\n{attach}", create_table_of(&alone, elements))
        }
        Some(_) | None => format!("{};", create_table_of(table, elements)),
    }
}

/// The statements that make the indexes of partitions parts of that of their parent.
pub(super) fn attach_indexes(catalog: &Catalog, index: &Name, place: Place, items: &mut Items) {
    for (child, _) in catalog.indexes.iter().filter(|(_, child)| child.parent.as_ref() == Some(index)) {
        let line = format!("ALTER INDEX {} ATTACH PARTITION {};", name(index), name(child));
        // A key that its table declares inline is there as soon as the table is, which is long before.
        let needs = vec![Thing::Index(child.clone())];
        items.follow(place, Item { needs, family: format!("attach {}", name(index)), ..Item::new(Rank::Table, "", line) });
    }
}
