//! A small shop whose settings come from a file:
//! `cargo run --example configured -- examples/configured.toml`
//!
//! It reads the file again on SIGHUP (`kill -HUP PID`). A file that is wrong changes nothing.

use std::{net::SocketAddr, path::PathBuf};

use audit_tower::{AuditContext, Auditor, Settings, axum::AuditLayer, sink::Lines};
use audit_trail::Trail;
use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::{
        ctrl_c,
        unix::{SignalKind, signal},
    },
};

#[derive(Deserialize)]
struct Order {
    item: String,
    quantity: u32,
}

async fn create(audit: AuditContext, Json(order): Json<Order>) -> StatusCode {
    audit.user("ann").entity("order", &order.item).metadata("quantity", order.quantity);
    if order.quantity == 0 { StatusCode::BAD_REQUEST } else { StatusCode::CREATED }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = PathBuf::from(args.next().unwrap_or_else(|| "audit.toml".into()));
    let address = args.next().unwrap_or_else(|| "127.0.0.1:3000".into());

    // The defaults, the file over them, the environment over that. What is wrong is told with its
    // line and what is allowed.
    let settings = Settings::load(&file)?;
    let trail = Trail::configured(&settings)?;
    let auditor =
        Auditor::builder().settings(settings).also(Lines::new(std::io::stdout())).build(trail)?;
    reload_on_hangup(&auditor, file)?;

    let app = Router::new()
        .route("/orders", post(create))
        .route("/health", get(|| async { "ok" }))
        .layer(AuditLayer::new(&auditor));
    let listener = TcpListener::bind(&address).await?;
    greet(listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { ctrl_c().await.unwrap_or_default() })
        .await?;
    Ok(auditor.close().await?)
}

/// Requests that have begun end with the settings they began with.
fn reload_on_hangup(auditor: &Auditor, file: PathBuf) -> std::io::Result<()> {
    let (auditor, mut hangups) = (auditor.clone(), signal(SignalKind::hangup())?);
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            // Either way a record tells of it: `audit query ./audit --kind control`.
            match auditor.reload(Settings::load(&file)) {
                Ok(reloaded) => say(&reloaded),
                Err(unchanged) => say(&unchanged),
            }
        }
    });
    Ok(())
}

#[allow(clippy::print_stderr)] // There is nobody else to tell.
fn say(what: &dyn std::fmt::Display) {
    eprintln!("{what}");
}

#[allow(clippy::print_stdout)]
fn greet(address: SocketAddr) {
    println!("The shop listens on http://{address}; its pid is {}.", std::process::id());
}
