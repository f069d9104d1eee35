use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::MessageBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use audit_core::{BodyAction, Exchange, PANICKED_STATUS, REFUSED_STATUS};
use pin_project_lite::pin_project;

use crate::{AuditBody, head};

pin_project! {
    /// Response future for [`AuditMiddleware`](crate::AuditMiddleware).
    pub struct ResponseFuture<F, B> {
        // Gone after a panic in it: what panicked must not be polled again. And where it must not
        // be polled at all.
        #[pin]
        inner: Option<F>,
        // Gone where there is no record, and once it has moved into the body.
        exchange: Option<Exchange>,
        // The request may run: it is on record, or nobody has asked for that.
        admitted: bool,
        // The answer to a strict request, until its status is on record. In a box, for what only
        // strict requests need must not make all futures larger.
        held: Option<Box<Answer<B>>>,
        id: Option<(HeaderName, HeaderValue)>,
    }
}

type Answer<B> = Result<ServiceResponse<B>, Error>;

impl<F, B> ResponseFuture<F, B> {
    pub(crate) fn pass(inner: F, id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { inner: Some(inner), exchange: None, admitted: true, held: None, id }
    }

    /// `inner` is `None` when the call itself panicked.
    pub(crate) fn audit(
        inner: Option<F>,
        exchange: Exchange,
        id: Option<(HeaderName, HeaderValue)>,
    ) -> Self {
        let admitted = !exchange.is_strict();
        Self { inner, exchange: Some(exchange), admitted, held: None, id }
    }

    /// Without a record there is no request.
    pub(crate) fn refuse(id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { inner: None, exchange: None, admitted: false, held: None, id }
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<AuditBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.admitted {
            let refused = match this.exchange {
                Some(exchange) => ready!(exchange.poll_intent(cx)).is_err(),
                None => true,
            };
            if refused {
                Exchange::drop_caught(|| this.inner.set(None));
                *this.exchange = None;
                let mut error = Instead::Refused.into();
                tell_with(&mut error, this.id.take());
                return Poll::Ready(Err(error));
            }
            *this.admitted = true;
        }
        let mut result = match this.held.take() {
            Some(held) => *held,
            None => match (this.inner.as_mut().as_pin_mut(), &mut *this.exchange) {
                (Some(inner), None) => ready!(inner.poll(cx)),
                (Some(inner), Some(exchange)) => match exchange.run(|| inner.poll(cx)) {
                    Ok(poll) => ready!(poll),
                    Err(_) => {
                        Exchange::drop_caught(|| this.inner.set(None));
                        Err(Instead::Panicked.into())
                    }
                },
                // The call panicked already.
                (None, _) => Err(Instead::Panicked.into()),
            },
        };
        if let Some(exchange) = this.exchange
            && exchange.is_strict()
        {
            let status = match &result {
                Ok(response) => response.status(),
                Err(error) => error.as_response_error().status_code(),
            };
            match exchange.poll_head(cx, status.as_u16()) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    Exchange::drop_caught(|| result = Err(Instead::Refused.into()));
                }
                Poll::Pending => {
                    *this.held = Some(Box::new(result));
                    return Poll::Pending;
                }
            }
        }
        let (exchange, id) = (this.exchange.take(), this.id.take());
        Poll::Ready(match result {
            Ok(response) => {
                let mut response = match exchange {
                    Some(exchange) => watch(response, exchange),
                    None => response.map_body(|_, body| AuditBody::pass(body)),
                };
                if let Some((name, id)) = id {
                    tell(response.headers_mut(), name, id);
                }
                Ok(response)
            }
            Err(mut error) => {
                if let Some(mut exchange) = exchange {
                    // Changes nothing after a panic: that has finished the exchange.
                    let status = error.as_response_error().status_code();
                    exchange.answered_elsewhere(status.as_u16());
                }
                // The error goes on as it is, for handlers of errors outside; its answer, which
                // actix makes at the very end, gets the id too.
                tell_with(&mut error, id);
                Err(error)
            }
        })
    }
}

/// Sends the request's id, unless the application set it itself.
fn tell(headers: &mut HeaderMap, name: HeaderName, id: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, id);
    }
}

/// The same with the answer that is made of an error.
fn tell_with(error: &mut Error, id: Option<(HeaderName, HeaderValue)>) {
    if let Some((name, id)) = id {
        error.add_response_mapper(move |mut response| {
            tell(response.headers_mut(), name.clone(), id.clone());
            response
        });
    }
}

fn watch<B: MessageBody>(
    response: ServiceResponse<B>,
    mut exchange: Exchange,
) -> ServiceResponse<AuditBody<B>> {
    if let Some(route) = response.request().match_pattern() {
        exchange.route(&route);
    }
    // Inner middleware shares the request's extensions, unlike in tower.
    if let Some(identity) = response.request().extensions().get() {
        exchange.identity(identity);
    }
    if let Some(identity) = response.response().extensions().get() {
        exchange.identity(identity);
    }
    match exchange.head(&head::Answered(&response)) {
        BodyAction::PassOn => response.map_body(|_, body| AuditBody::pass(body)),
        BodyAction::Watch => response.map_body(|_, body| AuditBody::watch(body, exchange)),
    }
}

/// What is answered in the application's place.
#[derive(Clone, Copy, Debug)]
enum Instead {
    /// It panicked before it answered.
    Panicked,
    /// What it does cannot be recorded first.
    Refused,
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            // The message may hold secrets: it goes to the record, masked, and nowhere else.
            Self::Panicked => "the application panicked",
            Self::Refused => "the request cannot be recorded",
        })
    }
}

impl ResponseError for Instead {
    fn status_code(&self) -> StatusCode {
        let status = match self {
            Self::Panicked => PANICKED_STATUS,
            Self::Refused => REFUSED_STATUS,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
