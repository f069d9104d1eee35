//! HTTP/2: a stream that ends leaves its connection alone.

use std::convert::Infallible;

use audit_core::Outcome;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::service_fn;
use tower_layer::Layer;

type Client = SendRequest<Empty<Bytes>>;

async fn client(server: &Server) -> Client {
    let stream = TokioIo::new(TcpStream::connect(server.addr).await.unwrap());
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn send(client: &mut Client, path: &str) -> hyper::Result<Response<Incoming>> {
    let request = Request::get(format!("http://test{path}")).body(Empty::new()).unwrap();
    client.send_request(request).await
}

async fn trailers() -> Body {
    let mut last = HeaderMap::new();
    last.insert("x-sum", 7.into());
    let frames = [Frame::data(Bytes::from_static(b"hello")), Frame::trailers(last)];
    Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))))
}

async fn endless() -> Body {
    let hello = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"hello"))]);
    Body::from_stream(hello.chain(stream::pending()))
}

async fn panics() -> Body {
    let explode = stream::once(async { panic!("in the body") });
    Body::from_stream(
        stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"hello"))]).chain(explode),
    )
}

#[tokio::test]
async fn streams_end_one_by_one() {
    for catch in [true, false] {
        let audited = Audited::with(|settings| settings.catch_panics(catch));
        let app = Router::new()
            .route("/hello", get(|| async { "hello" }))
            .route("/trailers", get(trailers))
            .route("/slow", get(std::future::pending::<()>))
            .route("/endless", get(endless))
            .route("/panics", get(panics))
            .layer(audited.axum());
        let server = Server::axum(app).await;
        let mut client = client(&server).await;
        let mut expected = Vec::new();
        let mut ended = async |ending: Ending| {
            expected.push(ending);
            let endings: Vec<_> = audited.records().await.iter().map(Ending::of).collect();
            assert_eq!(endings, expected);
        };

        let body = send(&mut client, "/hello").await.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
        ended(Ending::completed(200, 5)).await;

        let body = send(&mut client, "/trailers").await.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().trailers().unwrap()["x-sum"], "7");
        ended(Ending::completed(200, 5)).await;

        // Reset in the handler.
        let slow = tokio::select! {
            response = send(&mut client, "/slow") => Some(response),
            () = audited.started(3) => None,
        };
        assert!(slow.is_none());
        ended(Ending::headless(Outcome::Cancelled)).await;

        // Reset in the body.
        let mut body = send(&mut client, "/endless").await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        drop(body);
        ended(Ending::in_body(Outcome::Cancelled, 5)).await;

        // The client sees an error, not an end.
        let body = match send(&mut client, "/panics").await {
            Ok(response) => response.into_body().collect().await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(body.is_err());
        ended(Ending::in_body(Outcome::Panicked, 5)).await;

        assert_eq!(send(&mut client, "/hello").await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn without_a_framework() {
    let audited = Audited::new();
    let full = |_: Request<_>| async { Ok::<_, Infallible>(Response::new(Full::from("hello"))) };
    let server = Server::hyper(audited.hyper().layer(service_fn(full))).await;
    let mut client = client(&server).await;
    let body = send(&mut client, "/").await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    let head = Request::head("http://test/").body(Empty::new()).unwrap();
    let response = client.send_request(head).await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    let endings: Vec<_> = audited.records().await.iter().map(Ending::of).collect();
    assert_eq!(endings, [Ending::completed(200, 5), Ending::completed(200, 0)]);
}
