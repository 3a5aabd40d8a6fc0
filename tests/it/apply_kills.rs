//! `kill -9` of `apply` at any moment, then the same command again: the same end.

use std::time::{Duration, Instant};

use concertina::plan::Phase;

use crate::deploy::{Deploy, Session, adopted, fill, release_2, release_3};

/// Where an executor can be killed, by the kind of step.
const OWN: &[&str] = &["begun", "ran", "marked", "committed"];
const AUTOCOMMIT: &[&str] = &["started", "ran", "committed"];
const CHUNKED: &[&str] = &["started", "begun", "ran", "marked", "chunk", "walked", "committed"];

const STEPS: [(&str, &[&str], u32, Phase); 5] = [
    ("2/expand/t.b/add-column", OWN, 2, Phase::Expand),
    ("2/expand/t_a_idx/create-index", AUTOCOMMIT, 2, Phase::Expand),
    ("2/migrate/t.b/fill", CHUNKED, 2, Phase::Migrate),
    ("2/contract/t.b/set-not-null", OWN, 3, Phase::Contract),
    ("3/expand/t.c/add-column", OWN, 3, Phase::Expand),
];

/// Both deploys, undisturbed.
fn undisturbed() -> String {
    let deploy = Deploy::new();
    deploy.apply_all(2);
    deploy.apply_all(3);
    deploy.everything()
}

#[test]
fn a_kill_at_any_point_of_any_step_and_the_same_command_again_ends_the_same() {
    let expected = undisturbed();
    // One life in which every step is killed at each of its points, one after the other: what one kill leaves behind is the
    // start of the next.
    for depth in 0..CHUNKED.len() {
        let deploy = Deploy::new();
        for release in [2, 3] {
            for phase in Phase::IN_ORDER {
                let command = format!("apply --release {release} --phase {phase}");
                for (step, points, ..) in STEPS.iter().filter(|(_, _, of, part)| (*of, *part) == (release, phase)) {
                    let Some(point) = points.get(depth) else { continue };
                    let killed = deploy.run_until(&format!("{step}/{point}"), &command);
                    assert_eq!(killed.code, 137, "{step}/{point}: {killed:#?}");
                }
                deploy.run(&command).ended_well();
            }
        }
        assert_eq!(deploy.everything(), expected, "{depth}");
    }
}

/// A backfill with chunks so small that it takes many.
fn slow() -> Deploy {
    let deploy = Deploy::of(&[adopted(), release_2(), release_3()]);
    deploy.apply(2, Phase::Expand);
    deploy.database.run("INSERT INTO t (id, a) SELECT 10000 + n, n FROM generate_series(1, 20000) n");
    deploy
}

#[test]
fn a_backfill_that_is_killed_after_every_chunk_arrives_all_the_same() {
    let deploy = slow();
    let command = "apply --release 2 --phase migrate";
    let mut kills = 0;
    while deploy.run_until(&format!("{}/chunk", fill().id), command).code == 137 {
        kills += 1;
        // The pace is kept in the ledger, and this keeps it slow.
        deploy.database.run("UPDATE concertina.backfill SET chunk = 3000");
        assert!(kills < 100, "it does not get on");
    }
    assert!(kills >= 5, "{kills}");
    assert_eq!(deploy.database.run("SELECT count(*) FILTER (WHERE b = a::text), count(*) FROM t"), "21000|21000");
    assert_eq!(deploy.database.run("SELECT changed, walk FROM concertina.backfill"), "21000|1");
}

#[test]
fn kills_at_random_moments_end_the_same() {
    let expected = undisturbed();
    let deploy = Deploy::new();
    let mut kills = 0;
    for (release, phase) in [2, 3].into_iter().flat_map(|release| Phase::IN_ORDER.map(|phase| (release, phase))) {
        let command = format!("apply --release {release} --phase {phase}");
        for _ in 0..4 {
            let mut running = deploy.start(&command);
            let moment = Instant::now() + Duration::from_micros(rand::random_range(0..150_000));
            while Instant::now() < moment && !running.has_ended() {
                std::thread::yield_now();
            }
            if !running.has_ended() {
                running.signal("KILL");
                kills += 1;
            }
            let run = running.end();
            assert!(run.code == 137 || run.code == 0, "{run:#?}");
        }
        deploy.run(&command).ended_well();
    }
    assert_eq!(deploy.everything(), expected, "after {kills} kills");
}

/// Whether an index is being built, by a session that waits for another.
const BUILDING: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'";

#[test]
fn a_statement_that_outlives_its_executor_is_waited_for() {
    let deploy = Deploy::new();
    deploy.run_until("2/expand/t.b/add-column/committed", "apply --release 2 --phase expand");
    let writer = Session::begin(&deploy.database, "a writer", "UPDATE t SET a = a WHERE id = 3");
    let first = deploy.start("apply --release 2 --phase expand");
    deploy.wait_until(BUILDING, "1");
    first.signal("KILL");
    assert_eq!(first.end().code, 137);
    let second = deploy.start("apply --release 2 --phase expand");
    deploy.wait_until("SELECT count(*) FROM concertina.lease WHERE epoch = 3 AND owner IS NOT NULL", "1");
    assert_eq!(deploy.database.run(BUILDING), "1", "the index goes on without its executor");
    writer.end();
    let run = second.end();
    assert!(run.ended_well().err.contains("it is in place"), "{run:#?}");
    assert_eq!(deploy.database.run("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a_idx'::regclass"), "t");
}

#[test]
fn an_index_that_was_broken_off_is_built_anew() {
    let deploy = Deploy::new();
    deploy.run_until("2/expand/t.b/add-column/committed", "apply --release 2 --phase expand");
    let writer = Session::begin(&deploy.database, "a writer", "UPDATE t SET a = a WHERE id = 3");
    let first = deploy.start("apply --release 2 --phase expand");
    deploy.wait_until(BUILDING, "1");
    first.signal("KILL");
    assert_eq!(first.end().code, 137);
    deploy.database.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'");
    deploy.wait_until("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a_idx'::regclass", "f");
    writer.end();
    let run = deploy.run("apply --release 2 --phase expand");
    assert!(run.ended_well().err.contains("what was left of it is cleared away"), "{run:#?}");
    assert_eq!(deploy.database.run("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a_idx'::regclass"), "t");
}
