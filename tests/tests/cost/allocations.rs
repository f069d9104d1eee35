//! Allocations on the request's thread, over an identity layer in the same place. Exact, so they
//! are gated; `docs/performance.md` repeats the figures.

use audit_core::sink::Lines;
use audit_tower::{Auditor, Capture};
use axum::body::Body;
use http::Request;

use audit_tests::app;

const REQUESTS: u64 = 2_000;

/// Allocations per request on this thread, after a warm-up.
fn per_request(
    mut send: impl FnMut(Request<Body>) -> usize,
    make: fn(&str) -> Request<Body>,
    path: &str,
) -> f64 {
    // Ids and chunks of the byte log come in blocks, and the pools have to fill.
    for _ in 0..REQUESTS {
        send(make(path));
    }
    // The requests themselves are built outside the measure.
    let requests: Vec<_> = (0..REQUESTS).map(|_| make(path)).collect();
    let counted = allocation_counter::measure(|| {
        for request in requests {
            std::hint::black_box(send(request));
        }
    });
    counted.count_total as f64 / REQUESTS as f64
}

fn over_identity(capture: Capture, make: fn(&str) -> Request<Body>, path: &str) -> f64 {
    let auditor = Auditor::builder()
        .capture(capture)
        .exclude_path("/health")
        .build(Lines::new(std::io::sink()));
    let auditor = auditor.unwrap();
    let (mut bare, mut audited) = (app::bare(), app::audited(&auditor));
    let base = per_request(|request| app::send(&mut bare, request), make, path);
    let with = per_request(|request| app::send(&mut audited, request), make, path);
    auditor.close_blocking().unwrap();
    let over = with - base;
    println!("{} {path}: {base:.2} bare, {with:.2} audited, {over:+.2}", capture.as_str());
    over
}

#[test]
fn an_excluded_request_costs_at_most_one() {
    assert!(over_identity(Capture::Metadata, app::request, "/health") <= 1.0);
}

#[test]
fn metadata_costs_at_most_three() {
    assert!(over_identity(Capture::Metadata, app::request, "/small") <= 3.0);
}

#[test]
fn headers_cost_no_more_than_metadata() {
    assert!(over_identity(Capture::Headers, app::request, "/small") <= 3.0);
}

#[test]
fn full_costs_at_most_five() {
    assert!(over_identity(Capture::Full, app::order_request, "/orders") <= 5.0);
}
