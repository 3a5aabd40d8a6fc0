//! Backfills: an UPDATE or DELETE that walks over a table by its key, in chunks.

use super::format::{Backfill, KeyColumn, SyncTriggers};
use crate::schema::{Catalog, ConstraintKind, Identifier, Table, TableKind, Uniqueness};
use crate::schema::{IndexKey, NullsDistinct, Sql};
use crate::sql::write;

/// What is done to the rows of a chunk.
pub(crate) enum Action {
    /// `SET` this.
    Set(String),
    /// Delete them.
    Delete,
}

impl Action {
    /// What an UPDATE assigns.
    pub(crate) fn assigning(assignments: &[(Identifier, Sql)]) -> Self {
        let set: Vec<String> =
            assignments.iter().map(|(name, value)| format!("{} = {}", write::identifier(name), write::text(value))).collect();
        Self::Set(set.join(", "))
    }
}

/// The columns by which a table can be walked: its primary key, else a unique index without NULLs. None: only by `ctid`.
pub(crate) fn walking_key(catalog: &Catalog, table: &Table) -> Option<Vec<Identifier>> {
    if let Some(key) = table.primary_key() {
        return Some(key.columns.clone());
    }
    let not_null = |name: &Identifier| table.column(name).is_some_and(|column| column.not_null);
    let constraint = table.constraints.iter().find_map(|constraint| match &constraint.kind {
        ConstraintKind::Unique(key) if key.columns.iter().all(not_null) => Some(key.columns.clone()),
        ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Check { .. }
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::Exclude(_) => None,
    });
    constraint.or_else(|| {
        catalog.indexes_of(&table.name).find_map(|(_, index)| {
            if index.uniqueness == Uniqueness::Plain || index.predicate.is_some() || index.nulls == NullsDistinct::NotDistinct {
                return None;
            }
            let columns: Option<Vec<Identifier>> = index
                .elements
                .iter()
                .map(|element| match &element.key {
                    IndexKey::Column(name) if not_null(name) => Some(name.clone()),
                    IndexKey::Column(_) | IndexKey::Expression(_) => None,
                })
                .collect();
            columns
        })
    })
}

/// Whether rows can be walked by `ctid`: not over partitions, where it isn't unique.
pub(crate) fn walkable_by_ctid(table: &Table) -> bool {
    matches!(table.kind, TableKind::Plain)
}

/// A backfill of the rows of `table` for which `pending` holds, walking by `key` (empty: by `ctid`).
/// `remaining` counts what is still to do at the end.
pub(crate) fn backfill(table: &Table, key: &[Identifier], action: &Action, pending: Option<&str>, remaining: String) -> Backfill {
    let relation = write::name(&table.name);
    let columns: Vec<KeyColumn> = key.iter().map(|name| key_column(table, name)).collect();
    let (names, types): (Vec<String>, Vec<String>) = if columns.is_empty() {
        (vec!["ctid".to_owned()], vec!["tid".to_owned()])
    } else {
        columns.iter().map(|column| (column.name.clone(), column.data_type.clone())).unzip()
    };
    let count = names.len();
    let list = names.join(", ");
    let row = |first: usize| {
        let parameters: Vec<String> =
            types.iter().enumerate().map(|(at, data_type)| format!("${}::text::{data_type}", first + at)).collect();
        format!("({})", parameters.join(", "))
    };
    let as_text: Vec<String> = names.iter().map(|name| format!("{name}::text")).collect();
    let backwards: Vec<String> = names.iter().map(|name| format!("{name} DESC")).collect();
    // A walk by ctid needs no sort: a TID range scan gives rows in that order. Should it miss any, `remaining` tells.
    let order = if columns.is_empty() { String::new() } else { format!(" ORDER BY {list}") };
    let end = |after: &str, limit: usize| {
        format!(
            "SELECT {} FROM (SELECT {list} FROM {relation}{after}{order} LIMIT ${limit}::bigint) AS chunk ORDER BY {} LIMIT 1",
            as_text.join(", "),
            backwards.join(", "),
        )
    };
    let head = match action {
        Action::Set(assignments) => format!("UPDATE {relation} SET {assignments}"),
        Action::Delete => format!("DELETE FROM {relation}"),
    };
    let pending = pending.map(|pending| format!(" AND ({pending})")).unwrap_or_default();
    Backfill {
        table: relation.clone(),
        key: columns,
        chunk_end: end(&format!(" WHERE ({list}) > {}", row(1)), count + 1),
        first_chunk_end: end("", 1),
        chunk: format!("{head} WHERE ({list}) > {} AND ({list}) <= {}{pending}", row(1), row(count + 1)),
        first_chunk: format!("{head} WHERE ({list}) <= {}{pending}", row(1)),
        remaining,
        sync: SyncTriggers::StandAside,
    }
}

fn key_column(table: &Table, name: &Identifier) -> KeyColumn {
    let data_type = table.column(name).map_or_else(|| "text".to_owned(), |column| write::data_type(&column.data_type));
    KeyColumn { name: write::identifier(name), data_type }
}
