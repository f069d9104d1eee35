use std::{fmt, marker::PhantomData};

use audit_core::{Auditor, RequestId};
use http::{HeaderName, HeaderValue};
use tower_layer::Layer;

use crate::{Audit, Wrap};

/// Layer that leaves one record of each request. See the [crate docs](crate) for an example.
///
/// `K` says which body types leave the layer, both ways. Use the alias that fits the place:
/// `audit_tower::axum::AuditLayer`, `audit_tower::tonic::AuditLayer` or
/// [`audit_tower::hyper::AuditLayer`](crate::hyper::AuditLayer).
pub struct AuditLayer<K = Wrap> {
    pub(crate) auditor: Auditor,
    id_header: Option<HeaderName>,
    kind: PhantomData<fn() -> K>,
}

impl<K> AuditLayer<K> {
    /// A layer whose records go to `auditor`.
    #[must_use]
    pub fn new(auditor: &Auditor) -> Self {
        // The builder took the name for a header's already.
        let id_header = auditor.response_id_header().and_then(|name| name.parse().ok());
        Self { auditor: auditor.clone(), id_header, kind: PhantomData }
    }

    /// The header that tells the client its request's id.
    pub(crate) fn header(&self, id: Option<&RequestId>) -> Option<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_maybe_shared(id?.to_bytes()).ok()?;
        Some((self.id_header.clone()?, value))
    }
}

impl<S, K> Layer<S> for AuditLayer<K> {
    type Service = Audit<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        Audit::new(inner, self.clone())
    }
}

// By hand: `K` is never held, so it need not be `Clone` or `Debug`.
impl<K> Clone for AuditLayer<K> {
    fn clone(&self) -> Self {
        Self { auditor: self.auditor.clone(), id_header: self.id_header.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for AuditLayer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer").field("auditor", &self.auditor).finish_non_exhaustive()
    }
}
