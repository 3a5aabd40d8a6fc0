//! The little that the catalog must do to a statement's text when the object that it makes gets another name. Must never
//! touch a string or a comment.

use crate::schema::name::Identifier;
use crate::schema::text::{Part, Sql};

/// The identifier in double quotes, which is right for every identifier.
pub(super) fn quoted(name: &Identifier) -> String {
    format!("\"{}\"", name.as_str().replace('"', "\"\""))
}

/// The statement with the name `from`, where it follows the keyword, replaced by `to`.
pub(super) fn rename_after(keyword: &str, sql: &Sql, from: &Identifier, to: &Identifier) -> Sql {
    let mut renamed = sql.clone();
    for part in &mut renamed.parts {
        if let Part::Text(text) = part
            && let Some(range) = name_after(keyword, text, from)
        {
            text.replace_range(range, &quoted(to));
            break;
        }
    }
    renamed
}

/// Where in `text` the name stands that follows the keyword.
fn name_after(keyword: &str, text: &str, name: &Identifier) -> Option<std::ops::Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(keyword) {
        let after = from + found + keyword.len();
        let start = after + (text[after..].len() - text[after..].trim_start().len());
        let bare = lower[start..].starts_with(name.as_str()).then(|| start..start + name.as_str().len());
        let in_quotes = quoted(name);
        let as_quoted = text[start..].starts_with(&in_quotes).then(|| start..start + in_quotes.len());
        if start > after && (bare.is_some() || as_quoted.is_some()) {
            return as_quoted.or(bare);
        }
        from = after;
    }
    None
}
