//! The endings as hyper brings them about over HTTP/1.1, and the bytes on the wire.

use std::{convert::Infallible, time::Duration};

use audit_core::Outcome;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse::Event},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::AsyncReadExt;

/// Chunks that come one after the other, not at once.
fn chunks(chunks: &'static [&'static str]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks).then(|text| async {
        tokio::task::yield_now().await;
        Ok(Bytes::from(*text))
    })
}

async fn trailers() -> impl IntoResponse {
    let mut last = HeaderMap::new();
    last.insert("x-sum", "7".parse().unwrap());
    let frames = chunks(&["hel", "lo"]).map(|data| data.map(Frame::data));
    let frames = frames.chain(stream::iter([Ok(Frame::trailers(last))]));
    ([(header::TRAILER, "x-sum")], Body::new(StreamBody::new(Box::pin(frames))))
}

async fn fails() -> Body {
    let failure = stream::once(async {
        // Time for the server to send what came before.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("broken"))
    });
    Body::from_stream(chunks(&["hello"]).map(|data| data.map_err(|e| match e {})).chain(failure))
}

async fn events() -> impl IntoResponse {
    let events =
        stream::iter(["a", "b"]).map(|text| Ok::<_, Infallible>(Event::default().data(text)));
    Sse::new(events)
}

async fn endless() -> Body {
    Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 65536]))))
}

fn with_length(length: u64, body: Body) -> Response {
    ([(header::CONTENT_LENGTH, length)], body).into_response()
}

fn app() -> Router {
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/empty", get(|| async {}))
        .route("/stream", get(|| async { Body::from_stream(chunks(&["hel", "lo"])) }))
        .route(
            "/length",
            get(|| async { with_length(5, Body::from_stream(chunks(&["hel", "lo"]))) }),
        )
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/304",
            get(|| async { (StatusCode::NOT_MODIFIED, [(header::CONTENT_LENGTH, "5")]) }),
        )
        .route("/trailers", get(trailers))
        .route("/sse", get(events))
        .route("/fails", get(fails))
        .route("/endless", get(endless))
        .route("/large", get(|| async { vec![b'x'; 16 << 20] }))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/ignore", post(|| async { "ignored" }))
}

async fn served() -> (Audited, Server) {
    let audited = Audited::new();
    let server = Server::axum(app().layer(audited.axum())).await;
    (audited, server)
}

/// Request line, further headers; head lines and body of the answer; what is recorded.
type Row = (&'static str, &'static str, &'static str, &'static str, Ending);

const fn completed(status: u16, size: u64) -> Ending {
    Ending::completed(status, size)
}

const CHUNKED: &str = "transfer-encoding: chunked";
const LENGTH_5: &str = "content-length: 5";
const LENGTH_0: &str = "content-length: 0";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("GET /hello", "", LENGTH_5, "hello", completed(200, 5)),
    ("HEAD /hello", "", LENGTH_5, "", completed(200, 0)),
    ("GET /empty", "", LENGTH_0, "", completed(200, 0)),
    ("GET /stream", "", CHUNKED, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", completed(200, 5)),
    ("HEAD /stream", "", "", "", completed(200, 0)),
    ("GET /length", "", LENGTH_5, "hello", completed(200, 5)),
    ("GET /204", "", "", "", completed(204, 0)),
    ("GET /304", "", "", "", completed(304, 0)),
    ("GET /missing", "", LENGTH_0, "", completed(404, 0)),
    ("POST /hello", "content-length: 0\r\n", LENGTH_0, "", completed(405, 0)),
    ("GET /trailers", "te: trailers\r\n", CHUNKED,
     "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-sum: 7\r\n\r\n", completed(200, 5)),
    ("GET /sse", "", CHUNKED, "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n",
     completed(200, 18)),
    // Without its last chunk: the client sees that something is missing.
    ("GET /fails", "", CHUNKED, "5\r\nhello\r\n", Ending::in_body(Outcome::BodyError, 5)),
];

#[tokio::test]
async fn one_record_and_the_bytes_of_the_bare_application() {
    let (audited, server) = served().await;
    let bare = Server::axum(app()).await;
    for (done, (line, headers, framing, body, expected)) in TABLE.iter().enumerate() {
        let answer = server.ask(line, headers, "").await;
        assert_eq!(answer.body, *body, "{line}");
        assert!(answer.head.contains(framing), "{line}: {}", answer.head);
        let entries = audited.records().await;
        assert_eq!(entries.len(), done + 1, "{line}");
        assert_eq!(Ending::of(&entries[done]), *expected, "{line}");

        let plain = bare.ask(line, headers, "").await;
        let lines = |head: &str| -> Vec<String> {
            let same =
                |line: &&str| !line.starts_with("date:") && !line.starts_with("x-request-id");
            head.lines().filter(same).map(str::to_owned).collect()
        };
        assert_eq!((lines(&answer.head), answer.body), (lines(&plain.head), plain.body));
    }
}

#[tokio::test]
async fn two_requests_on_one_connection() {
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.get("/hello").await;
        assert!(connection.read_until("hello").await.starts_with("HTTP/1.1 200"));
    }
    // And two at once.
    connection.send(&"GET /length HTTP/1.1\r\nhost: test\r\n\r\n".repeat(2)).await;
    connection.read_until("hello").await;
    connection.read_until("hello").await;
    let entries = audited.records().await;
    assert_eq!(entries.iter().map(Ending::of).collect::<Vec<_>>(), [completed(200, 5); 4]);
    let ids: std::collections::HashSet<_> =
        entries.iter().map(|entry| entry.request().unwrap().id.clone()).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn the_client_leaves_while_the_handler_sleeps() {
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    connection.get("/slow").await;
    audited.started(1).await;
    drop(connection);
    assert_eq!(Ending::of(&audited.one().await), Ending::headless(Outcome::Cancelled));
}

#[tokio::test]
async fn the_client_resets_while_the_body_is_sent() {
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    connection.get("/endless").await;
    connection.read_until("xxx").await;
    connection.reset();
    let ending = Ending::of(&audited.one().await);
    assert!(ending.size.unwrap() >= 3);
    assert_eq!(ending, Ending::in_body(Outcome::Cancelled, ending.size.unwrap()));
}

#[tokio::test]
async fn the_client_reads_a_part_and_leaves() {
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    connection.get("/endless").await;
    let mut part = [0; 1024];
    connection.0.read_exact(&mut part).await.unwrap();
    drop(connection);
    let ending = Ending::of(&audited.one().await);
    assert_eq!(ending, Ending::in_body(Outcome::Cancelled, ending.size.unwrap()));

    // What was produced whole is complete, whatever the client received.
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    connection.get("/large").await;
    connection.0.read_exact(&mut part).await.unwrap();
    drop(connection);
    assert_eq!(Ending::of(&audited.one().await), completed(200, 16 << 20));
}

#[tokio::test]
async fn an_event_arrives_before_the_stream_ends() {
    let audited = Audited::new();
    let events = || {
        let events = stream::iter(["a"]).chain(stream::pending());
        events.map(|text| Ok::<_, Infallible>(Event::default().data(text)))
    };
    let app = Router::new().route("/sse", get(move || async move { Sse::new(events()) }));
    let server = Server::axum(app.layer(audited.axum())).await;
    let mut connection = server.connect().await;
    connection.get("/sse").await;
    connection.read_until("data: a\n\n\r\n").await;
    assert_eq!(audited.auditor.counters().in_flight, 1);
    drop(connection);
    assert_eq!(Ending::of(&audited.one().await), Ending::in_body(Outcome::Cancelled, 9));
}

#[tokio::test]
async fn uploads() {
    let (audited, server) = served().await;
    let long = "y".repeat(1 << 20);
    let length = format!("content-length: {}\r\n", long.len());
    let answer = server.ask("POST /echo", &length, &long).await;
    assert_eq!(answer.body, long);
    let entry = audited.one().await;
    assert_eq!(entry.request().unwrap().size, Some(1 << 20));
    assert_eq!(Ending::of(&entry), completed(200, 1 << 20));

    // Chunked: nobody declared a size.
    let chunked = "transfer-encoding: chunked\r\n";
    let answer = server.ask("POST /echo", chunked, "5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!(answer.body, "hello");
    let entries = audited.records().await;
    assert_eq!(entries[1].request().unwrap().size, None);

    // Refused unread: the server does not ask for the body first.
    let expect = format!("{length}expect: 100-continue\r\n");
    let answer = server.ask("POST /ignore", &expect, "").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, "ignored"));
    let entries = audited.records().await;
    assert_eq!(Ending::of(&entries[2]), completed(200, 7));
    assert_eq!(entries[2].request().unwrap().size, Some(1 << 20));
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_its_upload() {
    let (audited, server) = served().await;
    let mut connection = server.connect().await;
    let head = "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello";
    connection.send(head).await;
    audited.started(1).await;
    drop(connection);
    // The extractor answers the body's error; whether anybody takes the answer is open.
    let entry = audited.one().await;
    assert_eq!(entry.status(), Some(400));
}
