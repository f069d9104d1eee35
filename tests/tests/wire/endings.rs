//! Requests that end badly: panics, and clients that go away. Each leaves one record that says
//! so, and the server goes on.

use std::{thread, time::Duration};

use audit_core::{Entry, Level, Outcome, Phase};

use crate::pair::{Audited, Framework, Pair};

#[test]
fn a_panic_is_answered_with_500_where_there_is_the_layer() {
    let mut pair = Pair::start(Framework::Axum, "headers");
    for (path, message) in [("/panic", Some("the handler panicked")), ("/panic/any", None)] {
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

        let record = pair.audited.record(path);
        ended(&record, Outcome::Panicked, Some(Phase::Handler), Some(500));
        assert_eq!(record.level, Some(Level::Error));
        assert_eq!(record.response().expect("a response").size, Some(0));
        assert_eq!(record.error().expect("an error").message.as_deref(), message);
        pair.audited.record("/hello");
    }
    pair.end(2);
}

#[test]
fn a_panic_in_the_body_is_never_a_clean_end() {
    let mut pair = Pair::start(Framework::Axum, "headers");
    let request = "GET /panic/body HTTP/1.1\r\nhost: h\r\n\r\n";
    let [bare, audited] = pair.both(|mut wire| {
        wire.send(request);
        wire.rest()
    });
    assert!(bare.holds("\r\n\r\n5\r\nfirst\r\n") && !bare.holds("\r\n0\r\n"), "{}", bare.shown());
    assert_eq!(audited.shown(), bare.shown());
    let record = pair.audited.record("/panic/body");
    ended(&record, Outcome::Panicked, Some(Phase::ResponseBody), Some(200));
    assert_eq!(record.response().expect("a response").size, Some(5));
    let message = record.error().expect("an error").message.as_deref();
    assert_eq!(message, Some("the body panicked"));
    pair.end(1);
}

#[test]
fn half_an_upload_is_an_error_of_the_request() {
    let mut pair = Pair::start(Framework::Axum, "headers");
    let head = "POST /upload HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n";
    let [bare, audited] = pair.both(|mut wire| {
        wire.send([head.as_bytes(), &[b'x'; 500]].concat());
        wire.half_close();
        wire.rest()
    });
    assert!(bare.bytes.starts_with(b"HTTP/1.1 400 "), "{}", bare.shown());
    assert_eq!(audited.shown(), bare.shown());
    let record = pair.audited.record("/upload");
    ended(&record, Outcome::Completed, None, Some(400));
    assert_eq!(record.request().expect("a request").size, Some(1000));
    pair.end(0);
}

#[test]
fn an_upload_that_is_reset_leaves_one_record() {
    let mut audited = Audited::start(Framework::Axum, "headers");
    let head = "POST /upload HTTP/1.1\r\nhost: h\r\ncontent-length: 1048576\r\n\r\n";
    let mut wire = audited.connect();
    wire.send([head.as_bytes(), &[b'x'; 512 * 1024]].concat());
    wire.reset();
    let record = audited.record("/upload");
    // The handler saw the error and answered, or was gone before it could.
    match record.outcome {
        Some(Outcome::Cancelled) => {
            ended(&record, Outcome::Cancelled, Some(Phase::Handler), None);
        }
        _ => ended(&record, Outcome::Completed, None, Some(400)),
    }
    assert_eq!(record.request().expect("a request").size, Some(1024 * 1024));
    audited.end(0);
}

#[test]
fn a_client_that_leaves_while_the_handler_runs() {
    let mut audited = Audited::start(Framework::Axum, "headers");
    let wire = audited.ask("/slow?ms=60000");
    thread::sleep(Duration::from_millis(100));
    drop(wire);
    let record = audited.record("/slow");
    ended(&record, Outcome::Cancelled, Some(Phase::Handler), None);
    assert_eq!(record.level, Some(Level::Warning));
    assert_eq!(record.ttfb_ms, None);
    // When it left, and not when the handler's minute was over.
    let took = record.duration_ms.expect("a time");
    assert!(took < 10_000.0, "{took} ms");
    audited.end(0);
}

/// A server may see the end of the connection before it calls the application: then nothing
/// happened, and there is nothing to record. Whatever did run is recorded.
#[test]
fn a_client_that_leaves_at_once_leaves_a_record_if_the_handler_ran() {
    const CLIENTS: usize = 40;
    let mut audited = Audited::start(Framework::Axum, "headers");
    for n in 0..CLIENTS {
        let wire = audited.ask("/panic");
        thread::sleep(Duration::from_micros(50 * n as u64));
        drop(wire);
    }
    audited.ask("/hello").answer();
    let (status, _) = audited.testbed.stop();
    assert_eq!(status.code(), Some(0));
    let ran = audited.testbed.stderr().matches("panicked at").count();
    assert!((1..=CLIENTS).contains(&ran), "{ran} ran");
    let records = audited.trail.rest();
    let panics = records.iter().filter(|record| record.outcome == Some(Outcome::Panicked));
    assert_eq!((panics.count(), records.len()), (ran, ran + 1));
}

#[test]
fn a_client_that_resets_in_the_middle_of_a_stream() {
    let mut audited = Audited::start(Framework::Axum, "headers");
    for (target, first) in [
        ("/stream?chunks=1000000&size=1000&delay_ms=1", "xxx"),
        ("/sse?events=1000000&delay_ms=1", "data: event 0"),
    ] {
        let mut wire = audited.ask(target);
        let head = wire.head();
        wire.until(first.as_bytes());
        wire.reset();
        let path = target.split_once('?').expect("a query").0;
        let record = audited.record(path);
        ended(&record, Outcome::Cancelled, Some(Phase::ResponseBody), Some(200));
        assert_eq!(record.level, Some(Level::Warning));
        assert!(record.response().expect("a response").size > Some(0));
        let id = record.request().and_then(|request| request.id.clone()).expect("an id");
        assert!(head.contains(&format!("x-request-id: {id}\r\n")), "{id} is not in {head}");
    }
    audited.end(0);
}

#[test]
fn a_client_that_resets_a_stream_of_known_length() {
    let mut audited = Audited::start(Framework::Axum, "headers");
    let mut wire = audited.connect();
    let target = "/stream?chunks=1000000&size=1000&delay_ms=1&length=1";
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n"));
    assert!(wire.head().contains("content-length: 1000000000\r\n"));
    wire.reset();
    let record = audited.record("/stream");
    ended(&record, Outcome::Cancelled, Some(Phase::ResponseBody), Some(200));
    assert!(record.response().expect("a response").size < Some(1_000_000_000));
    audited.end(0);
}

fn ended(record: &Entry, outcome: Outcome, phase: Option<Phase>, status: Option<u16>) {
    assert_eq!(record.outcome, Some(outcome));
    assert_eq!(record.status(), status);
    assert_eq!(record.error().and_then(|error| error.phase), phase);
    assert_eq!(record.success, Some(false));
}
