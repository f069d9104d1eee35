//! How far something is that takes long: on stderr, where that is a terminal.

use std::{
    io::{self, IsTerminal as _, Write},
    time::{Duration, Instant},
};

/// How long it may take before it is told, and how often then.
const LONG: Duration = Duration::from_millis(500);

/// Clears its line when it ends.
pub(crate) struct Progress {
    /// What is done.
    what: &'static str,
    begun: Instant,
    told: Option<Instant>,
    terminal: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, begun: Instant::now(), told: None, terminal: io::stderr().is_terminal() }
    }

    pub(crate) fn tell(&mut self, done: u64, all: u64) {
        let due = self.told.map_or(self.begun.elapsed() >= LONG, |last| last.elapsed() >= LONG);
        if !self.terminal || !due {
            return;
        }
        self.told = Some(Instant::now());
        let percent = (done.min(all) * 100).checked_div(all).unwrap_or(100);
        let _ = write!(io::stderr().lock(), "\r{}: {percent} %\u{1b}[K", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
