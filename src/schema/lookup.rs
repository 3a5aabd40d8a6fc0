//! What a look into the catalog can answer. Says "nobody can tell" where that is the truth.

use serde::{Deserialize, Serialize};

/// What a look into the catalog can answer. Not an `Option`: "there is none" and "nobody can tell" are different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lookup<T> {
    /// It is there, and this is it.
    Known(T),
    /// It isn't there.
    Absent,
    /// A statement that can't be read may have made, changed or dropped it.
    Unknown,
}

impl<T> Lookup<T> {
    /// What is known, if anything is.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The same answer by reference.
    pub fn as_ref(&self) -> Lookup<&T> {
        match self {
            Self::Known(value) => Lookup::Known(value),
            Self::Absent => Lookup::Absent,
            Self::Unknown => Lookup::Unknown,
        }
    }
}
