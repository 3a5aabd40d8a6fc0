//! Whether two values are the same to the last bit, which the type's own `=` doesn't always tell.

use crate::schema::object::TypeKind;
use crate::schema::{Catalog, Column, Lookup};

/// Built-in types whose `IS DISTINCT FROM` is identity. Of the others some call different values equal (`citext` 'a' and 'A',
/// `numeric` 1.0 and 1.00, `interval` '1 day' and '24 hours', `jsonb` numbers), and some have no `=` at all (`json`, `point`, `xml`).
const EXACT: &[&str] =
    &["bool", "int2", "int4", "int8", "oid", "uuid", "date", "time", "timestamp", "timestamptz", "bytea", "text", "varchar", "name"];

/// The condition that `left` and `right`, both of `column`'s type, are not the same.
pub(crate) fn differs(catalog: &Catalog, column: &Column, left: &str, right: &str) -> String {
    if is_exact(catalog, column) {
        format!("{left} IS DISTINCT FROM {right}")
    } else {
        format!("{left}::text COLLATE \"C\" IS DISTINCT FROM {right}::text COLLATE \"C\"")
    }
}

fn is_exact(catalog: &Catalog, column: &Column) -> bool {
    let built_in = column.data_type.name.schema.as_ref().is_some_and(|schema| schema == "pg_catalog");
    // A collation can be nondeterministic, and then calls different texts equal.
    if column.data_type.dimensions > 0 || column.collation.is_some() {
        return false;
    }
    if built_in {
        return EXACT.contains(&column.data_type.name.name.as_str());
    }
    match catalog.types.get(&column.data_type.name).map_or(Lookup::Unknown, |found| Lookup::Known(&found.kind)) {
        Lookup::Known(TypeKind::Enum { .. }) => true,
        Lookup::Known(TypeKind::Domain { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. })
        | Lookup::Absent
        | Lookup::Unknown => false,
    }
}
