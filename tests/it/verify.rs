//! The proof itself: it proves what is right, and refutes what was made wrong on purpose.

use std::path::PathBuf;

use crate::project::{Project, Run};
use crate::support::Database;

/// A project whose first release is adopted and whose second is planned.
fn planned(base: &str, change: &str) -> Project {
    let project = Project::new(&[("migrations/1_base.sql", base), ("migrations/2_change.sql", change)]);
    project.run("init --adopt 1 --through 1_base.sql").ended_well();
    project.run("plan --release 2").ended_well();
    project
}

/// Runs `verify` with the tests' own server as the shadow.
fn verify(project: &Project, arguments: &str) -> Run {
    let lent = Database::fresh();
    Run::of(project.command(&format!("verify {arguments}")).env("CONCERTINA_SHADOW_URL", lent.url()))
}

const BASE: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text UNIQUE, team int CHECK (team > 0));
    CREATE TABLE posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author bigint NOT NULL REFERENCES users (id), title varchar(20));";
const RENAME: &str = "ALTER TABLE users RENAME COLUMN name TO full_name;";

/// Stories that a proof can't tell the whole truth about, each with the reason.
const NOT_PROVEN: &[(&str, &str)] = &[
    ("change_type_after_old_clients", "not proven"),
    ("change_type_before_new_clients", "not proven"),
    ("enum_swap_that_removes", "not proven"),
];

#[test]
fn the_first_quarter_of_the_stories_is_proven() {
    stories_are_proven(0);
}

#[test]
fn the_second_quarter_of_the_stories_is_proven() {
    stories_are_proven(1);
}

#[test]
fn the_third_quarter_of_the_stories_is_proven() {
    stories_are_proven(2);
}

#[test]
fn the_last_quarter_of_the_stories_is_proven() {
    stories_are_proven(3);
}

/// Every fourth story from that one on: a proof has one server session at a time, and tests run side by side.
fn stories_are_proven(first: usize) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recipes");
    let mut stories: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.sort();
    let mut wrong = Vec::new();
    for story in stories.into_iter().skip(first).step_by(4) {
        let read = |file: &str| std::fs::read_to_string(story.join(file)).unwrap();
        let name = story.file_name().unwrap().to_str().unwrap().to_owned();
        let project = planned(&read("base.sql"), &read("change.sql"));
        let run = verify(&project, "--release 2 --rows 40");
        let expected = NOT_PROVEN.iter().find(|(story, _)| *story == name).map_or("proven", |(_, result)| *result);
        if !run.out.starts_with(&format!("release 2: {expected}\n")) {
            wrong.push(format!("{name}:\n{}{}", run.out, run.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What once was refuted, and in the smallest form: before the line `-- the release` what was there.
#[test]
fn what_was_refuted_once_is_proven() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/proofs");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in cases {
        let text = std::fs::read_to_string(&case).unwrap();
        let (base, change) = text.split_once("-- the release\n").unwrap();
        let run = verify(&planned(base, change), "--release 2 --rows 12");
        if !run.out.starts_with("release 2: proven\n") {
            wrong.push(format!("{}:\n{}{}", case.display(), run.out, run.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Takes something out of the committed plan, as a mistake of a recipe would, and proves that.
fn refutes(change: &str, spoil: (&str, &str), check: &str) {
    let project = planned(BASE, change);
    let plan = project.read("plans/2.json");
    let spoilt = plan.replace(spoil.0, spoil.1);
    assert_ne!(plan, spoilt, "there is no `{}` in the plan", spoil.0);
    project.write("plans/2.json", spoilt);
    let run = verify(&project, "--release 2 --rows 20");
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.out.contains(&format!("refuted: {check}")), "{}", run.out);
}

#[test]
fn a_trigger_that_carries_nothing_back_is_refuted() {
    refutes(RENAME, ("NEW.name := NEW.full_name;", "NULL;"), "writes carry over");
}

#[test]
fn an_expand_step_that_removes_what_old_clients_read_is_refuted() {
    refutes("ALTER TABLE users ADD COLUMN age int;", ("ADD COLUMN age int", "DROP COLUMN email, ADD COLUMN age int"), "old clients work");
}

#[test]
fn a_plan_that_ends_in_another_schema_is_refuted() {
    refutes("ALTER TABLE users ADD COLUMN age int;", ("ADD COLUMN age int", "ADD COLUMN age bigint"), "same end");
}

#[test]
fn a_lock_that_is_not_told_of_is_refuted() {
    refutes("ALTER TABLE users ADD COLUMN age int;", ("access-exclusive", "share-update-exclusive"), "locks as declared");
}

#[test]
fn an_undo_that_leaves_something_is_refuted() {
    refutes("ALTER TABLE users ADD COLUMN age int;", ("DROP COLUMN age", "ALTER COLUMN age SET DEFAULT 1"), "safe to stop");
}

#[test]
fn a_fill_that_passes_rows_over_is_refuted() {
    refutes(RENAME, ("AND (full_name IS DISTINCT FROM name)", "AND false"), "same end");
}

#[test]
fn each_pending_migration_is_proven_over_those_before_it() {
    let project = Project::new(&[
        ("migrations/1.sql", BASE),
        ("migrations/2.sql", RENAME),
        ("migrations/3.sql", "TRUNCATE posts;"),
        ("migrations/4.sql", "ALTER TABLE users ADD COLUMN age int;"),
    ]);
    let run = verify(&project, "--each --adopt-before 2.sql --rows 20 --format json");
    run.ended_well();
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let results: Vec<&str> = json["migrations"].as_array().unwrap().iter().map(|row| row["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["proven", "refused", "proven"]);
    assert!(json["migrations"][1]["directive"].as_str().unwrap().contains("phase contract"), "{json}");
}

#[test]
fn a_query_that_the_release_can_not_ask_is_refuted_by_name() {
    let project = planned(BASE, RENAME);
    project.write(
        "queries/users.sql",
        "-- name: NameOf :one\nSELECT full_name FROM users WHERE id = $1;\n-- name: Gone :one\nSELECT nobody FROM users;\n",
    );
    let run = verify(&project, "--release 2 --rows 10 --queries queries --execute");
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.out.contains("query Gone of users.sql") && !run.out.contains("query NameOf"), "{}", run.out);
}

#[test]
fn a_table_without_rows_is_never_taken_for_proven() {
    let base = "CREATE TABLE odd (id int PRIMARY KEY, code text NOT NULL CHECK (md5(code) = 'no text has this digest'));";
    let project = planned(base, "ALTER TABLE odd ADD COLUMN more int;");
    let run = verify(&project, "--release 2 --rows 10");
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.out.contains("not proven: odd has no rows"), "{}", run.out);
    assert_eq!(verify(&project, "--release 2 --rows 10 --accept-not-proven").code, 0);
}

#[test]
fn the_shadow_is_left_as_it_was() {
    let lent = Database::fresh();
    let project = planned(BASE, RENAME);
    Run::of(project.command("verify --release 2 --rows 5").env("CONCERTINA_SHADOW_URL", lent.url())).ended_well();
    assert_eq!(lent.run("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
}

#[test]
fn a_release_that_is_not_planned_says_what_to_do() {
    let project = Project::new(&[("migrations/1.sql", BASE)]);
    project.run("verify --release 7").failed_with(2, &["release 7 is not planned", "concertina plan --release 7"]);
}
