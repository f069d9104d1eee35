//! Records that were lost, remembered until it can be told.

use std::sync::{Mutex, PoisonError};

/// Why records were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The memory budget was used up.
    Memory,
    /// The sink will never take them.
    Refused,
}

impl Reason {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Refused => "refused",
        }
    }
}

/// A run of lost records: how many, and the starts of the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) reason: Reason,
    pub(super) count: u64,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// The gaps not yet told, one for each reason.
#[derive(Debug, Default)]
pub(super) struct Gaps(Mutex<Vec<Gap>>);

impl Gaps {
    pub(super) fn add(&self, lost: Gap) {
        let mut gaps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match gaps.iter_mut().find(|gap| gap.reason == lost.reason) {
            Some(gap) => {
                gap.count += lost.count;
                gap.from = gap.from.min(lost.from);
                gap.to = gap.to.max(lost.to);
            }
            None => gaps.push(lost),
        }
    }

    /// Takes a gap to tell it. If it cannot be told, [`add`](Self::add) it again.
    pub(super) fn take(&self) -> Option<Gap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_of_one_reason_are_one() {
        let gaps = Gaps::default();
        let gap = |reason, at| Gap { reason, count: 1, from: at, to: at };
        for at in [5, 3, 9] {
            gaps.add(gap(Reason::Memory, at));
        }
        gaps.add(gap(Reason::Refused, 4));
        assert_eq!(gaps.take(), Some(gap(Reason::Refused, 4)));
        assert_eq!(gaps.take(), Some(Gap { reason: Reason::Memory, count: 3, from: 3, to: 9 }));
        assert_eq!(gaps.take(), None);
    }
}
