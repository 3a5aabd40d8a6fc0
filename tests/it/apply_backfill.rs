//! Backfills: rows that fail are named, rows that are left are counted, and whatever comes in meanwhile is found.

use concertina::plan::Phase;

use crate::deploy::{Deploy, ROWS, fill, release_2};

const MIGRATE: &str = "apply --release 2 --phase migrate";

/// A deploy that has been expanded.
fn expanded() -> Deploy {
    let deploy = Deploy::new();
    deploy.apply(2, Phase::Expand);
    deploy
}

#[test]
fn a_row_that_fails_is_named_by_its_key_and_the_rows_before_it_are_done() {
    let deploy = expanded();
    deploy.database.run("ALTER TABLE t ADD CONSTRAINT lucky CHECK (b <> '700')");
    deploy.run(MIGRATE).failed_with(
        5,
        &["at the row of public.t with key (2100)", "violates check constraint \"lucky\"", "detail: Failing row contains (2100, 700, 700)"],
    );
    assert_eq!(deploy.database.run("SELECT count(*) FROM t WHERE b IS NOT NULL"), "699");
    let status = deploy.run("status");
    assert!(status.ended_well().out.contains("failed   2/migrate/t.b/fill") && status.out.contains("lucky"), "{status:#?}");
    deploy.database.run("ALTER TABLE t DROP CONSTRAINT lucky");
    deploy.run(MIGRATE).ended_well();
    assert_eq!(deploy.database.run("SELECT count(*) FROM t WHERE b = a::text"), ROWS.to_string());
    assert_eq!(deploy.database.run("SELECT changed FROM concertina.backfill"), ROWS.to_string());
}

#[test]
fn rows_that_stay_wrong_are_counted_after_some_walks() {
    let mut step = fill();
    let backfill = step.backfill.as_mut().unwrap();
    backfill.remaining = "SELECT count(*) FROM t WHERE id < 10".to_owned();
    let mut plan = release_2();
    plan.steps[2] = step;
    let deploy = Deploy::of(&[crate::deploy::adopted(), plan]);
    deploy.apply(2, Phase::Expand);
    deploy.run(MIGRATE).failed_with(5, &["walked over the whole table 3 times", "3 rows are still not"]);
}

#[test]
fn rows_that_the_first_walk_missed_are_found_by_the_next() {
    let deploy = expanded();
    // The executor of before had walked to the end, and then rows came in by a way that fires no trigger.
    deploy.run_until("2/migrate/t.b/fill/walked", MIGRATE);
    deploy.database.run("INSERT INTO t (id, a) VALUES (1, 1), (1000000, 2)");
    let run = deploy.run(MIGRATE);
    assert!(run.ended_well().err.contains("walking over the table again"), "{run:#?}");
    assert_eq!(deploy.database.run("SELECT count(*) FROM t WHERE b IS NULL"), "0");
}

#[test]
fn a_backfill_waits_for_rows_that_a_client_holds_and_names_the_client() {
    let deploy = expanded();
    let client = crate::deploy::Session::begin(&deploy.database, "a client", "UPDATE t SET a = a WHERE id = 300");
    deploy.run(&format!("{MIGRATE} --lock-budget 1s")).failed_with(4, &["2/migrate/t.b/fill", "of `a client`"]);
    client.end();
    deploy.run(MIGRATE).ended_well();
}

#[test]
fn triggers_see_the_backfill_at_work() {
    let deploy = expanded();
    deploy.database.run(
        "CREATE TABLE seen (setting text);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES (current_setting('concertina.backfill', true)); RETURN NULL; END $$;
        CREATE TRIGGER look AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION look()",
    );
    deploy.run(MIGRATE).ended_well();
    assert_eq!(deploy.database.run("SELECT DISTINCT setting FROM seen"), "on");
}
