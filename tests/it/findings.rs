//! What `concertina lint` prints, as people and as programs read it.

use concertina::engine::Engine;
use concertina::history;
use concertina::lint::{self, Options};
use concertina::report::findings::{self, Colour, Findings};
use concertina::schema::Catalog;
use concertina::source::{Migration, RunnerTransaction};
use serde_json::Value;

use crate::project::Project;

const ENGINE: Engine = Engine::PostgreSql { major: 15 };

/// The report on these files, each a release by itself, handed to `read`.
fn report(files: &[(&str, &str)], read: impl Fn(&Findings<'_>) -> String) -> String {
    let migrations: Vec<Migration> = files
        .iter()
        .map(|(path, text)| Migration {
            path: (*path).to_owned(),
            version: (*path).to_owned(),
            text: (*text).to_owned(),
            up: 0..text.len(),
            transaction: RunnerTransaction::IfSeveral,
        })
        .collect();
    let history = history::fold(ENGINE, &migrations, &Catalog::default());
    let found = lint::run(&history, &migrations, &Options::each_by_itself(ENGINE, migrations.len()));
    let (errors, mismatches) = (history.syntax_errors.as_slice(), history.mismatches.as_slice());
    read(&Findings { migrations: &migrations, folder: "db/migrations", findings: &found, errors, mismatches })
}

fn text(files: &[(&str, &str)]) -> String {
    report(files, |report| findings::text(report, Colour::Without))
}

const SHOP: (&str, &str) =
    ("1_shop.sql", "CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);\nCREATE TABLE orgs (id bigint PRIMARY KEY);\n");

#[test]
fn each_finding_stands_under_its_sql() {
    insta::assert_snapshot!(text(&[
        SHOP,
        (
            "2_names.sql",
            "-- Der Name heißt jetzt anders. 🎉\r\nALTER TABLE users\r\n\tRENAME COLUMN name TO full_name;\r\n\r\n\
             ALTER TABLE users ADD COLUMN org_id bigint, ADD CONSTRAINT org FOREIGN KEY (org_id) REFERENCES orgs (id);\r\n\
             UPDATE users SET email = lower(email);\r\n",
        ),
    ]));
}

#[test]
fn what_can_not_be_read_or_does_not_fit_comes_first() {
    insta::assert_snapshot!(text(&[
        SHOP,
        ("2_typo.sql", "ALTER TABLE users DROP COLUMN email;\nALTER TABLE users ADD COLUM x int;\nDROP TABLE nothing;")
    ]));
}

#[test]
fn without_findings_it_says_so() {
    assert_eq!(text(&[SHOP]), "no findings in 1 migration\n");
    assert_eq!(text(&[]), "no findings in 0 migrations\n");
}

#[test]
fn a_program_reads_the_same_as_json() {
    insta::assert_snapshot!(report(
        &[SHOP, ("2_email.sql", "ALTER TABLE users\n  ALTER COLUMN email SET NOT NULL;\nSELECT FROM WHERE;")],
        findings::json
    ));
}

#[test]
fn colour_changes_no_letter() {
    let files = [SHOP, ("2.sql", "DROP TABLE users;")];
    let coloured = report(&files, |report| findings::text(report, Colour::With));
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), text(&files));
}

/// The rules that `lint` with these arguments finds, and its exit code.
fn lint(project: &Project, arguments: &str) -> (Vec<String>, i32) {
    let run = project.run(&format!("lint --format json {arguments}"));
    let document: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let rule = |finding: &Value| finding["rule"].as_str().unwrap().to_owned();
    (document["findings"].as_array().unwrap().iter().map(rule).collect(), run.code)
}

#[test]
fn what_has_been_applied_is_not_linted_again() {
    let project = Project::new(&[
        ("migrations/1.sql", "CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);"),
        ("migrations/2.sql", "DROP TABLE users; CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);"),
    ]);
    assert_eq!(lint(&project, ""), (vec!["drop-table".to_owned()], 1));

    project.run("init --adopt 1").ended_well();
    assert_eq!(lint(&project, ""), (vec![], 0));
    assert_eq!(lint(&project, "--all"), (vec!["drop-table".to_owned()], 1));

    // What one release creates in one file and changes in the next, no client knows in between.
    project.write("migrations/3.sql", "CREATE TABLE orders (id bigint PRIMARY KEY, total int);");
    project.write("migrations/4.sql", "CREATE INDEX ON orders (total); CREATE INDEX ON users (email);");
    assert_eq!(lint(&project, ""), (vec!["create-index-blocking".to_owned()], 1));
    project.run("plan --release 2").ended_well();
    assert_eq!(lint(&project, ""), (vec!["create-index-blocking".to_owned()], 1));

    project.write("migrations/5.sql", "DROP INDEX orders_total_idx;");
    project.run("plan --release 3").ended_well();
    assert_eq!(lint(&project, ""), (vec!["drop-index-blocking".to_owned()], 0));
    assert_eq!(lint(&project, "--fail-on warning").1, 1);
    assert_eq!(lint(&project, "--all --fail-on never").1, 0);
}

#[test]
fn one_file_alone_stands_on_a_schema_that_nobody_has_told() {
    let project = Project::new(&[("change.sql", "ALTER TABLE users ALTER COLUMN age TYPE bigint;\nCREATE INDEX ON shop.orders (total);")]);
    assert_eq!(lint(&project, "change.sql"), (vec!["type-change-rewrite".to_owned(), "create-index-blocking".to_owned()], 1));
}
