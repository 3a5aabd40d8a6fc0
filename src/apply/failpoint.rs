//! Lets a test kill the executor at a named point, as `kill -9` would, or put it to sleep there: `CONCERTINA_STOP_AT` and
//! `CONCERTINA_SLEEP_AT`, each `<step>/<point>`. Does nothing in a release build.

use crate::plan::StepId;

/// Dies or falls asleep here if the environment says so.
#[cfg(debug_assertions)]
pub(super) fn reach(step: &StepId, point: &str) {
    let is_meant = |variable: &str| std::env::var(variable).is_ok_and(|wanted| wanted == format!("{step}/{point}"));
    if is_meant("CONCERTINA_SLEEP_AT") {
        signal("STOP");
    }
    while is_meant("CONCERTINA_STOP_AT") {
        // Nothing may run after this point: no destructor, no clean end of the connection.
        signal("KILL");
    }
}

#[cfg(debug_assertions)]
fn signal(name: &str) {
    let id = std::process::id().to_string();
    // A machine without `kill` fails the test that wanted it.
    let _ = std::process::Command::new("kill").arg(format!("-{name}")).arg(id).status();
}

#[cfg(not(debug_assertions))]
pub(super) fn reach(_: &StepId, _: &str) {}
