//! A small app in process, and requests as hyper hands them over.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

use std::net::SocketAddr;

use audit_tower::Auditor;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::{get, post},
};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use tower::{Layer, Service};

/// A JSON document of 350 bytes.
pub const ORDER: &str = concat!(
    r#"{"item":"tea","quantity":12,"unit_price":"4.50","currency":"EUR","customer":{"id":"c-1042","#,
    r#""name":"Ann Smith","address":{"street":"12 High Street","city":"London","zip":"SW1A 1AA"}},"#,
    r#""notes":["leave it at the door","call before you come"],"coupon":null,"express":true,"#,
    r#""reference":"SO-2026-000042","password":"hunter2","lines":[{"sku":"T-1000","n":7}]}"#
);

const _: () = assert!(ORDER.len() == 350);

/// 200 bytes of JSON, orders in and out, and a path that is excluded.
pub fn router() -> Router {
    let body = format!("{{\"pad\":\"{}\"}}", "x".repeat(190));
    Router::new()
        .route("/orders", post(order))
        .route("/small", get(move || std::future::ready(body.clone())))
        .route("/health", get(|| std::future::ready("ok")))
}

async fn order(body: Bytes) -> ([(HeaderName, HeaderValue); 1], &'static str) {
    assert_eq!(body.len(), ORDER.len());
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], ORDER)
}

/// Passes everything on: what any layer in this place costs.
#[derive(Clone, Debug)]
pub struct Identity<S>(S);

impl<S: Service<Request<Body>>> Service<Request<Body>> for Identity<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// The app with nothing of note around it.
pub fn bare() -> Identity<Router> {
    Identity(router())
}

/// The app with the layer around it.
pub fn audited(auditor: &Auditor) -> audit_tower::Audit<Router, audit_tower::axum::Axum> {
    audit_tower::axum::AuditLayer::new(auditor).layer(router())
}

/// A request with eight headers, and the peer's address as `axum::serve` puts it.
pub fn request(path: &str) -> Request<Body> {
    head(Request::get(path)).body(Body::empty()).unwrap()
}

/// The same by POST, with an order as its body.
pub fn order_request(path: &str) -> Request<Body> {
    let request = head(Request::post(path)).header("content-type", "application/json");
    request.header("content-length", ORDER.len()).body(Body::from(ORDER)).unwrap()
}

fn head(request: http::request::Builder) -> http::request::Builder {
    let peer: SocketAddr = ([192, 0, 2, 1], 4711).into();
    request
        .header("host", "shop.example")
        .header("user-agent", "curl/8.5.0")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, br")
        .header("authorization", "Bearer abcdefghijklmnopqrstuvwxyz")
        .header("cookie", "theme=dark; sid=0123456789abcdef")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("x-forwarded-for", "203.0.113.9")
        .extension(ConnectInfo(peer))
}

/// Sends one request and reads the answer to its end, all without a runtime.
pub fn send<S>(app: &mut S, request: Request<Body>) -> usize
where
    S: Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible>,
{
    let response = app.call(request).now_or_never().expect("answers at once").unwrap();
    let body = response.into_body().collect().now_or_never().expect("is there at once").unwrap();
    body.to_bytes().len()
}
