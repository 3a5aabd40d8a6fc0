//! Two executors, executors that sleep, and executors among other sessions.

use crate::deploy::{Deploy, Session};
use crate::project::Run;

const EXPAND: &str = "apply --release 2 --phase expand";
const MIGRATE: &str = "apply --release 2 --phase migrate";

/// All that the ledger says.
const LEDGER: &str = "SELECT l, (SELECT max(number) FROM concertina.event),
    (SELECT string_agg(s::text, ',' ORDER BY id) FROM concertina.step s), (SELECT b FROM concertina.backfill b) FROM concertina.lease l";

/// A deploy whose backfill pauses before its first chunk, with the executor in it.
fn paused() -> (Deploy, crate::deploy::Running) {
    let deploy = Deploy::new();
    deploy.run(EXPAND).ended_well();
    deploy.database.run("INSERT INTO concertina.pause (because) VALUES ('a test')");
    let running = deploy.start(MIGRATE);
    deploy.wait_until("SELECT state FROM concertina.step WHERE id = '2/migrate/t.b/fill'", "started");
    (deploy, running)
}

#[test]
fn a_second_executor_says_who_is_at_work_and_the_first_goes_on() {
    let (deploy, first) = paused();
    let process = format!("process {} on", first.id());
    deploy.run(MIGRATE).failed_with(4, &["another executor is at work", &process, "since", "its lease ends at"]);
    deploy.run("rollback --release 2").failed_with(4, &[&process]);
    let status = deploy.run("status");
    assert!(status.ended_well().out.contains(&process) && status.out.contains("backfills are paused: a test"), "{status:#?}");
    deploy.database.run("DELETE FROM concertina.pause");
    let run = first.end();
    assert!(run.ended_well().err.contains("pauses: paused in the ledger: a test"), "{run:#?}");
}

#[test]
fn two_that_begin_at_once_do_every_step_once() {
    let deploy = Deploy::new();
    let both = [deploy.start(EXPAND), deploy.start(EXPAND)].map(crate::deploy::Running::end);
    assert!(both.iter().any(|run| run.code == 0), "{both:#?}");
    for run in &both {
        assert!(run.code == 0 || run.code == 4, "{both:#?}");
    }
    deploy.run(EXPAND).ended_well();
    assert_eq!(deploy.database.run("SELECT count(*) FROM concertina.event WHERE kind = 'done'"), "2");
}

#[test]
fn a_sleeper_whose_lease_was_taken_writes_nothing_when_it_wakes_up() {
    let (deploy, sleeper) = paused();
    sleeper.signal("STOP");
    // What thirty seconds of sleep do.
    deploy.database.run("UPDATE concertina.lease SET expires_at = clock_timestamp(); DELETE FROM concertina.pause");
    deploy.run(MIGRATE).ended_well();
    deploy.run("apply --release 3 --phase contract").ended_well();
    let before = (deploy.everything(), deploy.database.run(LEDGER));
    sleeper.signal("CONT");
    sleeper.end().failed_with(4, &["the lease was lost"]);
    assert_eq!((deploy.everything(), deploy.database.run(LEDGER)), before);
}

#[test]
fn a_sleeper_whose_session_still_lives_is_kept_out_by_the_fence() {
    let (deploy, sleeper) = paused();
    sleeper.signal("STOP");
    // Another executor has been here, and could not end the sleeper's session.
    deploy.database.run("UPDATE concertina.lease SET epoch = epoch + 1; DELETE FROM concertina.pause");
    let before = deploy.everything();
    sleeper.signal("CONT");
    sleeper.end().failed_with(4, &["the lease was lost"]);
    assert_eq!(deploy.everything(), before);
    assert_eq!(deploy.database.run("SELECT state FROM concertina.step WHERE id = '2/migrate/t.b/fill'"), "started");
}

#[test]
fn a_sleeper_anywhere_in_a_step_writes_nothing_when_it_wakes_up() {
    let points = [
        (EXPAND, "2/expand/t.b/add-column/begun"),
        (EXPAND, "2/expand/t.b/add-column/marked"),
        (EXPAND, "2/expand/t_a_idx/create-index/started"),
        (EXPAND, "2/expand/t_a_idx/create-index/ran"),
        (MIGRATE, "2/migrate/t.b/fill/started"),
        (MIGRATE, "2/migrate/t.b/fill/marked"),
        (MIGRATE, "2/migrate/t.b/fill/walked"),
    ];
    for (command, point) in points {
        let deploy = Deploy::new();
        if command == MIGRATE {
            deploy.run(EXPAND).ended_well();
        }
        let sleeper = deploy.sleeper(point, command);
        deploy.database.run("UPDATE concertina.lease SET expires_at = clock_timestamp()");
        deploy.run(command).ended_well();
        let before = (deploy.everything(), deploy.database.run(LEDGER));
        sleeper.signal("CONT");
        sleeper.end().failed_with(4, &["the lease was lost"]);
        assert_eq!((deploy.everything(), deploy.database.run(LEDGER)), before, "{point}");
    }
}

#[test]
fn a_lock_that_is_not_free_is_given_up_with_the_names_of_those_in_the_way() {
    let deploy = Deploy::new();
    let holder = Session::begin(&deploy.database, "a long report", "SELECT count(*) FROM t");
    let before = deploy.everything();
    let run = deploy.run(&format!("{EXPAND} --lock-budget 1s"));
    run.failed_with(
        4,
        &["`2/expand/t.b/add-column` got no lock", "of `a long report`", "user `postgres`", "idle in transaction", "SELECT 1"],
    );
    assert_eq!(deploy.everything(), before);
    holder.end();
    deploy.run(EXPAND).ended_well();
}

#[test]
fn a_connection_that_is_lost_costs_nothing_but_a_second_command() {
    let (deploy, running) = paused();
    deploy.database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'concertina/2/2/migrate%'");
    running.end().failed_with(5, &["the connection was lost", "the same command goes on from there"]);
    deploy.database.run("DELETE FROM concertina.pause");
    deploy.run(MIGRATE).ended_well();
}

#[test]
fn a_brief_step_that_makes_others_wait_is_cancelled_and_the_others_go_on() {
    let mut plan = crate::deploy::release_2();
    plan.steps[0].sql.push("SELECT pg_sleep(600)".to_owned());
    let deploy = Deploy::of(&[crate::deploy::adopted(), plan]);
    let before = deploy.everything();
    let running = deploy.start(EXPAND);
    deploy.wait_until("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'", "1");
    // This waits for the step, until the watch cancels it.
    deploy.database.run("SELECT count(*) FROM t");
    running.end().failed_with(4, &["`2/expand/t.b/add-column` made others wait too long"]);
    assert_eq!(deploy.everything(), before);
}

#[test]
fn signals_end_a_wait_and_the_same_command_goes_on() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let deploy = Deploy::new();
        let holder = Session::begin(&deploy.database, "a long report", "SELECT count(*) FROM t");
        let running = deploy.start(&format!("{EXPAND} --lock-budget 10min"));
        deploy.wait_until("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'concertina/2/2/expand%'", "1");
        running.signal(signal);
        running.end().failed_with(code, &["the same command goes on from here"]);
        holder.end();
        deploy.run(EXPAND).ended_well();
    }
}

#[test]
fn signals_end_a_backfill_after_its_chunk_and_the_lease_is_given_back() {
    let (deploy, running) = paused();
    running.signal("TERM");
    running.end().failed_with(143, &["the same command goes on from here"]);
    assert_eq!(deploy.database.run("SELECT owner IS NULL FROM concertina.lease"), "t");
    deploy.database.run("DELETE FROM concertina.pause");
    deploy.run(MIGRATE).ended_well();
}

#[test]
fn an_index_that_waits_too_long_for_others_is_given_up_and_built_the_next_time() {
    let deploy = Deploy::new();
    let point = deploy.run_until("2/expand/t.b/add-column/committed", EXPAND);
    assert_eq!(point.code, 137);
    let writer = Session::begin(&deploy.database, "a writer", "UPDATE t SET a = a WHERE id = 3");
    let run: Run = deploy.run(&format!("{EXPAND} --lock-budget 1s"));
    run.failed_with(4, &["`2/expand/t_a_idx/create-index` got no lock", "of `a writer`"]);
    writer.end();
    deploy.run(EXPAND).ended_well();
    assert_eq!(deploy.database.run("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a_idx'::regclass"), "t");
}
