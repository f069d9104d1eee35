//! The testbed for actix-web: every way a request can go and end, for the tests of the middleware.
//!
//! `cargo run --example testbed_actix -- --audit headers --trail ./audit`

#[path = "testbed/actix_routes.rs"]
mod actix_routes;
#[path = "testbed/common.rs"]
mod common;

use std::{error::Error, io::Write as _, process::ExitCode};

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::{Compat, Condition},
};
use audit_actix::{Audit, Auditor, sink::Memory};
use clap::Parser as _;

use crate::common::{DRAIN, Flags};

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "testbed_actix: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let auditor = flags.auditor()?;
    // The workers' runtimes end with it: what is still running then is dropped, and leaves its
    // record before the auditor is closed.
    let served = actix_web::rt::System::new().block_on(async {
        actix_web::rt::spawn(flags.reload_on_hangup(auditor.as_ref())?);
        let server = server(flags, auditor.as_ref())?;
        server.await
    });
    flags.close(auditor)?;
    Ok(served?)
}

fn server(flags: &Flags, auditor: Option<&Auditor>) -> std::io::Result<Server> {
    let on = auditor.is_some();
    let audit = Audit::new(auditor.unwrap_or(&Auditor::to(Memory::with_most(1))));
    let factory = move || {
        // Condition wants one body type with the middleware and without: hence Compat.
        let audit = Condition::new(on, Compat::new(audit.clone()));
        App::new().configure(actix_routes::routes).wrap(audit)
    };
    let mut server = HttpServer::new(factory);
    if let Some(threads) = flags.threads {
        server = server.workers(threads.get());
    }
    let server = server.shutdown_timeout(DRAIN.as_secs()).bind_auto_h2c(flags.listen)?;
    let addr = server.addrs()[0];
    // The socket is bound and listens already; the kernel keeps who comes before the workers do.
    writeln!(std::io::stdout(), "listening on {addr}")?;
    Ok(server.run())
}
