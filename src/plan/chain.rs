//! The chain of plans: each names the one before it, and each migration belongs to the first plan that lists it.

use std::collections::BTreeMap;

use thiserror::Error;

use super::build::digest;
use super::format::{FORMAT, Plan, Release, Step};
use crate::source::Migration;

/// A plan file, read.
#[derive(Debug, Clone)]
pub struct Link {
    /// The file's name within the plans folder.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub digest: String,
    /// What it says.
    pub plan: Plan,
}

/// All plans, first to last.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    links: Vec<Link>,
}

/// What is wrong with the plans, or between them and the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// The file is no plan.
    #[error("plan file `{file}` can't be read: {reason}; restore it from version control, or plan the release again")]
    NotAPlan {
        /// The file.
        file: String,
        /// What the JSON parser says, with line and column.
        reason: String,
    },
    /// It is of another version of the format.
    #[error("plan file `{file}` has the format `{found}`, this version of concertina reads `{FORMAT}`")]
    Format {
        /// The file.
        file: String,
        /// The format it names.
        found: String,
    },
    /// Two files plan one release.
    #[error("`{first}` and `{second}` both plan release {release}; delete one of them")]
    SameRelease {
        /// The release.
        release: Release,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// No plan is the first.
    #[error(
        "no plan in the folder is the first of the chain: `{file}` names release {predecessor} before it, and that plan is missing; restore its file"
    )]
    Missing {
        /// The file whose predecessor is missing.
        file: String,
        /// The release that it names.
        predecessor: Release,
    },
    /// Two plans claim the same place.
    #[error("`{first}` and `{second}` both follow {after}; merge them: delete the one that is not deployed yet and plan its release again")]
    Fork {
        /// One file.
        first: String,
        /// The other.
        second: String,
        /// What both follow.
        after: String,
    },
    /// A plan was changed after its successor was made.
    #[error(
        "`{file}` was made after another version of the plan of release {predecessor}; restore that plan, or plan release {release} again"
    )]
    Broken {
        /// The successor's file.
        file: String,
        /// Its release.
        release: Release,
        /// The release whose plan has changed.
        predecessor: Release,
    },
    /// A planned migration is not what it was.
    #[error("migration `{path}` was changed after release {release} was planned; restore it and put the change into a new migration")]
    Edited {
        /// The migration.
        path: String,
        /// The release that lists it.
        release: Release,
    },
    /// A planned migration is gone.
    #[error("migration `{path}` is gone, but release {release} lists it; restore the file")]
    Deleted {
        /// The migration.
        path: String,
        /// The release that lists it.
        release: Release,
    },
    /// The release is not the last one.
    #[error("release {release} is planned already, and `{successor}` builds on that plan; plan a new release instead")]
    NotTheLast {
        /// The release.
        release: Release,
        /// The file that follows.
        successor: String,
    },
}

impl Chain {
    /// Puts plan files, given as name and text, into their order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(files: &[(String, String)]) -> Result<Self, Vec<ChainError>> {
        let mut errors = Vec::new();
        let mut links = Vec::new();
        for (file, text) in files {
            match link(file, text) {
                Ok(link) => links.push(link),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        arrange(links)
    }

    /// The plans, first to last.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The last plan.
    pub fn last(&self) -> Option<&Link> {
        self.links.last()
    }

    /// The plan of a release.
    pub fn get(&self, release: &Release) -> Option<&Link> {
        self.links.iter().find(|link| &link.plan.release == release)
    }

    /// The chain without the plan of `release`, which must be its last: to plan that release anew.
    ///
    /// # Errors
    /// If plans follow it.
    pub fn before(mut self, release: &Release) -> Result<Self, ChainError> {
        match self.links.iter().position(|link| &link.plan.release == release) {
            None => Ok(self),
            Some(at) => {
                if let Some(next) = self.links.get(at + 1) {
                    return Err(ChainError::NotTheLast { release: release.clone(), successor: next.file.clone() });
                }
                self.links.truncate(at);
                Ok(self)
            }
        }
    }

    /// Sorts the migrations into those that plans list, in the order of the plans, and those that are pending.
    ///
    /// # Errors
    /// Migrations that were edited or deleted after they were planned.
    pub fn sort(&self, migrations: Vec<Migration>) -> Result<Sorted, Vec<ChainError>> {
        let mut errors = Vec::new();
        let mut by_path: BTreeMap<String, Migration> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for migration in migrations {
            order.push(migration.path.clone());
            by_path.insert(migration.path.clone(), migration);
        }
        let mut planned = Vec::new();
        for link in &self.links {
            for listed in &link.plan.migrations {
                let release = link.plan.release.clone();
                match by_path.remove(&listed.path) {
                    None => errors.push(ChainError::Deleted { path: listed.path.clone(), release }),
                    Some(migration) if digest(migration.text.as_bytes()) != listed.sha256 => {
                        errors.push(ChainError::Edited { path: listed.path.clone(), release });
                    }
                    Some(migration) => planned.push(migration),
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let pending = order.iter().filter_map(|path| by_path.remove(path)).collect();
        Ok(Sorted { planned, pending })
    }

    /// The contract steps that earlier releases left: those that are due in the next deploy, and those that aren't yet.
    pub fn left_to_contract(&self) -> (Vec<Step>, Vec<Step>) {
        let next = self.links.len();
        let left: Vec<Step> = self.last().map(|last| last.plan.deferred.clone()).unwrap_or_default();
        left.into_iter().partition(|step| {
            let introduced = self.links.iter().position(|link| link.plan.release == step.introduced_by).unwrap_or(0);
            next - introduced >= step.due_after.map_or(1, |after| after as usize)
        })
    }
}

/// Migrations by whether a plan lists them.
#[derive(Debug, Clone)]
pub struct Sorted {
    /// Listed, in the order of the plans.
    pub planned: Vec<Migration>,
    /// In no plan, in the order of the folder.
    pub pending: Vec<Migration>,
}

fn link(file: &str, text: &str) -> Result<Link, ChainError> {
    let format = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| value.get("format").and_then(|format| format.as_str().map(str::to_owned)));
    if let Some(found) = format
        && found != FORMAT
    {
        return Err(ChainError::Format { file: file.to_owned(), found });
    }
    let plan: Plan =
        serde_json::from_str(text).map_err(|error| ChainError::NotAPlan { file: file.to_owned(), reason: error.to_string() })?;
    Ok(Link { file: file.to_owned(), digest: digest(text.as_bytes()), plan })
}

fn arrange(links: Vec<Link>) -> Result<Chain, Vec<ChainError>> {
    let mut errors = Vec::new();
    for (at, link) in links.iter().enumerate() {
        for other in &links[..at] {
            if other.plan.release == link.plan.release {
                errors.push(ChainError::SameRelease {
                    release: link.plan.release.clone(),
                    first: other.file.clone(),
                    second: link.file.clone(),
                });
            } else if predecessor(other) == predecessor(link) {
                let after = predecessor(link)
                    .map_or_else(|| "nothing (each is the first of a chain)".to_owned(), |release| format!("release {release}"));
                errors.push(ChainError::Fork { first: other.file.clone(), second: link.file.clone(), after });
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut rest = links;
    let mut chain: Vec<Link> = Vec::new();
    while let Some(at) = rest.iter().position(|link| predecessor(link) == chain.last().map(|last| &last.plan.release)) {
        chain.push(rest.swap_remove(at));
    }
    for link in &rest {
        if let Some(predecessor) = predecessor(link) {
            errors.push(ChainError::Missing { file: link.file.clone(), predecessor: predecessor.clone() });
        }
    }
    for pair in chain.windows(2) {
        if let [before, after] = pair
            && after.plan.predecessor.as_ref().is_some_and(|named| named.digest != before.digest)
        {
            errors.push(ChainError::Broken {
                file: after.file.clone(),
                release: after.plan.release.clone(),
                predecessor: before.plan.release.clone(),
            });
        }
    }
    if errors.is_empty() { Ok(Chain { links: chain }) } else { Err(errors) }
}

fn predecessor(link: &Link) -> Option<&Release> {
    link.plan.predecessor.as_ref().map(|predecessor| &predecessor.release)
}
