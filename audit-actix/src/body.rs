use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::body::{BodySize, MessageBody};
use audit_core::Exchange;
use bytes::Bytes;
use pin_project_lite::pin_project;

const PANICKED: &str = "the response body panicked";

pin_project! {
    /// Response body for [`AuditMiddleware`](crate::AuditMiddleware).
    ///
    /// Forwards every chunk and the size as they are, and tells the exchange. A caught panic
    /// becomes an error, never a clean end: else the client would take the part for the whole.
    pub struct AuditBody<B> {
        // Gone after a panic in it.
        #[pin]
        inner: Option<B>,
        // Gone where there is nothing to watch.
        exchange: Option<Exchange>,
        // A panic that is still to be told as an error.
        broken: bool,
    }
}

impl<B> AuditBody<B> {
    pub(crate) const fn pass(inner: B) -> Self {
        Self { inner: Some(inner), exchange: None, broken: false }
    }

    pub(crate) const fn watch(inner: B, exchange: Exchange) -> Self {
        Self { inner: Some(inner), exchange: Some(exchange), broken: false }
    }
}

impl<B: MessageBody> MessageBody for AuditBody<B> {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match &self.inner {
            Some(inner) => inner.size(),
            // Not of size 0: that would be a clean end.
            None if self.broken => BodySize::Stream,
            None => BodySize::ZERO,
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            let broken = std::mem::take(this.broken);
            return Poll::Ready(broken.then(|| Err(PANICKED.into())));
        };
        let Some(exchange) = this.exchange else {
            return inner.poll_next(cx).map_err(Into::into);
        };
        let polled = match exchange.run(|| inner.poll_next(cx)) {
            Ok(poll) => ready!(poll),
            Err(_) => {
                Exchange::drop_caught(|| this.inner.set(None));
                return Poll::Ready(Some(Err(PANICKED.into())));
            }
        };
        Poll::Ready(match polled {
            None => {
                exchange.end();
                None
            }
            Some(Err(error)) => {
                let error = error.into();
                exchange.body_error(&error);
                Some(Err(error))
            }
            Some(Ok(chunk)) => {
                // actix polls on, whatever length was declared. Where others stop at that length,
                // the exchange knows it.
                exchange.data(&chunk, false);
                Some(Ok(chunk))
            }
        })
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { inner: Some(inner), exchange, .. } = self else { return Err(self) };
        let Some(mut exchange) = exchange else {
            return inner.try_into_bytes().map_err(Self::pass);
        };
        match exchange.run(|| inner.try_into_bytes()) {
            Ok(Ok(bytes)) => {
                // These bytes never come through `poll_next`.
                exchange.data(&bytes, true);
                Ok(bytes)
            }
            Ok(Err(inner)) => Err(Self::watch(inner, exchange)),
            Err(_) => Err(Self { inner: None, exchange: None, broken: true }),
        }
    }
}

impl<B> fmt::Debug for AuditBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditBody").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
