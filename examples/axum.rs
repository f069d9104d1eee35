//! A small shop, audited: `cargo run --example axum`, then paste one of the printed commands.
//!
//! Every request leaves one record: in the trail `./audit`, and on this terminal.

use std::{net::SocketAddr, sync::Arc};

use audit_tower::{AuditContext, Auditor, Capture, axum::AuditLayer, sink::Lines};
use audit_trail::Trail;
use axum::{
    Json, Router,
    extract::{Path, State},
    handler::Handler,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, signal, sync::Mutex};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 1. Where records go: a trail on disk, and, so that there is something to see, the terminal.
    let auditor = Auditor::builder()
        .service("shop", env!("CARGO_PKG_VERSION"))
        .capture(Capture::Headers)
        .exclude_path("/health")
        .exclude_path("/metrics")
        .also(Lines::new(std::io::stdout()))
        .build(Trail::open("./audit")?)?;

    // 2. The application, with one layer around its routes.
    let app = Router::new()
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(show))
        .route("/login", post(login))
        .route("/health", get(|| async { "ok" }))
        .route("/metrics", get(metrics(&auditor)))
        .with_state(Shop::default())
        .layer(AuditLayer::new(&auditor));

    // 3. Served with the peer's address, so that records say from where.
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; try another: `… --example axum 127.0.0.1:0`")
    })?;
    greet(listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { signal::ctrl_c().await.unwrap_or_default() })
        .await?;

    // 4. Everything accepted is on disk before the program ends.
    Ok(auditor.close().await?)
}

#[derive(Clone, Default)]
struct Shop(Arc<Mutex<Vec<Order>>>);

#[derive(Clone, Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn list(State(shop): State<Shop>) -> Json<Vec<Order>> {
    Json(shop.0.lock().await.clone())
}

async fn show(State(shop): State<Shop>, Path(id): Path<usize>) -> Result<Json<Order>, StatusCode> {
    shop.0.lock().await.get(id).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

// A handler that has something to say takes the request's audit context.
async fn create(
    audit: AuditContext,
    State(shop): State<Shop>,
    Json(order): Json<Order>,
) -> StatusCode {
    audit.user("ann").tenant("acme").module("sales").action("create");
    audit.metadata("order", &order);
    shop.0.lock().await.push(order);
    StatusCode::CREATED
}

async fn login(audit: AuditContext, Json(login): Json<Login>) -> StatusCode {
    audit.user(&login.username).action("login");
    if login.password == "wrong" { StatusCode::UNAUTHORIZED } else { StatusCode::NO_CONTENT }
}

/// What became of all requests, for Prometheus. Excluded above: a scrape leaves no record.
fn metrics(auditor: &Auditor) -> impl Handler<((),), Shop> + use<> {
    let auditor = auditor.clone();
    async move || ([(CONTENT_TYPE, Auditor::PROMETHEUS_CONTENT_TYPE)], auditor.prometheus())
}

#[allow(clippy::print_stdout)]
fn greet(address: SocketAddr) {
    println!(
        "The shop listens on http://{address}. In another terminal:

  curl -i http://{address}/orders
  curl -i http://{address}/orders --json '{{\"item\":\"tea\",\"quantity\":2}}'
  curl -i 'http://{address}/orders/7?token=hunter2' -H 'Authorization: Bearer hunter2'
  curl -i http://{address}/health       # excluded: no record
  curl -i http://{address}/metrics      # likewise; what became of all requests

Records appear here and in ./audit. Read them there with

  cargo run -q -p audit-cli -- tail ./audit
  jq -c 'select(.outcome) | [.time, .response.status, .request.path]' ./audit/*/*.jsonl

Ctrl-C ends it.
"
    );
}
