//! Strict requests: nothing runs and nothing is answered before that is on record.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    error::ErrorImATeapot,
    test::{TestRequest, init_service, read_body},
    web::{self, Bytes},
};
use audit_actix::Audit;
use audit_core::{Auditor, Outcome};
use audit_tests::{
    audited::Ending,
    disk::{Disk, Mode},
};
use futures_util::{FutureExt as _, stream};
use tokio::time::timeout;

const A_WHILE: Duration = Duration::from_millis(60);

/// An app that counts how often its handler ran. Under `/turn` it makes the disk do this.
async fn app(
    auditor: &Auditor,
    disk: &Disk,
    turn: Mode,
) -> (
    impl Service<actix_http::Request, Response = ServiceResponse<impl MessageBody>, Error = Error>,
    Arc<AtomicUsize>,
) {
    let ran = Arc::new(AtomicUsize::new(0));
    let (count, disk) = (ran.clone(), disk.clone());
    let handler = move |request: HttpRequest| {
        let (count, disk) = (count.clone(), disk.clone());
        async move {
            count.fetch_add(1, SeqCst);
            match request.path() {
                "/turn" => disk.set(turn),
                "/panic" => panic!("it panics"),
                "/wait" => std::future::pending().await,
                "/stream" => {
                    let chunks = ["one", "two"].map(|c| Ok::<_, Error>(Bytes::from(c)));
                    return HttpResponse::Ok().streaming(stream::iter(chunks));
                }
                _ => {}
            }
            HttpResponse::Ok().body("hello")
        }
    };
    let reset = || async { "hello" };
    let app = App::new()
        .route("/reset/{token}", web::get().to(reset))
        .service(
            web::resource("/error")
                .wrap_fn(|_, _| ready(Err::<ServiceResponse, _>(ErrorImATeapot("short and stout"))))
                .route(web::get().to(reset)),
        )
        .default_service(web::to(handler))
        .wrap(Audit::new(auditor));
    (init_service(app).await, ran)
}

fn ask(path: &str) -> actix_http::Request {
    TestRequest::get().uri(path).to_request()
}

/// The answer, whether the middleware gives it or an error that becomes it.
async fn answered(result: Result<ServiceResponse<impl MessageBody>, Error>) -> (u16, usize, Bytes) {
    match result {
        Ok(response) => {
            let id = response.headers().get("x-request-id").unwrap().len();
            (response.status().as_u16(), id, read_body(response).await)
        }
        Err(error) => {
            let response = error.error_response();
            assert!(response.body().size().is_eof());
            let id = response.headers().get("x-request-id").unwrap().len();
            (response.status().as_u16(), id, Bytes::new())
        }
    }
}

fn refused() -> (u16, usize, Bytes) {
    (503, 36, Bytes::new())
}

#[actix_web::test]
async fn the_handler_waits_for_the_intent_and_the_answer_for_the_head() {
    let (auditor, disk) = Disk::strict_with(|s| s.strict_within(Duration::from_secs(20)));
    let (app, ran) = app(&auditor, &disk, Mode::Hangs).await;
    disk.set(Mode::Hangs);
    let mut answer = Box::pin(app.call(ask("/turn")));
    assert!(timeout(A_WHILE, &mut answer).await.is_err());
    disk.taken(1).await;
    assert_eq!((ran.load(SeqCst), disk.durable().len()), (0, 0));
    disk.set(Mode::Works);
    assert!(timeout(A_WHILE, &mut answer).await.is_err());
    disk.taken(2).await;
    assert_eq!((ran.load(SeqCst), disk.durable()), (1, vec!["intent".to_owned()]));
    disk.set(Mode::Works);
    let response = answer.await;
    assert_eq!(disk.durable()[..2], ["intent", "head"]);
    assert_eq!(answered(response).await, (200, 36, Bytes::from("hello")));
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(Ending::of(record), Ending::completed(200, 5));
}

#[actix_web::test]
async fn what_cannot_be_recorded_does_not_run() {
    for mode in [Mode::Fails, Mode::Hangs] {
        let (auditor, disk) = Disk::strict();
        let (app, ran) = app(&auditor, &disk, Mode::Works).await;
        disk.set(mode);
        assert_eq!(answered(app.call(ask("/")).await).await, refused());
        assert_eq!(ran.load(SeqCst), 0, "{mode:?}");
        let [record] = &disk.ended(&auditor)[..] else { panic!() };
        assert_eq!(Ending::of(record), Ending::completed(503, 0));
        assert_eq!(record.flags, ["intent_unrecorded"]);
        assert_eq!(answered(app.call(ask("/closed")).await).await, refused());
        assert_eq!(ran.load(SeqCst), 0, "{mode:?}");
    }
}

#[actix_web::test]
async fn an_answer_that_cannot_be_recorded_is_not_given() {
    for mode in [Mode::Fails, Mode::Hangs] {
        let (auditor, disk) = Disk::strict();
        let (app, ran) = app(&auditor, &disk, mode).await;
        assert_eq!(answered(app.call(ask("/turn")).await).await, refused());
        assert_eq!(ran.load(SeqCst), 1, "what it did cannot be undone");
        let [record] = &disk.ended(&auditor)[..] else { panic!() };
        assert_eq!(Ending::of(record), Ending::completed(503, 0));
        assert_eq!(record.flags, ["head_unrecorded"]);
    }
}

#[actix_web::test]
async fn without_memory_nothing_runs() {
    let (auditor, disk) = Disk::strict_with(|s| s.memory(1 << 20));
    let (app, ran) = app(&auditor, &disk, Mode::Works).await;
    // None of them gets so far as to run.
    disk.set(Mode::Hangs);
    let mut held = Vec::new();
    let result = loop {
        let mut future = Box::pin(app.call(ask("/wait")));
        match (&mut future).now_or_never() {
            None => held.push(future),
            Some(answer) => break answer,
        }
        assert!(held.len() < 5_000);
    };
    assert_eq!(answered(result).await, refused());
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

#[actix_web::test]
async fn dropped_while_it_waits() {
    let (auditor, disk) = Disk::strict_with(|s| s.strict_within(Duration::from_secs(20)));
    let (app, ran) = app(&auditor, &disk, Mode::Hangs).await;
    disk.set(Mode::Hangs);
    assert!(timeout(A_WHILE, app.call(ask("/"))).await.is_err());
    assert_eq!(ran.load(SeqCst), 0);
    disk.set(Mode::Works);
    // By now the handler has run, and its answer waits.
    assert!(timeout(A_WHILE, app.call(ask("/turn"))).await.is_err());
    assert_eq!(ran.load(SeqCst), 1);
    disk.set(Mode::Works);
    assert!(timeout(A_WHILE, app.call(ask("/wait"))).await.is_err());
    let endings: Vec<_> = disk.ended(&auditor).iter().map(Ending::of).collect();
    assert_eq!(endings, [Ending::headless(Outcome::Cancelled); 3]);
}

#[actix_web::test]
async fn panics_and_errors_wait_for_their_heads_too() {
    let (auditor, disk) = Disk::strict();
    let (app, _) = app(&auditor, &disk, Mode::Works).await;
    for (at, (path, status)) in [("/panic", 500), ("/error", 418)].into_iter().enumerate() {
        let response = app.call(ask(path)).await;
        let heads = disk.durable().iter().filter(|op| *op == "head").count();
        assert_eq!(heads, at + 1, "{path}");
        let status_of = |result: &Result<ServiceResponse<_>, Error>| match result {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.as_response_error().status_code().as_u16(),
        };
        assert_eq!(status_of(&response), status);
    }
    let records = disk.ended(&auditor);
    assert_eq!(Ending::of(&records[0]), Ending::answered_panic());
    assert_eq!(records[1].status(), Some(418));
}

#[actix_web::test]
async fn a_stream_goes_on_after_its_head() {
    let (auditor, disk) = Disk::strict();
    let (app, _) = app(&auditor, &disk, Mode::Works).await;
    let response = app.call(ask("/stream")).await.unwrap();
    disk.set(Mode::Hangs);
    assert_eq!(read_body(response).await, "onetwo", "its chunks wait for nothing");
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(Ending::of(record), Ending::completed(200, 6));
}

#[actix_web::test]
async fn the_intent_is_masked_by_its_route() {
    let (auditor, disk) = Disk::strict();
    let (app, _) = app(&auditor, &disk, Mode::Works).await;
    read_body(app.call(ask("/reset/hunter2")).await.unwrap()).await;
    let [record] = &disk.ended(&auditor)[..] else { panic!() };
    assert_eq!(record.request().unwrap().route.as_deref(), Some("/reset/{token}"));
    assert!(!format!("{disk:?}").contains("hunter2"), "{disk:?}");
}

#[actix_web::test]
async fn the_outer_of_two_decides() {
    let (inner, inner_disk) = Disk::strict();
    let (outer, outer_disk) = Disk::strict();
    let app = App::new()
        .route("/", web::get().to(async || "hello"))
        .wrap(Audit::new(&inner))
        .wrap(Audit::new(&outer));
    let app = init_service(app).await;
    assert_eq!(answered(app.call(ask("/")).await).await, (200, 36, Bytes::from("hello")));
    assert_eq!(outer_disk.ended(&outer).len(), 1);
    assert_eq!(inner_disk.ended(&inner).len(), 0);
}
