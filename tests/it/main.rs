//! The one integration binary: a module for each file beside it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests live in the outside world: they run programs, write files and look at the clock"
)]

mod architecture;
mod project;
mod bad_input;
mod init;
mod pages;
mod reading;
mod mistakes;
mod any_text;
mod introspect;
mod measured;
mod findings;
mod fold;
mod rules;
mod schema_oracle;
mod support;
mod clients;
mod load;
mod recipes;
mod recipes_report;
mod planning;
mod connect;
mod throwaway;
mod tutorial;
mod verify;
mod random;
mod deploy;
mod apply_phases;
mod apply_kills;
mod apply_together;
mod apply_refusals;
mod apply_backfill;
mod rollback;
mod hold;
mod bootstrap;
