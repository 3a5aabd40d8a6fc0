//! Recipes and the order graph: a history becomes a plan. Pure: takes values and gives values.

pub mod format;

pub use format::{
    Backfill, Gate, Hazard, HazardKind, Held, LockMode, Milliseconds, Origin, Phase, Plan, PlannedMigration, Predecessor, Probe,
    RelationLock, Release, Start, StartColumn, Step, StepId, Transaction, Undo,
};
