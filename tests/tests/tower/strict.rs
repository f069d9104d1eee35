//! Strict requests: nothing runs and nothing is answered before that is on record.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use audit_core::{Auditor, Outcome};
use audit_tests::{
    audited::Ending,
    disk::{Disk, Mode},
    server::Server,
};
use audit_tower::{Reliability, Rule};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::Response,
    routing::get,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tower::{Service as _, ServiceExt as _, service_fn};
use tower_layer::Layer as _;

const A_WHILE: Duration = Duration::from_millis(60);

fn layer(auditor: &Auditor) -> audit_tower::axum::AuditLayer {
    audit_tower::axum::AuditLayer::new(auditor)
}

/// An app that counts how often its handler ran. Under `/turn` it makes the disk do this.
fn app(auditor: &Auditor, disk: &Disk, turn: Mode) -> (Router, Arc<AtomicUsize>) {
    let ran = Arc::new(AtomicUsize::new(0));
    let (count, disk) = (ran.clone(), disk.clone());
    let handler = async move |request: Request| {
        count.fetch_add(1, SeqCst);
        match request.uri().path() {
            "/turn" => disk.set(turn),
            "/panic" => panic!("it panics"),
            "/wait" => std::future::pending().await,
            _ => {}
        }
        "hello"
    };
    (Router::new().fallback(handler).layer(layer(auditor)), ran)
}

fn ask(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn text(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

/// A refusal has no body, and the request's id.
async fn is_refused(response: Response) {
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn the_handler_waits_for_the_intent_and_the_answer_for_the_head() {
    let (auditor, disk) = Disk::strict_with(|s| s.strict_within(Duration::from_secs(20)));
    let (app, ran) = app(&auditor, &disk, Mode::Hangs);
    disk.set(Mode::Hangs);
    let mut answer = Box::pin(app.oneshot(ask("/turn")));
    assert!(timeout(A_WHILE, &mut answer).await.is_err());
    disk.taken(1).await;
    assert_eq!((ran.load(SeqCst), disk.durable().len()), (0, 0));
    disk.set(Mode::Works);
    assert!(timeout(A_WHILE, &mut answer).await.is_err());
    disk.taken(2).await;
    assert_eq!((ran.load(SeqCst), disk.durable()), (1, vec!["intent".to_owned()]));
    disk.set(Mode::Works);
    let response = answer.await.unwrap();
    assert_eq!(disk.durable()[..2], ["intent", "head"]);
    assert_eq!(text(response).await, "hello");
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(Ending::of(record), Ending::completed(200, 5));
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_run() {
    for mode in [Mode::Fails, Mode::Hangs] {
        let (auditor, disk) = Disk::strict();
        let (app, ran) = app(&auditor, &disk, Mode::Works);
        disk.set(mode);
        is_refused(app.clone().oneshot(ask("/")).await.unwrap()).await;
        assert_eq!(ran.load(SeqCst), 0, "{mode:?}");
        let [record] = &disk.ended(&auditor)[..] else { panic!() };
        assert_eq!(Ending::of(record), Ending::completed(503, 0));
        assert_eq!(record.flags, ["intent_unrecorded"]);
        is_refused(app.oneshot(ask("/closed")).await.unwrap()).await;
        assert_eq!(ran.load(SeqCst), 0, "{mode:?}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_not_given() {
    for mode in [Mode::Fails, Mode::Hangs] {
        let (auditor, disk) = Disk::strict();
        let (app, ran) = app(&auditor, &disk, mode);
        is_refused(app.oneshot(ask("/turn")).await.unwrap()).await;
        assert_eq!(ran.load(SeqCst), 1, "what it did cannot be undone");
        let [record] = &disk.ended(&auditor)[..] else { panic!() };
        assert_eq!(Ending::of(record), Ending::completed(503, 0));
        assert_eq!(record.flags, ["head_unrecorded"]);
    }
}

#[tokio::test]
async fn without_memory_nothing_runs() {
    let (auditor, disk) = Disk::strict_with(|s| s.memory(1 << 20));
    let (mut app, ran) = app(&auditor, &disk, Mode::Works);
    // None of them gets so far as to run.
    disk.set(Mode::Hangs);
    let mut held = Vec::new();
    let refused = loop {
        let mut future = Box::pin(app.call(ask("/wait")));
        match (&mut future).now_or_never() {
            None => held.push(future),
            Some(answer) => break answer.unwrap(),
        }
        assert!(held.len() < 5_000);
    };
    is_refused(refused).await;
    let waited = held.len();
    drop(held);
    // Memory is used up at its head, and it is counted as dropped; or by its intent, and then there
    // was still room for a record that tells so.
    let records = disk.ended(&auditor);
    let (cancelled, other): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| record.outcome == Some(Outcome::Cancelled));
    assert_eq!(cancelled.len(), waited);
    assert_eq!(auditor.counters().dropped + other.len() as u64, 1, "{other:#?}");
    for record in other {
        assert_eq!(Ending::of(record), Ending::completed(503, 0));
        assert_eq!(record.flags, ["intent_unrecorded"]);
    }
    assert_eq!(ran.load(SeqCst), 0, "none was polled again");
}

#[tokio::test]
async fn dropped_while_it_waits() {
    let (auditor, disk) = Disk::strict_with(|s| s.strict_within(Duration::from_secs(20)));
    let (app, ran) = app(&auditor, &disk, Mode::Hangs);
    disk.set(Mode::Hangs);
    assert!(timeout(A_WHILE, app.clone().oneshot(ask("/"))).await.is_err());
    assert_eq!(ran.load(SeqCst), 0);
    disk.set(Mode::Works);
    // By now the handler has run, and its answer waits.
    assert!(timeout(A_WHILE, app.clone().oneshot(ask("/turn"))).await.is_err());
    assert_eq!(ran.load(SeqCst), 1);
    disk.set(Mode::Works);
    assert!(timeout(A_WHILE, app.oneshot(ask("/wait"))).await.is_err());
    let endings: Vec<_> = disk.ended(&auditor).iter().map(Ending::of).collect();
    assert_eq!(endings, [Ending::headless(Outcome::Cancelled); 3]);
}

#[tokio::test]
async fn panics() {
    let (auditor, disk) = Disk::strict();
    let (app, _) = app(&auditor, &disk, Mode::Works);
    let response = app.oneshot(ask("/panic")).await.unwrap();
    assert_eq!(response.status(), 500);
    assert!(disk.durable().contains(&"head".to_owned()), "{:?}", disk.durable());
    assert_eq!(text(response).await, "");

    let at_once = service_fn(|_: Request| -> std::future::Ready<Result<Response, Infallible>> {
        panic!("in the call itself")
    });
    let response = layer(&auditor).layer(at_once).oneshot(ask("/")).await.unwrap();
    assert_eq!(response.status(), 500);
    let endings: Vec<_> = disk.ended(&auditor).iter().map(Ending::of).collect();
    assert_eq!(endings, [Ending::answered_panic(); 2]);
}

#[tokio::test]
async fn a_service_error_has_no_head() {
    let (auditor, disk) = Disk::strict();
    let fails = service_fn(async |_: Request| Err::<Response, _>("no"));
    assert_eq!(layer(&auditor).layer(fails).oneshot(ask("/")).await.unwrap_err(), "no");
    assert_eq!(disk.durable(), ["intent"]);
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(Ending::of(record), Ending::headless(Outcome::ServiceError));
}

#[tokio::test]
async fn a_stream_is_not_held_up() {
    let (auditor, disk) = Disk::strict();
    let (send, receive) = mpsc::unbounded_channel::<&str>();
    let chunks = stream::unfold(receive, async |mut receive| {
        let chunk = receive.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receive))
    });
    let body = Arc::new(std::sync::Mutex::new(Some(Body::from_stream(chunks))));
    let handler = async move || body.lock().unwrap().take().unwrap();
    let app = Router::new().fallback(handler).layer(layer(&auditor));
    let mut body = app.oneshot(ask("/")).await.unwrap().into_body();
    disk.set(Mode::Hangs);
    for chunk in ["one", "two"] {
        send.send(chunk).unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), chunk, "its chunks wait for nothing");
    }
    drop(body);
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(Ending::of(record), Ending::in_body(Outcome::Cancelled, 6));
}

#[tokio::test]
async fn the_outer_of_two_layers_decides() {
    let (auditor, disk) = Disk::strict();
    let (app, ran) = app(&auditor, &disk, Mode::Works);
    let buffered = Rule::new("quick").path("/quick").reliability(Reliability::Buffered);
    let (outer, outer_disk) = Disk::strict_with(|s| s.rule(buffered).exclude_path("/health"));
    let app = app.layer(layer(&outer));
    for path in ["/", "/quick", "/health"] {
        assert_eq!(app.clone().oneshot(ask(path)).await.unwrap().status(), 200);
    }
    assert_eq!(ran.load(SeqCst), 3);
    assert_eq!(outer_disk.ended(&outer).len(), 2);
    let ops = outer_disk.durable();
    assert_eq!(ops.iter().filter(|op| *op == "intent").count(), 1, "{ops:?}");
    assert_eq!(disk.ended(&auditor).len(), 0);
}

#[tokio::test]
async fn an_upgrade_waits_for_its_head() {
    let (auditor, disk) = Disk::strict();
    let switch = async || http::StatusCode::SWITCHING_PROTOCOLS;
    let app = Router::new().route("/ws", get(switch)).layer(layer(&auditor));
    let response = app.oneshot(ask("/ws")).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(disk.durable()[..2], ["intent", "head"]);
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(record.outcome, Some(Outcome::Upgraded));
}

#[tokio::test]
async fn nothing_stalls_on_the_wire() {
    let (auditor, disk) = Disk::strict();
    let (app, _) = app(&auditor, &disk, Mode::Works);
    let app = app.route(
        "/stream",
        get(async || Body::from_stream(stream::iter(["one", "two"]).map(Ok::<_, Infallible>)))
            .layer(layer(&auditor)),
    );
    let server = Server::axum(app).await;
    let mut connection = server.connect().await;
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let begun = std::time::Instant::now();
        connection.get("/stream").await;
        connection.read_until("0\r\n\r\n").await;
        quickest = quickest.min(begun.elapsed());
        connection.get("/").await;
        connection.read_until("hello").await;
    }
    // Two writes of one answer wait 40 ms for an acknowledgement.
    assert!(quickest < Duration::from_millis(30), "{quickest:?}");
    drop((connection, server));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(disk.ended(&auditor).len(), 20);
}
