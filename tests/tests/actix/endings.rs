//! Each way in which a response can end, as a server drives it.

use std::{
    future::{pending, poll_fn},
    time::Duration,
};

use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, BoxBody, MessageBody, SizedStream},
    dev::{Service, ServiceResponse},
    error::ErrorRequestTimeout,
    http::{Method, StatusCode, header},
    rt::time::{sleep, timeout},
    test::{TestRequest, call_service, init_service, try_read_body},
    web::{self, Bytes},
};
use audit_core::Outcome;
use audit_tests::audited::{Audited, Ending};
use futures_util::{FutureExt, StreamExt, stream};

/// What the server does with the response body.
#[derive(Clone, Copy)]
enum Read {
    /// Drops it without a poll, as for an answer that has none.
    Nothing,
    /// Polls for so many chunks, then drops it: it knows that this is all, or the client left.
    Chunks(usize),
    /// Polls to the end, then once more.
    PastTheEnd,
    /// Takes it whole, if it can; else as to the end.
    Whole,
}
use Read::{Nothing, PastTheEnd, Whole};

/// What the application answers.
#[derive(Clone, Copy)]
enum Sends {
    /// A body that is there at once.
    Full(&'static str),
    /// No body: not even one of size 0.
    Empty,
    /// Chunks of unknown number. An empty one is a chunk like any other.
    Stream(&'static [&'static str]),
    /// Chunks that come to so many bytes, it says.
    Sized(u64, &'static [&'static str]),
    /// Chunks, then an error.
    Fails(&'static [&'static str]),
    /// Chunks, then nothing ever.
    Hangs(&'static [&'static str]),
}
use Sends::{Empty, Fails, Full, Hangs, Sized, Stream};

fn body(sends: Sends) -> BoxBody {
    type Item = Result<Bytes, std::io::Error>;
    let data = |chunks: &'static [&'static str]| {
        stream::iter(chunks.iter().map(|text| Item::Ok(Bytes::from_static(text.as_bytes()))))
    };
    match sends {
        Full(text) => BoxBody::new(text),
        Empty => BoxBody::new(actix_web::body::None::new()),
        Stream(chunks) => BoxBody::new(BodyStream::new(data(chunks))),
        Sized(size, chunks) => BoxBody::new(SizedStream::new(size, data(chunks))),
        Fails(chunks) => {
            let last = stream::iter([Item::Err(std::io::Error::other("disk token=hunter2"))]);
            BoxBody::new(BodyStream::new(data(chunks).chain(last)))
        }
        Hangs(chunks) => BoxBody::new(BodyStream::new(data(chunks).chain(stream::pending()))),
    }
}

async fn read(body: impl MessageBody, read: Read) {
    let body = match read {
        Whole => match body.try_into_bytes() {
            Ok(_) => return,
            Err(body) => body,
        },
        _ => body,
    };
    let mut body = std::pin::pin!(body);
    match read {
        Nothing => {}
        Read::Chunks(count) => {
            for _ in 0..count {
                let chunk = poll_fn(|cx| body.as_mut().poll_next(cx)).await;
                assert!(chunk.unwrap().is_ok());
            }
        }
        PastTheEnd | Whole => {
            while let Some(Ok(_)) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {}
            assert!(poll_fn(|cx| body.as_mut().poll_next(cx)).await.is_none());
        }
    }
}

/// Method, status, Content-Length set by hand, body, what the server does with it, and what is
/// recorded.
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

const fn upgraded(status: u16) -> Ending {
    Ending { outcome: Outcome::Upgraded, phase: None, status: Some(status), size: None }
}

const GET: Method = Method::GET;

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Completed.
    (GET, 200, None, Full("hello"), Read::Chunks(1), completed(5)),
    (GET, 200, None, Full("hello"), PastTheEnd, completed(5)),
    (GET, 200, None, Full("hello"), Whole, completed(5)),
    (GET, 200, None, Full(""), Nothing, completed(0)),
    (GET, 200, None, Empty, Nothing, completed(0)),
    (GET, 200, None, Empty, PastTheEnd, completed(0)),
    (GET, 200, None, Stream(&["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, None, Stream(&["hel", "lo"]), Whole, completed(5)),
    (GET, 200, None, Stream(&["hel", "", "lo", ""]), PastTheEnd, completed(5)),
    (GET, 200, None, Stream(&[]), PastTheEnd, completed(0)),
    (GET, 200, None, Sized(5, &["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, None, Sized(5, &["hel", "lo"]), Read::Chunks(2), completed(5)),
    (GET, 200, None, Sized(0, &[]), Nothing, completed(0)),
    (GET, 200, Some(5), Stream(&["hel", "lo"]), PastTheEnd, completed(5)),
    (GET, 200, Some(5), Stream(&["hel", "lo"]), Read::Chunks(2), completed(5)),
    // Without a body, whatever it says. actix polls the body of an answer to HEAD to its end, and
    // sends nothing of it.
    (Method::HEAD, 200, None, Full("hello"), PastTheEnd, completed(0)),
    (Method::HEAD, 200, None, Full("hello"), Nothing, completed(0)),
    (Method::HEAD, 200, None, Sized(5, &["hello"]), PastTheEnd, completed(0)),
    (Method::HEAD, 200, None, Hangs(&[]), Nothing, completed(0)),
    (GET, 204, None, Empty, Nothing, Ending::completed(204, 0)),
    (GET, 204, None, Stream(&["hello"]), Nothing, Ending::completed(204, 0)),
    (GET, 304, Some(5), Empty, Nothing, Ending::completed(304, 0)),
    (GET, 304, Some(5), Stream(&["hello"]), Nothing, Ending::completed(304, 0)),
    // Upgraded: what comes then is not HTTP.
    (GET, 101, None, Hangs(&[]), Nothing, upgraded(101)),
    (GET, 101, None, Empty, Nothing, upgraded(101)),
    (Method::CONNECT, 200, None, Hangs(&[]), Nothing, upgraded(200)),
    // Other statuses end like 200.
    (GET, 404, None, Full("gone"), Read::Chunks(1), Ending::completed(404, 4)),
    (GET, 405, None, Empty, Nothing, Ending::completed(405, 0)),
    (GET, 503, None, Stream(&["later"]), PastTheEnd, Ending::completed(503, 5)),
    // Cancelled: dropped before what was declared, or before any end.
    (GET, 200, None, Full("hello"), Nothing, cancelled(0)),
    (GET, 200, None, Stream(&["hel", "lo"]), Nothing, cancelled(0)),
    (GET, 200, None, Stream(&["hel", "lo"]), Read::Chunks(1), cancelled(3)),
    (GET, 200, None, Stream(&["hel", "lo"]), Read::Chunks(2), cancelled(5)),
    (GET, 200, None, Sized(5, &["hel", "lo"]), Nothing, cancelled(0)),
    (GET, 200, None, Sized(5, &["hel", "lo"]), Read::Chunks(1), cancelled(3)),
    (GET, 200, None, Sized(6, &["hel", "lo"]), Read::Chunks(2), cancelled(5)),
    (GET, 200, Some(6), Stream(&["hel", "lo"]), Read::Chunks(2), cancelled(5)),
    (GET, 200, None, Hangs(&["hel"]), Read::Chunks(1), cancelled(3)),
    // Body errors. The declared length alone is no end: something may follow.
    (GET, 200, None, Fails(&["hel"]), PastTheEnd, failed(3)),
    (GET, 200, None, Fails(&["hel"]), Whole, failed(3)),
    (GET, 200, None, Fails(&[]), PastTheEnd, failed(0)),
    (GET, 200, Some(5), Fails(&["hel", "lo"]), PastTheEnd, failed(5)),
];

#[actix_web::test]
async fn a_response_ends() {
    for (line, (method, status, length, sends, reads, expected)) in TABLE.iter().enumerate() {
        let answer = || async {
            let mut response = HttpResponse::build(StatusCode::from_u16(*status).unwrap());
            if let Some(length) = *length {
                response.insert_header((header::CONTENT_LENGTH, length));
            }
            response.body(body(*sends))
        };
        let audited = Audited::new();
        let app = App::new().default_service(web::to(answer)).wrap(audited.actix());
        let app = init_service(app).await;
        let request = TestRequest::default().method(method.clone()).to_request();
        let response = call_service(&app, request).await;
        assert_eq!(response.status(), *status);
        read(response.into_body(), *reads).await;
        assert_eq!(Ending::of(&audited.one().await), *expected, "row {line}");
    }
}

#[actix_web::test]
async fn what_the_framework_answers_itself() {
    let audited = Audited::new();
    let hello = web::resource("/hello").route(web::get().to(async || "hello"));
    let app = init_service(App::new().service(hello).wrap(audited.actix())).await;
    for (request, status) in [
        (TestRequest::get().uri("/missing"), 404),
        (TestRequest::post().uri("/hello"), 405),
        (TestRequest::default().method(Method::HEAD).uri("/hello"), 405),
    ] {
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), status);
        assert!(try_read_body(response).await.unwrap().is_empty());
        let entries = audited.records().await;
        assert_eq!(Ending::of(entries.last().unwrap()), Ending::completed(status, 0));
    }
}

#[actix_web::test]
async fn a_body_error_reaches_the_server_and_its_message_is_masked() {
    let audited = Audited::new();
    let fails = async || HttpResponse::Ok().body(body(Fails(&["a"])));
    let app = init_service(App::new().default_service(web::to(fails)).wrap(audited.actix())).await;
    let response = call_service(&app, TestRequest::get().to_request()).await;
    let error = try_read_body(response).await.unwrap_err();
    assert_eq!(error.to_string(), "disk token=hunter2");
    let entry = audited.one().await;
    assert_eq!(entry.error().unwrap().message.as_deref(), Some("disk token=[redacted]"));
    assert!(entry.masked.iter().any(|m| m.part == "error" && m.field == "token"), "{entry:?}");
}

/// An app whose handler never answers.
async fn hanging(
    audited: &Audited,
) -> impl Service<actix_http::Request, Response = ServiceResponse<impl MessageBody>, Error = Error>
{
    let hang = pending::<HttpResponse>;
    init_service(App::new().default_service(web::to(hang)).wrap(audited.actix())).await
}

#[actix_web::test]
async fn a_request_is_dropped_before_its_head() {
    let ask = || TestRequest::get().to_request();
    let expected = Ending::headless(Outcome::Cancelled);

    let audited = Audited::new();
    drop(hanging(&audited).await.call(ask()));
    assert_eq!(Ending::of(&audited.one_now()), expected, "before the first poll");

    let audited = Audited::new();
    assert!(hanging(&audited).await.call(ask()).now_or_never().is_none());
    assert_eq!(Ending::of(&audited.one_now()), expected, "in the handler");

    // A timeout outside answers without the middleware.
    let audited = Audited::new();
    let app = App::new().default_service(web::to(pending::<HttpResponse>));
    let app = app.wrap(audited.actix()).wrap_fn(|request, inner| {
        let response = inner.call(request);
        async {
            match timeout(Duration::from_millis(5), response).await {
                Ok(response) => response,
                Err(_) => Err(ErrorRequestTimeout("late")),
            }
        }
    });
    let answer = init_service(app).await.call(ask()).await;
    assert_eq!(answer.err().unwrap().to_string(), "late");
    assert_eq!(Ending::of(&audited.one().await), expected, "by a timeout outside");
}

#[actix_web::test]
async fn a_body_is_dropped_outside_of_any_request() {
    let audited = Audited::new();
    let stream = async || HttpResponse::Ok().body(body(Hangs(&["hel"])));
    let app = init_service(App::new().default_service(web::to(stream)).wrap(audited.actix())).await;
    let response = call_service(&app, TestRequest::get().to_request()).await;
    let (request, response) = response.into_parts();
    drop((app, request));
    drop(response);
    assert_eq!(Ending::of(&audited.one_now()), cancelled(0));
}

#[actix_web::test]
async fn times_are_those_of_the_head_and_of_the_end() {
    let audited = Audited::new();
    let slow = async || {
        sleep(Duration::from_millis(20)).await;
        HttpResponse::Ok().body(body(Stream(&["hello"])))
    };
    let app = init_service(App::new().default_service(web::to(slow)).wrap(audited.actix())).await;
    let response = call_service(&app, TestRequest::get().to_request()).await;
    sleep(Duration::from_millis(30)).await;
    try_read_body(response).await.unwrap();
    let entry = audited.one().await;
    let (ttfb, duration) = (entry.ttfb_ms.unwrap(), entry.duration_ms.unwrap());
    assert!(ttfb >= 20.0 && duration >= ttfb + 30.0, "{ttfb} {duration}");
}
