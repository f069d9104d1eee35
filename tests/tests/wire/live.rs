//! What is seen while the service runs, and how it ends.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use audit_core::{Outcome, Phase};
use audit_tests::{programs, testbed::Testbed, wire::Wire};

use crate::pair::{Audited, Framework, Pair, alone};

#[test]
fn events_arrive_when_they_are_sent() {
    let _alone = alone();
    for framework in Framework::ALL {
        let mut pair = Pair::start(framework, "headers");
        let times = [pair.bare.addr, pair.audited.testbed.addr].map(|addr| {
            let mut wire = Wire::connect(addr);
            let begun = Instant::now();
            wire.send(
                "GET /sse?events=3&delay_ms=400 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
            );
            wire.until(b"data: event 0\n\n");
            let first = begun.elapsed();
            assert!(wire.got().ends_with(b"data: event 0\n\n\r\n"), "more than the first event");
            let all = wire.rest();
            assert!(all.ends_with(b"\r\n0\r\n\r\n"));
            (first, begun.elapsed())
        });
        for (first, all) in times {
            assert!(all >= Duration::from_millis(800), "{times:?}");
            assert!(all - first >= Duration::from_millis(600), "{times:?}");
        }
        let [(bare, _), (audited, _)] = times;
        assert!(audited < bare + Duration::from_millis(150), "{bare:?}, {audited:?}");
        let record = pair.audited.record("/sse");
        assert_eq!(record.outcome, Some(Outcome::Completed));
        let (head, end) = (record.ttfb_ms.expect("a time"), record.duration_ms.expect("a time"));
        assert!(head < 400.0 && end >= 800.0, "{head} ms, {end} ms");
        pair.end(0);
    }
}

#[test]
fn a_web_socket_is_recorded_when_it_opens() {
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "headers");
        let mut wire = audited.connect();
        wire.send(
            "GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        assert!(wire.head().starts_with("http/1.1 101 "));
        let record = audited.record("/ws");
        assert_eq!(record.outcome, Some(Outcome::Upgraded));
        assert_eq!(record.success, Some(true));
        // And it goes on.
        wire.send(b"\x81\x82\0\0\0\0hi");
        wire.until(b"\x81\x02hi");
        drop(wire);
        audited.end(0);
    }
}

#[test]
fn a_finished_record_shows_within_half_a_second() {
    let _alone = alone();
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "metadata");
        for _ in 0..10 {
            audited.ask("/hello").answer();
            let answered = Instant::now();
            audited.record("/hello");
            assert!(answered.elapsed() < Duration::from_millis(500), "{:?}", answered.elapsed());
            // So that the writer has gone idle, too.
            thread::sleep(Duration::from_millis(30));
        }
        audited.end(0);
    }
}

#[test]
fn asked_to_end_it_lets_streams_come_to_their_end() {
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "headers");
        let mut wire = audited.ask("/stream?chunks=5&size=10&delay_ms=200");
        wire.until(b"\r\nxxxxxxxxxx\r\n");
        audited.testbed.stop_cleanly(0);
        assert!(wire.rest().ends_with(b"\r\n0\r\n\r\n"));
        let record = audited.record("/stream");
        assert_eq!(record.outcome, Some(Outcome::Completed));
        assert_eq!(record.response().expect("a response").size, Some(50));
        audited.trail.ends_well();
    }
}

#[test]
fn a_stream_without_end_does_not_hold_up_the_end() {
    thread::scope(|scope| {
        // Each takes its seconds.
        for framework in Framework::ALL {
            scope.spawn(move || cut_off(framework));
        }
    });
}

fn cut_off(framework: Framework) {
    let mut audited = Audited::start(framework, "headers");
    let mut wire = audited.ask("/sse?events=1000000&delay_ms=20");
    wire.until(b"data: event 0\n\n");
    let idle = audited.connect();
    audited.testbed.stop_cleanly(0);
    assert!(!wire.rest().ends_with(b"\r\n0\r\n\r\n"), "cut off, not ended");
    drop(idle);
    let record = audited.record("/sse");
    assert_eq!(record.outcome, Some(Outcome::Cancelled));
    assert_eq!(record.error().and_then(|error| error.phase), Some(Phase::ResponseBody));
    audited.trail.ends_well();
}

#[test]
fn what_is_recorded_follows_the_flag() {
    for framework in Framework::ALL {
        // Without a trail there is nothing to see, but the id tells that there is a layer.
        for (audit, id) in [("off", false), ("none", true), ("metadata", true), ("headers", true)] {
            let mut testbed = Testbed::start(framework.testbed(), &["--audit", audit]);
            let mut wire = Wire::connect(testbed.addr);
            wire.send("GET /hello HTTP/1.1\r\nhost: h\r\n\r\n");
            assert_eq!(wire.head().contains("x-request-id: "), id, "{audit}");
            drop(wire);
            testbed.stop_cleanly(0);
        }
        let nothing = Audited::start(framework, "none");
        nothing.ask("/hello").answer();
        nothing.end(0);
    }
}

#[test]
fn what_is_not_supported_is_refused() {
    for framework in Framework::ALL {
        for (flags, told) in [
            (&["--config", "/nonexistent/audit.toml"][..], "cannot read /nonexistent/audit.toml"),
            (&["--audit", "everything"], "possible values: off, none, metadata, headers"),
            (&["--unknown"], "--unknown"),
        ] {
            let output = Command::new(programs::example(framework.testbed()))
                .args(flags)
                .output()
                .expect("a program");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
            assert!(stderr.contains(told), "{flags:?}: {stderr}");
            assert_eq!(output.stdout, b"", "{flags:?}");
        }
    }
}
