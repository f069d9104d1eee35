//! What was written and waits to be durable.

use std::time::{Duration, Instant};

use super::ticket::Promise;

/// Pauses between syncs that fail: the first, and the longest.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// Promises whose control records the sink has taken.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    promises: Vec<Promise>,
    /// After a sync that failed: when the next one is due, and the pause before it.
    failed: Option<(Instant, Duration)>,
}

impl Waiting {
    pub(super) fn add(&mut self, promise: Promise) {
        self.promises.push(promise);
    }

    /// Whether the sink is to be synced now. After a failure also where nobody waits: else nobody
    /// would hear that it works again.
    pub(super) fn is_due(&self) -> bool {
        match self.failed {
            Some((at, _)) => Instant::now() >= at,
            None => !self.promises.is_empty(),
        }
    }

    /// The last sync failed.
    pub(super) const fn owes_a_sync(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn synced(&mut self) {
        self.failed = None;
        self.promises.drain(..).for_each(Promise::keep);
    }

    pub(super) fn not_synced(&mut self) {
        // Those that waited too long are gone.
        self.promises.retain(|promise| !promise.is_settled());
        let pause = self.failed.map_or(FIRST, |(_, pause)| (pause * 2).min(LONGEST));
        self.failed = Some((Instant::now() + pause, pause));
    }

    /// Nobody will make it durable.
    pub(super) fn give_up(&mut self) {
        self.promises.clear();
    }
}
