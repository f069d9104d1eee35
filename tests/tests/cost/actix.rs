//! Allocations of the actix middleware, over an identity transform in the same place.

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::header,
    test::{TestRequest, init_service},
    web,
};
use audit_actix::{Audit, Auditor, Capture};
use audit_core::sink::Lines;
use audit_tests::app;
use futures_util::FutureExt as _;

const REQUESTS: u64 = 2_000;

fn request(path: &str) -> Request {
    head(TestRequest::get(), path).to_request()
}

/// The same by POST, with an order as its body.
fn order_request(path: &str) -> Request {
    let request = head(TestRequest::post(), path);
    let request = request.insert_header((header::CONTENT_TYPE, "application/json"));
    let request = request.insert_header((header::CONTENT_LENGTH, app::ORDER.len()));
    request.set_payload(app::ORDER).to_request()
}

fn head(request: TestRequest, path: &str) -> TestRequest {
    request
        .uri(path)
        .peer_addr(([192, 0, 2, 1], 4711).into())
        .insert_header((header::HOST, "shop.example"))
        .insert_header((header::USER_AGENT, "curl/8.5.0"))
        .insert_header((header::ACCEPT, "application/json"))
        .insert_header((header::ACCEPT_ENCODING, "gzip, br"))
        .insert_header((header::AUTHORIZATION, "Bearer abcdefghijklmnopqrstuvwxyz"))
        .insert_header((header::COOKIE, "theme=dark; sid=0123456789abcdef"))
        .insert_header(("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        .insert_header(("x-forwarded-for", "203.0.113.9"))
}

fn routes(app: &mut web::ServiceConfig) {
    let body = format!("{{\"pad\":\"{}\"}}", "x".repeat(190));
    app.route("/small/{id}", web::get().to(move || std::future::ready(body.clone())))
        .route("/orders", web::post().to(order))
        .route("/health", web::get().to(|| std::future::ready("ok")));
}

async fn order(body: web::Bytes) -> HttpResponse {
    assert_eq!(body.len(), app::ORDER.len());
    HttpResponse::Ok().content_type(header::ContentType::json()).body(app::ORDER)
}

/// Allocations per request on this thread, after a warm-up.
fn per_request<S, B>(app: &S, make: fn(&str) -> Request, path: &str) -> f64
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let send = |request| {
        let response = app.call(request).now_or_never().expect("answers at once").unwrap();
        let body = to_bytes(response.into_body()).now_or_never().expect("is there at once");
        assert!(body.is_ok_and(|bytes| !bytes.is_empty()));
    };
    (0..REQUESTS).for_each(|_| send(make(path)));
    let requests: Vec<_> = (0..REQUESTS).map(|_| make(path)).collect();
    let counted = allocation_counter::measure(|| requests.into_iter().for_each(send));
    counted.count_total as f64 / REQUESTS as f64
}

fn over_identity(capture: Capture, make: fn(&str) -> Request, path: &str) -> f64 {
    actix_web::rt::System::new().block_on(async {
        let auditor = Auditor::builder().capture(capture).exclude_path("/health");
        let auditor = auditor.build(Lines::new(std::io::sink())).unwrap();
        let app = App::new().configure(routes).wrap_fn(|request, inner| inner.call(request));
        let bare = init_service(app).await;
        let app = App::new().configure(routes).wrap(Audit::new(&auditor));
        let audited = init_service(app).await;
        let (base, with) = (per_request(&bare, make, path), per_request(&audited, make, path));
        auditor.close_blocking().unwrap();
        let over = with - base;
        println!(
            "actix {} {path}: {base:.2} bare, {with:.2} audited, {over:+.2}",
            capture.as_str()
        );
        over
    })
}

#[test]
fn an_excluded_request_costs_at_most_one() {
    assert!(over_identity(Capture::Metadata, request, "/health") <= 1.0);
}

#[test]
fn metadata_costs_little_more_than_one() {
    // One: the route's pattern, which actix gives as a string of its own. The rest: ids and
    // chunks, which come in blocks.
    assert!(over_identity(Capture::Metadata, request, "/small/7") <= 1.1);
}

#[test]
fn headers_cost_no_more_than_metadata() {
    assert!(over_identity(Capture::Headers, request, "/small/7") <= 1.1);
}

#[test]
fn full_costs_at_most_two() {
    // The route's pattern, and the box of the payload.
    assert!(over_identity(Capture::Full, order_request, "/orders") <= 2.1);
}
