//! Request ids: taken, made, sent back.

use audit_core::{AuditorBuilder, IdSource};
use audit_tests::audited::Audited;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::HeaderValue,
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceExt;

const ID: &str = "x-request-id";

async fn ask(audited: &Audited, path: &str, ids: &[&[u8]]) -> Response {
    let own = async || ([(ID, "the-handlers")], "own").into_response();
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/own", get(own))
        .route("/panic", get(|| async { panic!("no") as &str }))
        .layer(audited.axum());
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for id in ids {
        request.headers_mut().append(ID, HeaderValue::from_bytes(id).unwrap());
    }
    app.oneshot(request).await.unwrap()
}

fn sent(response: &Response) -> Option<&str> {
    let mut all = response.headers().get_all(ID).iter();
    let id = all.next().map(|id| id.to_str().unwrap());
    assert_eq!(all.next(), None, "one id is enough");
    id
}

/// The id sent back and the one recorded with its source.
async fn ids(path: &str, inbound: &[&[u8]]) -> (Option<String>, String, IdSource) {
    let audited = Audited::new();
    let response = ask(&audited, path, inbound).await;
    let sent = sent(&response).map(str::to_owned);
    drop(response);
    let entry = audited.one().await;
    let request = entry.request().unwrap();
    (sent, request.id.clone().unwrap(), request.id_source.unwrap())
}

#[tokio::test]
async fn one_well_formed_id_is_kept() {
    let expected = "req-1.2:3+4/5=_".to_owned();
    let found = ids("/", &[b"req-1.2:3+4/5=_"]).await;
    assert_eq!(found, (Some(expected.clone()), expected, IdSource::Inbound));
}

#[tokio::test]
async fn none_is_made() {
    let (sent, recorded, source) = ids("/", &[]).await;
    assert_eq!((sent.as_deref(), source), (Some(recorded.as_str()), IdSource::Generated));
    assert_eq!((recorded.len(), recorded.as_bytes()[14]), (36, b'7'));
}

#[tokio::test]
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

#[tokio::test]
async fn the_handlers_own_stays() {
    let (sent, recorded, source) = ids("/own", &[b"inbound"]).await;
    assert_eq!(sent.as_deref(), Some("the-handlers"));
    assert_eq!((recorded.as_str(), source), ("inbound", IdSource::Inbound));
}

#[tokio::test]
async fn the_answer_to_a_panic_and_to_nothing_has_one() {
    for path in ["/panic", "/missing"] {
        let (sent, recorded, _) = ids(path, &[b"inbound"]).await;
        assert_eq!((sent.as_deref(), recorded.as_str()), (Some("inbound"), "inbound"));
    }
}

#[tokio::test]
async fn the_headers_can_be_chosen() {
    async fn both(settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder) -> (Response, String) {
        let audited = Audited::with(settings);
        let response = ask(&audited, "/", &[b"inbound"]).await;
        // To its end, so that there is a record.
        let (parts, body) = response.into_parts();
        axum::body::to_bytes(body, 100).await.unwrap();
        let id = audited.one().await.request().unwrap().id.clone().unwrap();
        (Response::from_parts(parts, Body::empty()), id)
    }
    let (response, recorded) = both(|settings| settings.response_id_header(None)).await;
    assert_eq!((sent(&response), recorded.as_str()), (None, "inbound"));

    let (response, recorded) = both(|s| s.response_id_header(Some("X-Correlation-Id"))).await;
    assert_eq!((sent(&response), recorded.as_str()), (None, "inbound"));
    assert_eq!(response.headers()["x-correlation-id"], "inbound");

    let (response, recorded) = both(|settings| settings.request_id_header(None)).await;
    assert_ne!(recorded, "inbound");
    assert_eq!(sent(&response), Some(recorded.as_str()));
}

#[tokio::test]
async fn excluded_requests_have_one_unless_told_otherwise() {
    let audited = Audited::with(|settings| settings.exclude_path("/"));
    assert_eq!(sent(&ask(&audited, "/", &[b"inbound"]).await), Some("inbound"));
    assert_eq!(sent(&ask(&audited, "/", &[]).await).unwrap().len(), 36);
    assert_eq!(sent(&ask(&audited, "/own", &[]).await), Some("the-handlers"));
    assert_eq!(audited.records().await.len(), 1);

    let audited = Audited::with(|settings| settings.exclude_path("/").id_on_excluded(false));
    assert_eq!(sent(&ask(&audited, "/", &[b"inbound"]).await), None);
    assert_eq!(audited.settled().excluded, 1);
}
