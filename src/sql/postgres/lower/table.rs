//! CREATE TABLE in all its forms.

use pg_query::protobuf::{CreateForeignTableStmt, CreateStmt, CreateTableAsStmt};

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE TABLE`.
pub(super) fn create(source: &Source<'_>, _statement: &CreateStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE FOREIGN TABLE`.
pub(super) fn create_foreign(source: &Source<'_>, _statement: &CreateForeignTableStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE TABLE … AS` and `SELECT … INTO`.
pub(super) fn create_as(source: &Source<'_>, _statement: &CreateTableAsStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
