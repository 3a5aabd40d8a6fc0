//! The one place that prints. A command never fails half-way because nobody reads what it prints: a closed pipe is
//! quiet, and any other error of standard output is reported at the end.

use std::error::Error;
use std::io::{self, ErrorKind, Stderr, Stdout, Write};

use anstream::AutoStream;
use anstream::stream::{AsLockedWrite, RawStream};
use clap::ColorChoice;

use super::exit::Exit;

/// Standard output and standard error.
#[derive(Debug)]
pub struct Terminal {
    out: AutoStream<Stdout>,
    err: AutoStream<Stderr>,
    broken: Option<io::Error>,
}

impl Terminal {
    /// Prints with colour as `color` says.
    pub fn new(color: ColorChoice) -> Self {
        Self { out: stream(io::stdout(), color), err: stream(io::stderr(), color), broken: None }
    }

    /// Prints a result, as it is, to standard output. Styles are taken out where they would not be seen.
    pub fn print(&mut self, text: &str) {
        if self.broken.is_none() {
            self.broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).err();
        }
    }

    /// Prints a result and a line break to standard output.
    pub fn line(&mut self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// Says something about the work, that isn't its result, on standard error.
    pub fn note(&mut self, text: &str) {
        // Standard error is where errors go; if it is closed there is nowhere left to tell.
        let _ = writeln!(self.err, "{text}");
    }

    /// Says why the command stopped, with the causes.
    pub fn failure(&mut self, failure: &dyn Error) {
        let style = anstream_style();
        let mut text = format!("{style}error:{style:#} {failure}");
        let mut cause = failure.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // A transparent error, and many a driver, repeats its source in its own words.
            if !text.contains(&message) {
                text.push_str("\n  because: ");
                text.push_str(&message);
            }
            cause = error.source();
        }
        self.note(&text);
    }

    /// Ends the output and gives the exit code: that of the command, unless its result could not be written.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        match self.broken.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.note(&format!("error: standard output can't be written: {error}"));
                if exit == Exit::Done { Exit::Input } else { exit }
            }
            Some(_) | None => exit,
        }
    }
}

fn stream<S: RawStream + AsLockedWrite>(raw: S, color: ColorChoice) -> AutoStream<S> {
    match color {
        ColorChoice::Auto => AutoStream::auto(raw),
        ColorChoice::Always => AutoStream::always(raw),
        ColorChoice::Never => AutoStream::never(raw),
    }
}

fn anstream_style() -> clap::builder::styling::Style {
    clap::builder::styling::AnsiColor::Red.on_default().bold()
}
