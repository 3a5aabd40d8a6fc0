//! What a statement on rows may do to the schema by the functions that it calls. Never reads what such a function does: it tells only
//! whether it could change the schema.

use super::Catalog;
use crate::schema::name::Name;
use crate::schema::object::Routine;
use crate::schema::text::Part;

/// Words that make a function's code one that changes the schema, or one that nobody can read.
const CHANGING: [&str; 4] = ["create", "alter", "drop", "execute"];

impl Catalog {
    /// The functions run. A function that isn't there belongs to an extension or to the engine, and leaves the schema alone.
    pub(super) fn call(&mut self, calls: &[Name]) {
        if calls.iter().flat_map(|name| self.routines_named(name)).any(|routine| may_change_schema(routine)) {
            self.unknown_all = true;
        }
    }
}

fn may_change_schema(routine: &Routine) -> bool {
    let text: String =
        routine.definition.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None }).collect();
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> =
        text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).filter(|word| !word.is_empty()).collect();
    // The first word makes the function itself, and a temporary table is gone with the session.
    let is_temporary = |at: usize| words.get(at + 1).is_some_and(|word| matches!(*word, "temp" | "temporary"));
    words.iter().enumerate().skip(1).any(|(at, word)| CHANGING.contains(word) && !is_temporary(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::change::OnConflict;
    use crate::schema::object::{ObjectKind, Volatility};
    use crate::schema::text::Sql;

    fn knows_all_after(code: &str) -> bool {
        let name = Name::new("public", "f");
        let routine = Routine {
            name: name.clone(),
            kind: ObjectKind::Function,
            arguments: Vec::new(),
            volatility: Volatility::Volatile,
            definition: Sql::plain(format!("CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {code} END $$")),
            returns: None,
            reads: Vec::new(),
            alters: Vec::new(),
        };
        let mut catalog = Catalog::default();
        catalog.create_routine(&routine, OnConflict::Fail).unwrap();
        catalog.call(&[name, Name::unqualified("unknown")]);
        !catalog.unknown_all
    }

    #[test]
    fn a_function_with_statements_on_the_schema_makes_it_unknown() {
        assert!(!knows_all_after("EXECUTE format('CREATE TABLE %I ()', $1);"));
        assert!(!knows_all_after("ALTER TABLE t ADD c int;"));
        assert!(knows_all_after("UPDATE t SET created = now();"));
        assert!(knows_all_after("CREATE TEMP TABLE x AS SELECT 1;"));
    }
}
