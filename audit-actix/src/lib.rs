//! One audit record for each request, as an actix-web middleware.
//!
//! ```
//! use actix_web::{App, HttpServer, Responder, web};
//! use audit_actix::{Audit, AuditContext, Auditor, sink::Memory};
//!
//! async fn create(audit: AuditContext) -> impl Responder {
//!     audit.user("ann").tenant("acme");
//!     "created"
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auditor = Auditor::to(Memory::new());
//! let audit = Audit::new(&auditor);
//! let server = HttpServer::new(move || {
//!     App::new().route("/orders", web::post().to(create)).wrap(audit.clone())
//! });
//! // server.bind("127.0.0.1:8080")?.run().await?;
//! auditor.close_blocking()?; // or `auditor.close().await`
//! # Ok(())
//! # }
//! ```
//!
//! One [`Audit`] serves all workers: it is a handle to the auditor, made once outside the factory.
//! It goes around an `App`, a `Scope` or a `Resource`; in the latter two, and in
//! `middleware::Condition`, wrap it in `middleware::Compat`, since it changes the body's type.
//!
//! # Metrics
//!
//! [`Auditor::prometheus`] gives the counters in Prometheus' text format:
//!
//! ```
//! use actix_web::{App, HttpResponse, Responder, web::{self, Data}};
//! use audit_actix::{Audit, Auditor, sink::Memory};
//!
//! async fn metrics(auditor: Data<Auditor>) -> impl Responder {
//!     let answer = auditor.prometheus();
//!     HttpResponse::Ok().content_type(Auditor::PROMETHEUS_CONTENT_TYPE).body(answer)
//! }
//!
//! let auditor = Auditor::builder().exclude_path("/metrics").build(Memory::new()).unwrap();
//! let app = App::new()
//!     .app_data(Data::new(auditor.clone()))
//!     .route("/metrics", web::get().to(metrics))
//!     .wrap(Audit::new(&auditor));
//! # auditor.close_blocking().unwrap();
//! ```
//!
//! # When a request ends
//!
//! A record is made once, at the first of these: the response body gives its end or an error; the
//! body is taken whole (`MessageBody::try_into_bytes`); the body is dropped (`completed` if its
//! declared length was produced, else `cancelled`); the response has no body; the connection is
//! upgraded; an inner middleware or extractor fails with an `Err`, which actix answers outside all
//! middleware (`completed`, with the error's status and without a size); the application panics;
//! the future is dropped (`cancelled`). Requests that actix answers itself, such as malformed
//! ones, never reach a middleware.
//!
//! # Who asks
//!
//! A handler says it through its [`AuditContext`]. What authenticates requests may instead put an
//! [`Identity`] into the extensions of the request or of the response; that of the response counts
//! more. A hook may read it from a header: [`AuditorBuilder::on_request`].
//!
//! # Strict requests
//!
//! Under a rule with [`Reliability::Strict`] a request does not run before it is on record that it
//! is about to, and is not answered before its status is; what cannot be recorded is a 503. The
//! inner service is called at once, and its future is not polled until then: nothing of it needs to
//! be `Clone`, and what it does in `call` itself it does without waiting.
//!
//! # Other tasks and threads
//!
//! `rt::spawn(work().in_audit_context())` ([`InAuditContext`]) and
//! `web::block(in_audit_context(|| …))` take the request's context along.
//!
//! # Order of middleware
//!
//! actix runs the middleware that was wrapped last first. Wrap the audit last and it sees most.
//! Two of them around one request leave one record, that of the outer.

mod body;
mod context;
mod future;
mod head;
mod middleware;
mod payload;

pub use audit_core::{
    Auditor, AuditorBuilder, AuditorGuard, BadSelector, BadSetting, BuildError, Capture, ClientIp,
    CloseError, Counters, Detector, Explanation, FlushError, ForwardedHeader, How, Identity,
    InAuditContext, MaskRules, Question, Reliability, Reloaded, Rule, Secret, SessionAs, Settings,
    Tried, Unchanged, WithAuditContext, hook, in_audit_context, settings, sink, testing,
};

pub use self::{
    body::AuditBody,
    context::{AuditContext, MissingAuditContext},
    future::ResponseFuture,
    middleware::{Audit, AuditMiddleware},
};
