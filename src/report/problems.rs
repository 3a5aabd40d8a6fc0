//! What could not be read or folded, as lines that an editor can jump to. Pure.

use crate::history::History;
use crate::source::Migration;

/// A line for each problem: `file:line:column: what is wrong`. Empty if there are none.
pub fn text(history: &History, migrations: &[Migration]) -> String {
    let mut lines = Vec::new();
    let syntax = history.syntax_errors.iter().map(|unread| {
        let help = unread.error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        (unread.migration, unread.error.span, format!("{}{help}", unread.error.message))
    });
    let mismatches = history.mismatches.iter().map(|mismatch| (mismatch.migration, mismatch.span, mismatch.message.clone()));
    let mut problems: Vec<_> = syntax.chain(mismatches).collect();
    problems.sort();
    for (migration, span, message) in problems {
        let Some(migration) = migrations.get(migration) else { continue };
        let position = span.position(&migration.text);
        lines.push(format!("{}:{}:{}: {}\n", migration.path, position.line, position.column, message));
    }
    lines.concat()
}
