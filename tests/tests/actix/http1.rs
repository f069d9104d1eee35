//! The endings as actix brings them about over HTTP/1.1.

use std::{convert::Infallible, future::ready, sync::Arc};

use actix_web::{
    App, Error, HttpRequest, HttpResponse, HttpServer, rt,
    web::{self, Bytes, Payload},
};
use audit_core::{Level, Outcome};
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use futures_util::{SinkExt, StreamExt, stream};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore};
use tokio_tungstenite::tungstenite::Message;

const HELLO: Bytes = Bytes::from_static(b"hello");

async fn echo_socket(request: HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(actix_ws::Message::Text(text))) = messages.recv().await {
            session.text(text).await.unwrap();
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}

/// One chunk, then more whenever the gate lets one pass; five in all.
fn gated(gate: &Arc<Semaphore>) -> HttpResponse {
    let gate = gate.clone();
    let more = stream::iter(0..4).then(move |_| {
        let gate = gate.clone();
        async move { gate.acquire().await.unwrap().forget() }
    });
    let chunks = stream::once(ready(())).chain(more);
    HttpResponse::Ok().streaming(Box::pin(chunks.map(|()| Ok::<_, Infallible>(HELLO))))
}

fn endless() -> HttpResponse {
    let chunk = Bytes::from(vec![b'x'; 65_536]);
    let chunks = stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
    HttpResponse::Ok().streaming(chunks)
}

fn routes(app: &mut web::ServiceConfig, gate: &Arc<Semaphore>) {
    let (stream, slow) = (gate.clone(), gate.clone());
    let slow = move || {
        let gate = slow.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            "slow"
        }
    };
    app.route("/hello", web::route().to(async || "hello"))
        .route("/echo", web::post().to(async |body: Bytes| body))
        .route("/ignore", web::post().to(async || "ignored"))
        .route("/stream", web::get().to(move || ready(gated(&stream))))
        .route("/endless", web::get().to(async || endless()))
        .route("/slow", web::get().to(slow))
        .route("/ws", web::get().to(echo_socket));
}

/// A server of one worker, and the gate of its streams and slow handlers.
fn served(audited: &Audited) -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (audit, gates) = (audited.actix(), gate.clone());
    let app = move || App::new().configure(|app| routes(app, &gates)).wrap(audit.clone());
    let server = Server::actix(|listener| {
        let server = HttpServer::new(app).workers(1).shutdown_timeout(8).disable_signals();
        Ok(server.listen(listener)?.run())
    });
    (server, gate)
}

/// The same without the middleware.
fn bare() -> Server {
    let gate = Arc::new(Semaphore::new(0));
    let app = move || App::new().configure(|app| routes(app, &gate));
    Server::actix(|listener| {
        Ok(HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run())
    })
}

async fn endings(audited: &Audited) -> Vec<Ending> {
    audited.records().await.iter().map(Ending::of).collect()
}

const fn completed(size: u64) -> Ending {
    Ending::completed(200, size)
}

#[actix_web::test]
async fn a_connection_is_used_again() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.get("/hello").await;
        assert!(connection.read_until("hello").await.starts_with("HTTP/1.1 200"));
    }
    let ask = "GET /hello HTTP/1.1\r\nhost: test\r\n\r\n";
    connection.send(&ask.repeat(3)).await;
    for _ in 0..3 {
        connection.read_until("hello").await;
    }
    let entries = audited.records().await;
    assert_eq!(entries.iter().map(Ending::of).collect::<Vec<_>>(), [completed(5); 5]);
    let ids: std::collections::HashSet<_> =
        entries.iter().map(|entry| entry.request().unwrap().id.clone()).collect();
    assert_eq!(ids.len(), 5);
    for entry in entries {
        assert_eq!(entry.request().unwrap().size, Some(0));
        assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("127.0.0.1"));
    }
}

/// actix decides by the request's payload, and by whether anybody still holds it, if a connection
/// goes on.
#[actix_web::test]
async fn a_body_that_nobody_reads_has_the_same_consequences() {
    for audited in [Audited::new(), Audited::full()] {
        unread_bodies(&audited).await;
    }
}

async fn unread_bodies(audited: &Audited) {
    let (server, _) = served(audited);
    let bare = bare();
    let get = "GET /hello HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    let mut asked = 0;
    for size in [5, 100_000] {
        for chunked in [false, true] {
            let framing = match chunked {
                true => "transfer-encoding: chunked".to_owned(),
                false => format!("content-length: {size}"),
            };
            let body = match chunked {
                true => format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size)),
                false => "x".repeat(size),
            };
            let head = format!("POST /ignore HTTP/1.1\r\nhost: test\r\n{framing}\r\n\r\n");
            let mut heads = Vec::new();
            for server in [&server, &bare] {
                // The body comes when the handler is done with it.
                let mut connection = server.connect().await;
                connection.send(&head).await;
                let first = connection.read_until("ignored").await;
                let _ = connection.0.write_all((body.clone() + get).as_bytes()).await;
                let rest = connection.rest().await;
                let said = audit_tests::wire::Said::new(first.as_bytes()).shown();
                heads.push((said, rest.status(), rest.header("content-length").is_some()));
            }
            assert_eq!(heads[0], heads[1], "{size} {chunked}");
            asked += if heads[0].1 == 200 { 2 } else { 1 };
            let found = endings(audited).await;
            assert_eq!(found.len(), asked);
            assert!(found.contains(&completed(7)));
        }
    }
}

#[actix_web::test]
async fn actix_asks_for_the_body_itself() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    for (path, body) in [("/echo", "hello"), ("/ignore", "ignored")] {
        let mut connection = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\n");
        connection.send(&(head + "content-length: 5\r\n\r\n")).await;
        let first = connection.read_until("\r\n\r\n").await;
        assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\n");
        connection.send("hello").await;
        let answer = connection.read_until(body).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let found = endings(&audited).await;
        assert_eq!(*found.last().unwrap(), completed(body.len() as u64));
    }
}

#[actix_web::test]
async fn head_and_chunked_requests() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    let answer = server.ask("HEAD /hello", "", "").await;
    assert_eq!((answer.header("content-length"), &*answer.body), (Some("5"), ""));
    let chunked = "transfer-encoding: chunked\r\n";
    let answer = server.ask("POST /echo", chunked, "5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!(answer.body, "hello");
    let entries = audited.records().await;
    assert_eq!(endings(&audited).await, [completed(0), completed(5)]);
    assert_eq!(entries[1].request().unwrap().size, None, "nobody declared one");
}

#[actix_web::test]
async fn the_client_resets_while_the_body_is_sent() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    let mut connection = server.connect().await;
    connection.get("/endless").await;
    connection.read_until("xxx").await;
    assert_eq!(audited.auditor.counters().in_flight, 1);
    connection.reset();
    let ending = Ending::of(&audited.one().await);
    assert!(ending.size.unwrap() >= 65_536);
    assert_eq!(ending, Ending::in_body(Outcome::Cancelled, ending.size.unwrap()));
}

#[actix_web::test]
async fn the_client_resets_while_the_handler_waits() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    let mut connection = server.connect().await;
    connection.get("/slow").await;
    audited.started(1).await;
    connection.reset();
    assert_eq!(endings(&audited).await, [Ending::headless(Outcome::Cancelled)]);
}

#[actix_web::test]
async fn the_client_says_that_it_will_send_no_more() {
    let audited = Audited::new();
    let (server, gate) = served(&audited);
    let mut connection = server.connect().await;
    connection.get("/slow").await;
    audited.started(1).await;
    connection.0.shutdown().await.unwrap();
    // Another request goes all its way meanwhile. To actix half a connection is one.
    assert_eq!(server.get("/hello").await.body, "hello");
    gate.add_permits(1);
    assert_eq!(connection.rest().await.body, "slow");
    assert_eq!(endings(&audited).await, [completed(5), completed(4)]);
}

#[actix_web::test]
async fn a_stream_in_flight_ends_with_a_graceful_stop() {
    let audited = Audited::new();
    let (server, gate) = served(&audited);
    let mut connection = server.connect().await;
    connection.get("/stream").await;
    connection.read_until("hello\r\n").await;
    let addr = server.addr;
    let stopped = rt::spawn(server.stop(true));
    // It takes nobody in any more, and goes on with whom it has.
    let deadline = std::time::Instant::now() + audit_tests::audited::PATIENCE;
    while TcpStream::connect(addr).await.is_ok() {
        assert!(std::time::Instant::now() < deadline);
        rt::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!((stopped.is_finished(), audited.auditor.counters().in_flight), (false, 1));
    gate.add_permits(4);
    assert_eq!(connection.rest().await.head, "5\r\nhello\r\n".repeat(4) + "0");
    stopped.await.unwrap();
    assert_eq!(endings(&audited).await, [completed(25)]);
}

#[actix_web::test]
async fn a_stream_in_flight_is_cancelled_by_a_stop_at_once() {
    let audited = Audited::new();
    let (server, _gate) = served(&audited);
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    one.get("/stream").await;
    one.read_until("hello\r\n").await;
    two.get("/slow").await;
    audited.started(2).await;
    server.stop(false).await;
    let mut found = endings(&audited).await;
    found.sort_by_key(|ending| ending.size);
    let headless = Ending::headless(Outcome::Cancelled);
    assert_eq!(found, [headless, Ending::in_body(Outcome::Cancelled, 5)]);
}

#[actix_web::test]
async fn a_websocket() {
    let audited = Audited::new();
    let (server, _) = served(&audited);
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let uri = format!("ws://{}/ws", server.addr);
    let (mut socket, response) = tokio_tungstenite::client_async(uri, stream).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    let expected =
        Ending { outcome: Outcome::Upgraded, phase: None, status: Some(101), size: None };
    let said = Message::text("password=hunter2");
    for _ in 0..2 {
        socket.send(said.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), said);
        // While the socket is open.
        let entry = audited.one().await;
        assert_eq!(Ending::of(&entry), expected);
        assert_eq!((entry.level, entry.success), (Some(Level::Info), Some(true)));
    }
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    assert_eq!(Ending::of(&audited.one().await), expected);

    // What is refused is an answer like any other.
    let answer = server.ask("GET /ws", "", "").await;
    assert_eq!(answer.status(), 400);
    let size = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(endings(&audited).await[1], Ending::completed(400, size));
}
