//! The same bytes to a testbed with the layer and to one without: the answers are the same but
//! for the request id, and the trail holds what was expected and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use audit_core::Entry;
use audit_tests::{
    testbed::Testbed,
    trail::{Follower, told},
    wire::{Said, Wire},
};

use crate::scenarios::{self, Expected, Scenario, Step};

#[test]
fn axum_answers_the_same_with_the_layer_and_without() {
    compare("testbed_axum", &["--audit", "headers"], true);
}

#[test]
fn axum_answers_the_same_when_only_metadata_is_recorded() {
    compare("testbed_axum", &["--audit", "metadata"], false);
}

fn compare(testbed: &str, audit: &[&str], headers: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut bare = Testbed::start(testbed, &["--audit", "off"]);
    let flags = [audit, &["--trail", root.to_str().expect("a path")]].concat();
    let mut audited = Testbed::start(testbed, &flags);
    let mut trail = Follower::open(&root);

    let mut failed = Vec::new();
    for scenario in scenarios::all() {
        let run = AssertUnwindSafe(|| {
            let (without, with) = (talk(&bare, &scenario), talk(&audited, &scenario));
            scenario.check(&without);
            assert!(
                with.bytes == without.bytes,
                "answers differ\n  without: {}\n  with: {}",
                without.shown(),
                with.shown()
            );
            assert_eq!(without.ids, [""; 0]);
            assert_eq!(
                with.ids.len(),
                scenario.records.len() + scenario.excluded,
                "{:?}",
                with.ids
            );
            let records = trail.requests(scenario.records.len());
            for (expected, id) in scenario.records.iter().zip(&with.ids) {
                // Records of one moment may be written in another order than they were made in.
                let has_id =
                    |entry: &&Entry| entry.request().is_some_and(|r| r.id.as_ref() == Some(id));
                let record =
                    records.iter().find(has_id).expect("a record with the id of the answer");
                let metadata = Expected { flags: &[], also: |_| {}, ..*expected };
                check(record, if headers { expected } else { &metadata });
            }
        });
        // The others are still of interest.
        if catch_unwind(run).is_err() {
            eprintln!("^^^ {testbed} {audit:?}: {}\n", scenario.name);
            failed.push(scenario.name);
            trail.rest();
        }
    }
    assert_eq!(failed, [""; 0], "{testbed} {audit:?}");
    bare.stop_cleanly();
    audited.stop_cleanly();
    trail.ends_well();
}

fn talk(testbed: &Testbed, scenario: &Scenario) -> Said {
    let mut wire = Wire::connect(testbed.addr);
    for step in &scenario.steps {
        match step {
            Step::Send(bytes) => wire.send(bytes),
            Step::Head => drop(wire.head()),
            Step::Answer => wire.answer(),
        }
    }
    Said::new(&wire.rest())
}

fn check(record: &Entry, expected: &Expected) {
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
    assert_eq!(record.flags, expected.flags, "{what}");
    assert!(record.error().is_none(), "{what}");
    let ip = record.actor().and_then(|actor| actor.ip.as_deref());
    assert_eq!(ip, Some("127.0.0.1"), "{what}");
    let (head, end) = (record.ttfb_ms.expect("a time"), record.duration_ms.expect("a time"));
    assert!(0.0 < head && head <= end, "{head} ms, {end} ms: {what}");
    (expected.also)(record);
}
