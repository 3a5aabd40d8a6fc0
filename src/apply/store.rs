//! The ledger's tables in schema `concertina`: making, reading and writing them. Every write names the epoch under which it is
//! made, and one of an executor that lost its lease changes nothing.

mod read;
mod tables;
mod write;

pub(super) use read::{is_there, read};
pub(super) use tables::ensure;
pub(super) use write::{Outcome, event, fence, forget, mark, register, save_backfill};

/// Held within each transaction of an executor that changes the schema, so that two can't even if a lease was lost: the
/// letters `concerti` as a number.
pub(super) const GUARD: i64 = 0x636f_6e63_6572_7469;
