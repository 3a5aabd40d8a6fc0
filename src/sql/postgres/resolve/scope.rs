//! What a query sees: the entries of its FROM with their columns, by the names that it has for them. Never looks into the catalog.

use crate::schema::{DataType, Identifier, Name};

/// A column that a query can name.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// What the query calls it.
    pub(super) name: String,
    /// Its type, where it could be told.
    pub(super) data_type: Option<DataType>,
    /// The column of a table or view that it is.
    pub(super) origin: Option<(Name, Identifier)>,
    /// Whether the query has a name of its own for it, which a rename leaves as it is.
    pub(super) renamed: bool,
    /// Whether it is a bare NULL, which takes the type of what it is united with.
    pub(super) is_null: bool,
}

impl Column {
    /// A column that a query has made.
    pub(super) fn made(name: impl Into<String>, data_type: Option<DataType>) -> Self {
        Self { name: name.into(), data_type, origin: None, renamed: true, is_null: false }
    }
}

/// An entry of FROM that can stand before a dot.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its alias or name.
    pub(super) qualifier: String,
    /// The relation, where it has no alias.
    pub(super) relation: Option<Name>,
    /// Its columns, where they are known.
    pub(super) columns: Option<Vec<Column>>,
}

/// A column as `*` shows it.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    /// The column.
    pub(super) column: Column,
    /// The entry that has it, by its place in the item; none for the one column that USING makes of two.
    pub(super) entry: Option<usize>,
}

/// An element of FROM: an entry, or a join of several.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    /// The entries.
    pub(super) entries: Vec<Entry>,
    /// The columns that can be named without a qualifier, in order; of unknown ones, nothing.
    pub(super) visible: Vec<Visible>,
    /// Whether `visible` is all.
    pub(super) complete: bool,
}

impl Item {
    /// An item of one entry.
    pub(super) fn single(entry: Entry) -> Self {
        let columns = entry.columns.iter().flatten();
        let visible = columns.map(|column| Visible { column: column.clone(), entry: Some(0) }).collect();
        Self { complete: entry.columns.is_some(), visible, entries: vec![entry] }
    }
}

/// The scope of one query.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// What stands in FROM, as far as it can be seen.
    pub(super) items: Vec<Item>,
    /// The queries of WITH, with their columns.
    pub(super) queries: Vec<(String, Option<Vec<Column>>)>,
}

/// What a name turned out to be.
#[derive(Debug)]
pub(super) enum Found {
    /// A column.
    Column(Column),
    /// Something whose columns aren't known, a whole row, or a system column.
    Something,
    /// Nothing.
    Nothing,
}

/// Columns that every table has.
const SYSTEM: [&str; 6] = ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"];

/// The column of that name, looked for from the innermost scope on.
pub(super) fn unqualified(frames: &[Frame], name: &str) -> Found {
    for frame in frames.iter().rev() {
        let visible = frame.items.iter().flat_map(|item| &item.visible);
        if let Some(found) = visible.map(|visible| &visible.column).find(|column| column.name == name) {
            return Found::Column(found.clone());
        }
        let incomplete = frame.items.iter().any(|item| !item.complete);
        let whole_row = frame.items.iter().flat_map(|item| &item.entries).any(|entry| entry.qualifier == name);
        if incomplete || whole_row || SYSTEM.contains(&name) && !frame.items.is_empty() {
            return Found::Something;
        }
    }
    Found::Nothing
}

/// The entry of that qualifier.
pub(super) fn entry<'a>(frames: &'a [Frame], qualifier: &[&str]) -> Option<&'a Entry> {
    let is_meant = |entry: &&Entry| match qualifier {
        [name] => entry.qualifier == *name,
        [.., schema, name] => entry
            .relation
            .as_ref()
            .is_some_and(|relation| relation.name == **name && relation.schema.as_ref().is_some_and(|found| found == *schema)),
        [] => false,
    };
    frames.iter().rev().find_map(|frame| frame.items.iter().flat_map(|item| &item.entries).find(is_meant))
}

/// The column of that name in the entry of that qualifier.
pub(super) fn qualified(frames: &[Frame], qualifier: &[&str], name: &str) -> Found {
    let Some(entry) = entry(frames, qualifier) else { return Found::Nothing };
    let Some(columns) = &entry.columns else { return Found::Something };
    match columns.iter().find(|column| column.name == name) {
        Some(column) => Found::Column(column.clone()),
        None if SYSTEM.contains(&name) => Found::Something,
        None => Found::Nothing,
    }
}
