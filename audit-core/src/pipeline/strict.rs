//! What strict requests ask of the writer: a control record that is durable before they go on.
//!
//! It goes past the byte log, so that buffered requests pay nothing for it. The writer takes it
//! *after* the log and writes it *before*: what a request asks, it asks before it ends, so its
//! intent stands before its record, whichever shards they went through.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Pipe,
    deadlines::Deadlines,
    ticket::{Lost, Promise, Wait, ticket},
};
use crate::exchange::frame::Fixed;

/// A control record about the record that is to come.
#[derive(Debug)]
pub(crate) enum Announced {
    /// A request is about to run.
    Intent {
        record: Uuid,
        fixed: Fixed,
        arena: Vec<u8>,
        /// What masks it, by its place.
        mask: usize,
    },
    /// Its response is about to be sent.
    Head { record: Uuid, status: u16 },
}

impl Announced {
    fn held(&self) -> usize {
        let fields = match self {
            Self::Intent { arena, .. } => arena.capacity(),
            Self::Head { .. } => 0,
        };
        size_of::<Asked>() + fields
    }
}

/// What somebody waits for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) what: Announced,
    pub(super) promise: Promise,
    /// What it holds of the memory budget.
    pub(super) held: usize,
}

#[derive(Debug)]
pub(crate) struct Strict {
    queue: Mutex<Queue>,
    deadlines: Deadlines,
    /// Requests that were refused, since they could not be recorded.
    refused: AtomicU64,
    /// Since when the writer has been trying again what the sink does not do, in nanoseconds of the
    /// pipe.
    failing_since: AtomicU64,
}

const NOT_FAILING: u64 = u64::MAX;

#[derive(Debug, Default)]
struct Queue {
    asked: Vec<Asked>,
    closed: bool,
}

impl Strict {
    /// How long a request waits for its record, unless the application says otherwise.
    pub(crate) const WITHIN: Duration = Duration::from_secs(5);

    pub(crate) fn new(within: Duration) -> Self {
        let deadlines = Deadlines::new(within);
        Self {
            queue: Mutex::default(),
            deadlines,
            refused: AtomicU64::new(0),
            failing_since: AtomicU64::new(NOT_FAILING),
        }
    }

    /// The sink failed, and the writer tries again until it says otherwise.
    pub(super) fn sink_fails(&self, now: u64) {
        if self.failing_since.load(Relaxed) == NOT_FAILING {
            // Nobody else writes it.
            self.failing_since.store(now, Relaxed);
        }
    }

    pub(super) fn sink_works(&self) {
        self.failing_since.store(NOT_FAILING, Relaxed);
    }

    /// Whether the sink has failed for longer than anybody waits.
    fn is_given_up(&self, now: u64) -> bool {
        let since = self.failing_since.load(Relaxed);
        let failing = Duration::from_nanos(now.saturating_sub(since));
        since != NOT_FAILING && failing >= self.deadlines.within()
    }

    /// Takes all that is asked for; with `close`, nothing is taken any more.
    pub(super) fn take(&self, close: bool) -> Vec<Asked> {
        let mut queue = self.lock();
        queue.closed |= close;
        std::mem::take(&mut queue.asked)
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in the critical sections leaves it half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    /// Asks for a control record. `Err`: it cannot be had now, and waiting is of no use.
    pub(crate) fn announce(&self, what: Announced) -> Result<Wait, Lost> {
        let strict = &self.strict;
        // Else each would wait in vain for as long as those before it did.
        if strict.is_given_up(self.nanos(Instant::now())) {
            return Err(Lost);
        }
        let held = what.held();
        if !self.reserve(held) {
            return Err(Lost);
        }
        let (promise, wait) = ticket();
        let watched = strict.deadlines.watch(&promise);
        let mut queue = strict.lock();
        if watched.is_err() || queue.closed {
            self.release(held);
            return Err(Lost);
        }
        queue.asked.push(Asked { what, promise, held });
        drop(queue);
        self.control.wake_writer();
        Ok(wait)
    }
}
