//! What a masker of one part needs.

use std::{borrow::Cow, cell::Cell, mem};

use super::{
    MaskRules, REDACTED, fields,
    how::{Keys, Value},
    known::Known,
    list::MaskedList,
    names::Says,
    pair::Role,
    part::{Of, Part},
    paths::{Child, Reached, Walk},
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
    /// Where the text that is looked into lies, for the paths that select and those excepted.
    pub(super) reached: (Reached, Reached),
    /// How many values were masked.
    pub(super) masked: u64,
    /// The steps that may still be spent on what is rare and slow.
    steps: Cell<usize>,
    /// Walks that are over, so that the next one takes no memory of its own.
    walks: Cell<Vec<(Walk, Walk)>>,
    /// A text that is over, for the same reason.
    text: Cell<String>,
}

/// How deep JSON in strings of JSON is looked into.
const STRINGS: u8 = 4;
/// Steps for a body or a document, for a value of a request's head, and for each of their bytes. A
/// step is about two nanoseconds, so that a mebibyte takes less than ten milliseconds; and no body
/// of the default limit meets its end, whatever is in it. What is slow costs what it takes: see
/// [`Scope::spend`].
const STEPS: usize = 160_000;
const STEPS_A_BYTE: usize = 4;
const STEPS_OF_VALUE: usize = 500;
const STEPS_A_BYTE_OF_VALUE: usize = 2;

impl<'a> Scope<'a> {
    pub(super) fn new(
        rules: &'a MaskRules,
        part: Part,
        list: &'a mut MaskedList,
        keys: Keys<'a>,
        known: &'a Known,
    ) -> Self {
        let steps = Cell::new(STEPS);
        let walks = Cell::new(Vec::new());
        let text = Cell::new(String::new());
        let reached = Default::default();
        let (strings, masked) = (STRINGS, 0);
        Self { rules, part, list, keys, known, strings, reached, masked, steps, walks, text }
    }

    /// Allows the steps that a body or a document of this length may cost.
    pub(super) fn allow(&self, bytes: usize) {
        self.steps.set(STEPS + STEPS_A_BYTE * bytes);
    }

    /// The same of a value that is one of many in a record.
    pub(super) fn allow_value(&self, bytes: usize) {
        self.steps.set(STEPS_OF_VALUE + STEPS_A_BYTE_OF_VALUE * bytes);
    }
}

impl Scope<'_> {
    /// Spends steps on something slow. `false`: there are none left, and what is looked at is to be
    /// redacted or omitted unseen, so that nobody can keep the writer busy.
    #[inline]
    pub(super) fn spend(&self, steps: usize) -> bool {
        let left = self.steps.get().checked_sub(steps);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether a step is left.
    #[inline]
    pub(super) fn may_go_on(&self) -> bool {
        self.steps.get() > 0
    }

    /// Looks into a text that lies there.
    pub(super) fn at<T>(
        &mut self,
        reached: (Reached, Reached),
        look: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = mem::replace(&mut self.reached, reached);
        let seen = look(self);
        self.reached = before;
        seen
    }

    /// An empty text, with the memory of the one that was given back last.
    pub(super) fn empty_text(&self) -> String {
        self.text.take()
    }

    /// Takes a text back that is over.
    pub(super) fn text_over(&self, mut text: String) {
        text.clear();
        self.text.set(text);
    }

    /// Two walks, for the paths that select and for those that are excepted.
    pub(super) fn walks(&self) -> (Walk, Walk) {
        let mut over = self.walks.take();
        let walks = over.pop().unwrap_or_default();
        self.walks.set(over);
        walks
    }

    /// Takes walks back that are over.
    pub(super) fn walked(&self, walks: (Walk, Walk)) {
        let mut over = self.walks.take();
        over.push(walks);
        self.walks.set(over);
    }

    /// The selector of the value under `name`, decoded; nothing is listed yet.
    pub(super) fn find(&self, of: Of, name: &str) -> Option<Sel> {
        self.known.says(self.rules, of, name, name.len()).selected
    }

    /// The same of the first `len` bytes of a text, which need not be copied so.
    #[inline]
    pub(super) fn find_first(&self, of: Of, text: &str, len: usize) -> Option<Sel> {
        self.known.says(self.rules, of, text, len).selected
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
        let decoded = percent_decoded(name);
        let last = || match rules::has_segments(&decoded) {
            true => rules::last_segment(&decoded).and_then(|last| self.find(Of::Field, last)),
            false => None,
        };
        let by_path = || match self.rules.has_paths() && fields::has(&decoded, b'.') {
            true => self.find_pointer(&decoded),
            false => None,
        };
        self.find(Of::Field, &decoded).or_else(last).or_else(by_path)
    }

    /// Whether texts are searched for secrets by their own look.
    pub(super) fn detects(&self) -> bool {
        self.rules.detectors().any()
    }

    /// The selector of the value that a JSON pointer such as `/users/0/password` leads to, or a
    /// path of another kind: `#/a`, `$.a.b`, SCIM's `emails[type eq "work"].value`.
    pub(super) fn find_pointer(&self, pointer: &str) -> Option<Sel> {
        if let Some(path) = pointer.strip_prefix('/') {
            return self.find_path(path, |b| b == b'/');
        }
        let decoded = percent_decoded(pointer);
        let path = decoded.trim_start_matches(['#', '$', '.', '/']);
        self.find_path(path, |b| matches!(b, b'/' | b'.' | b':' | b'[' | b']'))
    }

    fn find_path(&self, path: &str, separates: impl Fn(u8) -> bool) -> Option<Sel> {
        let rules = self.rules;
        if path.is_empty() {
            // The whole document.
            return rules.paths().first().map(|(_, at)| rules.of_path(*at));
        }
        let (mut walk, other) = self.walks();
        walk.begin(rules.paths());
        let mut found = None;
        let mut rest = path;
        for _ in 0..DEEPEST_POINTER {
            if !self.spend(SEGMENT) {
                found = found.or(Some(Sel::SENSITIVE));
                break;
            }
            let end = rest.bytes().position(&separates).unwrap_or(rest.len());
            let segment = match fields::has(&rest[..end], b'~') {
                true => {
                    self.spend(ESCAPED);
                    Cow::Owned(rest[..end].replace("~1", "/").replace("~0", "~"))
                }
                // Of `$['password']`, too.
                false => Cow::Borrowed(rest[..end].trim_matches(['\'', '"'])),
            };
            let child = match element(&segment) {
                Some(element) => Child::Element(element),
                None => Child::Member(&segment),
            };
            let by_path = walk.look(rules.paths(), child).map(|at| rules.of_path(at));
            found = found.or(by_path).or_else(|| match &segment {
                // Which need not be copied to be found.
                Cow::Borrowed(segment) if segment.len() == end => self.says(rest, end).selected,
                segment => self.find(Of::Field, segment),
            });
            match rest.get(end + 1..) {
                Some(after) if found.is_none() => rest = after,
                _ => break,
            }
        }
        // A value of which a part is selected: its own document does not tell where it is.
        let found = found.or_else(|| walk.goes_on(rules.paths()).map(|at| rules.of_path(at)));
        self.walked((walk, other));
        found
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

fn percent_decoded(text: &str) -> Cow<'_, str> {
    match memchr::memchr(b'%', text.as_bytes()) {
        Some(_) => percent_encoding::percent_decode_str(text).decode_utf8_lossy(),
        None => Cow::Borrowed(text),
    }
}

/// Longest value that is taken for a name. A longer one is a sentence.
const LONGEST_TOLD: usize = 64;
/// Most segments of a JSON pointer that are looked at: as deep as a document may be.
const DEEPEST_POINTER: usize = 64;
/// Steps of one.
const SEGMENT: usize = 12;
/// And of one with an escape in it.
const ESCAPED: usize = 50;

/// The element that a segment of a pointer is: `-` is the place behind the last one.
fn element(segment: &str) -> Option<usize> {
    match segment.as_bytes() {
        b"-" => Some(usize::MAX),
        [b'0'..=b'9' | b'+', ..] => segment.parse().ok(),
        _ => None,
    }
}

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
        let mut scope = Scope::new(rules, part, &mut list, keys, &known);
        // As for a body of some length.
        scope.allow(1 << 20);
        let masked = mask(&mut scope);
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
