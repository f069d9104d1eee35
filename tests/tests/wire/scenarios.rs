//! The scenarios: what is sent, what comes back, which records it leaves. The same for every
//! framework.

use audit_core::{Entry, IdSource, Outcome};

/// One conversation on a connection of its own.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// How the answers begin.
    begins: &'static str,
    holds: Vec<&'static [u8]>,
    lacks: Vec<&'static [u8]>,
    /// The records it leaves, in order.
    pub(crate) records: Vec<Expected>,
    /// How many requests leave none.
    pub(crate) excluded: usize,
}

pub(crate) enum Step {
    Send(Vec<u8>),
    /// Read the head of an answer.
    Head,
    /// Read an answer with its body.
    Answer,
}

/// What a record has to say.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) route: Option<&'static str>,
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    pub(crate) request_size: Option<u64>,
    pub(crate) response_size: Option<u64>,
    pub(crate) id_source: IdSource,
    pub(crate) flags: &'static [&'static str],
    pub(crate) also: fn(&Entry),
}

/// A request by GET without a body, answered with so many bytes.
fn got(path: &'static str, status: u16, size: u64) -> Expected {
    Expected {
        method: "GET",
        path,
        route: Some(path),
        status,
        outcome: Outcome::Completed,
        request_size: Some(0),
        response_size: Some(size),
        id_source: IdSource::Generated,
        flags: &[],
        also: |_| {},
    }
}

/// A request by POST with a body of so many bytes.
fn posted(path: &'static str, sent: impl Into<Option<u64>>, status: u16, size: u64) -> Expected {
    Expected { method: "POST", request_size: sent.into(), ..got(path, status, size) }
}

impl Scenario {
    /// One request, which is sent at once; the server closes after it.
    fn new(name: &'static str, request: impl AsRef<[u8]>, begins: &'static str) -> Self {
        Self {
            name,
            steps: vec![Step::Send(request.as_ref().to_vec())],
            begins,
            holds: Vec::new(),
            lacks: Vec::new(),
            records: Vec::new(),
            excluded: 0,
        }
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn then_send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().to_vec()))
    }

    fn holds(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.holds.push(part.as_ref());
        self
    }

    fn lacks(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.lacks.push(part.as_ref());
        self
    }

    fn leaves(mut self, record: Expected) -> Self {
        self.records.push(record);
        self
    }

    /// Whether what came back is what the scenario is about.
    pub(crate) fn check(&self, said: &audit_tests::wire::Said) {
        assert!(
            said.bytes.starts_with(self.begins.as_bytes()),
            "it does not begin {}",
            self.begins
        );
        for part in &self.holds {
            assert!(said.holds(part), "`{}` is missing", part.escape_ascii());
        }
        for part in &self.lacks {
            assert!(!said.holds(part), "`{}` is there", part.escape_ascii());
        }
    }
}

const CLOSE: &str = "host: h\r\nconnection: close\r\n";
const OK: &str = "HTTP/1.1 200 ";

fn get(name: &'static str, target: &str, begins: &'static str) -> Scenario {
    Scenario::new(name, format!("GET {target} HTTP/1.1\r\n{CLOSE}\r\n"), begins)
}

pub(crate) fn all() -> Vec<Scenario> {
    let mut all = answers();
    all.extend(bodies());
    all.extend(uploads());
    all.extend(connections());
    all.extend(identities());
    all
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
            .leaves(got("/error/middleware", 401, 7)),
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
            }),
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
            .leaves(got("/trailers", 200, 5)),
        get("trailers nobody asked for", "/trailers", OK).holds("\r\n0\r\n\r\n").leaves(got(
            "/trailers",
            200,
            5,
        )),
    ]
}

fn uploads() -> Vec<Scenario> {
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
        .leaves(posted("/echo", None, 200, 7)),
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
        .leaves(posted("/reject", 100_000, 401, 8)),
        Scenario::new(
            "connection used again after an upload that was not read",
            "POST /ignore HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n12345",
            OK,
        )
        .then(Step::Answer)
        .then_send(format!("GET /hello HTTP/1.1\r\n{CLOSE}\r\n"))
        .holds("\r\n\r\nignoredHTTP/1.1 200 ")
        .leaves(posted("/ignore", 5, 200, 7))
        .leaves(got("/hello", 200, 5)),
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
        .leaves(Expected { response_size: None, ..posted("/limit", 20_000, 413, 0) }),
        Scenario::new(
            "too large in chunks",
            format!("POST /limit HTTP/1.1\r\n{CLOSE}{chunked}\r\n4e20\r\n{large}\r\n0\r\n\r\n"),
            "HTTP/1.1 413 ",
        )
        .leaves(Expected { response_size: None, ..posted("/limit", None, 413, 0) }),
    ]
}

fn logged_in(entry: &Entry) {
    assert_eq!(entry.actor().and_then(|actor| actor.user.as_deref()), Some("ann"));
    let headers = entry.response().and_then(|response| response.headers.as_ref());
    let cookies = &headers.expect("headers")["set-cookie"];
    assert_eq!(cookies.len(), 1);
    assert!(!cookies[0].contains("8f14e45fceea167a"), "{cookies:?}");
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
