//! `concertina init`: the configuration, and the first plan of a chain.

use crate::project::Project;

fn project(files: &[(&str, &str)]) -> Project {
    let project = Project::new(files);
    std::fs::remove_file(project.path("concertina.toml")).unwrap();
    project
}

const TWO: [(&str, &str); 2] = [("migrations/V1__a.sql", "CREATE TABLE a ();\n"), ("migrations/V2__b.sql", "CREATE TABLE b ();\n")];

#[test]
fn init_finds_the_folder_of_migrations() {
    let project = project(&[("db/migrations/1_a.sql", "")]);
    assert_eq!(project.run("init").ended_well().out, "wrote concertina.toml\n");
    assert!(project.read("concertina.toml").contains("\nmigrations = \"db/migrations\"\n"));
}

#[test]
fn adopt_takes_all_migrations_as_applied() {
    let project = project(&TWO);
    let run = project.run("init --adopt 7");
    assert_eq!(run.ended_well().out, "wrote concertina.toml\nwrote plans/7.json: 2 migrations are taken as applied\n");
    let plan: serde_json::Value = serde_json::from_str(&project.read("plans/7.json")).unwrap();
    assert_eq!((plan["adopted"].as_bool(), plan["steps"].as_array().unwrap().len()), (Some(true), 0));
    let paths: Vec<_> = plan["migrations"].as_array().unwrap().iter().map(|migration| migration["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["V1__a.sql", "V2__b.sql"]);
}

#[test]
fn adopt_ends_with_the_migration_that_is_named() {
    for named in ["V1__a.sql", "migrations/V1__a.sql"] {
        let project = project(&TWO);
        let run = project.run(&format!("init --adopt 7 --through {named}"));
        assert!(run.ended_well().out.ends_with("wrote plans/7.json: 1 migration is taken as applied\n"), "{run:?}");
    }
}

#[test]
fn a_migration_that_is_not_there_is_named_and_nothing_is_adopted() {
    let project = project(&TWO);
    project.run("init --adopt 7 --through V3__c.sql").failed_with(2, &["there is no migration `V3__c.sql` in migrations"]);
    assert!(!project.path("plans").exists());
    project.run("init --adopt 7").ended_well();
}

#[test]
fn a_project_is_adopted_only_once() {
    let project = project(&TWO);
    project.run("init --adopt 7").ended_well();
    let before = project.read("plans/7.json");
    project.run("init --adopt 8").failed_with(2, &["plans/7.json is there already", "adopted only once"]);
    project.run("init --adopt 7").failed_with(2, &["plans/7.json is there already"]);
    assert_eq!(project.read("plans/7.json"), before);
    assert!(!project.path("plans/8.json").exists());
}
