//! What names said, remembered: a service's bodies have the same names again and again, in the
//! same order.

use std::cell::Cell;

use super::{MaskRules, json, names::Says, pair::Role, part::Of};

/// Words of the longest name that is remembered.
const WORDS: usize = 3;
/// Bytes of it.
const LONGEST: usize = WORDS * 8;
/// Names remembered; as many as a place can tell.
const SLOTS: usize = 256;

/// Where a name is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(u8);

impl Place {
    const fn at(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy)]
struct Slot {
    name: [u64; WORDS],
    /// Its length and what it is of, so that no name is like an empty slot.
    kind: u64,
    says: Says,
    /// How long it is where it stands in JSON as it is; else more than any name.
    quoted: u8,
}

impl Slot {
    const EMPTY: Self = Self {
        name: [0; WORDS],
        kind: 0,
        says: Says { selected: None, role: Role::None },
        quoted: u8::MAX,
    };
}

/// What names said before. Each has one place; the last name there stays.
pub(super) struct Known {
    slots: Vec<Cell<Slot>>,
    /// The name that came behind the one at a place, the last time.
    next: [Cell<Place>; SLOTS],
}

/// A member whose name was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) len: usize,
    pub(super) says: Says,
    pub(super) place: Place,
}

impl Default for Known {
    fn default() -> Self {
        Self { slots: vec![Cell::new(Slot::EMPTY); SLOTS], ..Self::none() }
    }
}

impl Known {
    /// Remembers nothing, and takes no memory for it.
    pub(super) const fn none() -> Self {
        Self { slots: Vec::new(), next: [const { Cell::new(Place(0)) }; SLOTS] }
    }

    /// What the name with which `text` begins says under these rules, which must always be the
    /// same ones.
    pub(super) fn says(&self, rules: &MaskRules, of: Of, text: &str, len: usize) -> Says {
        self.find(rules, of, text, len).0
    }

    /// The same, and where it is remembered, if it is short enough for that. Whole words of the
    /// text are compared, so that a short name is not copied.
    #[inline]
    pub(super) fn find(
        &self,
        rules: &MaskRules,
        of: Of,
        text: &str,
        len: usize,
    ) -> (Says, Option<Place>) {
        let words = match text.as_bytes().first_chunk::<LONGEST>() {
            Some(bytes) if len <= LONGEST => words(bytes, len),
            None if len <= LONGEST => at_the_end(&text.as_bytes()[..len]),
            _ => return (Says::of(rules, of, &text[..len]), None),
        };
        let kind = kind(of, len);
        let place = place(words, kind);
        let Some(cell) = self.slots.get(place.at()) else {
            return (Says::of(rules, of, &text[..len]), None);
        };
        let slot = cell.get();
        if slot.kind == kind && differ(slot.name, words) == 0 {
            return (slot.says, Some(place));
        }
        (learn(cell, rules, of, &text[..len], words), Some(place))
    }

    /// Whether the name behind an opening quote is the one that came behind the one at `after`
    /// the last time, up to its closing quote. That is so for nearly all names, and it is told
    /// without looking for where the name ends.
    #[inline(always)]
    pub(super) fn expected(&self, after: Place, text: &[u8]) -> Option<Expected> {
        let place = self.next[after.at()].get();
        let slot = self.slots.get(place.at())?.get();
        let len = usize::from(slot.quoted);
        let bytes = text.first_chunk::<LONGEST>()?;
        let quote = *bytes.get(len)? ^ b'"';
        // One branch for all of it: it is nearly always the same.
        let other = differ(slot.name, words(bytes, len)) | u64::from(quote);
        (other == 0).then_some(Expected { len, says: slot.says, place })
    }

    /// Remembers that the name at one place came behind the one at another.
    pub(super) fn expect(&self, after: Place, place: Place) {
        self.next[after.at()].set(place);
    }
}

/// Apart from the rest, so that what is known is told without a call.
#[inline(never)]
fn learn(cell: &Cell<Slot>, rules: &MaskRules, of: Of, name: &str, words: [u64; WORDS]) -> Says {
    let says = Says::of(rules, of, name);
    // In JSON, what has one of the first is written otherwise, or ends before; one with a sign
    // that tells of secrets is looked into each time.
    let odd = |b: u8| b < 0x20 || matches!(b, b'"' | b'\\') || json::tells(b);
    let as_it_is = of == Of::Field && !name.bytes().any(odd);
    let quoted = if as_it_is { name.len() as u8 } else { u8::MAX };
    cell.set(Slot { name: words, kind: kind(of, name.len()), says, quoted });
    says
}

/// Never 0, which an empty slot has.
const fn kind(of: Of, len: usize) -> u64 {
    (len as u64 + 1) | ((of as u64) << 8)
}

/// 0 if they are the same.
#[inline(always)]
fn differ(one: [u64; WORDS], other: [u64; WORDS]) -> u64 {
    one[0] ^ other[0] | one[1] ^ other[1] | one[2] ^ other[2]
}

/// The words of a name behind which the text ends, as one that was decoded does.
#[inline]
fn at_the_end(name: &[u8]) -> [u64; WORDS] {
    let (eights, rest) = name.as_chunks::<8>();
    let mut words = [0; WORDS];
    for (word, eight) in words.iter_mut().zip(eights) {
        *word = u64::from_le_bytes(*eight);
    }
    if let Some(last) = words.get_mut(eights.len()) {
        *last = fewer_than_eight(rest);
    }
    words
}

/// The same of fewer than eight bytes, without a loop: two looks may share some of the bytes.
#[inline]
fn fewer_than_eight(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last));
        return u64::from(u32::from_le_bytes(*first)) | last << (8 * (len - 4));
    }
    let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte) << (8 * at));
    byte(0) | byte(1) | byte(2)
}

/// For each length of a name, what is kept of the words that it begins.
static KEPT: [[u64; WORDS]; LONGEST + 1] = {
    let mut kept = [[0; WORDS]; LONGEST + 1];
    let mut at = 0;
    while at < LONGEST * (LONGEST + 1) {
        let (len, byte) = (at / LONGEST, at % LONGEST);
        if byte < len {
            kept[len][byte / 8] |= 0xff << (byte % 8 * 8);
        }
        at += 1;
    }
    kept
};

/// The first `len` bytes as words, with zeros behind them. Names are of all lengths, so a branch
/// by them would often be taken for the other one.
#[inline(always)]
fn words(bytes: &[u8; LONGEST], len: usize) -> [u64; WORDS] {
    let word = |at: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[at * 8..at * 8 + 8]);
        u64::from_le_bytes(eight) & KEPT[len][at]
    };
    [word(0), word(1), word(2)]
}

/// Clients who choose names that share a place gain nothing: they are looked at one by one.
#[inline(always)]
fn place(words: [u64; WORDS], kind: u64) -> Place {
    let mixed = words[0] ^ words[1].rotate_left(23) ^ words[2].rotate_left(41) ^ kind;
    Place((mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as u8)
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Clients chose these names.
        f.write_str("Known")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_the_rules_say() {
        let rules = MaskRules::new().fields(["salary"]).unwrap();
        let known = Known::default();
        let names: Vec<_> = (0..2000)
            .map(|n| format!("n{n}"))
            .chain(["password", "SALARY", "name", "Value", "path", "", "a\0", "a"].map(Into::into))
            .chain([format!("password{}", "x".repeat(40)), "p".repeat(23), "p".repeat(24)])
            .collect();
        for name in names.iter().chain(&names) {
            for behind in ["", "\": 1 and more text behind it"] {
                for of in [Of::Field, Of::Query] {
                    let says = known.says(&rules, of, &format!("{name}{behind}"), name.len());
                    assert_eq!(says, Says::of(&rules, of, name), "{name}");
                }
            }
        }
        assert_eq!(Says::of(&rules, Of::Field, "Value").role, Role::Value);
        assert!(Says::of(&rules, Of::Field, "SALARY").selected.is_some());
    }

    #[test]
    fn a_name_is_expected_where_it_came_before() {
        let (rules, known) = (MaskRules::new(), Known::default());
        let behind = "\":\"and more text behind it\"";
        let find = |of, name: &str| known.find(&rules, of, name, name.len()).1.unwrap();
        let start = find(Of::Field, "start");
        let expected = |text: &str| known.expected(start, format!("{text}{behind}").as_bytes());
        assert_eq!(expected("password"), None);
        let place = find(Of::Field, "password");
        known.expect(start, place);
        let says = Says::of(&rules, Of::Field, "password");
        assert_eq!(expected("password"), Some(Expected { len: 8, says, place }));
        for other in ["passwor", "passwords", "password\\", "passw0rd", "", "Password"] {
            assert_eq!(expected(other), None, "{other}");
        }
        assert_eq!(known.expected(start, b"password"), None);
        // What ends elsewhere in JSON, or stands for another name there.
        for name in ["a\"b", "a\\nb", "a\nb", "abcdefghijklmnopqrstuvwx"] {
            known.expect(start, find(Of::Field, name));
            assert_eq!(expected(name), None, "{name}");
        }
        known.expect(start, find(Of::Query, "code"));
        assert_eq!(expected("code"), None);
        for name in ["", "a", "größe", "abcdefghijklmnopqrstuvw"] {
            known.expect(start, find(Of::Field, name));
            assert_eq!(expected(name).map(|expected| expected.len), Some(name.len()), "{name}");
        }
        assert_eq!(Known::none().expected(start, b"\": and more text behind it"), None);
    }
}
