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

/// Marks a request that an outer middleware of ours has decided on. Of no size, so that it costs
/// no allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded;

/// The same for a request that leaves no record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotRecorded;

impl AuditContext {
    /// The handle of the request whose code runs on this thread right now: in its handlers, inner
    /// middleware and body, between two awaits. Tasks and threads that they spawn have it where it
    /// was sent along: [`InAuditContext`](crate::InAuditContext),
    /// [`in_audit_context`](crate::in_audit_context), or a clone.
    #[must_use]
    pub fn current() -> Option<Self> {
        // Not in the extensions: they would take a box for it, with every request.
        audit_core::AuditContext::current().map(Self)
    }

    /// That of a request, or one that leads nowhere where it leaves no record.
    fn of(request: &HttpRequest) -> Option<Self> {
        // Not the current one of any request: this one may be excluded, or not audited at all, and
        // be served by a handler of another.
        let current = match Self::decided(request)? {
            true => Self::current(),
            false => None,
        };
        Some(current.unwrap_or_else(|| Self(audit_core::AuditContext::detached())))
    }

    /// Whether this request leaves a record; `None`: none of our middleware has seen it.
    pub(crate) fn decided(request: &HttpRequest) -> Option<bool> {
        let extensions = request.extensions();
        match extensions.contains::<Recorded>() {
            true => Some(true),
            false => extensions.contains::<NotRecorded>().then_some(false),
        }
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
