//! Bodies that are recorded: the application and the client notice nothing, and the record says
//! how much of each there is.

use std::{convert::Infallible, time::Duration};

use audit_core::{BodyCapture, Capture, Entry, Outcome};
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use audit_tower::AuditContext;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::Request,
    http::{StatusCode, header},
    response::Response,
    routing::post,
};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

fn full() -> Audited {
    Audited::with(|settings| settings.capture(Capture::Full))
}

fn json(body: impl Into<Body>) -> Request {
    let request = Request::post("/").header(header::CONTENT_TYPE, "application/json");
    request.body(body.into()).unwrap()
}

async fn answer(app: Router, request: Request) -> (StatusCode, Bytes) {
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

/// State and reason.
fn told(capture: Option<&BodyCapture>) -> Option<(&str, Option<&str>)> {
    capture.map(|capture| (capture.state.as_str(), capture.reason.as_deref()))
}

fn request(entry: &Entry) -> Option<(&str, Option<&str>)> {
    told(entry.request().unwrap().capture.as_ref())
}

fn response(entry: &Entry) -> Option<(&str, Option<&str>)> {
    told(entry.response().and_then(|response| response.capture.as_ref()))
}

#[tokio::test]
async fn a_post_of_json_is_copied_both_ways() {
    let audited = full();
    let echo = post(|Json(value): Json<Value>| async move { Json(value) });
    let app = Router::new().route("/", echo).layer(audited.axum());
    let (status, body) = answer(app, json(r#"{"item":"pen"}"#)).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"item":"pen"}"#[..]));
    let entry = audited.one().await;
    assert_eq!(entry.policy.as_ref().unwrap().capture, "full");
    assert!(request(&entry).is_some() && response(&entry).is_some());
}
