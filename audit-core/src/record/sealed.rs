//! The record a sink takes.

use std::{fmt, ops::Range};

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use super::{Entry, EntryError, Group, Kind, json};

/// One masked, serialised audit record.
///
/// It is sealed: only the masker makes one, and it cannot be changed. It implements
/// [`Serialize`] (for `serde_json`) and not `Deserialize`: what is read back is an [`Entry`].
///
/// The text is JSON in two layers. The *core* is a run of members that hold no free text and
/// nothing personal; the *groups* are objects that can each be redacted by itself.
#[derive(Clone)]
pub struct Record {
    kind: Kind,
    core: Vec<u8>,
    // The groups' values, one after the other.
    values: Vec<u8>,
    groups: Vec<(Group, Range<usize>)>,
}

impl Record {
    /// An empty record, to be filled by the masker.
    pub(crate) const fn blank() -> Self {
        Self { kind: Kind::Control, core: Vec::new(), values: Vec::new(), groups: Vec::new() }
    }

    /// Empties the record and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.core.clear();
        self.values.clear();
        self.groups.clear();
    }

    /// Writes the core anew, beginning with `kind`. Groups may come before: what was masked in
    /// them is told in the core.
    pub(crate) fn core_mut(&mut self, kind: Kind) -> &mut Vec<u8> {
        self.kind = kind;
        self.core.clear();
        json::text_member(&mut self.core, "kind", kind.as_str());
        &mut self.core
    }

    /// Appends a group, unless `fill` leaves it without a member.
    pub(crate) fn group(&mut self, group: Group, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.values.len();
        self.values.push(b'{');
        fill(&mut self.values);
        if self.values.len() == start + 1 {
            self.values.truncate(start);
            return;
        }
        self.values.push(b'}');
        self.groups.push((group, start..self.values.len()));
    }

    /// Writes groups anew: each for which `anew` has another text.
    pub(crate) fn rewrite(&mut self, anew: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        let mut values = Vec::with_capacity(self.values.len());
        for (_, range) in &mut self.groups {
            let group = &self.values[range.clone()];
            let start = values.len();
            match anew(group) {
                Some(text) => values.extend_from_slice(&text),
                None => values.extend_from_slice(group),
            }
            *range = start..values.len();
        }
        self.values = values;
    }

    /// What the record tells of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The core members as JSON text without braces, beginning with `"kind":"…"`.
    #[must_use]
    pub fn core(&self) -> &[u8] {
        &self.core
    }

    /// The groups, in stored order, each a JSON object.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (Group, &[u8])> {
        self.groups.iter().map(|(group, range)| (*group, &self.values[range.clone()]))
    }

    /// Appends the whole record as one JSON object, without a line feed.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(self.core());
        for (group, value) in self.groups() {
            json::name(out, group.as_str());
            out.extend_from_slice(value);
        }
        out.push(b'}');
    }

    /// The whole record as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.json_len());
        self.write_json(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The length of the record as JSON text, in bytes.
    #[must_use]
    pub fn json_len(&self) -> usize {
        let groups: usize = self.groups().map(|(g, v)| g.as_str().len() + v.len() + 4).sum();
        self.core.len() + groups + 2
    }

    /// The record as a reader sees it.
    ///
    /// # Errors
    ///
    /// None for a record made by this version of the crate.
    pub fn to_entry(&self) -> Result<Entry, EntryError> {
        Entry::parse(&self.to_json())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_and_groups_make_one_object() {
        let mut record = Record::blank();
        record.group(Group::Actor, |out| json::text_member(out, "user", "ann"));
        record.group(Group::Metadata, |_| {});
        json::text_member(record.core_mut(Kind::Event), "module", "m");
        assert_eq!(record.core(), br#""kind":"event","module":"m""#);
        assert_eq!(record.groups().count(), 1);
        let whole = r#"{"kind":"event","module":"m","actor":{"user":"ann"}}"#;
        assert_eq!(record.to_json(), whole);
        assert_eq!(record.json_len(), whole.len());
        assert_eq!(serde_json::to_string(&record).unwrap(), whole);
        record.clear();
        record.core_mut(Kind::Event);
        assert_eq!(record.to_json(), r#"{"kind":"event"}"#);
    }
}
