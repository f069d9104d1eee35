//! The routes of the testbed, in actix-web.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    Error, FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder,
    body::{MessageBody, SizedStream},
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorInternalServerError, ErrorUnauthorized},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    rt,
    web::{self, Bytes, Json, Path, Payload, PayloadConfig, Query, ServiceConfig},
};
use actix_ws::Message;
use audit_actix::AuditContext;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use crate::common::{self, Events, Login, Size, Slow, Token, Upload};

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

pub(crate) fn routes(app: &mut ServiceConfig) {
    let nested = web::scope("/nested/{a}")
        .app_data(web::Data::new(common::CSS))
        .service(get("/items/{b}", nested));
    app.service(get("/hello", async || "hello"))
        .service(get("/json", json))
        .service(post("/echo", echo).app_data(PayloadConfig::new(common::ECHO_LIMIT)))
        .service(post("/orders", create_order))
        .service(post("/login", login))
        .service(get("/users/{id}", user))
        .service(get("/stream", stream))
        .service(get("/sse", sse))
        .service(get("/ws", ws))
        .service(get("/slow", slow))
        .service(get("/panic", panic))
        .service(get("/panic/any", panic_any))
        .service(get("/panic/body", panic_in_body))
        .service(get("/error", fail))
        .service(get("/error/middleware", async || "never").wrap(from_fn(refuse)))
        .service(get("/status/{code}", status))
        .service(get("/gzip", gzip))
        .service(get("/trailers", async || HttpResponse::NotImplemented()))
        .service(post("/ignore", async || "ignored"))
        .service(post("/reject", async || ("rejected", StatusCode::UNAUTHORIZED)))
        .service(post("/limit", length).app_data(PayloadConfig::new(common::LIMIT)))
        .service(post("/upload", upload))
        .service(get("/spawn", spawn))
        .service(nested)
        .service(get("/health", async || "ok"))
        .service(get("/assets/app.css", css));
}

/// A resource that is read. axum answers HEAD by itself, actix where it is told to.
fn get<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

fn post<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::post().to(handler))
}

async fn json(Query(size): Query<Size>) -> HttpResponse {
    HttpResponse::Ok().insert_header(JSON).body(size.json())
}

async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
        response.insert_header((header::CONTENT_TYPE, kind.clone()));
    }
    response.body(body)
}

async fn create_order(Json(order): Json<Value>) -> HttpResponse {
    HttpResponse::Created().json(json!({ "id": "o-1", "order": order }))
}

async fn login(audit: Option<AuditContext>, Json(login): Json<Login>) -> HttpResponse {
    if !login.accepted() {
        return HttpResponse::Unauthorized().finish();
    }
    if let Some(audit) = audit {
        audit.user(&login.username);
        if let Some(tenant) = &login.tenant {
            audit.tenant(tenant);
        }
    }
    HttpResponse::Ok().insert_header((header::SET_COOKIE, common::COOKIE)).json(Token::ISSUED)
}

async fn user(id: Path<String>) -> impl Responder {
    Json(json!({ "id": id.into_inner() }))
}

async fn stream(Query(wanted): Query<common::Stream>) -> HttpResponse {
    let chunk = Bytes::from(vec![b'x'; wanted.size]);
    let chunks =
        paced(wanted.chunks, wanted.delay_ms).map(move |_| Ok::<_, Infallible>(chunk.clone()));
    let mut response = HttpResponse::Ok();
    response.content_type("application/octet-stream");
    match wanted.length() {
        Some(length) => response.body(SizedStream::new(length, chunks)),
        None => response.streaming(chunks),
    }
}

async fn sse(Query(wanted): Query<Events>) -> HttpResponse {
    let event = |n: u64| Ok::<_, Infallible>(Bytes::from(format!("data: event {n}\n\n")));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .streaming(paced(wanted.events, wanted.delay_ms).map(event))
}

/// Counts from 0, the first at once, with a pause between them.
fn paced(count: u64, delay_ms: u64) -> impl Stream<Item = u64> + 'static {
    stream::iter(0..count).then(move |n| async move {
        if n > 0 && delay_ms > 0 {
            rt::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        n
    })
}

async fn ws(request: HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            let sent = match message {
                Message::Text(text) => session.text(text).await,
                Message::Binary(bytes) => session.binary(bytes).await,
                Message::Ping(bytes) => session.pong(&bytes).await,
                Message::Close(reason) => {
                    let _ = session.close(reason).await;
                    return;
                }
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

async fn slow(Query(wanted): Query<Slow>) -> &'static str {
    rt::time::sleep(Duration::from_millis(wanted.ms)).await;
    "slow"
}

async fn panic() -> &'static str {
    panic!("{}", common::PANIC)
}

async fn panic_any() -> &'static str {
    std::panic::panic_any(7_u32)
}

async fn panic_in_body() -> HttpResponse {
    HttpResponse::Ok().content_type("application/octet-stream").streaming(paced(2, 20).map(|n| {
        match n {
            0 => Ok::<_, Infallible>(Bytes::from_static(b"first")),
            _ => panic!("{}", common::BODY_PANIC),
        }
    }))
}

async fn fail() -> Result<&'static str, Error> {
    Err(ErrorInternalServerError("failed"))
}

async fn refuse(
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    Err::<ServiceResponse, _>(ErrorUnauthorized("refused"))
}

async fn status(code: Path<u16>) -> HttpResponse {
    let code = code.into_inner();
    let known = (200..600).contains(&code);
    let code = StatusCode::from_u16(code).ok().filter(|_| known);
    HttpResponse::new(code.unwrap_or(StatusCode::BAD_REQUEST))
}

async fn gzip() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(JSON)
        .insert_header((header::CONTENT_ENCODING, "gzip"))
        .body(common::GZIP)
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

async fn upload(mut body: Payload) -> HttpResponse {
    let mut upload = Upload::default();
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else { return HttpResponse::BadRequest().finish() };
        upload.add(&chunk);
    }
    HttpResponse::Ok().json(upload.finish())
}

async fn spawn(audit: Option<AuditContext>) -> &'static str {
    let task = rt::spawn(async move {
        if let Some(audit) = audit {
            audit.metadata("spawned", true);
        }
    });
    match task.await {
        Ok(()) => "spawned",
        Err(_) => "the task did not end",
    }
}

async fn nested(
    request: HttpRequest,
    css: web::Data<&'static str>,
    path: Path<(String, String)>,
) -> impl Responder {
    // What middleware that keeps a request alive makes panic: data of the scope, the connection's
    // info, and its extensions.
    let host = request.connection_info().host().to_owned();
    let (a, b) = path.into_inner();
    debug_assert!(!css.is_empty() && !host.is_empty());
    Json(json!({ "a": a, "b": b }))
}

async fn css() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/css")).body(common::CSS)
}
