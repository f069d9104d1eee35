//! A panic of the application: where, with what, and caught or not.

use std::{
    convert::Infallible,
    future::{Future, poll_fn, ready},
    panic::{AssertUnwindSafe, panic_any},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::{BodySize, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    middleware::{Compat, Condition},
    test::{TestRequest, init_service, try_read_body},
    web::{self, Bytes},
};
use audit_core::Outcome;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use futures_util::{FutureExt, future::LocalBoxFuture};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Call,
    Await,
    /// In the second chunk.
    Body,
    /// Where the body is taken whole.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Payload {
    Str,
    String,
    Number,
    /// Panics again when it is dropped.
    Bomb,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's drop");
        }
    }
}

fn explode(payload: Payload) -> ! {
    match payload {
        Payload::Str => panic!("password=hunter2"),
        Payload::String => panic!("password={}", "hunter2"),
        Payload::Number => panic_any(8_u8),
        Payload::Bomb => panic_any(Bomb),
    }
}

/// A body of two chunks whose second panics, or that panics where it is taken whole.
struct Half {
    place: Place,
    payload: Payload,
    polls: u32,
}

impl MessageBody for Half {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        if self.place == Place::Whole { BodySize::Sized(8) } else { BodySize::Stream }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.polls += 1;
        match self.polls {
            1 => Poll::Ready(Some(Ok(Bytes::from_static(b"half")))),
            2..10 => {
                // Time for the server to send the first.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            10 => explode(self.payload),
            _ => panic!("polled again after a panic"),
        }
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.place == Place::Whole { explode(self.payload) } else { Err(self) }
    }
}

type Answer = LocalBoxFuture<'static, Result<ServiceResponse<Half>, Error>>;

fn answer(place: Place, payload: Payload, request: ServiceRequest) -> Answer {
    match place {
        Place::Call => explode(payload),
        Place::Await => Box::pin(async move {
            tokio::task::yield_now().await;
            explode(payload)
        }),
        Place::Body | Place::Whole => {
            let body = Half { place, payload, polls: 0 };
            let response = HttpResponse::Ok().message_body(body);
            Box::pin(ready(response.map(|response| request.into_response(response))))
        }
    }
}

/// An app that panics in this place.
async fn app(
    audited: &Audited,
    place: Place,
    payload: Payload,
) -> impl Service<actix_http::Request, Response = ServiceResponse<impl MessageBody>, Error = Error>
{
    let app = App::new().wrap_fn(move |request, _| answer(place, payload, request));
    init_service(app.wrap(audited.actix())).await
}

fn ask() -> actix_http::Request {
    TestRequest::get().to_request()
}

fn every_panic() -> impl Iterator<Item = (Place, Payload)> {
    let payloads = [Payload::Str, Payload::String, Payload::Number, Payload::Bomb];
    [Place::Call, Place::Await, Place::Body, Place::Whole]
        .into_iter()
        .flat_map(move |place| payloads.map(|payload| (place, payload)))
}

fn expected(place: Place, caught: bool) -> Ending {
    match place {
        Place::Call | Place::Await if caught => Ending::answered_panic(),
        Place::Call | Place::Await => Ending::headless(Outcome::Panicked),
        Place::Body => Ending::in_body(Outcome::Panicked, 4),
        Place::Whole => Ending::in_body(Outcome::Panicked, 0),
    }
}

async fn next<B: MessageBody>(body: &mut Pin<&mut B>) -> Option<Result<Bytes, B::Error>> {
    poll_fn(|cx| body.as_mut().poll_next(cx)).await
}

#[actix_web::test]
async fn caught() {
    for (place, payload) in every_panic() {
        let audited = Audited::new();
        let answer = app(&audited, place, payload).await.call(ask()).await;
        if matches!(place, Place::Call | Place::Await) {
            let error = answer.err().unwrap();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            let response = error.error_response();
            assert_eq!(response.status(), 500);
            assert!(response.headers().contains_key("x-request-id"));
            assert!(response.body().size().is_eof());
        } else {
            let response = answer.unwrap();
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            if place == Place::Whole {
                body = body.try_into_bytes().expect_err("nothing that could be sent");
                assert!(!body.size().is_eof(), "it has no clean end");
            }
            let mut body = pin!(body);
            if place == Place::Body {
                assert_eq!(next(&mut body).await.unwrap().ok().unwrap(), "half");
            }
            // Not a clean end: the client must not take the half for the whole.
            let error = next(&mut body).await.unwrap().err().unwrap().into();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(next(&mut body).await.is_none());
        }

        let entry = audited.one().await;
        assert_eq!(Ending::of(&entry), expected(place, true), "{place:?} {payload:?}");
        let text = matches!(payload, Payload::Str | Payload::String);
        let message = entry.error().unwrap().message.as_deref();
        assert_eq!(message, text.then_some("password=[redacted]"), "{place:?} {payload:?}");
        let listed = entry.masked.iter().any(|m| m.part == "error" && m.field == "password");
        assert_eq!(listed, text);
    }
}

#[actix_web::test]
async fn not_caught() {
    for (place, payload) in every_panic() {
        let audited = Audited::with(|settings| settings.catch_panics(false));
        let app = app(&audited, place, payload).await;
        let request = async {
            let response = app.call(ask()).await.unwrap();
            if place == Place::Whole {
                return drop(response.into_body().try_into_bytes());
            }
            let _ = try_read_body(response).await;
        };
        let caught = AssertUnwindSafe(request).catch_unwind().await.unwrap_err();
        // The same panic goes on.
        assert_eq!(caught.is::<Bomb>(), payload == Payload::Bomb);
        assert_eq!(caught.downcast_ref::<u8>(), (payload == Payload::Number).then_some(&8));
        std::mem::forget(caught);
        assert_eq!(Ending::of(&audited.one().await), expected(place, false), "{place:?}");
    }
}

#[actix_web::test]
async fn what_panicked_may_panic_again_when_it_is_dropped() {
    struct Twice;
    impl Future for Twice {
        type Output = Result<ServiceResponse, Error>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            panic!("once");
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("twice");
        }
    }
    let audited = Audited::new();
    let app = init_service(App::new().wrap_fn(|_, _| Twice).wrap(audited.actix())).await;
    assert!(app.call(ask()).await.is_err());
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::answered_panic());
    assert_eq!(entry.error().unwrap().message.as_deref(), Some("once"));
}

#[actix_web::test]
async fn a_panic_elsewhere_is_not_the_requests() {
    for catch in [true, false] {
        let audited = Audited::with(|settings| settings.catch_panics(catch));
        let hang = std::future::pending::<HttpResponse>;
        let app = App::new().default_service(web::to(hang)).wrap(audited.actix());
        let app = init_service(app).await;
        let task = actix_web::rt::spawn(async move {
            let mut future = pin!(app.call(ask()));
            assert!(future.as_mut().now_or_never().is_none());
            panic!("somebody else's");
        });
        assert!(task.await.unwrap_err().is_panic());
        let entry = audited.one().await;
        assert_eq!(Ending::of(&entry), Ending::headless(Outcome::Cancelled));
    }
}

#[actix_web::test]
async fn over_the_wire() {
    const PATHS: [(&str, Place); 4] = [
        ("/call", Place::Call),
        ("/await", Place::Await),
        ("/body", Place::Body),
        ("/whole", Place::Whole),
    ];
    let place = |path: &str| PATHS.into_iter().find(|found| found.0 == path).map(|found| found.1);
    for catch in [true, false] {
        let audited = Audited::with(|settings| settings.catch_panics(catch));
        let audit = audited.actix();
        let server = Server::actix(|listener| {
            let app = move || {
                App::new()
                    .route("/fine", web::get().to(async || "fine"))
                    .wrap_fn(move |request, inner| match place(request.path()) {
                        Some(place) => answer(place, Payload::Str, request)
                            .map(|answer| answer.map(ServiceResponse::map_into_right_body))
                            .boxed_local(),
                        None => inner
                            .call(request)
                            .map(|answer| answer.map(ServiceResponse::map_into_left_body))
                            .boxed_local(),
                    })
                    .wrap(Condition::new(true, Compat::new(audit.clone())))
            };
            Ok(HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run())
        });
        let mut endings = Vec::new();
        for (path, place) in PATHS {
            let answer = server.get(path).await;
            assert!(!answer.body.contains("hunter2"));
            match place {
                Place::Call | Place::Await if catch => {
                    assert_eq!((answer.status(), &*answer.body), (500, ""));
                    assert_eq!(answer.header("content-length"), Some("0"));
                    assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
                }
                // As without the middleware: the connection dies.
                Place::Call | Place::Await | Place::Whole => assert_eq!(answer.head, "", "{path}"),
                Place::Body => assert_eq!(answer.body, "4\r\nhalf\r\n", "no last chunk"),
            }
            endings.push(expected(place, catch));
            assert_eq!(server.get("/fine").await.body, "fine", "another connection lives");
            endings.push(Ending::completed(200, 4));
        }
        let found: Vec<_> = audited.records().await.iter().map(Ending::of).collect();
        assert_eq!(found, endings);
    }
}
