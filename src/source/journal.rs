//! Drizzle's journal, `meta/_journal.json`: which files beside it are migrations, and in which order. Files that it doesn't
//! list are never run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::SourceError;

#[derive(Deserialize)]
struct Journal {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    tag: String,
}

/// The path of a journal, relative to the folder that it is about.
const PATH: &str = "meta/_journal.json";

/// What all journals among the files list: folders with one, and the place of each file.
#[derive(Debug, Default)]
pub(super) struct Journals {
    folders: Vec<String>,
    places: BTreeMap<String, usize>,
}

/// Whether the file is a journal.
pub(super) fn is_journal(path: &str) -> bool {
    folder_of(path).is_some()
}

/// The folder that a journal is about, with its slash.
fn folder_of(path: &str) -> Option<&str> {
    path.strip_suffix(PATH).filter(|folder| folder.is_empty() || folder.ends_with('/'))
}

impl Journals {
    pub(super) fn read(files: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let mut journals = Self::default();
        for (path, text) in files {
            let Some(folder) = folder_of(path) else { continue };
            let journal: Journal = serde_json::from_str(text).map_err(|error| SourceError::Journal {
                path: path.clone(),
                line: error.line(),
                reason: error.to_string(),
            })?;
            journals.folders.push(folder.to_owned());
            journals.places.extend(journal.entries.iter().enumerate().map(|(at, entry)| (format!("{folder}{}.sql", entry.tag), at)));
        }
        Ok(journals)
    }

    /// The place of a file by the journal beside it; none if there is no journal, or it doesn't list the file.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.places.get(path).copied()
    }

    /// Whether there is a journal beside the file that doesn't list it.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        self.folders.iter().any(|known| known == folder) && self.place(path).is_none()
    }
}
