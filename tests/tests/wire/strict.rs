//! Strict requests under a kill: whatever was answered is on record, each request exactly once, and
//! what ran at that moment is told as interrupted.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use audit_core::{Entry, Level, Outcome};
use audit_tests::{programs, testbed::Testbed, trail::Follower, wire::Wire};

use crate::{
    crash::{Load, jitter},
    pair::{Audited, Framework, alone},
};

const KILLS: usize = 20;

#[test]
fn killed_under_load_axum_has_a_record_of_every_answer() {
    has_a_record_of_every_answer(Framework::Axum);
}

#[test]
fn killed_under_load_actix_has_a_record_of_every_answer() {
    has_a_record_of_every_answer(Framework::Actix);
}

fn has_a_record_of_every_answer(framework: Framework) {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut answered = BTreeSet::new();
    for kill in 0..KILLS {
        let mut testbed = start(framework, &root);
        // One that runs and one that streams, at whatever moment it comes.
        let mut slow = Wire::connect(testbed.addr);
        slow.send(format!("GET /slow?ms=60000&kill={kill} HTTP/1.1\r\nhost: h\r\n\r\n"));
        let mut stream = Wire::connect(testbed.addr);
        stream.send(format!(
            "GET /stream?chunks=600&delay_ms=100&kill={kill} HTTP/1.1\r\nhost: h\r\n\r\n"
        ));
        assert!(stream.head().starts_with("http/1.1 200 "));
        let load = Load::start(testbed.addr);
        load.wait_for(20);
        thread::sleep(Duration::from_micros(4 * jitter()));
        testbed.kill();
        let answers: Vec<_> = load.stop().into_iter().map(|(_, id)| id).collect();
        assert!(answers.len() >= 20, "{}", answers.len());
        answered.extend(answers);
    }
    let mut testbed = start(framework, &root);
    // It serves, and so it listens to signals too.
    let mut wire = Wire::connect(testbed.addr);
    wire.send("GET /hello HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    assert!(wire.rest().starts_with(b"HTTP/1.1 200 "));
    testbed.stop_cleanly(0);

    let mut trail = Follower::open(&root);
    let records = trail.rest();
    trail.ends_well();
    let mut by_id = BTreeMap::new();
    for record in &records {
        let id = record.request().and_then(|request| request.id.clone()).expect("a request's id");
        assert!(by_id.insert(id, record).is_none(), "two records of one request: {record:#?}");
    }
    let lost: Vec<_> = answered.iter().filter(|id| !by_id.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} of {} have no record", lost.len(), answered.len());
    for id in &answered {
        assert_eq!(by_id[id].status(), Some(200), "{:#?}", by_id[id]);
    }

    // Each announced one has its record, under the id that was announced.
    let ids: BTreeSet<_> = records.iter().filter_map(|record| record.id.clone()).collect();
    assert_eq!(ids.len(), records.len());
    let intents: BTreeSet<_> = trail.ops("intent").into_iter().map(announced).collect();
    assert_eq!(intents, ids);

    let interrupted: Vec<_> =
        records.iter().filter(|record| record.outcome == Some(Outcome::Interrupted)).collect();
    for (path, status) in [("/slow", None), ("/stream", Some(200))] {
        let of: Vec<_> = interrupted.iter().filter(|record| is_of(record, path)).collect();
        assert!(of.iter().all(|record| record.status() == status), "{of:#?}");
        if path == "/stream" {
            assert_eq!(of.len(), KILLS, "it had been answered");
        }
    }
    for record in &interrupted {
        assert_eq!((record.level, record.success), (Some(Level::Error), Some(false)));
        assert!(record.actor().is_some_and(|actor| actor.ip.is_some()), "{record:#?}");
        assert!(record.duration_ms.is_none() && record.time.is_some());
    }
    let told = Command::new(programs::audit())
        .args(["query", "--outcome", "interrupted", "--json", root.to_str().expect("a path")])
        .output()
        .expect("a program");
    assert_eq!(String::from_utf8_lossy(&told.stdout).lines().count(), interrupted.len());
}

fn announced(intent: &Entry) -> String {
    intent.control.as_ref().and_then(|control| control.record.clone()).expect("an id")
}

fn is_of(record: &Entry, path: &str) -> bool {
    record.request().and_then(|request| request.path.as_deref()) == Some(path)
}

fn start(framework: Framework, root: &Path) -> Testbed {
    let root = root.to_str().expect("a path");
    let flags = ["--audit", "headers", "--reliability", "strict", "--trail", root];
    Testbed::start(framework.testbed(), &flags)
}

#[test]
fn panics_upgrades_and_errors_are_as_without_it() {
    for framework in Framework::ALL {
        let mut audited = Audited::start_as(framework, "full", "strict");
        for (target, status, outcome) in [
            ("/panic", "500", Outcome::Panicked),
            ("/panic/any", "500", Outcome::Panicked),
            ("/error", "500", Outcome::Completed),
            ("/error/middleware", "401", Outcome::Completed),
            ("/sse?events=2&delay_ms=1", "200", Outcome::Completed),
        ] {
            let mut wire = audited.connect();
            wire.send(format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"));
            let answer = String::from_utf8_lossy(&wire.rest()).into_owned();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("x-request-id: "), "{answer}");
            let record = audited.record(target.split('?').next().expect("a path"));
            assert_eq!(record.outcome, Some(outcome), "{target}");
        }
        let mut wire = audited.connect();
        wire.send(
            "GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        assert!(wire.head().starts_with("http/1.1 101 "));
        assert_eq!(audited.record("/ws").outcome, Some(Outcome::Upgraded));
        drop(wire);
        audited.end(2);
    }
}

#[test]
fn an_answer_waits_for_the_disk_and_for_nothing_else() {
    let _alone = alone();
    for framework in Framework::ALL {
        let mut audited = Audited::start_as(framework, "metadata", "strict");
        let mut wire = audited.connect();
        let mut took: Vec<_> = (0..50)
            .map(|_| {
                let begun = Instant::now();
                wire.send("GET /stream?chunks=2&size=10 HTTP/1.1\r\nhost: h\r\n\r\n");
                wire.answer();
                begun.elapsed()
            })
            .collect();
        took.sort_unstable();
        println!("{framework:?}: p50 {:?}, p98 {:?}", took[25], took[48]);
        // A head that is written by itself, before its body, waits 40 ms for an acknowledgement.
        assert!(took[10] < Duration::from_millis(35), "{took:?}");
        drop(wire);
        assert_eq!(audited.trail.requests(50).len(), 50);
        audited.end(0);
    }
}
