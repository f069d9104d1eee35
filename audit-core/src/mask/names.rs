//! What the names of members say, remembered: a service's bodies have the same names again and
//! again.

use super::{MaskRules, part::Of, rules::Sel};

/// What a member is in a pair such as `{"name":"password","value":"x"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    None,
    /// Its value is the name of the pair's value.
    Name,
    /// Its value is the path of the pair's value, as in a JSON Patch.
    Pointer,
    /// It is the pair's value.
    Value,
}

const NAMES: [&str; 12] = [
    "name",
    "key",
    "field",
    "param",
    "parameter",
    "header",
    "property",
    "attribute",
    "label",
    "id",
    "type",
    "k",
];
const VALUES: [&str; 4] = ["value", "values", "val", "v"];

impl Role {
    fn of(name: &str) -> Self {
        if !(1..=9).contains(&name.len()) {
            return Self::None;
        }
        let is = |listed: &&str| listed.eq_ignore_ascii_case(name);
        match () {
            () if NAMES.iter().any(|listed| is(&listed)) => Self::Name,
            () if VALUES.iter().any(|listed| is(&listed)) => Self::Value,
            () if is(&"path") => Self::Pointer,
            () => Self::None,
        }
    }
}

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) selected: Option<Sel>,
    pub(super) role: Role,
}

impl Says {
    fn of(rules: &MaskRules, name: &str) -> Self {
        Self { selected: rules.find(Of::Field, name), role: Role::of(name) }
    }
}

/// Longest name that is remembered.
const LONGEST: usize = 23;
/// Names remembered; a power of two.
const SLOTS: usize = 512;

#[derive(Clone, Copy)]
struct Slot {
    name: [u8; LONGEST + 1],
    says: Says,
}

/// What names said before. Each has one place; the last name there stays.
pub(super) struct Known(Vec<Slot>);

impl Default for Known {
    fn default() -> Self {
        let empty = Slot { name: [0; LONGEST + 1], says: Says::default() };
        Self(vec![empty; SLOTS])
    }
}

impl Known {
    /// What a name says under these rules, which must always be the same ones.
    pub(super) fn says(&mut self, rules: &MaskRules, name: &str) -> Says {
        let mut padded = [0; LONGEST + 1];
        let Some(start) = padded.get_mut(..name.len()).filter(|_| name.len() <= LONGEST) else {
            return Says::of(rules, name);
        };
        start.copy_from_slice(name.as_bytes());
        // Told apart from the same name with zeros behind it.
        padded[LONGEST] = name.len() as u8 + 1;
        let Some(slot) = self.0.get_mut(place(&padded)) else {
            return Says::of(rules, name);
        };
        if slot.name != padded {
            *slot = Slot { name: padded, says: Says::of(rules, name) };
        }
        slot.says
    }
}

/// Clients who choose names that share a place gain nothing: they are looked at one by one.
fn place(padded: &[u8; LONGEST + 1]) -> usize {
    let word = |at: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&padded[at..at + 8]);
        u64::from_le_bytes(eight)
    };
    let mixed = word(0) ^ word(8).rotate_left(23) ^ word(16).rotate_left(41);
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
        let mut known = Known::default();
        let names: Vec<_> = (0..2000)
            .map(|n| format!("n{n}"))
            .chain(["password", "SALARY", "name", "Value", "path", "", "a\0", "a"].map(Into::into))
            .chain([format!("password{}", "x".repeat(40)), "p".repeat(23), "p".repeat(24)])
            .collect();
        for name in names.iter().chain(&names) {
            assert_eq!(known.says(&rules, name), Says::of(&rules, name), "{name}");
        }
        assert_eq!(known.says(&rules, "Value").role, Role::Value);
        assert!(known.says(&rules, "SALARY").selected.is_some());
    }
}
