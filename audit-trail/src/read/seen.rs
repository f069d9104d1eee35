//! Which lines were given out lately.

use std::{
    collections::{HashSet, VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// How many lines are remembered. The writer repeats in a new segment what it cannot be sure is
/// on the disk, which is much less than this.
const MANY: usize = 16_384;

/// A short memory of lines, so that none is given out twice when a segment is cut and written
/// again, or its lines are repeated in another.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<(u64, u64)>,
    set: HashSet<(u64, u64)>,
    /// The seq before the oldest line that is remembered.
    floor: Option<u64>,
}

/// What a line is known by: its begin holds seq, kind and, in all but odd lines, a unique id.
pub(super) fn fingerprint(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.len().hash(&mut hasher);
    line[..line.len().min(160)].hash(&mut hasher);
    hasher.finish()
}

impl Seen {
    pub(super) fn add(&mut self, seq: u64, fingerprint: u64) {
        if self.order.is_empty() && self.floor.is_none() {
            self.floor = seq.checked_sub(1);
        }
        if self.set.insert((seq, fingerprint)) {
            self.order.push_back((seq, fingerprint));
        }
        if self.order.len() > MANY
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
            self.floor = Some(oldest.0);
        }
    }

    /// Was this very line given out lately?
    pub(super) fn has(&self, seq: u64, fingerprint: u64) -> bool {
        self.set.contains(&(seq, fingerprint))
    }

    /// Does it lie before all that is remembered?
    pub(super) fn is_older(&self, seq: u64) -> bool {
        self.floor.is_some_and(|floor| seq <= floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_last_lines_and_what_lies_before_them() {
        let mut seen = Seen::default();
        for seq in 5..5 + MANY as u64 + 10 {
            seen.add(seq, 1);
        }
        assert!(seen.is_older(3) && seen.is_older(14) && !seen.is_older(15));
        assert!(seen.has(15, 1) && !seen.has(15, 9));
        assert!(!seen.has(5 + MANY as u64 + 10, 1));
        assert!(!Seen::default().has(0, 0) && !Seen::default().is_older(0));
    }
}
