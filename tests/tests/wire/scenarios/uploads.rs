//! Requests with a body.

use audit_core::Entry;

use super::{Answer, CLOSE, Expected, OK, Scenario, Step, got, posted};
use crate::pair::Framework::Actix;

pub(super) fn all() -> Vec<Scenario> {
    let order = r#"{"item":"tea"}"#;
    let json = format!("{CLOSE}content-type: application/json\r\n");
    let login = |password: &str| {
        let body = format!(r#"{{"username":"ann","password":"{password}"}}"#);
        format!("POST /login HTTP/1.1\r\n{json}content-length: {}\r\n\r\n{body}", body.len())
    };
    let chunked = "transfer-encoding: chunked\r\n";
    let expect = "expect: 100-continue\r\n";
    let large = "x".repeat(20_000);
    vec![
        Scenario::new(
            "echo of a body with a length",
            format!(
                "POST /echo HTTP/1.1\r\n{CLOSE}content-type: x/y\r\ncontent-length: 4\r\n\r\nabcd"
            ),
            OK,
        )
        .holds("content-type: x/y\r\n")
        .holds("\r\n\r\nabcd")
        .leaves(posted("/echo", 4, 200, 4)),
        Scenario::new(
            "echo of a body in chunks",
            format!("POST /echo HTTP/1.1\r\n{CLOSE}{chunked}\r\n3\r\nabc\r\n"),
            OK,
        )
        .then_send("4;ext=1\r\ndefg\r\n0\r\n\r\n")
        .holds("\r\n\r\nabcdefg")
        .leaves(Expected { counted: Some(7), ..posted("/echo", None, 200, 7) }),
        Scenario::new(
            "order",
            format!("POST /orders HTTP/1.1\r\n{json}content-length: 14\r\n\r\n{order}"),
            "HTTP/1.1 201 ",
        )
        .holds(r#"{"id":"o-1","order":{"item":"tea"}}"#)
        .leaves(posted("/orders", 14, 201, 35)),
        Scenario::new("login", login("s"), OK)
            .holds("set-cookie: session=8f14e45fceea167a; HttpOnly; Path=/\r\n")
            .leaves(Expected { also: logged_in, ..posted("/login", 33, 200, 30) }),
        Scenario::new("login that fails", login("wrong"), "HTTP/1.1 401 ")
            .leaves(posted("/login", 37, 401, 0)),
        Scenario::new(
            "upload read to its end",
            format!("POST /upload HTTP/1.1\r\n{CLOSE}content-length: 20000\r\n\r\n{large}"),
            OK,
        )
        .holds(r#"{"bytes":20000,"sha256":""#)
        .leaves(posted("/upload", 20_000, 200, 91)),
        Scenario::new(
            "continue",
            format!("POST /echo HTTP/1.1\r\n{CLOSE}{expect}content-length: 4\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ",
        )
        .then(Step::Head)
        .then_send("abcd")
        .leaves(posted("/echo", 4, 200, 4)),
        Scenario::new(
            "no continue for what is rejected",
            format!("POST /reject HTTP/1.1\r\n{CLOSE}{expect}content-length: 100000\r\n\r\n"),
            "HTTP/1.1 401 ",
        )
        .lacks("100 Continue")
        .leaves(posted("/reject", 100_000, 401, 8))
        .but(
            Actix,
            "100-continue",
            Answer::new("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 ")
                .leaves(posted("/reject", 100_000, 401, 8)),
        ),
        Scenario::new(
            "connection used again after an upload that was not read",
            "POST /ignore HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n12345",
            OK,
        )
        .then(Step::Answer)
        .then_send(format!("GET /hello HTTP/1.1\r\n{CLOSE}\r\n"))
        .holds("\r\n\r\nignoredHTTP/1.1 200 ")
        .leaves(posted("/ignore", 5, 200, 7))
        .leaves(got("/hello", 200, 5))
        .but(
            Actix,
            "uploads that were not read",
            Answer::new(OK)
                .holds("connection: close\r\n")
                .lacks("hello")
                .leaves(posted("/ignore", 5, 200, 7)),
        ),
        Scenario::new(
            "large upload that was not read",
            format!("POST /ignore HTTP/1.1\r\nhost: h\r\ncontent-length: 2000000\r\n\r\n{large}"),
            OK,
        )
        .leaves(posted("/ignore", 2_000_000, 200, 7)),
        Scenario::new(
            "too large by its length",
            format!("POST /limit HTTP/1.1\r\n{CLOSE}content-length: 20000\r\n\r\n{large}"),
            "HTTP/1.1 413 ",
        )
        .leaves(posted("/limit", 20_000, 413, 56))
        .but(
            Actix,
            "refusals of bodies",
            Answer::new("HTTP/1.1 413 ").leaves(posted("/limit", 20_000, 413, 26)),
        ),
        Scenario::new(
            "too large in chunks",
            format!("POST /limit HTTP/1.1\r\n{CLOSE}{chunked}\r\n4e20\r\n{large}\r\n0\r\n\r\n"),
            "HTTP/1.1 413 ",
        )
        .leaves(posted("/limit", None, 413, 56))
        .but(
            Actix,
            "refusals of bodies",
            Answer::new("HTTP/1.1 413 ").leaves(posted("/limit", None, 413, 26)),
        ),
    ]
}

fn logged_in(entry: &Entry) {
    assert_eq!(entry.actor().and_then(|actor| actor.user.as_deref()), Some("ann"));
    let headers = entry.response().and_then(|response| response.headers.as_ref());
    let cookies = &headers.expect("headers")["set-cookie"];
    assert_eq!(cookies.len(), 1);
    assert!(!cookies[0].contains("8f14e45fceea167a"), "{cookies:?}");
}
