//! PostgreSQL's dialect, read with its own parser.

mod built_in;
mod source;
mod scope;
mod mark;
pub mod resolve;
mod split;
mod lower;

use self::source::Source;
use self::split::Piece;
use super::script::{Script, Statement, SyntaxError};
use super::span::Span;

/// Reads a file. What can't be read is among the errors, and the statements around it are there all the same.
pub fn parse(text: &str) -> Script {
    with_deep_stack(|| {
        let mut script = Script::default();
        for piece in split::pieces(text) {
            match piece {
                Piece::Statement(span) => match statement(text, span) {
                    Ok(statement) => script.statements.push(statement),
                    Err(error) => script.errors.push(error),
                },
                Piece::Comment(..) | Piece::Meta(..) | Piece::CopyData(_) | Piece::EndlessCopyData(_) | Piece::Unterminated { .. } => {}
            }
        }
        script
    })
}

/// One statement by itself.
fn statement(text: &str, span: Span) -> Result<Statement, SyntaxError> {
    let own = span.of(text);
    let parsed = pg_query::parse(own, 0).map_err(|error| SyntaxError { span, message: error.to_string(), help: None })?;
    let source = Source::new(own, span.start);
    let nodes = parsed.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref());
    let changes = nodes.flat_map(|node| lower::statement(&source, node)).collect();
    Ok(Statement { span, changes, directives: Vec::new() })
}

/// Runs what parses, walks or drops parse trees with room for the deepest ones that the parser lets through: about 700 levels, some
/// 30 kB each in a build without optimization. A thread and not a bigger stack under this one, since the parser measures the depth of
/// its own from the thread's beginning.
pub(crate) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
        worker.expect("a thread can be started").join()
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
