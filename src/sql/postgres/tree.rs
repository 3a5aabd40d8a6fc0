//! Parse trees as plain values, so that a walk over one can't forget a field of the grammar. Knows what no node means.

use serde_json::Value;

/// Where a node begins; -1 where the parser doesn't say.
pub(super) fn location(value: &Value) -> i32 {
    value.as_i64().and_then(|location| i32::try_from(location).ok()).unwrap_or(-1)
}

/// The elements of a list, or none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What a node of that kind holds.
pub(super) fn inner<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    value.get("node")?.get(kind)
}

/// The text of a string node.
pub(super) fn string(value: &Value) -> Option<&str> {
    inner(value, "String")?.get("sval")?.as_str()
}
