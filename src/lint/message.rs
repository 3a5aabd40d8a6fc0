//! Messages that name the objects: `{table}` in a rule becomes the table's name. Never leaves a hole: what has no name is
//! described.

use super::site::Site;
use super::{kind, subject};
use crate::engine::Held;
use crate::schema::{Change, Identifier, Name};

/// What may stand in braces in a message.
pub(super) const PLACEHOLDERS: &[&str] =
    &["table", "column", "index", "constraint", "references", "to", "change", "objects", "lock", "held"];

/// The first placeholder in `template` that doesn't exist.
pub(super) fn unknown_placeholder(template: &str) -> Option<&str> {
    template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest)).find(|name| !PLACEHOLDERS.contains(name))
}

/// `template` with its placeholders filled.
pub(super) fn fill(template: &str, site: &Site<'_>) -> String {
    let mut text = String::new();
    let mut pieces = template.split('{');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        text.push_str(&value(name, site));
        text.push_str(rest);
    }
    text
}

fn value(placeholder: &str, site: &Site<'_>) -> String {
    let change = site.change();
    let name = |name: Option<&Name>, otherwise: &str| name.map_or(otherwise.to_owned(), |name| format!("`{name}`"));
    let identifier = |name: Option<&Identifier>, otherwise: &str| name.map_or(otherwise.to_owned(), |name| format!("`{name}`"));
    match placeholder {
        "table" => name(site.table_name(), "the table"),
        "column" => identifier(site.column_name(), "the column"),
        "index" => identifier(subject::index(change), "an index"),
        "constraint" => identifier(subject::constraint(change), "the constraint"),
        "references" => name(subject::references(change), "the referenced table"),
        "to" => identifier(subject::new_name(change), "another name"),
        "change" => kind::kind(change).replace('-', " "),
        "objects" => objects(change),
        "lock" => site.locks_by_strength().first().map_or("no lock".to_owned(), |lock| lock.mode.to_string()),
        "held" => match site.locks_by_strength().iter().map(|lock| lock.held).max() {
            Some(Held::Scan) => "while it is read".to_owned(),
            Some(Held::Rewrite) => "while it is written anew".to_owned(),
            Some(Held::Brief) | None => "briefly".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// The object of a change that isn't about a table.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no single object")]
fn objects(change: &Change) -> String {
    match change {
        Change::DropObject { object, .. } | Change::RenameObject { object, .. } | Change::SetObjectSchema { object, .. } => {
            format!("`{}`", object.name)
        }
        Change::DropSchema { schema, .. } | Change::RenameSchema { schema, .. } => format!("`{schema}`"),
        Change::AddEnumValue { name, value, .. } | Change::RenameEnumValue { name, value, .. } => format!("`{value}` of `{name}`"),
        _ => "the object".to_owned(),
    }
}
