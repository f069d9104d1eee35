//! A panic of the application: where, with what, and caught or not.

use std::{
    convert::Infallible,
    future::{Future, ready},
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use audit_core::{Auditor, Outcome, Record, sink::Callback};
use audit_tests::{
    audited::{Audited, Ending, settled},
    server::Server,
};
use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body::Frame;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_layer::Layer;

use crate::ask;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Call,
    Await,
    Body,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Payload {
    Str,
    String,
    Number,
    /// Panics again when it is dropped.
    Bomb,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's drop");
        }
    }
}

fn explode(payload: Payload) -> ! {
    match payload {
        Payload::Str => panic!("password=hunter2"),
        Payload::String => panic!("password={}", "hunter2"),
        Payload::Number => panic_any(8_u8),
        Payload::Bomb => panic_any(Bomb),
    }
}

/// A body of two chunks whose second panics.
struct Half(Payload, u32);

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.1 += 1;
        match self.1 {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"half"))))),
            2 => {
                // Time for the server to send the first.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            3 => explode(self.0),
            _ => panic!("polled again after a panic"),
        }
    }
}

#[derive(Clone)]
struct Panics(Place, Payload);

impl Service<Request> for Panics {
    type Response = Response<Half>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Half>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let Self(place, payload) = *self;
        match place {
            Place::Call => explode(payload),
            Place::Await => Box::pin(async move {
                tokio::task::yield_now().await;
                explode(payload)
            }),
            Place::Body => Box::pin(ready(Ok(Response::new(Half(payload, 0))))),
        }
    }
}

const PLACES: [Place; 3] = [Place::Call, Place::Await, Place::Body];
const PAYLOADS: [Payload; 4] = [Payload::Str, Payload::String, Payload::Number, Payload::Bomb];

fn every_panic() -> impl Iterator<Item = (Place, Payload)> {
    PLACES.into_iter().flat_map(|place| PAYLOADS.map(|payload| (place, payload)))
}

#[tokio::test]
async fn caught() {
    for (place, payload) in every_panic() {
        let audited = Audited::new();
        let mut service = audited.axum().layer(Panics(place, payload));
        let response = service.call(ask()).await.unwrap();
        assert!(response.headers().contains_key("x-request-id"));
        let status = response.status();
        let mut body = response.into_body();
        if place == Place::Body {
            assert_eq!(status, 200);
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
            // Not a clean end: the client must not take the half for the whole.
            let error = body.frame().await.unwrap().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(body.frame().await.is_none());
        } else {
            assert_eq!(status, 500);
            assert!(body.collect().await.unwrap().to_bytes().is_empty());
        }

        let entry = audited.one().await;
        let expected = match place {
            Place::Call | Place::Await => Ending::answered_panic(),
            Place::Body => Ending::in_body(Outcome::Panicked, 4),
        };
        assert_eq!(Ending::of(&entry), expected, "{place:?} {payload:?}");
        let text = matches!(payload, Payload::Str | Payload::String);
        let message = entry.error().unwrap().message.as_deref();
        assert_eq!(message, text.then_some("password=[redacted]"), "{place:?} {payload:?}");
        let listed = entry.masked.iter().any(|m| m.part == "error" && m.field == "password");
        assert_eq!(listed, text);
    }
}

#[tokio::test]
async fn not_caught() {
    for (place, payload) in every_panic() {
        let audited = Audited::with(|settings| settings.catch_panics(false));
        let mut service = audited.axum().layer(Panics(place, payload));
        let caught = match catch_unwind(AssertUnwindSafe(|| service.call(ask()))) {
            Err(caught) => caught,
            Ok(future) => match AssertUnwindSafe(future).catch_unwind().await {
                Err(caught) => caught,
                Ok(response) => {
                    let body = response.unwrap().into_body().collect();
                    AssertUnwindSafe(body).catch_unwind().await.map(|_| ()).unwrap_err()
                }
            },
        };
        // The same panic goes on.
        assert_eq!(caught.is::<Bomb>(), payload == Payload::Bomb);
        assert_eq!(caught.downcast_ref::<u8>(), (payload == Payload::Number).then_some(&8));
        std::mem::forget(caught);
        let expected = match place {
            Place::Call | Place::Await => Ending::headless(Outcome::Panicked),
            Place::Body => Ending::in_body(Outcome::Panicked, 4),
        };
        assert_eq!(Ending::of(&audited.one().await), expected, "{place:?} {payload:?}");
    }
}

#[tokio::test]
async fn a_panic_elsewhere_is_not_the_requests() {
    // The task that holds an unfinished request panics outside of it.
    for catch in [true, false] {
        let audited = Audited::with(|settings| settings.catch_panics(catch));
        let mut service = audited
            .axum()
            .layer(service_fn(|_: Request| std::future::pending::<Result<Response, Infallible>>()));
        let future = service.call(ask());
        let task = tokio::spawn(async move {
            let mut future = std::pin::pin!(future);
            assert!(future.as_mut().now_or_never().is_none());
            panic!("somebody else's");
        });
        assert!(task.await.unwrap_err().is_panic());
        let entry = audited.one().await;
        assert_eq!(Ending::of(&entry), Ending::headless(Outcome::Cancelled));
    }
}

#[tokio::test]
async fn what_panicked_may_panic_again_when_it_is_dropped() {
    struct Twice;
    impl Future for Twice {
        type Output = Result<Response, Infallible>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            panic!("once");
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("twice");
        }
    }
    let audited = Audited::new();
    let mut service = audited.axum().layer(service_fn(|_: Request| Twice));
    assert_eq!(service.call(ask()).await.unwrap().status(), 500);
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::answered_panic());
    assert_eq!(entry.error().unwrap().message.as_deref(), Some("once"));
}

#[tokio::test]
async fn a_sink_that_panics_and_a_handler_that_panics() {
    for catch in [true, false] {
        let calls = std::sync::Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let sink = Callback::new(move |_: &Record| {
            count.fetch_add(1, Ordering::Relaxed);
            panic!("the sink");
        });
        let auditor = Auditor::builder().catch_panics(catch).build(sink).unwrap();
        let layer = audit_tower::axum::AuditLayer::new(&auditor);
        for place in PLACES {
            let mut service = layer.layer(Panics(place, Payload::Str));
            let request = async {
                let response = service.call(ask()).await.unwrap();
                let _ = response.into_body().collect().await;
            };
            let _ = AssertUnwindSafe(request).catch_unwind().await;
        }
        let counters = settled(&auditor);
        assert_eq!((counters.started, counters.dropped, counters.written), (3, 3, 0));
        // Three records and the gaps that tell of them.
        assert!(calls.load(Ordering::Relaxed) > 3);
        auditor.close().await.unwrap();
    }
}

/// Panics the first time, then takes records.
struct Moody(audit_core::sink::Memory, AtomicUsize);

impl audit_core::Sink for Moody {
    fn write(&mut self, record: &Record) -> Result<(), audit_core::sink::SinkError> {
        assert!(self.1.fetch_add(1, Ordering::Relaxed) > 0, "the sink");
        self.0.write(record)
    }

    fn commit(&mut self) -> Result<(), audit_core::sink::SinkError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_sink_that_panics_once_loses_nothing() {
    let memory = audit_core::sink::Memory::new();
    let auditor = Auditor::to(Moody(memory.clone(), AtomicUsize::new(0)));
    let layer = audit_tower::axum::AuditLayer::new(&auditor);
    let _ = layer.layer(Panics(Place::Call, Payload::Str)).call(ask()).await;
    auditor.close().await.unwrap();
    let counters = auditor.counters();
    assert_eq!((counters.started, counters.written, counters.in_memory), (1, 1, 0));
    assert_eq!(Ending::of(&memory.entries()[0]), Ending::answered_panic());
}

#[tokio::test]
async fn a_layer_that_catches_panics_itself() {
    // Inside it is an answer like any other.
    let audited = Audited::new();
    let app = || Router::new().route("/", get(|| async { explode(Payload::Str) as &str }));
    let inside = app().layer(CatchPanicLayer::new()).layer(audited.axum());
    let response = inside.oneshot(ask()).await.unwrap();
    let size = response.into_body().collect().await.unwrap().to_bytes().len() as u64;
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(500, size));

    // Outside it gets what is not caught.
    let audited = Audited::with(|settings| settings.catch_panics(false));
    let outside = app().layer(audited.axum()).layer(CatchPanicLayer::new());
    assert_eq!(outside.oneshot(ask()).await.unwrap().status(), 500);
    assert_eq!(Ending::of(&audited.one().await), Ending::headless(Outcome::Panicked));
}

#[tokio::test]
async fn over_the_wire() {
    async fn app(catch: bool) -> (Audited, Server) {
        let audited = Audited::with(|settings| settings.catch_panics(catch));
        let app = Router::new()
            .route("/await", get(|| async { explode(Payload::Str) as &str }))
            .route("/body", get(|| ready(Response::new(Body::new(Half(Payload::Str, 0))))))
            .route("/fine", get(|| ready("fine")))
            .layer(audited.axum());
        let server = Server::axum(app).await;
        (audited, server)
    }

    let (audited, server) = app(true).await;
    let answer = server.get("/await").await;
    assert_eq!((answer.status(), answer.header("content-length")), (500, Some("0")));
    assert_eq!(answer.body, "");
    let answer = server.get("/body").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, "4\r\nhalf\r\n"), "no last chunk");
    assert_eq!(server.get("/fine").await.body, "fine");
    let endings: Vec<_> = audited.records().await.iter().map(Ending::of).collect();
    let in_body = Ending::in_body(Outcome::Panicked, 4);
    assert_eq!(endings, [Ending::answered_panic(), in_body, Ending::completed(200, 4)]);

    let (audited, server) = app(false).await;
    assert_eq!(server.get("/await").await.head, "", "the connection dies");
    assert!(!server.get("/body").await.body.ends_with("0\r\n\r\n"));
    assert_eq!(server.get("/fine").await.body, "fine");
    let endings: Vec<_> = audited.records().await.iter().map(Ending::of).collect();
    let headless = Ending::headless(Outcome::Panicked);
    assert_eq!(endings, [headless, in_body, Ending::completed(200, 4)]);
}
