//! Choices, made from a few small numbers: the nearer to 0 they are, the plainer is what is chosen. Numbers shrink, so
//! whatever is made from them does.

/// How many numbers a choice is made from.
pub(super) const NUMBERS: usize = 14;

/// Numbers to choose by.
#[derive(Debug, Clone)]
pub(super) struct Picks {
    numbers: [u8; NUMBERS],
    at: usize,
}

impl Picks {
    pub(super) fn new(numbers: [u8; NUMBERS]) -> Self {
        Self { numbers, at: 0 }
    }

    /// A number below `end`; 0 when no number is left.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(number) % end.max(1)
    }

    /// One of these.
    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = self.below(all.len());
        all.get(at)
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }
}
