//! Being asked to stop: the first signal ends the work after the current step or chunk, the second at once. Both leave a
//! database from which the same command goes on.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The signals that ask us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as a supervisor sends it.
    Terminate,
}

/// What was asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    /// End after the current step or chunk, and wait for nothing.
    Soon(Signal),
    /// End now, whatever is running.
    Now(Signal),
}

/// Tells whether we were asked to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Asked>);

impl Stop {
    /// Listens for SIGINT and SIGTERM from now on. Must be called within a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let (sender, receiver) = watch::channel(Asked::Nothing);
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            loop {
                let got = tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                    () = sender.closed() => return,
                };
                sender.send_modify(|asked| {
                    *asked = if *asked == Asked::Nothing { Asked::Soon(got) } else { Asked::Now(got) };
                });
            }
        });
        Ok(Self(receiver))
    }

    /// Never stops.
    pub fn never() -> Self {
        Self(watch::channel(Asked::Nothing).1)
    }

    pub(super) fn asked(&self) -> Asked {
        *self.0.borrow()
    }

    /// The signal, if there was one.
    pub(super) fn signal(&self) -> Option<Signal> {
        match self.asked() {
            Asked::Nothing => None,
            Asked::Soon(signal) | Asked::Now(signal) => Some(signal),
        }
    }

    /// Ends when we are asked to stop; never if nobody can ask.
    pub(super) async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        loop {
            if let Some(signal) = self.signal() {
                return signal;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
