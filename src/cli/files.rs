//! Reads and writes the project's files. Nothing is ever half-written: a new text is complete and on the disk before it
//! takes the place of the old one.

#![expect(clippy::disallowed_methods, reason = "this is where files are read and written")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::source::Interest;
use crate::sql::Position;

/// A file or folder that can't be read or written. Each says which, and why.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed; what was there before still is.
    #[error("can't write {}: {source}; nothing was changed", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there already.
    #[error("{} is there already; nothing was changed", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file isn't text.
    #[error(
        "{} is not UTF-8: line {}, column {} (byte {offset}) is {byte:#04x}; save the file as UTF-8{}",
        path.display(), position.line, position.column, utf16_help(*utf16)
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The offset of the first byte that isn't UTF-8.
        offset: usize,
        /// Its line and column.
        position: Position,
        /// That byte.
        byte: u8,
        /// Whether it begins like UTF-16.
        utf16: Utf16,
    },
    /// The file's name isn't text.
    #[error("the name of {} is not UTF-8; rename the file", path.display())]
    NameNotUtf8 {
        /// The file.
        path: PathBuf,
    },
}

/// Whether a file begins with the mark of UTF-16, which some editors write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    /// It does.
    Likely,
    /// It doesn't.
    No,
}

fn utf16_help(utf16: Utf16) -> &'static str {
    match utf16 {
        Utf16::Likely => " (it looks like UTF-16)",
        Utf16::No => "",
    }
}

/// A file's text.
pub(super) fn read(path: &Path) -> Result<String, FileError> {
    let bytes = fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..offset]);
        FileError::NotUtf8 {
            path: path.to_owned(),
            offset,
            position: Position::of(&before, before.len()),
            byte: bytes[offset],
            utf16: if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) { Utf16::Likely } else { Utf16::No },
        }
    })
}

/// A file's text, or none if there is no such file.
pub(super) fn read_if_there(path: &Path) -> Result<Option<String>, FileError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `path` is a folder; an error if there is nothing.
pub(super) fn is_folder(path: &Path) -> Result<bool, FileError> {
    fs::metadata(path).map(|kind| kind.is_dir()).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// Whether there is anything at `path`.
pub(super) fn is_there(path: &Path) -> Result<bool, FileError> {
    path.try_exists().map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// Whether both paths lead to the same folder or file.
pub(super) fn are_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// The files under `folder` that are of interest: path relative to the folder, with `/`, and text. Sorted by path. Files and
/// folders whose names begin with a dot are left out: they are an editor's or git's business.
pub(super) fn read_folder(folder: &Path, interest: impl Fn(&str) -> Interest) -> Result<Vec<(String, String)>, FileError> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    found.sort();
    let mut files = Vec::new();
    for path in found {
        match interest(&path) {
            Interest::Text => files.push((path.clone(), read(&folder.join(&path))?)),
            Interest::Name => files.push((path, String::new())),
            Interest::None => {}
        }
    }
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), FileError> {
    let unreadable = |source| FileError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(FileError::NameNotUtf8 { path });
        };
        if name.starts_with('.') {
            continue;
        }
        // Follows links: teams link folders of migrations into images and monorepos.
        if is_folder(&path)? {
            collect(&path, &format!("{prefix}{name}/"), found)?;
        } else {
            found.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// Writes a file that must not be there yet.
pub(super) fn create(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    prepare(path, text).map_err(failed)?.persist_noclobber(path).map_err(|error| {
        if error.error.kind() == io::ErrorKind::AlreadyExists { FileError::Exists { path: path.to_owned() } } else { failed(error.error) }
    })?;
    sync_folder(path).map_err(failed)
}

/// Writes a file, in place of the one that is there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    prepare(path, text).map_err(failed)?.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(path).map_err(failed)
}

/// The text, complete and on the disk, under a temporary name beside `path`. Dropped, it is gone.
fn prepare(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".concertina-");
    readable_by_all(&mut builder);
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are private by default; ours becomes a file of the project, so the user's umask decides.
#[cfg(unix)]
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable_by_all(_: &mut tempfile::Builder<'_, '_>) {}

/// A rename is durable only when its folder is, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_utf8_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sql");
        fs::write(&path, b"select 1;\n-- caf\xe9\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.ends_with("a.sql is not UTF-8: line 2, column 7 (byte 16) is 0xe9; save the file as UTF-8"), "{message}");
    }

    #[test]
    fn utf16_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sql");
        fs::write(&path, b"\xff\xfes\0e\0").unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("(it looks like UTF-16)"));
    }

    #[test]
    fn a_folder_is_read_in_one_order_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/up.sql", "a.SQL", ".git/x.sql", "b/.x.sql", "notes.md", "2_x.go"] {
            let path = folder.path().join(path);
            fs::create_dir_all(folder_of(&path)).unwrap();
            fs::write(path, "select 1;").unwrap();
        }
        let files = read_folder(folder.path(), crate::source::interest).unwrap();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.len())).collect();
        assert_eq!(files, [("2_x.go", 0), ("a.SQL", 9), ("b/up.sql", 9)]);
    }

    #[test]
    fn create_refuses_what_is_there_and_write_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plans/1.json");
        create(&path, "one").unwrap();
        assert!(matches!(create(&path, "two"), Err(FileError::Exists { .. })));
        assert_eq!(read(&path).unwrap(), "one");
        write(&path, "three").unwrap();
        assert_eq!(read(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(folder_of(&path)).unwrap().count(), 1, "no temporary file is left");
    }
}
