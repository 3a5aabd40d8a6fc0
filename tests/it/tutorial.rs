//! The tutorial is run as it stands: its files are written, its commands typed, and what they print must be what the page
//! shows, numbers apart (times and ids differ from run to run).

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::project::Project;
use crate::support::{Database, server};

/// Set to write what the commands print into the page.
const UPDATE: &str = "CONCERTINA_UPDATE_PAGES";

#[test]
fn the_tutorial_shows_what_its_commands_print() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let written = fs::read_to_string(&page).unwrap();
    let shown = Tutorial::new().read(&written);
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&page, &shown).unwrap();
        return;
    }
    if without_numbers(&written) != without_numbers(&shown) {
        let difference = similar::TextDiff::from_lines(&written, &shown);
        panic!("docs/tutorial.md shows something else; `{UPDATE}=yes make test` writes it\n{}", difference.unified_diff());
    }
}

/// What the reader of the tutorial has: an empty folder, a database, and another one for later.
struct Tutorial {
    project: Project,
    database: Database,
    other: Database,
}

impl Tutorial {
    fn new() -> Self {
        let project = Project::new(&[]);
        fs::remove_file(project.path("concertina.toml")).unwrap();
        Self { project, database: Database::fresh(), other: Database::fresh() }
    }

    /// Follows the page, and gives it back with what the commands print today.
    fn read(&self, page: &str) -> String {
        let mut shown = String::new();
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            writeln!(shown, "{line}").unwrap();
            let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if kind == "console" {
                for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                    write!(shown, "$ {command}\n{}", self.run(command)).unwrap();
                }
            } else {
                self.file(&block);
                shown.extend(block.iter().flat_map(|line| [line, "\n"]));
            }
            shown.push_str("```\n");
        }
        shown
    }

    /// Writes the file that a block shows, if its first line is a comment with a path.
    fn file(&self, block: &[&str]) {
        let named = block.first().and_then(|line| line.strip_prefix("-- ").or_else(|| line.strip_prefix("# ")));
        if let Some(path) = named.filter(|path| path.contains('/') && !path.contains(' ')) {
            self.project.write(path, block[1..].join("\n") + "\n");
        }
    }

    /// What a command prints, on both outputs.
    fn run(&self, command: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_concertina")).parent().unwrap();
        let psql = server().program("psql").get_program().to_owned();
        let psql = Path::new(&psql).parent().unwrap().to_owned();
        let path = format!("{}:{}:{}", program.display(), psql.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).current_dir(self.project.folder());
        shell.env("PATH", path).env("PAGER", "cat").env("COLUMNS", "120").env("PSQLRC", "/dev/null");
        shell.env("DATABASE_URL", server().tcp_url(&self.database.name)).env("NEW_DATABASE_URL", server().tcp_url(&self.other.name));
        let printed = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        // The reader's databases have better names than those of a test.
        let names = [(&*self.database.name, "shop"), (&*self.other.name, "laptop"), (&*server().port().to_string(), "5432")];
        names.into_iter().fold(printed, |text, (name, better)| text.replace(name, better))
    }
}

fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        if !character.is_ascii_digit() {
            plain.push(character);
        } else if !plain.ends_with('0') {
            plain.push('0');
        }
    }
    plain
}
