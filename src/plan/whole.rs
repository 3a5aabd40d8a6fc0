//! What takes all columns of a table as they are at that moment, whichever those are: `*`, LIKE, partitions, functions over its
//! row type. It sees what is held, and what goes or is exchanged in contract only.

use super::recipe::company::has_word;
use crate::schema::change::CreateTable;
use crate::schema::object::{ObjectKind, Routine};
use crate::schema::{Catalog, Change, ConstraintKind, Name, Part, Sql};
use crate::sql::write;

/// The tables whose columns the statement takes so.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else takes the columns of a table as they are")]
pub(crate) fn taken(statement: &str, change: &Change, known: &Catalog) -> Vec<Name> {
    match change {
        Change::CreateTable(create) => of_table(statement, create),
        Change::CreateView { view, .. } if says_star(statement) => relations(&view.query),
        Change::CreateRoutine { routine, .. } => {
            let text = lowered(routine);
            known.tables.keys().filter(|name| returns(routine, &text, name)).cloned().collect()
        }
        Change::CreateObject { definition, .. } if definition.object.kind == ObjectKind::Rule => vec![definition.object.name.clone()],
        Change::AttachPartition { table, partition, .. } => vec![table.clone(), partition.clone()],
        Change::AddInheritance { table, parent } => vec![table.clone(), parent.clone()],
        _ => Vec::new(),
    }
}

/// The table, if the statement gives it a primary key: it has only one, and a column that is held may be part of another.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else gives a table a primary key")]
pub(crate) fn gets_primary_key(change: &Change) -> Option<&Name> {
    match change {
        Change::AddConstraint { table, constraint } => matches!(constraint.kind, ConstraintKind::PrimaryKey(_)).then_some(table),
        Change::AddConstraintUsingIndex { table, primary: true, .. } => Some(table),
        Change::AddColumn(add) => add.constraints.iter().any(|one| matches!(one.kind, ConstraintKind::PrimaryKey(_))).then_some(&add.table),
        _ => None,
    }
}

fn of_table(statement: &str, create: &CreateTable) -> Vec<Name> {
    let query = create.as_query.iter().filter(|_| says_star(statement)).flat_map(relations);
    query.chain(create.like.iter().map(|(_, like)| like.table.clone())).collect()
}

/// Whether it says `*`, be it a product.
pub(crate) fn says_star(statement: &str) -> bool {
    statement.to_lowercase().replace("count(*)", "").contains('*')
}

fn relations(query: &Sql) -> Vec<Name> {
    query.parts.iter().filter_map(|part| if let Part::Relation(name) = part { Some(name.clone()) } else { None }).collect()
}

/// Whether the function gives rows of the table: what it selects must be all of its columns.
fn returns(routine: &Routine, text: &str, table: &Name) -> bool {
    routine.returns.as_ref().is_some_and(|returns| &returns.name == table) || follows(text, "setof ", &table.name.as_str().to_lowercase())
}

/// Whether the statement makes a function that speaks of rows of the table otherwise: in its parameters, variables and casts.
pub(crate) fn has_rows_of(change: &Change, table: &Name) -> bool {
    let Change::CreateRoutine { routine, .. } = change else { return false };
    let marked = routine.definition.parts.iter().any(|part| matches!(part, Part::Type(found) if found == table));
    let (text, word) = (lowered(routine), table.name.as_str().to_lowercase());
    let mut variables = text.split("declare").skip(1).filter_map(|rest| rest.split("begin").next());
    marked
        || follows(&text, "::", &word)
        || text.contains(&format!("{word}%rowtype"))
        || variables.any(|declared| has_word(declared, &word))
}

fn lowered(routine: &Routine) -> String {
    write::text(&routine.definition).to_lowercase().replace('"', "")
}

/// Whether the word stands right behind the other one, with or without a schema.
fn follows(text: &str, before: &str, word: &str) -> bool {
    text.match_indices(before).any(|(at, _)| {
        let rest: String =
            text[at + before.len()..].trim_start().chars().take_while(|c| c.is_alphanumeric() || "_$.".contains(*c)).collect();
        rest.rsplit('.').next() == Some(word)
    })
}
