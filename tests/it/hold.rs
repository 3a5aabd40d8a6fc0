//! Hold, then drop: what contract removes is out of the clients' way and lost for nobody until its time has run out.

use crate::project::{Project, Run};
use crate::recipes::let_days_pass;
use crate::support::Database;

/// A project whose first release is adopted and whose second is planned and deployed, on a database of its own; a third is
/// planned with nothing of its own.
struct Deployed {
    project: Project,
    database: Database,
    /// The schema at the first release.
    start: String,
}

impl Deployed {
    fn new(base: &str, change: &str) -> Self {
        Self::with("", base, change)
    }

    fn with(settings: &str, base: &str, change: &str) -> Self {
        let project = Project::new(&[("concertina.toml", settings), ("migrations/1.sql", base), ("migrations/2.sql", change)]);
        let database = Database::fresh();
        database.run(base);
        project.run("init --adopt 1 --through 1.sql").ended_well();
        let start = database.dump();
        let this = Self { project, database, start };
        this.project.run("plan --release 2").ended_well();
        this.phases(2);
        this.project.run("plan --release 3").ended_well();
        this
    }

    fn run(&self, arguments: &str) -> Run {
        self.project.run_on(&self.database.url(), arguments)
    }

    fn contract(&self, release: u32) -> Run {
        let run = self.run(&format!("apply --release {release} --phase contract"));
        run.ended_well();
        run
    }

    fn phases(&self, release: u32) {
        for phase in ["contract", "expand", "migrate"] {
            self.run(&format!("apply --release {release} --phase {phase}")).ended_well();
        }
    }

    /// Plans a release with this migration, and deploys it.
    fn deploy(&self, release: u32, migration: &str) {
        self.project.write(&format!("migrations/{release}.sql"), migration);
        self.project.run(&format!("plan --release {release}")).ended_well();
        self.phases(release);
    }

    /// Columns and schemas that are held.
    fn held(&self) -> String {
        self.database.run(
            "SELECT attname FROM pg_attribute WHERE attname LIKE 'concertina\\_held\\_%' AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')
             UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE 'concertina\\_held\\_%' ORDER BY 1",
        )
    }

    /// Whether what it has is what the migrations as written give, columns in any order.
    #[track_caller]
    fn is_as_written(&self, migrations: &[&str]) {
        let written = Database::fresh();
        for migration in migrations {
            written.run(migration);
        }
        assert_eq!(crate::recipes::shape(&self.database.dump()), crate::recipes::shape(&written.dump()));
    }
}

const COLUMN: &str = "CREATE TYPE mood AS ENUM ('ok', 'sad');
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, name text, low int DEFAULT 1, high int NOT NULL DEFAULT 5, mood mood, UNIQUE (high, id),
    \"Team's\" int CONSTRAINT team_fkey REFERENCES teams, note serial, CHECK (high > low OR id > 0), CONSTRAINT positive CHECK (high > 0));
CREATE INDEX users_mood_idx ON users (mood);
INSERT INTO teams VALUES (1), (2);
INSERT INTO users VALUES (1, 'a', 1, 7, 'sad', 1);
";

#[test]
fn a_held_column_is_out_of_the_way_and_undo_loses_nothing() {
    let change = "ALTER TABLE users DROP COLUMN high, DROP COLUMN \"Team's\", DROP COLUMN note, DROP COLUMN mood;\nDROP TYPE mood;\n";
    let deployed = Deployed::new(COLUMN, change);
    let rows = "SELECT id, name, low, high, mood, \"Team's\", note FROM users ORDER BY id";
    let before = deployed.database.run(rows);
    let run = deployed.contract(3);
    assert!(run.err.contains("held until") && run.err.contains("column high of users"), "{run:#?}");
    assert_eq!(deployed.held().lines().count(), 4, "{}", deployed.held());
    // New clients: a key that the held column references goes, and the names that went are free.
    deployed.database.run("DELETE FROM teams WHERE id = 2; DELETE FROM users WHERE id = 2; INSERT INTO users (id, name) VALUES (3, 'c')");
    deployed.run("rollback --release 2").ended_well();
    assert_eq!(deployed.database.dump(), deployed.start);
    assert_eq!(deployed.database.run(rows).lines().next(), before.lines().next());
    assert_eq!(deployed.database.run("SELECT high FROM users WHERE id = 3"), "5");
    // And once more, to the end.
    deployed.phases(2);
    deployed.phases(3);
    let_days_pass(&deployed.database);
    deployed.contract(3);
    assert_eq!(deployed.held(), "");
    deployed.is_as_written(&[COLUMN, change]);
}

#[test]
fn undo_works_though_rows_came_that_the_old_rules_refuse() {
    let deployed = Deployed::new(COLUMN, "ALTER TABLE users DROP COLUMN \"Team's\";\n");
    deployed.contract(3);
    deployed.database.run("DELETE FROM teams");
    deployed.run("rollback --release 2").ended_well();
    assert_eq!(deployed.database.run("SELECT \"Team's\" FROM users"), "1");
    assert_eq!(deployed.database.run("SELECT convalidated FROM pg_constraint WHERE conname = 'team_fkey'"), "f");
}

const TABLES: &str = "CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE teams (id int PRIMARY KEY, boss int REFERENCES users);
CREATE TABLE badges (id serial PRIMARY KEY, team int REFERENCES teams, owner int REFERENCES users ON DELETE SET NULL, title text);
CREATE TABLE tags (id int PRIMARY KEY, badge int);
ALTER TABLE teams ADD badge int REFERENCES badges;
ALTER TABLE tags ADD FOREIGN KEY (badge) REFERENCES badges;
CREATE INDEX ON badges (title);
COMMENT ON TABLE badges IS 'won';
INSERT INTO users VALUES (1), (2);
INSERT INTO teams VALUES (1, 1);
INSERT INTO badges (team, owner, title) VALUES (1, 1, 'gold');
UPDATE teams SET badge = 1;
";

#[test]
fn held_tables_with_foreign_keys_in_both_directions_come_back() {
    let change = "DROP TABLE badges CASCADE;\nDROP TABLE teams;\n";
    let deployed = Deployed::new(TABLES, change);
    deployed.database.run("DELETE FROM users WHERE id = 2");
    deployed.contract(3);
    assert_eq!(deployed.held().lines().count(), 2);
    deployed
        .database
        .run("INSERT INTO tags VALUES (5, 77); DELETE FROM tags; UPDATE users SET id = 3 WHERE id = 1; UPDATE users SET id = 1");
    deployed.run("rollback --release 2").ended_well();
    assert_eq!(deployed.database.dump(), deployed.start);
    assert_eq!(deployed.database.run("SELECT id, team, owner, title FROM badges"), "1|1|1|gold");
    assert_eq!(deployed.database.run("SELECT boss, badge FROM teams"), "1|1");
    deployed.phases(2);
    deployed.phases(3);
    deployed.run("apply --release 3 --phase contract --end-hold").ended_well();
    assert_eq!(deployed.held(), "");
    deployed.is_as_written(&[TABLES, change]);
}

#[test]
fn later_releases_use_the_names_again_and_rename_the_table_meanwhile() {
    let base = "CREATE TABLE users (id int PRIMARY KEY, name text);\nCREATE TABLE logs (id int PRIMARY KEY);\nALTER TABLE users ADD age int UNIQUE;\nCREATE INDEX users_age_idx ON users (age);\n";
    let second = "ALTER TABLE users DROP COLUMN age;\nDROP TABLE logs;\n";
    let third = "ALTER TABLE users ADD COLUMN age int UNIQUE;\nCREATE INDEX users_age_idx ON users (age);\nCREATE TABLE logs (id int PRIMARY KEY);\n";
    let fourth = "ALTER TABLE users RENAME TO people;\nALTER TABLE people DROP COLUMN age;\nDROP TABLE logs;\n";
    let deployed = Deployed::new(base, second);
    deployed.deploy(3, third);
    deployed.deploy(4, fourth);
    deployed.deploy(5, "ALTER TABLE people ADD COLUMN more int;\n");
    assert_eq!(deployed.held().lines().count(), 4, "{}", deployed.held());
    let_days_pass(&deployed.database);
    let run = deployed.contract(5);
    assert!(run.out.contains("done  2/contract/users.age/drop-column") && run.out.contains("done  4/contract/logs/drop-table"), "{run:#?}");
    assert_eq!(deployed.held(), "");
    deployed.is_as_written(&[base, second, third, fourth, "ALTER TABLE people ADD COLUMN more int;"]);
    assert!(deployed.run("status").ended_well().out.contains("nothing is left to do"));
}

#[test]
fn a_held_column_that_a_trigger_feeds_is_fed_on_and_never_refuses_a_row() {
    let base = "CREATE TABLE users (id int PRIMARY KEY, name text, code text NOT NULL);\nINSERT INTO users VALUES (1, 'a', 'x');\n";
    let deployed = Deployed::new(base, "-- concertina: down users.code = upper(name)\nALTER TABLE users DROP COLUMN code;\n");
    deployed.contract(3);
    deployed.database.run("INSERT INTO users (id, name) VALUES (2, 'b')");
    let start = deployed.project.read("plans/2.json");
    deployed.run("rollback --release 2").ended_well();
    assert_eq!(deployed.database.run("SELECT code FROM users ORDER BY id"), "x\nB");
    assert_eq!(deployed.project.read("plans/2.json"), start);
    deployed.phases(2);
    deployed.deploy(3, "ALTER TABLE users RENAME COLUMN name TO full_name;\n");
    deployed.deploy(4, "ALTER TABLE users ADD COLUMN more int;\n");
    deployed.database.run("INSERT INTO users (id, full_name) VALUES (3, 'c')");
    let_days_pass(&deployed.database);
    deployed.contract(4);
    assert_eq!(deployed.held(), "");
    assert_eq!(deployed.database.run("SELECT count(*) FROM pg_proc WHERE pronamespace = 'concertina'::regnamespace"), "0");
}

#[test]
fn status_says_what_is_held_and_until_when() {
    let deployed = Deployed::new(COLUMN, "ALTER TABLE users DROP COLUMN low;\nDROP TABLE IF EXISTS nothing;\n");
    assert!(!deployed.run("status").ended_well().out.contains("held"));
    deployed.contract(3);
    let text = deployed.run("status").ended_well().out.clone();
    assert!(text.contains("held     2/contract/users.low/drop-column"), "{text}");
    assert!(text.contains("held: column low of users, as concertina_held_users_low_"), "{text}");
    assert!(text.contains(", until 2") && text.contains("nothing else is left to do"), "{text}");
    let json = |deployed: &Deployed| -> serde_json::Value {
        serde_json::from_str(&deployed.run("status --format json").ended_well().out).unwrap()
    };
    let held = json(&deployed)["held"].clone();
    assert_eq!((&held[0]["drop"], &held[0]["over"]), (&"2/contract/users.low/drop-column".into(), &false.into()), "{held}");
    let days = "SELECT ('{u}'::timestamptz - '{s}'::timestamptz)".replace("{u}", held[0]["until"].as_str().unwrap());
    let days = days.replace("{s}", held[0]["since"].as_str().unwrap());
    assert_eq!(deployed.database.run(&days), "2 days");
    let_days_pass(&deployed.database);
    assert!(deployed.run("status").ended_well().out.contains("the next contract phase drops what was held long enough"));
    assert_eq!(json(&deployed)["held"][0]["over"], true);
    let dry = deployed.run("apply --release 3 --phase contract --dry-run");
    assert!(dry.ended_well().out.contains("2/contract/users.low/drop-column"), "{dry:#?}");
    deployed.contract(3);
    assert_eq!(json(&deployed)["held"], serde_json::json!([]));
    deployed.run("rollback --release 2").failed_with(2, &["2/contract/users.low/drop-column", "only forward is left"]);
}

#[test]
fn a_hold_of_zero_drops_at_once_and_a_wrong_one_is_told() {
    let deployed = Deployed::with("[policies]\nhold = \"0\"\n", COLUMN, "ALTER TABLE users DROP COLUMN \"Team's\";\nDROP TABLE teams;\n");
    assert!(!deployed.project.read("plans/2.json").contains("hold"));
    deployed.contract(3);
    assert_eq!(deployed.held(), "");
    assert_eq!(deployed.database.run("SELECT to_regclass('teams') IS NULL"), "t");
    let project = Project::new(&[("concertina.toml", "[policies]\nhold = \"until tomorrow\"\n"), ("migrations/1.sql", COLUMN)]);
    project.run("plan --release 1").failed_with(2, &["concertina.toml:2:8", "not a length of time"]);
}

#[test]
fn what_only_cascade_takes_along_is_dropped_at_once_and_the_plan_says_so() {
    let base = "CREATE TABLE users (id int PRIMARY KEY, age int);\nCREATE VIEW ages AS SELECT age FROM users;\nCREATE TABLE parts (id int) PARTITION BY LIST (id);\nCREATE TABLE part PARTITION OF parts FOR VALUES IN (1);\n";
    let deployed = Deployed::new(base, "ALTER TABLE users DROP COLUMN age CASCADE;\nDROP TABLE part;\n");
    let plan = deployed.project.read("plans/2.json");
    assert!(plan.contains("data-loss") && !plan.contains("concertina_held"), "{plan}");
    deployed.contract(3);
    deployed.run("rollback --release 2").failed_with(2, &["only forward is left"]);
}

/// Deploys releases one after the other, and says what is held after the last one.
fn held_after(base: &str, releases: &[&str]) -> String {
    let deployed = Deployed::new(base, releases[0]);
    for (release, migration) in (3..).zip(&releases[1..]) {
        deployed.deploy(release, migration);
    }
    let held = deployed.held();
    let last = releases.len() + 2;
    deployed.project.run(&format!("plan --release {last}")).ended_well();
    deployed.run(&format!("apply --release {last} --phase contract --end-hold")).ended_well();
    deployed.is_as_written(&[&[base], releases].concat());
    held
}

#[test]
fn a_statement_that_can_not_be_run_beside_what_is_held_ends_the_hold() {
    let drops = "ALTER TABLE users DROP COLUMN mood;\n";
    for statement in [
        "CREATE VIEW people AS SELECT * FROM users;\n",
        "CREATE TABLE people (LIKE users);\n",
        "CREATE TABLE people AS SELECT u.* FROM users u;\n",
        "CREATE FUNCTION people() RETURNS SETOF users LANGUAGE sql AS 'SELECT id, name, low, high, \"Team''s\", note FROM users';\n",
        "DROP TYPE mood;\n",
        "CREATE TYPE m2 AS ENUM ('ok');\nALTER TYPE mood RENAME TO mood_old;\nALTER TYPE m2 RENAME TO mood;\nDROP TYPE mood_old;\n",
    ] {
        assert_eq!(held_after(COLUMN, &[drops, statement]), "", "{statement}");
    }
    let harmless = "CREATE VIEW people AS SELECT id, name FROM users;\n";
    assert_eq!(held_after(COLUMN, &[drops, harmless]).lines().count(), 1);
}

#[test]
fn a_name_that_waits_for_a_hold_is_free_for_the_next_release() {
    let base = "CREATE TYPE mood AS ENUM ('ok');\nCREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCREATE SEQUENCE numbers;
CREATE TABLE users (id int PRIMARY KEY, mood mood, n int DEFAULT one(), m int DEFAULT nextval('numbers'));\n";
    let drops = "ALTER TABLE users DROP COLUMN mood, DROP COLUMN n, DROP COLUMN m;\nDROP TYPE mood;\nDROP FUNCTION one();\nDROP SEQUENCE numbers;\n";
    for again in [
        "CREATE TYPE mood AS ENUM ('sad');\n",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2';\n",
        "CREATE SEQUENCE IF NOT EXISTS numbers START 100;\n",
    ] {
        held_after(base, &[drops, again]);
    }
}

#[test]
fn a_row_without_names_of_columns_keeps_its_value_while_a_column_has_two_types() {
    let base = "CREATE TABLE users (id serial PRIMARY KEY, age int, name text);\nINSERT INTO users (age, name) VALUES (1, 'a');\n";
    let change = "ALTER TABLE users ALTER COLUMN age TYPE bigint;\nALTER TABLE users ALTER COLUMN id TYPE bigint;\n";
    let deployed = Deployed::new(base, change);
    deployed.database.run("INSERT INTO users VALUES (7, 22, 'b'); INSERT INTO users (id, age) VALUES (8, 5000000000)");
    deployed.database.run("INSERT INTO users SELECT id + 10, age, name FROM users WHERE id < 8");
    deployed.contract(3);
    let rows = deployed.database.run("SELECT id || ' ' || age || ' ' || coalesce(name, '') FROM users ORDER BY id");
    assert_eq!(rows, "1 1 a\n7 22 b\n8 5000000000 \n11 1 a\n17 22 b");
}

#[test]
fn the_plan_says_which_hold_ends_and_why() {
    let deployed = Deployed::new(COLUMN, "ALTER TABLE users DROP COLUMN mood;\n");
    deployed.project.write("migrations/3.sql", "CREATE VIEW people AS SELECT * FROM users;\n");
    let plan = deployed.project.run("plan --release 3").ended_well().out.clone();
    assert!(plan.contains("2/contract/users.mood/drop-column runs, whether its time is over or not: 3.sql:1 takes all columns"), "{plan}");
}
