//! Shows what the executor tells: a line for each step, and for a backfill a bar on a terminal and now and then a line
//! elsewhere, so that a deploy's log says that it goes on and for how long.

#![expect(clippy::disallowed_methods, reason = "lines come at intervals, not with every chunk")]

use std::cell::RefCell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Terminal;
use crate::apply::{Blocker, Event, Listener};
use crate::plan::StepId;

/// How often a backfill says how far it is, where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Shows the executor's events.
pub(super) struct Progress<'a> {
    terminal: RefCell<&'a mut Terminal>,
    bar: RefCell<Option<ProgressBar>>,
    told: RefCell<Option<Instant>>,
}

impl<'a> Progress<'a> {
    /// Shows them here.
    pub(super) fn new(terminal: &'a mut Terminal) -> Self {
        Self { terminal: RefCell::new(terminal), bar: RefCell::new(None), told: RefCell::new(None) }
    }

    fn line(&self, text: &str) {
        self.above_the_bar(|terminal| terminal.line(text));
    }

    fn note(&self, text: &str) {
        self.above_the_bar(|terminal| terminal.note(text));
    }

    fn above_the_bar(&self, print: impl FnOnce(&mut Terminal)) {
        let mut terminal = self.terminal.borrow_mut();
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| print(&mut terminal)),
            None => print(&mut terminal),
        }
    }

    fn chunk(&self, step: &StepId, progress: &crate::apply::Progress) {
        if stderr().is_terminal() {
            let mut bar = self.bar.borrow_mut();
            let bar = bar.get_or_insert_with(bar_of_rows);
            bar.set_length(progress.estimate.unwrap_or(progress.walked).max(progress.walked));
            bar.set_position(progress.walked);
            bar.set_message(format!("{}, {}", rate(progress), left(progress)));
            return;
        }
        let mut told = self.told.borrow_mut();
        let began = told.get_or_insert_with(Instant::now);
        if began.elapsed() < EVERY {
            return;
        }
        *began = Instant::now();
        drop(told);
        let of = progress.estimate.map(|rows| format!(" of about {}", grouped(rows))).unwrap_or_default();
        self.note(&format!("  {step}: {}{of} rows, {}, {}", grouped(progress.walked), rate(progress), left(progress)));
    }

    fn step_ends(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
        self.told.borrow_mut().take();
    }
}

impl Listener for Progress<'_> {
    fn hear(&self, event: &Event<'_>) {
        match event {
            Event::LeaseTaken { .. } => {}
            Event::WaitingForStatement { pid } => {
                self.note(&format!("an executor that is gone left a statement running in session {pid}; waiting for its end"));
            }
            Event::PhaseBegins { release, phase, steps } => match steps {
                0 => self.line(&format!("release {release}, {phase}: nothing to do")),
                1 => self.line(&format!("release {release}, {phase}: 1 step")),
                _ => self.line(&format!("release {release}, {phase}: {steps} steps")),
            },
            Event::StepBegins { step } => self.line(&format!("  run   {}  {}", step.id, step.about)),
            Event::Settled { step, found } => self.note(&format!("  {step} was begun earlier and not finished: {found}")),
            Event::LockNotFree { tries, again_in, blockers, .. } => {
                self.note(&format!("  no lock at try {tries}; again in {again_in:.1?}{}", in_the_way(blockers)));
            }
            Event::Chunk { step, progress } => self.chunk(step, progress),
            Event::Paused { step, why: Some(why) } => self.note(&format!("  {step} pauses: {why}")),
            Event::Paused { step, why: None } => self.note(&format!("  {step} goes on")),
            Event::StepDone { step, took } => {
                self.step_ends();
                self.line(&format!("  done  {step}  {:.2} s", took.as_secs_f64()));
            }
            Event::StepUndone { step } => self.line(&format!("  taken back  {step}")),
            Event::PhaseDone { release, phase } => self.line(&format!("release {release}, {phase}: done")),
            Event::MigrationDone { path } => self.line(&format!("  done  {path}")),
            Event::Note(text) => self.note(&format!("  {text}")),
        }
    }
}

fn bar_of_rows() -> ProgressBar {
    let style = ProgressStyle::with_template("  {wide_bar} {human_pos}/{human_len} rows, {msg}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn rate(progress: &crate::apply::Progress) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is shown without its fraction")]
    let rate = progress.rate as u64;
    format!("{} rows/s", grouped(rate))
}

fn left(progress: &crate::apply::Progress) -> String {
    match progress.remaining() {
        Some(time) => format!("{} left", humantime::format_duration(Duration::from_secs(time.as_secs()))),
        None => "the end is not known".to_owned(),
    }
}

fn in_the_way(blockers: &[Blocker]) -> String {
    let lines: Vec<String> = blockers.iter().map(|blocker| format!("\n    in the way: {blocker}")).collect();
    lines.concat()
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let check = |number, expected| assert_eq!(grouped(number), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
    }
}
