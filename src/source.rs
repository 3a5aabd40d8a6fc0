//! Where migrations come from: a folder of files, in the order in which they are applied. Takes names and texts, reads nothing.

use serde::{Deserialize, Serialize};

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Its path relative to the migrations folder, with `/`.
    pub path: String,
    /// What it is ordered and told apart by.
    pub version: String,
    /// The file as it is.
    pub text: String,
    /// The part of `text` (bytes) that is applied on the way up.
    pub up: std::ops::Range<usize>,
    /// Whether its runner wraps it in a transaction.
    pub transaction: RunnerTransaction,
}

/// Whether the migration's own tool runs it in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunnerTransaction {
    /// It does.
    Wrapped,
    /// It doesn't, or the file asks it not to.
    Unwrapped,
}
