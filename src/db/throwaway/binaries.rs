//! Finds the binaries of a PostgreSQL server on this machine. Never installs any.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;

/// A folder with the programs of one PostgreSQL version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Where they are.
    pub folder: PathBuf,
    /// Their major version.
    pub major: u32,
}

/// Where distributions put them, each with a folder per major version below.
const HOMES: [&str; 4] = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/postgresql", "/usr/pgsql"];

/// Looks in the given folder only; else where `pg_config` points, where distributions put them, and in `PATH`: the newest,
/// or the newest of the wanted major version.
pub fn find(explicit: Option<&Path>, major: Option<u32>) -> Result<Binaries, Error> {
    let folders = match explicit {
        Some(folder) => vec![folder.to_owned()],
        None => candidates(),
    };
    folders
        .into_iter()
        .filter_map(|folder| examine(&folder))
        .filter(|found| major.is_none_or(|wanted| found.major == wanted))
        .max_by_key(|found| found.major)
        .ok_or(Error::NotInstalled { wanted: major })
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for home in HOMES {
        let Ok(versions) = std::fs::read_dir(home) else { continue };
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders
}

/// Only a folder with both programs is of use: distributions put clients alone into `/usr/bin`. Links are followed, since
/// beside a link to `initdb` the other programs may be missing.
fn examine(folder: &Path) -> Option<Binaries> {
    let folder = std::fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned();
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { folder, major })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-1)` or `postgres (PostgreSQL) 19beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        let check = |text, expected| assert_eq!(major(text), expected, "{text}");
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15));
        check("postgres (PostgreSQL) 19beta1\n", Some(19));
        check("something else", None);
    }
}
