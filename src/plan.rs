//! Recipes and the order graph: a history becomes a plan. Pure: takes values and gives values.

pub mod format;
pub mod chain;
pub mod build;
pub mod refusal;
pub mod order;
mod overtaking;
mod release;
mod retype;
mod enum_swap;
mod recipe;
mod conflict;
mod copies;
mod dependents;
mod keys;
mod keyset;
mod trigger;
mod mute;
mod compiled;
mod recalled;
mod gapless;
mod family;
mod identity;
mod probe;
mod generated;
mod hold;
mod whole;
mod draft;

pub use build::{Input, adopt, build, digest};
pub use chain::{Chain, ChainError, Link, Sorted};
pub(crate) use draft::path;
pub use format::{
    Backfill, EndedHold, Gate, Hazard, HazardKind, Held, KeyColumn, Leftover, LockMode, Milliseconds, Origin, Phase, Plan,
    PlannedMigration, Predecessor, Probe, RelationLock, Release, Start, StartColumn, Step, StepId, SyncTriggers, Transaction, Undo,
};
pub use hold::is_held;
pub(crate) use probe::UNKNOWABLE;
pub(crate) use recipe::release_view::{SHOW, TAKE_OVER, schema as views_schema};
pub use refusal::Refusal;
