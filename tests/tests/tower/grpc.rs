//! gRPC over tonic: places, endings, and the status that is not HTTP's.

use audit_core::{Entry, Outcome};
use audit_tests::{
    audited::{Audited, Ending},
    server::Server,
};
use axum::{body::Body, extract::Request};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tonic::{
    Code, Status,
    service::{InterceptorLayer, Routes},
    transport::{self, Channel, server::TcpIncoming},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::trace::TraceLayer;

use crate::ask;

async fn client(server: &Server) -> HealthClient<Channel> {
    let uri = format!("http://{}", server.addr);
    HealthClient::new(Channel::from_shared(uri).unwrap().connect().await.unwrap())
}

fn check(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

fn grpc(entry: &Entry) -> Option<u32> {
    entry.response().unwrap().grpc_status
}

async fn plain(audited: &Audited) -> Server {
    let layer = audited.tonic();
    Server::start(|listener| async move {
        let (_reporter, health) = tonic_health::server::health_reporter();
        let server = transport::Server::builder().layer(layer).add_service(health);
        server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn the_status_is_found_in_trailers_and_in_the_head() {
    let audited = Audited::new();
    let server = plain(&audited).await;
    let mut client = client(&server).await;
    client.check(check("")).await.unwrap();
    assert_eq!(client.check(check("unknown")).await.unwrap_err().code(), Code::NotFound);

    let entries = audited.records().await;
    assert_eq!(entries.len(), 2);
    // Trailers after a message of two bytes and its frame of five.
    assert_eq!(Ending::of(&entries[0]), Ending::completed(200, 7));
    assert_eq!(grpc(&entries[0]), Some(0));
    // Trailers only: they are the head.
    assert_eq!(Ending::of(&entries[1]), Ending::completed(200, 0));
    assert_eq!(grpc(&entries[1]), Some(5));
    for entry in &entries {
        assert_eq!(entry.actor().unwrap().ip.as_deref(), Some("127.0.0.1"));
        let request = entry.request().unwrap();
        assert_eq!(request.path.as_deref(), Some("/grpc.health.v1.Health/Check"));
        assert_eq!(request.version.as_deref(), Some("HTTP/2"));
    }
}

#[tokio::test]
async fn trace_outside_and_an_interceptor_inside() {
    let audited = Audited::new();
    let layer = audited.tonic();
    let server = Server::start(|listener| async move {
        let (_reporter, health) = tonic_health::server::health_reporter();
        let stack = ServiceBuilder::new().layer(TraceLayer::new_for_grpc()).layer(layer).layer(
            InterceptorLayer::new(|request: tonic::Request<()>| {
                let context = request.extensions().get::<audit_tower::AuditContext>().unwrap();
                context.user("ann");
                match request.metadata().get("x-refuse") {
                    Some(_) => Err(Status::permission_denied("no")),
                    None => Ok(request),
                }
            }),
        );
        let server = transport::Server::builder().layer(stack).add_service(health);
        server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
    })
    .await;
    let mut client = client(&server).await;
    client.check(check("")).await.unwrap();
    let mut refused = tonic::Request::new(check(""));
    refused.metadata_mut().insert("x-refuse", "1".parse().unwrap());
    assert_eq!(client.check(refused).await.unwrap_err().code(), Code::PermissionDenied);
    let entries = audited.records().await;
    assert_eq!(entries.iter().map(grpc).collect::<Vec<_>>(), [Some(0), Some(7)]);
    assert!(entries.iter().all(|e| e.actor().unwrap().user.as_deref() == Some("ann")));
}

#[tokio::test]
async fn as_an_axum_router() {
    let audited = Audited::new();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let app = Routes::new(health).into_axum_router().layer(audited.axum());
    let server = Server::axum(app).await;
    let mut client = client(&server).await;
    client.check(check("")).await.unwrap();
    assert_eq!(client.check(check("unknown")).await.unwrap_err().code(), Code::NotFound);
    let entries = audited.records().await;
    assert_eq!(entries.iter().map(grpc).collect::<Vec<_>>(), [Some(0), Some(5)]);
}

#[tokio::test]
async fn a_stream_is_left() {
    let audited = Audited::new();
    let server = plain(&audited).await;
    let mut client = client(&server).await;
    let mut watch = client.watch(check("")).await.unwrap().into_inner();
    assert!(watch.message().await.unwrap().is_some());
    assert_eq!(audited.auditor.counters().in_flight, 1);
    drop(watch);
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::in_body(Outcome::Cancelled, 7));
    assert_eq!(grpc(&entry), None);
    // The connection lives on.
    client.check(check("")).await.unwrap();
    assert_eq!(audited.records().await.len(), 2);
}

#[tokio::test]
async fn an_error_after_messages_is_in_the_trailers() {
    let audited = Audited::new();
    let service = ServiceBuilder::new().layer(audited.tonic()).service_fn(
        |_: http::Request<tonic::body::Body>| async {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", 13.into());
            let frames = [Frame::data(Bytes::from_static(b"message")), Frame::trailers(trailers)];
            let frames = stream::iter(frames.map(Ok::<_, std::convert::Infallible>));
            let body = tonic::body::Body::new(StreamBody::new(frames));
            Ok::<_, std::convert::Infallible>(Response::new(body))
        },
    );
    let request: Request = ask();
    let response = service.oneshot(request.map(|body: Body| body)).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "13");
    let entry = audited.one().await;
    assert_eq!(Ending::of(&entry), Ending::completed(200, 7));
    assert_eq!(grpc(&entry), Some(13));
}
