use std::ops::Deref;

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
/// `Option<AuditContext>` where that is as it should be. In other services:
/// `request.extensions().get::<AuditContext>()`.
#[derive(Clone, Debug)]
pub struct AuditContext(audit_core::AuditContext);

impl AuditContext {
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

    /// The audit layer is missing, or the request is excluded.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct MissingAuditContext {}

    impl std::fmt::Display for MissingAuditContext {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(
                "no AuditContext in the request: add `.layer(AuditLayer::new(&auditor))` to the \
                 router after its routes, or take `Option<AuditContext>` where requests are excluded",
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
        let context = parts.extensions.get::<AuditContext>().cloned()?;
        // A layer around the whole router was called before there was a route.
        if let Some(path) = parts.extensions.get::<MatchedPath>() {
            context.route(path.as_str());
        }
        Some(context)
    }
}

#[cfg(feature = "axum")]
pub use self::extract::MissingAuditContext;
