//! What a frame holds of the bodies of one request.

use std::{net::IpAddr, sync::Arc};

use super::{
    BodyAction, Exchange, RequestHead, ResponseHead,
    body::{BodyEnd, BodyField},
    frame::{self, Fixed, Tag},
};
use crate::{
    AuditContext, Auditor, Begin, Capture, OmitReason, Secret, Settings,
    auditor::Core,
    pipeline::{Pipe, Strict},
    settings::{Code, compile},
};

const MEMORY: usize = 1024 * 1024;
const JSON: (&str, &str) = ("content-type", "application/json");

/// A head of either side: method, size and headers.
#[derive(Clone, Copy)]
struct Head(&'static str, Option<u64>, &'static [(&'static str, &'static str)]);

const POST: Head = Head("POST", None, &[JSON]);
const OK: Head = Head("200", None, &[JSON]);

impl RequestHead for Head {
    fn method(&self) -> &str {
        self.0
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn version(&self) -> &'static str {
        "HTTP/1.1"
    }

    fn route(&self) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }

    fn body_size(&self) -> Option<u64> {
        self.1
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        self.2.iter().for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

impl ResponseHead for Head {
    fn status(&self) -> u16 {
        self.0.parse().unwrap()
    }

    fn end_stream(&self) -> bool {
        false
    }

    fn body_size(&self) -> Option<u64> {
        self.1
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        self.2.iter().for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

/// An auditor whose frames nobody takes.
fn auditor(settings: Settings) -> Auditor {
    let config = Arc::new(compile(&settings, &Code::default()).unwrap());
    let pipe = Arc::new(Pipe::new(MEMORY, Strict::WITHIN));
    let core = Core::new(config, pipe, settings, Default::default(), &Secret::new([7; 32]));
    Auditor { core: Arc::new(core) }
}

fn config(capture: Capture) -> Settings {
    let mut settings = Settings::default();
    settings.auditor.capture = capture;
    settings.bodies.limit = 8;
    settings
}

fn begin(auditor: &Auditor, head: &Head) -> Exchange {
    match auditor.begin(head) {
        Begin::Record(exchange) => exchange,
        _ => panic!("not recorded"),
    }
}

/// What a frame says of a body: its end, its Content-Type, its bytes.
type Told = Option<(BodyEnd, String, String)>;

fn told(end: BodyEnd, bytes: &str) -> Told {
    Some((end, JSON.1.to_owned(), bytes.to_owned()))
}

fn omitted(reason: OmitReason) -> Told {
    Some((BodyEnd::Omitted(reason), String::new(), String::new()))
}

/// The one frame, with the bodies of request and response.
fn frame_of(auditor: &Auditor) -> (Fixed, [Told; 2]) {
    let chunks = auditor.core.pipe.chunks();
    let [chunk] = &chunks[..] else { panic!("{} chunks", chunks.len()) };
    let mut rest = &chunk[..];
    let (fixed, arena) = frame::decode(&mut rest).unwrap();
    assert!(rest.is_empty());
    // What it holds is what it is long.
    assert_eq!(fixed.reserved as usize, chunk.len());
    assert_eq!(auditor.counters().memory_bytes, chunk.len() as u64);
    auditor.core.pipe.release(chunk.len());
    let told = [Tag::RequestBody, Tag::ResponseBody].map(|tag| {
        let field = frame::fields(arena).find(|field| field.tag == tag)?;
        let body = BodyField::read(field).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some((body.end, text(body.content_type), text(body.bytes)))
    });
    (fixed, told)
}

/// A request whose body and whose answer's body come in these chunks, to their end.
fn exchange(config: Settings, app: impl Fn(&AuditContext)) -> (Fixed, [Told; 2]) {
    let auditor = auditor(config);
    let mut exchange = begin(&auditor, &POST);
    if let Some(tee) = exchange.tee() {
        tee.data(b"[1,", false);
        tee.data(b"2]", false);
        tee.end();
    }
    app(&exchange.context());
    assert_eq!(exchange.head(&OK), BodyAction::Watch);
    exchange.data(b"[3,4,", false);
    exchange.data(b"5,6]", true);
    frame_of(&auditor)
}

#[test]
fn levels_decide_which_bodies_there_are() {
    let request = || told(BodyEnd::Complete, "[1,2]");
    let response = || told(BodyEnd::Cut, "[3,4,5,6");
    for (level, bodies) in [
        (Capture::Headers, [None, None]),
        (Capture::Request, [request(), None]),
        (Capture::Full, [request(), response()]),
    ] {
        let (fixed, found) = exchange(config(level), |_| {});
        assert_eq!((fixed.capture, found), (level, bodies));
        let counted = (level > Capture::Headers).then_some(5);
        assert_eq!((fixed.request_size, fixed.response_size), (counted, Some(9)));
    }
}

#[test]
fn an_application_lowers_what_is_recorded() {
    let policy = || omitted(OmitReason::Policy);
    let request = told(BodyEnd::Complete, "[1,2]");
    for (level, bodies) in [
        (Capture::Metadata, [policy(), policy()]),
        (Capture::Headers, [policy(), policy()]),
        (Capture::Request, [request, policy()]),
    ] {
        let lower = |context: &AuditContext| {
            context.capture(Capture::Full).capture(level);
        };
        let (fixed, found) = exchange(config(Capture::Full), lower);
        assert_eq!((fixed.capture, found), (level, bodies));
    }
}

#[test]
fn an_application_raises_what_is_recorded_to_what_is_gathered() {
    let raise = |context: &AuditContext| {
        context.capture(Capture::Full);
    };
    let mut settings = config(Capture::Metadata);
    assert_eq!(exchange(settings.clone(), raise).1, [None, None]);
    settings.auditor.capture_up_to = Capture::Request;
    // Gathered and not asked for.
    assert_eq!(exchange(settings.clone(), |_| {}).1, [None, None]);
    let (fixed, found) = exchange(settings, raise);
    assert_eq!(fixed.capture, Capture::Request);
    assert_eq!(found, [told(BodyEnd::Complete, "[1,2]"), None]);
}

#[test]
fn asking_for_nothing_leaves_no_record_and_gives_the_memory_back() {
    let auditor = auditor(config(Capture::Full));
    let mut exchange = begin(&auditor, &POST);
    exchange.tee().unwrap().data(b"[1]", true);
    exchange.context().capture(Capture::None);
    drop(exchange);
    let counters = auditor.counters();
    assert_eq!((counters.discarded, counters.memory_bytes), (1, 0));
}

#[test]
fn heads_decide_which_requests_are_wrapped() {
    let upgrade = &[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
    let with_body = &[("connection", "upgrade"), ("upgrade", "h2c"), JSON, ("content-length", "3")];
    for (head, found) in [
        (Head("POST", Some(0), &[JSON]), omitted(OmitReason::Empty)),
        (Head("GET", None, upgrade), omitted(OmitReason::Streaming)),
        (Head("CONNECT", None, &[JSON]), omitted(OmitReason::Streaming)),
        (Head("POST", None, &[("content-type", "image/png")]), omitted(OmitReason::ContentType)),
        (Head("POST", None, &[JSON, ("content-encoding", "gzip")]), omitted(OmitReason::Encoding)),
        // Wrapped, and not read.
        (Head("GET", None, &[]), omitted(OmitReason::Empty)),
        (POST, told(BodyEnd::Partial, "")),
        (Head("POST", None, with_body), told(BodyEnd::Partial, "")),
    ] {
        let auditor = auditor(config(Capture::Request));
        let mut exchange = begin(&auditor, &head);
        let wrapped = exchange.tee().is_some();
        assert!(exchange.tee().is_none());
        drop(exchange);
        let (_, [request, _]) = frame_of(&auditor);
        let read_nothing = matches!(request, Some((BodyEnd::Partial, ..)));
        assert_eq!(
            (request, wrapped),
            (found, read_nothing || head.0 == "GET" && head.2.is_empty())
        );
    }
}

#[test]
fn answers_without_a_body_are_empty() {
    for head in [Head("204", None, &[JSON]), Head("200", Some(0), &[]), Head("101", None, &[])] {
        let auditor = auditor(config(Capture::Full));
        let mut exchange = begin(&auditor, &POST);
        assert_eq!(exchange.head(&head), BodyAction::PassOn);
        assert_eq!(frame_of(&auditor).1[1], omitted(OmitReason::Empty));
    }
}

#[test]
fn without_an_answer_there_is_no_body_of_it() {
    let auditor = auditor(config(Capture::Full));
    drop(begin(&auditor, &POST));
    assert_eq!(frame_of(&auditor).1[1], None);
    begin(&auditor, &POST).answered_elsewhere(401);
    assert_eq!(frame_of(&auditor).1[1], None);
}

#[test]
fn an_answer_that_breaks_off_is_partial() {
    let auditor = auditor(config(Capture::Full));
    for fail in [true, false] {
        let mut exchange = begin(&auditor, &POST);
        assert_eq!(exchange.head(&OK), BodyAction::Watch);
        exchange.data(b"[1", false);
        if fail {
            exchange.body_error(&"broken");
        }
        drop(exchange);
        assert_eq!(frame_of(&auditor).1[1], told(BodyEnd::Partial, "[1"));
    }
}

#[test]
fn a_tee_that_outlives_its_request_is_ignored() {
    let auditor = auditor(config(Capture::Full));
    let mut exchange = begin(&auditor, &POST);
    let tee = exchange.tee().unwrap();
    tee.data(b"[1", false);
    drop(exchange);
    tee.data(b",2]", true);
    tee.end();
    assert_eq!(frame_of(&auditor).1[0], told(BodyEnd::Partial, "[1"));
    // Nor does it reach into the next request.
    let next = begin(&auditor, &POST);
    tee.data(b"late", true);
    drop(next);
    assert_eq!(frame_of(&auditor).1[0], told(BodyEnd::Partial, ""));
}

#[test]
fn bodies_go_before_the_record_does() {
    let mut settings = config(Capture::Full);
    settings.bodies.limit = MEMORY / 4;
    let auditor = auditor(settings);
    let pipe = &auditor.core.pipe;
    let mut exchange = begin(&auditor, &POST);
    exchange.tee().unwrap().data(&vec![b'1'; MEMORY / 4], true);
    assert_eq!(exchange.head(&OK), BodyAction::Watch);
    exchange.data(b"[3]", false);
    // Others fill the budget; then the application adds more than is left.
    let others = MEMORY - auditor.counters().memory_bytes as usize;
    assert!(pipe.reserve(others));
    let roles = vec!["x".repeat(250); 64];
    exchange.context().roles(&roles).metadata("more", "x".repeat(16_000));
    exchange.data(b"", true);
    assert_eq!(auditor.counters().dropped, 0);
    pipe.release(others);
    let (fixed, bodies) = frame_of(&auditor);
    assert_eq!(bodies, [omitted(OmitReason::Memory), omitted(OmitReason::Memory)]);
    assert_eq!(fixed.request_size, Some(MEMORY as u64 / 4));
}
