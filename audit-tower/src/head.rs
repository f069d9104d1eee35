//! The heads of `http`'s requests and responses in the core's terms.

use std::net::{IpAddr, SocketAddr};

use audit_core::{RequestHead, ResponseHead};
use http::{Extensions, HeaderMap, Request, Response, Version};
use http_body::Body;

/// The socket's peer, for servers whose accept loop is the application's own: put it into the
/// extensions of each request.
///
/// In axum `ConnectInfo<SocketAddr>` is found by itself, in tonic its own connection info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

pub(crate) struct Arrived<'r, B>(pub(crate) &'r Request<B>);

pub(crate) struct Answered<'r, B>(pub(crate) &'r Response<B>);

impl<B: Body> RequestHead for Arrived<'_, B> {
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
        #[cfg(feature = "axum")]
        if let Some(path) = self.0.extensions().get::<::axum::extract::MatchedPath>() {
            return Some(path.as_str());
        }
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        peer(self.0.extensions()).map(|addr| addr.ip())
    }

    fn body_size(&self) -> Option<u64> {
        self.0.body().size_hint().exact()
    }

    fn headers<'a>(&'a self, each: impl FnMut(&'a str, &'a [u8], bool)) {
        headers(self.0.headers(), each);
    }
}

impl<B: Body> ResponseHead for Answered<'_, B> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn end_stream(&self) -> bool {
        self.0.body().is_end_stream()
    }

    fn body_size(&self) -> Option<u64> {
        self.0.body().size_hint().exact()
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

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    if let Some(PeerAddr(addr)) = extensions.get() {
        return Some(*addr);
    }
    #[cfg(feature = "axum")]
    if let Some(::axum::extract::ConnectInfo(addr)) = extensions.get() {
        return Some(*addr);
    }
    #[cfg(feature = "tonic")]
    if let Some(info) = extensions.get::<::tonic::transport::server::TcpConnectInfo>() {
        return info.remote_addr();
    }
    None
}
