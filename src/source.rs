//! Where migrations come from: a folder of files, in the order in which they are applied. Takes names and texts, reads
//! nothing, and never guesses: a file that it leaves out is named, with the reason.

mod layout;
mod version;
mod section;
mod journal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use journal::Journals;
use layout::{Dialect, Found, Role};
use version::Version;

pub use layout::Interest;

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Its path relative to the migrations folder, with `/`.
    pub path: String,
    /// What it is ordered and told apart by.
    pub version: String,
    /// The file as it is.
    pub text: String,
    /// The part of `text` (bytes) that is applied on the way up.
    pub up: std::ops::Range<usize>,
    /// Whether its runner wraps it in a transaction.
    pub transaction: RunnerTransaction,
}

/// Whether the migration's own tool runs it in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunnerTransaction {
    /// It does.
    Wrapped,
    /// It sends the file as one string, as psql -c, Prisma and golang-migrate do: several statements are one transaction,
    /// one alone is none.
    IfSeveral,
    /// It does, unless one of the statements can't be run in a transaction, as Flyway has it.
    UnlessApart,
    /// It doesn't, or the file asks it not to.
    Unwrapped,
}

impl RunnerTransaction {
    /// Whether a file of that many statements is run in one transaction; `apart` says that one of them can't be.
    pub fn wraps(self, statements: usize, apart: bool) -> bool {
        match self {
            Self::Wrapped => true,
            Self::IfSeveral => statements > 1,
            Self::UnlessApart => !apart,
            Self::Unwrapped => false,
        }
    }
}

/// A folder's migrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// In the order in which they are applied.
    pub migrations: Vec<Migration>,
    /// What else is there, by path.
    pub left_out: Vec<LeftOut>,
    /// Migrations that share a version, and come in the order of their names.
    pub same_version: Vec<SameVersion>,
}

/// Two migrations with one version: some tools take that, and go by the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameVersion {
    /// The one that comes first.
    pub first: String,
    /// The one that comes after it.
    pub second: String,
    /// Their version.
    pub version: String,
}

impl std::fmt::Display for SameVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} and {} have the same version, `{}`: they are taken in this order, by their names",
            self.first, self.second, self.version
        )
    }
}

/// A file that is not a migration, or none for us.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its path relative to the migrations folder.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why a file is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is the way down of a migration.
    Down,
    /// It is for another engine, by its name.
    OtherEngine,
    /// It has no version, and other files have.
    NoVersion,
    /// It is a program. What it does to the schema is not known.
    Program,
    /// Drizzle's journal beside it doesn't list it.
    NotInJournal,
}

impl Reason {
    /// Whether the schema may lack something because the file is left out.
    pub fn is_worth_a_note(self) -> bool {
        match self {
            Self::NoVersion | Self::Program | Self::NotInJournal => true,
            Self::Down | Self::OtherEngine => false,
        }
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = match self.reason {
            Reason::Down => "is the way down",
            Reason::OtherEngine => "is for another database engine",
            Reason::NoVersion => "is left out: it has no version, and other files have",
            Reason::Program => "is left out: it is a program, and what it does to the schema is not known",
            Reason::NotInJournal => "is left out: meta/_journal.json doesn't list it",
        };
        write!(f, "{} {reason}", self.path)
    }
}

/// Files that are not a sequence of migrations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Two files have one version, and their tool refuses that.
    #[error("{first} and {second} have the same version, `{version}`; give one of them another version")]
    SameVersion {
        /// The one that comes first by name.
        first: String,
        /// The other.
        second: String,
        /// Their version.
        version: String,
    },
    /// Drizzle's journal can't be read.
    #[error("{path}:{line}: the journal can't be read: {reason}; restore it, or have drizzle-kit write it again")]
    Journal {
        /// The file.
        path: String,
        /// The line.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A file has a way down, or a second way up, where its way up should be.
    #[error("{path}:{line}: {marker} stands in the wrong place; a file has one way up, and then one way down")]
    Sections {
        /// The file.
        path: String,
        /// The marker's line.
        line: u32,
        /// The marker.
        marker: String,
    },
}

/// What `folder` wants to know of a file: its text, its name, or nothing.
pub fn interest(path: &str) -> Interest {
    layout::interest(path)
}

/// The migrations among `files` (path and text), in the order in which they are applied.
///
/// # Errors
/// If two of Flyway's have one version, a journal can't be read, or the sections of a file make no sense.
pub fn folder(files: impl IntoIterator<Item = (String, String)>) -> Result<Folder, SourceError> {
    let files: BTreeMap<String, String> = files.into_iter().collect();
    let journals = Journals::read(&files)?;
    let mut folder = Folder::default();
    let mut found: BTreeMap<Version, Vec<(Found, &str)>> = BTreeMap::new();
    for path in files.keys() {
        match layout::role(path) {
            _ if journals.leaves_out(path) && !journal::is_journal(path) => {
                folder.left_out.push(LeftOut { path: path.clone(), reason: Reason::NotInJournal });
            }
            Role::LeftOut(reason) => folder.left_out.push(LeftOut { path: path.clone(), reason }),
            Role::Settings => {}
            Role::Migration(this) => {
                let version = journals.place(path).map_or_else(|| this.version.clone(), Version::place);
                place((this, path), found.entry(version).or_default(), &mut folder.left_out);
            }
        }
    }
    let versioned = found.keys().any(Version::is_number);
    for (version, alike) in found {
        let alike = without_ways_down(alike, &mut folder.left_out);
        let paths: Vec<&str> = alike.iter().map(|(_, path)| *path).collect();
        for pair in paths.windows(2) {
            let (first, second) = (pair[0].to_owned(), pair[1].to_owned());
            let version = version.to_string();
            if layout::is_flyways(&first) && layout::is_flyways(&second) {
                return Err(SourceError::SameVersion { first, second, version });
            }
            folder.same_version.push(SameVersion { first, second, version });
        }
        for (this, path) in alike {
            if versioned && version.is_bare_name() {
                folder.left_out.push(LeftOut { path: path.to_owned(), reason: Reason::NoVersion });
            } else {
                let settings = layout::settings_of(path).and_then(|settings| files.get(&settings)).map(String::as_str);
                folder.migrations.push(migration(path, version.to_string(), &files[path], this.transaction, settings)?);
            }
        }
    }
    folder.left_out.sort();
    Ok(folder)
}

/// One file by itself, whatever its name. Its path is its version.
///
/// # Errors
/// If its sections make no sense.
pub fn file(path: &str, text: &str) -> Result<Migration, SourceError> {
    let transaction = match layout::role(path) {
        Role::Migration(found) => found.transaction,
        Role::LeftOut(_) | Role::Settings => RunnerTransaction::IfSeveral,
    };
    migration(path, path.to_owned(), text, transaction, None)
}

/// Puts a migration beside those of the same version. One for this engine alone wins over one for all.
fn place<'a>(this: (Found, &'a str), alike: &mut Vec<(Found, &'a str)>, left_out: &mut Vec<LeftOut>) {
    alike.push(this);
    if alike.iter().any(|(found, _)| found.dialect == Dialect::PostgreSql) {
        let (losers, winners) = std::mem::take(alike).into_iter().partition(|(found, _)| found.dialect == Dialect::Any);
        *alike = winners;
        let loser = |(_, path): (Found, &str)| LeftOut { path: path.to_owned(), reason: Reason::OtherEngine };
        left_out.extend(Vec::into_iter(losers).map(loser));
    }
}

/// Of files with one version, `7_name_down.sql` is the way down of the others.
fn without_ways_down<'a>(alike: Vec<(Found, &'a str)>, left_out: &mut Vec<LeftOut>) -> Vec<(Found, &'a str)> {
    let (down, up): (Vec<_>, Vec<_>) = alike.into_iter().partition(|(_, path)| layout::says_down(path));
    if up.is_empty() {
        return down;
    }
    left_out.extend(down.into_iter().map(|(_, path)| LeftOut { path: path.to_owned(), reason: Reason::Down }));
    up
}

fn migration(
    path: &str,
    version: String,
    text: &str,
    by_layout: RunnerTransaction,
    settings: Option<&str>,
) -> Result<Migration, SourceError> {
    let section = section::up(path, text)?;
    let unwrapped = settings.is_some_and(section::settings_unwrap);
    let transaction = if unwrapped { RunnerTransaction::Unwrapped } else { section.transaction.unwrap_or(by_layout) };
    Ok(Migration { path: path.to_owned(), version, text: text.to_owned(), up: section.up, transaction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &[&str]) -> Result<Folder, SourceError> {
        folder(paths.iter().map(|path| ((*path).to_owned(), String::new())))
    }

    /// The folder's migrations are those, in that order; `paths` is given in another one.
    fn check(expected: &[&str], left_out: &[(&str, Reason)]) {
        let mut paths: Vec<_> = expected.iter().chain(left_out.iter().map(|(path, _)| path)).copied().collect();
        paths.reverse();
        let folder = read(&paths).unwrap();
        let found: Vec<_> = folder.migrations.iter().map(|migration| migration.path.as_str()).collect();
        assert_eq!(found, expected);
        let found: Vec<_> = folder.left_out.iter().map(|left_out| (left_out.path.as_str(), left_out.reason)).collect();
        assert_eq!(found, left_out);
    }

    #[test]
    fn files_come_in_the_order_of_their_versions() {
        check(&["V1__a.sql", "V1.1__b.sql", "V1_2__c.sql", "V2__d.sql", "V10__e.sql", "R__views.sql"], &[("U2__d.sql", Reason::Down)]);
        check(&["1_a.sql", "2_b.sql", "10_c.sql", "0011_d.sql"], &[]);
        check(&["9_z.sql", "20240101120000_a.sql", "20240101120001_a.sql"], &[]);
        check(&["a2.sql", "a10.sql", "b1.sql"], &[]);
        check(&["v1.sql", "v2_x.sql", "v10.sql"], &[]);
        check(&["2024-01-01_x.sql", "2024-01-01-120000_y.sql", "20240102000000_z.sql"], &[]);
        check(&["2020-12-10-000000_a/up.sql", "2020-12-7-190800_b/up.sql", "2021-01-01-000000_c/up.sql"], &[]);
        check(&["core/0001_a.sql", "billing/0002_a.sql"], &[]);
        check(&["2024-01-01-120000_b/up.sql", "2024-01-01-120000-0000_a/up.sql", "2024-01-01-120000-0001_a/up.sql"], &[]);
    }

    #[test]
    fn folders_of_tools_are_recognised() {
        check(
            &["2019-02-26-002946_create_user/up.sql", "2019-02-27-170003_create_community/up.sql"],
            &[("2019-02-26-002946_create_user/down.sql", Reason::Down)],
        );
        check(&["0_init/migration.sql", "20210103121212_a/migration.sql", "20210103121212_b/migration.sql"], &[]);
        check(&["000001_a.up.sql", "000002_b.up.sql"], &[("000001_a.down.sql", Reason::Down)]);
        check(
            &["20200101_a.postgres.up.sql", "20200102_b.up.sql", "20200103_c.autocommit.up.sql"],
            &[
                ("20200101_a.cockroach.up.sql", Reason::OtherEngine),
                ("20200101_a.up.sql", Reason::OtherEngine),
                ("20200102_b.postgres.down.sql", Reason::Down),
                ("20200102_b.sqlite3.up.sql", Reason::OtherEngine),
            ],
        );
    }

    #[test]
    fn what_is_left_out_is_named() {
        check(&["0001_a.sql"], &[("0002_b.go", Reason::Program), ("0003_c.down.go", Reason::Down), ("seed.sql", Reason::NoVersion)]);
        check(&["a.sql", "seed.sql"], &[]);
    }

    #[test]
    fn two_files_with_one_version_are_an_error_where_flyway_makes_it_one() {
        for (first, second, version) in [("V01__b.sql", "V1__a.sql", "1"), ("V1.0__b.sql", "V1__a.sql", "1")] {
            let error = read(&[second, first]).unwrap_err();
            let expected = format!("{first} and {second} have the same version, `{version}`; give one of them another version");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn elsewhere_files_with_one_version_come_by_their_names_and_are_told() {
        for (first, second, version) in
            [("0002_a.sql", "2_b.sql", "2"), ("20240101120000_a.sql", "x/20240101120000_b.up.sql", "20240101120000")]
        {
            check(&[first, second], &[]);
            let told = read(&[second, first]).unwrap().same_version;
            let expected = SameVersion { first: first.to_owned(), second: second.to_owned(), version: version.to_owned() };
            assert_eq!(told, [expected]);
        }
    }

    #[test]
    fn a_name_that_says_down_is_the_way_down_of_its_version() {
        check(&["1_a_up.sql", "2_b.up.sql", "3_pull_down.sql"], &[("1_a_down.sql", Reason::Down), ("2_b_down.sql", Reason::Down)]);
    }

    #[test]
    fn numbered_folders_come_before_the_numbers_in_them() {
        check(&["0/01_a.up.sql", "0/02_b.up.sql", "2/01_a.up.sql", "10/01_a.up.sql"], &[]);
        check(&["2023/20230101_a.sql", "2024/20240101_a.sql"], &[]);
    }

    #[test]
    fn a_journal_says_which_files_are_migrations_and_in_which_order() {
        let files = [
            ("0000_b.sql", ""),
            ("0001_a.sql", ""),
            ("0001_c.sql", ""),
            ("meta/_journal.json", r#"{"entries": [{"idx": 0, "tag": "0001_c"}, {"idx": 1, "tag": "0000_b"}]}"#),
        ];
        let read = |files: &[(&str, &str)]| folder(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        let folder = read(&files).unwrap();
        let paths: Vec<&str> = folder.migrations.iter().map(|migration| migration.path.as_str()).collect();
        assert_eq!(paths, ["0001_c.sql", "0000_b.sql"]);
        assert_eq!(folder.left_out, [LeftOut { path: "0001_a.sql".to_owned(), reason: Reason::NotInJournal }]);
        let error = read(&[("meta/_journal.json", "{")]).unwrap_err().to_string();
        assert!(error.starts_with("meta/_journal.json:1: the journal can't be read"), "{error}");
    }

    #[test]
    fn settings_beside_a_migration_take_its_transaction_away() {
        for (path, settings_path, settings) in [
            ("2019-01-01-000000_a/up.sql", "2019-01-01-000000_a/metadata.toml", "run_in_transaction = false\n"),
            ("V1__a.sql", "V1__a.sql.conf", "executeInTransaction=false"),
        ] {
            assert!(matches!(interest(settings_path), Interest::Text), "{settings_path}");
            let files = [(path, "drop table a"), (settings_path, settings)].map(|(path, text)| (path.to_owned(), text.to_owned()));
            let folder = folder(files).unwrap();
            assert_eq!(folder.migrations[0].transaction, RunnerTransaction::Unwrapped);
        }
    }

    #[test]
    fn programs_count_only_under_a_version() {
        for (path, expected) in [
            ("00002_fill.go", Interest::Name),
            ("20240101120000_fill/migration.ts", Interest::Name),
            ("V2__fill.java", Interest::Name),
            ("main.go", Interest::None),
            ("helpers/up.ts", Interest::None),
            ("00001_a.sql", Interest::Text),
            ("README.md", Interest::None),
        ] {
            assert_eq!(interest(path), expected, "{path}");
        }
    }

    #[test]
    fn one_file_may_have_any_name() {
        assert_eq!(file("down.sql", "select 1").unwrap().up, 0..8);
    }
}
