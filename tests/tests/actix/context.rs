//! What the application adds to its record.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use actix_http::Request;
use actix_web::{
    App, Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    middleware::{Condition, Next, from_fn},
    rt,
    test::{
        TestRequest, call_and_read_body, call_service, init_service, read_body, try_call_service,
        try_read_body,
    },
    web::{self, Bytes, Path},
};
use audit_actix::AuditContext;
use audit_core::{Capture, Entry, MaskRules};
use audit_tests::audited::{Audited, PATIENCE};
use futures_util::{StreamExt, future::join_all, stream};

fn get(path: &str) -> Request {
    TestRequest::get().uri(path).to_request()
}

async fn ask<S, B>(app: &S, path: &str) -> (u16, String)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let response = call_service(app, get(path)).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

fn user(entry: &Entry) -> Option<&str> {
    entry.actor().and_then(|actor| actor.user.as_deref())
}

#[actix_web::test]
async fn a_handler_says_who_and_what() {
    async fn create(audit: AuditContext) -> HttpResponse {
        audit.user("ann").user_id("42").roles(["manager"]).tenant("acme").module("sales");
        audit.action("create").metadata("items", 3).metadata("password", "hunter2");
        HttpResponse::Created().finish()
    }
    let audited = Audited::new();
    let app = App::new().route("/orders", web::get().to(create)).wrap(audited.actix());
    assert_eq!(ask(&init_service(app).await, "/orders").await.0, 201);
    let entry = audited.one().await;
    let actor = entry.actor().unwrap();
    assert_eq!(actor.user.as_deref(), Some("ann"));
    assert_eq!((actor.user_id.as_deref(), &actor.roles[..]), (Some("42"), &["manager".into()][..]));
    assert_eq!((entry.tenant.as_deref(), entry.module.as_deref()), (Some("acme"), Some("sales")));
    assert_eq!(entry.action.as_deref(), Some("create"));
    assert_eq!(entry.metadata("items"), Some("3"));
    assert_eq!(entry.metadata("password"), Some("\"[redacted]\""));
}

#[actix_web::test]
async fn a_request_without_a_response_has_the_route_that_its_handler_knew() {
    async fn fails(_: AuditContext) -> HttpResponse {
        panic!("no response")
    }
    let audited = Audited::new();
    let app = App::new().route("/orders/{id}", web::get().to(fails)).wrap(audited.actix());
    assert!(try_call_service(&init_service(app).await, get("/orders/7")).await.is_err());
    let entry = audited.one().await;
    assert_eq!(entry.request().unwrap().route.as_deref(), Some("/orders/{id}"));
}

#[actix_web::test]
async fn parameters_of_its_path_are_masked_without_a_response_too() {
    async fn fails() -> HttpResponse {
        panic!("no response")
    }
    let refuses = async |_: ServiceRequest, _: Next<actix_web::body::BoxBody>| {
        Err::<ServiceResponse, _>(actix_web::error::ErrorForbidden("no"))
    };
    for refused in [false, true] {
        let rules = MaskRules::new().fields(["path:user"]).unwrap();
        let audited = Audited::with(|settings| settings.mask_rules(rules));
        let app = App::new()
            .route("/orders/{user}", web::get().to(fails))
            .wrap(Condition::new(refused, from_fn(refuses)))
            .wrap(audited.actix());
        assert!(try_call_service(&init_service(app).await, get("/orders/ann")).await.is_err());
        let entry = audited.one().await;
        let request = entry.request().unwrap();
        assert_eq!(request.path.as_deref(), Some("/orders/[redacted]"));
        assert_eq!(request.route.as_deref(), Some("/orders/{user}"));
    }
}

#[actix_web::test]
async fn inner_middleware_has_it() {
    async fn login(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        AuditContext::current().unwrap().user("ann");
        let response = next.call(request).await?;
        AuditContext::current().unwrap().metadata("status", response.status().as_u16());
        Ok(response)
    }
    let audited = Audited::new();
    let extracted = from_fn(async |audit: AuditContext, request, next: Next<_>| {
        audit.tenant("acme");
        next.call(request).await
    });
    let app = App::new().wrap(extracted).wrap(from_fn(login)).wrap(audited.actix());
    ask(&init_service(app).await, "/").await;
    let entry = audited.one().await;
    assert_eq!((user(&entry), entry.tenant.as_deref()), (Some("ann"), Some("acme")));
    assert_eq!(entry.metadata("status"), Some("404"));
    assert!(AuditContext::current().is_none());
}

#[actix_web::test]
async fn a_spawned_task_adds_until_the_end_and_not_after() {
    let audited = Audited::new();
    let (end, ended) = tokio::sync::watch::channel(false);
    let done = Arc::new(AtomicBool::new(false));
    let after = done.clone();
    let handler = move |audit: AuditContext| {
        let (early, after, mut ended) = (audit.clone(), after.clone(), ended.clone());
        async move {
            let task = rt::spawn(async move {
                assert!(AuditContext::current().is_none());
                early.metadata("early", true).user("ann").tenant("acme");
            });
            task.await.unwrap();
            rt::spawn(async move {
                ended.wait_for(|end| *end).await.unwrap();
                audit.metadata("late", true).user("eve").discard();
                after.store(true, Ordering::Release);
            });
            "hello"
        }
    };
    let app = App::new().route("/", web::get().to(handler)).wrap(audited.actix());
    ask(&init_service(app).await, "/").await;
    end.send(true).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !done.load(Ordering::Acquire) {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let entry = audited.one().await;
    assert_eq!((entry.metadata("early"), entry.metadata("late")), (Some("true"), None));
    assert_eq!(user(&entry), Some("ann"));
}

#[actix_web::test]
async fn a_late_task_does_not_reach_the_next_request() {
    let audited = Audited::new();
    let (send, mut contexts) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |audit: AuditContext| {
        send.send(audit).unwrap();
        async { "hello" }
    };
    let app = App::new().route("/", web::get().to(handler)).wrap(audited.actix());
    let app = init_service(app).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        ask(&app, "/").await;
        let context = contexts.recv().await.unwrap();
        context.user("late");
        held.push(context);
        held.iter().for_each(|context| _ = context.user("later"));
    }
    let entries = audited.records().await;
    assert_eq!(entries.len(), 20);
    assert!(entries.iter().all(|entry| user(entry).is_none()));
}

#[actix_web::test]
async fn requests_that_run_in_turns_do_not_mix() {
    fn deep(key: &str, value: usize) {
        AuditContext::current().unwrap().metadata(key, value);
    }
    let handler = async |n: Path<usize>, audit: AuditContext| {
        let n = n.into_inner();
        audit.user(n.to_string());
        deep("before", n);
        for _ in 0..=n % 7 {
            // Others run here, on the same thread.
            tokio::task::yield_now().await;
            deep("after", n);
        }
        if n == 3 {
            panic!("three");
        }
        let body = stream::iter([0, 1]).then(move |_| async move {
            tokio::task::yield_now().await;
            deep("body", n);
            Ok::<_, Infallible>(Bytes::from_static(b"hello"))
        });
        HttpResponse::Ok().body(BodyStream::new(Box::pin(body)))
    };
    let audited = Audited::new();
    let app = App::new().route("/{n}", web::get().to(handler)).wrap(audited.actix());
    let app = init_service(app).await;
    join_all((0..100).map(|n| {
        let app = &app;
        async move {
            match app.call(get(&format!("/{n}"))).await {
                Ok(response) => assert_eq!(try_read_body(response).await.unwrap().len(), 10),
                Err(_) => assert_eq!(n, 3),
            }
            assert!(AuditContext::current().is_none());
        }
    }))
    .await;
    let entries = audited.records().await;
    assert_eq!(entries.len(), 100);
    for entry in entries {
        let n = entry.request().unwrap().path.as_deref().unwrap()[1..].to_owned();
        assert_eq!(user(&entry), Some(n.as_str()));
        assert_eq!(entry.metadata("before"), Some(n.as_str()));
        assert_eq!(entry.metadata("after"), Some(n.as_str()));
        assert_eq!(entry.metadata("body"), (n != "3").then_some(n.as_str()));
    }
}

#[actix_web::test]
async fn discarded_requests_are_counted() {
    let audited = Audited::new();
    let discard = async |audit: AuditContext| {
        audit.discard();
        "discarded"
    };
    let app = App::new()
        .route("/kept", web::get().to(async || "kept"))
        .route("/discarded", web::get().to(discard))
        .wrap(audited.actix());
    let app = init_service(app).await;
    for path in ["/kept", "/discarded", "/discarded"] {
        assert_eq!(ask(&app, path).await.1, path[1..]);
    }
    assert_eq!(audited.one().await.request().unwrap().path.as_deref(), Some("/kept"));
    let counters = audited.settled();
    assert_eq!((counters.started, counters.discarded, counters.accepted), (3, 2, 1));
}

#[actix_web::test]
async fn excluded_requests_are_counted_and_their_handlers_do_not_notice() {
    let settings = |pick: u8| {
        Audited::with(|settings| match pick {
            0 => settings.exclude_path("/health"),
            1 => settings.exclude_method("GET"),
            _ => settings.capture(Capture::None),
        })
    };
    let greet = async |audit: AuditContext, option: Option<AuditContext>| {
        audit.user("ann").discard();
        assert!(option.is_some());
        tokio::task::yield_now().await;
        "hello"
    };
    for pick in 0..3 {
        let audited = settings(pick);
        // Twice: the inner one counts nothing that the outer one has counted.
        let app = App::new().route("/health", web::get().to(greet)).wrap(audited.actix());
        let app = init_service(app.wrap(audited.actix())).await;
        assert_eq!(call_and_read_body(&app, get("/health")).await, "hello");
        assert!(audited.records().await.is_empty());
        let counters = audited.settled();
        assert_eq!((counters.started, counters.excluded), (1, 1), "{pick}");
    }
}

#[actix_web::test]
async fn missing_middleware_is_explained() {
    let needs = async |audit: AuditContext| {
        audit.user("ann");
        "never"
    };
    let option = async |audit: Option<AuditContext>| audit.is_none().to_string();
    let app = App::new().route("/", web::get().to(needs)).route("/option", web::get().to(option));
    let app = init_service(app).await;
    let (status, text) = ask(&app, "/").await;
    assert_eq!(status, 500);
    assert!(text.contains("`.wrap(Audit::new(&auditor))`"), "{text}");
    assert_eq!(ask(&app, "/option").await, (200, "true".into()));
}

/// What makes actix panic under middleware that keeps a request or a borrow of it.
#[actix_web::test]
async fn handlers_may_do_anything_with_their_request() {
    async fn item(
        request: HttpRequest,
        data: web::Data<&'static str>,
        path: Path<(String, String)>,
    ) -> String {
        request.extensions_mut().insert(7_u32);
        let host = request.connection_info().host().to_owned();
        let kept = request.clone();
        tokio::task::yield_now().await;
        let seven = kept.extensions().get::<u32>().copied().unwrap();
        let (a, b) = path.into_inner();
        format!("{} {a} {b} {seven} {host}", **data)
    }
    let audited = Audited::with(|settings| settings.exclude_path("/excluded/**"));
    let scope = |path| {
        web::scope(path)
            .app_data(web::Data::new("inner"))
            .wrap(from_fn(|request: ServiceRequest, next: Next<_>| {
                request.extensions_mut().insert("middleware");
                next.call(request)
            }))
            .service(web::scope("/more").route("/{b}", web::get().to(item)))
    };
    let app = App::new()
        .app_data(web::Data::new("outer"))
        .service(scope("/{a}"))
        .service(scope("/excluded/{a}"))
        .wrap(audited.actix());
    let app = init_service(app).await;
    for _ in 0..3 {
        assert_eq!(ask(&app, "/x/more/y").await, (200, "inner x y 7 localhost:8080".into()));
    }
    assert_eq!(ask(&app, "/x/more").await.0, 404);
    let entries = audited.records().await;
    let routes: Vec<_> =
        entries.iter().map(|entry| entry.request().unwrap().route.clone()).collect();
    let route = Some("/{a}/more/{b}".to_owned());
    assert_eq!(routes, [route.clone(), route.clone(), route, None]);
}
