//! The statements that make a table with all that belongs to it: sequences, what no declaration can say, indexes. Foreign keys, triggers
//! and policies come later: they need other tables.

use std::collections::BTreeMap;

use super::item::{Item, Items, Place, Rank, Thing, needs_of, needs_of_type, sort_key};
use super::partition;
use crate::schema::change::Concurrency;
use crate::schema::table::ReplicaIdentity;
use crate::schema::{
    Catalog, Column, Constraint, ConstraintKind, Identifier, Index, IndexElement, IndexKey, Key, Name, Persistence, Sql, Table, TableKind,
    Validity,
};
use crate::sql::write::make::sequence_options;
use crate::sql::write::table::column_with;
use crate::sql::write::{constraint, create_index, identifier, name, option_list, text};

/// Adds all tables that outlive a session, with what belongs to them.
pub(super) fn add(catalog: &Catalog, items: &mut Items) {
    let lasting = |table: &&std::sync::Arc<Table>| table.persistence != Persistence::Temporary;
    let places: BTreeMap<Name, Place> =
        catalog.tables.values().filter(lasting).map(|table| (table.name.clone(), add_table(table, items))).collect();
    for table in catalog.tables.values().filter(lasting) {
        // A partition stands below its parent, and before the parent's keys and indexes: those would make others for it.
        if let Some(partition) = &table.partition_of
            && let (Some(place), Some(above)) = (places.get(&table.name), places.get(&partition.parent))
        {
            items.item_mut(*place).root = false;
            items.item_mut(*above).follows.push(*place);
        }
    }
    for table in catalog.tables.values().filter(lasting) {
        if let Some(place) = places.get(&table.name) {
            add_rest(catalog, table, *place, items);
        }
    }
}

fn add_table(table: &Table, items: &mut Items) -> Place {
    let mut item = Item::new(Rank::Table, sort_key(&table.name), String::new());
    item.provides = vec![Thing::Relation(table.name.clone())];
    item.needs = hard_needs(table);
    items.add(item)
}

/// What a table can't be made without.
fn hard_needs(table: &Table) -> Vec<Thing> {
    let types = table.columns.iter().filter_map(|column| needs_of_type(&column.data_type));
    let parents = table.parents.iter().chain(table.partition_of.as_ref().map(|partition| &partition.parent)).chain(&table.of_type);
    let key = match &table.kind {
        TableKind::Partitioned { key, .. } => key.iter().flat_map(needs_of_element).collect(),
        TableKind::Plain | TableKind::Foreign { .. } => Vec::new(),
    };
    let generated = table.columns.iter().filter_map(|column| column.generated.as_ref()).flat_map(|made| needs_of(&made.expression));
    types.chain(parents.map(|parent| Thing::Relation(parent.clone()))).chain(key).chain(generated).collect()
}

/// The text of the table, now that all others are known, and what follows it.
fn add_rest(catalog: &Catalog, table: &Table, place: Place, items: &mut Items) {
    let own = Thing::Relation(table.name.clone());
    let declared: Vec<&Column> = table.columns.iter().filter(|column| is_declared(catalog, table, column)).collect();
    // A default or check that calls a function which needs this very table has to wait for both.
    let waits = |items: &Items, sql: &Sql| items.leads_back(&needs_of(sql), &own);
    let mut columns: Vec<Column> = declared.iter().map(|column| (*column).clone()).collect();
    let mut later = Vec::new();
    for column in &mut columns {
        if column.default.as_ref().is_some_and(|default| waits(items, default)) {
            later.extend(column.default.take().map(|default| (column.name.clone(), default)));
        }
    }
    let own_constraints = own_constraints(catalog, table);
    let (inline, apart): (Vec<&Constraint>, Vec<&Constraint>) =
        own_constraints.iter().copied().partition(|constraint| match &constraint.kind {
            ConstraintKind::Check { expression } => constraint.validity == Validity::Valid && !waits(items, expression),
            ConstraintKind::Unique(_) if repeats_key(&own_constraints, constraint) => false,
            ConstraintKind::Exclude(_) | ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) => !partition::is_partitioned(table),
            ConstraintKind::NotNull { .. } => constraint.validity == Validity::Valid,
            ConstraintKind::ForeignKey(_) => false,
        });
    let (named, inline): (Vec<&Constraint>, Vec<&Constraint>) = inline.into_iter().partition(|one| said_by_column(one, &columns));
    let elements = columns.iter().map(|column| {
        let declared = column_with(column, &identity_options(catalog, table, column));
        with_name_of_not_null(declared, column, &named)
    });
    let elements: Vec<String> = elements.chain(inline.iter().map(|one| constraint(one))).collect();
    let needs: Vec<Thing> = columns.iter().filter_map(|column| column.default.as_ref()).flat_map(needs_of).collect();
    let checked: Vec<Thing> = inline.iter().flat_map(|constraint| needs_of_constraint(constraint)).collect();
    let item = items.item_mut(place);
    item.text = if joins_parents_later(catalog, table) {
        let alone = Table { parents: Vec::new(), ..table.clone() };
        let joined = table.parents.iter().map(|parent| format!("\nALTER TABLE ONLY {} INHERIT {};", name(&table.name), name(parent)));
        partition::create(catalog, &alone, &elements) + &joined.collect::<String>()
    } else {
        partition::create(catalog, table, &elements)
    };
    item.needs.extend(needs.into_iter().chain(checked).filter(|need| need != &own));
    alters(catalog, table, place, items);
    for (column, default) in later {
        let set = format!("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {};", name(&table.name), identifier(&column), text(&default));
        let item = Item { needs: needs_of(&default), ..Item::new(Rank::Table, "", set) };
        items.follow(place, item);
    }
    for one in apart {
        add_constraint(catalog, table, one, place, items);
    }
    indexes(catalog, &table.name, place, items);
}

/// Whether a NOT NULL can be said with its column, which every version understands, though those before 18 forget its name.
fn said_by_column(constraint: &Constraint, columns: &[Column]) -> bool {
    match &constraint.kind {
        ConstraintKind::NotNull { column } => {
            !constraint.no_inherit && columns.iter().any(|declared| declared.name == *column && declared.not_null)
        }
        ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::Exclude(_) => false,
    }
}

fn with_name_of_not_null(declared: String, column: &Column, named: &[&Constraint]) -> String {
    let own = named.iter().find(|constraint| constraint.columns().contains(&column.name)).and_then(|constraint| constraint.name.as_ref());
    match (own, declared.strip_suffix(" NOT NULL")) {
        (Some(own), Some(rest)) => format!("{rest} CONSTRAINT {} NOT NULL", identifier(own)),
        _ => declared,
    }
}

/// Whether the table declares all that its parents have, so that it can be made by itself: only that keeps the order of its columns.
fn joins_parents_later(catalog: &Catalog, table: &Table) -> bool {
    let above = || table.parents.iter().filter_map(|parent| catalog.tables.get(parent));
    let declares = |column: &Column| table.column(&column.name).is_some_and(|own| own.local);
    let is_check = |constraint: &&Constraint| matches!(constraint.kind, ConstraintKind::Check { .. }) && !constraint.no_inherit;
    let has = |constraint: &Constraint| constraint.name.as_ref().and_then(|name| table.constraint(name)).is_some_and(|own| own.local);
    table.partition_of.is_none()
        && !table.parents.is_empty()
        && above().flat_map(|parent| &parent.columns).all(declares)
        && above().flat_map(|parent| &parent.constraints).filter(is_check).all(has)
}

/// Whether the table says the column itself, and doesn't get it from its parents.
fn is_declared(catalog: &Catalog, table: &Table, column: &Column) -> bool {
    if table.partition_of.is_some() {
        return !partition::is_declared_by_parent(catalog, table);
    }
    table.of_type.is_none() && (column.local || table.parents.is_empty())
}

/// The constraints that the table says itself, in order of their creation.
fn own_constraints<'a>(catalog: &Catalog, table: &'a Table) -> Vec<&'a Constraint> {
    let by_parent = partition::is_declared_by_parent(catalog, table);
    let own = |constraint: &&Constraint| match &constraint.kind {
        ConstraintKind::ForeignKey(_) => false,
        ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. } => constraint.local || table.partition_of.is_some() && !by_parent,
        ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => true,
    };
    table.constraints.iter().filter(own).collect()
}

/// Whether another constraint before it has the same key: CREATE TABLE would make only one of the two.
fn repeats_key(constraints: &[&Constraint], one: &Constraint) -> bool {
    let key = |constraint: &Constraint| match &constraint.kind {
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
            Some((key.columns.clone(), key.include.clone(), constraint.timing))
        }
        ConstraintKind::NotNull { .. } | ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) => None,
    };
    let is_primary = |constraint: &Constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey(_));
    let before = constraints.iter().take_while(|before| before.name != one.name);
    let primary = constraints.iter().filter(|constraint| is_primary(constraint));
    before.chain(primary).any(|other| other.name != one.name && key(other) == key(one))
}

fn needs_of_constraint(constraint: &Constraint) -> Vec<Thing> {
    match &constraint.kind {
        ConstraintKind::Check { expression } => needs_of(expression),
        ConstraintKind::Exclude(exclude) => {
            let elements = exclude.elements.iter().flat_map(|(element, _)| needs_of_element(element));
            elements.chain(exclude.predicate.iter().flat_map(needs_of)).collect()
        }
        ConstraintKind::NotNull { .. } | ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::ForeignKey(_) => {
            Vec::new()
        }
    }
}

fn needs_of_element(element: &IndexElement) -> Vec<Thing> {
    match &element.key {
        IndexKey::Column(_) => Vec::new(),
        IndexKey::Expression(expression) => needs_of(expression),
    }
}

/// Adds a constraint that stands apart from its table's declaration.
fn add_constraint(catalog: &Catalog, table: &Table, one: &Constraint, place: Place, items: &mut Items) {
    // The partitions have their own, which are attached below.
    let is_key = matches!(one.kind, ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_));
    let only = if is_key && partition::is_partitioned(table) { "ONLY " } else { "" };
    let add = format!("ALTER TABLE {only}{} ADD {};", name(&table.name), constraint(one));
    let mut item = Item::new(Rank::Table, "", add);
    item.needs = needs_of_constraint(one);
    if is_key && let Some(index) = &one.name {
        item.provides = vec![Thing::Index(table.name.sibling(index.clone()))];
    }
    let added = items.follow(place, item);
    if is_key && let Some(index) = &one.name {
        partition::attach_indexes(catalog, &table.name.sibling(index.clone()), added, items);
    }
}

/// Adds the indexes of a table or materialized view, those behind constraints excepted.
pub(super) fn indexes(catalog: &Catalog, table: &Name, place: Place, items: &mut Items) {
    for (called, index) in catalog.indexes_of(table) {
        let mut item = match &index.constraint {
            Some(_) => Item::new(Rank::Table, "", index_alters(catalog, table, called, index)),
            None => Item::new(Rank::Table, "", create(catalog, index) + &index_alters(catalog, table, called, index)),
        };
        let elements = index.elements.iter().flat_map(needs_of_element);
        item.needs =
            elements.chain(index.predicate.iter().flat_map(needs_of)).filter(|need| need != &Thing::Relation(table.clone())).collect();
        item.family = format!("index {}", name(table));
        if index.constraint.is_some() {
            item.needs = vec![Thing::Index(called.clone())];
            item.family.clear();
        } else {
            item.provides = vec![Thing::Index(called.clone())];
        }
        if !item.text.is_empty() {
            let made = items.follow(place, item);
            if index.constraint.is_none() {
                partition::attach_indexes(catalog, called, made, items);
            }
        }
    }
}

fn create(catalog: &Catalog, index: &Index) -> String {
    let partitioned = catalog.tables.get(&index.table).is_some_and(|table| partition::is_partitioned(table));
    let index = Index { only: partitioned, ..index.clone() };
    format!("{};", create_index(&index, Concurrency::Blocking))
}

/// What neither CREATE INDEX nor a constraint can say.
fn index_alters(catalog: &Catalog, table: &Name, called: &Name, index: &Index) -> String {
    let targets = index
        .statistics
        .iter()
        .map(|(number, target)| format!("ALTER INDEX {} ALTER COLUMN {number} SET STATISTICS {target};", name(called)));
    let mut lines: Vec<String> = targets.collect();
    let table = catalog.tables.get(table);
    let constraint = table.zip(index.constraint.as_ref()).and_then(|(table, name)| table.constraint(name));
    let said = constraint.and_then(|constraint| match &constraint.kind {
        ConstraintKind::Unique(Key { options, .. }) | ConstraintKind::PrimaryKey(Key { options, .. }) => Some(options),
        ConstraintKind::Exclude(exclude) => Some(&exclude.options),
        ConstraintKind::NotNull { .. } | ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) => None,
    });
    if let Some(said) = said
        && said != &index.options
        && !index.options.is_empty()
    {
        lines.push(format!("ALTER INDEX {} SET ({});", name(called), option_list(&index.options)));
    }
    if index.constraint.is_none() && !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines.join("\n")
}

/// What no declaration of the table or its columns can say.
fn alters(catalog: &Catalog, table: &Table, place: Place, items: &mut Items) {
    let of = name(&table.name);
    let only = if partition::has_children(catalog, &table.name) { "ONLY " } else { "" };
    let foreign = if matches!(table.kind, TableKind::Foreign { .. }) { "FOREIGN " } else { "" };
    let mut lines: Vec<String> = Vec::new();
    for column in &table.columns {
        let parents = table.parents.iter().filter(|_| table.partition_of.is_none());
        let above = parents.filter_map(|parent| catalog.tables.get(parent)).find_map(|parent| parent.column(&column.name));
        let inherited = above.filter(|_| !column.local);
        let mut said = column_alters(column, inherited);
        if table.of_type.is_some() {
            said.extend(typed_column(column));
        }
        lines.extend(said.iter().map(|what| format!("ALTER {foreign}TABLE {only}{of} ALTER COLUMN {} {what};", identifier(&column.name))));
    }
    if table.row_security {
        lines.push(format!("ALTER TABLE {of} ENABLE ROW LEVEL SECURITY;"));
    }
    if table.force_row_security {
        lines.push(format!("ALTER TABLE {of} FORCE ROW LEVEL SECURITY;"));
    }
    if !lines.is_empty() {
        items.follow(place, Item { family: format!("alter {of}"), ..Item::new(Rank::Table, "", lines.join("\n")) });
    }
    let by_index = |index: &Identifier| vec![Thing::Index(table.name.sibling(index.clone()))];
    let identity = match &table.replica_identity {
        ReplicaIdentity::Default => None,
        ReplicaIdentity::Full => Some(("FULL".to_owned(), Vec::new())),
        ReplicaIdentity::Nothing => Some(("NOTHING".to_owned(), Vec::new())),
        ReplicaIdentity::Index(index) => Some((format!("USING INDEX {}", identifier(index)), by_index(index))),
    };
    // Of an index that is made with the table, nobody has to wait for; any other is one of the items.
    if let Some((identity, needs)) = identity {
        items.follow(place, Item { needs, ..Item::new(Rank::Table, "", format!("ALTER TABLE {only}{of} REPLICA IDENTITY {identity};")) });
    }
    if let Some(index) = &table.clustered_on {
        let line = format!("ALTER TABLE {of} CLUSTER ON {};", identifier(index));
        items.follow(place, Item { needs: by_index(index), ..Item::new(Rank::Table, "", line) });
    }
    sequences(catalog, table, place, items);
}

/// What is said of a column by ALTER; of one that its parent declares, only where it differs from the parent's.
pub(super) fn column_alters(column: &Column, inherited: Option<&Column>) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(target) = column.statistics {
        said.push(format!("SET STATISTICS {target}"));
    }
    if let Some(storage) = &column.storage
        && inherited.is_none_or(|above| above.storage != column.storage)
    {
        said.push(format!("SET STORAGE {storage}"));
    }
    if !column.options.is_empty() {
        said.push(format!("SET ({})", option_list(&column.options)));
    }
    let Some(inherited) = inherited else { return said };
    match (&column.default, &inherited.default) {
        (default, above) if default == above => {}
        (Some(default), _) => said.push(format!("SET DEFAULT {}", text(default))),
        (None, _) => said.push("DROP DEFAULT".to_owned()),
    }
    if column.not_null && !inherited.not_null {
        said.push("SET NOT NULL".to_owned());
    }
    said
}

/// What a table of a composite type says of its columns.
fn typed_column(column: &Column) -> Vec<String> {
    let default = column.default.as_ref().map(|default| format!("SET DEFAULT {}", text(default)));
    default.into_iter().chain(column.not_null.then(|| "SET NOT NULL".to_owned())).collect()
}

/// The sequences that a table's columns own, which are dropped with them.
fn sequences(catalog: &Catalog, table: &Table, place: Place, items: &mut Items) {
    for sequence in catalog.sequences.values().filter(|sequence| !sequence.identity) {
        if let Some((owner, column)) = &sequence.owned_by
            && owner == &table.name
        {
            let line = format!("ALTER SEQUENCE {} OWNED BY {}.{};", name(&sequence.name), name(owner), identifier(column));
            let needs = vec![Thing::Relation(sequence.name.clone())];
            items.follow(place, Item { needs, family: format!("owned {}", name(owner)), ..Item::new(Rank::Table, "", line) });
        }
    }
}

/// The options of an identity column's sequence in parentheses; nothing where they go without saying.
fn identity_options(catalog: &Catalog, table: &Table, column: &Column) -> String {
    let Some(sequence) = column.identity.as_ref().and_then(|identity| catalog.sequences.get(&identity.sequence)) else {
        return String::new();
    };
    let expected = format!("{}_{}_seq", table.name.name, column.name);
    let usual = sequence.name == table.name.sibling(expected.clone()) && expected.len() <= 63;
    let called = if usual { String::new() } else { format!("SEQUENCE NAME {}", name(&sequence.name)) };
    let options = format!("{called}{}", sequence_options(sequence));
    if options.is_empty() { options } else { format!(" ({})", options.trim_start()) }
}

/// Adds the foreign keys of all tables.
pub(super) fn add_foreign_keys(catalog: &Catalog, items: &mut Items) {
    for table in catalog.tables.values().filter(|table| table.persistence != Persistence::Temporary) {
        let own = |constraint: &&Constraint| constraint.local && matches!(constraint.kind, ConstraintKind::ForeignKey(_));
        let family = format!("foreign key {}", name(&table.name));
        for (number, key) in table.constraints.iter().filter(own).enumerate() {
            let add = format!("ALTER TABLE {}\n    ADD {};", name(&table.name), constraint(key));
            let item = Item::new(Rank::ForeignKey, format!("{} {number:06}", sort_key(&table.name)), add);
            items.add(Item { family: family.clone(), ..item });
        }
    }
}
