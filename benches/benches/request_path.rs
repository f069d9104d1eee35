//! One request in process: bare, audited, and with the usual peer (tower-http's `TraceLayer`
//! printing one JSON line to a non-blocking writer). All in one run, because these machines are
//! noisy: compare the lines with each other and with nothing else.
//!
//! `cargo bench -p audit-benches`
#![allow(missing_docs)] // criterion's macros make undocumented functions.
#![allow(clippy::unwrap_used)] // A bench that cannot start has nothing to say.

use std::time::{Duration, Instant};

use audit_core::sink::Lines;
use audit_tests::app;
use audit_tower::{Auditor, Capture};
use axum::body::Body;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use tower::Layer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};

/// Requests made at a time: few, so that they are still in the cache when they are sent, as those
/// that a server has just read are.
const ROW: u64 = 32;
/// Rows between which the writer catches up. Flat out, one loop outruns any writer, and what is
/// measured is the kernel giving memory to the queue between them.
const ROWS: u64 = 64;

fn auditor(capture: Capture) -> Auditor {
    let builder = Auditor::builder().capture(capture).exclude_path("/health");
    builder.build(Lines::new(std::io::sink())).unwrap()
}

/// Times `send` alone: requests are made before, and `catch_up` is called now and then.
fn rows(
    iterations: u64,
    make: fn(&str) -> Request<Body>,
    path: &str,
    mut send: impl FnMut(Request<Body>) -> usize,
    catch_up: impl Fn(),
) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = iterations;
    let mut row = 0;
    while left > 0 {
        let requests: Vec<_> = (0..left.min(ROW)).map(|_| make(path)).collect();
        left -= requests.len() as u64;
        let begin = Instant::now();
        for request in requests {
            std::hint::black_box(send(request));
        }
        total += begin.elapsed();
        row += 1;
        if row % ROWS == 0 {
            catch_up();
        }
    }
    total
}

fn request_path(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    let mut bare = app::bare();
    group.bench_function("identity layer", |b| {
        b.iter_custom(|n| {
            rows(n, app::request, "/small", |request| app::send(&mut bare, request), || {})
        });
    });
    group.bench_function("identity layer, an order", |b| {
        let mut send = |request| app::send(&mut bare, request);
        b.iter_custom(|n| rows(n, app::order_request, "/orders", &mut send, || {}));
    });
    let get: fn(&str) -> Request<Body> = app::request;
    for (name, capture, make, path) in [
        ("audit, excluded", Capture::Metadata, get, "/health"),
        ("audit, metadata", Capture::Metadata, get, "/small"),
        ("audit, headers", Capture::Headers, get, "/small"),
        ("audit, an order, headers", Capture::Headers, app::order_request, "/orders"),
        ("audit, an order, full", Capture::Full, app::order_request, "/orders"),
    ] {
        let auditor = auditor(capture);
        let mut audited = app::audited(&auditor);
        group.bench_function(name, |b| {
            let catch_up = || auditor.flush().unwrap();
            let mut send = |request| app::send(&mut audited, request);
            b.iter_custom(|n| rows(n, make, path, &mut send, catch_up));
        });
        assert_eq!(auditor.counters().dropped, 0, "a dropped record is cheaper than a real one");
        auditor.close_blocking().unwrap();
    }

    let (writer, _guard) = tracing_appender::non_blocking(std::io::sink());
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();
    tracing::subscriber::with_default(subscriber, || {
        let trace = TraceLayer::new_for_http()
            .make_span_with(DefaultMakeSpan::new().level(tracing::Level::INFO))
            .on_response(DefaultOnResponse::new().level(tracing::Level::INFO));
        let around = tower::util::MapResponseLayer::new(
            |response: http::Response<tower_http::trace::ResponseBody<Body, _>>| {
                response.map(Body::new)
            },
        );
        let mut traced = around.layer(trace.layer(app::router()));
        group.bench_function("TraceLayer, one JSON line", |b| {
            b.iter_custom(|n| {
                rows(n, app::request, "/small", |request| app::send(&mut traced, request), || {})
            });
        });
    });
    group.finish();
}

criterion_group!(benches, request_path);
criterion_main!(benches);
