//! What the shop is asked, and what there is to see in the record of it. The same at every run.

/// One request and its answer.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Its request id begins with it.
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: Option<&'static str>,
    pub(super) route: Option<&'static str>,
    /// The last number of the client's address.
    pub(super) client: u8,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
    pub(super) user: Option<&'static str>,
    pub(super) status: u16,
    pub(super) answer_headers: &'static [(&'static str, &'static str)],
    pub(super) answer: &'static str,
    pub(super) how: How,
    /// What its record shows.
    pub(super) says: &'static str,
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Answered,
    /// After so many milliseconds.
    Slowly(u64),
    /// The client is gone after half of the answer.
    ClientLeaves,
    /// The handler panics with this message.
    Panics(&'static str),
    /// The body is so many times as long.
    Uploads(usize),
}

const JSON: (&str, &str) = ("content-type", "application/json");
const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");

const GET: Step = Step {
    name: "",
    method: "GET",
    path: "/",
    query: None,
    route: None,
    client: 10,
    headers: &[BROWSER],
    body: "",
    user: None,
    status: 200,
    answer_headers: &[JSON],
    answer: "",
    how: How::Answered,
    says: "",
};

const POST: Step = Step { method: "POST", headers: &[JSON, BROWSER], status: 201, ..GET };

/// The path that is excluded from the audit.
pub(super) const HEALTH: &str = "/health";

pub(super) const STEPS: [Step; 12] = [
    Step {
        name: "list",
        path: "/orders",
        query: Some("page=2"),
        route: Some("/orders"),
        user: Some("ann"),
        answer: r#"[{"id":7,"item":"tea","quantity":2}]"#,
        says: "one line a request: when, status, what, how long, who, from where, request id",
        ..GET
    },
    Step {
        name: "login",
        path: "/login",
        route: Some("/login"),
        body: r#"{"username":"ann","password":"hunter2"}"#,
        user: Some("ann"),
        status: 200,
        answer_headers: &[JSON, ("set-cookie", "sid=hunter2-session; HttpOnly")],
        answer: r#"{"token":"hunter2-token"}"#,
        says: "both bodies are recorded; the password, the token and the cookie are masked in them",
        ..POST
    },
    Step {
        name: "order",
        path: "/orders",
        route: Some("/orders"),
        headers: &[JSON, BROWSER, ("authorization", "Bearer hunter2-bearer")],
        body: r#"{"item":"tea","quantity":2}"#,
        user: Some("ann"),
        answer: r#"{"id":8,"item":"tea","quantity":2}"#,
        says: "the handler added who (user, tenant) and what (module, action) to this one",
        ..POST
    },
    Step {
        name: "guess",
        path: "/login",
        route: Some("/login"),
        client: 66,
        body: r#"{"username":"admin","password":"hunter2-guess"}"#,
        user: Some("admin"),
        status: 401,
        answer: r#"{"error":"no such user or password"}"#,
        says: "a failed login is a record too: level warning, success false",
        ..POST
    },
    Step {
        name: "health",
        path: HEALTH,
        answer: r#"{"ok":true}"#,
        says: "GET /health was answered too. It is excluded by the settings: no record, but counted",
        ..GET
    },
    Step {
        name: "token",
        path: "/orders/99",
        query: Some("token=hunter2-query"),
        route: Some("/orders/{id}"),
        status: 404,
        answer: r#"{"error":"no such order"}"#,
        says: "a token was in the query, where proxies would log it; the record has [redacted]",
        ..GET
    },
    Step {
        name: "report",
        path: "/reports/sales",
        route: Some("/reports/{name}"),
        client: 21,
        user: Some("bob"),
        answer: r#"{"rows":1204}"#,
        how: How::Slowly(350),
        says: "a slow one: the record has the time to the head of the answer and to its end",
        ..GET
    },
    Step {
        name: "export",
        path: "/export.json",
        route: Some("/export.json"),
        client: 21,
        user: Some("bob"),
        answer: r#"[{"id":1,"item":"tea"},{"id":2,"item":"cups"},{"id":3,"item":"a kettle"}]"#,
        how: How::ClientLeaves,
        says: "nobody waited for the end of the answer; it is recorded, and in which phase it was",
        ..GET
    },
    Step {
        name: "payment",
        path: "/payments",
        route: Some("/payments"),
        body: r#"{"order":8,"card_number":"4242424242424242","cvv":"737","amount":"12.50"}"#,
        user: Some("ann"),
        answer: r#"{"paid":true}"#,
        says: "card number and code are masked by their names; amounts stay as they were sent",
        ..POST
    },
    Step {
        name: "panic",
        path: "/checkout",
        route: Some("/checkout"),
        body: r#"{"order":8}"#,
        user: Some("ann"),
        status: 500,
        how: How::Panics("the bank said no: password=hunter2-panic"),
        says: "the handler panicked: the client got a 500, the message went through the masker",
        ..POST
    },
    Step {
        name: "forbidden",
        method: "DELETE",
        path: "/orders/7",
        route: Some("/orders/{id}"),
        client: 21,
        user: Some("bob"),
        status: 403,
        answer: r#"{"error":"not yours"}"#,
        says: "who tried what he may not do is what an audit trail is for",
        ..GET
    },
    Step {
        name: "upload",
        path: "/products/import",
        route: Some("/products/import"),
        user: Some("ann"),
        body: r#"{"item":"tea","price":"3.20"},"#,
        answer: r#"{"imported":1000}"#,
        how: How::Uploads(1000),
        says: "a long body: the shop got all of it, the record the first 8 KiB, `truncated`",
        ..POST
    },
];
