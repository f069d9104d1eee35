//! The same bytes to a testbed with the layer and to one without: the answers are the same but
//! for the request id, and the trail holds what was expected and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use audit_core::Entry;
use audit_tests::{trail::told, wire::Wire};

use crate::{
    pair::{AXUM, Pair},
    scenarios::{self, Expected, Step},
};

#[test]
fn axum_answers_the_same_with_the_layer_and_without() {
    compare(AXUM, "headers");
}

#[test]
fn axum_answers_the_same_when_only_metadata_is_recorded() {
    compare(AXUM, "metadata");
}

fn compare(testbed: &str, capture: &str) {
    let mut pair = Pair::start(testbed, capture);
    let mut failed = Vec::new();
    for scenario in scenarios::all() {
        let run = AssertUnwindSafe(|| {
            let [without, with] = pair.both(|wire| talk(wire, &scenario.steps));
            scenario.check(&without);
            assert!(
                with.bytes == without.bytes,
                "answers differ\n  without: {}\n  with: {}",
                without.shown(),
                with.shown()
            );
            assert_eq!(without.ids, [""; 0]);
            let answers = scenario.records.len() + scenario.excluded;
            assert_eq!(with.ids.len(), answers, "{:?}", with.ids);
            let records = pair.audited.trail.requests(scenario.records.len());
            for (expected, id) in scenario.records.iter().zip(&with.ids) {
                // Records of one moment may be written in another order than they were made in.
                let is_of = |entry: &&Entry| id_of(entry) == Some(id);
                let record = records.iter().find(is_of).expect("a record with the answer's id");
                check(record, expected, capture);
            }
        });
        // The others are still of interest. What is wrong was printed by the panic.
        if catch_unwind(run).is_err() {
            failed.push(scenario.name);
            pair.audited.trail.rest();
        }
    }
    assert_eq!(failed, [""; 0], "{testbed} {capture}");
    pair.end(0);
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
    assert_eq!(request.size, expected.request_size, "request size of {what}");
    assert_eq!(request.id_source, Some(expected.id_source), "{what}");
    assert_eq!(response.status, Some(expected.status), "{what}");
    if expected.response_size.is_some() || expected.status == 101 {
        assert_eq!(response.size, expected.response_size, "response size of {what}");
    }
    assert_eq!(record.outcome, Some(expected.outcome), "{what}");
    assert_eq!(record.success, Some(expected.status < 400), "{what}");
    assert!(record.error().is_none(), "{what}");
    let ip = record.actor().and_then(|actor| actor.ip.as_deref());
    assert_eq!(ip, Some("127.0.0.1"), "{what}");
    let (head, end) = (record.ttfb_ms.expect("a time"), record.duration_ms.expect("a time"));
    assert!(0.0 < head && head <= end, "{head} ms, {end} ms: {what}");
    if capture == "headers" {
        assert_eq!(record.flags, expected.flags, "{what}");
        (expected.also)(record);
    } else {
        assert!(request.headers.is_none() && response.headers.is_none(), "{what}");
    }
}
