//! Requests that end badly: panics, and clients that go away. Each leaves one record that says
//! so, and the server goes on.

use std::{thread, time::Duration};

use audit_core::{Entry, Level, Outcome, Phase};

use crate::{
    pair::{
        Audited,
        Framework::{self, Actix, Axum},
        Pair,
    },
    parity::alike,
};

#[test]
fn a_panic_is_answered_with_500_where_there_is_the_layer() {
    alike(|framework, records| {
        let mut pair = Pair::start(framework, "full");
        for (name, path, message) in [
            ("panic", "/panic", Some("the handler panicked")),
            ("panic without a text", "/panic/any", None),
        ] {
            let [bare, audited] = pair.both(|mut wire| {
                wire.send(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n"));
                // Where the connection goes on, this is answered too.
                wire.send("GET /hello HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
                wire.rest()
            });
            assert_eq!(bare.shown(), "", "without the layer the connection is closed");
            let (first, second) = (&audited.bytes[..], b"\r\n\r\nHTTP/1.1 200 OK\r\n");
            assert!(first.starts_with(b"HTTP/1.1 500 "), "{}", audited.shown());
            assert!(audited.holds("content-length: 0\r\n"), "{}", audited.shown());
            assert!(audited.holds(second) && first.ends_with(b"hello"), "{}", audited.shown());
            assert_eq!(audited.ids.len(), 2);

            let (record, json) = pair.audited.record_as_json(path);
            ended(&record, Outcome::Panicked, Some(Phase::Handler), Some(500));
            assert_eq!(record.level, Some(Level::Error));
            assert_eq!(record.response().expect("a response").size, Some(0));
            assert_eq!(record.error().expect("an error").message.as_deref(), message);
            pair.audited.record("/hello");
            records.push((name, json));
        }
        pair.end(2);
    });
}

#[test]
fn a_panic_in_the_body_is_never_a_clean_end() {
    alike(|framework, records| {
        let mut pair = Pair::start(framework, "full");
        let [bare, audited] =
            said(framework, &pair, false, "GET /panic/body HTTP/1.1\r\nhost: h\r\n\r\n");
        assert!(
            bare.contains("\n    \n    5\n    first\n") && !bare.contains("\n    0\n"),
            "{bare}"
        );
        assert_eq!(audited, bare);
        let (record, json) = pair.audited.record_as_json("/panic/body");
        ended(&record, Outcome::Panicked, Some(Phase::ResponseBody), Some(200));
        assert_eq!(record.response().expect("a response").size, Some(5));
        let message = record.error().expect("an error").message.as_deref();
        assert_eq!(message, Some("the body panicked"));
        records.push(("panic in the body", json));
        pair.end(1);
    });
}

#[test]
fn half_an_upload_is_an_error_of_the_request() {
    alike(|framework, records| {
        let mut pair = Pair::start(framework, "full");
        let half = [half_of(1000).as_bytes(), &[b'x'; 500]].concat();
        let [bare, audited] = said(framework, &pair, true, half);
        assert!(bare.starts_with("HTTP/1.1 400 "), "{bare}");
        assert_eq!(audited, bare);
        let (record, json) = pair.audited.record_as_json("/upload");
        ended(&record, Outcome::Completed, None, Some(400));
        assert_eq!(record.request().expect("a request").size, Some(1000));
        records.push(("half an upload", json));
        pair.end(0);
    });
}

#[test]
fn an_upload_that_is_reset_leaves_one_record() {
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "full");
        let mut wire = audited.connect();
        wire.send([half_of(1024 * 1024).as_bytes(), &[b'x'; 512 * 1024]].concat());
        wire.reset();
        let record = audited.record("/upload");
        // The handler saw the error and answered, or was gone before it could: mostly the one on
        // axum, and the other on actix.
        match record.outcome {
            Some(Outcome::Cancelled) => {
                ended(&record, Outcome::Cancelled, Some(Phase::Handler), None);
            }
            _ => ended(&record, Outcome::Completed, None, Some(400)),
        }
        assert_eq!(record.request().expect("a request").size, Some(1024 * 1024));
        audited.end(0);
    }
}

#[test]
fn a_client_that_closes_while_the_handler_runs() {
    alike(|framework, records| {
        let mut audited = Audited::start(framework, "full");
        // axum ends it when the client goes, actix when it is done.
        let wire = audited.ask(match framework {
            Axum => "/slow?ms=60000",
            Actix => "/slow?ms=400",
        });
        thread::sleep(Duration::from_millis(100));
        drop(wire);
        let (record, mut json) = audited.record_as_json("/slow");
        let took = record.duration_ms.expect("a time");
        match framework {
            Axum => {
                ended(&record, Outcome::Cancelled, Some(Phase::Handler), None);
                assert_eq!(record.level, Some(Level::Warning));
                assert_eq!(record.ttfb_ms, None);
                assert!(took < 10_000.0, "{took} ms");
            }
            Actix => {
                assert_eq!(
                    (record.outcome, record.status()),
                    (Some(Outcome::Completed), Some(200))
                );
                assert_eq!(record.success, Some(true));
                assert!(took >= 400.0, "{took} ms");
            }
        }
        json["request"]["query"].take();
        records.push(("closed in the handler", json));
        audited.end(0);
    });
}

#[test]
fn a_client_that_resets_while_the_handler_runs() {
    alike(|framework, records| {
        let mut audited = Audited::start(framework, "full");
        let wire = audited.ask("/slow?ms=60000");
        thread::sleep(Duration::from_millis(100));
        wire.reset();
        let (record, json) = audited.record_as_json("/slow");
        ended(&record, Outcome::Cancelled, Some(Phase::Handler), None);
        assert_eq!(record.level, Some(Level::Warning));
        assert_eq!(record.ttfb_ms, None);
        // When it left, and not when the handler's minute was over.
        let took = record.duration_ms.expect("a time");
        assert!(took < 10_000.0, "{took} ms");
        records.push(("reset in the handler", json));
        audited.end(0);
    });
}

/// A server may see the end of the connection before it calls the application: then nothing
/// happened, and there is nothing to record. Whatever did run is recorded.
#[test]
fn a_client_that_leaves_at_once_leaves_a_record_if_the_handler_ran() {
    const CLIENTS: usize = 40;
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "full");
        for n in 0..CLIENTS {
            let wire = audited.ask("/panic");
            thread::sleep(Duration::from_micros(50 * n as u64));
            match n % 2 {
                0 => drop(wire),
                _ => wire.reset(),
            }
        }
        audited.ask("/hello").answer();
        let (status, _) = audited.testbed.stop();
        assert_eq!(status.code(), Some(0));
        let ran = audited.testbed.stderr().matches("panicked at").count();
        assert!((1..=CLIENTS).contains(&ran), "{ran} ran");
        let records = audited.trail.rest();
        let panics = records.iter().filter(|record| record.outcome == Some(Outcome::Panicked));
        assert_eq!((panics.count(), records.len()), (ran, ran + 1), "{framework:?}");
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_stream() {
    alike(|framework, records| {
        let mut audited = Audited::start(framework, "full");
        for (name, target, first, reset) in [
            ("stream that is reset", "/stream?chunks=1000000&size=1000&delay_ms=1", "xxx", true),
            ("stream that is closed", "/stream?chunks=1000000&size=999&delay_ms=1", "xxx", false),
            ("events that are reset", "/sse?events=1000000&delay_ms=1", "data: event 0", true),
        ] {
            let mut wire = audited.ask(target);
            let head = wire.head();
            wire.until(first.as_bytes());
            match reset {
                true => wire.reset(),
                false => drop(wire),
            }
            let path = target.split_once('?').expect("a query").0;
            let (record, json) = audited.record_as_json(path);
            ended(&record, Outcome::Cancelled, Some(Phase::ResponseBody), Some(200));
            assert_eq!(record.level, Some(Level::Warning));
            assert!(record.response().expect("a response").size > Some(0));
            let id = record.request().and_then(|request| request.id.clone()).expect("an id");
            assert!(head.contains(&format!("x-request-id: {id}\r\n")), "{id} is not in {head}");
            records.push((name, json));
        }
        audited.end(0);
    });
}

#[test]
fn a_client_that_resets_a_stream_of_known_length() {
    alike(|framework, records| {
        let mut audited = Audited::start(framework, "full");
        let mut wire = audited.ask("/stream?chunks=1000000&size=1000&delay_ms=1&length=1");
        assert!(wire.head().contains("content-length: 1000000000\r\n"));
        wire.reset();
        let (record, json) = audited.record_as_json("/stream");
        ended(&record, Outcome::Cancelled, Some(Phase::ResponseBody), Some(200));
        assert!(record.response().expect("a response").size < Some(1_000_000_000));
        records.push(("stream of known length that is reset", json));
        audited.end(0);
    });
}

fn half_of(length: usize) -> String {
    format!("POST /upload HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n")
}

/// What a testbed without the layer and one with it say when this is all they get.
fn said(
    framework: Framework,
    pair: &Pair,
    half_close: bool,
    request: impl AsRef<[u8]>,
) -> [String; 2] {
    let said = pair.both(|mut wire| {
        wire.send(&request);
        if half_close {
            wire.half_close();
        }
        wire.rest()
    });
    said.map(|said| framework.comparable(&said).shown())
}

fn ended(record: &Entry, outcome: Outcome, phase: Option<Phase>, status: Option<u16>) {
    assert_eq!(record.outcome, Some(outcome));
    assert_eq!(record.status(), status);
    assert_eq!(record.error().and_then(|error| error.phase), phase);
    assert_eq!(record.success, Some(false));
}
