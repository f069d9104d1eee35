//! What is special about a connection, or about a request's id.

use audit_core::{IdSource, Outcome};

use super::{CLOSE, Expected, OK, Scenario, Step, got};

pub(super) fn all() -> Vec<Scenario> {
    [connections(), identities()].into_iter().flatten().collect()
}

fn connections() -> Vec<Scenario> {
    let five: String = ["GET /users/1", "GET /users/2", "GET /users/3", "GET /users/4"]
        .map(|line| format!("{line} HTTP/1.1\r\nhost: h\r\n\r\n"))
        .concat();
    let user = |path| Expected { route: Some("/users/{id}"), ..got(path, 200, 10) };
    let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    vec![
        Scenario::new(
            "five requests at once",
            format!("{five}GET /users/5 HTTP/1.1\r\n{CLOSE}\r\n"),
            OK,
        )
        .holds(r#"{"id":"5"}"#)
        .leaves(user("/users/1"))
        .leaves(user("/users/2"))
        .leaves(user("/users/3"))
        .leaves(user("/users/4"))
        .leaves(user("/users/5")),
        Scenario::new("HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ")
            .leaves(got("/hello", 200, 5)),
        Scenario::new(
            "HTTP/1.0 with keep-alive",
            "GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
            "HTTP/1.0 200 ",
        )
        .then(Step::Answer)
        .then_send("GET /hello HTTP/1.0\r\n\r\n")
        .leaves(got("/hello", 200, 5))
        .leaves(got("/hello", 200, 5)),
        // The frames are masked with zeros: a text, then a close.
        Scenario::new(
            "web socket",
            format!("GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\n{upgrade}\r\n"),
            "HTTP/1.1 101 ",
        )
        .then(Step::Head)
        .then_send(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0")
        .holds("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
        .holds(b"\r\n\r\n\x81\x02hi\x88")
        .leaves(Expected {
            outcome: Outcome::Upgraded,
            response_size: None,
            ..got("/ws", 101, 0)
        }),
    ]
}

fn identities() -> Vec<Scenario> {
    let hello = |headers: &[u8]| {
        [b"GET /hello HTTP/1.1\r\n", CLOSE.as_bytes(), headers, b"\r\n\r\n"].concat()
    };
    let replaced = Expected { id_source: IdSource::Replaced, ..got("/hello", 200, 5) };
    vec![
        Scenario::new("request id of the client", hello(b"x-request-id: a.b:c/d=e+f-g_1"), OK)
            .leaves(Expected {
                id_source: IdSource::Inbound,
                also: |entry| {
                    let id = entry.request().and_then(|request| request.id.as_deref());
                    assert_eq!(id, Some("a.b:c/d=e+f-g_1"));
                },
                ..got("/hello", 200, 5)
            }),
        Scenario::new(
            "request id of 10 KB",
            hello(format!("x-request-id: {}", "z".repeat(10_240)).as_bytes()),
            OK,
        )
        .lacks("zzz")
        .leaves(Expected { flags: &["header_truncated"], ..replaced }),
        Scenario::new("two request ids", hello(b"x-request-id: a\r\nx-request-id: b"), OK)
            .leaves(replaced),
        Scenario::new("empty request id", hello(b"x-request-id: "), OK).leaves(replaced),
        Scenario::new("request id that is no text", hello(b"x-request-id: \xff\xfe"), OK)
            .leaves(Expected { flags: &["bytes_escaped"], ..replaced }),
        Scenario::new("header that is no text", hello(b"x-name: \x80\xc3(\xff"), OK)
            .leaves(Expected { flags: &["bytes_escaped"], ..got("/hello", 200, 5) }),
    ]
}
