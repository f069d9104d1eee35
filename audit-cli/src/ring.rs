//! The newest few of many.

use std::collections::VecDeque;

/// How many notices are kept beyond one for each record.
const SPARE: usize = 20;

/// A record, or what has to be told between two of them.
#[derive(Debug)]
pub(crate) enum Piece<T> {
    Record(Box<T>),
    Notice(String),
}

/// Keeps the last `limit` records and the notices that stand between them, in order. Its memory
/// is bounded whatever passes through.
pub(crate) struct Ring<T> {
    limit: usize,
    records: usize,
    pieces: VecDeque<Piece<T>>,
}

impl<T> Ring<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, records: 0, pieces: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, piece: Piece<T>) {
        self.records += usize::from(matches!(piece, Piece::Record(_)));
        self.pieces.push_back(piece);
        if self.records > self.limit {
            // The oldest record goes, and with it the notices on either side of it.
            self.drop_notices();
            self.pieces.pop_front();
            self.records -= 1;
            self.drop_notices();
        }
        let notices = self.pieces.len() - self.records;
        if notices > self.limit.saturating_add(SPARE) {
            let oldest = self.pieces.iter().position(|piece| matches!(piece, Piece::Notice(_)));
            oldest.and_then(|place| self.pieces.remove(place));
        }
    }

    fn drop_notices(&mut self) {
        while matches!(self.pieces.front(), Some(Piece::Notice(_))) {
            self.pieces.pop_front();
        }
    }
}

impl<T> IntoIterator for Ring<T> {
    type Item = Piece<T>;
    type IntoIter = std::collections::vec_deque::IntoIter<Piece<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &str) -> String {
        let mut ring = Ring::new(limit);
        for c in pieces.chars() {
            ring.push(match c {
                '!' => Piece::Notice(c.to_string()),
                _ => Piece::Record(Box::new(c)),
            });
        }
        ring.into_iter()
            .map(|piece| match piece {
                Piece::Record(c) => *c,
                Piece::Notice(_) => '!',
            })
            .collect()
    }

    #[test]
    fn the_newest_stay_with_what_lies_between() {
        assert_eq!(kept(3, "ab"), "ab");
        assert_eq!(kept(3, "a!bcd"), "bcd");
        assert_eq!(kept(3, "!ab!c!de!"), "c!de!");
        assert_eq!(kept(1, "a!!b"), "b");
        assert_eq!(kept(0, "ab"), "");
        assert_eq!(kept(2, "!a"), "!a");
    }

    #[test]
    fn notices_alone_do_not_grow_without_bound() {
        assert_eq!(kept(2, &"!".repeat(1_000)).len(), 2 + SPARE);
        assert_eq!(kept(2, &format!("ab{}", "!".repeat(1_000))).len(), 4 + SPARE);
    }
}
