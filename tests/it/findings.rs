//! What `concertina lint` prints, as people and as programs read it.

use concertina::engine::Engine;
use concertina::history;
use concertina::lint::{self, Options};
use concertina::report::findings::{self, Colour, Findings};
use concertina::schema::Catalog;
use concertina::source::{Migration, RunnerTransaction};

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
