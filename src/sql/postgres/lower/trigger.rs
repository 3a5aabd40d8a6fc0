//! Triggers on tables and views. Never looks at the function that they call.

use pg_query::protobuf::CreateTrigStmt;

use super::definition::marked_definition;
use super::name::{dotted, identifiers, relation_of};
use super::one;
use crate::schema::change::OnConflict;
use crate::schema::object::Trigger;
use crate::schema::{Change, Identifier, Part};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::{Source, folded};
use crate::sql::script::Lowered;

/// `CREATE TRIGGER`.
pub(super) fn create(source: &Source<'_>, statement: &CreateTrigStmt) -> Vec<Lowered> {
    let table = relation_of(statement.relation.as_ref());
    let function = dotted(&statement.funcname);
    let execute = source.find_word(0, source.end(), "execute");
    let at = execute + 2;
    let mut places = vec![(source.span(at, source.after_name(at)), Part::Function(function.clone()))];
    let on = source.find_word(0, execute, "on");
    let of = source.find_word(0, on, "of");
    let columns = source.split(of + 1, on).into_iter().filter(|(from, to)| from < to && !statement.columns.is_empty());
    places.extend(columns.map(|(from, _)| {
        let end = source.span(from, from + 1);
        (end, Part::Column { of: None, name: Identifier::from(folded(source.token(from))) })
    }));
    let owner = Owner::Table(&table, None);
    let when = statement.when_clause.as_deref().map(|condition| {
        let open = source.find_word(0, execute, "when") + 1;
        source.mark(source.span(open + 1, source.closing(open)), condition, owner)
    });
    let trigger = Trigger {
        name: Identifier::from(statement.trigname.as_str()),
        function,
        update_of: identifiers(&statement.columns),
        when,
        definition: marked_definition(source, statement, owner, places),
        enabled: 'O',
        constraint: statement.isconstraint,
        copied: false,
        table,
    };
    let on_conflict = if statement.replace { OnConflict::Replace } else { OnConflict::Fail };
    one(source, Change::CreateTrigger { trigger: Box::new(trigger), on_conflict })
}
