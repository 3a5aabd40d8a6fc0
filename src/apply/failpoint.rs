//! Lets a test kill the executor at a named point, as `kill -9` would: `CONCERTINA_STOP_AT=<step>/<point>`. Does nothing in
//! a release build.

use crate::plan::StepId;

/// Dies here if the environment says so. `*` stands for any step.
#[cfg(debug_assertions)]
pub(super) fn reach(step: &StepId, point: &str) {
    let Ok(wanted) = std::env::var("CONCERTINA_STOP_AT") else { return };
    let Some((wanted_step, wanted_point)) = wanted.rsplit_once('/') else { return };
    if wanted_point != point || (wanted_step != "*" && wanted_step != step.0) {
        return;
    }
    let id = std::process::id().to_string();
    loop {
        // Nothing may run after this point: no destructor, no clean end of the connection.
        let _ = std::process::Command::new("kill").args(["-KILL", &id]).status();
        std::thread::yield_now();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn reach(_: &StepId, _: &str) {}
