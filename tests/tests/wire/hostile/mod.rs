//! Requests made to harm: `requests.jsonl` holds what is sent and which answers are right. A
//! canary stands for a secret wherever one could be.

mod check;

use std::collections::BTreeMap;

use audit_core::Entry;
use audit_tests::{
    trail::{files, told},
    wire::{Said, Wire, find},
};
use serde_json::Value;

use self::check::{check, five_in_a_row};
use crate::{
    pair::{Audited, Framework},
    parity::Comparison,
};

const CANARY: &[u8] = b"CANARY-7f3a9c";

struct Hostile {
    id: String,
    send: Vec<u8>,
    /// The answers that are right.
    status: Vec<u64>,
    /// The server does it by itself: there is no request for the application.
    refused: bool,
}

/// All of them. `<<R:text:count>>` stands for a text so many times, `<<LEN>>` for the length of
/// the body; a character for the byte of that number. A framework can have its own answers.
fn all(framework: Framework) -> Vec<Hostile> {
    let parse = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let own = entry.get(format!("{framework:?}"));
        let status = own.unwrap_or(&entry["status"]).as_array().expect("numbers").iter();
        Hostile {
            id: entry["id"].as_str().expect("a text").to_owned(),
            send: expand(entry["send"].as_str().expect("a text")),
            status: status.filter_map(Value::as_u64).collect(),
            refused: entry["refused_by"]
                .as_array()
                .is_some_and(|by| by.contains(&format!("{framework:?}").into())),
        }
    };
    include_str!("requests.jsonl").lines().map(parse).collect()
}

fn one(id: &str) -> Vec<u8> {
    all(Framework::Axum).into_iter().find(|hostile| hostile.id == id).expect("an entry").send
}

fn expand(template: &str) -> Vec<u8> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("<<R:") {
        let (what, after) = after.split_once(">>").expect("an end");
        let (what, count) = what.rsplit_once(':').expect("a count");
        text += before;
        text += &what.repeat(count.parse().expect("a number"));
        rest = after;
    }
    text += rest;
    if let Some((_, body)) = text.split_once("\r\n\r\n") {
        text = text.replace("<<LEN>>", &body.len().to_string());
    }
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect()
}

#[test]
fn hostile_requests_are_recorded_as_they_are_and_give_nothing_away() {
    let [axum, actix] = Framework::ALL.map(recorded_as_they_are);
    let mut comparison = Comparison::default();
    for (id, axum) in &axum {
        let scenario = format!("hostile: {id}");
        if axum.len() != actix[id].len() {
            comparison.differs("requests that the server refuses", &scenario);
        }
        for (axum, actix) in axum.iter().zip(&actix[id]) {
            comparison.compare(&scenario, axum, actix);
        }
    }
    comparison.end(true);
}

/// Gives what the records hold.
fn recorded_as_they_are(framework: Framework) -> BTreeMap<String, Vec<Value>> {
    let mut audited = Audited::start(framework, "headers");
    let mut wrong = Vec::new();
    let mut values = BTreeMap::new();
    for Hostile { id, send, status, refused } in all(framework) {
        let mut wire = audited.connect();
        wire.send(&send);
        let said = Said::new(&wire.rest());
        let answered = status.iter().any(|status| {
            let begin = format!("HTTP/1.1 {status} ");
            said.bytes.starts_with(begin.as_bytes())
        });
        if !answered {
            wrong.push(format!("{id}: {}", said.shown()));
        }
        assert!(find(&said.bytes, b"smuggled").is_none(), "{id}");
        // An answer of the application has a request id, one of the server alone has none.
        let mut left = audited.trail.requests_with_text(said.ids.len());
        left.sort_by(|(a, _), (b, _)| path(a).cmp(&path(b)));
        let (left, texts): (Vec<_>, Vec<_>) = left.into_iter().unzip();
        let parse = |text: String| serde_json::from_str(&text).expect("JSON");
        values.insert(id.clone(), texts.into_iter().map(parse).collect());
        let ids: Vec<_> = left.iter().filter_map(|entry| entry.request()?.id.clone()).collect();
        assert!(ids.iter().all(|id| said.ids.contains(id)), "{id}: {ids:?}, {:?}", said.ids);
        let shown: Vec<_> = left.iter().map(told).collect();
        assert!(shown.iter().all(|told| !told.contains("smuggled")), "{id}: {shown:?}");
        match (refused, id.as_str()) {
            (true, _) => assert_eq!(left.len(), 0, "{framework:?}, {id}"),
            (false, "F19") => five_in_a_row(&left),
            (false, _) => {
                assert_eq!(left.len(), 1, "{framework:?}, {id}");
                let request = left[0].request().expect("a request");
                let actor = left[0].actor().expect("an actor");
                assert_eq!(actor.ip.as_deref(), Some("127.0.0.1"), "{id}");
                assert_eq!(actor.user, None, "{id}");
                check(&id, &left[0], request);
            }
        }
        let mut alive = audited.connect();
        alive.send("GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        assert!(alive.rest().starts_with(b"HTTP/1.1 200 "));
    }
    assert!(wrong.is_empty(), "{framework:?}: {}", wrong.join("\n"));
    audited.testbed.stop_cleanly(0);
    audited.trail.ends_well();

    for (path, bytes) in files(&audited.root) {
        // The other is the text of a chunk extension.
        for unwanted in [CANARY, b"yyyyyyyy"] {
            let found = find(&bytes, unwanted).is_some();
            assert!(!found, "{} is in {}", unwanted.escape_ascii(), path.display());
        }
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let text = String::from_utf8(bytes).expect("UTF-8");
            for line in text.strip_suffix('\n').expect("a whole last line").split('\n') {
                serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            }
        }
    }
    values
}

fn path(entry: &Entry) -> Option<&String> {
    entry.request()?.path.as_ref()
}

/// Behind a proxy that is trusted, the address is that of the nearest hop that is not.
#[tokio::test]
async fn forwarded_headers_count_behind_a_trusted_proxy() {
    use audit_tests::{audited, server::Server};

    let trusting = audited::Audited::with(|settings| settings.trusted_proxies(["127.0.0.1/32"]));
    let app = axum::Router::new().layer(trusting.axum());
    let server = Server::axum(app).await;
    for (id, ip) in [("C12", "203.0.113.9"), ("C11", "10.0.0.1")] {
        let (addr, send) = (server.addr, one(id));
        let talk = tokio::task::spawn_blocking(move || {
            let mut wire = Wire::connect(addr);
            wire.send(send);
            wire.rest()
        });
        assert!(talk.await.expect("an answer").starts_with(b"HTTP/1.1 404 "));
        let records = trusting.records().await;
        let actor = records.last().and_then(Entry::actor).expect("an actor");
        assert_eq!(actor.ip.as_deref(), Some(ip), "{id}");
    }
}
