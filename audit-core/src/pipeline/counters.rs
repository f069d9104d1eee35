//! Counters that add up.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crossbeam_utils::CachePadded;

/// Shards of counters and of the byte log. More than the cores of most machines have threads
/// writing at one instant.
pub(super) const SHARDS: usize = 8;

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The shard of this thread: threads are dealt out in turn.
pub(super) fn my_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // While a thread is torn down its locals are gone; any shard will do then.
    SHARD
        .try_with(|shard| {
            if shard.get() == usize::MAX {
                shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            }
            shard.get()
        })
        .unwrap_or(0)
}

/// The counters of one shard, on cache lines of their own.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) started: AtomicU64,
    pub(super) excluded: AtomicU64,
    pub(super) sampled_out: AtomicU64,
    pub(super) discarded: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) accepted: AtomicU64,
}

/// All counters of a pipe.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    shards: [CachePadded<Tally>; SHARDS],
    pub(super) written: AtomicU64,
    /// Accepted, and later refused by the sink: they count as dropped.
    pub(super) refused: AtomicU64,
    pub(super) missed: AtomicU64,
}

impl Tallies {
    pub(super) fn mine(&self) -> &Tally {
        &self.shards[my_shard()]
    }

    /// Lost for want of memory, refused by the sink, missed by further sinks.
    pub(super) fn losses(&self) -> (u64, u64, u64) {
        let dropped = self.shards.iter().map(|tally| tally.dropped.load(Ordering::Relaxed)).sum();
        (dropped, self.refused.load(Ordering::Relaxed), self.missed.load(Ordering::Relaxed))
    }

    pub(super) fn snapshot(&self, memory: usize) -> Counters {
        let sum = |pick: fn(&Tally) -> &AtomicU64| -> u64 {
            self.shards.iter().map(|tally| pick(tally).load(Ordering::Acquire)).sum()
        };
        // Later stages first, so that no record is seen to arrive before it set out.
        let written = self.written.load(Ordering::Acquire);
        let refused = self.refused.load(Ordering::Acquire);
        let accepted = sum(|t| &t.accepted).saturating_sub(refused);
        let dropped = sum(|t| &t.dropped) + refused;
        let (excluded, discarded) = (sum(|t| &t.excluded), sum(|t| &t.discarded));
        let sampled_out = sum(|t| &t.sampled_out);
        let started = sum(|t| &t.started);
        Counters {
            started,
            excluded,
            sampled_out,
            discarded,
            dropped,
            accepted,
            written,
            in_memory: accepted.saturating_sub(written),
            in_flight: started
                .saturating_sub(excluded + sampled_out + discarded + dropped + accepted),
            missed_by_further_sinks: self.missed.load(Ordering::Acquire),
            memory_bytes: memory as u64,
        }
    }
}

/// What became of all requests so far.
///
/// `started = excluded + sampled_out + discarded + accepted + dropped + in_flight` and
/// `accepted = written + in_memory`, at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests that reached the layer.
    pub started: u64,
    /// Left without a record by the settings.
    pub excluded: u64,
    /// Left without a record by a rule's sampling.
    pub sampled_out: u64,
    /// Left without a record by the application.
    pub discarded: u64,
    /// Lost, and told in a gap record: no memory, or refused by the sink.
    pub dropped: u64,
    /// Finished, and written or to be written.
    pub accepted: u64,
    /// Taken by the primary sink.
    pub written: u64,
    /// Accepted and not yet written.
    pub in_memory: u64,
    /// Not finished yet.
    pub in_flight: u64,
    /// Records that further sinks were too slow for. They are not lost: the primary sink has them.
    pub missed_by_further_sinks: u64,
    /// Bytes of the memory budget in use.
    pub memory_bytes: u64,
}
