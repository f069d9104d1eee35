use std::{
    fmt,
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, dev::Payload};

/// The handle on the record of the present request, as an extractor.
///
/// It fails with status 500 where the middleware is missing; take `Option<AuditContext>` where
/// that is as it should be. A request that leaves no record has a handle too, which leads nowhere.
/// In inner middleware, and wherever no request is at hand: [`AuditContext::current`].
#[derive(Clone, Debug)]
pub struct AuditContext(audit_core::AuditContext);

/// Marks a request that leaves no record. Of no size, so that it costs no allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotRecorded;

impl AuditContext {
    /// The handle of the request whose code runs on this thread right now: in its handlers, inner
    /// middleware and body, between two awaits. Not in tasks and threads that they spawn: move a
    /// clone there.
    #[must_use]
    pub fn current() -> Option<Self> {
        // Not in the extensions: they would take a box for it, with every request.
        audit_core::AuditContext::current().map(Self)
    }

    /// The same, or one that leads nowhere where this request leaves no record.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        Self::current().or_else(|| {
            let excluded = request.extensions().contains::<NotRecorded>();
            excluded.then(|| Self(audit_core::AuditContext::detached()))
        })
    }
}

impl Deref for AuditContext {
    type Target = audit_core::AuditContext;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The audit middleware is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingAuditContext {}

impl fmt::Display for MissingAuditContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no AuditContext for the request: add `.wrap(Audit::new(&auditor))` to the app, \
             after its routes",
        )
    }
}

impl std::error::Error for MissingAuditContext {}

impl ResponseError for MissingAuditContext {}

impl FromRequest for AuditContext {
    type Error = MissingAuditContext;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = Self::of(request);
        // A request that gives no response (a panic, an `Err`, a client that leaves) would have no
        // route: the middleware learns it from the response only.
        if let (Some(context), Some(route)) = (&context, request.match_pattern()) {
            context.route(route);
        }
        ready(context.ok_or(MissingAuditContext {}))
    }
}
