//! What a masker of one part needs.

use std::borrow::Cow;

use super::{
    MaskRules, REDACTED,
    how::{Keys, Value},
    known::Known,
    list::MaskedList,
    names::Says,
    pair::Role,
    part::{Of, Part},
    paths::{Child, Walk},
    rules::{self, Sel},
};

/// The rules, the part that is masked, and the list to add to.
pub(super) struct Scope<'a> {
    pub(super) rules: &'a MaskRules,
    pub(super) part: Part,
    pub(super) list: &'a mut MaskedList,
    pub(super) keys: Keys<'a>,
    pub(super) known: &'a Known,
    /// How deep JSON in strings of JSON is still looked into.
    pub(super) strings: u8,
    /// How many values were masked.
    pub(super) masked: u64,
}

/// How deep JSON in strings of JSON is looked into.
const STRINGS: u8 = 4;

impl<'a> Scope<'a> {
    pub(super) const fn new(
        rules: &'a MaskRules,
        part: Part,
        list: &'a mut MaskedList,
        keys: Keys<'a>,
        known: &'a Known,
    ) -> Self {
        Self { rules, part, list, keys, known, strings: STRINGS, masked: 0 }
    }
}

impl Scope<'_> {
    /// The selector of the value under `name`, decoded; nothing is listed yet.
    pub(super) fn find(&self, of: Of, name: &str) -> Option<Sel> {
        self.known.says(self.rules, of, name, name.len()).selected
    }

    /// What the field of this name, decoded, is in a pair.
    pub(super) fn role(&self, of: Of, name: &str) -> Role {
        self.known.says(self.rules, of, name, name.len()).role
    }

    /// What the name of a member says, decoded: the first `len` bytes of a text.
    #[inline]
    pub(super) fn says(&self, text: &str, len: usize) -> Says {
        self.known.says(self.rules, Of::Field, text, len)
    }

    /// The selector of a value whose name is told by another value, as in
    /// `{"name":"user[password]","value":"x"}`.
    pub(super) fn find_told(&self, name: &str) -> Option<Sel> {
        let name = name.trim();
        if name.len() > LONGEST_TOLD {
            return None;
        }
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let last = || rules::last_segment(&decoded).and_then(|last| self.find(Of::Field, last));
        self.find(Of::Field, &decoded).or_else(last)
    }

    /// Whether texts are searched for secrets by their own look.
    pub(super) fn detects(&self) -> bool {
        self.rules.detectors().any()
    }

    /// The selector of the value that a JSON pointer such as `/users/0/password` leads to, or a
    /// path of another kind: `#/a`, `$.a.b`, SCIM's `emails[type eq "work"].value`.
    pub(super) fn find_pointer(&self, pointer: &str) -> Option<Sel> {
        let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let path = match pointer.starts_with('/') {
            true => pointer,
            false => decoded.trim_start_matches(['#', '$', '.', '/']),
        };
        let separators: &[char] = match pointer.starts_with('/') {
            true => &['/'],
            false => &['/', '.', ':', '[', ']'],
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            // The whole document.
            return self.rules.paths().first().map(|(_, at)| self.rules.of_path(*at));
        }
        let segments = path.split(separators).take(DEEPEST_POINTER);
        let mut walk = Walk::default();
        walk.begin(self.rules.paths());
        let mut found = None;
        for segment in segments {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let child = match segment.parse() {
                Ok(element) => Child::Element(element),
                // The place behind the last element.
                Err(_) if segment == "-" => Child::Element(usize::MAX),
                Err(_) => Child::Member(&segment),
            };
            let by_path = walk.look(self.rules.paths(), child).map(|at| self.rules.of_path(at));
            found = found.or(by_path).or_else(|| self.find(Of::Field, &segment));
        }
        // A value of which a part is selected: its own document does not tell where it is.
        found.or_else(|| walk.goes_on(self.rules.paths()).map(|at| self.rules.of_path(at)))
    }

    /// What is written instead of a value; its place is listed. `None`: nothing is, the value
    /// goes with its name.
    pub(super) fn instead(&mut self, sel: Sel, value: Value<'_>) -> Option<Cow<'static, str>> {
        self.redacted(sel);
        if let Value::Text(text) = value
            && self.rules.finds_echoes()
        {
            self.list.remember(text);
        }
        self.rules.how_of(sel).instead(value, self.rules.shown(sel), self.keys)
    }

    /// The same where the value cannot go with its name.
    pub(super) fn in_place(&mut self, sel: Sel, value: Value<'_>) -> Cow<'static, str> {
        self.instead(sel, value).unwrap_or(Cow::Borrowed(REDACTED))
    }

    /// Lists a place whose value was redacted.
    pub(super) fn redacted(&mut self, sel: Sel) {
        self.masked += 1;
        self.list.add(self.part, sel);
    }
}

/// Longest value that is taken for a name. A longer one is a sentence.
const LONGEST_TOLD: usize = 64;
/// Most segments of a JSON pointer that are looked at: as deep as a document may be.
const DEEPEST_POINTER: usize = 64;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Secret;

    /// Runs a masker with these rules; what it wrote, and the selectors it listed.
    pub(in crate::mask) fn with_rules<T>(
        rules: &MaskRules,
        part: Part,
        mask: impl FnOnce(&mut Scope<'_>) -> T,
    ) -> (T, Vec<String>) {
        let secret = Secret::new([7; 32]);
        let mut list = MaskedList::default();
        let keys = Keys { secret: Some(&secret), tenant: "" };
        let known = Known::default();
        let masked = mask(&mut Scope::new(rules, part, &mut list, keys, &known));
        (masked, list.iter().map(|(_, sel)| rules.shown(sel).to_owned()).collect())
    }

    /// With the built-in names and these.
    pub(in crate::mask) fn with_fields<T>(
        fields: &[&str],
        part: Part,
        mask: impl FnOnce(&mut Scope<'_>) -> T,
    ) -> (T, Vec<String>) {
        let rules = MaskRules::new().fields(fields).unwrap();
        with_rules(&rules, part, mask)
    }
}
