//! Functions that get another body or other attributes under the same signature, and what makes them what they were.

use super::Context;
use crate::schema::object::{ObjectKind, Routine};
use crate::schema::{Catalog, Name};
use crate::sql::write;

/// What makes the function what it was before the statement; `None` where no statement can. `by`: what replaces it.
pub(super) fn as_it_was(ctx: &Context<'_>, name: &Name, by: Option<&Routine>) -> Option<Vec<String>> {
    let mut found = ctx.before.routines_named(name);
    let before = match by {
        Some(by) => found.find(|routine| routine.arguments == by.arguments),
        None => found.next().filter(|_| found.next().is_none()),
    }?;
    let own_path = ctx.before.search_path == Catalog::default().search_path;
    if !own_path || !matches!(before.kind, ObjectKind::Function | ObjectKind::Procedure) {
        return None;
    }
    let definition = write::text(&before.definition);
    // A default that a parameter has got can't be taken from it again.
    if by.is_some_and(|by| parameters(&write::text(&by.definition)) != parameters(&definition)) {
        return None;
    }
    let again = std::iter::once(or_replace(&definition)?);
    Some(again.chain(before.alters.iter().map(write::text)).collect())
}

/// The statement as one that replaces what is there.
fn or_replace(create: &str) -> Option<String> {
    let rest = create.trim_start().get("CREATE".len()..).filter(|_| starts_with_word(create.trim_start(), "create"))?;
    let said = starts_with_word(rest.trim_start(), "or");
    Some(format!("CREATE {}{}", if said { "" } else { "OR REPLACE " }, rest.trim_start()))
}

fn starts_with_word(text: &str, word: &str) -> bool {
    let (Some(start), Some(rest)) = (text.get(..word.len()), text.get(word.len()..)) else { return false };
    start.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)
}

/// What the parameters are said to be, in words: all between the name and what comes after them.
fn parameters(create: &str) -> Vec<String> {
    let from = create.find('(').unwrap_or(0);
    let words = create[from..].split_whitespace().map(str::to_lowercase);
    words.take_while(|word| !matches!(word.as_str(), "returns" | "language" | "as")).collect()
}

#[cfg(test)]
mod tests {
    use super::{or_replace, parameters};

    #[test]
    fn what_creates_replaces() {
        assert_eq!(or_replace("create function f() …").as_deref(), Some("CREATE OR REPLACE function f() …"));
        assert_eq!(or_replace("CREATE OR REPLACE FUNCTION f() …").as_deref(), Some("CREATE OR REPLACE FUNCTION f() …"));
        assert_eq!(or_replace("ALTER FUNCTION f() STABLE"), None);
        assert_eq!(or_replace("CREATÉ"), None);
    }

    #[test]
    fn parameters_are_told_apart_by_their_defaults() {
        let plain = parameters("CREATE FUNCTION f(a int)\nRETURNS int LANGUAGE sql AS 'SELECT 1'");
        assert_eq!(plain, parameters("CREATE OR REPLACE FUNCTION f(a  int) RETURNS int AS 'SELECT 2' LANGUAGE sql"));
        assert_ne!(plain, parameters("CREATE OR REPLACE FUNCTION f(a int DEFAULT 1) RETURNS int AS 'SELECT 2' LANGUAGE sql"));
    }
}
