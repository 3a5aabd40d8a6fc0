//! The shape of the house, enforced: which floor may use which, what every file opens with, how long it may be.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A file may use its own floor and those in the rows above its own, nothing else of the
/// crate. Floors in one row don't know each other.
const FLOORS: [&[&str]; 10] = [
    &["schema"],
    &["engine"],
    &["source"],
    &["sql"],
    &["history"],
    &["plan", "lint"],
    &["db"],
    &["apply", "verify"],
    &["report"],
    &["cli"],
];

/// Lines of code that a file may have, comments, blank lines and its tests apart. Near 400 it wants to be two already; the rest
/// is for the one enum that names every change.
const LONGEST: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 7] = ["common", "helpers", "helper", "misc", "mod", "util", "utils"];

fn rank(floor: &str) -> Option<usize> {
    FLOORS.iter().position(|row| row.contains(&floor))
}

/// A file of Rust under the package's root.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The lines that are code, numbered from 1, without the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines());
        lines.take_while(|(_, line)| *line != "#[cfg(test)]").filter(|(_, line)| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with("//")
        })
    }

    /// The module path within the crate: `["sql", "span"]` of `src/sql/span.rs`; empty for the roots.
    fn module(&self) -> Vec<&str> {
        let Ok(path) = self.path.strip_prefix("src") else { return Vec::new() };
        let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).map(|part| part.trim_end_matches(".rs")).collect();
        if matches!(parts[..], ["lib" | "main"]) { Vec::new() } else { parts }
    }
}

/// Every file of Rust in `folder`, sorted.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| Source { text: fs::read_to_string(&path).unwrap(), path: path.strip_prefix(root).unwrap().to_owned() };
    files.into_iter().map(read).collect()
}

/// The first segments of what is named after `crate::` in `line`, with one level of braces opened.
fn roots_named(line: &str) -> Vec<&str> {
    let mut roots = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        // `$crate::` in a macro counts as well; a longer word that ends in `crate` doesn't.
        if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => roots.extend(top_level_items(group).into_iter().map(first_segment)),
            None => roots.push(first_segment(rest)),
        }
    }
    roots
}

/// The items of a group `a::{b, c}, d}` that stand directly in it.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&group[start..]);
    items
}

fn first_segment(path: &str) -> &str {
    let path = path.trim_start();
    &path[..path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len())]
}

/// How many `super::` stand in a row at the most.
fn steps_up(line: &str) -> usize {
    let mut rest = line;
    let mut most = 0;
    while let Some(at) = rest.find("super::") {
        let mut steps = 0;
        rest = &rest[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            rest = after;
            steps += 1;
        }
        most = most.max(steps);
    }
    most
}

#[test]
fn a_file_uses_only_floors_below_its_own() {
    let mut wrong = String::new();
    for source in sources("src") {
        let module = source.module();
        let Some(floor) = module.first() else { continue };
        let own = rank(floor)
            .unwrap_or_else(|| panic!("src/{floor} is not a floor; the table in this test and docs/architecture.md say which are"));
        // A `use` may run over several lines, so the code is read as one.
        let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        for named in roots_named(&code) {
            let below = named == *floor || rank(named).is_some_and(|named| named < own);
            if !below {
                writeln!(wrong, "{} ({floor}) uses crate::{named}", source.path.display()).unwrap();
            }
        }
        for (line, text) in source.code() {
            if steps_up(text) >= module.len() {
                writeln!(wrong, "{}:{line} climbs out of its floor: name it by crate::", source.path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for source in sources("src").into_iter().chain(sources("tests")) {
        let first = source.text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//! ").is_some_and(|sentence| sentence.contains(' '));
        assert!(says, "{} must open with `//! ` and a sentence on what it is for, not with {first:?}", source.path.display());
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut wrong = String::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let lines = source.code().count();
        if lines > LONGEST {
            writeln!(wrong, "{} has {lines} lines of code; split it by noun or verb below {LONGEST}", source.path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_file_is_named_for_what_is_in_it() {
    for source in sources("src") {
        for part in source.module() {
            let plain = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(plain && !EMPTY_NAMES.contains(&part), "{}: `{part}` says nothing", source.path.display());
        }
    }
}

#[test]
fn the_architecture_page_names_every_floor() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    for source in sources("src") {
        if let [floor] = source.module()[..] {
            assert!(page.contains(&format!("`src/{floor}")), "docs/architecture.md says nothing of src/{floor}");
        }
    }
}

#[test]
fn the_test_sees_what_it_looks_for() {
    assert_eq!(roots_named("use crate::{a::{b, c}, d};\nlet x = crate::e::f(crate::g);"), ["a", "d", "e", "g"]);
    assert_eq!(roots_named("use mycrate::a; pub(crate) fn f() {}"), Vec::<&str>::new());
    assert_eq!(steps_up("use super::super::x; super::y"), 2);
    assert_eq!(rank("cli"), Some(9));
}
