//! Who asks and what happened, told from inside and outside of the handler.

use audit_core::Entry;
use audit_tests::audited::Audited;
use audit_tower::{AuditContext, Identity, InAuditContext, hook::RequestView, in_audit_context};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

async fn ask(app: Router, request: Request) -> String {
    let response = app.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn request(path: &str) -> Request {
    Request::get(path).header("x-user", "eve").body(Body::empty()).unwrap()
}

fn user(entry: &Entry) -> Option<&str> {
    entry.actor().and_then(|actor| actor.user.as_deref())
}

#[tokio::test]
async fn an_identity_is_read_from_extensions() {
    async fn authenticate(request: Request, next: Next) -> Response {
        let told = request.uri().path() == "/inner";
        let mut response = next.run(request).await;
        if told {
            response.extensions_mut().insert(Identity::new().user("inner").user_id("1"));
        }
        response
    }
    let audited = Audited::new();
    let named = async |audit: AuditContext| {
        audit.user("handler");
    };
    let app = Router::new()
        .route("/inner", get(|| async {}))
        .route("/outer", get(|| async {}))
        .route("/handler", get(named))
        .layer(from_fn(authenticate))
        .layer(audited.axum());
    for path in ["/inner", "/outer", "/handler"] {
        let mut request = request(path);
        request.extensions_mut().insert(Identity::new().user("outer").roles(["r"]).tenant("acme"));
        ask(app.clone(), request).await;
    }
    // Never a header.
    ask(app, request("/outer")).await;
    let entries = audited.records().await;
    let users: Vec<_> = entries.iter().map(user).collect();
    assert_eq!(users, [Some("inner"), Some("outer"), Some("handler"), None]);
    let rest: Vec<_> = entries.iter().map(|entry| entry.tenant.as_deref()).collect();
    assert_eq!(rest, [None, Some("acme"), Some("acme"), None], "two identities are not mixed");
    assert_eq!(entries[0].actor().unwrap().user_id.as_deref(), Some("1"));
    assert_eq!(entries[2].actor().unwrap().roles, ["r"]);
}

#[tokio::test]
async fn a_request_that_gets_no_response_has_the_identity_it_came_with() {
    let audited = Audited::new();
    let app = Router::new()
        .route("/", get(async || std::future::pending::<()>().await))
        .layer(audited.axum());
    let mut request = request("/");
    request.extensions_mut().insert(Identity::new().user("ann"));
    let pending = app.oneshot(request);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(20), pending).await.is_err());
    assert_eq!(user(&audited.one().await), Some("ann"));
}

#[tokio::test]
async fn hooks_read_heads() {
    fn who(head: &RequestView<'_>, audit: &audit_tower::hook::AuditContext) {
        audit.user(head.header("x-user").unwrap()).metadata("route", head.route());
    }
    let audited = Audited::with(|settings| {
        settings.on_request(who).on_response(|head, audit| {
            audit.metadata("status", head.status()).metadata("type", head.header("content-type"));
        })
    });
    let app = Router::new().route("/{id}", get(|| async { "hello" })).layer(audited.axum());
    ask(app, request("/7")).await;
    let entry = audited.one().await;
    assert_eq!(user(&entry), Some("eve"));
    assert_eq!(entry.metadata("route"), Some("\"/{id}\""));
    assert_eq!(entry.metadata("status"), Some("200"));
    assert_eq!(entry.metadata("type"), Some("\"text/plain; charset=utf-8\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spawned_and_blocking_work_has_the_context_where_it_was_sent_along() {
    fn deep(key: &str, n: usize) {
        AuditContext::current().unwrap().metadata(key, n);
    }
    let handler = async |Path(n): Path<usize>, audit: AuditContext| {
        let task = async move {
            deep("task", n);
            tokio::task::yield_now().await;
            deep("after", n);
            // And on.
            tokio::spawn(async move { deep("inner", n) }.in_audit_context()).await.unwrap();
        };
        tokio::spawn(task.in_audit_context()).await.unwrap();
        tokio::task::spawn_blocking(in_audit_context(move || deep("blocking", n))).await.unwrap();
        let thread = std::thread::spawn(audit.wrap(move || deep("thread", n)));
        tokio::task::yield_now().await;
        thread.join().unwrap();
        tokio::spawn(async move { deep("given", n) }.with_audit_context(&audit)).await.unwrap();
    };
    let audited = Audited::new();
    let app = Router::new().route("/{n}", get(handler)).layer(audited.axum());
    let each = (0..50).map(|n| tokio::spawn(ask(app.clone(), request(&format!("/{n}")))));
    futures_util::future::join_all(each).await;
    let entries = audited.records().await;
    assert_eq!(entries.len(), 50);
    for entry in entries {
        let n = &entry.request().unwrap().path.as_deref().unwrap()[1..];
        for key in ["task", "after", "inner", "blocking", "thread", "given"] {
            assert_eq!(entry.metadata(key), Some(n), "{key}");
        }
    }
}

#[tokio::test]
async fn what_happened_is_told_in_full() {
    let handler = async |audit: AuditContext| {
        audit.company_id("CO-001").branch_id("BR-YGN").session("8f14e45f");
        audit.description("invoice posted").reference_no("SI-2026-0042");
        audit.entity("sales_invoice", "inv-42").amount("1250000.00", "mmk");
        let old = json!({"credit_limit": 500_000, "password": "a"});
        audit.change(old, json!({"credit_limit": 1_000_000, "password": "b"}));
        audit.error("the printer is out of paper");
    };
    let audited = Audited::new();
    let app = Router::new().route("/", get(handler)).layer(audited.axum());
    ask(app, request("/")).await;
    let entry = audited.one().await;
    let actor = entry.actor().unwrap();
    assert_eq!(actor.company_id.as_deref(), Some("CO-001"));
    assert_eq!(actor.branch_id.as_deref(), Some("BR-YGN"));
    assert!(actor.session.as_deref().unwrap().starts_with("s_"));
    let event = entry.event().unwrap();
    assert_eq!(event.description.as_deref(), Some("invoice posted"));
    assert_eq!(event.reference_no.as_deref(), Some("SI-2026-0042"));
    assert_eq!(event.entity_type.as_deref(), Some("sales_invoice"));
    assert_eq!(event.entity_id.as_deref(), Some("inv-42"));
    assert_eq!(
        (event.amount.as_deref(), event.currency.as_deref()),
        (Some("1250000.00"), Some("MMK"))
    );
    let change = entry.change().unwrap();
    let new = r#"{"credit_limit":1000000,"password":"[redacted]"}"#;
    assert_eq!(change.new.as_ref().unwrap().get(), new);
    let diff = change.diff.as_ref().unwrap();
    let paths: Vec<_> = diff.iter().map(|d| (&*d.op, &*d.path)).collect();
    assert_eq!(paths, [("replace", "/credit_limit"), ("replace", "/password")]);
    assert_eq!(diff[0].old.as_ref().unwrap().get(), "500000");
    let error = entry.error().unwrap();
    assert_eq!((error.kind.as_str(), error.phase), ("application", None));
    assert_eq!(error.message.as_deref(), Some("the printer is out of paper"));
    assert_eq!(entry.success, Some(true));
}
