//! Connections that are handed over: the record is there while they are open.

use audit_core::{Level, Outcome};
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use axum::{
    Router,
    extract::{WebSocketUpgrade, ws::WebSocket},
    routing::any,
};
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tower_layer::Layer;

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

fn app() -> Router {
    Router::new()
        .route("/ws", any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) }))
        .route("/hello", any(|| async { "hello" }))
}

async fn talk<T: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<T>) {
    let said = Message::text("password=hunter2");
    socket.send(said.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), said);
}

/// One record before, during and after the talk.
async fn one_record<T: AsyncRead + AsyncWrite + Unpin>(
    audited: &Audited,
    mut socket: WebSocketStream<T>,
    status: u16,
) {
    let expected =
        Ending { outcome: Outcome::Upgraded, phase: None, status: Some(status), size: None };
    talk(&mut socket).await;
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), expected);
    assert_eq!((entry.level, entry.success), (Some(Level::Info), Some(true)));
    talk(&mut socket).await;
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    assert_eq!(Ending::of(&audited.one().await), expected);
}

async fn over_http1(audited: &Audited, server: &Server) {
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let uri = format!("ws://{}/ws", server.addr);
    let (socket, response) = tokio_tungstenite::client_async(uri, stream).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    one_record(audited, socket, 101).await;
}

#[tokio::test]
async fn a_websocket_in_axum() {
    let audited = Audited::new();
    over_http1(&audited, &Server::axum(app().layer(audited.axum())).await).await;
}

#[tokio::test]
async fn a_websocket_in_hyper_util() {
    let audited = Audited::new();
    over_http1(&audited, &Server::hyper(audited.axum().layer(app())).await).await;
    let audited = Audited::new();
    over_http1(&audited, &Server::hyper(audited.hyper().layer(app())).await).await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_answer() {
    let audited = Audited::new();
    let server = Server::axum(app().layer(audited.axum())).await;
    let answer = server.get("/ws").await;
    assert_eq!(answer.status(), 400);
    let expected = Ending::completed(400, answer.body.len() as u64);
    assert_eq!(Ending::of(&audited.one().await), expected);
}

#[tokio::test]
async fn a_websocket_over_http2() {
    let audited = Audited::with(|settings| settings.exclude_path("/hello"));
    let server = Server::hyper(audited.axum().layer(app())).await;
    let stream = TokioIo::new(TcpStream::connect(server.addr).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let uri = |path| format!("http://{}{path}", server.addr);
    // With its answer the server's settings are there, which allow extended CONNECT.
    let hello = Request::get(uri("/hello")).body(Empty::<bytes::Bytes>::new()).unwrap();
    assert_eq!(client.send_request(hello).await.unwrap().status(), 200);

    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(uri("/ws"))
        .header("sec-websocket-version", "13")
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .body(Empty::new())
        .unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    one_record(&audited, socket, 200).await;
}
