//! Databases: how to reach one, what it holds, and throwaway ones of our own. On sqlx. Knows plans, decides nothing about them.

#![allow(clippy::disallowed_methods, reason = "servers of our own and password files need files, the environment and a clock")]

pub mod postgres;
pub mod throwaway;
