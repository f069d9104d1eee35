//! One request in process: bare, audited, and with the usual peer (tower-http's `TraceLayer`
//! printing one JSON line to a non-blocking writer). All in one run, because these machines are
//! noisy: compare the lines with each other and with nothing else.
//!
//! `cargo bench -p audit-benches`
#![allow(missing_docs)] // criterion's macros make undocumented functions.
#![allow(clippy::unwrap_used)] // A bench that cannot start has nothing to say.

use audit_core::sink::Lines;
use audit_tests::app;
use audit_tower::{Auditor, Capture};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tower::Layer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};

fn auditor(capture: Capture) -> Auditor {
    let builder = Auditor::builder().capture(capture).exclude_path("/health");
    // A small budget: a loop without pauses outruns any writer, and what does not fit is dropped
    // early, which would look fast. Large enough for the loop, then.
    builder.memory(1 << 30).build(Lines::new(std::io::sink())).unwrap()
}

fn request_path(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    let mut bare = app::bare();
    group.bench_function("identity layer", |b| {
        b.iter_batched(
            || app::request("/small"),
            |request| app::send(&mut bare, request),
            BatchSize::SmallInput,
        );
    });
    for (name, capture, path) in [
        ("audit, excluded", Capture::Metadata, "/health"),
        ("audit, metadata", Capture::Metadata, "/small"),
        ("audit, headers", Capture::Headers, "/small"),
    ] {
        let auditor = auditor(capture);
        let mut audited = app::audited(&auditor);
        group.bench_function(name, |b| {
            b.iter_batched(
                || app::request(path),
                |request| app::send(&mut audited, request),
                BatchSize::SmallInput,
            );
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
            |response: http::Response<tower_http::trace::ResponseBody<axum::body::Body, _>>| {
                response.map(axum::body::Body::new)
            },
        );
        let mut traced = around.layer(trace.layer(app::router()));
        group.bench_function("TraceLayer, one JSON line", |b| {
            b.iter_batched(
                || app::request("/small"),
                |request| app::send(&mut traced, request),
                BatchSize::SmallInput,
            );
        });
    });
    group.finish();
}

criterion_group!(benches, request_path);
criterion_main!(benches);
