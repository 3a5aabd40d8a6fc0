//! How many rows a chunk of a backfill has, so that it takes about as long as it should. Looks at the middle of the last
//! chunks with a dead band around the target: a pace that follows each chunk only chases noise. Pure.

use std::collections::VecDeque;
use std::time::Duration;

const FIRST: u32 = 5_000;
const LEAST: u32 = 100;
const MOST: u32 = 50_000;

/// How many chunks are looked at.
const WINDOW: usize = 10;
/// How many must have been seen before the size changes.
const ENOUGH: usize = 3;

/// The size of chunks.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    target: Duration,
    size: u32,
    recent: VecDeque<Duration>,
}

impl Pace {
    /// Begins with the size that an earlier executor had come to, if there was one.
    pub(super) fn new(target: Duration, earlier: Option<u32>) -> Self {
        Self { target, size: earlier.map_or(FIRST, |size| size.clamp(LEAST, MOST)), recent: VecDeque::new() }
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Learns from a chunk of the present size.
    pub(super) fn took(&mut self, time: Duration) {
        if time > self.target * 5 {
            return self.resize(self.size / 10);
        }
        self.recent.push_back(time);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        if self.recent.len() < ENOUGH {
            return;
        }
        let mut sorted: Vec<Duration> = self.recent.iter().copied().collect();
        sorted.sort();
        let middle = sorted[(sorted.len() - 1) / 2];
        if middle < self.target.mul_f64(0.6) {
            self.resize(self.size + self.size / 2);
        } else if middle > self.target.mul_f64(1.5) {
            self.resize(self.size / 2);
        }
    }

    /// Takes smaller chunks after one that met a deadlock or waited for a row.
    pub(super) fn shrink(&mut self) {
        self.resize(self.size / 2);
    }

    fn resize(&mut self, size: u32) {
        let size = size.clamp(LEAST, MOST);
        if size != self.size {
            // Times of chunks of another size say nothing about this one.
            self.recent.clear();
            self.size = size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size after chunks that took so many milliseconds, with a target of 100.
    fn after(times: &[u64]) -> u32 {
        let mut pace = Pace::new(Duration::from_millis(100), None);
        for time in times {
            pace.took(Duration::from_millis(*time));
        }
        pace.size()
    }

    #[test]
    fn the_middle_of_the_last_chunks_decides_and_a_dead_band_keeps_it_calm() {
        let check = |times: &[u64], expected| assert_eq!(after(times), expected, "{times:?}");
        check(&[10, 10], 5_000);
        check(&[10, 10, 10], 7_500);
        check(&[100, 400, 100, 400, 90], 5_000);
        check(&[61, 149, 100], 5_000);
        check(&[200, 200, 200], 2_500);
        check(&[501], 500);
        check(&[501, 501, 501], 100);
        check(&[1; 60], 50_000);
    }

    #[test]
    fn it_goes_on_with_the_size_of_an_earlier_executor_within_bounds() {
        assert_eq!(Pace::new(Duration::from_millis(100), Some(700)).size(), 700);
        assert_eq!(Pace::new(Duration::from_millis(100), Some(1)).size(), 100);
    }
}
