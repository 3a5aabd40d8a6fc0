//! What could not be read or folded, as lines that an editor can jump to. Pure.

use crate::history::History;
use crate::source::Migration;

/// A line for each problem: `file:line:column: what is wrong`. Empty if there are none.
pub fn text(history: &History, migrations: &[Migration]) -> String {
    let mut lines = Vec::new();
    for mismatch in &history.mismatches {
        let Some(migration) = migrations.get(mismatch.migration) else { continue };
        let position = mismatch.span.position(&migration.text);
        lines.push(format!("{}:{}:{}: {}\n", migration.path, position.line, position.column, mismatch.message));
    }
    lines.concat()
}
