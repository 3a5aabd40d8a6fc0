//! The exit codes of the program. Each has one meaning, for all commands; docs/exit-codes.md explains them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// Lint has findings, or the committed plan is not what the migrations give.
    Findings = 1,
    /// Bad input or usage; nothing was changed.
    Input = 2,
    /// A gate is shut: try later.
    GateShut = 3,
    /// No lock within the budget, or another executor is at work: try again.
    LockNotFree = 4,
    /// A step failed; the ledger says where.
    StepFailed = 5,
    /// Stopped by SIGINT between two steps or chunks; the same command goes on from there.
    Interrupted = 130,
    /// The same by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// Every one, in the order of their codes.
    pub const ALL: [Self; 8] =
        [Self::Done, Self::Findings, Self::Input, Self::GateShut, Self::LockNotFree, Self::StepFailed, Self::Interrupted, Self::Terminated];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
