//! Every place of an axum application that must take the layer. Each compiles, passes one
//! request on, and leaves one record.

use std::{convert::Infallible, fmt::Debug, net::SocketAddr, time::Duration};

use audit_core::Entry;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use axum::{
    Router, ServiceExt,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{
    Service, ServiceBuilder, ServiceExt as _,
    util::{BoxCloneService, option_layer},
};
use tower_http::{
    catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer,
    trace::TraceLayer,
};
use tower_layer::Layer;

async fn hello() -> &'static str {
    "hello"
}

fn routes() -> Router {
    Router::new().route("/hello", get(hello).post(|body: String| async { body }))
}

fn ask() -> Request {
    Request::get("/hello").body(Body::empty()).unwrap()
}

/// Sends one request through a service: the answer is the application's, the record is one.
async fn through<S, Q, B>(audited: &Audited, service: S, request: Request<Q>) -> Entry
where
    S: Service<Request<Q>, Response = http::Response<B>, Error: Debug>,
    B: http_body::Body<Error: Debug>,
{
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    entry
}

async fn over_tcp(audited: &Audited, server: &Server) -> Entry {
    let answer = server.get("/hello").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, "hello"));
    assert_eq!(answer.header("content-length"), Some("5"));
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    entry
}

fn route(entry: &Entry) -> Option<&str> {
    entry.request().unwrap().route.as_deref()
}

async fn pass(request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn pass_with(State(()): State<()>, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn keep(response: Response) -> Response {
    response
}

#[tokio::test]
async fn router_layer() {
    let audited = Audited::new();
    let entry = through(&audited, routes().layer(audited.axum()), ask()).await;
    assert_eq!(route(&entry), Some("/hello"));
}

#[tokio::test]
async fn router_nested_twice() {
    let audited = Audited::new();
    let inner = Router::new().nest("/b", routes().layer(audited.axum()));
    let app = Router::new().nest("/a", inner);
    let server = Server::axum(app).await;
    let answer = server.get("/a/b/hello").await;
    assert_eq!((answer.status(), answer.header("content-length")), (200, Some("5")));
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    assert_eq!(route(&entry), Some("/a/b/hello"));
}

#[tokio::test]
async fn merged_router() {
    let audited = Audited::new();
    let app = Router::new().merge(routes().layer(audited.axum())).route("/other", get(hello));
    through(&audited, app.clone(), ask()).await;
    let other = Request::get("/other").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(other).await.unwrap().status(), 200);
    audited.one().await;
}

#[tokio::test]
async fn route_layer_sees_no_fallback() {
    let audited = Audited::new();
    let app = routes().route_layer(audited.axum());
    through(&audited, app.clone(), ask()).await;
    let missing = Request::get("/missing").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(missing).await.unwrap().status(), 404);
    audited.one().await;
}

#[tokio::test]
async fn method_router() {
    let audited = Audited::new();
    let app: Router = Router::new().route("/hello", get(hello).layer(audited.axum()));
    through(&audited, app, ask()).await;
}

#[tokio::test]
async fn one_service_builder_above_from_fn() {
    let audited = Audited::new();
    let stack = ServiceBuilder::new().layer(audited.axum()).layer(middleware::from_fn(pass));
    through(&audited, routes().layer(stack), ask()).await;
}

#[tokio::test]
async fn one_service_builder_below_from_fn() {
    let audited = Audited::new();
    let stack = ServiceBuilder::new().layer(middleware::from_fn(pass)).layer(audited.axum());
    through(&audited, routes().layer(stack), ask()).await;
}

#[tokio::test]
async fn between_axums_own_middleware() {
    let audited = Audited::new();
    let stack = ServiceBuilder::new()
        .layer(middleware::from_fn(pass))
        .layer(middleware::map_response(keep))
        .layer(audited.axum())
        .layer(middleware::from_fn_with_state((), pass_with))
        .layer(middleware::map_response(keep));
    through(&audited, routes().layer(stack), ask()).await;
}

#[tokio::test]
async fn around_a_router_as_make_service() {
    let audited = Audited::new();
    let app = audited.axum().layer(routes());
    let server = Server::start(|listener| async move {
        let app = ServiceExt::<Request>::into_make_service(app);
        axum::serve(listener, app).await.unwrap();
    });
    let entry = over_tcp(&audited, &server.await).await;
    // Nobody told: the handler takes no `AuditContext`, the server no connect info.
    assert_eq!(route(&entry), None);
    assert_eq!(entry.actor().and_then(|actor| actor.ip.as_deref()), None);
}

#[tokio::test]
async fn around_a_router_as_make_service_with_connect_info() {
    let audited = Audited::new();
    let app = audited.axum().layer(routes());
    let server = Server::start(|listener| async move {
        let app = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(app);
        axum::serve(listener, app).await.unwrap();
    });
    let entry = over_tcp(&audited, &server.await).await;
    assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn router_layer_with_connect_info() {
    let audited = Audited::new();
    let server = Server::axum(routes().layer(audited.axum())).await;
    let entry = over_tcp(&audited, &server).await;
    assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn around_a_router_in_hyper_util() {
    // Both aliases: the router takes any body, and hyper sends any.
    let audited = Audited::new();
    over_tcp(&audited, &Server::hyper(audited.axum().layer(routes())).await).await;
    let audited = Audited::new();
    over_tcp(&audited, &Server::hyper(audited.hyper().layer(routes())).await).await;
}

#[tokio::test]
async fn timeout_outside_and_catch_panic_and_trace_inside() {
    let audited = Audited::new();
    let timeout =
        || TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(10));
    let stack = ServiceBuilder::new()
        .layer(timeout())
        .layer(audited.axum())
        .layer(TraceLayer::new_for_http())
        .layer(CatchPanicLayer::new());
    through(&audited, routes().layer(stack), ask()).await;

    // The wrapper's body has a default, for the timeout to answer with.
    let audited = Audited::new();
    let stack = ServiceBuilder::new()
        .layer(timeout())
        .layer(audited.hyper())
        .layer(TraceLayer::new_for_http())
        .layer(CatchPanicLayer::new());
    through(&audited, routes().layer(stack), ask()).await;
}

#[tokio::test]
async fn request_body_limit_above() {
    let audited = Audited::new();
    let stack = ServiceBuilder::new().layer(RequestBodyLimitLayer::new(8)).layer(audited.axum());
    let app = routes().layer(stack);
    let post = |body: Body| Request::post("/hello").body(body).unwrap();
    through(&audited, app.clone(), post(Body::from("hello"))).await;

    // Chunked: only reading finds out. The limit's own error reaches the extractor.
    let chunks = [Bytes::from_static(b"12345"), Bytes::from_static(b"6789")];
    let long = Body::from_stream(futures_util::stream::iter(chunks.map(Ok::<_, Infallible>)));
    let response = app.oneshot(post(long)).await.unwrap();
    assert_eq!(response.status(), 413);
    drop(response);
    assert_eq!(audited.records().await[1].status(), Some(413));
}

#[tokio::test]
async fn as_an_option() {
    let audited = Audited::new();
    through(&audited, routes().layer(option_layer(Some(audited.axum()))), ask()).await;

    let audited = Audited::new();
    let none = option_layer(None::<audit_tower::axum::AuditLayer>);
    let response = routes().layer(none).oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(audited.records().await.is_empty());
}

#[tokio::test]
async fn erased_and_pinned_to_axums_body() {
    let audited = Audited::new();
    let service: BoxCloneService<Request<Body>, http::Response<Body>, Infallible> =
        BoxCloneService::new(audited.axum().layer(routes()));
    through(&audited, service.clone(), ask()).await;
}

/// A request body that no framework knows.
struct Letters(&'static str);

impl http_body::Body for Letters {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (letter, rest) = self.0.split_at(self.0.len().min(1));
        self.0 = rest;
        let frame = || Ok(Frame::data(Bytes::from_static(letter.as_bytes())));
        std::task::Poll::Ready((!letter.is_empty()).then(frame))
    }
}

#[tokio::test]
async fn request_bodies_of_other_types() {
    fn post<B>(body: B) -> Request<B> {
        Request::post("/hello").body(body).unwrap()
    }
    let stream = || {
        let chunks = ["he", "llo"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        StreamBody::new(futures_util::stream::iter(chunks))
    };
    let audited = Audited::new();
    through(&audited, audited.axum().layer(routes()), post(Letters("hello"))).await;
    let audited = Audited::new();
    through(&audited, audited.axum().layer(routes()), post(stream())).await;
    let audited = Audited::new();
    through(&audited, audited.hyper().layer(routes()), post(Letters("hello"))).await;
    let audited = Audited::new();
    through(&audited, audited.tonic().layer(routes()), post(stream())).await;
}
