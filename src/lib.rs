//! Zero-downtime schema changes from the SQL migrations that a team already writes.
//!
//! Read `docs/architecture.md` first. A floor may use the floors listed above it here, and nothing else of the crate;
//! `tests/it/architecture.rs` holds the table.

pub mod schema;
pub mod engine;
pub mod source;
pub mod sql;
pub mod history;
pub mod plan;
pub mod lint;
pub mod db;
pub mod apply;
pub mod verify;
pub mod report;
pub mod cli;
