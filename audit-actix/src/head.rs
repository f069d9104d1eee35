//! The heads of actix's requests and responses in the core's terms.

use std::net::IpAddr;

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Version,
        header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING, UPGRADE},
    },
};
use audit_core::{RequestHead, ResponseHead};

pub(crate) struct Arrived<'r>(pub(crate) &'r ServiceRequest);

pub(crate) struct Answered<'r, B>(pub(crate) &'r ServiceResponse<B>);

impl RequestHead for Arrived<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri().authority().map(|authority| {
            // User info in a request target is a password somebody pasted.
            let text = authority.as_str();
            text.rsplit_once('@').map_or(text, |(_, host)| host)
        })
    }

    fn version(&self) -> &'static str {
        match self.0.version() {
            Version::HTTP_09 => "HTTP/0.9",
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_11 => "HTTP/1.1",
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_3 => "HTTP/3",
            _ => "HTTP",
        }
    }

    fn route(&self) -> Option<&str> {
        // Known only when the response is there.
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|addr| addr.ip())
    }

    fn body_size(&self) -> Option<u64> {
        let none = match self.0.parts().1 {
            Payload::None => true,
            // A request to upgrade: what comes after its head is no body, but the new protocol.
            Payload::H1 { .. } => {
                let headers = HttpMessage::headers(self.0);
                headers.contains_key(UPGRADE)
                    && !headers.contains_key(TRANSFER_ENCODING)
                    && !headers.contains_key(CONTENT_LENGTH)
            }
            _ => false,
        };
        none.then_some(0)
    }

    fn headers<'a>(&'a self, each: impl FnMut(&'a str, &'a [u8], bool)) {
        headers(HttpMessage::headers(self.0), each);
    }
}

impl<B: MessageBody> ResponseHead for Answered<'_, B> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn end_stream(&self) -> bool {
        // actix drops a body of this size without polling it.
        self.0.response().body().size().is_eof()
    }

    fn body_size(&self) -> Option<u64> {
        match self.0.response().body().size() {
            BodySize::None => Some(0),
            BodySize::Sized(size) => Some(size),
            BodySize::Stream => None,
        }
    }

    fn headers<'a>(&'a self, each: impl FnMut(&'a str, &'a [u8], bool)) {
        headers(self.0.headers(), each);
    }
}

fn headers<'a>(map: &'a HeaderMap, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
    for (name, value) in map {
        each(name.as_str(), value.as_bytes(), value.is_sensitive());
    }
}
