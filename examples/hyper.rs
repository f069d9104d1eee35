//! A hyper server of one's own, audited: `cargo run --example hyper`.
//!
//! hyper hands over `Incoming` bodies, which nobody else can make, so the layer gives the service
//! its own wrapper: a service is written for `Request<RequestBody<Incoming>>`, or for any body.

use std::{convert::Infallible, net::SocketAddr};

use audit_tower::{Auditor, PeerAddr, RequestBody, hyper::AuditLayer, sink::Lines};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn, util::MapRequestLayer};

async fn hello(
    request: Request<RequestBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(format!("hello from {}\n", request.uri().path()))))
}

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auditor = Auditor::to(Lines::new(std::io::stdout()));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".into());
    let listener = TcpListener::bind(address).await?;
    println!("curl -i http://{}/\n", listener.local_addr()?);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = tokio::signal::ctrl_c() => break,
        };
        let service = ServiceBuilder::new()
            // Only the accept loop knows the peer.
            .layer(MapRequestLayer::new(move |request| with_peer(request, peer)))
            .layer(AuditLayer::new(&auditor))
            .service(service_fn(hello));
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let service = TowerToHyperService::new(service);
            // A connection that fails has left its record already.
            let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
    Ok(auditor.close().await?)
}

fn with_peer(mut request: Request<Incoming>, peer: SocketAddr) -> Request<Incoming> {
    request.extensions_mut().insert(PeerAddr(peer));
    request
}
