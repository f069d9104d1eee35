//! Runtimes that end, auditors that are closed, and memory that is used up.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, mpsc},
};

use audit_core::{Auditor, Kind, Outcome, Record, sink::Callback};
use audit_tests::{
    audited::{Audited, Ending, settled},
    server::Server,
};
use audit_tower::AuditContext;
use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

use crate::ask;

async fn unfinished() -> Body {
    let hello = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"hello"))]);
    Body::from_stream(hello.chain(stream::pending()))
}

#[test]
fn the_runtime_ends_under_requests() {
    let audited = Audited::new();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let app = Router::new()
            .route("/handler", get(std::future::pending::<()>))
            .route("/body", get(unfinished))
            .layer(audited.axum());
        let server = Server::axum(app).await;
        let (mut one, mut two) = (server.connect().await, server.connect().await);
        one.get("/handler").await;
        audited.started(1).await;
        two.get("/body").await;
        two.read_until("hello\r\n").await;
        assert_eq!(audited.auditor.counters().in_flight, 2);
        std::mem::forget((one, two));
    });
    drop(runtime);
    let mut endings: Vec<_> = audited.records_now().iter().map(Ending::of).collect();
    endings.sort_by_key(|ending| ending.size);
    let headless = Ending::headless(Outcome::Cancelled);
    assert_eq!(endings, [headless, Ending::in_body(Outcome::Cancelled, 5)]);
}

#[test]
fn dropped_outside_of_any_runtime() {
    let audited = Audited::new();
    let (future, body) = Runtime::new().unwrap().block_on(async {
        let hang = service_fn(|_: Request| std::future::pending::<Result<Response, Infallible>>());
        let future = audited.axum().layer(hang).call(ask());
        let app = Router::new().fallback(unfinished).layer(audited.axum());
        (future, app.oneshot(ask()).await.unwrap().into_body())
    });
    std::thread::spawn(move || drop((future, body))).join().unwrap();
    let endings: Vec<_> = audited.records_now().iter().map(Ending::of).collect();
    let in_body = Ending::in_body(Outcome::Cancelled, 0);
    assert_eq!(endings, [Ending::headless(Outcome::Cancelled), in_body]);
}

#[tokio::test]
async fn a_request_that_ends_after_the_close_is_counted() {
    let audited = Audited::new();
    let app = Router::new().fallback(unfinished).layer(audited.axum());
    let body = app.clone().oneshot(ask()).await.unwrap().into_body();
    audited.auditor.close().await.unwrap();
    let counters = audited.auditor.counters();
    assert_eq!((counters.started, counters.in_flight), (1, 1));
    drop(body);
    let response = app.oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 200, "the application goes on");
    drop(response);
    let counters = audited.auditor.counters();
    assert_eq!((counters.started, counters.dropped, counters.in_flight), (2, 2, 0));
    assert_eq!(counters.memory_bytes, 0);
}

#[tokio::test]
async fn the_application_does_not_notice_that_memory_is_used_up() {
    let (open, gate) = mpsc::channel::<()>();
    let gaps = Arc::new(Mutex::new((0, 0)));
    let told = gaps.clone();
    let sink = Callback::new(move |record: &Record| {
        // Stuck until the test has let go of its end.
        let _ = gate.recv();
        let entry = record.to_entry().unwrap();
        let mut told = told.lock().unwrap();
        match entry.kind {
            Kind::Control => told.1 += entry.control.unwrap().count.unwrap(),
            _ => told.0 += 1,
        }
    });
    let auditor = Auditor::builder().memory(1 << 20).build(sink).unwrap();
    let greet = async |audit: AuditContext| {
        audit.user("ann");
        "hello"
    };
    let layer = audit_tower::axum::AuditLayer::new(&auditor);
    let app = Router::new().fallback(greet).layer(layer.clone());
    // Twice, so that an inner layer would count what the outer one has counted.
    let app = app.layer(layer);
    let mut sent = 0;
    while auditor.counters().dropped < 10 {
        let request = Request::get(format!("/{}", "x".repeat(2000))).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap().into_response();
        assert_eq!(response.status(), 200, "after {sent} requests");
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
        sent += 1;
        assert!(sent < 20_000, "{:?}", auditor.counters());
    }
    drop(open);
    let counters = settled(&auditor);
    assert_eq!(counters.started, sent);
    let (records, lost) = *gaps.lock().unwrap();
    assert_eq!((records, lost), (counters.written, counters.dropped));
    auditor.close().await.unwrap();
}
