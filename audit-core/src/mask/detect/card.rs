//! Numbers of payment cards.

use std::ops::Range;

/// Digits with single spaces or dashes between them.
pub(super) struct Run {
    pub(super) end: usize,
    /// The first card number in it.
    pub(super) card: Option<Range<usize>>,
}

/// Fewest and most digits of a card number.
const FEWEST: usize = 12;
const MOST: usize = 19;
/// Fewest digits of a group inside of a number that is only part of a run: 4-6-5, 4-4-4-4-3.
const GROUP: usize = 3;

/// A group of digits: where it is, and the sums of check digits before it and with it, for each
/// of the two ways of counting which digits are doubled.
#[derive(Clone, Copy, Default)]
struct Group {
    begin: usize,
    end: usize,
    digits_before: usize,
    digits: usize,
    sums_before: [usize; 2],
    sums: [usize; 2],
}

/// The newest groups, in a ring: a text may have a group in every other byte.
struct Groups {
    ring: [Group; RING],
    newest: usize,
    known: usize,
}

/// More than a number has digits; a power of two.
const RING: usize = 32;

impl Groups {
    fn push(&mut self, group: Group) {
        self.newest = (self.newest + 1) % RING;
        self.ring[self.newest] = group;
        self.known = (self.known + 1).min(MOST + 1);
    }

    /// From the newest one.
    fn iter(&self) -> impl Iterator<Item = &Group> {
        (0..self.known).map(|back| &self.ring[(self.newest + RING - back) % RING])
    }
}

/// Looks at the digits that begin at `at`, up to the first card number.
#[inline(never)]
pub(super) fn run(bytes: &[u8], at: usize) -> Run {
    let end = end(bytes, at);
    if end - at < FEWEST {
        return Run { end, card: None };
    }
    let mut groups = Groups { ring: [Group::default(); RING], newest: 0, known: 0 };
    let mut last = Group { end: at, ..Group::default() };
    let mut from = at;
    loop {
        let mut group = Group {
            begin: from,
            end: from,
            digits_before: last.digits,
            digits: last.digits,
            sums_before: last.sums,
            sums: last.sums,
        };
        while let Some(digit) = bytes.get(group.end).filter(|b| b.is_ascii_digit()) {
            let digit = usize::from(digit - b'0');
            let doubled = if digit > 4 { 2 * digit - 9 } else { 2 * digit };
            let even = group.digits % 2;
            group.sums[even] += digit;
            group.sums[1 - even] += doubled;
            group.digits += 1;
            group.end += 1;
        }
        let goes_on = matches!(bytes.get(group.end), Some(b' ' | b'-'))
            && bytes.get(group.end + 1).is_some_and(u8::is_ascii_digit);
        groups.push(group);
        // Behind a small group nothing ends that goes on.
        let ends = !goes_on || group.end - group.begin >= GROUP;
        if ends && let Some(card) = card(bytes, &groups, at, !goes_on) {
            return Run { end: group.end, card: Some(card) };
        }
        if !goes_on {
            return Run { end: group.end, card: None };
        }
        (last, from) = (group, group.end + 1);
    }
}

/// Where the digits end.
fn end(bytes: &[u8], at: usize) -> usize {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = at;
    while is_digit(end) || (matches!(bytes.get(end), Some(b' ' | b'-')) && is_digit(end + 1)) {
        end += 1;
    }
    end
}

/// A card number that ends with the newest group, the first in `groups`; of several the longest.
fn card(bytes: &[u8], groups: &Groups, run: usize, over: bool) -> Option<Range<usize>> {
    let newest = groups.iter().next()?;
    let (mut found, mut small) = (None, false);
    for (at, group) in groups.iter().enumerate() {
        let digits = newest.digits - group.digits_before;
        if digits > MOST {
            break;
        }
        let whole = group.begin == run && over;
        small |= group.end - group.begin < GROUP;
        // Lists of small numbers are no cards, unless nothing else is there.
        if small && !over {
            break;
        }
        if digits < FEWEST || (small && !whole) {
            continue;
        }
        let span = group.begin..newest.end;
        // The last digit is not doubled: it is even in one way of counting.
        let way = (newest.digits - 1) % 2;
        let sum = newest.sums[way] - group.sums_before[way];
        if sum % 10 == 0 && plausible(bytes, &span, at > 0 || digits == FEWEST) {
            found = Some(span);
        }
    }
    found
}

/// Whether what is around a number leaves it one: a fraction's digits, or a piece of a UUID, are
/// not.
fn plausible(bytes: &[u8], span: &Range<usize>, alone: bool) -> bool {
    let before = |n: usize| span.start.checked_sub(n).and_then(|at| bytes.get(at)).copied();
    let letter = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphabetic());
    let fraction = before(1) == Some(b'.') && before(2).is_some_and(|b| b.is_ascii_digit());
    let piece = letter(before(1))
        || letter(bytes.get(span.end).copied())
        || (before(1) == Some(b'-') && before(2).is_some_and(|b| b.is_ascii_alphanumeric()));
    matches!(bytes[span.start], b'2'..=b'6' | b'8' | b'9') && !fraction && !(alone && piece)
}
