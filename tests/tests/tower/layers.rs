//! What the order of layers does to records: each neighbour of `docs/layers.md`, on both sides.

use std::{convert::Infallible, time::Duration};

use audit_core::{Capture, Entry, Identity, Outcome};
use audit_tests::audited::Audited;
use audit_tower::axum::AuditLayer;
use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::StatusCode;
use http_body_util::BodyExt as _;
use tower::{Layer, Service, ServiceExt as _, layer::util::Stack};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::CorsLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
};

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { Json(serde_json::json!({ "some": "thing ".repeat(100) })) }))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }))
        .route("/panic", get(|| async { panic!("a test") as () }))
        .route("/upload", post(|body: String| async { body }))
}

/// The answer, and the records: with the audit layer outside of its neighbour, and inside.
async fn both<L>(neighbour: L, request: impl Fn() -> Request) -> [(Response, Vec<Entry>); 2]
where
    L: Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: axum::response::IntoResponse + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    let audited = recording();
    let app = routes().layer(neighbour.clone()).layer(audited.axum());
    let outside = ask(app, &audited, request()).await;
    let audited = recording();
    let app = routes().layer(audited.axum()).layer(neighbour);
    [outside, ask(app, &audited, request()).await]
}

fn recording() -> Audited {
    Audited::with(|builder| builder.capture(Capture::Full))
}

async fn ask(app: Router, audited: &Audited, request: Request) -> (Response, Vec<Entry>) {
    let response = app.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, Body::from(body)), audited.records().await)
}

fn get_from(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

fn ending(entries: &[Entry]) -> Option<(Outcome, Option<u16>)> {
    assert!(entries.len() < 2, "{entries:?}");
    entries.first().map(|entry| (entry.outcome.unwrap(), entry.status()))
}

#[tokio::test]
async fn a_refusal_is_recorded_outside_of_what_refuses() {
    async fn authenticate(request: Request, next: Next) -> Response {
        if request.headers().contains_key("authorization") {
            return next.run(request).await;
        }
        let who = Identity::new().user("nobody");
        (StatusCode::UNAUTHORIZED, axum::Extension(who)).into_response()
    }
    let [outside, inside] = both(from_fn(authenticate), || get_from("/")).await;
    let (response, entries) = outside;
    assert_eq!(response.status(), 401);
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(401))));
    assert_eq!(entries[0].actor().unwrap().user.as_deref(), Some("nobody"));
    let (response, entries) = inside;
    assert_eq!((response.status(), entries.len()), (StatusCode::UNAUTHORIZED, 0));
}

#[tokio::test]
async fn a_timeout_is_an_answer_or_a_request_that_was_dropped() {
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(20));
    let [outside, inside] = both(timeout, || get_from("/slow")).await;
    let (response, entries) = outside;
    assert_eq!(response.status(), 408);
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(408))));
    let (response, entries) = inside;
    assert_eq!(response.status(), 408);
    assert_eq!(ending(&entries), Some((Outcome::Cancelled, None)));
}

#[tokio::test]
async fn a_compressed_body_is_recorded_where_it_is_not_yet_compressed() {
    let request =
        || Request::get("/").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let captured = |entries: &[Entry]| {
        let response = entries[0].response().unwrap();
        let capture = response.capture.clone().unwrap();
        (capture.state, response.body.is_some())
    };
    let [outside, inside] = both(CompressionLayer::new(), request).await;
    let (response, entries) = outside;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(captured(&entries), ("omitted".to_owned(), false));
    let (response, entries) = inside;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(captured(&entries), ("full".to_owned(), true));
    assert!(entries[0].response().unwrap().size > Some(600), "before compression");
}

#[tokio::test]
async fn a_preflight_is_recorded_outside_of_cors() {
    let request = || {
        let request = Request::options("/").header("origin", "http://a.example");
        request.header("access-control-request-method", "GET").body(Body::empty()).unwrap()
    };
    let [outside, inside] = both(CorsLayer::permissive(), request).await;
    let (response, entries) = outside;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(200))));
    let (response, entries) = inside;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(ending(&entries), None);
}

#[tokio::test]
async fn a_panic_is_told_by_whoever_catches_it_first() {
    let [outside, inside] = both(CatchPanicLayer::new(), || get_from("/panic")).await;
    let (response, entries) = outside;
    assert_eq!(response.status(), 500);
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(500))));
    assert!(entries[0].error().is_none(), "nobody knows of a panic");
    let (response, entries) = inside;
    assert_eq!(response.status(), 500);
    assert_eq!(ending(&entries), Some((Outcome::Panicked, Some(500))));
    assert_eq!(entries[0].error().unwrap().message.as_deref(), Some("a test"));
}

#[tokio::test]
async fn ids_are_one_inside_of_what_makes_them() {
    let ids = || {
        Stack::new(
            PropagateRequestIdLayer::x_request_id(),
            SetRequestIdLayer::x_request_id(MakeRequestUuid),
        )
    };
    let id = |entries: &[Entry]| entries[0].request().unwrap().id.clone().unwrap();
    let [outside, inside] = both(ids(), || get_from("/")).await;
    let (response, entries) = inside;
    assert_eq!(response.headers()["x-request-id"].to_str().unwrap(), id(&entries));
    // Outside of it: one id is in the record, and the application has another one.
    let (response, entries) = outside;
    assert_ne!(response.headers()["x-request-id"].to_str().unwrap(), id(&entries));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_recorded_outside_of_the_limit() {
    let request = || {
        let request = Request::post("/upload").header("content-length", 1000);
        request.body(Body::from("x".repeat(1000))).unwrap()
    };
    let [outside, inside] = both(RequestBodyLimitLayer::new(10), request).await;
    let (response, entries) = outside;
    assert_eq!(response.status(), 413);
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(413))));
    let (response, entries) = inside;
    assert_eq!(response.status(), 413);
    assert_eq!(ending(&entries), None);
}

#[tokio::test]
async fn what_no_route_matches_is_recorded_around_the_router_only() {
    let audited = recording();
    let around = routes().layer(audited.axum());
    let (response, entries) = ask(around, &audited, get_from("/nowhere")).await;
    assert_eq!(response.status(), 404);
    assert_eq!(ending(&entries), Some((Outcome::Completed, Some(404))));
    let audited = recording();
    let routes = routes().route_layer::<AuditLayer>(audited.axum());
    let (response, entries) = ask(routes, &audited, get_from("/nowhere")).await;
    assert_eq!((response.status(), entries.len()), (StatusCode::NOT_FOUND, 0));
}
