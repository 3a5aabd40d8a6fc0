//! Statements on rows.

use pg_query::protobuf::{CopyStmt, DeleteStmt, InsertStmt, MergeStmt, SelectStmt, TruncateStmt, UpdateStmt};

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `INSERT`.
pub(super) fn insert(source: &Source<'_>, _statement: &InsertStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `UPDATE`.
pub(super) fn update(source: &Source<'_>, _statement: &UpdateStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `DELETE`.
pub(super) fn delete(source: &Source<'_>, _statement: &DeleteStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `MERGE`.
pub(super) fn merge(source: &Source<'_>, _statement: &MergeStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `SELECT`, `VALUES` and `TABLE`.
pub(super) fn select(source: &Source<'_>, _statement: &SelectStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `TRUNCATE`.
pub(super) fn truncate(source: &Source<'_>, _statement: &TruncateStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `COPY`.
pub(super) fn copy(source: &Source<'_>, _statement: &CopyStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
