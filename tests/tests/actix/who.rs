//! Who asks and what happened, told from inside and outside of the handler.

use actix_http::Request;
use actix_web::{
    App, Error, HttpMessage,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    middleware::{Next, from_fn},
    rt,
    test::{TestRequest, call_and_read_body, init_service, try_call_service},
    web::{self, Path},
};
use audit_actix::{AuditContext, Identity, InAuditContext, hook::RequestView, in_audit_context};
use audit_core::Entry;
use audit_tests::audited::Audited;
use futures_util::future::join_all;
use serde_json::json;

fn get(path: &str) -> Request {
    TestRequest::get().uri(path).insert_header(("x-user", "eve")).to_request()
}

fn user(entry: &Entry) -> Option<&str> {
    entry.actor().and_then(|actor| actor.user.as_deref())
}

#[actix_web::test]
async fn an_identity_is_read_from_extensions() {
    async fn authenticate(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let path = request.path().to_owned();
        if path != "/none" {
            request.extensions_mut().insert(Identity::new().user("request").tenant("acme"));
        }
        if path == "/refused" {
            return Err(ErrorUnauthorized("refused"));
        }
        let mut response = next.call(request).await?;
        if path == "/response" {
            let identity = Identity::new().user("response").user_id("1");
            response.response_mut().extensions_mut().insert(identity);
        }
        Ok(response)
    }
    let audited = Audited::new();
    let named = async |audit: AuditContext| {
        audit.user("handler");
        "done"
    };
    let app = App::new()
        .route("/handler", web::get().to(named))
        .wrap(from_fn(authenticate))
        .wrap(audited.actix());
    let app = init_service(app).await;
    let paths = ["/response", "/request", "/handler", "/none"];
    for path in paths {
        call_and_read_body(&app, get(path)).await;
    }
    // What an inner middleware refuses by an `Err` has no request that could be read any more.
    assert!(try_call_service(&app, get("/refused")).await.is_err());
    let entries = audited.records().await;
    let users: Vec<_> = entries.iter().map(user).collect();
    assert_eq!(users, [Some("response"), Some("request"), Some("handler"), None, None]);
    let tenants: Vec<_> = entries.iter().map(|entry| entry.tenant.as_deref()).collect();
    assert_eq!(tenants, [None, Some("acme"), Some("acme"), None, None]);
}

#[actix_web::test]
async fn an_identity_from_outside_is_known_whatever_becomes_of_the_request() {
    let audited = Audited::new();
    let outer = from_fn(async |request: ServiceRequest, next: Next<_>| {
        request.extensions_mut().insert(Identity::new().user("ann"));
        next.call(request).await
    });
    let inner = from_fn(async |_: ServiceRequest, _: Next<_>| {
        Err::<ServiceResponse, _>(ErrorUnauthorized("refused"))
    });
    let app = init_service(App::new().wrap(inner).wrap(audited.actix()).wrap(outer)).await;
    assert!(try_call_service(&app, get("/")).await.is_err());
    let entry = audited.one().await;
    assert_eq!((user(&entry), entry.status()), (Some("ann"), Some(401)));
}

#[actix_web::test]
async fn hooks_read_heads() {
    fn who(head: &RequestView<'_>, audit: &audit_actix::hook::AuditContext) {
        audit.user(head.header("x-user").unwrap());
    }
    let audited = Audited::with(|settings| {
        settings.on_request(who).on_response(|head, audit| {
            audit.metadata("status", head.status()).metadata("type", head.header("content-type"));
        })
    });
    let refuse = async || Err::<&str, _>(ErrorUnauthorized("refused"));
    let outer = from_fn(async |request: ServiceRequest, next: Next<_>| {
        if request.path() == "/err" { Err(ErrorUnauthorized("")) } else { next.call(request).await }
    });
    let app = App::new().route("/refused", web::get().to(refuse)).wrap(outer);
    let app = init_service(app.wrap(audited.actix())).await;
    call_and_read_body(&app, get("/refused")).await;
    // Of a response that is made outside of all middleware only the status is known.
    assert!(try_call_service(&app, get("/err")).await.is_err());
    let entries = audited.records().await;
    for (entry, kind) in entries.iter().zip(["\"text/plain; charset=utf-8\"", "null"]) {
        assert_eq!((user(entry), entry.metadata("status")), (Some("eve"), Some("401")));
        assert_eq!(entry.metadata("type"), Some(kind));
    }
}

#[actix_web::test]
async fn spawned_and_blocking_work_has_the_context_where_it_was_sent_along() {
    fn deep(key: &str, n: usize) {
        AuditContext::current().unwrap().metadata(key, n);
    }
    let handler = async |n: Path<usize>, audit: AuditContext| {
        let n = n.into_inner();
        let task = async move {
            deep("task", n);
            tokio::task::yield_now().await;
            deep("after", n);
        };
        rt::spawn(task.in_audit_context()).await.unwrap();
        web::block(in_audit_context(move || deep("blocking", n))).await.unwrap();
        rt::spawn(async move { deep("given", n) }.with_audit_context(&audit)).await.unwrap();
        "done"
    };
    let audited = Audited::new();
    let app = App::new().route("/{n}", web::get().to(handler)).wrap(audited.actix());
    let app = init_service(app).await;
    join_all((0..50).map(|n| call_and_read_body(&app, get(&format!("/{n}"))))).await;
    let entries = audited.records().await;
    assert_eq!(entries.len(), 50);
    for entry in entries {
        let n = &entry.request().unwrap().path.as_deref().unwrap()[1..];
        for key in ["task", "after", "blocking", "given"] {
            assert_eq!(entry.metadata(key), Some(n), "{key}");
        }
    }
}

/// A request that the handler of another one sends to an app in this process is a request of its
/// own, also where that other one has ended by then.
#[actix_web::test]
async fn a_request_in_the_context_of_another_has_its_own_record() {
    let (outer, inner) = (Audited::new(), Audited::new());
    let named = async |audit: AuditContext| {
        audit.user("inner");
        "inner"
    };
    let app = App::new().route("/inner", web::get().to(named)).wrap(inner.actix());
    let app = std::rc::Rc::new(init_service(app).await);
    let (done, mut wait) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |audit: AuditContext| {
        let (app, done) = (app.clone(), done.clone());
        async move {
            audit.user("outer");
            call_and_read_body(&*app, get("/inner")).await;
            let late = async move {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                call_and_read_body(&*app, get("/inner")).await;
                done.send(()).unwrap();
            };
            rt::spawn(late.in_audit_context());
            "outer"
        }
    };
    let app = App::new().route("/outer", web::get().to(handler)).wrap(outer.actix());
    let app = init_service(app).await;
    let request = get("/outer");
    app.call(request).await.unwrap();
    wait.recv().await.unwrap();
    assert_eq!(user(&outer.one().await), Some("outer"));
    let entries = inner.records().await;
    assert_eq!(entries.iter().map(user).collect::<Vec<_>>(), [Some("inner"), Some("inner")]);
}

#[actix_web::test]
async fn what_happened_is_told_in_full() {
    let handler = async |audit: AuditContext| {
        audit.company_id("CO-001").description("invoice posted").entity("sales_invoice", "inv-42");
        audit.amount("1250000.00", "mmk").error("the printer is out of paper");
        audit.change(json!({"credit_limit": 500_000}), json!({"credit_limit": 1_000_000}));
        "posted"
    };
    let audited = Audited::new();
    let app = App::new().route("/", web::get().to(handler)).wrap(audited.actix());
    call_and_read_body(&init_service(app).await, get("/")).await;
    let entry = audited.one().await;
    assert_eq!(entry.actor().unwrap().company_id.as_deref(), Some("CO-001"));
    let event = entry.event().unwrap();
    assert_eq!(event.entity_id.as_deref(), Some("inv-42"));
    assert_eq!(
        (event.amount.as_deref(), event.currency.as_deref()),
        (Some("1250000.00"), Some("MMK"))
    );
    let diff = entry.change().unwrap().diff.as_ref().unwrap();
    assert_eq!((diff.len(), diff[0].path.as_str()), (1, "/credit_limit"));
    assert_eq!(entry.error().unwrap().kind, "application");
}
