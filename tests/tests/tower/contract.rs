//! The contract of a tower service: readiness, errors and bounds are those of the inner one.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Ready, poll_fn, ready},
    marker::PhantomData,
    rc::Rc,
    task::{Context, Poll},
};

use audit_core::Outcome;
use audit_tests::audited::{Audited, Ending};
use audit_tower::{Audit, AuditLayer, RequestBody, ResponseBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{
    Service, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
    service_fn,
};
use tower_layer::Layer;

type Inner = Request<RequestBody<Full<Bytes>>>;

fn ask() -> Request<Full<Bytes>> {
    Request::new(Full::default())
}

fn hello() -> Response<Full<Bytes>> {
    Response::new(Full::from("hello"))
}

async fn finish<B: Body<Error: std::fmt::Debug>>(response: Response<B>) {
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

/// Panics if it is called without having been polled ready, as a clone never is.
struct Probe {
    pending: usize,
    ready: bool,
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self { pending: 0, ready: false }
    }
}

impl Service<Inner> for Probe {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.pending > 0 {
            self.pending -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Inner) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        ready(Ok(hello()))
    }
}

#[tokio::test]
async fn the_service_that_was_polled_ready_is_the_one_called() {
    let audited = Audited::with(|settings| settings.catch_panics(false));
    let mut service = audited.hyper().layer(Probe { pending: 0, ready: false });
    for _ in 0..3 {
        finish(service.ready().await.unwrap().call(ask()).await.unwrap()).await;
        // A clone has to be polled for itself, also one of a service that is ready.
        service = service.ready().await.unwrap().clone();
    }
    assert_eq!(audited.records().await.len(), 3);
}

#[tokio::test]
async fn readiness_is_passed_on_and_holds_nothing() {
    let audited = Audited::new();
    let mut service = audited.hyper().layer(Probe { pending: 3, ready: false });
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        service.poll_ready(cx)
    })
    .await
    .unwrap();
    assert_eq!(polls, 4);
    drop(service);
    assert_eq!(audited.settled().started, 0);
}

#[tokio::test]
async fn an_error_while_getting_ready_is_passed_on() {
    struct Broken;
    impl Service<Inner> for Broken {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err("broken"))
        }

        fn call(&mut self, _: Inner) -> Self::Future {
            ready(Err("called all the same"))
        }
    }
    let audited = Audited::new();
    let mut service = audited.hyper().layer(Broken);
    assert_eq!(service.ready().await.err(), Some("broken"));
    assert_eq!(audited.settled().started, 0);
}

/// Not `Clone`, not `Send`, not `'static`, and neither is its error.
struct Bare<'a> {
    calls: &'a Cell<u32>,
    fail: Rc<str>,
}

impl<'a> Service<Inner> for Bare<'a> {
    type Response = Response<Full<Bytes>>;
    type Error = (Rc<str>, PhantomData<&'a ()>);
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Inner) -> Self::Future {
        self.calls.set(self.calls.get() + 1);
        ready(if self.calls.get() == 1 {
            Ok(hello())
        } else {
            Err((self.fail.clone(), PhantomData))
        })
    }
}

#[tokio::test]
async fn nothing_is_asked_of_the_inner_service() {
    let audited = Audited::new();
    let (calls, fail) = (Cell::new(0), Rc::<str>::from("no"));
    let mut service = audited.hyper().layer(Bare { calls: &calls, fail: fail.clone() });
    finish(service.ready().await.unwrap().call(ask()).await.unwrap()).await;
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, 5));
    let (error, _) = service.ready().await.unwrap().call(ask()).await.unwrap_err();
    assert!(Rc::ptr_eq(&error, &fail), "the same value comes back");
    let entries = audited.records().await;
    assert_eq!(Ending::of(&entries[1]), Ending::headless(Outcome::ServiceError));
}

#[tokio::test]
async fn a_limit_inside_and_outside() {
    let audited = Audited::new();
    let mut service = ServiceBuilder::new()
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(audited.hyper())
        .layer(ConcurrencyLimitLayer::new(1))
        .service(Probe { pending: 0, ready: false });
    // A permit that leaked would stop the second call.
    for _ in 0..3 {
        finish(service.ready().await.unwrap().call(ask()).await.unwrap()).await;
    }
    assert_eq!(audited.records().await.len(), 3);
}

#[tokio::test]
async fn a_buffer_inside_and_outside() {
    let audited = Audited::new();
    let mut service = ServiceBuilder::new()
        .layer(BufferLayer::new(1))
        .layer(audited.hyper())
        .layer(BufferLayer::new(1))
        .service(Probe { pending: 1, ready: false });
    for _ in 0..3 {
        finish(service.ready().await.unwrap().call(ask()).await.unwrap()).await;
    }
    let entries = audited.records().await;
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| Ending::of(entry) == Ending::completed(200, 5)));
}

#[tokio::test]
async fn a_boxed_error_comes_back_as_it_was() {
    let audited = Audited::new();
    let inner = service_fn(|_: Inner| async {
        Err::<Response<Full<Bytes>>, audit_tower::BoxError>(std::fmt::Error.into())
    });
    let error = audited.hyper().layer(inner).oneshot(ask()).await.err().unwrap();
    assert!(error.is::<std::fmt::Error>());
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::headless(Outcome::ServiceError));
    assert_eq!(entry.error().unwrap().message, None);
}

#[tokio::test]
async fn bodies_tell_their_size_and_their_end() {
    async fn sizes<B: Body<Data = Bytes>>(
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let body = request.into_body();
        let told = format!("{:?} {}", body.size_hint().exact(), body.is_end_stream());
        Ok(Response::new(Full::from(told)))
    }
    async fn told<S, B>(audited: &Audited, mut service: S, body: &'static str) -> String
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        B: Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
    {
        let response = service.call(Request::new(Full::from(body))).await.unwrap();
        let mut body = response.into_body();
        let size = body.size_hint().exact();
        assert!(!body.is_end_stream());
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(size, Some(data.len() as u64));
        // A server stops here.
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        // The end was seen with the last frame.
        assert_eq!(audited.auditor.counters().in_flight, 0);
        String::from_utf8(data.to_vec()).unwrap()
    }
    let audited = Audited::new();
    for (body, expected) in [("hello", "Some(5) false"), ("", "Some(0) true")] {
        let wrapped = audited.hyper().layer(service_fn(sizes::<RequestBody<Full<Bytes>>>));
        assert_eq!(told(&audited, wrapped, body).await, expected);
        let axum = audited.axum().layer(service_fn(sizes::<axum::body::Body>));
        assert_eq!(told(&audited, axum, body).await, expected);
        let tonic = audited.tonic().layer(service_fn(sizes::<tonic::body::Body>));
        assert_eq!(told(&audited, tonic, body).await, expected);
    }
}

#[test]
fn it_is_send_sync_and_clone_where_the_inner_is() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn clone<T: Clone>() {}
    fn unpin<T: Unpin>() {}
    // A kind that is nothing itself: it is never held.
    type Kind = PhantomData<*const ()>;
    send::<Audit<Cell<u8>, Kind>>();
    send::<Audit<(), Kind>>();
    sync::<Audit<(), Kind>>();
    clone::<Audit<Rc<()>, Kind>>();
    send::<AuditLayer<Kind>>();
    sync::<AuditLayer<Kind>>();
    clone::<AuditLayer<Kind>>();
    send::<audit_tower::ResponseFuture<Cell<u8>, Kind, Cell<u8>>>();
    unpin::<audit_tower::ResponseFuture<(), Kind, ()>>();
    send::<ResponseBody<Cell<u8>>>();
    sync::<ResponseBody<()>>();
    unpin::<ResponseBody<()>>();
    send::<RequestBody<Cell<u8>>>();
    sync::<RequestBody<()>>();
}
