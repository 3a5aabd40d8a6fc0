//! Databases: how to reach one, what it holds, and throwaway ones of our own. On sqlx. Knows plans, decides nothing about them.

pub mod throwaway;
