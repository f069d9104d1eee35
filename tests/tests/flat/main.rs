//! Memory under load that nothing drains.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A helper that fails fails its test.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    task::{Context, Waker},
    time::Duration,
};

use audit_core::{
    Counters, Record,
    sink::{Sink, SinkError},
};
use audit_tests::app::ORDER;
use audit_tower::{Auditor, Capture, axum::AuditLayer};
use axum::{
    Router,
    body::{Body, Bytes},
    response::Response,
    routing::post,
};
use futures_util::FutureExt as _;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use peak_alloc::PeakAlloc;
use tower::{Layer, Service, util::BoxCloneSyncService};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const AT_ONCE: usize = 10_000;
const ROUNDS: usize = 4;
const BUDGET: usize = 8 * 1024 * 1024;
/// Memory that the budget does not know: the layer's part of each of the futures, recorded or not,
/// which is some 200 bytes; idle chunks and pooled parts; the sink's own buffer.
const SLACK: usize = 3 * 1024 * 1024;

/// Blocks in its first call until it is told to go on; then counts.
struct Stuck {
    go: Option<mpsc::Receiver<()>>,
    requests: u64,
    lost: u64,
    told: mpsc::Sender<(u64, u64)>,
}

impl Sink for Stuck {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        if let Some(go) = self.go.take() {
            go.recv().map_err(SinkError::unavailable)?;
        }
        let entry = record.to_entry().map_err(SinkError::refused)?;
        match entry.control {
            Some(control) => self.lost += control.count.unwrap_or(0),
            None => self.requests += 1,
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), SinkError> {
        self.told.send((self.requests, self.lost)).map_err(SinkError::unavailable)
    }
}

type App = BoxCloneSyncService<Request<Body>, Response, std::convert::Infallible>;

/// Starts 10,000 requests, then lets all of them answer; again and again. Gives the most memory
/// held at any time over what was held before.
fn load(app: &App, gate: &AtomicBool) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let before = PeakAlloc.current_usage();
    PeakAlloc.reset_peak_usage();
    for round in 0..ROUNDS {
        gate.store(false, Relaxed);
        let mut waiting: Vec<_> = (0..AT_ONCE)
            .map(|n| {
                let request = Request::post(format!("/wait?round={round}&n={n}"))
                    .header("user-agent", "curl/8.5.0")
                    .header("content-type", "application/json");
                Box::pin(app.clone().call(request.body(Body::from(ORDER)).unwrap()))
            })
            .collect();
        for request in &mut waiting {
            assert!(request.as_mut().poll(&mut context).is_pending());
        }
        gate.store(true, Relaxed);
        for request in &mut waiting {
            let std::task::Poll::Ready(Ok(response)) = request.as_mut().poll(&mut context) else {
                panic!("the gate is open");
            };
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().now_or_never().expect("it is there");
            assert_eq!(body.unwrap().to_bytes(), ORDER);
        }
    }
    PeakAlloc.peak_usage().saturating_sub(before)
}

fn app(gate: Arc<AtomicBool>) -> Router {
    let wait = move |body: Bytes| {
        let gate = gate.clone();
        let open = std::future::poll_fn(move |_| match gate.load(Relaxed) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        });
        open.map(|()| ([(CONTENT_TYPE, "application/json")], body))
    };
    Router::new().route("/wait", post(wait))
}

#[test]
fn ten_thousand_requests_and_a_stuck_sink_stay_within_the_budget() {
    // One after the other: the peak is the whole process's.
    for capture in [Capture::Headers, Capture::Full] {
        stays_within_the_budget(capture);
        // The writer's thread ends, and gives its memory back, a moment after the auditor.
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn stays_within_the_budget(capture: Capture) {
    let gate = Arc::new(AtomicBool::new(false));
    let bare = load(&App::new(app(gate.clone())), &gate);

    let (go, wait) = mpsc::channel();
    let (told, tell) = mpsc::channel();
    let sink = Stuck { go: Some(wait), requests: 0, lost: 0, told };
    let auditor = Auditor::builder().capture(capture).memory(BUDGET).build(sink).unwrap();
    let audited = load(&App::new(AuditLayer::new(&auditor).layer(app(gate.clone()))), &gate);

    let over = audited.saturating_sub(bare);
    println!("{}: most held: bare {bare} bytes, audited {audited}, {over} more", capture.as_str());
    assert!(over <= BUDGET + SLACK, "{over} bytes over bare, with a budget of {BUDGET}");
    let stuck = auditor.counters();
    assert!(stuck.dropped > 0, "the load was too small to need the budget: {stuck:?}");
    assert!(stuck.accepted > 0 && stuck.memory_bytes <= BUDGET as u64, "{stuck:?}");
    adds_up(stuck);

    go.send(()).unwrap();
    auditor.close_blocking().unwrap();
    let (requests, lost) = tell.recv().unwrap();
    let counters = auditor.counters();
    adds_up(counters);
    assert_eq!(counters.started, (AT_ONCE * ROUNDS) as u64);
    assert_eq!((counters.written, counters.dropped), (requests, lost));
    assert_eq!((counters.in_flight, counters.in_memory, counters.memory_bytes), (0, 0, 0));
}

fn adds_up(c: Counters) {
    assert_eq!(c.started, c.excluded + c.discarded + c.accepted + c.dropped + c.in_flight, "{c:?}");
    assert_eq!(c.accepted, c.written + c.in_memory, "{c:?}");
}
