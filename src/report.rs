//! Any value of the floors below as text, JSON and the like. Pure.

pub mod difference;
pub mod findings;
pub mod plan;
pub mod problems;
pub mod rules;
pub mod status;
pub mod steps;
pub mod verify;
