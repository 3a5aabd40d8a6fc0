//! How often and how long something is tried again: full jitter, so that executors and clients don't meet again at the
//! same moment, and a budget, after which the user decides.

use std::time::{Duration, Instant};

use rand::RngExt;

/// The pauses grow from this …
const FIRST: Duration = Duration::from_millis(500);
/// … up to this.
const LONGEST: Duration = Duration::from_secs(30);
/// Even the luckiest pause lets others through.
const SHORTEST: Duration = Duration::from_millis(20);

/// What is left of the time for one step.
#[derive(Debug)]
pub(super) struct Budget {
    began: Instant,
    whole: Duration,
    tries: u32,
}

impl Budget {
    pub(super) fn new(whole: Duration) -> Self {
        Self { began: Instant::now(), whole, tries: 0 }
    }

    /// The pause before the next try; none if the budget is used up.
    pub(super) fn next(&mut self) -> Option<Duration> {
        self.tries += 1;
        let pause = pause(self.tries, rand::rng().random());
        (self.began.elapsed() + pause < self.whole).then_some(pause)
    }

    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) fn spent(&self) -> Duration {
        self.began.elapsed()
    }
}

/// The pause after so many tries, by a random number from zero to one.
fn pause(tries: u32, random: f64) -> Duration {
    let most = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST);
    most.mul_f64(random).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_never_vanish() {
        assert_eq!(pause(1, 1.0), FIRST);
        assert_eq!(pause(3, 1.0), FIRST * 4);
        assert_eq!(pause(3, 0.5), FIRST * 2);
        assert_eq!(pause(1000, 1.0), LONGEST);
        assert_eq!(pause(1000, 0.0), SHORTEST);
    }

    #[test]
    fn a_budget_of_nothing_allows_one_try() {
        let mut budget = Budget::new(Duration::ZERO);
        assert_eq!(budget.next(), None);
        assert_eq!(budget.tries(), 1);
    }
}
