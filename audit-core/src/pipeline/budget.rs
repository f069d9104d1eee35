//! The one memory budget.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// The share of the budget (one part in so many) that may be in use when a body asks for room.
/// Beyond it bodies are left out, so that records still fit when the writer lags.
const FOR_BODIES: usize = 2;

/// Bytes that requests in flight, shards and the writer may hold together.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: CachePadded<AtomicUsize>,
}

impl Budget {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, used: CachePadded::new(AtomicUsize::new(0)) }
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Takes `bytes`, or nothing if they do not fit.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        self.reserve_within(self.limit, bytes)
    }

    /// The same for a copy of a body, which gets nothing of the last part.
    pub(super) fn reserve_for_body(&self, bytes: usize) -> bool {
        self.reserve_within(self.limit / FOR_BODIES, bytes)
    }

    /// Takes what is in use already, whether it fits or not.
    pub(super) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
    }

    /// Exchanges what was `held` for `needed`. Where that does not fit nothing changes.
    pub(super) fn exchange(&self, held: usize, needed: usize) -> bool {
        match needed.checked_sub(held) {
            Some(more) => self.reserve(more),
            None => {
                self.release(held - needed);
                true
            }
        }
    }

    fn reserve_within(&self, limit: usize, bytes: usize) -> bool {
        // One addition, taken back when it was too much: two threads at the edge may both be
        // refused, which is an early refusal and never an excess that stays.
        let fits = self.used.fetch_add(bytes, Relaxed).saturating_add(bytes) <= limit;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    pub(super) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_limit() {
        let budget = Budget::new(100);
        assert!(budget.reserve(60) && budget.reserve(40));
        assert!(!budget.reserve(1));
        budget.release(40);
        assert!(!budget.reserve(41) && budget.reserve(40));
        assert_eq!(budget.used(), 100);
    }

    #[test]
    fn bodies_get_nothing_of_the_last_half() {
        let budget = Budget::new(100);
        assert!(!budget.reserve_for_body(51) && budget.reserve_for_body(50));
        assert!(!budget.reserve_for_body(1));
        // Nothing more is nothing to refuse, unless the others have taken more than their half.
        assert!(budget.reserve_for_body(0) && budget.reserve(1));
        assert!(!budget.reserve_for_body(0));
        assert!(budget.reserve(49) && !budget.reserve(1));
    }

    #[test]
    fn an_exchange_that_does_not_fit_changes_nothing() {
        let budget = Budget::new(100);
        assert!(budget.reserve(90));
        assert!(!budget.exchange(50, 61) && budget.used() == 90);
        assert!(budget.exchange(50, 60) && budget.used() == 100);
        assert!(budget.exchange(60, 10) && budget.used() == 50);
    }
}
