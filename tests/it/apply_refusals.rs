//! What `apply` refuses before it writes anything, with the reason and the remedy.

use concertina::plan::Plan;

use crate::deploy::{Deploy, adopted, release_2, release_3, start};
use crate::project::Project;
use crate::support::{Database, server};

const EXPAND: &str = "apply --release 2 --phase expand";

#[test]
fn a_plan_that_was_edited_after_it_was_begun_is_refused() {
    let deploy = Deploy::of(&[adopted(), release_2()]);
    deploy.run(EXPAND).ended_well();
    let text = deploy.project.read("plans/2.json");
    deploy.project.write("plans/2.json", text.replace("a step of a test", "another step"));
    let before = deploy.everything();
    deploy.run("apply --release 2 --phase migrate").failed_with(2, &["release 2 is not the one that was begun"]);
    assert!(deploy.run("status").ended_well().out.contains("its file was edited"));
    assert_eq!(deploy.everything(), before);
    deploy.project.write("plans/2.json", text);
    deploy.run("apply --release 2 --phase migrate").ended_well();
}

#[test]
fn a_checkout_that_is_older_than_the_database_is_refused() {
    let deploy = Deploy::new();
    deploy.apply_all(2);
    deploy.apply_all(3);
    std::fs::remove_file(deploy.project.path("plans/3.json")).unwrap();
    deploy.run("apply --release 2 --phase migrate").failed_with(2, &["release 3", "older than the database"]);
}

/// A database that has missed releases gets the steps of all of them, each deploy in its turn.
#[test]
fn a_release_can_not_be_deployed_over_others_that_were_skipped() {
    let project = Project::new(&[
        ("migrations/1.sql", "CREATE TABLE users (id bigint PRIMARY KEY, name text);"),
        ("migrations/2.sql", "ALTER TABLE users RENAME COLUMN name TO full_name;"),
        ("migrations/3.sql", "ALTER TABLE users RENAME COLUMN full_name TO title;"),
        ("migrations/4.sql", "ALTER TABLE users ADD COLUMN age int;"),
    ]);
    let database = Database::fresh();
    database.run("CREATE TABLE users (id bigint PRIMARY KEY, name text);");
    project.run("init --adopt 1 --through 1.sql").ended_well();
    for release in 2..=4 {
        // Each release is planned when its migration is the only one that is pending.
        let later: Vec<String> = (release + 1..=4).map(|later| project.read(&format!("migrations/{later}.sql"))).collect();
        (release + 1..=4).for_each(|later| std::fs::remove_file(project.path(&format!("migrations/{later}.sql"))).unwrap());
        project.run(&format!("plan --release {release}")).ended_well();
        (release + 1..=4).zip(later).for_each(|(later, text)| project.write(&format!("migrations/{later}.sql"), text));
    }
    let on = |arguments: &str| project.run_on(&database.url(), arguments);
    let first = "run `concertina apply --release 2 --phase expand`";
    on("apply --release 4 --phase contract").failed_with(3, &["of release 2 must be done first", first]);
    on("apply --release 4 --phase expand").failed_with(3, &[first]);
    for release in 2..=4 {
        for phase in ["contract", "expand", "migrate"] {
            on(&format!("apply --release {release} --phase {phase}")).ended_well();
        }
    }
    assert_eq!(database.run("SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname IN ('title', 'age')"), "2");
}

#[test]
fn another_database_is_refused_and_stays_untouched() {
    let starts_from = start(&[("id", "bigint"), ("a", "text"), ("z", "text")]);
    let deploy = Deploy::of(&[adopted(), Plan { starts_from, ..release_2() }]);
    let says = ["not the database", "`public.t.a` is of type integer, and should be of type text", "`public.t.z` is missing"];
    deploy.run(EXPAND).failed_with(2, &says);
    assert_eq!(deploy.database.run("SELECT to_regnamespace('concertina') IS NULL"), "t");
}

#[test]
fn a_server_that_is_too_old_a_release_that_is_not_planned_and_a_standby_are_refused() {
    let deploy = Deploy::of(&[adopted(), Plan { engine_version: 99, ..release_2() }, release_3()]);
    deploy.run(EXPAND).failed_with(2, &["is for 99 and newer"]);
    deploy.run("apply --release 7 --phase expand").failed_with(2, &["no plan of release 7"]);
}

#[test]
fn a_database_that_cannot_be_reached_is_told_without_the_password() {
    let deploy = Deploy::new();
    let port = server().port();
    let check = |url: &str, says: &[&str]| {
        let run = deploy.project.run_on(url, EXPAND);
        run.failed_with(2, says);
        assert!(!run.err.contains("s3cr3t") && !run.out.contains("s3cr3t"), "{run:#?}");
    };
    check("postgresql://postgres:s3cr3t@127.0.0.1:1/d", &["can't be reached"]);
    check(&format!("postgresql://postgres:s3cr3t@127.0.0.1:{port}/{}", deploy.database.name), &["did not let user `postgres` in"]);
    check("postgresql://postgres:s3cr3t@127.0.0.1:port/d", &["can't be read"]);
    deploy.project.run(EXPAND).failed_with(2, &["no database is named"]);
}

#[test]
fn a_user_without_privileges_learns_which_to_ask_for() {
    let deploy = Deploy::new();
    let name = &deploy.database.name;
    deploy.database.run(&format!("CREATE ROLE joe_{name} LOGIN; REVOKE CREATE ON DATABASE {name} FROM PUBLIC"));
    let url = deploy.database.url().replace("user=postgres", &format!("user=joe_{name}"));
    deploy.project.run_on(&url, EXPAND).failed_with(2, &[&format!("user `joe_{name}` lacks a privilege"), "GRANT CREATE ON DATABASE"]);
    deploy.database.run(&format!("GRANT CREATE ON DATABASE {name} TO joe_{name}"));
    // The table is not this user's, so the step itself fails, and leaves nothing but its entry in the ledger.
    let before = deploy.everything();
    deploy.project.run_on(&url, EXPAND).failed_with(5, &["2/expand/t.b/add-column", "must be owner of table t"]);
    assert_eq!(deploy.everything(), before);
    assert!(deploy.run("status").ended_well().out.contains("failed   2/expand/t.b/add-column"));
    deploy.database.run(&format!("DROP OWNED BY joe_{name}; DROP ROLE joe_{name}"));
}
