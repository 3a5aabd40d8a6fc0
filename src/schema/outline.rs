//! The structure of a schema in plain lines, by which two schemas are compared that came about in different ways: one folded
//! from migrations, one read from a database. Leaves out how expressions are spelled and in what order columns stand, and is
//! never a text that a database could run.

mod describe;

use std::collections::BTreeSet;
use std::fmt;

use super::catalog::Catalog;
use super::change::Lookup;
use super::name::{Identifier, Name};
use super::object::{ObjectKind, ObjectRef, TypeKind, View};
use super::table::{Persistence, Table};

/// A schema's structure: one line for each thing in it, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The lines.
    pub lines: BTreeSet<String>,
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Outline {
    /// What this one has and `other` hasn't.
    pub fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        self.lines.difference(&other.lines).map(String::as_str)
    }
}

/// The outline of a schema.
///
/// Owners and privileges aren't in it: they are the business of each environment. Nor are temporary tables, which no other session
/// sees, nor what `unknown` names: nobody can tell.
pub fn outline(catalog: &Catalog) -> Outline {
    let mut lines = BTreeSet::new();
    lines.extend(catalog.schemas.keys().map(|schema| format!("schema {schema}")));
    lines.extend(catalog.extensions.keys().map(|extension| format!("extension {extension}")));
    for table in catalog.tables.values().filter(|table| table.persistence != Persistence::Temporary) {
        lines.extend(lines_of_table(table));
    }
    lines.extend(catalog.indexes.iter().map(|(name, index)| format!("index {}: {}", full(name), describe::index(index))));
    for (name, sequence) in catalog.sequences.iter().filter(|(_, sequence)| !sequence.identity) {
        lines.insert(format!("sequence {}: {}", full(name), describe::sequence(sequence)));
    }
    for (name, user_type) in &catalog.types {
        lines.insert(format!("type {}: {}", full(name), describe::user_type(&user_type.kind)));
        if let TypeKind::Domain { checks, .. } = &user_type.kind {
            lines.extend(checks.iter().map(|(check, _, validity)| format!("type {}: check {check} {validity:?}", full(name))));
        }
    }
    lines.extend(catalog.views.iter().map(|(name, view)| line_of_view(name, view)));
    for ((name, arguments), routine) in &catalog.routines {
        let arguments: Vec<_> = arguments.iter().map(describe::data_type).collect();
        lines.insert(format!("{} {}({})", word(routine.kind), full(name), arguments.join(", ")));
    }
    for ((table, name), trigger) in &catalog.triggers {
        lines.insert(format!("trigger {name} on {}: {} enabled {}", full(table), full(&trigger.function), trigger.enabled));
    }
    let there = |object: &ObjectRef| catalog.definitions.iter().any(|definition| &definition.object == object);
    let told = |object: &ObjectRef| {
        // A family is made with its class, or by itself: it is the same family.
        let with_its_class =
            object.kind == ObjectKind::OperatorFamily && there(&ObjectRef { kind: ObjectKind::OperatorClass, ..object.clone() });
        !with_its_class && object.kind != ObjectKind::DefaultPrivileges
    };
    for object in catalog.definitions.iter().map(|definition| &definition.object).filter(|object| told(object)) {
        let detail = object.detail.as_deref().map(|detail| format!(" {detail}")).unwrap_or_default();
        lines.insert(format!("{} {}{detail}", word(object.kind), full(&object.name)));
    }
    Outline { lines }
}

fn lines_of_table(table: &Table) -> Vec<String> {
    let name = full(&table.name);
    let key: Vec<Identifier> = table.primary_key().map(|key| key.columns.clone()).unwrap_or_default();
    let mut lines = vec![format!("table {name}: {}", describe::table(table))];
    lines.extend(table.columns.iter().map(|column| {
        format!("column {name}.{}: {}", column.name, describe::column(column, column.not_null || key.contains(&column.name)))
    }));
    let constraints = table.constraints.iter().filter_map(|constraint| {
        let text = describe::constraint(constraint)?;
        Some(format!("constraint {} on {name}: {text}", constraint.name.as_ref().map_or("", Identifier::as_str)))
    });
    lines.extend(constraints);
    lines
}

fn line_of_view(name: &Name, view: &View) -> String {
    let columns = match &view.columns {
        Lookup::Known(columns) => columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "),
        Lookup::Absent | Lookup::Unknown => "?".to_owned(),
    };
    format!("{} {}: {columns}", if view.materialized { "materialized view" } else { "view" }, full(name))
}

/// A kind in words, as in `text search configuration`.
fn word(kind: ObjectKind) -> String {
    let mut words = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// A name with its schema, `public` too.
fn full(name: &Name) -> String {
    name.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default() + name.name.as_str()
}
