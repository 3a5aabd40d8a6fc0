//! `apply --bootstrap`: a new environment from the migrations as written, from which deploys go on.

use crate::project::{Project, Run};
use crate::support::Database;

const BASE: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);";
const RENAME: &str = "BEGIN;\nALTER TABLE users RENAME COLUMN name TO full_name;\nINSERT INTO users VALUES (1, 'Ada');\nCOMMIT;";
const INDEX: &str = "CREATE INDEX CONCURRENTLY users_full_name_idx ON users (full_name);";
const NEXT: &str = "ALTER TABLE users ADD COLUMN age int;";

const BOOTSTRAP: &str = "apply --bootstrap";

/// A project with two releases planned.
fn project() -> Project {
    let project = Project::new(&[("migrations/1_base.sql", BASE)]);
    project.run("init --adopt 1").ended_well();
    project.write("migrations/2_rename.sql", RENAME);
    project.write("migrations/3_index.sql", INDEX);
    project.run("plan --release 2").ended_well();
    project
}

fn written(migrations: &[&str]) -> String {
    let database = Database::fresh();
    for migration in migrations {
        database.run(migration);
    }
    everything(&database)
}

fn everything(database: &Database) -> String {
    format!("{}\n{}", database.dump(), database.run("SELECT * FROM users"))
}

#[test]
fn an_empty_database_gets_what_the_migrations_say_and_deploys_go_on_from_there() {
    let (project, database) = (project(), Database::fresh());
    let run = |arguments: &str| -> Run { project.run_on(&database.url(), arguments) };
    run(BOOTSTRAP).ended_well();
    assert_eq!(everything(&database), written(&[BASE, RENAME, INDEX]));
    assert!(run("status").ended_well().out.contains("nothing is left to do"));
    assert!(run(BOOTSTRAP).ended_well().err.contains("nothing to do"));
    // What release 2 has left to contract elsewhere was never made here.
    project.write("migrations/4_age.sql", NEXT);
    project.run("plan --release 3").ended_well();
    for phase in ["contract", "expand", "migrate"] {
        run(&format!("apply --release 3 --phase {phase}")).ended_well();
    }
    assert_eq!(everything(&database), written(&[BASE, RENAME, INDEX, NEXT]));
}

#[test]
fn a_database_that_holds_anything_is_refused() {
    let project = project();
    for (sql, name) in [("CREATE TABLE x ()", "table `x`"), ("CREATE TYPE mood AS ENUM ()", "type `mood`")] {
        let database = Database::fresh();
        database.run(sql);
        project.run_on(&database.url(), BOOTSTRAP).failed_with(2, &["is for an empty database", name]);
        assert_eq!(database.run("SELECT to_regnamespace('concertina') IS NULL"), "t");
    }
}

#[test]
fn a_kill_and_the_same_command_again_end_the_same_or_say_why_not() {
    let project = project();
    let kill = |database: &Database, point: &str| {
        let mut command = project.command(BOOTSTRAP);
        let run = Run::of(command.env("DATABASE_URL", database.url()).env("CONCERTINA_STOP_AT", point));
        assert_eq!(run.code, 137, "{point} {run:#?}");
    };
    for point in ["marked", "committed"] {
        let database = Database::fresh();
        kill(&database, &format!("bootstrap/1_base.sql/{point}"));
        kill(&database, &format!("bootstrap/2_rename.sql/{point}"));
        project.run_on(&database.url(), BOOTSTRAP).ended_well();
        assert_eq!(everything(&database), written(&[BASE, RENAME, INDEX]));
    }
    let database = Database::fresh();
    kill(&database, "bootstrap/3_index.sql/ran");
    project
        .run_on(&database.url(), BOOTSTRAP)
        .failed_with(2, &["3_index.sql was broken off outside a transaction", "drop the new database"]);
}

#[test]
fn a_migration_that_fails_is_named_and_goes_on_once_it_is_mended() {
    let project = Project::new(&[("migrations/1_base.sql", BASE), ("migrations/2_bad.sql", "SELECT 1 / (SELECT count(*) FROM users);")]);
    project.run("init --adopt 1").ended_well();
    let database = Database::fresh();
    project.run_on(&database.url(), BOOTSTRAP).failed_with(5, &["migration 2_bad.sql failed", "division by zero"]);
    database.run("INSERT INTO users VALUES (1, 'Ada')");
    project.run_on(&database.url(), BOOTSTRAP).ended_well();
}
