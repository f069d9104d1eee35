//! Errors: of inner middleware, which actix answers outside of all, and of extractors, which are
//! answers like any other.

use std::fmt;

use actix_web::{
    App, Error, HttpServer, ResponseError,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    error::{ErrorUnauthorized, JsonPayloadError, PayloadError},
    http::{StatusCode, header},
    middleware::{ErrorHandlerResponse, ErrorHandlers, Next, from_fn},
    test::{TestRequest, call_service, init_service, read_body},
    web::{self, Bytes, Json, JsonConfig, PayloadConfig},
};
use audit_core::Outcome;
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};

/// Answered outside of all middleware: its size is not known.
const REFUSED: Ending =
    Ending { outcome: Outcome::Completed, phase: None, status: Some(401), size: None };

/// An error that can be told from others.
#[derive(Debug)]
struct Refused(u8);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }
}

async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match request.path() {
        "/own" => Err(Refused(7).into()),
        "/theirs" => Err(ErrorUnauthorized("not you")),
        _ => next.call(request).await,
    }
}

/// Answers errors as actix does, but within the middleware.
async fn render(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Held on to only since nothing here routes it any further.
    let own = request.request().clone();
    match next.call(request).await {
        Ok(response) => Ok(response.map_into_left_body()),
        Err(error) => Ok(ServiceResponse::new(own, error.error_response().map_into_right_body())),
    }
}

fn explain<B>(mut response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    response.headers_mut().insert(header::WARNING, header::HeaderValue::from_static("explained"));
    Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
}

fn handlers<B: 'static>() -> ErrorHandlers<B> {
    ErrorHandlers::new().default_handler(explain)
}

#[actix_web::test]
async fn an_error_goes_on_as_it_is() {
    let audited = Audited::new();
    let app = App::new().wrap(from_fn(refuse)).wrap(audited.actix());
    let app = init_service(app).await;
    let request = TestRequest::get().uri("/own").insert_header(("x-request-id", "inbound"));
    let error = app.call(request.to_request()).await.err().unwrap();
    assert_eq!(error.as_error::<Refused>().unwrap().0, 7);
    assert_eq!(error.to_string(), "refused 7");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), REFUSED);
    assert_eq!(entry.request().unwrap().id.as_deref(), Some("inbound"));
    // Its answer can be asked for more than once.
    for _ in 0..2 {
        let response = error.error_response();
        assert_eq!(response.status(), 401);
        let ids: Vec<_> = response.headers().get_all("x-request-id").collect();
        assert_eq!(ids, ["inbound"]);
    }
}

#[actix_web::test]
async fn handlers_of_errors_outside_still_work() {
    let audited = Audited::new();
    let app = App::new().wrap(from_fn(refuse)).wrap(audited.actix());
    let app = init_service(app.wrap(from_fn(render)).wrap(handlers())).await;
    for (path, text) in [("/own", "refused 7"), ("/theirs", "not you")] {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers().get(header::WARNING).unwrap(), "explained");
        assert_eq!(response.headers().get("x-request-id").unwrap().len(), 36);
        assert_eq!(read_body(response).await, text);
        let entries = audited.records().await;
        assert_eq!(Ending::of(entries.last().unwrap()), REFUSED);
    }
}

#[actix_web::test]
async fn over_the_wire() {
    async fn ask(audited: Option<&Audited>, path: &str) -> audit_tests::server::Answer {
        let audit = audited.map(Audited::actix);
        let server = Server::actix(|listener| {
            let server = match audit {
                Some(audit) => HttpServer::new(move || {
                    App::new().wrap(from_fn(refuse)).wrap(audit.clone()).wrap(handlers())
                })
                .workers(1)
                .disable_signals()
                .listen(listener)?
                .run(),
                None => HttpServer::new(|| App::new().wrap(from_fn(refuse)).wrap(handlers()))
                    .workers(1)
                    .disable_signals()
                    .listen(listener)?
                    .run(),
            };
            Ok(server)
        });
        server.get(path).await
    }
    for (path, status, warned) in [("/theirs", 401, false), ("/missing", 404, true)] {
        let audited = Audited::new();
        let (answer, bare) = (ask(Some(&audited), path).await, ask(None, path).await);
        assert_eq!((answer.status(), bare.status()), (status, status));
        assert_eq!(answer.body, bare.body);
        // What is answered outside of all middleware passes none of them, with ours or without.
        assert_eq!(answer.header("warning"), warned.then_some("explained"));
        assert_eq!(answer.header("warning"), bare.header("warning"));
        let entry = audited.one().await;
        assert_eq!(answer.header("x-request-id"), entry.request().unwrap().id.as_deref());
        assert_eq!(bare.header("x-request-id"), None);
        assert_eq!(entry.status(), Some(status));
    }
}

#[actix_web::test]
async fn extractors_fail_as_without_it() {
    fn overflow(error: JsonPayloadError, _: &actix_web::HttpRequest) -> Error {
        match error {
            JsonPayloadError::OverflowKnownLength { length: 9, limit: 8 } => Refused(1).into(),
            JsonPayloadError::Overflow { limit: 8 } => Refused(2).into(),
            other => other.into(),
        }
    }
    async fn told(body: Result<Bytes, Error>) -> String {
        match body {
            Ok(body) => format!("{} bytes", body.len()),
            Err(error) => match error.as_error::<PayloadError>() {
                Some(error) => format!("{error:?}"),
                None => panic!("another error: {error:?}"),
            },
        }
    }
    let routes = |app: &mut web::ServiceConfig| {
        let json = async |Json(_): Json<Vec<u8>>| "read";
        let limit = || JsonConfig::default().limit(8);
        let own = limit().error_handler(overflow);
        app.service(web::resource("/json").app_data(limit()).to(json))
            .service(web::resource("/own").app_data(own).to(json))
            .service(
                web::resource("/bytes").app_data(PayloadConfig::new(8)).to(async |_: Bytes| ""),
            )
            .service(web::resource("/told").app_data(PayloadConfig::new(8)).to(told));
    };
    let audited = Audited::new();
    let app = init_service(App::new().configure(routes).wrap(audited.actix())).await;
    let bare = init_service(App::new().configure(routes)).await;
    let mut texts = Vec::new();
    for (path, body, declared, status) in [
        ("/json", "[1, 2]", true, 200),
        ("/json", "{", false, 400),
        ("/json", "[1,2,3,4]", true, 413),
        ("/json", "[1,2,3,4]", false, 413),
        ("/own", "[1,2,3,4]", true, 401),
        ("/own", "[1,2,3,4]", false, 401),
        ("/bytes", "123456789", true, 413),
        ("/bytes", "123456789", false, 413),
        ("/told", "12345678", false, 200),
        ("/told", "123456789", false, 200),
    ] {
        let request = || {
            let request = TestRequest::post().uri(path).set_payload(body);
            let request = request.insert_header((header::CONTENT_TYPE, "application/json"));
            let mut request = request.to_request();
            if !declared {
                request.headers_mut().remove(header::CONTENT_LENGTH);
            }
            request
        };
        let response = call_service(&app, request()).await;
        assert_eq!(response.status(), status, "{path} {body}");
        let text = read_body(response).await;
        assert_eq!(text, read_body(call_service(&bare, request()).await).await);
        let entries = audited.records().await;
        let entry = entries.last().unwrap();
        assert_eq!(Ending::of(entry), Ending::completed(status, text.len() as u64));
        assert_eq!(entry.request().unwrap().size, declared.then_some(body.len() as u64));
        texts.push(String::from_utf8(text.to_vec()).unwrap());
    }
    assert_eq!(texts[4..6], ["refused 1", "refused 2"]);
    assert_eq!(texts[8..], ["8 bytes", "Overflow"]);
}
