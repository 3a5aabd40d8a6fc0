//! The schema that we say migrations build is the one that PostgreSQL builds from them: `pg_dump -s` after running the migrations is
//! that after running what we print. Column order included; nothing but the dump's random token is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

use concertina::engine::Engine;
use concertina::history;
use concertina::schema::Catalog;
use concertina::source::{self, Migration};
use concertina::sql::{postgres, write};
use similar::TextDiff;

use crate::support::{Database, server};

/// Roles belong to the server and not to a schema, so that stories share them.
static ROLES: LazyLock<()> = LazyLock::new(|| {
    for role in ["story_owner", "story_reader", "Story Writer"] {
        server().run("postgres", &format!("CREATE ROLE \"{role}\"")).unwrap();
    }
});

#[test]
fn what_we_print_is_what_the_migrations_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema");
    let only = std::env::var("STORY").unwrap_or_default();
    let stories: Vec<PathBuf> = folders(&root).into_iter().filter(|story| story.to_string_lossy().contains(&only)).collect();
    assert!(!stories.is_empty(), "no story in fixtures/schema is called `{only}`");
    LazyLock::force(&ROLES);
    let failures = Mutex::new(BTreeMap::new());
    let next = Mutex::new(stories.iter());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(story) = { next.lock().unwrap().next() } {
                    if let Err(failure) = check(&story_files(story)) {
                        failures.lock().unwrap().insert(story.file_name().unwrap().to_string_lossy().into_owned(), failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let told: Vec<String> = failures.iter().map(|(story, failure)| format!("== {story}\n{failure}\n")).collect();
    assert!(failures.is_empty(), "{} of {} stories differ:\n{}", failures.len(), stories.len(), told.concat());
}

/// Migrations of other projects, a folder each, in the folder that the environment names.
#[test]
fn public_histories_fold() {
    let Some(root) = std::env::var_os("CONCERTINA_HISTORIES") else {
        // Past the test runner's capture, so that it is seen.
        let _ = writeln!(std::io::stderr(), "not run: public_histories_fold (CONCERTINA_HISTORIES names no folder of histories)");
        return;
    };
    let mut report = String::new();
    let mut failed = false;
    for folder in folders(Path::new(&root)) {
        let migrations = source::folder(story_files(&folder)).unwrap().migrations;
        let history = fold(&migrations);
        let clean = (0..migrations.len()).filter(|number| {
            !history.mismatches.iter().any(|mismatch| mismatch.migration == *number)
                && !history.syntax_errors.iter().any(|unread| unread.migration == *number)
        });
        let _ = writeln!(report, "== {}: {} of {} files fold", folder.display(), clean.count(), migrations.len());
        for mismatch in &history.mismatches {
            let migration = &migrations[mismatch.migration];
            let position = mismatch.span.position(&migration.text);
            let _ = writeln!(report, "{}:{}: {}", migration.path, position.line, mismatch.message);
        }
        for unread in &history.syntax_errors {
            let _ = writeln!(report, "{}: {}", migrations[unread.migration].path, unread.error.message);
        }
        match compare(&migrations[..runnable(&migrations, &mut report)]) {
            Ok(()) => report.push_str("the dumps are equal\n"),
            Err(difference) => {
                failed = true;
                let _ = writeln!(report, "{difference}");
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "{report}");
    assert!(!failed, "a history's dumps differ");
}

/// How many of the migrations this server runs: a later one may need an extension that isn't there, or a newer server.
fn runnable(migrations: &[Migration], report: &mut String) -> usize {
    let database = Database::fresh();
    for (number, migration) in migrations.iter().enumerate() {
        if let Err(error) = run(&database, migration) {
            let _ = writeln!(report, "compared up to {}, which does not run: {error}", migration.path);
            return number;
        }
    }
    migrations.len()
}

fn run(database: &Database, migration: &Migration) -> Result<(), String> {
    let text = &migration.text[migration.up.clone()];
    let script = postgres::parse(text);
    let wrapped = migration.transaction.wraps(script.statements.len(), script.has_apart(text));
    psql(&database.name, text, wrapped)
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn story_files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "sql") {
                let name = entry.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn fold(migrations: &[Migration]) -> history::History {
    history::fold(Engine::PostgreSql { major: server().major() }, migrations, &Catalog::default())
}

/// A story must fold without any mismatch, and give the same dump.
fn check(files: &[(String, String)]) -> Result<(), String> {
    let migrations = source::folder(files.to_vec()).map_err(|error| error.to_string())?.migrations;
    let history = fold(&migrations);
    let mismatches = history.mismatches.iter().map(|mismatch| mismatch.message.clone());
    let errors = history.syntax_errors.iter().map(|unread| unread.error.message.clone());
    let wrong: Vec<String> = mismatches.chain(errors).collect();
    if wrong.is_empty() { compare(&migrations) } else { Err(wrong.join("\n")) }
}

fn compare(migrations: &[Migration]) -> Result<(), String> {
    let (expected, given) = (Database::fresh(), Database::fresh());
    for migration in migrations {
        run(&expected, migration).map_err(|error| format!("the migration {} does not run: {error}", migration.path))?;
    }
    let printed = write::catalog(&fold(migrations).end);
    psql(&given.name, &printed, false).map_err(|error| format!("what we print does not run: {error}\n{printed}"))?;
    let (expected, given) = (dump(&expected.name), dump(&given.name));
    if expected == given {
        return Ok(());
    }
    let diff = TextDiff::from_lines(&expected, &given);
    Err(format!("{}\nwe printed:\n{printed}", diff.unified_diff().context_radius(3).header("migrations", "printed")))
}

fn psql(database: &str, text: &str, wrapped: bool) -> Result<(), String> {
    let mut psql: Command = server().psql(database);
    if wrapped {
        psql.arg("--single-transaction");
    }
    let mut child = psql.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A psql that stopped at an error doesn't read the rest.
    let _ = writer.join().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn dump(database: &str) -> String {
    let dump = server().dump_schema(database).unwrap();
    let lines = dump.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.fold(String::new(), |text, line| text + line + "\n")
}
