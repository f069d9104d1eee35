//! Requests made to harm: `hostile.jsonl` holds what is sent and which answers are right. A
//! canary stands for a secret wherever one could be.

use std::collections::BTreeMap;

use audit_core::{Entry, IdSource, RequestEntry};
use audit_tests::{
    trail::{files, told},
    wire::{Said, Wire, find},
};
use serde_json::Value;

use crate::pair::{Audited, Framework};

const CANARY: &[u8] = b"CANARY-7f3a9c";

struct Hostile {
    id: String,
    send: Vec<u8>,
    status: Vec<u64>,
}

/// All of them. `<<R:text:count>>` stands for a text so many times, `<<LEN>>` for the length of
/// the body; a character for the byte of that number.
fn all() -> Vec<Hostile> {
    let parse = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let status = entry["status"].as_array().expect("numbers").iter();
        Hostile {
            id: entry["id"].as_str().expect("a text").to_owned(),
            send: expand(entry["send"].as_str().expect("a text")),
            status: status.filter_map(Value::as_u64).collect(),
        }
    };
    include_str!("hostile.jsonl").lines().map(parse).collect()
}

fn one(id: &str) -> Vec<u8> {
    all().into_iter().find(|hostile| hostile.id == id).expect("an entry").send
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
    let mut audited = Audited::start(Framework::Axum, "headers");
    let mut records = BTreeMap::new();
    for Hostile { id, send, status } in all() {
        let mut wire = audited.connect();
        wire.send(&send);
        let said = Said::new(&wire.rest());
        let answered = status.iter().any(|status| {
            let begin = format!("HTTP/1.1 {status} ");
            said.bytes.starts_with(begin.as_bytes())
        });
        assert!(answered, "{id}: {}", said.shown());
        assert!(find(&said.bytes, b"smuggled").is_none(), "{id}");
        // An answer of the application has a request id, one of the server alone has none.
        let left = audited.trail.requests(said.ids.len());
        let ids: Vec<_> = left.iter().filter_map(|entry| entry.request()?.id.clone()).collect();
        assert!(ids.iter().all(|id| said.ids.contains(id)), "{id}: {ids:?}, {:?}", said.ids);
        let shown: Vec<_> = left.iter().map(told).collect();
        assert!(shown.iter().all(|told| !told.contains("smuggled")), "{id}: {shown:?}");
        records.insert(id, left);
        let mut alive = audited.connect();
        alive.send("GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        assert!(alive.rest().starts_with(b"HTTP/1.1 200 "));
    }
    audited.testbed.stop_cleanly(0);
    audited.trail.ends_well();

    for (id, records) in &records {
        match id.as_str() {
            // Refused by the server, before there was a request.
            "F09" | "F10" | "F12" | "F28" => assert_eq!(records.len(), 0, "{id}"),
            "F11" | "C14" => assert!(records.len() <= 1, "{id}"),
            "F19" => five_in_a_row(records),
            _ => {
                assert_eq!(records.len(), 1, "{id}");
                let request = records[0].request().expect("a request");
                let actor = records[0].actor().expect("an actor");
                assert_eq!(actor.ip.as_deref(), Some("127.0.0.1"), "{id}");
                assert_eq!(actor.user, None, "{id}");
                check(id, &records[0], request);
            }
        }
    }
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
}

fn five_in_a_row(records: &[Entry]) {
    let mut of: Vec<_> = records.iter().filter_map(Entry::request).collect();
    of.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<_> = of.iter().filter_map(|request| request.path.as_deref()).collect();
    assert_eq!(paths, ["/users/1", "/users/2", "/users/3", "/users/4", "/users/5"]);
    of.sort_by(|a, b| a.id.cmp(&b.id));
    of.dedup_by(|a, b| a.id == b.id);
    assert_eq!(of.len(), 5);
}

/// What a record has to say besides.
fn check(id: &str, record: &Entry, request: &RequestEntry) {
    let actor = record.actor().expect("an actor");
    let (path, query) = (request.path.as_deref(), request.query.as_deref());
    let flags: Vec<&str> = record.flags.iter().map(String::as_str).collect();
    let values = |name: &str| request.headers.as_ref().expect("headers").get(name);
    let masked = |part: &str| record.masked.iter().any(|masked| masked.part == part);
    let expected_flags: &[&str] = match id {
        "F01" => {
            assert_eq!(path, Some("/echo"));
            &[]
        }
        "F07" => {
            assert_eq!(request.size, None);
            &[]
        }
        "F08" => {
            assert_eq!((values("authorization"), values("x-user")), (None, None));
            assert!(values("trailer").is_some());
            &[]
        }
        "F14" => {
            assert_eq!(path, Some(&*format!("/{}", "p".repeat(2047))));
            &["path_truncated"]
        }
        "F23" => {
            assert_eq!(request.host, None);
            &[]
        }
        "F25" => {
            assert_eq!((path, request.host.as_deref()), (Some("/a"), Some("evil.test")));
            &[]
        }
        "C01" => {
            assert_eq!(path, Some("/a%0d%0a%7b%22fake%22%3atrue%7d"));
            &[]
        }
        "C04" => {
            assert_eq!(actor.user_agent.as_deref(), Some("\\xff\\xfe\\xc3("));
            assert_eq!(values("user-agent"), Some(&vec!["\\xff\\xfe\\xc3(".to_owned()]));
            &["bytes_escaped"]
        }
        "C05" => {
            assert_eq!(path, Some("/a%zz%f%"));
            &[]
        }
        "C08" | "H03" => {
            assert_eq!(request.id_source, Some(IdSource::Replaced));
            assert_eq!(request.id.as_ref().map(String::len), Some(36));
            if id == "C08" { &["header_truncated"] } else { &[] }
        }
        "C10" => {
            assert_eq!((&actor.user_id, &actor.company_id, &actor.session), (&None, &None, &None));
            assert_eq!(actor.roles, [""; 0]);
            assert_eq!(values("x-session-id"), Some(&vec!["[redacted]".to_owned()]));
            &[]
        }
        "C11" => {
            assert_eq!(actor.forwarded, ["127.0.0.1", "10.0.0.1"]);
            &[]
        }
        "C12" => {
            assert_eq!(actor.forwarded, ["1.1.1.1", "203.0.113.9"]);
            &[]
        }
        "C14b" => {
            assert_eq!(query, Some("q=%3Cimg/src=x%3E"));
            assert_eq!(actor.user_agent.as_deref(), Some("<script>window.__xss=1</script>"));
            &[]
        }
        "C15" => {
            assert_eq!(path, Some("/=HYPERLINK(%22http://x%22)"));
            assert_eq!(actor.user_agent.as_deref(), Some("=cmd|'/c calc'!A1"));
            &[]
        }
        "C16" => {
            assert_eq!(actor.user_agent.as_deref(), Some("=1+1"));
            &[]
        }
        "C17" => {
            assert_eq!(query, Some("f=invoice%E2%80%AEgpj.exe"));
            &[]
        }
        "C19" => {
            let pairs: Vec<_> = query.expect("a query").split_terminator('&').collect();
            assert_eq!(pairs[..3], ["x=1", "x=2", "k=v"]);
            assert_eq!(pairs.len(), 100);
            &["query_truncated"]
        }
        "S02" => {
            let hidden =
                "token=[redacted]&api_key=[redacted]&access_token=[redacted]&sig=[redacted]";
            assert_eq!(query, Some(hidden));
            assert_eq!(values("referer"), Some(&vec!["https://h/cb".to_owned()]));
            assert!(masked("request.query") && masked("request.headers"));
            &[]
        }
        "H01" => {
            let three: Vec<_> = ["one", "two", "three"].map(str::to_owned).into();
            assert_eq!(values("x-dup"), Some(&three));
            &[]
        }
        "H02" => {
            let twice = vec!["[redacted]".to_owned(), "[redacted]".to_owned()];
            assert_eq!(values("authorization"), Some(&twice));
            let cookies = vec!["session=[redacted]; theme=[redacted]".to_owned()];
            assert_eq!(values("cookie"), Some(&cookies));
            &[]
        }
        "H04" => {
            assert_eq!(path, Some("/a;token=[redacted]/b"));
            let hidden = "?%70assword=[redacted]&new+password=[redacted];client_secret=[redacted]";
            assert_eq!(query, Some(&hidden[1..]));
            assert_eq!(
                values("referer"),
                Some(&vec!["https://[redacted]@h/p;pin=[redacted]".into()])
            );
            &[]
        }
        "H05" => {
            assert_eq!(query.map(|query| query.matches("a=b").count()), Some(100));
            &["query_truncated"]
        }
        "H06" => {
            assert_eq!(query.map(str::len), Some(4096));
            &["query_truncated"]
        }
        "H07" => {
            assert_eq!(values("x-long").map(|values| values[0].len()), Some(1024));
            assert_eq!(actor.user_agent.as_ref().map(String::len), Some(512));
            &["header_truncated", "user_agent_truncated"]
        }
        "H08" => {
            let headers = request.headers.as_ref().expect("headers");
            assert_eq!(headers.values().map(Vec::len).sum::<usize>(), 90);
            assert_eq!(headers["x-many"].len(), 50);
            &[]
        }
        // The bodies: nothing of them is recorded, which the search for the canary shows.
        _ => &[],
    };
    assert!(request.body.is_none(), "{id}");
    assert_eq!(flags, expected_flags, "{id}");
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
