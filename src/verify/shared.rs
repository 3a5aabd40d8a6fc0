//! What databases of one server share: roles. Each database of ours meets the statement that makes a role, and only the first
//! makes it; none drops it, since others may still need it.

use std::borrow::Cow;

/// The statement in a form that works in the second database, too.
pub(super) fn once(sql: &str) -> Cow<'_, str> {
    let mut words = sql.split_whitespace();
    let (verb, kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is = |word: &str, among: &[&str]| among.iter().any(|known| word.eq_ignore_ascii_case(known));
    // CREATE USER MAPPING makes something else.
    if !is(kind, &["ROLE", "USER", "GROUP"]) || is(name, &["MAPPING"]) {
        return Cow::Borrowed(sql);
    }
    let passed_over = match verb {
        verb if is(verb, &["CREATE"]) => "duplicate_object",
        verb if is(verb, &["DROP"]) => "undefined_object OR dependent_objects_still_exist",
        _ => return Cow::Borrowed(sql),
    };
    let statement = sql.trim_end().trim_end_matches(';');
    Cow::Owned(format!("DO $concertina_role$ BEGIN {statement}; EXCEPTION WHEN {passed_over} THEN NULL; END $concertina_role$"))
}

#[cfg(test)]
mod tests {
    use super::once;

    #[test]
    fn only_roles_are_made_once() {
        assert!(once("create role reader LOGIN;").contains("BEGIN create role reader LOGIN; EXCEPTION WHEN duplicate_object"));
        assert!(once("DROP ROLE IF EXISTS reader").contains("dependent_objects_still_exist"));
        for other in ["CREATE USER MAPPING FOR CURRENT_USER SERVER files", "ALTER ROLE reader LOGIN", "CREATE TABLE role (id int)", ""] {
            assert_eq!(once(other), other);
        }
    }
}
