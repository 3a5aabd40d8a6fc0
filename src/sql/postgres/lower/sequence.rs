//! Sequences.

use pg_query::protobuf::{AlterSeqStmt, CreateSeqStmt};

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE SEQUENCE`.
pub(super) fn create(source: &Source<'_>, _statement: &CreateSeqStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `ALTER SEQUENCE`.
pub(super) fn alter(source: &Source<'_>, _statement: &AlterSeqStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
