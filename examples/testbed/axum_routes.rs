//! The routes of the testbed, in axum.

use std::{convert::Infallible, time::Duration};

use audit_tower::AuditContext;
use axum::{
    Json, Router,
    body::Body,
    extract::{
        DefaultBodyLimit, Path, Query, Request, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response, Sse, sse::Event},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value, json};

use crate::common::{self, Events, Login, Size, Slow, Token, Upload, Uploaded};

const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");
const BYTES: (HeaderName, &str) = (header::CONTENT_TYPE, "application/octet-stream");
const TRAILER: (&str, &str) = ("x-checksum", "5d41402a");

pub(crate) fn router() -> Router {
    let nested = Router::new().route("/items/{b}", get(nested));
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/json", get(|Query(size): Query<Size>| async move { ([JSON], size.json()) }))
        .route("/echo", post(echo).layer(DefaultBodyLimit::max(common::ECHO_LIMIT)))
        .route("/orders", post(create_order))
        .route("/login", post(login))
        .route(
            "/users/{id}",
            get(|Path(id): Path<String>| async move { Json(json!({ "id": id })) }),
        )
        .route("/stream", get(stream))
        .route("/sse", get(sse))
        .route("/ws", get(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo_messages) }))
        .route("/slow", get(slow))
        .route("/panic", get(panic))
        .route("/panic/any", get(panic_any))
        .route("/panic/body", get(panic_in_body))
        .route("/error", get(fail))
        .route("/error/middleware", get(|| async { "never" }).layer(from_fn(refuse)))
        .route("/status/{code}", get(status))
        .route("/gzip", get(gzip))
        .route("/trailers", get(trailers))
        .route("/ignore", post(|| async { "ignored" }))
        .route("/reject", post(|| async { (StatusCode::UNAUTHORIZED, "rejected") }))
        .route("/limit", post(length).layer(DefaultBodyLimit::max(common::LIMIT)))
        .route("/upload", post(upload))
        .route("/spawn", get(spawn))
        .nest("/nested/{a}", nested)
        .route("/health", get(|| async { "ok" }))
        .route(
            "/assets/app.css",
            get(|| async { ([(header::CONTENT_TYPE, "text/css")], common::CSS) }),
        )
}

async fn echo(headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Body::from(body).into_response();
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    response
}

async fn create_order(Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": "o-1", "order": order })))
}

async fn login(audit: Option<AuditContext>, Json(login): Json<Login>) -> Response {
    if !login.accepted() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(audit) = audit {
        audit.user(&login.username);
        if let Some(tenant) = &login.tenant {
            audit.tenant(tenant);
        }
    }
    ([(header::SET_COOKIE, common::COOKIE)], Json(Token::ISSUED)).into_response()
}

async fn stream(Query(wanted): Query<common::Stream>) -> Response {
    let chunk = Bytes::from(vec![b'x'; wanted.size]);
    let chunks =
        paced(wanted.chunks, wanted.delay_ms).map(move |_| Ok::<_, Infallible>(chunk.clone()));
    let mut response = ([BYTES], Body::from_stream(chunks)).into_response();
    if let Some(length) = wanted.length() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

async fn sse(Query(wanted): Query<Events>) -> impl IntoResponse {
    let event = |n: u64| Ok::<_, Infallible>(Event::default().data(format!("event {n}")));
    Sse::new(paced(wanted.events, wanted.delay_ms).map(event))
}

/// Counts from 0, the first at once, with a pause between them.
fn paced(count: u64, delay_ms: u64) -> impl Stream<Item = u64> + Send + 'static {
    stream::iter(0..count).then(move |n| async move {
        if n > 0 && delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        n
    })
}

async fn echo_messages(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let echoed = matches!(message, Message::Text(_) | Message::Binary(_));
        if echoed && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn slow(Query(wanted): Query<Slow>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(wanted.ms)).await;
    "slow"
}

async fn panic() -> &'static str {
    panic!("{}", common::PANIC)
}

async fn panic_any() -> &'static str {
    std::panic::panic_any(7_u32)
}

async fn panic_in_body() -> impl IntoResponse {
    let chunks = paced(2, 20).map(|n| match n {
        0 => Ok::<_, Infallible>("first"),
        _ => panic!("{}", common::BODY_PANIC),
    });
    ([BYTES], Body::from_stream(chunks))
}

struct Failed;

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, "failed").into_response()
    }
}

async fn fail() -> Result<&'static str, Failed> {
    Err(Failed)
}

async fn refuse(_: Request, _: Next) -> Response {
    (StatusCode::UNAUTHORIZED, "refused").into_response()
}

async fn status(Path(code): Path<u16>) -> StatusCode {
    let known = (200..600).contains(&code);
    StatusCode::from_u16(code).ok().filter(|_| known).unwrap_or(StatusCode::BAD_REQUEST)
}

async fn gzip() -> impl IntoResponse {
    ([JSON, (header::CONTENT_ENCODING, "gzip")], common::GZIP)
}

async fn trailers() -> impl IntoResponse {
    let (name, value) = TRAILER;
    let mut trailers = HeaderMap::new();
    trailers.insert(name, HeaderValue::from_static(value));
    let frames = [Frame::data(Bytes::from_static(b"hello")), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    ([(header::TRAILER, name)], Body::new(body))
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

async fn upload(body: Body) -> Result<Json<Uploaded>, StatusCode> {
    let mut upload = Upload::default();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        upload.add(&chunk.map_err(|_| StatusCode::BAD_REQUEST)?);
    }
    Ok(Json(upload.finish()))
}

async fn spawn(audit: Option<AuditContext>) -> &'static str {
    let task = tokio::spawn(async move {
        if let Some(audit) = audit {
            audit.metadata("spawned", true);
        }
    });
    match task.await {
        Ok(()) => "spawned",
        Err(_) => "the task did not end",
    }
}

async fn nested(Path((a, b)): Path<(String, String)>) -> Json<Value> {
    Json(json!({ "a": a, "b": b }))
}
