//! Bodies that are recorded: the application and the client notice nothing, and the record says
//! which of them there are. What is written of them is the masker's, and its tests'.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use actix_http::Request;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, Route,
    body::{BodyStream, MessageBody},
    dev::{Payload, Service, ServiceResponse},
    error::PayloadError,
    http::{StatusCode, header},
    rt,
    test::{TestRequest, init_service, read_body},
    web::{self, Bytes},
};
use audit_actix::AuditContext;
use audit_core::Capture;
use audit_tests::{
    audited::{Audited, Ending, captured},
    server::Server,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::oneshot;

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// Chunks of which nobody knows how many come, and how many were asked for.
fn chunks(chunks: &'static [&'static str]) -> (Chunks, Arc<AtomicUsize>) {
    let polled = Arc::new(AtomicUsize::new(0));
    let count = polled.clone();
    let chunks = stream::iter(chunks).map(move |chunk| {
        count.fetch_add(1, Relaxed);
        match *chunk {
            "fail" => Err(PayloadError::Overflow),
            chunk => Ok(Bytes::from(chunk)),
        }
    });
    (Box::pin(chunks), polled)
}

fn post() -> TestRequest {
    TestRequest::post().uri("/").insert_header(JSON)
}

fn json(body: impl Into<Bytes>) -> Request {
    let body = body.into();
    post().insert_header((header::CONTENT_LENGTH, body.len())).set_payload(body).to_request()
}

fn of_chunks(body: Chunks) -> Request {
    post().to_request().replace_payload(Payload::Stream { payload: body }).0
}

fn echo() -> Route {
    web::post().to(async |body: Bytes| HttpResponse::Ok().insert_header(JSON).body(body))
}

async fn ask(audited: &Audited, route: Route, request: Request) -> (StatusCode, Bytes) {
    let app = App::new().route("/", route).wrap(audited.actix());
    read(init_service(app).await.call(request).await).await
}

async fn read(response: Result<ServiceResponse<impl MessageBody>, Error>) -> (StatusCode, Bytes) {
    let response = response.unwrap();
    (response.status(), read_body(response).await)
}

const FULL: Option<&str> = Some("full");
const TRUNCATED: Option<&str> = Some("truncated");
const PARTIAL: Option<&str> = Some("partial");

#[actix_web::test]
async fn a_post_of_json_is_recorded_both_ways() {
    for (level, bodies) in [
        (Capture::Headers, [None, None]),
        (Capture::Request, [FULL, None]),
        (Capture::Full, [FULL, FULL]),
    ] {
        let audited = Audited::with(|settings| settings.capture(level));
        let (status, body) = ask(&audited, echo(), json(r#"{"item":"pen"}"#)).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"item":"pen"}"#[..]));
        let entry = audited.one().await;
        assert_eq!(entry.policy.as_ref().unwrap().capture, level.as_str());
        assert_eq!(captured(&entry), bodies);
    }
}

#[actix_web::test]
async fn an_upload_is_polled_as_often_as_the_application_polls() {
    async fn one(mut body: web::Payload) -> HttpResponse {
        assert_eq!(body.next().await.unwrap().unwrap(), "[1,");
        HttpResponse::Ok().finish()
    }
    let all = async |body: Bytes| {
        assert_eq!(body, "[1,2]");
        HttpResponse::Ok().finish()
    };
    for (app, polls, size) in [
        (web::post().to(async || HttpResponse::Ok().finish()), 0, None),
        (web::post().to(one), 1, None),
        (web::post().to(all), 2, Some(5)),
    ] {
        let audited = Audited::full();
        let (body, polled) = chunks(&["[1,", "2]"]);
        assert_eq!(ask(&audited, app, of_chunks(body)).await.0, StatusCode::OK);
        assert_eq!(polled.load(Relaxed), polls);
        let entry = audited.one().await;
        assert_eq!(entry.request().unwrap().size, size, "after {polls} polls");
        let state = if size.is_some() { "full" } else { "partial" };
        assert_eq!(captured(&entry), [Some(state), Some("empty")]);
    }
}

#[actix_web::test]
async fn a_body_over_the_limit_is_whole_for_both_sides() {
    let large = format!("\"{}\"", "x".repeat(200_000));
    // One that is taken whole, and one that comes in chunks.
    let streamed = web::post().to(async |body: web::Payload| {
        let body = BodyStream::new(body.map(|chunk| chunk.map_err(Error::from)));
        HttpResponse::Ok().insert_header(JSON).body(body)
    });
    for app in [echo(), streamed] {
        let audited = Audited::full();
        let (status, body) = ask(&audited, app, json(large.clone())).await;
        assert!(status == StatusCode::OK && body == large, "{} bytes", body.len());
        let entry = audited.one().await;
        assert_eq!(Ending::of(&entry), Ending::completed(200, 200_002));
        assert_eq!(
            (entry.request().unwrap().size, captured(&entry)),
            (Some(200_002), [TRUNCATED; 2])
        );
    }
}

#[actix_web::test]
async fn an_error_passes_as_it_is() {
    let audited = Audited::full();
    let app = web::post().to(async |mut body: web::Payload| {
        assert_eq!(body.next().await.unwrap().unwrap(), "[1,");
        let error = body.next().await.unwrap().unwrap_err();
        assert!(matches!(error, PayloadError::Overflow));
        HttpResponse::PayloadTooLarge().finish()
    });
    let (body, _) = chunks(&["[1,", "fail", "2]"]);
    assert_eq!(ask(&audited, app, of_chunks(body)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let entry = audited.one().await;
    assert_eq!((entry.request().unwrap().size, captured(&entry)), (None, [PARTIAL, Some("empty")]));
}

#[actix_web::test]
async fn a_task_reads_on_after_the_request_has_ended() {
    let audited = Audited::full();
    let (answered, wait) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let channels = Arc::new(Mutex::new(Some((wait, tell))));
    let app = web::post().to(move |mut body: web::Payload| {
        let (wait, tell) = channels.lock().unwrap().take().unwrap();
        async move {
            let first = body.next().await.unwrap().unwrap();
            rt::spawn(async move {
                wait.await.unwrap();
                let rest = body.next().await.unwrap().unwrap();
                let end = body.next().await.is_none();
                tell.send(([first, rest].concat(), end)).unwrap();
            });
            HttpResponse::Ok().finish()
        }
    });
    ask(&audited, app, of_chunks(chunks(&["[1,", "2]"]).0)).await;
    let entry = audited.one().await;
    assert_eq!((entry.request().unwrap().size, captured(&entry)), (None, [PARTIAL, Some("empty")]));
    answered.send(()).unwrap();
    assert_eq!(told.await.unwrap(), (b"[1,2]".to_vec(), true));
    assert_eq!(ask(&audited, echo(), of_chunks(chunks(&["[3]"]).0)).await.1, "[3]");
    assert_eq!(audited.records().await[1].request().unwrap().size, Some(3));
}

#[actix_web::test]
async fn without_memory_the_body_goes_and_the_record_stays() {
    let audited = Audited::with(|settings| {
        settings.capture(Capture::Full).memory(1024 * 1024).body_limit(1024 * 1024)
    });
    let large = "7".repeat(800_000);
    let streamed = web::post()
        .to(async |body: web::Payload| HttpResponse::Ok().insert_header(JSON).streaming(body));
    assert_eq!(ask(&audited, streamed, json(large.clone())).await.1, large);
    let entry = audited.one().await;
    assert_eq!(captured(&entry), [Some("memory"), Some("memory")]);
    assert_eq!(entry.request().unwrap().size, Some(800_000));
    assert_eq!(audited.settled().dropped, 0);
    ask(&audited, echo(), json("[1]")).await;
    assert_eq!(captured(&audited.records().await[1]), [FULL, FULL]);
}

#[actix_web::test]
async fn a_handler_asks_for_more_and_for_less() {
    type Row = (Capture, Capture, Capture, &'static str, [Option<&'static str>; 2]);
    let policy = Some("policy");
    let rows: [Row; 3] = [
        (Capture::Full, Capture::None, Capture::Request, "request", [FULL, policy]),
        (Capture::Metadata, Capture::Full, Capture::Full, "full", [FULL, FULL]),
        (Capture::Metadata, Capture::None, Capture::Full, "metadata", [None, None]),
    ];
    for (level, up_to, asked, found, bodies) in rows {
        let audited = Audited::with(|settings| settings.capture(level).capture_up_to(up_to));
        let app = web::post().to(move |audit: AuditContext, body: Bytes| {
            audit.capture(asked);
            std::future::ready(HttpResponse::Ok().insert_header(JSON).body(body))
        });
        ask(&audited, app, json("[1]")).await;
        let entry = audited.one().await;
        assert_eq!(entry.policy.as_ref().unwrap().capture, found);
        assert_eq!(captured(&entry), bodies, "{found}");
    }
}

#[actix_web::test]
async fn only_what_is_recorded_is_wrapped() {
    let png = || post().insert_header((header::CONTENT_TYPE, "image/png"));
    let upgrade = || TestRequest::get().uri("/").insert_header((header::CONNECTION, "upgrade"));
    // Without a length: what follows is the new protocol.
    let upgrade = || {
        let request = upgrade().insert_header((header::UPGRADE, "x")).to_request();
        request.replace_payload(Payload::from(Bytes::from("[1]"))).0
    };
    for (request, wrapped, why) in [
        (json("[1]"), true, "partial"),
        (png().set_payload("[1]").to_request(), false, "content_type"),
        (upgrade(), false, "empty"),
        (post().to_request().replace_payload(Payload::None).0, false, "empty"),
    ] {
        let audited = Audited::full();
        let app = web::route().to(move |_: HttpRequest, body: web::Payload| {
            let stream = matches!(body.into_inner(), Payload::Stream { .. });
            assert_eq!(stream, wrapped, "{why}");
            std::future::ready(HttpResponse::Ok().finish())
        });
        ask(&audited, app, request).await;
        assert_eq!(captured(&audited.one().await), [Some(why), Some("empty")]);
    }
}

#[actix_web::test]
async fn over_http1_with_and_without_a_length() {
    let audited = Audited::full();
    let audit = audited.actix();
    let server = Server::actix(|listener| {
        let app = move || App::new().route("/", echo()).wrap(audit.clone());
        let server = actix_web::HttpServer::new(app).workers(1).disable_signals();
        Ok(server.listen(listener)?.run())
    });
    let json = "content-type: application/json\r\n";
    let length = format!("{json}content-length: 5\r\n");
    let chunked = format!("{json}transfer-encoding: chunked\r\n");
    assert_eq!(server.ask("POST /", &length, "[1,2]").await.body, "[1,2]");
    assert_eq!(server.ask("POST /", &chunked, "5\r\n[1,2]\r\n0\r\n\r\n").await.body, "[1,2]");
    for entry in audited.records().await {
        assert_eq!((entry.request().unwrap().size, captured(&entry)), (Some(5), [FULL, FULL]));
    }
}
