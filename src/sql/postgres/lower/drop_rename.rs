//! DROP, RENAME and SET SCHEMA of tables, columns, attributes, constraints and indexes.

use pg_query::protobuf::{AlterObjectSchemaStmt, DropStmt, ObjectType, RenameStmt};

use super::opaque;
use crate::schema::change::Touches;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `DROP` of tables, foreign tables and indexes; none if it is of something else.
pub(super) fn drop(source: &Source<'_>, statement: &DropStmt) -> Option<Vec<Lowered>> {
    use ObjectType::{ObjectForeignTable, ObjectIndex, ObjectTable};
    matches!(statement.remove_type(), ObjectTable | ObjectForeignTable | ObjectIndex).then_some(())?;
    Some(opaque(source, "not read yet", Touches::Anything))
}

/// `RENAME` of tables, foreign tables, columns, attributes, constraints and indexes; none if it is of something else.
pub(super) fn rename(source: &Source<'_>, statement: &RenameStmt) -> Option<Vec<Lowered>> {
    use ObjectType::{
        ObjectAttribute, ObjectColumn, ObjectDomconstraint, ObjectForeignTable, ObjectIndex, ObjectTabconstraint, ObjectTable,
    };
    let ours = [ObjectTable, ObjectForeignTable, ObjectColumn, ObjectAttribute, ObjectTabconstraint, ObjectDomconstraint, ObjectIndex];
    ours.contains(&statement.rename_type()).then_some(())?;
    Some(opaque(source, "not read yet", Touches::Anything))
}

/// `SET SCHEMA` of tables and foreign tables; none if it is of something else.
pub(super) fn set_schema(source: &Source<'_>, statement: &AlterObjectSchemaStmt) -> Option<Vec<Lowered>> {
    matches!(statement.object_type(), ObjectType::ObjectTable | ObjectType::ObjectForeignTable).then_some(())?;
    Some(opaque(source, "not read yet", Touches::Anything))
}
