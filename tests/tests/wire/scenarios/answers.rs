//! Answers of every kind, and what follows their head.

use super::{Answer, CLOSE, Expected, OK, Scenario, get, got};
use crate::pair::Framework::Actix;

pub(super) fn all() -> Vec<Scenario> {
    [answers(), bodies()].into_iter().flatten().collect()
}

fn answers() -> Vec<Scenario> {
    let long_head = format!("HEAD /hello HTTP/1.1\r\n{CLOSE}\r\n");
    let delete = format!("DELETE /hello HTTP/1.1\r\n{CLOSE}\r\n");
    vec![
        get("text", "/hello", OK).holds("\r\n\r\nhello").leaves(got("/hello", 200, 5)),
        get("json", "/json?bytes=5000", OK)
            .holds("content-length: 5000\r\n")
            .leaves(got("/json", 200, 5000)),
        Scenario::new("head", long_head, OK)
            .holds("content-length: 5\r\n")
            .lacks("hello")
            .leaves(Expected { method: "HEAD", ..got("/hello", 200, 0) }),
        get("no content", "/status/204", "HTTP/1.1 204 ")
            .lacks("content-length")
            .leaves(Expected { route: Some("/status/{code}"), ..got("/status/204", 204, 0) }),
        get("not modified", "/status/304", "HTTP/1.1 304 ")
            .leaves(Expected { route: Some("/status/{code}"), ..got("/status/304", 304, 0) }),
        get("server error", "/status/503", "HTTP/1.1 503 ")
            .leaves(Expected { route: Some("/status/{code}"), ..got("/status/503", 503, 0) }),
        get("not found", "/nothing/here", "HTTP/1.1 404 ")
            .leaves(Expected { route: None, ..got("/nothing/here", 404, 0) }),
        Scenario::new("method not allowed", delete, "HTTP/1.1 405 ")
            .leaves(Expected { method: "DELETE", ..got("/hello", 405, 0) }),
        get("route in a nested router", "/nested/x/items/y", OK)
            .holds(r#"{"a":"x","b":"y"}"#)
            .leaves(Expected {
                route: Some("/nested/{a}/items/{b}"),
                ..got("/nested/x/items/y", 200, 17)
            }),
        get("handler error", "/error", "HTTP/1.1 500 ")
            .holds("failed")
            .leaves(got("/error", 500, 6)),
        get("early return of a middleware", "/error/middleware", "HTTP/1.1 401 ")
            .holds("refused")
            .leaves(got("/error/middleware", 401, 7))
            .but(
                Actix,
                "errors of inner middleware",
                Answer::new("HTTP/1.1 401 ").holds("refused").leaves(Expected {
                    route: None,
                    response_size: None,
                    ..got("/error/middleware", 401, 0)
                }),
            ),
        get("metadata of a spawned task", "/spawn", OK).leaves(Expected {
            also: |entry| assert_eq!(entry.metadata("spawned"), Some("true")),
            ..got("/spawn", 200, 7)
        }),
        Scenario { excluded: 1, ..get("excluded path", "/health", OK) },
        Scenario { excluded: 1, ..get("excluded extension", "/assets/app.css", OK) },
    ]
}

fn bodies() -> Vec<Scenario> {
    let old = "GET /stream?chunks=3&size=10 HTTP/1.0\r\n\r\n";
    let trailers = format!("GET /trailers HTTP/1.1\r\nte: trailers\r\n{CLOSE}\r\n");
    vec![
        get("stream without a length", "/stream?chunks=5&size=1000&delay_ms=5", OK)
            .holds("transfer-encoding: chunked\r\n")
            .holds("\r\nxxx")
            .holds("\r\n0\r\n\r\n")
            .leaves(got("/stream", 200, 5000)),
        get("stream with a length", "/stream?chunks=5&size=1000&delay_ms=5&length=1", OK)
            .holds("content-length: 5000\r\n")
            .lacks("chunked")
            .leaves(got("/stream", 200, 5000)),
        get("large stream", "/stream?chunks=64&size=65536", OK).leaves(got(
            "/stream",
            200,
            64 * 65536,
        )),
        get("empty stream", "/stream?chunks=0", OK)
            .holds("\r\n\r\n0\r\n\r\n")
            .leaves(got("/stream", 200, 0)),
        Scenario::new("stream to HTTP/1.0", old, "HTTP/1.0 200 ")
            .lacks("chunked")
            .holds("\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
            .leaves(Expected {
                also: |entry| {
                    let version = entry.request().and_then(|request| request.version.as_deref());
                    assert_eq!(version, Some("HTTP/1.0"));
                },
                ..got("/stream", 200, 30)
            })
            .but(
                Actix,
                "streams to HTTP/1.0",
                Answer::new("HTTP/1.0 200 ")
                    .holds("transfer-encoding: chunked\r\n")
                    .holds("\r\nA\r\nxxxxxxxxxx\r\nA\r\n")
                    .leaves(got("/stream", 200, 30)),
            ),
        get("events", "/sse?events=3&delay_ms=5", OK)
            .holds("content-type: text/event-stream\r\n")
            .holds("data: event 2\n\n")
            .leaves(got("/sse", 200, 45)),
        get("gzip", "/gzip", OK)
            .holds("content-encoding: gzip\r\n")
            .holds(b"\x1f\x8b\x08")
            .leaves(got("/gzip", 200, 58)),
        Scenario::new("trailers", trailers, OK)
            .holds("0\r\nx-checksum: 5d41402a\r\n\r\n")
            .leaves(got("/trailers", 200, 5))
            .but(Actix, "trailers", no_trailers()),
        get("trailers nobody asked for", "/trailers", OK)
            .holds("\r\n0\r\n\r\n")
            .leaves(got("/trailers", 200, 5))
            .but(Actix, "trailers", no_trailers()),
    ]
}

fn no_trailers() -> Answer {
    Answer::new("HTTP/1.1 501 ").leaves(got("/trailers", 501, 0))
}
