//! A statement over one table once more, with another name for one of its columns.

use pg_query::protobuf::{ScanToken, Token};

use super::with_deep_stack;
use crate::schema::Identifier;
use crate::sql::write;

/// The statement with `to` wherever it says `from`. None if that may be the name of something else in it, too.
///
/// The statement must read no other table: a column of that with the same name can't be told apart.
pub fn with_column_renamed(statement: &str, from: &Identifier, to: &Identifier) -> Option<String> {
    with_deep_stack(|| {
        let parsed = pg_query::parse(statement, pg_query::ParserOptions::default()).ok()?;
        let is_it = |name: &str| name == from.as_str();
        let other = parsed.aliases.keys().map(String::as_str).chain(parsed.cte_names.iter().map(String::as_str));
        if other.chain(parsed.tables().iter().map(String::as_str)).any(is_it) {
            return None;
        }
        let scanned = pg_query::scan(statement).ok()?;
        let mut text = String::new();
        let mut end = 0;
        for (at, token) in scanned.tokens.iter().enumerate() {
            let (Ok(start), Ok(stop)) = (usize::try_from(token.start), usize::try_from(token.end)) else { return None };
            let word = statement.get(start..stop)?;
            if !names(word, from) {
                continue;
            }
            let before = at.checked_sub(1).and_then(|before| scanned.tokens.get(before)).map(ScanToken::token);
            let after = scanned.tokens.get(at + 1).map(ScanToken::token);
            if before == Some(Token::As) || after == Some(Token::Ascii40) {
                return None;
            }
            text.push_str(statement.get(end..start)?);
            text.push_str(&write::identifier(to));
            end = stop;
        }
        text.push_str(statement.get(end..)?);
        Some(text)
    })
}

/// Whether the word, in quotes or not, is the identifier.
fn names(word: &str, identifier: &Identifier) -> bool {
    match word.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\"") == identifier.as_str(),
        None => word.to_lowercase() == identifier.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_column_renamed;
    use crate::schema::Identifier;

    #[test]
    fn a_column_gets_its_new_name_wherever_it_is_said() {
        let renamed = |statement: &str| with_column_renamed(statement, &Identifier::from("email"), &Identifier::from("Login"));
        assert_eq!(
            renamed("DELETE FROM u a USING u b WHERE a.email = b.EMAIL AND a.note <> 'email'").as_deref(),
            Some("DELETE FROM u a USING u b WHERE a.\"Login\" = b.\"Login\" AND a.note <> 'email'")
        );
        assert_eq!(
            renamed("UPDATE u SET \"email\" = lower(email) -- email\nWHERE email IS NULL").as_deref(),
            Some("UPDATE u SET \"Login\" = lower(\"Login\") -- email\nWHERE \"Login\" IS NULL")
        );
        for other in ["DELETE FROM u email", "UPDATE u SET a = email(b)", "UPDATE u SET a = (SELECT max(a) AS email FROM u)"] {
            assert_eq!(renamed(other), None, "{other}");
        }
    }
}
