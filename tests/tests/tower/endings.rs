//! Each way in which a response can end, as the server drives it.

use std::{convert::Infallible, future::pending, time::Duration};

use audit_core::Outcome;
use audit_tests::audited::{Audited, Ending};
use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_layer::Layer;

use crate::ask;

/// What the server does with the response body.
#[derive(Clone, Copy)]
enum Read {
    /// Drops it without a poll, as for an answer that has none.
    Nothing,
    /// Polls for so many frames, then drops it: it knows that this is all, or the client left.
    Frames(usize),
    /// Polls to the end, then twice more.
    PastTheEnd,
}
use Read::{Frames, Nothing, PastTheEnd};

/// What the application answers.
#[derive(Clone, Copy)]
enum Sends {
    /// A body that knows its size.
    Full(&'static str),
    /// Chunks of unknown number. An empty one is a frame like any other.
    Chunks(&'static [&'static str]),
    /// The same, then trailers.
    Trailers(&'static [&'static str]),
    /// The same, then an error.
    Fails(&'static [&'static str]),
    /// The same, then nothing ever.
    Hangs(&'static [&'static str]),
}
use Sends::{Chunks, Fails, Full, Hangs, Trailers};

fn body(sends: Sends) -> Body {
    type Item = Result<Frame<Bytes>, std::io::Error>;
    let data = |chunks: &'static [&'static str]| {
        stream::iter(chunks.iter().map(|text| Item::Ok(Frame::data(Bytes::from(*text)))))
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", http::HeaderValue::from_static("7"));
    match sends {
        Full(text) => Body::from(text),
        Chunks(chunks) => Body::new(StreamBody::new(data(chunks))),
        Trailers(chunks) => {
            let last = stream::iter([Item::Ok(Frame::trailers(trailers))]);
            Body::new(StreamBody::new(data(chunks).chain(last)))
        }
        Fails(chunks) => {
            let last = stream::iter([Item::Err(std::io::Error::other("disk token=hunter2"))]);
            Body::new(StreamBody::new(data(chunks).chain(last)))
        }
        Hangs(chunks) => Body::new(StreamBody::new(data(chunks).chain(stream::pending()))),
    }
}

async fn read(body: Body, read: Read) {
    let mut body = std::pin::pin!(body);
    match read {
        Nothing => {}
        Frames(count) => {
            for _ in 0..count {
                body.frame().await.unwrap().unwrap();
            }
        }
        PastTheEnd => {
            while let Some(Ok(_)) = body.frame().await {}
            let _ = (body.frame().await, body.frame().await);
        }
    }
}

/// Method, status, Content-Length, body, what the server does with it, and what is recorded.
type Row = (Method, u16, Option<u64>, Sends, Read, Ending);

const fn cancelled(size: u64) -> Ending {
    Ending::in_body(Outcome::Cancelled, size)
}

const fn failed(size: u64) -> Ending {
    Ending::in_body(Outcome::BodyError, size)
}

const fn completed(size: u64) -> Ending {
    Ending::completed(200, size)
}

const GET: Method = Method::GET;

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Completed. Servers stop where they know the end: after the last byte, after the trailers.
    (GET, 200, None, Full("hello"), Frames(1), completed(5)),
    (GET, 200, None, Full("hello"), PastTheEnd, completed(5)),
    (GET, 200, Some(5), Full("hello"), Frames(1), completed(5)),
    (GET, 200, None, Full(""), Nothing, completed(0)),
    (GET, 200, None, Full(""), PastTheEnd, completed(0)),
    (GET, 200, None, Chunks(&["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, None, Chunks(&["hel", "", "lo", ""]), PastTheEnd, completed(5)),
    (GET, 200, None, Chunks(&[]), PastTheEnd, completed(0)),
    (GET, 200, Some(5), Chunks(&["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, Some(5), Chunks(&["hel", "lo"]), Frames(2), completed(5)),
    (GET, 200, Some(0), Chunks(&[]), Nothing, completed(0)),
    (GET, 200, None, Trailers(&["hel", "lo"]), Frames(3), completed(5)),
    (GET, 200, None, Trailers(&["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, None, Trailers(&[]), Frames(1), completed(0)),
    // Without a body, whatever it says.
    (Method::HEAD, 200, None, Full("hello"), Nothing, completed(0)),
    (Method::HEAD, 200, Some(5), Chunks(&["hello"]), Nothing, completed(0)),
    (Method::HEAD, 200, None, Hangs(&[]), Nothing, completed(0)),
    (GET, 204, None, Full(""), Nothing, Ending::completed(204, 0)),
    (GET, 204, None, Chunks(&["hello"]), Nothing, Ending::completed(204, 0)),
    (GET, 304, Some(5), Full(""), Nothing, Ending::completed(304, 0)),
    (GET, 304, Some(5), Chunks(&["hello"]), Nothing, Ending::completed(304, 0)),
    // Other statuses end like 200.
    (GET, 404, None, Full("gone"), Frames(1), Ending::completed(404, 4)),
    (GET, 405, None, Full(""), Nothing, Ending::completed(405, 0)),
    (GET, 503, None, Chunks(&["later"]), PastTheEnd, Ending::completed(503, 5)),
    // Cancelled: dropped before what was declared, or before any end.
    (GET, 200, None, Full("hello"), Nothing, cancelled(0)),
    (GET, 200, None, Chunks(&["hel", "lo"]), Nothing, cancelled(0)),
    (GET, 200, None, Chunks(&["hel", "lo"]), Frames(1), cancelled(3)),
    (GET, 200, None, Chunks(&["hel", "lo"]), Frames(2), cancelled(5)),
    (GET, 200, None, Hangs(&["hel"]), Frames(1), cancelled(3)),
    (GET, 200, Some(5), Chunks(&["hel", "lo"]), Frames(1), cancelled(3)),
    (GET, 200, Some(6), Chunks(&["hel", "lo"]), Frames(2), cancelled(5)),
    (GET, 200, None, Trailers(&["hel", "lo"]), Frames(2), cancelled(5)),
    // Body errors.
    (GET, 200, None, Fails(&["hel"]), PastTheEnd, failed(3)),
    (GET, 200, None, Fails(&[]), PastTheEnd, failed(0)),
    (GET, 200, Some(9), Fails(&["hel", "lo"]), PastTheEnd, failed(5)),
    // The declared length alone is no end: something may follow.
    (GET, 200, Some(5), Fails(&["hel", "lo"]), PastTheEnd, failed(5)),
    (GET, 200, Some(5), Trailers(&["hel", "lo"]), PastTheEnd, completed(5)),
];

#[tokio::test]
async fn a_response_ends() {
    for (line, (method, status, length, sends, reads, expected)) in TABLE.iter().enumerate() {
        let answer = |_: Request| async {
            let mut response = Response::new(body(*sends));
            *response.status_mut() = StatusCode::from_u16(*status).unwrap();
            if let Some(length) = length {
                response.headers_mut().insert("content-length", (*length).into());
            }
            Ok::<_, Infallible>(response)
        };
        for audited in [Audited::new(), Audited::full()] {
            let service = audited.axum().layer(service_fn(answer));
            let request = Request::builder().method(method).body(Body::empty()).unwrap();
            let response = service.oneshot(request).await.unwrap();
            assert_eq!(response.status(), *status);
            read(response.into_body(), *reads).await;
            assert_eq!(Ending::of(&audited.one().await), *expected, "row {line}");
        }
    }
}

#[tokio::test]
async fn a_body_error_reaches_the_client_and_its_message_is_masked() {
    let audited = Audited::new();
    let service = ServiceBuilder::new()
        .layer(audited.axum())
        .service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(body(Fails(&["a"])))) });
    let response = service.oneshot(ask()).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error.to_string(), "disk token=hunter2");
    let entry = audited.one().await;
    assert_eq!(entry.error().unwrap().message.as_deref(), Some("disk token=[redacted]"));
    assert!(entry.masked.iter().any(|m| m.part == "error" && m.field == "token"), "{entry:?}");
}

#[tokio::test]
async fn a_request_is_dropped_before_its_head() {
    let hang = |_: Request| pending::<Result<Response, Infallible>>();
    let expected = Ending::headless(Outcome::Cancelled);

    let audited = Audited::new();
    drop(audited.axum().layer(service_fn(hang)).call(ask()));
    assert_eq!(Ending::of(&audited.one_now()), expected, "before the first poll");

    let audited = Audited::new();
    let mut service = audited.axum().layer(service_fn(hang));
    assert!(service.call(ask()).now_or_never().is_none());
    assert_eq!(Ending::of(&audited.one_now()), expected, "in the handler");

    let audited = Audited::new();
    let service = ServiceBuilder::new()
        .timeout(Duration::from_millis(5))
        .layer(audited.axum())
        .service_fn(hang);
    let error = service.oneshot(ask()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());
    assert_eq!(Ending::of(&audited.one().await), expected, "by a timeout outside");

    // The client gets an answer, which is not the layer's.
    let audited = Audited::new();
    let timeout = tower_http::timeout::TimeoutLayer::with_status_code;
    let service = ServiceBuilder::new()
        .layer(timeout(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(5)))
        .layer(audited.hyper())
        .service_fn(|_: http::Request<_>| pending::<Result<Response, Infallible>>());
    let response = service.oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 408);
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    assert_eq!(Ending::of(&audited.one().await), expected, "by one that answers");
}

#[tokio::test]
async fn a_timeout_inside_is_an_answer() {
    let audited = Audited::new();
    let timeout = tower_http::timeout::TimeoutLayer::with_status_code;
    let service = ServiceBuilder::new()
        .layer(audited.axum())
        .layer(timeout(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(5)))
        .service_fn(|_: Request| pending::<Result<Response, Infallible>>());
    let response = service.oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 408);
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(408, 0));
}

#[tokio::test]
async fn times_are_those_of_the_head_and_of_the_end() {
    let audited = Audited::new();
    let service = audited.axum().layer(service_fn(|_: Request| async {
        std::thread::sleep(Duration::from_millis(20));
        Ok::<_, Infallible>(Response::new(Body::from("hello")))
    }));
    let response = service.oneshot(ask()).await.unwrap();
    std::thread::sleep(Duration::from_millis(30));
    response.into_body().collect().await.unwrap();
    let entry = audited.one().await;
    let (ttfb, duration) = (entry.ttfb_ms.unwrap(), entry.duration_ms.unwrap());
    assert!(ttfb >= 20.0 && duration >= ttfb + 30.0, "{ttfb} {duration}");
}
