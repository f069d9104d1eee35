//! What a masker of one part needs.

use std::borrow::Cow;

use super::{
    MaskRules, REDACTED,
    how::{Keys, Value},
    list::MaskedList,
    part::{Of, Part},
    rules::Sel,
};

/// The rules, the part that is masked, and the list to add to.
pub(super) struct Scope<'a> {
    pub(super) rules: &'a MaskRules,
    pub(super) part: Part,
    pub(super) list: &'a mut MaskedList,
    pub(super) keys: Keys<'a>,
}

impl Scope<'_> {
    /// The selector of the value under `name`, decoded; nothing is listed yet.
    pub(super) fn find(&self, of: Of, name: &str) -> Option<Sel> {
        self.rules.find(of, name)
    }

    /// What is written instead of a value; its place is listed. `None`: nothing is, the value
    /// goes with its name.
    pub(super) fn instead(&mut self, sel: Sel, value: Value<'_>) -> Option<Cow<'static, str>> {
        self.list.add(self.part, sel);
        self.rules.how_of(sel).instead(value, self.rules.shown(sel), self.keys)
    }

    /// The same where the value cannot go with its name.
    pub(super) fn in_place(&mut self, sel: Sel, value: Value<'_>) -> Cow<'static, str> {
        self.instead(sel, value).unwrap_or(Cow::Borrowed(REDACTED))
    }

    /// Lists a place whose value was redacted.
    pub(super) fn redacted(&mut self, sel: Sel) {
        self.list.add(self.part, sel);
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
        let keys = Keys { secret: &secret, tenant: "" };
        let masked = mask(&mut Scope { rules, part, list: &mut list, keys });
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
