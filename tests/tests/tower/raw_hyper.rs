//! Services without a framework, straight under hyper.

use std::{convert::Infallible, pin::Pin};

use audit_core::Outcome;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use audit_tower::{Audit, PeerAddr, RequestBody, ResponseBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use tower::{ServiceBuilder, service_fn};
use tower_layer::Layer;
use tower_service::Service;

type Inner = Request<RequestBody<Incoming>>;

async fn echo(request: Inner) -> Result<Response<Full<Bytes>>, hyper::Error> {
    Ok(Response::new(Full::new(request.into_body().collect().await?.to_bytes())))
}

#[tokio::test]
async fn a_tower_service_in_hyper_util() {
    let audited = Audited::new();
    let server = Server::hyper(audited.hyper().layer(service_fn(echo))).await;
    let answer = server.ask("POST /", "content-length: 5\r\n", "hello").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, "hello"));
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    assert_eq!(entry.request().unwrap().size, Some(5));
}

/// The user's own bridge: not cloned, one service for each connection, and it tells the peer.
struct Bridge<S>(std::sync::Mutex<Audit<S>>, std::net::SocketAddr);

impl<S, E, F> hyper::service::Service<Request<Incoming>> for Bridge<S>
where
    S: Service<Inner, Response = Response<Full<Bytes>>, Error = E, Future = F>,
    F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
    E: 'static,
{
    type Response = Response<ResponseBody<Full<Bytes>>>;
    type Error = E;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, E>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(PeerAddr(self.1));
        Box::pin(self.0.lock().unwrap().call(request))
    }
}

#[tokio::test]
async fn a_service_of_hypers_own() {
    let audited = Audited::new();
    let layer = audited.hyper();
    let server = Server::start(|listener| async move {
        let (stream, peer) = listener.accept().await.unwrap();
        let bridge = Bridge(layer.layer(service_fn(echo)).into(), peer);
        http1::Builder::new().serve_connection(TokioIo::new(stream), bridge).await.unwrap();
    })
    .await;
    let answer = server.ask("POST /", "content-length: 5\r\n", "hello").await;
    assert_eq!(answer.body, "hello");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn hyper_does_not_empty_the_answer_to_head() {
    let audited = Audited::new();
    let full = |_: Inner| async { Ok::<_, Infallible>(Response::new(Full::from("hello"))) };
    let server = Server::hyper(audited.hyper().layer(service_fn(full))).await;
    let answer = server.ask("HEAD /", "", "").await;
    assert_eq!((answer.header("content-length"), answer.body.as_str()), (Some("5"), ""));
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, 0));
}

#[tokio::test]
async fn a_service_error_closes_the_connection() {
    let audited = Audited::new();
    let fail = |_: Inner| async {
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("password=hunter2"))
    };
    let stack = ServiceBuilder::new().layer(audited.hyper()).service_fn(fail);
    let server = Server::hyper(stack).await;
    let answer = server.get("/").await;
    assert_eq!((answer.head.as_str(), answer.body.as_str()), ("", ""));
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::headless(Outcome::ServiceError));
    assert!(!format!("{entry:?}").contains("hunter2"));
}
