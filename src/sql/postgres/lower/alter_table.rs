//! ALTER TABLE, also of indexes, views, sequences, types and foreign tables: each subcommand by itself.

use pg_query::protobuf::AlterTableStmt;

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `ALTER TABLE` and its kin.
pub(super) fn alter(source: &Source<'_>, _statement: &AlterTableStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
