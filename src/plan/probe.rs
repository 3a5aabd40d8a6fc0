//! Queries that tell whether something is there: probes of steps and parts of gates.

use crate::schema::{Identifier, Name};
use crate::sql::write::literal;

fn relation(name: &Name) -> String {
    let quoted = crate::sql::write::name(name);
    format!("to_regclass({})", literal(&quoted))
}

/// Whether the relation exists.
pub(crate) fn relation_exists(name: &Name) -> String {
    format!("SELECT {} IS NOT NULL", relation(name))
}

/// Whether the relation is gone.
pub(crate) fn relation_gone(name: &Name) -> String {
    format!("SELECT {} IS NULL", relation(name))
}

fn column(table: &Name, column: &Identifier) -> String {
    format!(
        "SELECT 1 FROM pg_attribute WHERE attrelid = {} AND attname = {} AND NOT attisdropped",
        relation(table),
        literal(column.as_str())
    )
}

/// Whether the column exists.
pub(crate) fn column_exists(table: &Name, name: &Identifier) -> String {
    format!("SELECT EXISTS ({})", column(table, name))
}

/// Whether the column is gone.
pub(crate) fn column_gone(table: &Name, name: &Identifier) -> String {
    format!("SELECT NOT EXISTS ({})", column(table, name))
}

/// Tables that have the column, which has a name that nothing else has.
pub(crate) fn tables_with_column(name: &Identifier) -> String {
    format!(
        "SELECT a.attrelid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attname = {} AND NOT a.attisdropped AND a.attinhcount = 0 AND c.relkind IN ('r', 'p')",
        literal(name.as_str())
    )
}

/// Whether the column refuses NULL (`wanted`: `true`) or allows it (`false`).
pub(crate) fn column_not_null(table: &Name, name: &Identifier, wanted: &str) -> String {
    format!("SELECT EXISTS ({} AND attnotnull = {wanted})", column(table, name))
}

fn constraint(table: &Name, name: &Identifier) -> String {
    format!("SELECT 1 FROM pg_constraint WHERE conrelid = {} AND conname = {}", relation(table), literal(name.as_str()))
}

/// Whether the constraint exists, valid or not.
pub(crate) fn constraint_exists(table: &Name, name: &Identifier) -> String {
    format!("SELECT EXISTS ({})", constraint(table, name))
}

/// Whether the constraint is gone.
pub(crate) fn constraint_gone(table: &Name, name: &Identifier) -> String {
    format!("SELECT NOT EXISTS ({})", constraint(table, name))
}

/// Whether the constraint exists and all rows are known to obey.
pub(crate) fn constraint_valid(table: &Name, name: &Identifier) -> String {
    format!("SELECT EXISTS ({} AND convalidated)", constraint(table, name))
}

/// Whether the index exists and is usable.
pub(crate) fn index_valid(index: &Name) -> String {
    format!("SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = {} AND indisvalid)", relation(index))
}

/// Whether a broken-off build left the index behind, unusable.
pub(crate) fn index_invalid(index: &Name) -> String {
    format!("SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = {} AND NOT indisvalid)", relation(index))
}

/// Whether the enum has the label.
pub(crate) fn enum_label_exists(name: &Name, label: &str) -> String {
    let quoted = crate::sql::write::name(name);
    format!("SELECT EXISTS (SELECT 1 FROM pg_enum WHERE enumtypid = to_regtype({}) AND enumlabel = {})", literal(&quoted), literal(label))
}

/// Whether the column is an identity column.
pub(crate) fn is_identity(table: &Name, name: &Identifier) -> String {
    format!("SELECT EXISTS ({} AND attidentity <> '')", column(table, name))
}

/// Whether there is a type of that name.
pub(crate) fn type_exists(name: &Name) -> String {
    format!("SELECT to_regtype({}) IS NOT NULL", literal(&crate::sql::write::name(name)))
}

/// Whether the enum has these labels in this order and no others.
pub(crate) fn enum_has_labels(name: &Name, labels: &[String]) -> String {
    let wanted: Vec<String> = labels.iter().map(|label| literal(label)).collect();
    format!(
        "SELECT (SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = to_regtype({})) IS NOT DISTINCT FROM ARRAY[{}]::text[]",
        literal(&crate::sql::write::name(name)),
        wanted.join(", ")
    )
}

/// Whether the trigger is there.
pub(crate) fn trigger_there(table: &Name, trigger: &Identifier) -> String {
    format!("SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = {} AND tgname = {})", relation(table), literal(trigger.as_str()))
}

/// Whether the trigger is gone.
pub(crate) fn trigger_gone(table: &Name, trigger: &Identifier) -> String {
    format!("SELECT NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = {} AND tgname = {})", relation(table), literal(trigger.as_str()))
}

/// Whether the column has this type, as `format_type` prints it.
pub(crate) fn column_has_type(table: &Name, name: &Identifier, data_type: &str) -> String {
    format!("SELECT EXISTS ({} AND format_type(atttypid, atttypmod) = {})", column(table, name), literal(data_type))
}

/// For an effect that can't be looked up: the step's ledger row, in the same transaction, tells.
pub(crate) const UNKNOWABLE: &str = "SELECT false";
