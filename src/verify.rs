//! The proof: a plan is run on a throwaway database, step by step, and old and new clients try everything that they know
//! between the steps. Says what was tried, and never takes silence for success.

mod shape;
mod value;
mod obey;
mod sample;
mod client;
mod chance;
mod seed;
mod shadow;
mod shared;
mod written;
mod meant;
mod step;
mod start;
mod compare;
mod journal;
mod renames;
mod carry;
mod demand;
mod reference;
mod course;
mod prove;
mod queries;
mod through;

pub use journal::{Check, CheckKind, Example, Proof, Verdict};
pub use meant::meant;
pub use prove::{Case, Options, Scope, prove};
pub use queries::{Asked, Query, read as read_queries};
pub use renames::Renames;
pub use seed::{Rows, Seeded};
pub use shadow::{Place, Shadow};
pub use written::{InTransaction, Refused, Script, begin as begin_written, run as run_written};

use crate::db::postgres::{ConnectError, SettingsError, introspect};
use crate::db::throwaway;

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no server.
    #[error(transparent)]
    Server(#[from] throwaway::Error),
    /// The shadow's URL is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The shadow can't be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its schema can't be read.
    #[error(transparent)]
    Introspect(#[from] introspect::Error),
    /// The shadow refused what has nothing to do with the plan.
    #[error("the shadow database could not be used: {source} (while running `{doing}`)")]
    Shadow {
        /// What was run.
        doing: String,
        /// The cause.
        source: sqlx::Error,
    },
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        Self::Shadow { doing: "what a client does".to_owned(), source }
    }
}
