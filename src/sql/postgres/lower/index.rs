//! CREATE INDEX.

use pg_query::protobuf::IndexStmt;

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE INDEX`.
pub(super) fn create(source: &Source<'_>, _statement: &IndexStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
