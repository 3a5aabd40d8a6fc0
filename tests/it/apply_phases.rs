//! `apply` phase by phase: in order, once, and with word of what comes next.

use concertina::plan::Phase;

use crate::deploy::{Deploy, ROWS};

const EXPAND: &str = "apply --release 2 --phase expand";
const MIGRATE: &str = "apply --release 2 --phase migrate";

#[test]
fn phases_run_in_order_and_each_step_once() {
    let deploy = Deploy::new();
    assert!(deploy.run("status").ended_well().out.contains("next: concertina apply --release 2 --phase expand"));
    let expand = deploy.run(EXPAND);
    assert!(expand.ended_well().out.contains("done  2/expand/t_a_idx/create-index"), "{expand:#?}");
    assert!(deploy.run("status").ended_well().out.contains("next: concertina apply --release 2 --phase migrate"));
    assert!(deploy.run(EXPAND).ended_well().out.contains("nothing to do"));
    deploy.apply(2, Phase::Migrate);
    assert_eq!(deploy.database.run("SELECT count(*) FROM t WHERE b = a::text"), ROWS.to_string());
    deploy.apply_all(3);
    let dump = deploy.database.dump();
    for part in ["b text NOT NULL", "c text", "CREATE INDEX t_a_idx ON public.t USING btree (a)"] {
        assert!(dump.contains(part), "{part} is missing in {dump}");
    }
    let status = deploy.run("status");
    assert!(status.ended_well().out.contains("nothing is left to do"), "{status:#?}");
    assert_eq!(deploy.database.run("SELECT count(*) FROM concertina.event WHERE kind = 'done'"), "5");
}

#[test]
fn a_phase_that_comes_first_is_named_with_its_command() {
    let deploy = Deploy::new();
    deploy.run(MIGRATE).failed_with(3, &["2 steps", "concertina apply --release 2 --phase expand"]);
    deploy.run("apply --release 3 --phase contract").failed_with(3, &["release 2", "--phase expand"]);
    deploy.run(EXPAND).ended_well();
    deploy.run("apply --release 3 --phase expand").failed_with(3, &["step `2/migrate/t.b/fill`", "--release 2 --phase migrate"]);
}

#[test]
fn a_gate_says_what_it_counts_and_how_many() {
    let deploy = Deploy::new();
    deploy.apply_all(2);
    deploy.database.run("UPDATE t SET b = NULL WHERE id IN (3, 6)");
    let before = deploy.everything();
    deploy.run("apply --release 3 --phase contract").failed_with(3, &["2 rows of t without b", "2/contract/t.b/set-not-null"]);
    assert_eq!(deploy.everything(), before);
    deploy.database.run("UPDATE t SET b = a::text WHERE b IS NULL");
    deploy.apply_all(3);
}

#[test]
fn a_dry_run_shows_the_sql_and_writes_nothing() {
    let deploy = Deploy::new();
    let before = deploy.everything();
    let run = deploy.run(&format!("{EXPAND} --dry-run"));
    assert!(run.ended_well().out.contains("ALTER TABLE t ADD COLUMN b text;\n"), "{run:#?}");
    assert_eq!(deploy.everything(), before);
    assert_eq!(deploy.database.run("SELECT to_regnamespace('concertina') IS NULL"), "t");
}

#[test]
fn status_is_there_for_programs_too() {
    let deploy = Deploy::new();
    deploy.run(EXPAND).ended_well();
    let status: serde_json::Value = serde_json::from_str(&deploy.run("status --format json").ended_well().out).unwrap();
    assert_eq!(status["next"], serde_json::json!({ "release": "2", "phase": "migrate" }));
    assert_eq!(status["plans"][1]["steps"][0]["entry"]["state"], "done");
    assert_eq!(status["at_work"], serde_json::Value::Null);
}
