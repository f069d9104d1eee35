//! Bodies that are recorded: the application and the client notice nothing, and the record says
//! which of them there are. What is written of them is the masker's, and its tests'.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use audit_core::{AuditorBuilder, Capture, Outcome};
use audit_tests::{
    audited::{Audited, Ending, captured},
    server::Server,
};
use audit_tower::{AuditContext, RequestBody};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::oneshot};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

fn json(body: impl Into<Body>) -> Request {
    Request::post("/").header(JSON.0, JSON.1).body(body.into()).unwrap()
}

/// Chunks of which nobody knows how many come, and how many were asked for.
fn chunks(chunks: &'static [&'static str]) -> (Body, Arc<AtomicUsize>) {
    let polled = Arc::new(AtomicUsize::new(0));
    let count = polled.clone();
    let chunks = stream::iter(chunks).map(move |chunk| {
        count.fetch_add(1, Relaxed);
        match *chunk {
            "fail" => Err(std::io::Error::other("the client left")),
            chunk => Ok(Bytes::from(chunk)),
        }
    });
    (Body::from_stream(chunks), polled)
}

async fn ask(audited: &Audited, app: axum::routing::MethodRouter, request: Request) -> Response {
    Router::new().route("/", app).layer(audited.axum()).oneshot(request).await.unwrap()
}

async fn read(response: Response) -> (StatusCode, Bytes) {
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

const FULL: Option<&str> = Some("full");
const TRUNCATED: Option<&str> = Some("truncated");
const PARTIAL: Option<&str> = Some("partial");

#[tokio::test]
async fn a_post_of_json_is_recorded_both_ways() {
    for (level, bodies) in [
        (Capture::Headers, [None, None]),
        (Capture::Request, [FULL, None]),
        (Capture::Full, [FULL, FULL]),
    ] {
        let audited = Audited::with(|settings| settings.capture(level));
        let echo = post(|body: Bytes| async move { ([JSON], body) });
        let (status, body) = read(ask(&audited, echo, json(r#"{"item":"pen"}"#)).await).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"item":"pen"}"#[..]));
        let entry = audited.one().await;
        assert_eq!(entry.policy.as_ref().unwrap().capture, level.as_str());
        assert_eq!(captured(&entry), bodies);
        assert_eq!(entry.request().unwrap().size, Some(14));
    }
}

#[tokio::test]
async fn an_upload_is_polled_as_often_as_the_application_polls() {
    async fn one(body: Body) -> StatusCode {
        let first = body.into_data_stream().next().await.unwrap().unwrap();
        if first == "[1," { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    }
    for (app, polls, size) in [
        (post(|| async {}), 0, None),
        (post(one), 1, None),
        (post(|body: Bytes| async move { assert_eq!(body, "[1,2]") }), 2, Some(5)),
    ] {
        let audited = Audited::full();
        let (body, polled) = chunks(&["[1,", "2]"]);
        assert_eq!(read(ask(&audited, app, json(body)).await).await.0, StatusCode::OK);
        assert_eq!(polled.load(Relaxed), polls);
        let entry = audited.one().await;
        assert_eq!(entry.request().unwrap().size, size, "after {polls} polls");
        let state = if size.is_some() { "full" } else { "partial" };
        assert_eq!(captured(&entry), [Some(state), Some("empty")]);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_whole_for_both_sides() {
    let audited = Audited::full();
    let large = format!("\"{}\"", "x".repeat(1_000_000));
    let echo = post(|request: Request| async { ([JSON], request.into_body()) });
    let (status, body) = read(ask(&audited, echo, json(large.clone())).await).await;
    assert!(status == StatusCode::OK && body == large, "{} bytes", body.len());
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 1_000_002));
    assert_eq!(
        (entry.request().unwrap().size, captured(&entry)),
        (Some(1_000_002), [TRUNCATED; 2])
    );
}

#[tokio::test]
async fn an_error_passes_as_it_is() {
    let audited = Audited::full();
    let app = post(|body: Body| async {
        let error = body.collect().await.unwrap_err();
        let error = std::error::Error::source(&error).unwrap().to_string();
        (StatusCode::BAD_REQUEST, error)
    });
    let (status, body) =
        read(ask(&audited, app, json(chunks(&["[1,", "fail", "2]"]).0)).await).await;
    assert_eq!((status, &body[..]), (StatusCode::BAD_REQUEST, &b"the client left"[..]));
    let entry = audited.one().await;
    assert_eq!((entry.request().unwrap().size, captured(&entry)[0]), (None, PARTIAL));
}

#[tokio::test]
async fn a_task_reads_on_after_the_request_has_ended() {
    let audited = Audited::full();
    let (answered, wait) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let channels = Arc::new(std::sync::Mutex::new(Some((wait, tell))));
    let app = post(move |body: Body| async move {
        let (wait, tell) = channels.lock().unwrap().take().unwrap();
        let mut body = body.into_data_stream();
        let first = body.next().await.unwrap().unwrap();
        tokio::spawn(async move {
            wait.await.unwrap();
            let rest = body.next().await.unwrap().unwrap();
            let end = body.next().await.is_none();
            tell.send(([first, rest].concat(), end)).unwrap();
        });
    });
    let (body, _) = chunks(&["[1,", "2]"]);
    read(ask(&audited, app, json(body)).await).await;
    let entry = audited.one().await;
    assert_eq!((entry.request().unwrap().size, captured(&entry)[0]), (None, PARTIAL));
    answered.send(()).unwrap();
    assert_eq!(told.await.unwrap(), (b"[1,2]".to_vec(), true));
    // A later request is not taken for the earlier one.
    let response = ask(&audited, post(|body: Bytes| async { body }), json("[3]")).await;
    assert_eq!(read(response).await.1, "[3]");
    assert_eq!(audited.records().await[1].request().unwrap().size, Some(3));
}

#[tokio::test]
async fn without_memory_the_body_goes_and_the_record_stays() {
    let settings = |settings: AuditorBuilder| {
        settings.capture(Capture::Full).memory(1024 * 1024).body_limit(1024 * 1024)
    };
    let audited = Audited::with(settings);
    let large = "7".repeat(800_000);
    let echo = post(|request: Request| async { ([JSON], request.into_body()) });
    assert_eq!(read(ask(&audited, echo, json(large.clone())).await).await.1, large);
    let entry = audited.one().await;
    assert_eq!(captured(&entry), [Some("memory"), Some("memory")]);
    assert_eq!(entry.request().unwrap().size, Some(800_000));
    assert_eq!(audited.settled().dropped, 0);
    // What was given back is there again.
    let small = ask(&audited, post(|_: Bytes| async {}), json("[1]")).await;
    read(small).await;
    assert_eq!(captured(&audited.records().await[1])[0], FULL);
}

#[tokio::test]
async fn answers_that_are_not_recorded_say_why() {
    type Row = (&'static [(&'static str, &'static str)], &'static str);
    let rows: [Row; 8] = [
        (&[("content-type", "application/problem+json")], "full"),
        (&[], "full"),
        (&[("content-type", "image/png")], "content_type"),
        (&[("content-type", "text/plain")], "content_type"),
        (&[("content-type", "text/event-stream")], "streaming"),
        (&[("content-type", "application/grpc-web")], "streaming"),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], "encoding"),
        (&[("content-type", "application/json"), ("content-encoding", "identity")], "full"),
    ];
    for (headers, why) in rows {
        let audited = Audited::full();
        let answer = post(move || async move {
            let mut response = Body::from("[1]").into_response();
            response.headers_mut().clear();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        });
        assert_eq!(read(ask(&audited, answer, json("")).await).await.1, "[1]");
        assert_eq!(captured(&audited.one().await), [Some("empty"), Some(why)], "{headers:?}");
    }
}

#[tokio::test]
async fn a_handler_asks_for_more_and_for_less() {
    type Row = (Capture, Capture, Option<Capture>, &'static str, [Option<&'static str>; 2]);
    let policy = Some("policy");
    let rows: [Row; 5] = [
        (Capture::Full, Capture::None, Some(Capture::Headers), "headers", [policy, policy]),
        (Capture::Full, Capture::None, Some(Capture::Request), "request", [FULL, policy]),
        (Capture::Metadata, Capture::Full, None, "metadata", [None, None]),
        (Capture::Metadata, Capture::Full, Some(Capture::Full), "full", [FULL, FULL]),
        (Capture::Metadata, Capture::None, Some(Capture::Full), "metadata", [None, None]),
    ];
    for (level, up_to, asked, found, bodies) in rows {
        let audited = Audited::with(|settings| settings.capture(level).capture_up_to(up_to));
        let app = post(move |audit: AuditContext, body: Bytes| async move {
            if let Some(asked) = asked {
                audit.capture(asked);
            }
            ([JSON], body)
        });
        read(ask(&audited, app, json("[1]")).await).await;
        let entry = audited.one().await;
        assert_eq!(entry.policy.as_ref().unwrap().capture, found);
        assert_eq!(captured(&entry), bodies, "{found}");
        let headers = entry.request().unwrap().headers.is_some();
        assert_eq!(headers, found != "metadata");
    }
}

/// What the inner service gets: whether the body is wrapped, and what it says of itself.
async fn inner(audited: &Audited, request: Request) -> (bool, Option<u64>, bool) {
    let (tell, told) = oneshot::channel();
    let mut tell = Some(tell);
    let service = service_fn(move |request: http::Request<RequestBody<Body>>| {
        let body = request.into_body();
        let (size, end) = (body.size_hint().exact(), body.is_end_stream());
        tell.take().unwrap().send((body.into_unwatched().is_err(), size, end)).unwrap();
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    audited.hyper().layer(service).oneshot(request).await.unwrap();
    told.await.unwrap()
}

#[tokio::test]
async fn only_what_is_recorded_is_wrapped() {
    let upgrade = || Request::get("/").header("connection", "Upgrade").header("upgrade", "x");
    let unknown = || chunks(&["[1]"]).0;
    for (request, wrapped, why) in [
        (json("[1]"), true, "partial"),
        (json(unknown()), true, "partial"),
        (json(""), false, "empty"),
        (
            Request::post("/").header(JSON.0, "image/png").body(unknown()).unwrap(),
            false,
            "content_type",
        ),
        (upgrade().body(Body::empty()).unwrap(), false, "empty"),
        (upgrade().body(unknown()).unwrap(), false, "streaming"),
        (Request::connect("a:1").body(unknown()).unwrap(), false, "streaming"),
        // A body that is told of is one, whatever is asked besides.
        (upgrade().header("content-length", 3).body(unknown()).unwrap(), true, "partial"),
    ] {
        let audited = Audited::full();
        let (size, end) = (request.body().size_hint().exact(), request.body().is_end_stream());
        let shown = format!("{request:?}");
        assert_eq!(inner(&audited, request).await, (wrapped, size, end), "{shown}");
        assert_eq!(captured(&audited.one().await)[0], Some(why), "{shown}");
    }
}

#[tokio::test]
async fn trailers_pass_and_are_the_end() {
    let audited = Audited::full();
    let mut last = HeaderMap::new();
    last.insert("x-sum", 7.into());
    let frames = [Frame::data(Bytes::from("[1]")), Frame::trailers(last)];
    let frames = Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))));
    let app = post(|mut body: Body| async move {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "[1]");
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["x-sum"], "7");
    });
    read(ask(&audited, app, json(frames)).await).await;
    assert_eq!(audited.one().await.request().unwrap().size, Some(3));
}

#[tokio::test]
async fn over_http2_with_and_without_a_length() {
    let audited = Audited::full();
    let echo = post(|request: Request| async { ([JSON], request.into_body()) });
    let app = Router::new().route("/", echo).route("/unread", post(|| async {}));
    let server = Server::axum(app.layer(audited.axum())).await;
    let stream = TokioIo::new(TcpStream::connect(server.addr).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (path, body, answer) in [
        ("/", Body::from("[1,2]"), "[1,2]"),
        ("/", chunks(&["[1,", "2]"]).0, "[1,2]"),
        ("/unread", Body::from("[1,2]"), ""),
    ] {
        let request = Request::post(format!("http://test{path}")).header(JSON.0, JSON.1);
        let response = client.send_request(request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), answer);
    }
    let entries = audited.records().await;
    let rows = [[FULL, FULL], [FULL, FULL], [PARTIAL, Some("empty")]];
    for (entry, states) in entries.iter().zip(rows) {
        assert_eq!(entry.outcome, Some(Outcome::Completed));
        assert_eq!((entry.request().unwrap().size, captured(entry)), (Some(5), states));
    }
}

/// `{"compressed":true,"password":"squeezed"}`, compressed by gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab, 0x56, 0x4a, 0xce, 0xcf, 0x2d,
    0x28, 0x4a, 0x2d, 0x2e, 0x4e, 0x4d, 0x51, 0xb2, 0x2a, 0x29, 0x2a, 0x4d, 0xd5, 0x51, 0x2a, 0x48,
    0x2c, 0x2e, 0x2e, 0xcf, 0x2f, 0x02, 0xf2, 0x95, 0x8a, 0x0b, 0x4b, 0x53, 0x53, 0xab, 0x80, 0x52,
    0xb5, 0x00, 0xc6, 0x62, 0xec, 0x40, 0x29, 0x00, 0x00, 0x00,
];

#[tokio::test]
async fn compressed_bodies_are_decoded_when_asked() {
    for (decode, kept, body) in [
        (false, Some("encoding"), None),
        (true, FULL, Some(r#"{"compressed":true,"password":"[redacted]"}"#)),
    ] {
        let audited =
            Audited::with(|settings| settings.capture(Capture::Full).decode_bodies(decode));
        let echo = post(|body: Bytes| async move {
            assert_eq!(body, GZIP);
            ([JSON, (header::CONTENT_ENCODING, "gzip")], body)
        });
        let mut request = json(GZIP);
        request.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        let (_, answer) = read(ask(&audited, echo, request).await).await;
        assert_eq!(answer, GZIP);
        let entry = audited.one().await;
        assert_eq!(captured(&entry), [kept, kept]);
        let (request, response) = (entry.request().unwrap(), entry.response().unwrap());
        for held in [&request.body, &response.body] {
            assert_eq!(held.as_ref().map(|body| body.get()), body);
        }
        assert_eq!((request.size, response.size), (Some(58), Some(58)));
    }
}
