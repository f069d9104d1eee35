//! The one memory budget.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

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

    /// Takes `bytes`, or nothing if they do not fit.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        // One addition, taken back when it was too much: two threads at the edge may both be
        // refused, which is an early refusal and never an excess that stays.
        let fits = self.used.fetch_add(bytes, Relaxed).saturating_add(bytes) <= self.limit;
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
}
