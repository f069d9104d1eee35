//! Where something to be found may begin, told by bytes that most texts have few of.

use super::prefix::PREFIXES;
use crate::sixteen;

/// Each prefix has one of these bytes, most of which are rare in texts, or a digit.
const MARKS: [u8; 6] = *b"_-.JAw";

/// What is known of a mark that is the first one of a prefix.
#[derive(Clone, Copy)]
struct Mark {
    /// How far it is at most from the begin.
    farthest: usize,
    /// The bytes that may be before it, and behind it where it is itself the begin.
    before: [bool; 256],
    behind: [bool; 256],
}

static FIRST: [Mark; MARKS.len() + 1] = {
    let none = Mark { farthest: 0, before: [false; 256], behind: [false; 256] };
    let mut first = [none; MARKS.len() + 1];
    let mut at = 0;
    while at < PREFIXES.len() {
        let prefix = PREFIXES[at].0.as_bytes();
        let mut place = 0;
        while kind(prefix[place]) == NONE {
            place += 1;
        }
        let mark = &mut first[kind(prefix[place]) as usize];
        if place == 0 {
            mark.behind[prefix[1] as usize] = true;
        } else {
            mark.before[prefix[place - 1] as usize] = true;
            if mark.farthest < place {
                mark.farthest = place;
            }
        }
        at += 1;
    }
    first
};

/// Which of the marks a byte is: its place among them, behind which is that of digits. With a
/// digit a card begins, too.
static KINDS: [u8; 256] = {
    let mut kinds = [NONE; 256];
    let mut at = 0;
    while at < kinds.len() {
        kinds[at] = kind(at as u8);
        at += 1;
    }
    kinds
};
const NONE: u8 = u8::MAX;

const fn kind(byte: u8) -> u8 {
    let mut at = 0;
    while at < MARKS.len() {
        if MARKS[at] == byte {
            return at as u8;
        }
        at += 1;
    }
    if byte.is_ascii_digit() { MARKS.len() as u8 } else { NONE }
}

/// Without a branch, as [`sixteen`] asks.
fn is_mark(byte: u8) -> bool {
    MARKS.iter().fold(byte.wrapping_sub(b'0') < 10, |any, mark| any | (byte == *mark))
}

/// The next place where something to be found may begin, and the mark that tells it.
pub(super) fn next_begin(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let mut marks = match rest.first_chunk() {
            Some(sixteen) => sixteen::which(sixteen, is_mark),
            None => {
                let mut some = [0; 16];
                some[..rest.len()].copy_from_slice(rest);
                sixteen::which(&some, is_mark)
            }
        };
        while let Some(place) = sixteen::first(marks) {
            marks &= !(0xff << (place * 8));
            let mark = at + place;
            if let Some(before) = before(bytes, mark) {
                return Some((from.max(mark.saturating_sub(before)), mark));
            }
        }
        at += 16;
    }
    None
}

/// How far before a mark a prefix may begin of which it is the first one.
fn before(bytes: &[u8], at: usize) -> Option<usize> {
    let mark = FIRST.get(usize::from(KINDS[usize::from(bytes[at])]))?;
    let is = |table: &[bool; 256], b: Option<&u8>| b.is_some_and(|b| table[usize::from(*b)]);
    if at > 0 && is(&mark.before, bytes.get(at - 1)) {
        return Some(mark.farthest);
    }
    (bytes[at].is_ascii_digit() || is(&mark.behind, bytes.get(at + 1))).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a search comes by the place where something begins, with a mark in it.
    fn comes_by(text: &str, place: usize) -> bool {
        let mut at = 0;
        while let Some((begin, mark)) = next_begin(text.as_bytes(), at) {
            if begin <= place && mark >= place {
                return true;
            }
            assert!(mark >= at && begin >= at);
            at = mark + 1;
        }
        false
    }

    #[test]
    fn no_prefix_is_passed_by() {
        let prefixes = PREFIXES.iter().map(|(prefix, _)| *prefix).chain(["1", "42"]);
        for prefix in prefixes {
            for filler in ["", "x", "e", "k-", "-", "_", ".", "1", "sk", "eyJ", "é"] {
                for len in 0..40 {
                    let before = filler.repeat(len);
                    let text = format!("{before}{prefix}{filler}");
                    assert!(comes_by(&text, before.len()), "{text}");
                }
            }
        }
        assert_eq!(next_begin("A plain product: blue, and w\u{fc}nderful J.".as_bytes(), 0), None);
        assert_eq!(next_begin(b"", 0), None);
    }
}
