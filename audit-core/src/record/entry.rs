//! A record as it is read back.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

use super::{IdSource, Kind, Level, Outcome, Phase, Timestamp};

/// A record read back from a trail or a store.
///
/// No sink takes an `Entry`: to write it again it has to pass the masker. Members that a newer
/// version adds are kept in the source line and ignored here.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The place in its trail directory, counted from 0. Absent where there is no trail.
    pub seq: Option<u64>,
    /// What the record tells of.
    pub kind: Kind,
    /// UUIDv7, unique for ever. Absent only in foreign data.
    pub id: Option<String>,
    /// When it began.
    pub time: Option<Timestamp>,
    /// How much attention it deserves.
    pub level: Option<Level>,
    /// How a request ended.
    pub outcome: Option<Outcome>,
    /// Status below 400 and outcome completed or upgraded.
    pub success: Option<bool>,
    /// From the head of the request to the end, in milliseconds.
    pub duration_ms: Option<f64>,
    /// From the head of the request to the head of the response, in milliseconds.
    pub ttfb_ms: Option<f64>,
    /// The customer the record belongs to.
    pub tenant: Option<String>,
    /// The part of the application.
    pub module: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// W3C trace context.
    pub trace: Option<TraceIds>,
    /// The rule that applied.
    pub policy: Option<Policy>,
    /// Limits and refusals that bit, in fixed words such as `path_truncated`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Every place where a value was masked.
    #[serde(default)]
    pub masked: Vec<Masked>,
    /// The program that wrote the record.
    pub service: Option<Service>,
    /// Set in control records.
    pub control: Option<Control>,
    /// Who.
    pub actor: Option<Redactable<Actor>>,
    /// What was asked.
    pub request: Option<Redactable<RequestEntry>>,
    /// What was answered.
    pub response: Option<Redactable<ResponseEntry>>,
    /// What happened, in terms of the business.
    pub event: Option<Redactable<Event>>,
    /// What changed.
    pub change: Option<Redactable<Change>>,
    /// What the application added.
    pub metadata: Option<Redactable<BTreeMap<String, Box<RawValue>>>>,
    /// What went wrong.
    pub error: Option<Redactable<Fault>>,
}

/// A text that is not a record.
#[derive(Debug, thiserror::Error)]
#[error("not an audit record: {0}")]
pub struct EntryError(#[from] serde_json::Error);

impl Entry {
    /// Reads one record from JSON text, such as a line of a trail.
    ///
    /// # Errors
    ///
    /// When the text is not a JSON object with at least a known `kind`, or a known member has
    /// another type than it should.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The actor, unless absent or redacted.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()?.open()
    }

    /// The request, unless absent or redacted.
    #[must_use]
    pub fn request(&self) -> Option<&RequestEntry> {
        self.request.as_ref()?.open()
    }

    /// The response, unless absent or redacted.
    #[must_use]
    pub fn response(&self) -> Option<&ResponseEntry> {
        self.response.as_ref()?.open()
    }

    /// The event, unless absent or redacted.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref()?.open()
    }

    /// The change, unless absent or redacted.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        self.change.as_ref()?.open()
    }

    /// The error, unless absent or redacted.
    #[must_use]
    pub fn error(&self) -> Option<&Fault> {
        self.error.as_ref()?.open()
    }

    /// A metadata value as JSON text, unless absent or redacted.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        Some(self.metadata.as_ref()?.open()?.get(key)?.get())
    }

    /// The response's status, if there was a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.response()?.status
    }
}

/// A group that is open, or was redacted: then only its commitment is left.
#[derive(Clone, Debug, PartialEq)]
pub enum Redactable<T> {
    /// The values are there.
    Open(T),
    /// `#` and the commitment in hex.
    Redacted(String),
}

impl<T> Redactable<T> {
    /// The values, unless redacted.
    pub const fn open(&self) -> Option<&T> {
        match self {
            Self::Open(value) => Some(value),
            Self::Redacted(_) => None,
        }
    }
}

// By hand: serde's untagged enums read into a buffer of their own, from which raw JSON (bodies,
// metadata) cannot be had.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Redactable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        let text = raw.get();
        let group = match text.starts_with('"') {
            true => serde_json::from_str(text).map(Self::Redacted),
            false => serde_json::from_str(text).map(Self::Open),
        };
        group.map_err(D::Error::custom)
    }
}

/// Who did it and from where.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct Actor {
    pub user: Option<String>,
    pub user_id: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    pub company_id: Option<String>,
    pub branch_id: Option<String>,
    pub session: Option<String>,
    pub ip: Option<String>,
    #[serde(default)]
    pub forwarded: Vec<String>,
    pub user_agent: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct RequestEntry {
    pub id: Option<String>,
    pub id_source: Option<IdSource>,
    pub method: Option<String>,
    pub path: Option<String>,
    pub route: Option<String>,
    pub query: Option<String>,
    pub host: Option<String>,
    pub version: Option<String>,
    pub headers: Option<BTreeMap<String, Vec<String>>>,
    pub size: Option<u64>,
    pub body: Option<Box<RawValue>>,
    pub capture: Option<BodyCapture>,
}

/// What was answered.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct ResponseEntry {
    pub status: Option<u16>,
    pub grpc_status: Option<u32>,
    pub headers: Option<BTreeMap<String, Vec<String>>>,
    pub size: Option<u64>,
    pub body: Option<Box<RawValue>>,
    pub capture: Option<BodyCapture>,
}

/// What happened, in terms of the business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct Event {
    pub description: Option<String>,
    pub reference_no: Option<String>,
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    /// A decimal number, as it was written.
    pub amount: Option<String>,
    pub currency: Option<String>,
}

/// A thing as it was and as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Absent where there was nothing.
    pub old: Option<Box<RawValue>>,
    /// Absent where nothing is left.
    pub new: Option<Box<RawValue>>,
    /// What differs; absent where a value was left out.
    pub diff: Option<Vec<Difference>>,
}

/// One difference.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// `add`, `remove` or `replace`.
    pub op: String,
    /// A JSON pointer (RFC 6901); empty for the whole.
    pub path: String,
    /// The value before.
    pub old: Option<Box<RawValue>>,
    /// The value after.
    pub new: Option<Box<RawValue>>,
}

/// How much of a body was kept.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct BodyCapture {
    pub state: String,
    pub reason: Option<String>,
    pub bytes: Option<u64>,
}

/// The rule that applied to a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct Policy {
    pub rule: String,
    pub capture: String,
    pub sample_rate: f64,
}

/// One place where a value was masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Masked {
    /// Where: `request.query`, `request.headers`, `metadata`, …
    pub part: String,
    /// The selector that matched, never a name a client sent.
    pub field: String,
    /// What was done: `redact`, `remove`, …
    pub how: String,
}

/// W3C trace context ids, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct TraceIds {
    pub trace_id: String,
    pub parent_id: String,
}

/// The program that wrote the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct Service {
    pub name: Option<String>,
    pub version: Option<String>,
    pub instance: Option<String>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The members are described once, in docs/record.md.
pub struct Fault {
    pub kind: String,
    pub phase: Option<Phase>,
    pub message: Option<String>,
}

/// What a control record says. Members other than `op` depend on it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Control {
    /// `open`, `close`, `gap`, `repair`, …
    pub op: String,
    /// The number of records a `gap` stands for.
    pub count: Option<u64>,
    /// Why.
    pub reason: Option<String>,
    /// In `open`: no `close` came before it.
    pub unclean: Option<bool>,
    /// In `intent` and `head`: the id of the record that is announced.
    pub record: Option<String>,
    /// In `head`: the status of the response.
    pub status: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_line_with_a_redacted_group_is_read() {
        let line = "{\"seq\":3,\"kind\":\"request\",\"id\":\"x\",\"outcome\":\"cancelled\",\
            \t\"actor\":\"#00\",\t\"request\":{\"method\":\"GET\",\"path\":\"/\"},\
            \t\"metadata\":{\"n\":1.50},\t\"error\":{\"kind\":\"cancelled\",\"phase\":\"handler\"},\t\"salt\":\"00\"}";
        let entry = Entry::parse(line).unwrap();
        assert_eq!(entry.seq, Some(3));
        assert_eq!(entry.outcome, Some(Outcome::Cancelled));
        assert!(entry.actor().is_none());
        assert_eq!(entry.request().unwrap().path.as_deref(), Some("/"));
        assert_eq!(entry.error().unwrap().phase, Some(Phase::Handler));
        assert_eq!(entry.status(), None);
        assert_eq!(entry.metadata("n"), Some("1.50"));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert!(Entry::parse("[]").is_err());
        assert!(Entry::parse(r#"{"kind":"rumour"}"#).is_err());
    }
}
