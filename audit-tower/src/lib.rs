//! One audit record for each request, as a [`tower`] layer for axum, hyper and tonic.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use audit_tower::{Auditor, axum::AuditLayer, sink::Memory};
//! use axum::{Router, routing::get};
//!
//! let auditor = Auditor::to(Memory::new());
//! let app: Router = Router::new()
//!     .route("/orders", get(|| async { "none yet" }))
//!     .layer(AuditLayer::new(&auditor));
//! # auditor.close_blocking().unwrap();
//! # }
//! ```
//!
//! # Which layer
//!
//! The layer wraps bodies, and some places are pinned to a body type, so there is an alias for
//! each: `axum::AuditLayer` (feature `axum`) gives axum's body both ways and goes into
//! `Router::layer`, around a whole `Router`, or anywhere between; `tonic::AuditLayer` (feature
//! `tonic`) likewise; [`hyper::AuditLayer`] gives the wrappers [`RequestBody`] and
//! [`ResponseBody`] for services that take any body. A stack pinned to a body of its own
//! implements [`BodyKind`].
//!
//! # When a request ends
//!
//! A record is made once, at the first of these: the response body gives its end, its trailers
//! or an error, or says that it is at its end; the body is dropped (`completed` if the declared
//! length was produced, else `cancelled`); the response has no body (HEAD, 1xx, 204, 304); the
//! connection is upgraded; the inner service fails; the application panics in the call, in the
//! future or in the body; the future is dropped (`cancelled`). That the body was produced does
//! not say that the client received it: the server buffers.
//!
//! # Order of layers
//!
//! Outermost sees most: outside a timeout and a catch-panic layer the record has the status that
//! was sent. Inside compression sizes are those before compression. Two audit layers around one
//! request leave one record, that of the outer.
//!
//! # The peer's address
//!
//! In axum serve with `into_make_service_with_connect_info::<SocketAddr>()`; tonic knows it by
//! itself; with hyper put [`PeerAddr`] into each request's extensions.
//!
//! # Metrics
//!
//! [`Auditor::prometheus`] gives the counters in Prometheus' text format. In axum:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use audit_tower::{Auditor, axum::AuditLayer, sink::Memory};
//! use axum::{Router, http::header::CONTENT_TYPE, routing::get};
//!
//! let auditor = Auditor::builder().exclude_path("/metrics").build(Memory::new()).unwrap();
//! let metered = auditor.clone();
//! let metrics = async move || {
//!     ([(CONTENT_TYPE, Auditor::PROMETHEUS_CONTENT_TYPE)], metered.prometheus())
//! };
//! let app: Router =
//!     Router::new().route("/metrics", get(metrics)).layer(AuditLayer::new(&auditor));
//! # auditor.close_blocking().unwrap();
//! # }
//! ```
//!
//! # Who asks
//!
//! A handler says it through its [`AuditContext`]. What authenticates requests may instead put an
//! [`Identity`] into the extensions of the response, or, where it runs before this layer, into
//! those of the request: what a service inside puts into a request is gone when the layer sees
//! its response. A hook may read it from a header: [`AuditorBuilder::on_request`].
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
//! `tokio::spawn(work().in_audit_context())` ([`InAuditContext`]) and
//! `spawn_blocking(in_audit_context(|| …))` take the request's context along.
//!
//! # Features
//!
//! None by default. `axum`: the alias, `AuditContext` as an extractor, routes, `ConnectInfo`.
//! `tonic`: the alias and the peer's address.
//!
//! [`tower`]: https://docs.rs/tower

mod body;
mod context;
mod future;
mod head;
mod layer;
mod service;

pub use audit_core::{
    Auditor, AuditorBuilder, AuditorGuard, BadSelector, BadSetting, BuildError, Capture, ClientIp,
    CloseError, Counters, Detector, Explanation, FlushError, ForwardedHeader, How, Identity,
    InAuditContext, MaskRules, Question, Reliability, Reloaded, Rule, Secret, SessionAs, Settings,
    Tried, Unchanged, WithAuditContext, hook, in_audit_context, settings, sink, testing,
};

#[cfg(feature = "axum")]
pub use self::context::MissingAuditContext;
pub use self::{
    body::{BodyKind, BoxError, RequestBody, ResponseBody, Wrap},
    context::AuditContext,
    future::ResponseFuture,
    head::PeerAddr,
    layer::AuditLayer,
    service::Audit,
};

/// The layer for axum.
#[cfg(feature = "axum")]
pub mod axum {
    pub use crate::body::Axum;

    /// The layer for axum: gives axum's body both ways, whatever it takes.
    pub type AuditLayer = crate::AuditLayer<Axum>;
}

/// The layer for tonic.
#[cfg(feature = "tonic")]
pub mod tonic {
    pub use crate::body::Tonic;

    /// The layer for tonic: gives tonic's body both ways, whatever it takes.
    pub type AuditLayer = crate::AuditLayer<Tonic>;
}

/// The layer for hyper and every service that takes any body.
pub mod hyper {
    pub use crate::body::Wrap;

    /// The layer for services that take any body: gives [`RequestBody`](crate::RequestBody) to
    /// the inner service and [`ResponseBody`](crate::ResponseBody) to the server.
    pub type AuditLayer = crate::AuditLayer<Wrap>;
}
