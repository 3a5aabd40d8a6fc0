//! PostgreSQL's dialect, read with its own parser.

mod built_in;
mod source;
mod tree;
mod scope;
mod walker;
mod mark;
pub mod resolve;
mod split;
mod mistake;
mod meta;
mod directive;
mod lower;
pub mod narrow;
mod renamed;
mod compared;
mod by_name;

use pg_query::NodeRef;
use pg_query::protobuf::AConst;
use pg_query::protobuf::a_const::Val;

pub use self::by_name::{ByName, by_name};
pub use self::compared::compared;
use self::meta::Meta;
use self::mistake::Mistake;
pub use self::renamed::with_column_renamed;
use self::source::Source;
use self::split::{Piece, Place};
use super::directive::Directive;
use super::script::{Script, Skipped, Statement, SyntaxError};
use super::span::Span;

/// Reads a file. What can't be read is among the errors, and the statements around it are there all the same.
pub fn parse(text: &str) -> Script {
    with_deep_stack(|| {
        let mut reader = Reader { text, script: Script::default(), directives: Vec::new(), spoiled: None, has_nul: false };
        for piece in split::pieces(text) {
            reader.read(piece);
        }
        reader.finish()
    })
}

struct Reader<'a> {
    text: &'a str,
    script: Script,
    /// What stands above the next statement.
    directives: Vec<Directive>,
    /// The last meta-command inside of a statement, which can't be parsed then.
    spoiled: Option<Span>,
    /// Whether a NUL byte was found: one error about it is enough.
    has_nul: bool,
}

impl Reader<'_> {
    fn read(&mut self, piece: Piece) {
        match piece {
            Piece::Statement(span) => self.statement(span),
            Piece::Comment(span, place) => self.comment(span, place),
            Piece::Meta(span, place) => match meta::read(self.text, span, place) {
                Meta::Skipped(skipped) => self.script.skipped.push(skipped),
                Meta::Refused(error) => {
                    self.spoiled = (place == Place::Inside).then_some(span);
                    self.script.errors.push(error);
                }
            },
            Piece::CopyData(span) => {
                self.script.skipped.push(Skipped { span, reason: "the rows of a COPY are data, not schema".to_owned() });
            }
            Piece::EndlessCopyData(span) => self.script.errors.push(meta::endless_copy_data(self.text, span)),
            Piece::Unterminated { opening, what } => {
                self.directives.clear();
                self.script.errors.push(meta::unterminated(opening, what));
            }
        }
    }

    fn comment(&mut self, span: Span, place: Place) {
        match (directive::read(self.text, span), place) {
            (None, _) => {}
            (Some(Err(error)), _) => self.script.errors.push(error),
            (Some(Ok(directive)), Place::Between) => self.directives.push(directive),
            (Some(Ok(_)), Place::Behind) => self.script.errors.push(directive::misplaced(span, "the directive stands behind a statement")),
            (Some(Ok(_)), Place::Inside) => {
                self.script.errors.push(directive::misplaced(span, "the directive stands inside of a statement"));
            }
        }
    }

    fn statement(&mut self, span: Span) {
        let directives = std::mem::take(&mut self.directives);
        self.script.errors.extend(directive::twice(&directives));
        if self.spoiled.take().is_some_and(|inside| span.start < inside.start && inside.end <= span.end) {
            return;
        }
        if let Some(at) = span.of(self.text).find('\0') {
            if !std::mem::replace(&mut self.has_nul, true) {
                self.script.errors.push(nul(span.start + at));
            }
            return;
        }
        match parsed(self.text, span) {
            Ok(statement) => self.script.statements.push(Statement { directives, ..statement }),
            Err(Mistake { error, next }) => {
                self.script.errors.push(error);
                self.without_semicolon(span, next, directives);
            }
        }
    }

    /// Two statements without a semicolon between them are still two, if each can be read.
    fn without_semicolon(&mut self, span: Span, next: Option<usize>, directives: Vec<Directive>) {
        let Some(at) = next else { return };
        let first = self.text[span.start..span.start + at].trim_end();
        let (first, second) = (Span { start: span.start, end: span.start + first.len() }, Span { start: span.start + at, end: span.end });
        let first = parsed(self.text, first);
        let second = parsed(self.text, second);
        if let (Ok(first), Ok(second)) = (first, second) {
            self.script.statements.push(Statement { directives, ..first });
            self.script.statements.push(second);
        }
    }

    fn finish(mut self) -> Script {
        let left = std::mem::take(&mut self.directives);
        let errors = left.iter().map(|directive| directive::misplaced(directive.span, "the directive has no statement below it"));
        self.script.errors.extend(errors);
        self.script.errors.sort_by_key(|error| error.span);
        self.script
    }
}

/// One statement by itself.
fn parsed(text: &str, span: Span) -> Result<Statement, Mistake> {
    let own = span.of(text);
    let parsed = pg_query::parse(own, 0).map_err(|error| mistake::find(own, span.start, &error))?;
    let source = Source::new(own, span.start);
    let nodes = parsed.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref());
    let changes = nodes.flat_map(|node| lower::statement(&source, node)).collect();
    Ok(Statement { span, changes, directives: Vec::new() })
}

fn nul(at: usize) -> SyntaxError {
    SyntaxError {
        span: Span { start: at, end: at + 1 },
        message: "the statement holds a NUL byte".to_owned(),
        help: Some("save the file as UTF-8: one in UTF-16 has such bytes all over".to_owned()),
    }
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

/// What a string constant says, if the text is one and nothing else.
pub fn constant_text(text: &str) -> Option<String> {
    if pg_query::scan_tokens(text).ok()?.len() != 1 {
        return None;
    }
    let parsed = pg_query::parse(&format!("SELECT {text}"), 0).ok()?;
    parsed.protobuf.nodes().into_iter().find_map(|(node, ..)| {
        if let NodeRef::AConst(AConst { val: Some(Val::Sval(text)), .. }) = node { Some(text.sval.clone()) } else { None }
    })
}
