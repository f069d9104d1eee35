//! What there is of a record and of the answer, as it is compared.

use audit_core::Entry;
use audit_tests::trail::Follower;
use serde_json::Value;

use super::{
    ask::Answer,
    table::{Leaves, Row, Told},
    verdict::Verdict,
};

/// What is another one with every request, or does not depend on the policy: compared only where a
/// row tells of it.
const UNTOLD: &[&str] = &[
    "id",
    "kind",
    "seq",
    "salt",
    "time",
    "duration_ms",
    "ttfb_ms",
    "service.version",
    "service.instance",
    "request.host",
    "request.version",
    "request.route",
    "request.size",
    "response.size",
];

/// Headers that most requests and answers have.
const USUAL: &[&str] = &[
    "host",
    "connection",
    "content-type",
    "content-length",
    "transfer-encoding",
    "date",
    "vary",
    "cache-control",
];

/// A record as it is compared.
pub(super) struct Found {
    members: Verdict,
    id: String,
}

impl Found {
    pub(super) fn new(trail: &Follower, entry: &Entry, line: &str) -> Self {
        let mut members = Verdict::new();
        collect("", &serde_json::from_str(line).expect("JSON"), &mut members);
        // As it stands there, and not as it was parsed.
        let bodies = [
            ("request.body", entry.request().and_then(|request| request.body.as_ref())),
            ("response.body", entry.response().and_then(|response| response.body.as_ref())),
        ];
        for (name, body) in bodies {
            if let Some(body) = body.map(|body| body.get()).filter(|body| !body.starts_with('"')) {
                members.insert(name.to_owned(), without_pseudonyms(body));
            }
        }
        let controls = trail.controls.iter().filter_map(|entry| entry.control.as_ref());
        let announce = controls.filter(|c| c.record.is_some() && c.record == entry.id);
        let announced: Vec<_> = announce.map(|control| &*control.op).collect();
        if !announced.is_empty() {
            members.insert("control".to_owned(), announced.join(" "));
        }
        let id = entry.request().and_then(|request| request.id.clone()).unwrap_or_default();
        if members.get("request.id_source").is_some_and(|source| source != "inbound") {
            assert!(is_made(&id), "`{id}` is no id");
            members.remove("request.id");
        }
        Self { members, id }
    }
}

/// What there is of a record and its answer, as far as the row is about it.
pub(super) fn found(row: &Row, answer: Option<&Answer>, record: Option<&Found>) -> Verdict {
    let mut verdict = record.map(|record| record.members.clone()).unwrap_or_default();
    let (Leaves::Record(told) | Leaves::None(_, told)) = &row.leaves;
    let tells = |wanted: &str| {
        told.iter().any(|told| match told {
            Told::Is(name, _) | Told::Absent(name) => name == wanted,
        })
    };
    verdict.retain(|name, _| !UNTOLD.contains(&name.as_str()) || tells(name));
    if let Some(answer) = answer {
        verdict.insert("answer.status".to_owned(), answer.status.to_string());
        let is_id = |value: &str| match record {
            Some(record) => value == record.id,
            None => is_made(value) || row.headers.contains(&("x-request-id".into(), value.into())),
        };
        if let Some((name, _)) = answer.headers.iter().find(|(_, value)| is_id(value)) {
            verdict.insert("answer.id".to_owned(), name.clone());
        }
    }
    verdict
}

/// A UUID of version 7.
fn is_made(id: &str) -> bool {
    id.len() == 36 && id.as_bytes()[14] == b'7' && id.bytes().filter(|b| *b == b'-').count() == 4
}

fn collect(place: &str, value: &Value, verdict: &mut Verdict) {
    let told = match (place, value) {
        ("request.headers" | "response.headers", Value::Object(headers)) => {
            let unusual = headers.iter().filter(|(name, _)| !USUAL.contains(&name.as_str()));
            let told = unusual.map(|(name, values)| match values.as_array() {
                Some(values) => format!("{name}: {}", joined(values, text)),
                None => format!("{name}: {values}"),
            });
            let told: Vec<_> = told.collect();
            if told.is_empty() { "usual".to_owned() } else { told.join("; ") }
        }
        ("request.capture" | "response.capture", capture) => {
            let detail = [&capture["reason"], &capture["bytes"]].map(text).concat();
            format!("{} {detail}", text(&capture["state"])).trim_end().to_owned()
        }
        ("masked", Value::Array(places)) => {
            let told = |place: &Value| {
                ["part", "field", "how"].map(|member| text(&place[member])).join(" ")
            };
            // In the order of the headers, which is no order on actix.
            let mut places: Vec<_> = places.iter().map(told).collect();
            places.sort();
            places.join(", ")
        }
        ("flags", Value::Array(flags)) => joined(flags, text),
        (place, Value::Object(members)) if !place.ends_with(".body") => {
            for (name, value) in members {
                let dot = if place.is_empty() { "" } else { "." };
                collect(&format!("{place}{dot}{name}"), value, verdict);
            }
            return;
        }
        (_, value) => text(value),
    };
    verdict.insert(place.to_owned(), without_pseudonyms(&told.replace('\n', "\\n")));
}

fn joined(values: &[Value], told: impl Fn(&Value) -> String) -> String {
    values.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Each testbed has a secret of its own.
fn without_pseudonyms(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    for (prefix, shown) in [("hmac-sha256:", "(pseudonym)"), ("s_", "(session)")] {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
        while let Some(at) = rest.find(prefix) {
            let length = rest[at..].find(|c| !plain(c)).unwrap_or(rest.len() - at);
            let pseudonym = length > 20;
            told += &rest[..at];
            told += if pseudonym { shown } else { &rest[at..at + length] };
            rest = &rest[at + length..];
        }
    }
    told + rest
}
