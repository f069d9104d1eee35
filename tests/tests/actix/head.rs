//! What the middleware knows by itself: ids, headers, addresses.

use actix_http::Request;
use actix_web::{
    App, HttpResponse,
    dev::ServiceResponse,
    http::header::{HeaderName, HeaderValue},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use audit_core::{Capture, Entry, IdSource};
use audit_tests::audited::Audited;

const ID: &str = "x-request-id";

async fn ask(
    audited: &Audited,
    request: Request,
) -> ServiceResponse<impl actix_web::body::MessageBody> {
    let own = async || HttpResponse::Ok().insert_header((ID, "the-handlers")).body("own");
    let cookies = async || {
        HttpResponse::Ok()
            .append_header(("set-cookie", "sid=hunter2; Path=/"))
            .append_header(("set-cookie", "theme=dark"))
            .append_header(("x-part", "one"))
            .append_header(("x-part", "two"))
            .body("hello")
    };
    let app = App::new()
        .route("/", web::get().to(async || "hello"))
        .route("/own", web::get().to(own))
        .route("/cookies", web::get().to(cookies))
        .wrap(audited.actix());
    call_service(&init_service(app).await, request).await
}

/// Sends one request, reads its answer and gives the record.
async fn record(audited: &Audited, request: TestRequest) -> Entry {
    read_body(ask(audited, request.to_request()).await).await;
    audited.records().await.pop().unwrap()
}

fn sent<B>(response: &ServiceResponse<B>) -> Option<&str> {
    let mut all = response.headers().get_all(ID);
    let id = all.next().map(|id| id.to_str().unwrap());
    assert_eq!(all.next(), None, "one id is enough");
    id
}

fn value(bytes: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(bytes).unwrap()
}

/// The id sent back and the one recorded with its source.
async fn ids(path: &str, inbound: &[&[u8]]) -> (Option<String>, String, IdSource) {
    let audited = Audited::new();
    let mut request = TestRequest::get().uri(path);
    for id in inbound {
        request = request.append_header((HeaderName::from_static(ID), value(id)));
    }
    let response = ask(&audited, request.to_request()).await;
    let sent = sent(&response).map(str::to_owned);
    drop(response);
    let entry = audited.one().await;
    let request = entry.request().unwrap();
    (sent, request.id.clone().unwrap(), request.id_source.unwrap())
}

#[actix_web::test]
async fn one_well_formed_id_is_kept() {
    let expected = "req-1.2:3+4/5=_".to_owned();
    let found = ids("/", &[b"req-1.2:3+4/5=_"]).await;
    assert_eq!(found, (Some(expected.clone()), expected, IdSource::Inbound));
}

#[actix_web::test]
async fn none_is_made() {
    for path in ["/", "/missing"] {
        let (sent, recorded, source) = ids(path, &[]).await;
        assert_eq!((sent.as_deref(), source), (Some(recorded.as_str()), IdSource::Generated));
        assert_eq!((recorded.len(), recorded.as_bytes()[14]), (36, b'7'));
    }
}

#[actix_web::test]
async fn anything_else_is_replaced() {
    let long = [b'z'; 10_240];
    let cases: [&[&[u8]]; 6] =
        [&[b""], &[b"a b"], &[b"a\tb"], &[b"\xff"], &[b"one", b"two"], &[&long]];
    for inbound in cases {
        let (sent, recorded, source) = ids("/", inbound).await;
        assert_eq!((sent.as_deref(), source), (Some(recorded.as_str()), IdSource::Replaced));
        assert_eq!(recorded.len(), 36);
    }
}

#[actix_web::test]
async fn the_handlers_own_stays() {
    let (sent, recorded, source) = ids("/own", &[b"inbound"]).await;
    assert_eq!(sent.as_deref(), Some("the-handlers"));
    assert_eq!((recorded.as_str(), source), ("inbound", IdSource::Inbound));
}

#[actix_web::test]
async fn the_headers_can_be_chosen() {
    let inbound = || TestRequest::get().insert_header((ID, "inbound")).to_request();
    let audited = Audited::with(|settings| settings.response_id_header(None));
    assert_eq!(sent(&ask(&audited, inbound()).await), None);

    let audited = Audited::with(|s| s.response_id_header(Some("X-Correlation-Id")));
    let response = ask(&audited, inbound()).await;
    assert_eq!(sent(&response), None);
    assert_eq!(response.headers().get("x-correlation-id").unwrap(), "inbound");

    let audited = Audited::with(|settings| settings.request_id_header(None));
    assert_ne!(sent(&ask(&audited, inbound()).await), Some("inbound"));
}

#[actix_web::test]
async fn excluded_requests_have_one_unless_told_otherwise() {
    let inbound = || TestRequest::get().insert_header((ID, "inbound")).to_request();
    let audited = Audited::with(|settings| settings.exclude_path("/**"));
    assert_eq!(sent(&ask(&audited, inbound()).await), Some("inbound"));
    assert_eq!(sent(&ask(&audited, TestRequest::get().to_request()).await).unwrap().len(), 36);
    let own = TestRequest::get().uri("/own").to_request();
    assert_eq!(sent(&ask(&audited, own).await), Some("the-handlers"));

    let settings =
        |settings: audit_core::AuditorBuilder| settings.exclude_path("/**").id_on_excluded(false);
    let audited = Audited::with(settings);
    assert_eq!(sent(&ask(&audited, inbound()).await), None);
    assert_eq!(audited.settled().excluded, 1);
}

#[actix_web::test]
async fn the_head_is_recorded() {
    let audited = Audited::with(|settings| settings.trusted_proxies(["192.0.2.0/24"]));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = || {
        TestRequest::get()
            .uri("/?page=2&token=hunter2")
            .insert_header(("host", "shop.example"))
            .insert_header(("user-agent", "test/1"))
            .insert_header(("x-forwarded-for", "203.0.113.9, 198.51.100.7"))
    };
    let near = ([192, 0, 2, 10], 4711).into();
    let entry = record(&audited, request().insert_header(("traceparent", parent)).peer_addr(near));
    let entry = entry.await;
    let head = entry.request().unwrap();
    assert_eq!(head.method.as_deref(), Some("GET"));
    assert_eq!((head.path.as_deref(), head.route.as_deref()), (Some("/"), Some("/")));
    assert_eq!(head.query.as_deref(), Some("page=2&token=[redacted]"));
    assert_eq!(head.host.as_deref(), Some("shop.example"));
    assert_eq!(head.version.as_deref(), Some("HTTP/1.1"));
    assert!(head.headers.is_none(), "not asked for");
    let actor = entry.actor().unwrap();
    assert_eq!(actor.user_agent.as_deref(), Some("test/1"));
    assert_eq!(actor.ip.as_deref(), Some("198.51.100.7"), "the last hop that is not trusted");
    let trace = entry.trace.unwrap();
    assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(trace.parent_id, "00f067aa0ba902b7");

    // Nobody's word is taken for it, and without a socket there is no address.
    let far = "[2001:db8::1]:4711".parse().unwrap();
    let entry = record(&audited, request().insert_header(("traceparent", "00-0-0-01")));
    let entry = entry.await;
    assert_eq!((entry.trace.is_some(), entry.actor().unwrap().ip.as_deref()), (false, None));
    let entry = record(&audited, request().peer_addr(far)).await;
    assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("2001:db8::1"));
}

#[actix_web::test]
async fn headers_are_kept_and_masked() {
    let audited = Audited::with(|settings| settings.capture(Capture::Headers));
    let mut marked = value(b"hunter2");
    marked.set_sensitive(true);
    let request = TestRequest::get()
        .uri("/cookies")
        .insert_header(("authorization", "Bearer hunter2"))
        .insert_header(("cookie", "theme=dark; sid=hunter2"))
        .append_header(("x-part", "1"))
        .append_header(("x-part", "2"))
        .insert_header((HeaderName::from_static("x-marked"), marked))
        .insert_header((HeaderName::from_static("x-bytes"), value(b"a\xffb")));
    let entry = record(&audited, request).await;
    assert!(!format!("{entry:?}").contains("hunter2"), "{entry:#?}");
    let headers = entry.request().unwrap().headers.as_ref().unwrap();
    assert_eq!(headers["authorization"], ["[redacted]"]);
    assert_eq!(headers["x-marked"], ["[redacted]"]);
    assert_eq!(headers["x-part"], ["1", "2"]);
    assert_eq!(headers["x-bytes"], ["a\\xffb"]);
    assert!(headers["cookie"][0].contains("theme="), "{headers:?}");
    let headers = entry.response().unwrap().headers.as_ref().unwrap();
    assert_eq!(headers["x-part"], ["one", "two"]);
    assert_eq!(headers["set-cookie"].len(), 2);
}
