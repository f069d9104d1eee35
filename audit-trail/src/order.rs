//! What an operator orders of a living writer: a small signed file that it finds beside its segments.
//!
//! A record that allows something to be taken out of a trail is as good as the key. So the order is
//! signed with it: whoever can write the files and has no key orders nothing. Its text cannot be
//! mistaken for a checkpoint's, since its first line is no origin.

use audit_core::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    line::{Event, GROUPS, MAX_SEQ},
    note::{SigningKey, VerifyingKey},
};

/// No order is longer, in bytes.
pub(crate) const LONGEST: u64 = 256 << 10;
/// The first line.
const BEGIN: &str = "audit-trail-1 order";
/// How long an order counts, so that an old one that was kept cannot be put there again for ever.
pub(crate) const SECONDS: i64 = 60;

/// Records that a writer is to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Which directory of which trail is meant.
    pub(crate) origin: String,
    /// When it was made.
    pub(crate) time: Timestamp,
    /// Control records: of the sorts that are made for an operator, and no others.
    pub(crate) events: Vec<Event>,
}

impl Order {
    fn text(&self) -> String {
        let (origin, time) = (&self.origin, self.time);
        let events: String = self.events.iter().filter_map(event_line).collect();
        format!("{BEGIN}\n{origin}\n{time}\n{events}")
    }

    /// The signed file.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let (text, verifier) = (self.text(), key.verifying_key());
        let signature = STANDARD.encode(key.sign(text.as_bytes()));
        format!("{text}\n\u{2014} {} {signature}\n", verifier.name())
    }

    /// Reads an order of which the key has signed every byte, for this directory, and lately; else
    /// says what is wrong with it.
    pub(crate) fn verify(
        file: &str,
        key: &VerifyingKey,
        origin: &str,
        now: Timestamp,
    ) -> Result<Self, &'static str> {
        let this = Self::signed(file, key).ok_or("it is not signed by this trail's key")?;
        if this.origin != origin {
            return Err("it is for another directory");
        }
        let age = now.as_micros() - this.time.as_micros();
        if age.abs() > SECONDS * 1_000_000 {
            return Err("it is too old");
        }
        Ok(this)
    }

    fn signed(file: &str, key: &VerifyingKey) -> Option<Self> {
        let (text, signature) = file.rsplit_once("\n\u{2014} ")?;
        let signature =
            signature.strip_prefix(key.name())?.strip_prefix(' ')?.strip_suffix('\n')?;
        let bytes = STANDARD.decode(signature).ok()?;
        if !key.verifies(text.as_bytes(), bytes.as_slice().try_into().ok()?) {
            return None;
        }
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let begins = lines.next()? == BEGIN;
        let (origin, time) = (lines.next()?.to_owned(), lines.next()?.parse().ok()?);
        let events = lines.map(parse_event).collect::<Option<Vec<_>>>()?;
        (begins && !events.is_empty()).then_some(Self { origin, time, events })
    }
}

/// The same in parts that fit into one order each.
pub(crate) fn parts(mut events: &[Event]) -> impl Iterator<Item = &[Event]> {
    std::iter::from_fn(move || {
        // Room for the lines around them.
        let mut left = usize::try_from(LONGEST).unwrap_or(0) - 1024;
        let fit = events.iter().take_while(|event| {
            let len = event_line(event).map_or(0, |line| line.len());
            let fits = len <= left;
            left = left.saturating_sub(len);
            fits
        });
        let (part, rest) = events.split_at(fit.count().max(1).min(events.len()));
        events = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// A line of what is asked for; `None` for what nobody may order.
fn event_line(event: &Event) -> Option<String> {
    let value = match event {
        Event::Redact { seq, groups, reason } => serde_json::json!(["redact", seq, groups, reason]),
        Event::Prune { to, reason } => serde_json::json!(["prune", to, reason]),
        Event::Hold { name, since, until, reason } => {
            let time = |time: &Option<Timestamp>| time.map(|time| time.to_string());
            serde_json::json!(["hold", name, time(since), time(until), reason])
        }
        Event::Release { name, reason } => serde_json::json!(["release", name, reason]),
        Event::Open { .. } | Event::Close | Event::Heartbeat | Event::Repair { .. } => return None,
    };
    Some(format!("{value}\n"))
}

fn parse_event(line: &str) -> Option<Event> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Line {
        Hold(String, String, Option<String>, Option<String>, Option<String>),
        Redact(String, u64, u8, Option<String>),
        Prune(String, u64, Option<String>),
        Release(String, String, Option<String>),
    }
    let time = |text: Option<String>| text.map(|text| text.parse().ok());
    match serde_json::from_str(line).ok()? {
        Line::Redact(op, seq, groups, reason) if op == "redact" => {
            let known = groups != 0 && groups >> GROUPS.len() == 0;
            (known && seq <= MAX_SEQ).then_some(Event::Redact { seq, groups, reason })
        }
        Line::Prune(op, to, reason) if op == "prune" => Some(Event::Prune { to, reason }),
        Line::Hold(op, name, since, until, reason) if op == "hold" => {
            let (since, until) = (time(since), time(until));
            if since == Some(None) || until == Some(None) {
                return None;
            }
            Some(Event::Hold { name, since: since.flatten(), until: until.flatten(), reason })
        }
        Line::Release(op, name, reason) if op == "release" => Some(Event::Release { name, reason }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        let reason = Some("it was \"asked\" for\n\u{2014} really".to_owned());
        let since = Some(Timestamp::from_micros(1_700_000_000_000_000));
        let events = vec![
            Event::Redact { seq: 7, groups: 0b11, reason: reason.clone() },
            Event::Redact { seq: 8, groups: 0b100_0000, reason: None },
            Event::Prune { to: 9, reason: reason.clone() },
            Event::Hold { name: "case-7".into(), since, until: None, reason: None },
            Event::Hold { name: "case-8".into(), since: None, until: since, reason },
            Event::Release { name: "case-7".into(), reason: None },
        ];
        Order { origin: "audit/00ff/00".into(), time: Timestamp::from_micros(5_000_000), events }
    }

    #[test]
    fn what_the_key_has_signed_for_this_directory_and_lately() {
        let key = SigningKey::generate("audit").unwrap();
        let public = key.verifying_key();
        let file = order().sign(&key);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let read = |file: &str, origin: &str, now| Order::verify(file, &public, origin, now);
        assert_eq!(read(&file, "audit/00ff/00", at(5 + SECONDS)), Ok(order()));
        assert_eq!(read(&file, "audit/00ff/00", at(6 + SECONDS)), Err("it is too old"));
        assert_eq!(read(&file, "audit/00ff/00", at(4 - SECONDS)), Err("it is too old"));
        assert_eq!(read(&file, "audit/00ff/01", at(5)), Err("it is for another directory"));
        let unsigned = Err("it is not signed by this trail's key");
        let other = order().sign(&SigningKey::generate("audit").unwrap());
        assert_eq!(read(&other, "audit/00ff/00", at(5)), unsigned);
        for at_byte in 0..file.len() {
            let mut bytes = file.clone().into_bytes();
            bytes[at_byte] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert_eq!(read(&changed, "audit/00ff/00", at(5)), unsigned, "{changed}");
            }
            if file.is_char_boundary(at_byte) {
                assert_eq!(read(&file[..at_byte], "audit/00ff/00", at(5)), unsigned);
            }
        }
        // It is no checkpoint, and a checkpoint is no order.
        assert_eq!(crate::note::Checkpoint::verify(&file, &public), None);
        let note =
            crate::note::Checkpoint { origin: "audit/00ff/00".into(), size: 1, root: [0; 32] };
        assert_eq!(read(&note.sign(&key), "audit/00ff/00", at(5)), unsigned);
    }

    #[test]
    fn many_records_make_several_orders() {
        let reason = Some("\u{1f512}".repeat(200));
        let redact = |seq| Event::Redact { seq, groups: 1, reason: reason.clone() };
        let events: Vec<_> = (0..2_000).map(redact).collect();
        let key = SigningKey::generate("audit").unwrap();
        let mut again = Vec::new();
        for part in parts(&events) {
            let time = Timestamp::from_micros(0);
            let order = Order { origin: "a".into(), time, events: part.to_vec() };
            assert!(order.sign(&key).len() as u64 <= LONGEST);
            again.extend_from_slice(part);
        }
        assert_eq!(again, events);
        assert!((6..9).contains(&parts(&events).count()));
        assert_eq!(parts(&[]).count(), 0);
    }

    #[test]
    fn nobody_orders_other_records() {
        let key = SigningKey::generate("audit").unwrap();
        let now = Timestamp::from_micros(0);
        for events in [vec![Event::Close, Event::Heartbeat], Vec::new()] {
            let file = Order { origin: "a".into(), time: now, events }.sign(&key);
            assert!(Order::verify(&file, &key.verifying_key(), "a", now).is_err());
        }
        for wrong in [
            "[\"close\"]",
            "[\"redact\",1,0,null]",
            "[\"redact\",1,128,null]",
            "[\"redact\",-1,1,null]",
            "[\"redact\",9223372036854775808,1,null]",
            "[\"prune\",\"1\",null]",
            "[\"hold\",\"a\",\"yesterday\",null,null]",
            "[\"hold\",\"a\"]",
            "{}",
            "",
        ] {
            assert_eq!(parse_event(wrong), None, "{wrong}");
        }
    }
}
