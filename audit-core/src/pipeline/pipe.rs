//! What requests and the writer share.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use super::{
    Control, Counters,
    budget::Budget,
    counters::Tallies,
    gaps::{Gap, Gaps, Reason},
    health::Health,
    reloads::Reloads,
    shards::Shards,
    strict::Strict,
};
use crate::exchange::{Raw, frame::Fixed};

/// Why a request leaves no record, by somebody's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// The settings exclude it, or its rule records nothing.
    Excluded,
    /// The lot left it out.
    SampledOut,
    /// The application discarded it.
    Discarded,
}

/// The way from the request path to the writer.
#[derive(Debug)]
pub(crate) struct Pipe {
    epoch: Instant,
    /// The wall clock at `epoch`, as the writer last saw it.
    epoch_millis: AtomicU64,
    pub(super) budget: Budget,
    pub(super) shards: Shards,
    pub(super) tallies: Tallies,
    pub(super) gaps: Gaps,
    pub(crate) strict: Strict,
    pub(crate) reloads: Reloads,
    pub(crate) control: Control,
    pub(crate) health: Health,
}

impl Pipe {
    /// With so much memory, and strict requests that wait so long for their records.
    pub(crate) fn new(memory: usize, strict_within: Duration) -> Self {
        let pipe = Self {
            epoch: Instant::now(),
            epoch_millis: AtomicU64::new(0),
            budget: Budget::new(memory),
            shards: Shards::default(),
            tallies: Tallies::default(),
            gaps: Gaps::default(),
            strict: Strict::new(strict_within),
            reloads: Reloads::default(),
            control: Control::default(),
            health: Health::default(),
        };
        pipe.set_clock();
        pipe
    }

    /// Reads the wall clock, so that later times follow its steps.
    pub(super) fn set_clock(&self) {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = wall.saturating_sub(self.epoch.elapsed()).as_millis();
        self.epoch_millis.store(u64::try_from(millis).unwrap_or(0), Relaxed);
    }

    /// Nanoseconds since the auditor's own start.
    pub(crate) fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Wall clock milliseconds, without asking the wall clock.
    pub(crate) fn unix_millis(&self, at: Instant) -> u64 {
        self.epoch_millis.load(Relaxed) + self.nanos(at) / 1_000_000
    }

    pub(crate) fn count_started(&self) {
        self.tallies.mine().started.fetch_add(1, Relaxed);
    }

    /// Counts a request that leaves no record and gives back what it `held`.
    pub(crate) fn count_unrecorded(&self, why: Unrecorded, held: usize) {
        self.budget.release(held);
        let tally = self.tallies.mine();
        let counter = match why {
            Unrecorded::Excluded => &tally.excluded,
            Unrecorded::SampledOut => &tally.sampled_out,
            Unrecorded::Discarded => &tally.discarded,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts a record that is lost for want of memory.
    pub(crate) fn count_dropped(&self, start: Instant) {
        self.tallies.mine().dropped.fetch_add(1, Relaxed);
        let at = self.nanos(start);
        self.gaps.add(Gap { reason: Reason::Memory, count: 1, from: at, to: at });
    }

    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        self.budget.reserve(bytes)
    }

    /// The same for a copy of a body: bodies go before records do.
    pub(crate) fn reserve_for_body(&self, bytes: usize) -> bool {
        self.budget.reserve_for_body(bytes)
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.budget.release(bytes);
    }

    pub(crate) fn take_raw(&self) -> Box<Raw> {
        self.shards.take_raw()
    }

    pub(crate) fn give_raw(&self, raw: Box<Raw>) {
        self.shards.give_raw(raw);
    }

    /// Hands a finished request over. Never waits. One that is `owed` is not dropped for want of
    /// memory: that it would be recorded was promised before it ran.
    pub(crate) fn append(&self, mut raw: Box<Raw>, fixed: &mut Fixed, owed: bool) {
        let (start, held) = (raw.start, raw.held());
        // Less than was held, unless the response and the application added much.
        let mut frame = raw.frame_len();
        let mut fits = self.budget.exchange(held, frame);
        if !fits && raw.leave_out_bodies() {
            frame = raw.frame_len();
            fits = self.budget.exchange(held, frame);
        }
        if !fits && owed {
            self.budget.take(frame);
            self.budget.release(held);
        } else if !fits {
            self.budget.release(held);
            self.count_dropped(start);
            return self.give_raw(raw);
        }
        let tally = self.tallies.mine();
        let accept = |unused| {
            self.budget.take(unused);
            tally.accepted.fetch_add(1, Relaxed);
        };
        if self.shards.append(raw, fixed, accept).is_err() {
            // The auditor is closed: nobody is left to write it, or to write of it.
            self.budget.release(frame);
            self.count_dropped(start);
        }
    }

    /// The chunks of frames so far, for tests without a writer.
    #[cfg(test)]
    pub(crate) fn chunks(&self) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        self.shards.take(&mut chunks, &mut Vec::new(), false);
        chunks
    }

    /// The memory budget, in bytes.
    pub(crate) const fn memory_limit(&self) -> usize {
        self.budget.limit()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tallies.snapshot(self.budget.used())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Capture, IdSource, Outcome,
        exchange::{flags::Flags, frame},
    };

    fn fixed() -> Fixed {
        Fixed {
            start: 0,
            head: None,
            end: 0,
            request_size: None,
            response_size: None,
            grpc_status: None,
            reserved: 0,
            status: None,
            flags: Flags::default(),
            outcome: Outcome::Completed,
            phase: None,
            id_source: IdSource::Generated,
            capture: Capture::Metadata,
            rule: 0,
            generation: 0,
            sample_rate: 1.0,
        }
    }

    #[test]
    fn what_stays_unused_in_a_chunk_is_memory_too() {
        let pipe = Pipe::new(1024 * 1024, Strict::WITHIN);
        for _ in 0..8 {
            let mut raw = pipe.take_raw();
            raw.arena.resize(20_000, 0);
            pipe.append(raw, &mut fixed(), false);
        }
        let chunks = pipe.chunks();
        let held: usize = chunks.iter().map(Vec::capacity).sum();
        let unused_in_the_last = chunks.last().map_or(0, |last| last.capacity() - last.len());
        assert_eq!(chunks.len(), 8);
        assert_eq!(pipe.counters().memory_bytes as usize, held - unused_in_the_last);
        // The frames give all of it back.
        let of = |chunk: &Vec<u8>| frame::decode(&mut &chunk[..]).unwrap().0.reserved as usize;
        assert_eq!(chunks.iter().map(of).sum::<usize>(), held - unused_in_the_last);
    }

    #[test]
    fn what_ends_after_the_close_is_dropped_and_never_accepted() {
        let pipe = Pipe::new(1024 * 1024, Strict::WITHIN);
        pipe.shards.take(&mut Vec::new(), &mut Vec::new(), true);
        let mut fixed = fixed();
        pipe.count_started();
        let mut raw = pipe.take_raw();
        raw.reserved = 700;
        assert!(pipe.reserve(raw.reserved));
        let accepted = |_| unreachable!("nobody will write it");
        assert!(pipe.shards.append(pipe.take_raw(), &mut fixed, accepted).is_err());
        pipe.append(raw, &mut fixed, false);
        let counters = pipe.counters();
        assert_eq!((counters.started, counters.dropped, counters.accepted), (1, 1, 0));
        assert_eq!((counters.in_flight, counters.memory_bytes), (0, 0));
    }
}
