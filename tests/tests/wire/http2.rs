//! HTTP/2 without TLS, spoken from the first byte: the answers with the layer and without, and
//! clients that reset a stream of a connection that goes on.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use audit_core::{Outcome, Phase};
use audit_tests::audited::PATIENCE;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};

use crate::{
    pair::{
        Audited,
        Framework::{self, Actix, Axum},
        Pair,
    },
    parity::alike,
};

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// A connection, and what drives it.
struct Client {
    runtime: Runtime,
    sender: SendRequest<Body>,
}

/// What came, with its headers but for the date and the request id.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    trailers: BTreeMap<String, String>,
    /// The body broke off.
    broken: bool,
}

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sender = runtime.block_on(async {
            let stream = TcpStream::connect(addr).await.expect("a connection");
            let (sender, connection) =
                handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender }
    }

    fn send(&mut self, method: &str, target: &str, body: Body) -> Option<Response<Incoming>> {
        let request = request(method, target, body);
        let sending = self.sender.send_request(request);
        let sent = self.wait(sending);
        sent.ok()
    }

    /// `None`: the stream was reset before there was an answer.
    fn ask(&mut self, method: &str, target: &str, body: Body) -> Option<Answer> {
        let (head, mut body) = self.send(method, target, body)?.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            headers: shown(&head.headers),
            body: Vec::new(),
            trailers: BTreeMap::new(),
            broken: false,
        };
        let reading = async {
            while let Some(frame) = body.frame().await {
                match frame.map(Frame::into_data) {
                    Ok(Ok(data)) => answer.body.extend_from_slice(&data),
                    Ok(Err(frame)) => {
                        answer.trailers = shown(&frame.into_trailers().expect("trailers"));
                    }
                    Err(_) => {
                        answer.broken = true;
                        break;
                    }
                }
            }
        };
        self.wait(reading);
        Some(answer)
    }

    fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(PATIENCE, what).await }).expect("in time")
    }
}

/// One request on a connection of its own: the status and the headers of what came back.
pub(crate) fn exchange(
    addr: SocketAddr,
    request: http::request::Builder,
    bytes: &str,
) -> Option<(u16, HeaderMap)> {
    let mut client = Client::connect(addr);
    let body = Full::new(Bytes::copy_from_slice(bytes.as_bytes())).boxed();
    let sending = client.sender.send_request(request.body(body).expect("a request"));
    let (head, body) = client.wait(sending).ok()?.into_parts();
    // To its end, so that it is not the client that ends it.
    let _ = client.wait(body.collect());
    Some((head.status.as_u16(), head.headers))
}

fn request(method: &str, target: &str, body: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri(format!("http://h{target}"));
    let json = target == "/orders";
    let request = if json { request.header("content-type", "application/json") } else { request };
    request.body(body).expect("a request")
}

fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    let kept =
        headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let text = |value: &http::HeaderValue| value.to_str().expect("a text").to_owned();
    kept.map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn body(bytes: &'static str) -> Body {
    Full::new(Bytes::from_static(bytes.as_bytes())).boxed()
}

fn body_without_a_length(bytes: &'static str) -> Body {
    let frames = [Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))];
    BodyExt::boxed(StreamBody::new(stream::iter(frames)))
}

#[test]
fn answers_and_records_are_the_same_over_http2() {
    let trailers = |framework| match framework {
        Axum => (200, 5),
        Actix => (501, 0),
    };
    alike(|framework, records| {
        let mut pair = Pair::start(framework, "full");
        let addrs = [pair.bare.addr, pair.audited.testbed.addr];
        let mut clients = addrs.map(Client::connect);
        let length = "{\"item\":\"tea\"}";
        for (name, method, target, (status, size)) in [
            ("h2: text", "GET", "/hello", (200, 5)),
            ("h2: head", "HEAD", "/hello", (200, 0)),
            ("h2: stream", "GET", "/stream?chunks=5&size=1000&delay_ms=5", (200, 5000)),
            ("h2: order", "POST", "/orders", (201, 35)),
            ("h2: echo without a length", "POST", "/echo", (200, 14)),
            ("h2: not found", "GET", "/nothing/here", (404, 0)),
            ("h2: trailers", "GET", "/trailers", trailers(framework)),
        ] {
            let [bare, audited] = clients.each_mut().map(|client| {
                let body = match target {
                    "/orders" => body(length),
                    "/echo" => body_without_a_length(length),
                    _ => body(""),
                };
                client.ask(method, target, body).expect("an answer")
            });
            assert_eq!(bare, audited, "{name}");
            assert_eq!((audited.status, audited.body.len()), (status, size), "{name}");
            assert!(!audited.broken, "{name}");
            let checksum = audited.trailers.get("x-checksum").map(String::as_str);
            let sent = target == "/trailers" && framework == Axum;
            assert_eq!(checksum, sent.then_some("5d41402a"), "{name}");

            let path = target.split('?').next().unwrap_or(target);
            let (record, json) = pair.audited.record_as_json(path);
            assert_eq!(record.outcome, Some(Outcome::Completed), "{name}");
            assert_eq!(record.status(), Some(status), "{name}");
            let (request, response) = (record.request(), record.response());
            let request = request.expect("a request");
            assert_eq!(response.and_then(|response| response.size), Some(size as u64), "{name}");
            assert_eq!(request.version.as_deref(), Some("HTTP/2"), "{name}");
            assert_eq!(request.host.as_deref(), Some("h"), "{name}");
            // Known where it was declared, where the framework tells that there is no body, or
            // where it was counted.
            let known = match (target, framework) {
                ("/orders" | "/echo", _) => Some(14),
                (_, Actix) => None,
                (_, Axum) => Some(0),
            };
            assert_eq!(request.size, known, "{name}");
            records.push((name, json));
        }
        drop(clients);
        pair.end(0);
    });
}

#[test]
fn many_streams_of_one_connection_leave_a_record_each() {
    for framework in Framework::ALL {
        let mut audited = Audited::start(framework, "metadata");
        let mut client = Client::connect(audited.testbed.addr);
        let asked = (0..50).map(|n| {
            let target = if n % 5 == 0 { "/health".to_owned() } else { format!("/users/{n}") };
            client.sender.send_request(request("GET", &target, body("")))
        });
        let asked: Vec<_> = asked.collect();
        let all = futures_util::future::join_all(asked);
        let answers = client.wait(all);
        assert!(answers.iter().flatten().all(|answer| answer.status() == 200));
        // The end of a body may come after all heads: a body nobody wants is reset.
        for answer in answers {
            let body = answer.expect("an answer").into_body();
            client.wait(body.collect()).expect("a body");
        }
        let records = audited.trail.requests(40);
        let all = records.iter().all(|record| record.outcome == Some(Outcome::Completed));
        assert!(all, "{framework:?}");
        let mut paths: Vec<_> = records.iter().filter_map(|r| r.request()?.path.clone()).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 40, "{framework:?}");
        drop(client);
        audited.end(0);
    }
}

#[test]
fn a_panic_is_answered_over_http2() {
    alike(|framework, records| {
        let mut pair = Pair::start(framework, "full");
        let addrs = [pair.bare.addr, pair.audited.testbed.addr];
        let [mut bare, mut audited] = addrs.map(Client::connect);
        assert_eq!(bare.ask("GET", "/panic", body("")), None, "without the layer there is none");
        let answer = audited.ask("GET", "/panic", body("")).expect("an answer");
        assert_eq!((answer.status, &answer.body[..], answer.broken), (500, &b""[..], false));
        let (record, json) = pair.audited.record_as_json("/panic");
        assert_eq!(record.outcome, Some(Outcome::Panicked));
        records.push(("h2: panic", json));

        // A panic may have ended the connection.
        bare = Client::connect(pair.bare.addr);
        let answers = [&mut bare, &mut audited]
            .map(|client| client.ask("GET", "/panic/body", body("")).expect("a head"));
        for answer in &answers {
            assert_eq!((answer.status, &answer.body[..]), (200, &b"first"[..]));
            assert!(answer.broken, "an end that looks clean");
        }
        let (record, json) = pair.audited.record_as_json("/panic/body");
        assert_eq!(record.outcome, Some(Outcome::Panicked));
        records.push(("h2: panic in the body", json));
        drop((bare, audited));
        pair.end(2);
    });
}

#[test]
fn a_client_that_resets_a_stream() {
    alike(|framework, records| {
        let mut audited = Audited::start(framework, "full");
        let mut client = Client::connect(audited.testbed.addr);
        // Nobody waits for the answer any more: the client resets the stream. axum ends the
        // handler then, actix lets it come to its end.
        let target = match framework {
            Axum => "/slow?ms=60000",
            Actix => "/slow?ms=400",
        };
        let asked = client.sender.send_request(request("GET", target, body("")));
        let waited = Duration::from_millis(100);
        client.runtime.block_on(async { timeout(waited, asked).await }).expect_err("no answer");
        let (record, mut json) = audited.record_as_json("/slow");
        let phase = record.error().and_then(|error| error.phase);
        let took = record.duration_ms.expect("a time");
        match framework {
            Axum => {
                assert_eq!((record.outcome, record.status()), (Some(Outcome::Cancelled), None));
                assert!(phase == Some(Phase::Handler) && took < 10_000.0, "{phase:?}, {took} ms");
            }
            Actix => {
                assert_eq!(
                    (record.outcome, record.status()),
                    (Some(Outcome::Completed), Some(200))
                );
                assert!(phase.is_none() && took >= 400.0, "{phase:?}, {took} ms");
            }
        }
        json["request"]["query"].take();
        records.push(("h2: reset in the handler", json));

        let target = "/stream?chunks=1000000&size=1000&delay_ms=1";
        let mut stream = client.send("GET", target, body("")).expect("a head").into_body();
        assert!(matches!(client.wait(stream.frame()), Some(Ok(_))));
        drop(stream);
        let (record, json) = audited.record_as_json("/stream");
        assert_eq!(record.outcome, Some(Outcome::Cancelled));
        assert_eq!(record.error().and_then(|error| error.phase), Some(Phase::ResponseBody));
        assert_eq!(record.status(), Some(200));
        records.push(("h2: reset in the body", json));

        // The connection is as good as before.
        assert_eq!(client.ask("GET", "/hello", body("")).map(|answer| answer.status), Some(200));
        audited.record("/hello");
        drop(client);
        audited.end(0);
    });
}
