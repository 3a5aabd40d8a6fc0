//! Text to statements to changes, and back: the only place that parses, quotes and writes SQL. Never fails: gives values
//! and syntax errors.

pub mod span;
pub mod directive;
pub mod script;
pub mod postgres;
pub mod write;

pub use directive::Directive;
pub use script::{Lowered, Script, Skipped, Statement, SyntaxError, Within, runs_apart};
pub use span::{Position, Span};
