//! The testbed for axum: every way a request can go and end, for the tests of the layer.
//!
//! `cargo run --example testbed_axum -- --audit headers --trail ./audit`

#[path = "testbed/axum_routes.rs"]
mod axum_routes;
#[path = "testbed/common.rs"]
mod common;

use std::{error::Error, io::Write as _, net::SocketAddr, process::ExitCode, time::Duration};

use audit_tower::axum::AuditLayer;
use axum::{Router, serve::ListenerExt as _};
use clap::Parser as _;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use crate::common::{DRAIN, Flags};

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "testbed_axum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let auditor = flags.auditor()?;
    let app = match &auditor {
        // After the routes, so that the layer knows them.
        Some(auditor) => axum_routes::router().layer(AuditLayer::new(auditor)),
        None => axum_routes::router(),
    };
    let mut runtime = runtime::Builder::new_multi_thread();
    if let Some(threads) = flags.threads {
        runtime.worker_threads(threads.get());
    }
    let runtime = runtime.enable_all().build()?;
    let served = runtime.block_on(async {
        tokio::spawn(flags.reload_on_hangup(auditor.as_ref())?);
        serve(app, flags.listen).await
    });
    // Drops the requests that did not end in time. They leave records, so the auditor is closed
    // after them.
    runtime.shutdown_timeout(Duration::from_secs(1));
    flags.close(auditor)?;
    served
}

async fn serve(app: Router, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(addr).await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let listener = listener.tap_io(|socket| {
        // Without it a small chunk waits for the client's acknowledgement of the one before.
        let _ = socket.set_nodelay(true);
    });

    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopping) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopping.await;
    });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        served = &mut server => return Ok(served?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = stop.send(());
    match tokio::time::timeout(DRAIN, server).await {
        Ok(served) => Ok(served?),
        Err(_) => Ok(()),
    }
}
