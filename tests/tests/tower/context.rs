//! What the application adds to its record, and what the layer knows by itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use audit_core::{Capture, Entry};
use audit_tests::{
    audited::{Audited, Ending, PATIENCE},
    server::Server,
};
use audit_tower::AuditContext;
use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    http::StatusCode,
    middleware,
    response::Response,
    routing::get,
};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};
use tower_layer::Layer;

async fn ask<S>(service: S, path: &str) -> (StatusCode, String)
where
    S: Service<Request, Response = Response, Error: std::fmt::Debug>,
{
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn route(entry: &Entry) -> Option<&str> {
    entry.request().unwrap().route.as_deref()
}

#[tokio::test]
async fn a_handler_says_who_and_what() {
    async fn create(audit: AuditContext) -> StatusCode {
        audit.user("ann").user_id("42").roles(["manager"]).tenant("acme").module("sales");
        audit.action("create").metadata("items", 3).metadata("password", "hunter2");
        StatusCode::CREATED
    }
    let audited = Audited::new();
    let app = Router::new().route("/orders", get(create)).layer(audited.axum());
    assert_eq!(ask(app, "/orders").await.0, 201);
    let entry = audited.one().await;
    let actor = entry.actor().unwrap();
    assert_eq!(actor.user.as_deref(), Some("ann"));
    assert_eq!((actor.user_id.as_deref(), &actor.roles[..]), (Some("42"), &["manager".into()][..]));
    assert_eq!((entry.tenant.as_deref(), entry.module.as_deref()), (Some("acme"), Some("sales")));
    assert_eq!(entry.action.as_deref(), Some("create"));
    assert_eq!(entry.metadata("items"), Some("3"));
    assert_eq!(entry.metadata("password"), Some("\"[redacted]\""));
}

#[tokio::test]
async fn middleware_and_plain_services_find_it_in_the_extensions() {
    let audited = Audited::new();
    let middle = middleware::from_fn(|request: Request, next: middleware::Next| async move {
        AuditContext::of(request.extensions()).unwrap().user("ann");
        next.run(request).await
    });
    let stack = tower::ServiceBuilder::new().layer(audited.axum()).layer(middle);
    let app = Router::new().route("/", get(|| async {})).layer(stack);
    ask(app, "/").await;
    assert_eq!(audited.one().await.actor().unwrap().user.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_spawned_task_adds_until_the_end_and_not_after() {
    let audited = Audited::new();
    let (end, ended) = tokio::sync::watch::channel(false);
    let done = Arc::new(AtomicBool::new(false));
    let after = done.clone();
    let handler = async move |audit: AuditContext| {
        let early = audit.clone();
        tokio::spawn(async move {
            early.metadata("early", true).user("ann").tenant("acme");
        })
        .await
        .unwrap();
        let mut ended = ended.clone();
        tokio::spawn(async move {
            ended.wait_for(|end| *end).await.unwrap();
            audit.metadata("late", true).user("eve").discard();
            after.store(true, Ordering::Release);
        });
    };
    let app = Router::new().route("/", get(handler)).layer(audited.axum());
    ask(app, "/").await;
    // Ended: the body was empty. The writer has not seen it yet, or has: it makes no difference.
    end.send(true).unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    while !done.load(Ordering::Acquire) {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let entry = audited.one().await;
    assert_eq!((entry.metadata("early"), entry.metadata("late")), (Some("true"), None));
    assert_eq!(entry.actor().unwrap().user.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_late_task_does_not_reach_the_next_request() {
    // The exchange's memory is used again, the context's is not while somebody holds it.
    let audited = Audited::new();
    let (send, mut contexts) = tokio::sync::mpsc::unbounded_channel();
    let handler = async move |audit: AuditContext| send.send(audit).unwrap();
    let app = Router::new().route("/", get(handler)).layer(audited.axum());
    let mut held = Vec::new();
    for _ in 0..20 {
        ask(app.clone(), "/").await;
        let context = contexts.recv().await.unwrap();
        context.user("late");
        held.push(context);
        held.iter().for_each(|context| _ = context.user("later"));
    }
    let entries = audited.records().await;
    assert_eq!(entries.len(), 20);
    assert!(entries.iter().all(|entry| entry.actor().is_none_or(|actor| actor.user.is_none())));
}

#[tokio::test]
async fn discarded_requests_are_counted() {
    let audited = Audited::new();
    let app = Router::new()
        .route("/kept", get(|| async {}))
        .route(
            "/discarded",
            get(async |audit: AuditContext| {
                audit.discard();
            }),
        )
        .layer(audited.axum());
    for path in ["/kept", "/discarded", "/discarded"] {
        assert_eq!(ask(app.clone(), path).await.0, 200);
    }
    assert_eq!(audited.one().await.request().unwrap().path.as_deref(), Some("/kept"));
    let counters = audited.settled();
    assert_eq!((counters.started, counters.discarded, counters.accepted), (3, 2, 1));
}

#[tokio::test]
async fn excluded_requests_are_counted_and_their_handlers_do_not_notice() {
    let settings = |pick: u8| {
        Audited::with(|settings| match pick {
            0 => settings.exclude_path("/health"),
            1 => settings.exclude_method("GET"),
            2 => settings.capture(Capture::None),
            _ => settings,
        })
    };
    let greet = async |audit: AuditContext| {
        audit.user("ann").discard();
        "hello"
    };
    for pick in 0..3 {
        let audited = settings(pick);
        let app = Router::new().route("/health", get(greet));
        // Twice: the inner layer counts nothing that the outer one has counted.
        let app = app.layer(audited.axum()).layer(audited.axum());
        assert_eq!(ask(app, "/health").await.1, "hello");
        assert!(audited.records().await.is_empty());
        let counters = audited.settled();
        assert_eq!((counters.started, counters.excluded), (1, 1), "{pick}");
    }
    let audited = settings(0);
    let app = Router::new().route("/health-secret", get(|| async {})).layer(audited.axum());
    assert_eq!(ask(app, "/health-secret").await.0, 200);
    audited.one().await;
}

#[tokio::test]
async fn a_missing_layer_is_explained() {
    let app = Router::new()
        .route(
            "/",
            get(async |audit: AuditContext| {
                audit.user("ann");
            }),
        )
        .route("/option", get(async |audit: Option<AuditContext>| audit.is_none().to_string()));
    let (status, text) = ask(app.clone(), "/").await;
    assert_eq!(status, 500);
    assert!(text.contains("`.layer(AuditLayer::new(&auditor))`"), "{text}");
    assert_eq!(ask(app, "/option").await, (StatusCode::OK, "true".into()));
}

#[tokio::test]
async fn the_current_request_is_known_without_a_parameter() {
    fn deep(key: &str, value: usize) {
        AuditContext::current().unwrap().metadata(key, value);
    }
    let handler = async |Path(n): Path<usize>| {
        deep("before", n);
        // Others run here, on the same thread.
        tokio::task::yield_now().await;
        deep("after", n);
        tokio::spawn(async { assert!(AuditContext::current().is_none()) }).await.unwrap();
        if n == 3 {
            panic!("three");
        }
        Body::from_stream(futures_util::stream::iter([n]).map(|n| {
            deep("body", n);
            Ok::<_, std::convert::Infallible>("hello")
        }))
    };
    let audited = Audited::new();
    let app = Router::new().route("/{n}", get(handler)).layer(audited.axum());
    let paths: Vec<_> = (0..8).map(|n| format!("/{n}")).collect();
    futures_util::future::join_all(paths.iter().map(|path| ask(app.clone(), path))).await;
    assert!(AuditContext::current().is_none());
    let entries = audited.records().await;
    assert_eq!(entries.len(), 8);
    for entry in entries {
        let n = entry.request().unwrap().path.as_deref().unwrap()[1..].to_owned();
        assert_eq!(entry.metadata("before"), Some(n.as_str()));
        assert_eq!(entry.metadata("after"), Some(n.as_str()));
        assert_eq!(entry.metadata("body"), (n != "3").then_some(n.as_str()));
    }
}

#[tokio::test]
async fn two_layers_leave_one_record() {
    let audited = Audited::new();
    let seen = async |_: AuditContext| "seen";
    let router = || Router::new().route("/{id}", get(seen));
    let twice = router().layer(audited.axum()).layer(audited.axum());
    assert_eq!(ask(twice, "/7").await.1, "seen");
    assert_eq!(route(&audited.one().await), Some("/{id}"));

    let audited = Audited::new();
    let both = audited.axum().layer(router().layer(audited.axum()));
    assert_eq!(ask(both, "/7").await.1, "seen");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 4));
    assert_eq!(audited.settled().started, 1);

    // Also where the inner one is another's.
    let (outer, inner) = (Audited::new(), Audited::new());
    let both = outer.axum().layer(router().layer(inner.axum()));
    ask(both, "/7").await;
    outer.one().await;
    assert_eq!(inner.settled().started, 0);
}

#[tokio::test]
async fn the_route_is_the_template() {
    let audited = Audited::new();
    let item = async |Path((a, b)): Path<(String, String)>| format!("{a}{b}");
    let told = async |_: AuditContext, Path((a, b)): Path<(String, String)>| format!("{a}{b}");
    let app = |audited: &Audited| {
        let nested = Router::new().route("/items/{b}", get(item)).route("/told/{b}", get(told));
        (Router::new().nest("/nested/{a}", nested).route("/post", get(item)), audited.axum())
    };
    let (router, layer) = app(&audited);
    let within = router.layer(layer);
    assert_eq!(ask(within.clone(), "/nested/x/items/y").await.1, "xy");
    assert_eq!(ask(within, "/missing").await.0, 404);
    let entries = audited.records().await;
    assert_eq!(route(&entries[0]), Some("/nested/{a}/items/{b}"));
    assert_eq!(entries[0].request().unwrap().path.as_deref(), Some("/nested/x/items/y"));
    assert_eq!((route(&entries[1]), entries[1].status()), (None, Some(404)));

    // Around the router the layer is called before there is a route.
    let audited = Audited::new();
    let (router, layer) = app(&audited);
    let around = layer.layer(router);
    ask(around.clone(), "/nested/x/told/y").await;
    ask(around.clone(), "/nested/x/items/y").await;
    ask(around, "/missing").await;
    let entries = audited.records().await;
    let routes: Vec<_> = entries.iter().map(route).collect();
    assert_eq!(routes, [Some("/nested/{a}/told/{b}"), None, None]);
}

#[tokio::test]
async fn the_head_is_recorded() {
    let audited = Audited::with(|settings| settings.trusted_proxies(["127.0.0.0/8"]));
    let app = Router::new().route("/orders", get(|| async { "none" })).layer(audited.axum());
    let server = Server::axum(app).await;
    let headers = "user-agent: test/1\r\nx-forwarded-for: 203.0.113.9, 192.0.2.1\r\n\
        traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    server.ask("GET /orders?page=2&token=hunter2", headers, "").await;
    let entry = audited.one().await;
    let request = entry.request().unwrap();
    assert_eq!(request.method.as_deref(), Some("GET"));
    assert_eq!(request.path.as_deref(), Some("/orders"));
    assert_eq!(request.query.as_deref(), Some("page=2&token=[redacted]"));
    assert_eq!(request.host.as_deref(), Some("test"));
    assert_eq!(request.version.as_deref(), Some("HTTP/1.1"));
    let actor = entry.actor().unwrap();
    assert_eq!(actor.user_agent.as_deref(), Some("test/1"));
    assert_eq!(actor.ip.as_deref(), Some("192.0.2.1"), "the last hop that is not trusted");
    let trace = entry.trace.unwrap();
    assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(trace.parent_id, "00f067aa0ba902b7");

    server.ask("GET /orders", "traceparent: 00-0-0-01\r\n", "").await;
    assert_eq!(audited.records().await[1].trace, None);
}
