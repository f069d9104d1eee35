//! Old and new values, and what differs between them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{REDACTED, draft::Draft, json, part::Part, request::Masker};
use crate::{
    exchange::{flags::Flag, frame::Tag},
    record::json as token,
};

/// Most bytes of the list of differences.
const MOST: usize = 32 * 1024;

impl Masker {
    pub(super) fn change(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        let [old, new] = [Tag::ChangeOld, Tag::ChangeNew].map(|tag| {
            let raw = of.one(tag).and_then(|json| str::from_utf8(json).ok())?;
            Some((raw, self.changed(raw)))
        });
        for (name, value) in [("old", &old), ("new", &new)] {
            if let Some((raw, shown)) = value
                && !is_nothing(raw)
            {
                token::name(out, name);
                out.extend_from_slice(shown.as_bytes());
            }
        }
        if let (Some(old), Some(new)) = (&old, &new) {
            token::name(out, "diff");
            let mut list = Differences { out: Vec::new(), path: String::new(), full: false };
            list.whole(Side::of(old), Side::of(new));
            out.push(b'[');
            out.append(&mut list.out);
            out.push(b']');
            if list.full {
                of.flags.set(Flag::ChangeTruncated);
            }
        }
    }

    fn changed(&mut self, raw: &str) -> String {
        // It was serialised here, so it is one whole document.
        let mut shown = String::with_capacity(raw.len());
        let mut scope = self.scope(Part::Change);
        scope.allow(raw.len());
        match json::documents(&mut shown, raw, false, &mut scope) {
            Ok(_) => shown,
            Err(_) => format!("\"{REDACTED}\""),
        }
    }
}

fn is_nothing(raw: &str) -> bool {
    raw == "null"
}

/// A value, and what is shown of it. Values are compared and never written; so a masked one is
/// known to have changed, and no more.
#[derive(Clone, Copy)]
struct Side<'j> {
    raw: &'j str,
    shown: &'j str,
}

/// By name: a member, and what is shown of it.
type Members<'j> = BTreeMap<String, (&'j str, Option<&'j str>)>;

impl<'j> Side<'j> {
    fn of((raw, shown): &'j (&str, String)) -> Self {
        Self { raw, shown }
    }

    /// Its members by name, where they are shown one by one: with nothing to show for one that
    /// was removed.
    fn members(self) -> Option<Members<'j>> {
        if !(self.raw.starts_with('{') && self.shown.starts_with('{')) {
            return None;
        }
        let read = |json| serde_json::from_str::<BTreeMap<String, &'j RawValue>>(json).ok();
        let (raw, mut shown) = (read(self.raw)?, read(self.shown)?);
        let both = raw.into_iter().map(|(name, raw)| {
            let shown = shown.remove(&name).map(RawValue::get);
            (name, (raw.get(), shown))
        });
        Some(both.collect())
    }

    /// Its elements, where they are shown one by one.
    fn elements(self) -> Option<Vec<Self>> {
        if !(self.raw.starts_with('[') && self.shown.starts_with('[')) {
            return None;
        }
        let read = |json| serde_json::from_str::<Vec<&'j RawValue>>(json).ok();
        let (raw, shown) = (read(self.raw)?, read(self.shown)?);
        let both = || raw.iter().zip(&shown).map(|(r, s)| Self { raw: r.get(), shown: s.get() });
        (raw.len() == shown.len()).then(|| both().collect())
    }

    /// Whether two values are the same, number by digit: members in any order, characters
    /// escaped or not.
    fn same(self, other: Self) -> bool {
        let text = |json: &str| serde_json::from_str::<String>(json).ok();
        self.raw == other.raw
            || (self.raw.starts_with('"')
                && text(self.raw).is_some_and(|t| Some(t) == text(other.raw)))
    }
}

/// The list of differences, as it is written.
struct Differences {
    out: Vec<u8>,
    /// A JSON pointer to what is being compared.
    path: String,
    full: bool,
}

impl Differences {
    fn whole(&mut self, old: Side<'_>, new: Side<'_>) {
        match (is_nothing(old.raw), is_nothing(new.raw)) {
            (true, true) => {}
            (true, false) => self.tell("add", None, Some(new.shown)),
            (false, true) => self.tell("remove", Some(old.shown), None),
            (false, false) => self.compare(old, new),
        }
    }

    fn compare(&mut self, old: Side<'_>, new: Side<'_>) {
        if old.same(new) {
            return;
        }
        if let (Some(old), Some(new)) = (old.members(), new.members()) {
            return self.members(&old, &new);
        }
        if let (Some(old), Some(new)) = (old.elements(), new.elements()) {
            return self.elements(&old, &new);
        }
        self.tell("replace", Some(old.shown), Some(new.shown));
    }

    fn members(&mut self, old: &Members<'_>, new: &Members<'_>) {
        let added = new.keys().filter(|name| !old.contains_key(*name));
        for name in old.keys().chain(added) {
            self.at(&name.replace('~', "~0").replace('/', "~1"), |list| {
                // A member that is shown on neither side, because it is removed, is not told of.
                match (old.get(name), new.get(name)) {
                    (Some((raw, Some(shown))), Some((new_raw, Some(new_shown)))) => {
                        let new = Side { raw: new_raw, shown: new_shown };
                        list.compare(Side { raw, shown }, new);
                    }
                    (Some((_, Some(shown))), None) => list.tell("remove", Some(shown), None),
                    (None, Some((_, Some(shown)))) => list.tell("add", None, Some(shown)),
                    _ => {}
                }
            });
        }
    }

    fn elements(&mut self, old: &[Side<'_>], new: &[Side<'_>]) {
        for (at, (old, new)) in old.iter().zip(new).enumerate() {
            self.at(&at.to_string(), |list| list.compare(*old, *new));
        }
        // The last first: so each path leads to what was there.
        for (at, old) in old.iter().enumerate().skip(new.len()).rev() {
            self.at(&at.to_string(), |list| list.tell("remove", Some(old.shown), None));
        }
        for (at, new) in new.iter().enumerate().skip(old.len()) {
            self.at(&at.to_string(), |list| list.tell("add", None, Some(new.shown)));
        }
    }

    fn at(&mut self, segment: &str, look: impl FnOnce(&mut Self)) {
        if self.full {
            return;
        }
        let len = self.path.len();
        self.path.push('/');
        self.path.push_str(segment);
        look(self);
        self.path.truncate(len);
    }

    fn tell(&mut self, op: &str, old: Option<&str>, new: Option<&str>) {
        let begin = self.out.len();
        self.out.extend_from_slice(if begin == 0 { b"{" } else { b",{" });
        token::text_member(&mut self.out, "op", op);
        token::text_member(&mut self.out, "path", &self.path);
        for (name, value) in [("old", old), ("new", new)] {
            if let Some(value) = value {
                token::name(&mut self.out, name);
                self.out.extend_from_slice(value.as_bytes());
            }
        }
        self.out.push(b'}');
        if self.out.len() > MOST {
            self.out.truncate(begin);
            self.full = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{How, MaskRules, scope::tests::with_rules};

    /// The list for two values, masked by these rules.
    fn differences(rules: &MaskRules, old: &str, new: &str) -> String {
        let mask = |raw| {
            with_rules(rules, Part::Change, |scope| {
                let mut shown = String::new();
                json::documents(&mut shown, raw, false, scope).map(|_| shown).unwrap()
            })
            .0
        };
        let mut list = Differences { out: Vec::new(), path: String::new(), full: false };
        let (old, new) = ((old, mask(old)), (new, mask(new)));
        list.whole(Side::of(&old), Side::of(&new));
        String::from_utf8(list.out).unwrap()
    }

    #[test]
    fn differences_are_told_by_path() {
        let differ = |old, new| differences(&MaskRules::new(), old, new);
        for (old, new, list) in [
            ("{\"a\":1}", "{\"a\":1}", ""),
            ("null", "null", ""),
            ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", ""),
            ("\"\\u00e9\"", "\"\u{e9}\"", ""),
            ("1", "2", r#"{"op":"replace","path":"","old":1,"new":2}"#),
            ("null", "{}", r#"{"op":"add","path":"","new":{}}"#),
            ("[]", "null", r#"{"op":"remove","path":"","old":[]}"#),
            (
                r#"{"a":1.0,"b":{"c/d~":[1,2,3]},"e":null}"#,
                r#"{"a":1.00,"b":{"c/d~":[1,9]},"f":0.10}"#,
                concat!(
                    r#"{"op":"replace","path":"/a","old":1.0,"new":1.00},"#,
                    r#"{"op":"replace","path":"/b/c~1d~0/1","old":2,"new":9},"#,
                    r#"{"op":"remove","path":"/b/c~1d~0/2","old":3},"#,
                    r#"{"op":"remove","path":"/e","old":null},"#,
                    r#"{"op":"add","path":"/f","new":0.10}"#
                ),
            ),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, r#"{"op":"replace","path":"/a","old":{},"new":[]}"#),
        ] {
            assert_eq!(differ(old, new), list, "{old} {new}");
        }
    }

    #[test]
    fn a_masked_value_is_known_to_have_changed_and_no_more() {
        let rules = MaskRules::new().fields(["$.who"]).unwrap();
        let rules = rules.fields_how(["gone"], How::Remove).unwrap();
        let list = differences(
            &rules,
            r#"{"password":"S3cr3t","pin":1,"who":{"name":"S3cr3t"},"gone":"S3cr3t","n":["a"]}"#,
            r#"{"password":"S3cr4t","pin":1,"who":{"name":"S3cr4t"},"gone":"S3cr4t","n":["a","password=S3cr3t"]}"#,
        );
        let redacted = |path: &str| {
            format!(r#"{{"op":"replace","path":"{path}","old":"[redacted]","new":"[redacted]"}}"#)
        };
        assert_eq!(
            list,
            [
                r#"{"op":"add","path":"/n/1","new":"password=[redacted]"}"#.to_owned(),
                redacted("/password"),
                redacted("/who")
            ]
            .join(",")
        );
    }

    #[test]
    fn removed_elements_are_not_taken_for_others() {
        let rules = MaskRules::new().fields_how(["$.a[0]"], How::Remove).unwrap();
        let list = differences(&rules, r#"{"a":["S3cr3t",1]}"#, r#"{"a":["S3cr4t",1]}"#);
        assert!(!list.contains("S3c"), "{list}");
    }

    #[test]
    fn the_list_is_bounded() {
        let value = |n: u32| {
            let members: Vec<_> = (0..1000).map(|m| format!("\"{m}\":{n}")).collect();
            format!("{{\"{}\":{{{}}}}}", "long".repeat(1000), members.join(","))
        };
        let list = differences(&MaskRules::new(), &value(1), &value(2));
        assert!((20_000..=MOST).contains(&list.len()));
        serde_json::from_str::<serde_json::Value>(&format!("[{list}]")).unwrap();
    }
}
