//! How old segments are.

use audit_core::Timestamp;

use super::{Held, trusted::Met};

/// When the records of a segment began: of those that count in it, as the walk that verifies has read them. So
/// nobody who changes a file for a moment makes records look older than those that were signed.
#[derive(Debug, Default)]
pub(super) struct Ages {
    /// The segment's number.
    pub(super) from: u64,
    /// The earliest and the latest of those that are not only of the trail itself.
    of_others: Option<(Timestamp, Timestamp)>,
    of_all: Option<(Timestamp, Timestamp)>,
    /// Some do not say it.
    unknown: bool,
    /// The seq after the last one.
    pub(super) end: u64,
}

/// Gathers those of all segments, in order.
pub(super) fn look(all: &mut Vec<Ages>, met: Met<'_>) {
    let line = match met {
        Met::Segment(from) => return all.push(Ages { from, end: from, ..Ages::default() }),
        Met::Record(line) => line,
    };
    let Some(ages) = all.last_mut() else { return };
    ages.end = line.seq() + 1;
    let Some(time) = line.time() else {
        ages.unknown = true;
        return;
    };
    let wider = |range: Option<(Timestamp, Timestamp)>| {
        let (first, last) = range.unwrap_or((time, time));
        Some((first.min(time), last.max(time)))
    };
    ages.of_all = wider(ages.of_all);
    // An announcement holds what a request's record does.
    if line.kind() != "control" || line.groups().next().is_some() {
        ages.of_others = wider(ages.of_others);
    }
}

impl Ages {
    /// What the trail says of itself is as old as what it is about.
    pub(super) fn are_before(&self, time: Timestamp) -> bool {
        let range = self.of_others.or(self.of_all);
        !self.unknown && range.is_none_or(|(_, last)| last < time)
    }

    pub(super) fn met_by(&self, hold: &Held) -> bool {
        self.unknown || self.of_others.is_some_and(|(first, last)| hold.meets(first, last))
    }

    /// Whether nothing but what the trail says of itself is in it.
    pub(super) const fn are_of_the_trail_only(&self) -> bool {
        self.of_others.is_none()
    }
}
