//! Planning from the command line: the chain of plans, what is refused, what `--check` says, and every story's plan as a
//! reviewer reads it.

use std::path::PathBuf;

use crate::project::Project;

const TABLE: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, age integer);
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE teams (id integer PRIMARY KEY, mood mood);\n";

/// A project whose first migration is adopted.
fn adopted(second: &str) -> Project {
    let project = Project::new(&[("migrations/1_users.sql", TABLE), ("migrations/2_change.sql", second)]);
    project.run("init --adopt 1 --through 1_users.sql").ended_well();
    project
}

#[test]
fn every_story_has_the_plan_that_its_reviewers_have_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recipes");
    let mut stories: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    stories.sort();
    for story in stories {
        let read = |file: &str| std::fs::read_to_string(folder.join(&story).join(file)).unwrap();
        let project = Project::new(&[("migrations/1_base.sql", &read("base.sql")), ("migrations/2_change.sql", &read("change.sql"))]);
        project.run("init --adopt 1 --through 1_base.sql").ended_well();
        let run = project.run("plan --release 2");
        run.ended_well();
        insta::with_settings!({ snapshot_path => folder.join(&story), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("plan", run.out);
        });
    }
}

#[test]
fn the_same_migrations_give_the_same_bytes() {
    let project = adopted("ALTER TABLE users RENAME COLUMN name TO full_name;\nCREATE INDEX ON users (age);\n");
    project.run("plan --release 2").ended_well();
    let first = project.read("plans/2.json");
    project.run("plan --release 2").ended_well();
    assert_eq!(project.read("plans/2.json"), first);
    project.run("plan --release 2 --check").ended_well();
}

#[test]
fn check_shows_how_the_committed_plan_differs() {
    let project = adopted("ALTER TABLE users ADD COLUMN email text;\n");
    let missing = project.run("plan --release 2 --check");
    assert_eq!(missing.code, 1, "{missing:#?}");
    project.run("plan --release 2").ended_well();
    project.write("migrations/3_more.sql", "ALTER TABLE users ADD COLUMN phone text;\n");
    let differs = project.run("plan --release 2 --check");
    assert_eq!(differs.code, 1, "{differs:#?}");
    assert!(differs.out.contains("+      \"id\": \"2/expand/users.phone/add-column\""), "{differs:#?}");
}

#[test]
fn a_contract_step_goes_to_the_deploy_that_it_is_due_in() {
    let project = adopted("-- concertina: contract-after 2\nALTER TABLE users DROP COLUMN age;\n");
    project.run("plan --release 2").ended_well();
    let third = project.run("plan --release 3");
    let fourth = project.run("plan --release 4");
    let before_rollout = |text: &str| text.split("roll out").next().unwrap().contains("2/contract/users.age/drop-column");
    assert!(!before_rollout(&third.ended_well().out), "{third:#?}");
    assert!(third.out.contains("2/contract/users.age/drop-column"), "{third:#?}");
    assert!(before_rollout(&fourth.ended_well().out), "{fourth:#?}");
}

/// A new table that takes the name of one that is dropped is not that one, and the old one is not new.
#[test]
fn a_table_in_the_place_of_another_is_refused() {
    let project = Project::new(&[
        ("migrations/1.sql", "CREATE TABLE blobs (id int PRIMARY KEY, size int);"),
        (
            "migrations/2.sql",
            "CREATE TABLE made (id int PRIMARY KEY, size bigint);\nINSERT INTO made SELECT id, size FROM blobs;\nDROP TABLE blobs;\n\
             ALTER TABLE made RENAME TO blobs;\n",
        ),
    ]);
    project.run("init --adopt 1 --through 1.sql").ended_well();
    let run = project.run("plan --release 2");
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.out.contains("2.sql:3: blobs is dropped") && run.out.contains("2.sql:4: old clients know another table"), "{run:#?}");
}

#[test]
fn a_table_in_the_place_of_a_view_is_refused() {
    let project = Project::new(&[
        ("migrations/1.sql", "CREATE TABLE t (id int PRIMARY KEY);\nCREATE VIEW states AS SELECT id FROM t;"),
        ("migrations/2.sql", "DROP VIEW states;\nCREATE TABLE states (id int PRIMARY KEY);\n"),
    ]);
    project.run("init --adopt 1 --through 1.sql").ended_well();
    let run = project.run("plan --release 2");
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.out.contains("2.sql:2: old clients know another table (or index, view, sequence) by the name states"), "{run:#?}");
}

#[test]
fn a_change_of_what_waits_for_its_contract_is_refused() {
    let project = adopted("-- concertina: contract-after 2\nALTER TABLE users DROP COLUMN age;\n");
    project.run("plan --release 2").ended_well();
    project.write("migrations/3_more.sql", "ALTER TABLE users ADD COLUMN phone text;\n");
    let run = project.run("plan --release 3");
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.out.contains("isn't due yet"), "{run:#?}");
}

#[test]
fn an_edited_or_deleted_planned_migration_is_an_error() {
    let project = adopted("ALTER TABLE users ADD COLUMN email text;\n");
    project.run("plan --release 2").ended_well();
    project.run("plan --release 3").ended_well();
    project.write("migrations/2_change.sql", "ALTER TABLE users ADD COLUMN email varchar(50);\n");
    project.run("plan --release 4").failed_with(2, &["2_change.sql", "was changed after release 2 was planned", "new migration"]);
    std::fs::remove_file(project.path("migrations/2_change.sql")).unwrap();
    project.run("plan --release 4").failed_with(2, &["2_change.sql", "is gone", "restore"]);
}

#[test]
fn a_broken_chain_is_an_error() {
    let project = adopted("ALTER TABLE users ADD COLUMN email text;\n");
    project.run("plan --release 2").ended_well();
    project.run("plan --release 3").ended_well();
    let second = project.read("plans/2.json");
    project.write("plans/2.json", second.replace("add column email", "add the column email"));
    project.run("plan --release 4").failed_with(2, &["3.json", "another version of the plan of release 2"]);
    std::fs::remove_file(project.path("plans/2.json")).unwrap();
    project.run("plan --release 4").failed_with(2, &["3.json", "release 2", "missing"]);
    project.write("plans/2.json", &second);
    project.write("plans/2b.json", second.replace("\"release\": \"2\"", "\"release\": \"2b\""));
    project.run("plan --release 4").failed_with(2, &["2.json", "2b.json", "both follow release 1"]);
    project.write("plans/2b.json", "{ \"format\": \"concertina.plan/9\" }");
    project.run("plan --release 4").failed_with(2, &["2b.json", "concertina.plan/9"]);
    project.write("plans/2b.json", "{ no json");
    project.run("plan --release 4").failed_with(2, &["2b.json", "line 1"]);
}

#[test]
fn a_release_that_others_build_on_is_not_planned_again() {
    let project = adopted("ALTER TABLE users ADD COLUMN email text;\n");
    project.run("plan --release 2").ended_well();
    project.run("plan --release 3").ended_well();
    project.run("plan --release 2").failed_with(2, &["release 2", "3.json"]);
}

#[test]
fn what_is_not_planned_says_what_to_do() {
    let refused = [
        ("ALTER TABLE users ADD COLUMN code text NOT NULL;", "-- concertina: up users.code = <expression>"),
        ("ALTER TABLE users ADD COLUMN n integer GENERATED ALWAYS AS (age * 2) STORED;", "-- concertina: up users.n = "),
        ("ALTER TABLE users ALTER COLUMN name TYPE uuid USING name::uuid;", "-- concertina: up users.name_new = name::uuid"),
        ("ALTER TABLE users ALTER COLUMN name TYPE uuid USING name::uuid;", "-- concertina: phase contract"),
        (
            "-- concertina: strategy columns\nALTER TABLE users ALTER COLUMN age TYPE timestamptz USING to_timestamp(age);",
            "-- concertina: down users.age =",
        ),
        (
            "-- concertina: strategy columns\n-- concertina: phase contract\nALTER TABLE users ALTER COLUMN age TYPE bigint;\nCREATE INDEX ON users (age);",
            "next release",
        ),
        ("ALTER TABLE users ALTER COLUMN age TYPE bigint;\nCREATE VIEW v AS SELECT age FROM users;", "earlier release"),
        ("ALTER TABLE users ALTER COLUMN age TYPE bigint;\nALTER TABLE users DROP COLUMN age;", "next release"),
        (
            "CREATE TABLE notes (author integer REFERENCES teams);\nALTER TABLE notes ALTER COLUMN author TYPE bigint;\nALTER TABLE teams ALTER COLUMN id TYPE bigint;",
            "move the change of teams.id above",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT own FOREIGN KEY (age) REFERENCES teams (id);\nALTER TABLE teams ALTER COLUMN id TYPE bigint;",
            "next release",
        ),
        ("ALTER TYPE mood RENAME TO feeling;", "-- concertina: phase contract"),
        ("CREATE DOMAIN feeling AS mood;\nALTER TYPE mood RENAME VALUE 'ok' TO 'fine';", "next release"),
        ("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';\nALTER TYPE mood ADD VALUE 'sad';", "next release"),
        ("ALTER TABLE users DROP COLUMN age, ADD COLUMN years integer;", "RENAME COLUMN age TO years"),
        ("-- concertina: strategy columns\nALTER TABLE users RENAME COLUMN id TO key;", "primary key"),
        ("ALTER TABLE users RENAME COLUMN id TO key;\nCREATE INDEX ON users (key);", "next release"),
        (
            "ALTER TABLE users ADD COLUMN id2 bigint;\nALTER TABLE users RENAME COLUMN id TO key;\nALTER TABLE users ALTER COLUMN age TYPE bigint;",
            "next release",
        ),
        ("CREATE INDEX ON users (age);\nALTER TABLE users RENAME TO people;", "write it after the statement that renames"),
        ("-- concertina: strategy compatibility-view\nALTER TABLE users ADD COLUMN email text;", "take the directive away"),
        ("DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'users'); END $$;", "-- concertina: phase expand"),
        ("TRUNCATE users;", "phase contract"),
        ("ALTER TABLE users RENAME COLUMN name TO full_name;\nALTER TABLE users ALTER COLUMN full_name TYPE varchar(99);", "next release"),
        ("-- concertina: up users.nmae = lower(name)\nALTER TABLE users ADD COLUMN code text;", "take the directive away"),
        ("-- concertina: down users.code = 'x'\nALTER TABLE users DROP COLUMN age;", "take the directive away"),
        (
            "-- concertina: up users.full_name = trim(name)\n-- concertina: down users.name = 'x'\nALTER TABLE users ADD COLUMN full_name text NOT NULL, DROP COLUMN name;",
            "how name follows from full_name",
        ),
        ("ALTER TABLE users ADD CONSTRAINT one EXCLUDE (age WITH =);", "strategy direct"),
        ("CREATE TEMP TABLE help AS SELECT id FROM users;", "create it as an ordinary one"),
    ];
    for (change, remedy) in refused {
        let project = adopted(&format!("{change}\n"));
        let run = project.run("plan --release 2");
        assert_eq!(run.code, 2, "{change}\n{run:#?}");
        assert!(run.out.contains("2_change.sql:") && run.out.contains(remedy), "{change}\n{run:#?}");
        assert!(!project.path("plans/2.json").exists(), "{change}");
    }
}

#[test]
fn a_directive_moves_a_change_and_the_plan_says_so() {
    for (directive, phase) in [("phase expand", "expand"), ("phase contract", "contract"), ("strategy direct", "expand")] {
        let project = adopted(&format!("-- concertina: {directive}\nALTER TABLE users RENAME COLUMN id TO key;\n"));
        let run = project.run("plan --release 2");
        assert!(run.ended_well().out.contains(&format!("2/{phase}/users/run")), "{run:#?}");
    }
}

#[test]
fn a_function_of_a_dropped_trigger_is_not_given_another_body() {
    let project = Project::new(&[
        (
            "migrations/1_start.sql",
            "CREATE TABLE a (id int);\nCREATE TABLE b (n int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 1; RETURN NEW; END $$;\nCREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();\n",
        ),
        (
            "migrations/2_change.sql",
            "DROP TRIGGER t ON a;\nCREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 1; RETURN NEW; END $$;\nCREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION f();\n",
        ),
    ]);
    project.run("init --adopt 1 --through 1_start.sql").ended_well();
    let run = project.run("plan --release 2");
    assert!(run.code == 2 && run.out.contains("give the new function another name"), "{run:#?}");
}

#[test]
fn a_new_unique_key_is_built_before_an_old_one_goes() {
    let project = adopted(
        "ALTER TABLE users DROP CONSTRAINT users_pkey;\nALTER TABLE users ADD COLUMN key bigserial PRIMARY KEY;\nALTER TABLE users ADD CONSTRAINT users_id UNIQUE (id);\n",
    );
    project.run("plan --release 2").ended_well();
    let plan = project.read("plans/2.json");
    let at = |id: &str| plan.find(&format!("\"id\": \"2/contract/{id}\"")).unwrap_or_else(|| panic!("{id} in {plan}"));
    assert!(at("users.users_id/create-index") < at("users.users_pkey/drop-constraint"), "{plan}");
}
