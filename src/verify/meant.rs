//! Migrations as their author means them: a column with an `up` directive is filled where it is added. Says nothing else than what
//! is written.

use crate::schema::Change;
use crate::schema::change::AddColumn;
use crate::sql::directive::{Assignment, DirectiveKind};
use crate::sql::script::{Lowered, Statement};
use crate::sql::{postgres, write};

/// The statements of a migration, each with what its `up` directives mean.
pub fn meant(text: &str, statements: Vec<String>) -> Vec<String> {
    let read = postgres::parse(text);
    let mut directed = read.statements.iter().filter(|statement| ups(statement).next().is_some()).peekable();
    let mut meant = Vec::new();
    for statement in statements {
        match directed.next_if(|next| next.span.of(text) == statement) {
            Some(next) => meant.extend(spelled_out(text, next)),
            None => meant.push(statement),
        }
    }
    meant
}

fn ups(statement: &Statement) -> impl Iterator<Item = &Assignment> {
    statement.directives.iter().filter_map(|directive| match &directive.kind {
        DirectiveKind::Up(assignment) => Some(assignment),
        DirectiveKind::Allow { .. }
        | DirectiveKind::Down(_)
        | DirectiveKind::Phase(_)
        | DirectiveKind::Strategy(_)
        | DirectiveKind::ContractAfter(_) => None,
    })
}

/// Each change by itself, a filled column followed by its fill.
fn spelled_out(text: &str, statement: &Statement) -> Vec<String> {
    let of = |add: &AddColumn| ups(statement).find(|up| up.column == add.column.name && up.table.name == add.table.name);
    let table =
        statement.changes.iter().find_map(|lowered| if let Change::AddColumn(add) = &lowered.change { Some(&add.table) } else { None });
    let is_part = |lowered: &Lowered| lowered.within.is_none() && lowered.change.relation() == table;
    let Some(table) = table.filter(|_| statement.changes.iter().all(is_part)) else {
        return vec![statement.span.of(text).to_owned()];
    };
    let relation = write::name(table);
    let altered = |action: &str| format!("ALTER TABLE {relation} {action}");
    let mut spelled = Vec::new();
    for lowered in &statement.changes {
        let said = lowered.span.of(text);
        let whole = said.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("alter table"));
        let action = if whole { said.to_owned() } else { altered(said) };
        let filled = if let Change::AddColumn(add) = &lowered.change { of(add).map(|up| (add, up)) } else { None };
        let Some((add, up)) = filled else {
            spelled.push(action);
            continue;
        };
        let column = write::identifier(&add.column.name);
        let required = add.column.not_null && add.column.default.is_none();
        spelled.push(if required { without_not_null(&action) } else { action });
        // Nobody changes the rows: the table's triggers have nothing to do with it.
        spelled.push("SET session_replication_role = replica".to_owned());
        spelled.push(format!("UPDATE {relation} SET {column} = {}", write::text(&up.expression)));
        spelled.push("RESET session_replication_role".to_owned());
        if required {
            spelled.push(altered(&format!("ALTER COLUMN {column} SET NOT NULL")));
        }
    }
    spelled
}

/// The text without its first NOT NULL that no IS stands before.
fn without_not_null(action: &str) -> String {
    let lower = action.to_ascii_lowercase();
    let place = lower.match_indices("not").find_map(|(at, _)| {
        let rest = lower[at + 3..].trim_start();
        let spaces = lower.len() - at - 3 - rest.len();
        let is = lower[..at].trim_end().ends_with(" is");
        (spaces > 0 && rest.starts_with("null") && !is).then_some(at..at + 3 + spaces + 4)
    });
    place.map_or_else(|| action.to_owned(), |place| format!("{}{}", &action[..place.start], &action[place.end..]))
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_column_with_up_is_filled() {
        let text = "select 1;\n-- concertina: up t.c = a || 'x'\nalter table t add c text not null check (c is not null);\nselect 2";
        let statements = ["select 1", "alter table t add c text not null check (c is not null)", "select 2"];
        let expected = [
            "select 1",
            "ALTER TABLE t add c text  check (c is not null)",
            "SET session_replication_role = replica",
            "UPDATE t SET c = a || 'x'",
            "RESET session_replication_role",
            "ALTER TABLE t ALTER COLUMN c SET NOT NULL",
            "select 2",
        ];
        assert_eq!(meant(text, statements.map(str::to_owned).to_vec()), expected);
    }
}
