//! Every place of an actix-web application that must take the middleware. Each compiles, passes
//! one request on, and leaves one record.

use actix_http::Request;
use actix_web::{
    App, Error,
    body::{BodySize, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::{
        Compat, Compress, Condition, DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Logger,
        Next, NormalizePath, from_fn,
    },
    test::{
        TestRequest, call_and_read_body, call_and_read_body_json, call_service, init_service,
        read_body,
    },
    web,
};
use audit_core::{Entry, Outcome};
use audit_tests::audited::{Audited, Ending};

fn routes(app: &mut web::ServiceConfig) {
    app.route("/hello", web::get().to(async || "hello"))
        .route("/json", web::get().to(async || web::Json([1, 2])));
}

fn ask() -> Request {
    TestRequest::get().uri("/hello").to_request()
}

fn route(entry: &Entry) -> Option<&str> {
    entry.request().unwrap().route.as_deref()
}

/// Sends one request through an app: the answer is the application's, the record is one.
async fn through<S, B>(audited: &Audited, app: S, request: Request) -> Entry
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let response = call_service(&app, request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get_all("x-request-id").count(), 1);
    assert_eq!(read_body(response).await, "hello");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 5));
    assert_eq!(audited.settled().started, 1);
    entry
}

#[actix_web::test]
async fn around_an_app() {
    let audited = Audited::new();
    let app = init_service(App::new().configure(routes).wrap(audited.actix())).await;
    assert_eq!(route(&through(&audited, app, ask()).await), Some("/hello"));
}

#[actix_web::test]
async fn around_a_scope_and_a_resource() {
    let audited = Audited::new();
    let scope = web::scope("").configure(routes).wrap(Compat::new(audited.actix()));
    let app = init_service(App::new().service(scope)).await;
    assert_eq!(route(&through(&audited, app, ask()).await), Some("/hello"));

    let audited = Audited::new();
    let resource = web::resource("/hello").wrap(Compat::new(audited.actix()));
    let app = App::new().service(resource.to(async || "hello")).configure(routes);
    let app = init_service(app).await;
    let json = TestRequest::get().uri("/json").to_request();
    assert_eq!(call_and_read_body(&app, json).await, "[1,2]");
    assert_eq!(audited.settled().started, 0, "that of another resource");
    assert_eq!(route(&through(&audited, app, ask()).await), Some("/hello"));
}

#[actix_web::test]
async fn on_a_condition() {
    for on in [true, false] {
        let audited = Audited::new();
        let audit = Condition::new(on, Compat::new(audited.actix()));
        let app = init_service(App::new().configure(routes).wrap(audit)).await;
        if on {
            through(&audited, app, ask()).await;
        } else {
            assert_eq!(call_and_read_body(&app, ask()).await, "hello");
            assert_eq!(audited.settled().started, 0);
        }
    }
}

#[actix_web::test]
async fn twice_leaves_one_record() {
    let audited = Audited::new();
    let app = App::new().configure(routes).wrap(audited.actix()).wrap(audited.actix());
    through(&audited, init_service(app).await, ask()).await;

    let audited = Audited::new();
    let scope = web::scope("").configure(routes).wrap(Compat::new(audited.actix()));
    let app = App::new().service(scope).wrap(audited.actix());
    through(&audited, init_service(app).await, ask()).await;

    // Also where the inner one is another's.
    let (outer, inner) = (Audited::new(), Audited::new());
    let app = App::new().configure(routes).wrap(inner.actix()).wrap(outer.actix());
    through(&outer, init_service(app).await, ask()).await;
    assert_eq!(inner.settled().started, 0);

    // And where the outer one has excluded the request.
    let outer = Audited::with(|settings| settings.exclude_path("/hello"));
    let app = App::new().configure(routes).wrap(inner.actix()).wrap(outer.actix());
    assert_eq!(call_and_read_body(&init_service(app).await, ask()).await, "hello");
    assert_eq!((outer.settled().excluded, inner.settled().started), (1, 0));
}

async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

#[actix_web::test]
async fn inside_and_outside_of_other_middleware() {
    let headers = || DefaultHeaders::new().add(("x-default", "1"));
    let audited = Audited::new();
    let app = App::new()
        .configure(routes)
        .wrap(audited.actix())
        .wrap(from_fn(pass))
        .wrap_fn(|request, inner| inner.call(request))
        .wrap(NormalizePath::trim())
        .wrap(ErrorHandlers::new())
        .wrap(headers())
        .wrap(Logger::default());
    through(&audited, init_service(app).await, ask()).await;

    let audited = Audited::new();
    let app = App::new()
        .configure(routes)
        .wrap(from_fn(pass))
        .wrap_fn(|request, inner| inner.call(request))
        .wrap(NormalizePath::trim())
        .wrap(ErrorHandlers::new())
        .wrap(headers())
        .wrap(Logger::default())
        .wrap(audited.actix());
    let app = init_service(app).await;
    // The path is the one that came; the route is the one that was taken.
    let slash = TestRequest::get().uri("/hello/").to_request();
    let entry = through(&audited, app, slash).await;
    assert_eq!(entry.request().unwrap().path.as_deref(), Some("/hello/"));
    assert_eq!(route(&entry), Some("/hello"));
}

#[actix_web::test]
async fn handlers_of_errors_change_the_answer() {
    fn explain<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
        let (request, response) = response.into_parts();
        let response = response.set_body("gone, sorry").map_into_boxed_body().map_into_right_body();
        Ok(ErrorHandlerResponse::Response(ServiceResponse::new(request, response)))
    }
    let missing = || TestRequest::get().uri("/missing").to_request();

    // Inside: it is their answer that is recorded.
    let audited = Audited::new();
    let handlers = ErrorHandlers::new().handler(StatusCode::NOT_FOUND, explain);
    let app = App::new().configure(routes).wrap(handlers).wrap(audited.actix());
    let response = call_service(&init_service(app).await, missing()).await;
    assert_eq!(read_body(response).await, "gone, sorry");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(404, 11));
    assert_eq!(route(&entry), None);

    // Outside: what they replace was complete, for it had no body.
    let audited = Audited::new();
    let handlers = ErrorHandlers::new().handler(StatusCode::NOT_FOUND, explain);
    let app = App::new().configure(routes).wrap(audited.actix()).wrap(handlers);
    let response = call_service(&init_service(app).await, missing()).await;
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(read_body(response).await, "gone, sorry");
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(404, 0));
}

#[actix_web::test]
async fn with_compression() {
    let gzip = || {
        let accept = (header::ACCEPT_ENCODING, "gzip");
        TestRequest::get().uri("/long").insert_header(accept).to_request()
    };
    let long = |app: &mut web::ServiceConfig| {
        app.route("/long", web::get().to(async || "long ".repeat(10_000)));
    };
    // Inside: the bytes that go out are counted.
    let audited = Audited::new();
    let app = App::new().configure(long).wrap(Compress::default()).wrap(audited.actix());
    let response = call_service(&init_service(app).await, gzip()).await;
    assert_eq!(response.headers().get(header::CONTENT_ENCODING).unwrap(), "gzip");
    let sent = read_body(response).await.len() as u64;
    assert!((10..1_000).contains(&sent), "{sent}");
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, sent));

    // Outside: it takes the body whole, and what it takes is counted.
    let audited = Audited::new();
    let app = App::new().configure(long).wrap(audited.actix()).wrap(Compress::default());
    let response = call_service(&init_service(app).await, gzip()).await;
    assert!(read_body(response).await.len() < 1_000);
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, 50_000));
}

#[actix_web::test]
async fn a_middleware_outside_may_take_the_body_whole() {
    async fn take(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        assert_eq!(response.response().body().size(), BodySize::Sized(5));
        Ok(response.map_body(|_, body| body.try_into_bytes().unwrap_or_else(|_| panic!("sized"))))
    }
    let audited = Audited::new();
    let app = App::new().configure(routes).wrap(audited.actix()).wrap(from_fn(take));
    through(&audited, init_service(app).await, ask()).await;

    // Boxing takes it too.
    let audited = Audited::new();
    let app = App::new().configure(routes).wrap(audited.actix());
    let app = app.wrap_fn(|request, inner| {
        let response = inner.call(request);
        async { response.await.map(ServiceResponse::map_into_boxed_body) }
    });
    let app = init_service(app).await;
    drop(call_service(&app, ask()).await);
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, 5), "before it is sent");
}

#[actix_web::test]
async fn the_frameworks_own_test_helpers() {
    let audited = Audited::new();
    let app = init_service(App::new().configure(routes).wrap(audited.actix())).await;
    let json = TestRequest::get().uri("/json").to_request();
    assert_eq!(call_and_read_body_json::<_, _, Vec<u8>>(&app, json).await, [1, 2]);
    assert_eq!(Ending::of(&audited.one().await), Ending::completed(200, 5));

    // Nobody reads the body: it was cancelled, as far as anybody can tell.
    let response = call_service(&app, ask()).await;
    assert_eq!(audited.auditor.counters().in_flight, 1, "as long as the answer is held");
    drop(response);
    let entries = audited.records().await;
    assert_eq!(Ending::of(&entries[1]), Ending::in_body(Outcome::Cancelled, 0));

    let response = TestRequest::get().uri("/hello").send_request(&app).await;
    assert_eq!(read_body(response).await, "hello");
    assert_eq!(Ending::of(&audited.records().await[2]), Ending::completed(200, 5));
}

#[actix_web::test]
async fn an_answer_of_any_body_type() {
    let audited = Audited::new();
    let app = App::new().configure(routes).wrap_fn(|request, inner| {
        let response = inner.call(request);
        // Not boxed.
        async { Ok(response.await?.map_body(|_, _| "hello".to_owned())) }
    });
    through(&audited, init_service(app.wrap(audited.actix())).await, ask()).await;
}
