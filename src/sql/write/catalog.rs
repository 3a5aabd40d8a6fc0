//! A whole schema as SQL that PostgreSQL accepts, in an order in which it can be run. Must never leave out what the catalog holds.

mod item;
mod table;
mod partition;
mod object;
mod remark;
mod preamble;

use std::collections::BTreeSet;

use crate::schema::{Catalog, Name, ObjectRef};
use item::{Item, Items, Rank};

/// The schema, object by object, with a blank line between them. The same catalog gives the same text.
pub fn catalog(catalog: &Catalog) -> String {
    let mut items = Items::default();
    object::add_schemas(catalog, &mut items);
    object::add_types(catalog, &mut items);
    object::add_sequences(catalog, &mut items);
    object::add_views(catalog, &mut items);
    object::add_routines(catalog, &mut items);
    object::add_triggers(catalog, &mut items);
    object::add_definitions(catalog, &mut items);
    // Last: which of their expressions must wait depends on what functions need.
    table::add(catalog, &mut items);
    table::add_foreign_keys(catalog, &mut items);
    add_remarks(catalog, &mut items);
    let body = blocks(&items.in_order());
    let preamble = preamble::preamble(catalog, &body);
    if body.is_empty() { preamble } else { format!("{preamble}\n{body}") }
}

/// Owner, comments and grants of what has this name, and of its parts: a statement each, without semicolons.
pub fn remarks_about(catalog: &Catalog, name: &Name) -> Vec<String> {
    remark::remarks(catalog, |about| &about.name == name).iter().map(|line| line.trim_end().trim_end_matches(';').to_owned()).collect()
}

/// What is said about objects comes last, in the order of their names: it needs them all.
fn add_remarks(catalog: &Catalog, items: &mut Items) {
    let objects: BTreeSet<&ObjectRef> = catalog
        .owners
        .keys()
        .chain(catalog.comments.keys())
        .chain(catalog.grants.iter().chain(catalog.revokes.iter()).map(|right| &right.object))
        .collect();
    for (number, object) in objects.into_iter().enumerate() {
        let lines = remark::remarks(catalog, |about| about == object);
        let family = format!("remark {}", remark::subject(object));
        items.add(Item { family, ..Item::new(Rank::Remark, format!("{} {number:09}", remark::subject(object)), lines.join("\n")) });
    }
}

/// The statements with blank lines between the objects.
fn blocks(items: &[&Item]) -> String {
    let mut written = String::new();
    let mut family = "";
    for item in items.iter().filter(|item| !item.text.is_empty()) {
        if !written.is_empty() && (item.family.is_empty() || item.family != family) {
            written.push('\n');
        }
        family = &item.family;
        written.push_str(item.text.trim_end());
        written.push('\n');
    }
    written
}
