//! `rollback`: back to the start, in any order of kills, as long as contract has not begun.

use concertina::plan::{Phase, Undo};

use crate::deploy::{Deploy, adopted, release_2};

const ROLLBACK: &str = "rollback --release 2";

#[test]
fn a_release_is_taken_back_to_the_start_and_can_be_applied_again() {
    let deploy = Deploy::new();
    let start = deploy.everything();
    deploy.apply_all(2);
    let end = deploy.everything();
    let run = deploy.run(ROLLBACK);
    assert!(run.ended_well().out.contains("taken back  2/expand/t.b/add-column"), "{run:#?}");
    assert_eq!(deploy.everything(), start);
    assert!(deploy.run("status").ended_well().out.contains("taken back 2/expand/t.b/add-column"));
    deploy.run(ROLLBACK).failed_with(2, &["nothing of release 2 has been applied"]);
    deploy.apply_all(2);
    assert_eq!(deploy.everything(), end);
}

#[test]
fn after_a_rollback_the_plan_may_be_edited() {
    let deploy = Deploy::of(&[adopted(), release_2()]);
    deploy.apply(2, Phase::Expand);
    deploy.run(ROLLBACK).ended_well();
    let text = deploy.project.read("plans/2.json");
    deploy.project.write("plans/2.json", text.replace("a step of a test", "another step"));
    deploy.apply_all(2);
}

#[test]
fn a_rollback_that_is_killed_anywhere_arrives_at_the_start() {
    let points = [
        "2/expand/t_a_idx/create-index/started",
        "2/expand/t_a_idx/create-index/ran",
        "2/expand/t_a_idx/create-index/committed",
        "2/expand/t.b/add-column/begun",
        "2/expand/t.b/add-column/ran",
        "2/expand/t.b/add-column/marked",
        "2/expand/t.b/add-column/committed",
    ];
    let deploy = Deploy::new();
    let start = deploy.everything();
    for point in points {
        deploy.apply_all(2);
        assert_eq!(deploy.run_until(point, ROLLBACK).code, 137, "{point}");
        deploy.run(ROLLBACK).ended_well();
        assert_eq!(deploy.everything(), start, "{point}");
    }
}

#[test]
fn a_half_applied_release_is_taken_back_too_and_a_half_taken_back_one_applied() {
    let deploy = Deploy::new();
    let start = deploy.everything();
    deploy.run_until("2/expand/t_a_idx/create-index/ran", "apply --release 2 --phase expand");
    deploy.run(ROLLBACK).ended_well();
    assert_eq!(deploy.everything(), start);
    deploy.apply_all(2);
    let end = deploy.everything();
    deploy.run_until("2/expand/t_a_idx/create-index/ran", ROLLBACK);
    deploy.apply_all(2);
    assert_eq!(deploy.everything(), end);
}

#[test]
fn after_contract_has_begun_only_forward_is_left() {
    let deploy = Deploy::new();
    deploy.apply_all(2);
    deploy.apply(3, Phase::Contract);
    deploy.run(ROLLBACK).failed_with(2, &["2/contract/t.b/set-not-null", "only forward is left"]);
    deploy.apply(3, Phase::Expand);
    deploy.run(ROLLBACK).failed_with(2, &["only forward is left"]);
    deploy.run("rollback --release 3").ended_well();
}

#[test]
fn what_cannot_be_taken_back_is_refused_before_the_first_step() {
    let mut plan = release_2();
    plan.steps[2].undo = Undo::Impossible { loses: "the values of b".to_owned() };
    let deploy = Deploy::of(&[adopted(), plan]);
    deploy.apply_all(2);
    let before = deploy.everything();
    deploy.run(ROLLBACK).failed_with(2, &["2/migrate/t.b/fill", "the values of b", "--accept-loss"]);
    assert_eq!(deploy.everything(), before);
    let dry = deploy.run(&format!("{ROLLBACK} --accept-loss --dry-run"));
    assert!(dry.ended_well().out.contains("DROP INDEX CONCURRENTLY t_a_idx;"), "{dry:#?}");
    deploy.run(&format!("{ROLLBACK} --accept-loss")).ended_well();
    assert!(!deploy.database.dump().contains("b text"));
}
