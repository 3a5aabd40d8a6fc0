//! The one integration binary: a module for each file beside it.

mod support;
mod throwaway;
