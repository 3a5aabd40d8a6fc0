//! The difference between two texts, as `diff -u` shows it. Pure.

use similar::TextDiff;

/// A unified difference with three lines around each change; empty if there is none.
pub fn text(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(old_name, new_name).to_string()
}
