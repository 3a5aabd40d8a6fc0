//! Runs plans on a live database: what comes next is decided without it, doing it is thin. Must never write to the
//! database without holding the lease.

#![allow(clippy::disallowed_methods, reason = "waits, retries and progress are measured")]
