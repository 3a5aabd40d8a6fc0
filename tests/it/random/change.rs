//! Changes as people write them, each over the schema that those before it leave.

mod column;
mod object;
mod rule;
mod whole;

use super::picks::Picks;
use super::schema::Schema;

/// One thing that a migration says.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// What may share an ALTER TABLE with others on the same table.
    Alter { table: String, action: String },
    /// Anything else, with its semicolon.
    Whole(String),
}

fn alter(table: &str, action: String) -> Statement {
    Statement::Alter { table: table.to_owned(), action }
}

/// A directive above a statement.
fn directed(directive: &str, statement: Statement) -> Statement {
    let text = match statement {
        Statement::Alter { table, action } => format!("ALTER TABLE {table} {action};"),
        Statement::Whole(text) => text,
    };
    Statement::Whole(format!("-- concertina: {directive}\n{text}"))
}

type Change = fn(&mut Schema, &mut Picks) -> Option<Vec<Statement>>;

/// How often each kind of change is made, among all of them.
const CHANGES: &[(usize, Change)] = &[
    (10, column::add_nullable),
    (8, column::add_with_default),
    (5, column::add_and_fill),
    (2, column::add_required),
    (8, column::drop),
    (10, column::rename),
    (9, column::change_type),
    (5, column::set_not_null),
    (4, column::drop_not_null),
    (5, column::set_default),
    (3, column::drop_default),
    (2, column::generate),
    (2, column::number),
    (6, rule::add_check),
    (4, rule::add_unique),
    (6, rule::add_foreign_key),
    (6, rule::drop),
    (4, rule::replace_check),
    (3, rule::rename),
    (8, rule::create_index),
    (5, rule::drop_index),
    (2, rule::rename_index),
    (6, whole::rename),
    (3, whole::set_schema),
    (6, whole::create),
    (4, whole::drop),
    (6, whole::change_rows),
    (3, whole::insert_rows),
    (5, object::create_view),
    (3, object::drop_view),
    (4, object::add_label),
    (2, object::rename_label),
    (2, object::trigger),
    (3, object::remark),
    (2, object::protect),
];

/// Makes a change; nothing where the schema has no place for one of the kind.
pub(super) fn make(schema: &mut Schema, picks: &mut Picks) -> Vec<Statement> {
    let all: usize = CHANGES.iter().map(|(weight, _)| weight).sum();
    let mut left = picks.below(all);
    for (weight, change) in CHANGES {
        if left < *weight {
            return change(schema, picks).unwrap_or_default();
        }
        left -= weight;
    }
    Vec::new()
}

/// The text of a migration. Neighbours on one table share an ALTER TABLE where `together` says so.
pub(super) fn text(statements: &[(Statement, bool)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    let closed = |open: Option<(&str, Vec<&str>)>| open.map(|(table, actions)| format!("ALTER TABLE {table} {};", actions.join(", ")));
    for (statement, together) in statements {
        match statement {
            Statement::Alter { table, action } => match &mut open {
                Some((same, actions)) if same == table && *together => actions.push(action),
                _ => {
                    lines.extend(closed(open.take()));
                    open = Some((table, vec![action]));
                }
            },
            Statement::Whole(text) => {
                lines.extend(closed(open.take()));
                lines.push(text.clone());
            }
        }
    }
    lines.extend(closed(open));
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}
