//! The same bytes to every testbed, with the layer and without: the answers are the same but for
//! the request id, the trail holds what was expected and nothing else, and the records of one
//! framework are those of the other.

mod compare;
mod list;

use std::panic::{AssertUnwindSafe, catch_unwind};

use audit_core::Entry;
use audit_tests::{
    trail::told,
    wire::{Said, Wire},
};
use serde_json::Value;

pub(crate) use self::compare::{Comparison, alike};
use crate::{
    pair::{Framework, Pair},
    scenarios::{self, Expected, Scenario, Step},
};

#[test]
fn answers_and_records_are_the_same_with_the_headers() {
    run_all("headers", "buffered");
}

#[test]
fn answers_and_records_are_the_same_with_metadata_alone() {
    run_all("metadata", "buffered");
}

#[test]
fn answers_and_records_are_the_same_with_the_bodies() {
    run_all("full", "buffered");
}

#[test]
fn answers_and_records_are_the_same_where_they_wait_for_each_other() {
    run_all("full", "strict");
}

fn run_all(capture: &str, reliability: &str) {
    let mut pairs = Framework::ALL
        .map(|framework| (framework, Pair::start_as(framework, capture, reliability)));
    let mut comparison = Comparison::default();
    let mut failed = Vec::new();
    for scenario in scenarios::all() {
        // Whether its connection can be used again depends on how much has come of the upload.
        if reliability == "strict" && scenario.name.starts_with("connection used again") {
            continue;
        }
        let records = pairs.each_mut().map(|(framework, pair)| {
            let how = (capture, reliability);
            let run = AssertUnwindSafe(|| run(&scenario, *framework, pair, how, &mut comparison));
            // The others are still of interest. What is wrong was printed by the panic.
            catch_unwind(run).unwrap_or_else(|_| {
                failed.push((*framework, scenario.name));
                Vec::new()
            })
        });
        let [axum, actix] = &records;
        for (axum, actix) in axum.iter().zip(actix) {
            comparison.compare(scenario.name, axum, actix);
        }
        scenario.differences().for_each(|name| comparison.differs(name, scenario.name));
    }
    comparison.end(capture != "metadata" && failed.is_empty());
    assert_eq!(failed, [], "{capture}");
    for (_, pair) in pairs {
        pair.end(0);
    }
}

/// Gives the records, in the order of the requests.
fn run(
    scenario: &Scenario,
    framework: Framework,
    pair: &mut Pair,
    (capture, reliability): (&str, &str),
    comparison: &mut Comparison,
) -> Vec<Value> {
    let as_sent = pair.both(|wire| talk(wire, &scenario.steps));
    let [without, with] = as_sent.each_ref().map(|said| framework.comparable(said));
    let records = with.ids.len().saturating_sub(scenario.excluded);
    let records = pair.audited.trail.requests_with_text(records);

    let answer = scenario.answer(framework);
    answer.check(&without);
    // When it sends a head a server decides whether the connection can be kept, by what has come of
    // the request until then. After a wait for the disk more has come.
    let kept = |said: &Said| match reliability {
        "strict" => said.lacking(b"connection: close\r\n"),
        _ => said.bytes.clone(),
    };
    assert!(
        kept(&with) == kept(&without),
        "answers differ\n  without: {}\n  with: {}",
        without.shown(),
        with.shown()
    );
    if as_sent[0].bytes != as_sent[1].bytes {
        comparison.differs("order of headers", scenario.name);
    }
    assert_eq!(without.ids, [""; 0]);
    assert_eq!(with.ids.len(), answer.records.len() + scenario.excluded, "{:?}", with.ids);
    let matched = answer.records.iter().zip(&with.ids).map(|(expected, id)| {
        // Records of one moment may be written in another order than they were made in.
        let is_of = |(entry, _): &&(Entry, String)| id_of(entry) == Some(id);
        let (record, text) = records.iter().find(is_of).expect("a record with the answer's id");
        check(record, expected, capture);
        serde_json::from_str(text).expect("JSON")
    });
    matched.collect()
}

fn talk(mut wire: Wire, steps: &[Step]) -> Vec<u8> {
    for step in steps {
        match step {
            Step::Send(bytes) => wire.send(bytes),
            Step::Head => drop(wire.head()),
            Step::Answer => wire.answer(),
        }
    }
    wire.rest()
}

fn id_of(entry: &Entry) -> Option<&String> {
    entry.request()?.id.as_ref()
}

fn check(record: &Entry, expected: &Expected, capture: &str) {
    let what = told(record);
    let request = record.request().expect("a request");
    let response = record.response().expect("a response");
    assert_eq!(request.method.as_deref(), Some(expected.method), "{what}");
    assert_eq!(request.path.as_deref(), Some(expected.path), "{what}");
    assert_eq!(request.route.as_deref(), expected.route, "{what}");
    let counted = expected.counted.filter(|_| capture == "full");
    assert_eq!(request.size, expected.request_size.or(counted), "request size of {what}");
    assert_eq!(request.id_source, Some(expected.id_source), "{what}");
    assert_eq!(response.status, Some(expected.status), "{what}");
    assert_eq!(response.size, expected.response_size, "response size of {what}");
    assert_eq!(record.outcome, Some(expected.outcome), "{what}");
    assert_eq!(record.success, Some(expected.status < 400), "{what}");
    assert!(record.error().is_none(), "{what}");
    let ip = record.actor().and_then(|actor| actor.ip.as_deref());
    assert_eq!(ip, Some("127.0.0.1"), "{what}");
    let (head, end) = (record.ttfb_ms.expect("a time"), record.duration_ms.expect("a time"));
    assert!(0.0 < head && head <= end, "{head} ms, {end} ms: {what}");
    let policy = record.policy.as_ref().expect("a policy");
    assert_eq!(policy.capture, capture, "{what}");
    assert_eq!(request.capture.is_some(), capture == "full", "{what}");
    if capture != "metadata" {
        assert_eq!(record.flags, expected.flags, "{what}");
        (expected.also)(record);
    } else {
        assert!(request.headers.is_none() && response.headers.is_none(), "{what}");
    }
}
