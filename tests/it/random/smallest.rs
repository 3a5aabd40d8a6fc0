//! The smallest cases of the mistakes that random ones have found, as files of `fixtures/random`: the schema, then what each
//! release changes below a line `-- release`. The first line says what must come of each release.

use std::path::PathBuf;

use super::case::Case;

/// A case, by the name of its file, with what must come of it.
pub(super) struct Smallest {
    pub(super) name: String,
    pub(super) expected: String,
    pub(super) case: Case,
}

pub(super) fn all() -> Vec<Smallest> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/random");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| read(&path.file_stem().unwrap().to_string_lossy(), &std::fs::read_to_string(path).unwrap())).collect()
}

fn read(name: &str, text: &str) -> Smallest {
    let (expected, sql) = text.split_once('\n').unwrap();
    let expected = expected.strip_prefix("-- expected: ").expect("the first line says what is expected").to_owned();
    let mut parts =
        sql.split("-- release").map(|part| part.split_once('\n').filter(|(number, _)| number.len() < 4).map_or(part, |(_, sql)| sql));
    let base = parts.next().unwrap_or_default().to_owned();
    Smallest { name: name.to_owned(), expected, case: Case { base, releases: parts.map(str::to_owned).collect() } }
}
