//! What the names of members say, remembered: a service's bodies have the same names again and
//! again.

use std::cell::Cell;

use super::{MaskRules, pair::Role, part::Of, rules::Sel};

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) selected: Option<Sel>,
    pub(super) role: Role,
}

impl Says {
    fn of(rules: &MaskRules, of: Of, name: &str) -> Self {
        let role = match of {
            Of::Form | Of::Query => Role::of_field(name),
            _ => Role::of(name),
        };
        Self { selected: rules.find(of, name), role }
    }
}

/// Words of the longest name that is remembered.
const WORDS: usize = 3;
/// Bytes of it.
const LONGEST: usize = WORDS * 8;
/// Names remembered; a power of two.
const SLOTS: usize = 256;

#[derive(Clone, Copy)]
struct Slot {
    name: [u64; WORDS],
    /// And one, so that no name is like an empty slot.
    len: u8,
    of: u8,
    says: Says,
}

/// What names said before. Each has one place; the last name there stays.
pub(super) struct Known(Vec<Cell<Slot>>);

impl Default for Known {
    fn default() -> Self {
        let empty = Slot { name: [0; WORDS], len: 0, of: 0, says: Says::default() };
        Self(vec![Cell::new(empty); SLOTS])
    }
}

impl Known {
    /// Remembers nothing, and takes no memory for it.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// What the name with which `text` begins says under these rules, which must always be the
    /// same ones. Whole words of the text are compared, so that a short name is not copied.
    /// Inlined, since a document asks for each of its members.
    #[inline(always)]
    pub(super) fn says(&self, rules: &MaskRules, of: Of, text: &str, len: usize) -> Says {
        let words = match text.as_bytes().first_chunk::<LONGEST>() {
            Some(bytes) if len <= 8 => [first_word(bytes, len), 0, 0],
            Some(bytes) if len <= LONGEST => words(bytes, len),
            None if len <= LONGEST => at_the_end(&text.as_bytes()[..len]),
            _ => return Says::of(rules, of, &text[..len]),
        };
        let Some(place) = self.0.get(place(words, len, of)) else {
            return Says::of(rules, of, &text[..len]);
        };
        // Word by word: as a whole, the processor would have to wait for its own writes.
        let (slot, [a, b, c]) = (place.get(), words);
        let same_name = slot.name[0] == a && slot.name[1] == b && slot.name[2] == c;
        if same_name && usize::from(slot.len) == len + 1 && slot.of == of as u8 {
            return slot.says;
        }
        learn(place, rules, of, &text[..len], words)
    }
}

/// Apart from the rest, so that what is known is told without a call.
#[inline(never)]
fn learn(place: &Cell<Slot>, rules: &MaskRules, of: Of, name: &str, words: [u64; WORDS]) -> Says {
    let says = Says::of(rules, of, name);
    place.set(Slot { name: words, len: name.len() as u8 + 1, of: of as u8, says });
    says
}

/// The same of a name behind which the text ends, as one that was decoded does.
#[inline]
fn at_the_end(name: &[u8]) -> [u64; WORDS] {
    let word = |from: usize| {
        let rest = name.get(from..).unwrap_or_default();
        match rest.first_chunk::<8>() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        }
    };
    [word(0), word(8), word(16)]
}

fn first_word(bytes: &[u8; LONGEST], len: usize) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *bytes;
    let keep = u64::MAX.checked_shr(64 - 8 * len as u32).unwrap_or(0);
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) & keep
}

/// The first `len` bytes as words, with zeros behind them.
#[inline(always)]
fn words(bytes: &[u8; LONGEST], len: usize) -> [u64; WORDS] {
    let word = |at: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[at..at + 8]);
        let bits = 8 * len.saturating_sub(at).min(8) as u32;
        u64::from_le_bytes(eight) & u64::MAX.checked_shr(64 - bits).unwrap_or(0)
    };
    [word(0), word(8), word(16)]
}

/// Clients who choose names that share a place gain nothing: they are looked at one by one.
#[inline]
fn place(words: [u64; WORDS], len: usize, of: Of) -> usize {
    let mixed = words[0] ^ words[1].rotate_left(23) ^ words[2].rotate_left(41);
    let mixed = mixed ^ (len as u64) ^ (of as u64) << 8;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
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
}
