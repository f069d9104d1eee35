//! The heads of request and response in neutral terms, and what is copied of them.
//!
//! One pass over the headers serves every level of capture: comparing a name that is already
//! lower-case is cheaper than one look-up by name.

use std::net::IpAddr;

use arc_swap::Guard;

use super::{
    ContextState, Exchange, Raw,
    flags::Flag,
    frame::{self, Tag},
    said::{ROUTE, SESSION},
    strict::Strict,
};
use crate::{
    Auditor, Capture, OmitReason, Reliability, RequestId,
    auditor::Core,
    identify::Inbound,
    mask,
    pipeline::Unrecorded,
    policy::{Config, Described, Session},
};

const PATH: usize = 2 * 1024;
const QUERY: usize = 4 * 1024;
const USER_AGENT: usize = 512;
const HOST: usize = 256;
const HEADER_NAME: usize = 256;
/// Longest header value.
pub(crate) const HEADER_VALUE: usize = 1024;
const HEADERS: usize = 100;
const FORWARDED_LINES: usize = 10;
const FORWARDED_LINE: usize = 512;
const TRACE_PARENT: usize = 128;
/// What an adapter holds for a request in flight: its future's own part, the handle in the
/// extensions, the id as a header value.
const ADAPTER: usize = 512;

/// The head of a request, as an adapter sees it. Called once, when the request arrives.
pub trait RequestHead {
    /// `GET`, `POST`, …
    fn method(&self) -> &str;
    /// The path as it was received, still percent-encoded, without the query.
    fn path(&self) -> &str;
    /// The query as it was received, without its question mark.
    fn query(&self) -> Option<&str>;
    /// The authority of the request target (HTTP/2, or an absolute target), which counts more
    /// than a `Host` header.
    fn authority(&self) -> Option<&str>;
    /// `HTTP/1.1`, `HTTP/2`, …
    fn version(&self) -> &'static str;
    /// The template of the matched route, where it is known by now.
    fn route(&self) -> Option<&str>;
    /// The socket's peer.
    fn peer(&self) -> Option<IpAddr>;
    /// The size of the body where the transport knows it without a Content-Length.
    fn body_size(&self) -> Option<u64>;
    /// Calls `each` with every header line in order: its name in lower case, its value, and
    /// whether it is marked sensitive.
    fn headers<'a>(&'a self, each: impl FnMut(&'a str, &'a [u8], bool));
}

/// The head of a response, as an adapter sees it. Called once, when the response is there.
pub trait ResponseHead {
    /// 200, 404, …
    fn status(&self) -> u16;
    /// Whether the body says that it is at its end already.
    fn end_stream(&self) -> bool;
    /// The body's exact size, where it knows it.
    fn body_size(&self) -> Option<u64>;
    /// As for [`RequestHead::headers`].
    fn headers<'a>(&'a self, each: impl FnMut(&'a str, &'a [u8], bool));
}

/// What the layer does with a request.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // Matched at once; a box would be an allocation a request.
pub enum Begin {
    /// No record, by the settings or for want of memory. The id is to be sent with the response,
    /// if there is one. The application must not notice: where it asks for a context, give it one
    /// that is [`detached`](super::AuditContext::detached).
    Pass(Option<RequestId>),
    /// One record, seen to by the exchange.
    Record(Exchange),
    /// No record, for want of memory, of a request that must not run without one: answer with
    /// [`REFUSED_STATUS`](super::REFUSED_STATUS) and this id in its place.
    Refuse(Option<RequestId>),
}

/// Decides on a request and copies what a record needs of its head.
pub(crate) fn begin(auditor: &Auditor, head: &impl RequestHead) -> Begin {
    let core = &*auditor.core;
    let (config, pipe) = (core.config.load(), &core.pipe);
    pipe.count_started();
    let pass = || {
        pipe.count_unrecorded(Unrecorded::Excluded, 0);
        Begin::Pass(config.ids.on_excluded.then(|| id_only(core, &config, head)).flatten())
    };
    if config.exclusions.excludes(head.method(), head.path()) {
        return pass();
    }
    let decided = config.rules.at_head(head.method(), head.path(), head.route());
    if decided.capture == Capture::None {
        return pass();
    }
    let mut raw = pipe.take_raw();
    raw.candidates = decided.candidates;
    raw.gathered = decided.capture.max(config.capture_up_to);
    raw.limit = decided.limit;
    raw.lot = if config.rules.sample() { core.draw() } else { 0 };
    let body = gather(&mut raw, core, &config, head);
    let strict = decided.reliability == Reliability::Strict;
    // What it holds until it ends; from then on its frame holds what it is long.
    raw.reserved = raw.arena.capacity() + size_of::<Raw>() + size_of::<ContextState>() + ADAPTER;
    if !pipe.reserve(raw.reserved) {
        let id = raw.id;
        raw.reserved = 0;
        pipe.count_dropped(raw.start);
        pipe.give_raw(raw);
        if strict {
            pipe.strict.count_refused();
            return Begin::Refuse(id);
        }
        return Begin::Pass(id);
    }
    if raw.gathered >= Capture::Request {
        request_body(&mut raw, core, &config, &body);
    }
    let strict = strict.then(|| Strict::begin(&mut raw, pipe));
    let exchange = Exchange::new(auditor.clone(), Guard::into_inner(config), raw, strict);
    core.hooks.request(head, || exchange.context());
    Begin::Record(exchange)
}

/// Decides on the copy of the request's body, and begins it.
fn request_body(raw: &mut Raw, core: &Core, config: &Config, body: &Announced<'_>) {
    let (declared, limit) = (raw.request_size, raw.limit);
    match config.bodies.admit(&body.described) {
        _ if declared == Some(0) => raw.request_body.omit(OmitReason::Empty),
        // What comes after such a head is no body, but the new protocol.
        _ if raw.connect_request || body.upgrade => raw.request_body.omit(OmitReason::Streaming),
        Err(reason) => raw.request_body.omit(reason),
        Ok(coding) => {
            let content_type = body.described.content_type.unwrap_or_default();
            raw.request_body.start(&core.pipe, (coding, content_type), declared, limit);
        }
    }
    raw.tee = raw.request_body.is_open();
    raw.context.request_body(|shared| std::mem::swap(shared, &mut raw.request_body));
}

fn id_only(core: &Core, config: &Config, head: &impl RequestHead) -> Option<RequestId> {
    let ids = &config.ids;
    ids.outbound.as_ref()?;
    let mut inbound = Inbound::default();
    if let Some(wanted) = &ids.inbound {
        head.headers(|name, value, _| {
            if name == wanted {
                inbound.add(value);
            }
        });
    }
    Some(RequestId::choose(inbound, core.pipe.unix_millis(std::time::Instant::now())))
}

fn gather<'a>(
    raw: &mut Raw,
    core: &Core,
    config: &Config,
    head: &'a impl RequestHead,
) -> Announced<'a> {
    raw.start = std::time::Instant::now();
    raw.head_request = head.method() == "HEAD";
    raw.connect_request = head.method() == "CONNECT";
    let mut known = Known::read(raw, config, head);
    let id = RequestId::choose(known.id, core.pipe.unix_millis(raw.start));
    frame::push(&mut raw.arena, Tag::RequestId, b"", id.as_str().as_bytes());
    raw.id = Some(id);
    raw.request_size = known.content_length.or_else(|| head.body_size());

    raw.push(Tag::Method, head.method().as_bytes(), 32, Flag::HeaderTruncated);
    raw.push(Tag::Path, head.path().as_bytes(), PATH, Flag::PathTruncated);
    frame::push(&mut raw.arena, Tag::Version, b"", head.version().as_bytes());
    if let Some(query) = head.query() {
        raw.push(Tag::Query, query.as_bytes(), QUERY, Flag::QueryTruncated);
    }
    if let Some(host) = head.authority().map(str::as_bytes).or(known.host) {
        // What is before an `@` is a password somebody pasted. One sign stays, to tell of it.
        let at = host.iter().rposition(|b| *b == b'@').unwrap_or(0);
        raw.push(Tag::Host, &host[at..], HOST, Flag::HeaderTruncated);
    }
    if let Some(template) = head.route() {
        route(raw, template);
    }
    if let Some(agent) = known.user_agent {
        raw.push(Tag::UserAgent, agent, USER_AGENT, Flag::UserAgentTruncated);
    }
    if let Some(parent) = known.trace_parent {
        raw.push(Tag::TraceParent, parent, TRACE_PARENT, Flag::HeaderTruncated);
    }
    if let Some(session) = known.session {
        raw.push(Tag::Session, session, SESSION, Flag::HeaderTruncated);
    }
    if let Some(ip) = head.peer() {
        // As 16 bytes; IPv4 mapped.
        let bytes = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        frame::push(&mut raw.arena, Tag::Peer, b"", &bytes);
    }
    // The nearest proxy wrote the last line and the end of it: when there is too much, the
    // beginning goes.
    let skip = known.forwarded_count.saturating_sub(FORWARDED_LINES);
    for at in skip..known.forwarded_count {
        let line = known.forwarded[at % FORWARDED_LINES];
        let end = &line[line.len().saturating_sub(FORWARDED_LINE)..];
        frame::push(&mut raw.arena, Tag::Forwarded, b"", end);
    }
    // With a length, or in chunks, it is a body like any other, whatever is asked besides.
    let told = known.content_length.is_some() || known.body.chunked;
    known.body.upgrade &= known.connection_upgrade && !told;
    raw.body_told = told || known.body.described.content_type.is_some();
    known.body
}

/// Keeps a route template. The first one counts.
pub(super) fn route(raw: &mut Raw, template: &str) {
    raw.push(Tag::Route, template.as_bytes(), ROUTE, Flag::PathTruncated);
}

/// What a request's head says of its body.
#[derive(Default)]
struct Announced<'a> {
    described: Described<'a>,
    chunked: bool,
    upgrade: bool,
}

/// What the one pass over the request's headers found.
#[derive(Default)]
struct Known<'a> {
    id: Inbound<'a>,
    content_length: Option<u64>,
    host: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    trace_parent: Option<&'a [u8]>,
    session: Option<&'a [u8]>,
    forwarded: [&'a [u8]; FORWARDED_LINES],
    forwarded_count: usize,
    body: Announced<'a>,
    connection_upgrade: bool,
}

impl<'a> Known<'a> {
    fn read(raw: &mut Raw, config: &Config, head: &'a impl RequestHead) -> Self {
        let mut known = Self::default();
        let all = raw.gathered >= Capture::Headers;
        let mut kept = 0;
        head.headers(|name, value, sensitive| {
            known.see(config, name, value, sensitive);
            if all {
                let hidden = sensitive || config.is_session(name);
                keep(raw, &mut kept, Tag::RequestHeader, name, value, hidden);
            }
        });
        known
    }

    fn see(&mut self, config: &Config, name: &str, value: &'a [u8], sensitive: bool) {
        match name {
            "host" | "user-agent" if sensitive => {}
            "host" => self.host = self.host.or(Some(value)),
            "user-agent" => self.user_agent = self.user_agent.or(Some(value)),
            "traceparent" => self.trace_parent = self.trace_parent.or(Some(value)),
            "content-length" => self.content_length = self.content_length.or(number(value)),
            "content-type" => self.body.described.add_type(value, sensitive),
            "content-encoding" => self.body.described.add_encoding(value),
            "transfer-encoding" => self.body.chunked = true,
            "upgrade" => self.body.upgrade = true,
            "connection" => self.connection_upgrade |= has_token(value, b"upgrade"),
            _ => {}
        }
        if config.ids.inbound.as_deref() == Some(name) {
            self.id.add(value);
        }
        if name == config.forwarded.name() {
            self.forwarded[self.forwarded_count % FORWARDED_LINES] = value;
            self.forwarded_count += 1;
        }
        let session = match &config.session {
            Some(Session::Header(wanted)) if name == wanted => Some(value),
            Some(Session::Cookie(wanted)) if name == "cookie" => mask::cookie(value, wanted),
            _ => None,
        };
        self.session = self.session.or(session);
    }
}

/// Keeps one header line. A value that is always masked is not even copied.
fn keep(raw: &mut Raw, kept: &mut usize, tag: Tag, name: &str, value: &[u8], hidden: bool) {
    if *kept == HEADERS || name.len() > HEADER_NAME {
        return raw.flags.set(Flag::HeadersTruncated);
    }
    *kept += 1;
    if hidden || mask::hides_header(name) {
        let hidden = match tag {
            Tag::RequestHeader => Tag::RequestHeaderHidden,
            _ => Tag::ResponseHeaderHidden,
        };
        return frame::push(&mut raw.arena, hidden, name.as_bytes(), b"");
    }
    if value.len() > HEADER_VALUE {
        raw.flags.set(Flag::HeaderTruncated);
    }
    let value = &value[..value.len().min(HEADER_VALUE)];
    frame::push(&mut raw.arena, tag, name.as_bytes(), value);
}

/// What the one pass over the response's headers found.
#[derive(Debug, Default)]
pub(super) struct Answered<'a> {
    pub(super) content_length: Option<u64>,
    pub(super) body: Described<'a>,
    pub(super) grpc_status: Option<u32>,
}

/// Copies what a record needs of a response's head.
pub(super) fn answered<'a>(
    raw: &mut Raw,
    config: &Config,
    head: &'a impl ResponseHead,
) -> Answered<'a> {
    let mut found = Answered::default();
    let mut kept = 0;
    head.headers(|name, value, sensitive| {
        match name {
            "content-length" => found.content_length = found.content_length.or(number(value)),
            "grpc-status" => found.grpc_status = grpc_status(value),
            "content-type" => found.body.add_type(value, sensitive),
            "content-encoding" => found.body.add_encoding(value),
            _ => {}
        }
        if raw.gathered >= Capture::Headers {
            let hidden = sensitive || config.is_session(name);
            keep(raw, &mut kept, Tag::ResponseHeader, name, value, hidden);
        }
    });
    found
}

/// The value of a `grpc-status` header or trailer.
pub(super) fn grpc_status(value: &[u8]) -> Option<u32> {
    number(value).and_then(|n| u32::try_from(n).ok()).filter(|n| *n != u32::MAX)
}

fn has_token(value: &[u8], wanted: &[u8]) -> bool {
    value.split(|b| *b == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(wanted))
}

fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?.trim();
    // `u64::from_str` takes a sign, Content-Length does not. u64::MAX stands for "unknown".
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|n| plain && *n != u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number(b"12"), Some(12));
        assert_eq!(number(b" 12 "), Some(12));
        for bad in [&b""[..], b"+1", b"-1", b"1x", b"99999999999999999999", b"18446744073709551615"]
        {
            assert_eq!(number(bad), None);
        }
        assert_eq!(grpc_status(b"16"), Some(16));
        assert_eq!(grpc_status(b"4294967295"), None);
    }
}
