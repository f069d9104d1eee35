use std::ops::Deref;

use http::Extensions;

/// The handle on the record of the present request: an axum extractor, and an extension of the
/// request for everything else.
///
/// ```
/// # #[cfg(feature = "axum")] mod with_axum {
/// use audit_tower::AuditContext;
///
/// async fn create(audit: AuditContext) {
///     audit.user("ann").tenant("acme").metadata("items", 3);
/// }
/// # }
/// ```
///
/// As an extractor it fails with status 500 where the layer is missing; take
/// `Option<AuditContext>` where that is as it should be. A request that leaves no record has a
/// handle too, which leads nowhere. In other services:
/// [`AuditContext::of`] the request's extensions, or, without a request at hand,
/// [`AuditContext::current`].
#[derive(Clone, Debug)]
pub struct AuditContext(audit_core::AuditContext);

/// Marks a request that leaves no record. Of no size: a marker in the extensions of every
/// excluded request must not cost an allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotRecorded;

impl AuditContext {
    /// The handle that a request carries. Where the request leaves no record (it is excluded, or
    /// memory ran out) a handle that leads nowhere; where there is no layer, nothing.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        if let Some(context) = extensions.get::<Self>() {
            return Some(context.clone());
        }
        extensions.get::<NotRecorded>()?;
        Some(Self(audit_core::AuditContext::detached()))
    }

    /// The handle of the request whose code runs on this thread right now: in its handlers, inner
    /// services and bodies, between two awaits. Tasks and threads that they spawn have it where
    /// it was sent along: [`InAuditContext`](crate::InAuditContext),
    /// [`in_audit_context`](crate::in_audit_context), or a clone.
    #[must_use]
    pub fn current() -> Option<Self> {
        audit_core::AuditContext::current().map(Self)
    }

    pub(crate) const fn new(context: audit_core::AuditContext) -> Self {
        Self(context)
    }
}

impl Deref for AuditContext {
    type Target = audit_core::AuditContext;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[cfg(feature = "axum")]
mod extract {
    use ::axum::extract::MatchedPath;
    use axum_core::{
        extract::{FromRequestParts, OptionalFromRequestParts},
        response::{IntoResponse, Response},
    };
    use http::{StatusCode, request::Parts};

    use super::AuditContext;

    /// The audit layer is missing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct MissingAuditContext {}

    impl std::fmt::Display for MissingAuditContext {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(
                "no AuditContext in the request: add `.layer(AuditLayer::new(&auditor))` to the \
                 router, after its routes",
            )
        }
    }

    impl std::error::Error for MissingAuditContext {}

    impl IntoResponse for MissingAuditContext {
        fn into_response(self) -> Response {
            (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
        }
    }

    impl<S: Sync> FromRequestParts<S> for AuditContext {
        type Rejection = MissingAuditContext;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
            find(parts).ok_or(MissingAuditContext {})
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for AuditContext {
        type Rejection = std::convert::Infallible;

        async fn from_request_parts(
            parts: &mut Parts,
            _: &S,
        ) -> Result<Option<Self>, Self::Rejection> {
            Ok(find(parts))
        }
    }

    fn find(parts: &Parts) -> Option<AuditContext> {
        let context = AuditContext::of(&parts.extensions)?;
        // A layer around the whole router was called before there was a route.
        if let Some(path) = parts.extensions.get::<MatchedPath>() {
            context.route(path.as_str());
        }
        Some(context)
    }
}

#[cfg(feature = "axum")]
pub use self::extract::MissingAuditContext;
