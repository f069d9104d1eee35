//! A gRPC server, audited: `cargo run --example tonic`. It serves the standard health service.
//!
//! Records hold the gRPC status, which is not the HTTP status: that is 200 even for a failure.

use audit_tower::{Auditor, sink::Lines, tonic::AuditLayer};
use tonic::transport::{Server, server::TcpIncoming};

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auditor = Auditor::to(Lines::new(std::io::stdout()));
    let (_reporter, health) = tonic_health::server::health_reporter();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3002".into());
    let incoming = TcpIncoming::bind(address.parse()?)?;
    // An empty request is five zero bytes: not compressed, length 0.
    println!(
        "printf '\\0\\0\\0\\0\\0' | curl -s -o /dev/null --http2-prior-knowledge --data-binary @- \\
  -H 'content-type: application/grpc' -H 'te: trailers' \\
  http://{}/grpc.health.v1.Health/Check\n",
        incoming.local_addr()?
    );
    Server::builder()
        .layer(AuditLayer::new(&auditor))
        .add_service(health)
        .serve_with_incoming_shutdown(incoming, async {
            tokio::signal::ctrl_c().await.unwrap_or_default();
        })
        .await?;
    Ok(auditor.close().await?)
}
