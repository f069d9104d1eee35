use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use audit_core::Tee;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Request body for the service inside [`Audit`](crate::Audit).
    ///
    /// Polled exactly when the application polls: an upload that is refused unread stays unread,
    /// and `100 Continue` is sent when the application asks. Frames, errors and the size pass as
    /// they are; where the body is recorded, the beginning of it is copied.
    #[derive(Debug, Default)]
    pub struct RequestBody<B> {
        #[pin]
        inner: B,
        // Gone where there is nothing to copy, and after the end.
        tee: Option<Tee>,
    }
}

impl<B> RequestBody<B> {
    pub(crate) const fn new(inner: B, tee: Option<Tee>) -> Self {
        Self { inner, tee }
    }

    /// The body as it came. What is read of it is not recorded.
    pub fn into_inner(self) -> B {
        self.inner
    }

    /// The body as it came, or the wrapper where the body is recorded. For implementations of
    /// [`BodyKind`](crate::BodyKind).
    ///
    /// # Errors
    ///
    /// The wrapper itself, when it has to stay.
    pub fn into_unwatched(self) -> Result<B, Self> {
        if self.tee.is_some() { Err(self) } else { Ok(self.inner) }
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        if let Some(tee) = this.tee {
            let over = match &polled {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        tee.data(data, this.inner.is_end_stream());
                    }
                    frame.is_trailers()
                }
                Some(Err(_)) => false,
                None => true,
            };
            if over {
                tee.end();
                *this.tee = None;
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
