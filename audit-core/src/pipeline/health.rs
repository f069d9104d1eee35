//! How the writer and its sink are, for whoever watches them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Kept by the writer, read by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Health {
    sink_failing: AtomicBool,
    sink_failures: AtomicU64,
    /// When the writer last had nothing left to write, in nanoseconds of the pipe.
    caught_up: AtomicU64,
}

impl Health {
    /// A call of the primary sink failed. Says whether that is news.
    pub(super) fn sink_failed(&self) -> bool {
        self.sink_failures.fetch_add(1, Relaxed);
        !self.sink_failing.swap(true, Relaxed)
    }

    /// The primary sink took what it was given. Says whether that is news.
    pub(super) fn sink_works(&self) -> bool {
        self.sink_failing.swap(false, Relaxed)
    }

    pub(super) fn caught_up(&self, nanos: u64) {
        self.caught_up.store(nanos, Relaxed);
    }

    pub(crate) fn is_sink_failing(&self) -> bool {
        self.sink_failing.load(Relaxed)
    }

    pub(crate) fn sink_failures(&self) -> u64 {
        self.sink_failures.load(Relaxed)
    }

    /// How long ago the writer last had nothing left to write, in nanoseconds.
    pub(crate) fn lag(&self, now: u64) -> u64 {
        now.saturating_sub(self.caught_up.load(Relaxed))
    }
}
