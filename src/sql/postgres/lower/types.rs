//! Types and domains.

use pg_query::protobuf::{
    AlterDomainStmt, AlterEnumStmt, AlterTypeStmt, CompositeTypeStmt, CreateDomainStmt, CreateEnumStmt, CreateRangeStmt, DefineStmt,
};

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE DOMAIN`.
pub(super) fn create_domain(source: &Source<'_>, _statement: &CreateDomainStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `ALTER DOMAIN`.
pub(super) fn alter_domain(source: &Source<'_>, _statement: &AlterDomainStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE TYPE … AS (…)`.
pub(super) fn create_composite(source: &Source<'_>, _statement: &CompositeTypeStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE TYPE … AS ENUM`.
pub(super) fn create_enum(source: &Source<'_>, _statement: &CreateEnumStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE TYPE … AS RANGE`.
pub(super) fn create_range(source: &Source<'_>, _statement: &CreateRangeStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `ALTER TYPE … ADD VALUE` and `RENAME VALUE`.
pub(super) fn alter_enum(source: &Source<'_>, _statement: &AlterEnumStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `ALTER TYPE … SET (…)` of a base type.
pub(super) fn alter_base(source: &Source<'_>, _statement: &AlterTypeStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}

/// `CREATE TYPE … (INPUT = …)` and the shell type.
pub(super) fn define(source: &Source<'_>, _statement: &DefineStmt) -> Vec<Lowered> {
    opaque(source, "not read yet", Touches::Anything)
}
