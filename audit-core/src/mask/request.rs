//! From a raw frame to the record of a request: a pure function of the frame and the settings.

use std::{borrow::Cow, net::IpAddr, net::Ipv6Addr};

use super::{
    MaskRules, REDACTED, headers,
    how::{Keys, Value},
    json,
    list::MaskedList,
    names::Known,
    part::{Of, Part},
    query,
    rules::Sel,
    scope::{STRINGS, Scope},
    text,
};
use crate::{
    Capture, ForwardedHeader, Group, Kind, Level, Outcome, Record, Secret, SessionAs, Timestamp,
    TrustedProxies,
    exchange::{
        HEADER_VALUE,
        flags::{Flag, Flags},
        frame::{self, Field, Fixed, Tag},
    },
    identify::trace_ids,
    record::json as token,
};

/// Largest record, in bytes of JSON.
const LARGEST: usize = 256 * 1024;
/// Most forwarded hops kept.
const HOPS: usize = 10;

/// Who writes the records.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceInfo {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) instance: Option<String>,
}

/// The wall clock in terms of the auditor's own: its time and the nanoseconds that went with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) wall: Timestamp,
    pub(crate) nanos: u64,
}

impl Clock {
    /// The wall clock's time at a moment before or after the one this was read at.
    pub(crate) fn at(self, nanos: u64) -> Timestamp {
        let micros = |nanos: u64| i64::try_from(nanos / 1_000).unwrap_or(i64::MAX);
        let wall = self.wall.as_micros();
        Timestamp::from_micros(match nanos.checked_sub(self.nanos) {
            Some(later) => wall.saturating_add(micros(later)),
            None => wall.saturating_sub(micros(self.nanos - nanos)),
        })
    }
}

/// Makes records. Lives on the writer's thread.
#[derive(Debug)]
pub(crate) struct Masker {
    pub(crate) rules: MaskRules,
    pub(crate) proxies: TrustedProxies,
    pub(crate) forwarded: ForwardedHeader,
    pub(crate) session_as: SessionAs,
    pub(crate) secret: Secret,
    pub(crate) service: ServiceInfo,
    pub(crate) action_from_method: bool,
    list: MaskedList,
    known: Known,
}

impl Masker {
    pub(crate) fn new(rules: MaskRules, secret: Secret, service: ServiceInfo) -> Self {
        Self {
            rules,
            proxies: TrustedProxies::default(),
            forwarded: ForwardedHeader::default(),
            session_as: SessionAs::default(),
            secret,
            service,
            action_from_method: false,
            list: MaskedList::default(),
            known: Known::default(),
        }
    }

    /// Makes the record of a request in `record`.
    pub(crate) fn request(
        &mut self,
        record: &mut Record,
        fixed: &Fixed,
        arena: &[u8],
        clock: Clock,
    ) {
        // A record over the limit is made again with less, never cut.
        for keep in [Keep::All, Keep::NoHeaders, Keep::NoMetadata] {
            self.attempt(record, fixed, arena, clock, keep);
            if record.json_len() <= LARGEST {
                return;
            }
        }
    }

    fn attempt(
        &mut self,
        record: &mut Record,
        fixed: &Fixed,
        arena: &[u8],
        clock: Clock,
        keep: Keep,
    ) {
        record.clear();
        self.list.clear();
        let mut of = Draft { fixed, arena, flags: fixed.flags };
        if keep > Keep::All {
            of.flags.set(Flag::RecordTruncated);
        }
        record.group(Group::Actor, |out| self.actor(out, &mut of));
        record.group(Group::Request, |out| self.request_group(out, &mut of, keep));
        record.group(Group::Response, |out| self.response_group(out, &mut of, keep));
        if keep < Keep::NoMetadata {
            record.group(Group::Metadata, |out| self.metadata(out, &of));
        }
        record.group(Group::Error, |out| self.error(out, &mut of));
        if self.list.truncated {
            of.flags.set(Flag::MaskedTruncated);
        }
        self.core(record.core_mut(Kind::Request), &of, clock);
    }

    fn core(&self, out: &mut Vec<u8>, of: &Draft<'_>, clock: Clock) {
        let fixed = of.fixed;
        token::text_member(out, "id", &new_id());
        token::text_member(out, "time", &clock.at(fixed.start).to_string());
        token::text_member(out, "level", level(fixed).as_str());
        token::text_member(out, "outcome", fixed.outcome.as_str());
        token::name(out, "success");
        out.extend_from_slice(if succeeded(fixed) { b"true" } else { b"false" });
        token::millis_member(out, "duration_ms", fixed.end.saturating_sub(fixed.start));
        if let Some(head) = fixed.head {
            token::millis_member(out, "ttfb_ms", head.saturating_sub(fixed.start));
        }
        for (name, tag) in
            [("tenant", Tag::Tenant), ("module", Tag::Module), ("action", Tag::Action)]
        {
            let from_method = || match self.action_from_method && tag == Tag::Action {
                true => action(of.one(Tag::Method)?),
                false => None,
            };
            let given = of.one(tag).and_then(|value| std::str::from_utf8(value).ok());
            token::optional_text(out, name, given.or_else(from_method));
        }
        if let Some((trace_id, parent_id)) = of.one(Tag::TraceParent).and_then(trace_ids) {
            object(out, "trace", |out| {
                token::text_member(out, "trace_id", trace_id);
                token::text_member(out, "parent_id", parent_id);
            });
        }
        let capture = if fixed.headers { Capture::Headers } else { Capture::Metadata };
        object(out, "policy", |out| {
            token::text_member(out, "rule", "default");
            token::text_member(out, "capture", capture.as_str());
            token::number_member(out, "sample_rate", 1);
        });
        masked(out, &self.list, &self.rules);
        flags(out, of.flags);
        service(out, &self.service);
    }

    fn actor(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        of.text(out, "user", Tag::User);
        of.text(out, "user_id", Tag::UserId);
        let mut roles = of.all(Tag::Role).peekable();
        if roles.peek().is_some() {
            token::name(out, "roles");
            list(out, roles.map(|field| String::from_utf8_lossy(field.value)));
        }
        if let Some(session) = of.one(Tag::Session) {
            let session = match self.session_as {
                SessionAs::Clear => of.readable(session).into_owned(),
                SessionAs::Pseudonym => {
                    let hash = u128::from_be_bytes(self.secret.pseudonym("session", session));
                    format!("s_{hash:032x}")
                }
            };
            token::text_member(out, "session", &session);
        }
        let lines: Vec<_> =
            of.all(Tag::Forwarded).map(|f| String::from_utf8_lossy(f.value).into_owned()).collect();
        let nearest_first = || lines.iter().rev().flat_map(|line| line.rsplit(',')).take(HOPS);
        if let Some(peer) = of.peer() {
            let client = match self.proxies.is_empty() {
                true => peer.to_canonical(),
                false => self.proxies.client(peer, nearest_first(), self.forwarded),
            };
            token::text_member(out, "ip", &client.to_string());
        }
        if !lines.is_empty() {
            // As claimed, in the order of the header; never taken for the address itself.
            let mut hops: Vec<_> =
                nearest_first().map(|hop| Cow::Owned(self.text(hop.trim(), Part::Actor))).collect();
            hops.reverse();
            token::name(out, "forwarded");
            list(out, hops.into_iter());
        }
        if let Some(agent) = of.one(Tag::UserAgent) {
            token::text_member(out, "user_agent", &self.text(&of.readable(agent), Part::Actor));
        }
    }

    fn request_group(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, keep: Keep) {
        of.text(out, "id", Tag::RequestId);
        token::text_member(out, "id_source", of.fixed.id_source.as_str());
        of.text(out, "method", Tag::Method);
        let mut kept = String::new();
        if let Some(path) = of.one(Tag::Path) {
            query::path(&mut kept, &of.readable(path), &mut self.scope(Part::Path));
            token::text_member(out, "path", &kept);
        }
        of.text(out, "route", Tag::Route);
        if let Some(asked) = of.one(Tag::Query) {
            kept.clear();
            let asked = of.readable(asked);
            if !query::query(&mut kept, &asked, &mut self.scope(Part::Query)) {
                of.flags.set(Flag::QueryTruncated);
            }
            token::text_member(out, "query", &kept);
        }
        if let Some(host) = of.one(Tag::Host) {
            kept.clear();
            headers::host(&mut kept, &of.readable(host), &mut self.scope(Part::Host));
            token::text_member(out, "host", &kept);
        }
        of.text(out, "version", Tag::Version);
        if of.fixed.headers && keep < Keep::NoHeaders {
            let tags = (Tag::RequestHeader, Tag::RequestHeaderHidden);
            self.headers(out, of, tags, Part::RequestHeaders);
        }
        if let Some(size) = of.fixed.request_size {
            token::number_member(out, "size", size);
        }
    }

    fn response_group(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, keep: Keep) {
        let Some(status) = of.fixed.status else {
            return;
        };
        token::number_member(out, "status", status.into());
        if let Some(status) = of.fixed.grpc_status {
            token::number_member(out, "grpc_status", status.into());
        }
        if of.fixed.headers && keep < Keep::NoHeaders {
            let tags = (Tag::ResponseHeader, Tag::ResponseHeaderHidden);
            self.headers(out, of, tags, Part::ResponseHeaders);
        }
        if let Some(size) = of.fixed.response_size {
            token::number_member(out, "size", size);
        }
    }

    /// All header lines by name, each with its values in order.
    fn headers(
        &mut self,
        out: &mut Vec<u8>,
        of: &mut Draft<'_>,
        (open, hidden): (Tag, Tag),
        part: Part,
    ) {
        let arena = of.arena;
        let lines = || frame::fields(arena).filter(|f| f.tag == open || f.tag == hidden);
        let mut names: Vec<&[u8]> = Vec::new();
        for field in lines() {
            if !names.contains(&field.name) {
                names.push(field.name);
            }
        }
        let mut values = Vec::new();
        object(out, "headers", |out| {
            for name in names {
                let name_text = String::from_utf8_lossy(name);
                values.clear();
                for field in lines().filter(|f| f.name == name) {
                    let mut value = String::new();
                    if field.tag == hidden {
                        self.list.add(part, Sel::of_header(&name_text));
                        value.push_str(REDACTED);
                    } else {
                        let text = of.readable(field.value);
                        let cut = field.value.len() == HEADER_VALUE;
                        let text = if cut { text::untorn(&text) } else { &text };
                        let mut scope = self.scope(part);
                        if !headers::header(&mut value, &name_text, text, &mut scope) {
                            continue;
                        }
                    }
                    values.push(Cow::Owned(value));
                }
                // A name is a client's, so it is escaped like a value.
                if !out.ends_with(b"{") {
                    out.push(b',');
                }
                token::string(out, &name_text);
                out.push(b':');
                list(out, values.drain(..));
            }
        });
    }

    fn metadata(&mut self, out: &mut Vec<u8>, of: &Draft<'_>) {
        for field in of.all(Tag::Metadata) {
            let key = String::from_utf8_lossy(field.name);
            if !out.ends_with(b"{") {
                out.push(b',');
            }
            token::string(out, &key);
            out.push(b':');
            let mut scope = self.scope(Part::Metadata);
            match scope.find(Of::Field, &key) {
                Some(sel) => token::string(out, &scope.in_place(sel, Value::Other)),
                None => {
                    // It was serialised here, so it is one whole document.
                    let text = String::from_utf8_lossy(field.value);
                    let mut masked = String::with_capacity(text.len());
                    match json::documents(&mut masked, &text, false, &mut scope) {
                        Ok(_) => out.extend_from_slice(masked.as_bytes()),
                        Err(_) => token::string(out, REDACTED),
                    }
                }
            }
        }
    }

    fn error(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        let kind = match of.fixed.outcome {
            Outcome::Panicked => "panic",
            Outcome::Cancelled => "cancelled",
            Outcome::ServiceError => "service_error",
            Outcome::BodyError => "body_error",
            _ => return,
        };
        token::text_member(out, "kind", kind);
        token::optional_text(out, "phase", of.fixed.phase.map(crate::Phase::as_str));
        if let Some(message) = of.one(Tag::Message) {
            let message = of.readable(message);
            let cut = of.flags.has(Flag::ErrorTruncated);
            let message = if cut { text::untorn(&message) } else { &message };
            token::text_member(out, "message", &self.text(message, Part::Error));
        }
    }

    fn text(&mut self, text: &str, part: Part) -> String {
        let mut kept = String::with_capacity(text.len());
        text::text(&mut kept, text, &mut self.scope(part));
        kept
    }

    fn scope(&mut self, part: Part) -> Scope<'_> {
        let keys = Keys { secret: &self.secret, tenant: "" };
        Scope {
            rules: &self.rules,
            part,
            list: &mut self.list,
            keys,
            known: &mut self.known,
            strings: STRINGS,
            masked: 0,
        }
    }
}

/// How much of a record is kept when it is too large.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keep {
    All,
    NoHeaders,
    NoMetadata,
}

/// A frame while its record is made.
struct Draft<'a> {
    fixed: &'a Fixed,
    arena: &'a [u8],
    flags: Flags,
}

impl<'a> Draft<'a> {
    fn all(&self, tag: Tag) -> impl Iterator<Item = Field<'a>> + use<'a> {
        frame::fields(self.arena).filter(move |field| field.tag == tag)
    }

    fn one(&self, tag: Tag) -> Option<&'a [u8]> {
        self.all(tag).next().map(|field| field.value)
    }

    fn peer(&self) -> Option<IpAddr> {
        let octets: [u8; 16] = self.one(Tag::Peer)?.try_into().ok()?;
        Some(Ipv6Addr::from(octets).to_canonical())
    }

    fn text(&mut self, out: &mut Vec<u8>, name: &str, tag: Tag) {
        if let Some(value) = self.one(tag) {
            let value = self.readable(value);
            token::text_member(out, name, &value);
        }
    }

    /// Bytes as text. Those that are not UTF-8 become `\xNN`, a backslash beside them `\\`, and
    /// the record says so; a character cut in two at the end of a limit is dropped.
    fn readable(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        use std::fmt::Write as _;
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Cow::Borrowed(text),
            Err(error) => error,
        };
        let cut_in_two = error.error_len().is_none() && self.flags != Flags::default();
        if cut_in_two {
            return String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        }
        self.flags.set(Flag::BytesEscaped);
        let mut text = String::with_capacity(bytes.len() * 2);
        for chunk in bytes.utf8_chunks() {
            text.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        Cow::Owned(text)
    }
}

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn succeeded(fixed: &Fixed) -> bool {
    match fixed.outcome {
        Outcome::Completed => fixed.status.is_some_and(|status| status < 400),
        Outcome::Upgraded => true,
        _ => false,
    }
}

fn level(fixed: &Fixed) -> Level {
    match (fixed.outcome, fixed.status) {
        (Outcome::Completed | Outcome::Upgraded, Some(..400)) => Level::Info,
        (Outcome::Completed, Some(400..500)) | (Outcome::Cancelled, _) => Level::Warning,
        _ => Level::Error,
    }
}

fn action(method: &[u8]) -> Option<&'static str> {
    match method {
        b"GET" | b"HEAD" => Some("read"),
        b"POST" => Some("create"),
        b"PUT" | b"PATCH" => Some("update"),
        b"DELETE" => Some("delete"),
        _ => None,
    }
}

fn object(out: &mut Vec<u8>, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
    token::name(out, name);
    out.push(b'{');
    fill(out);
    out.push(b'}');
}

fn list<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = Cow<'a, str>>) {
    out.push(b'[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        token::string(out, &text);
    }
    out.push(b']');
}

fn masked(out: &mut Vec<u8>, places: &MaskedList, rules: &MaskRules) {
    if places.iter().len() == 0 {
        return;
    }
    token::name(out, "masked");
    for (at, (part, sel)) in places.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"[{" } else { b",{" });
        token::text_member(out, "part", part.as_str());
        token::text_member(out, "field", rules.shown(sel));
        token::text_member(out, "how", rules.how_of(sel).as_str());
        out.push(b'}');
    }
    out.push(b']');
}

fn flags(out: &mut Vec<u8>, flags: Flags) {
    if flags != Flags::default() {
        token::name(out, "flags");
        list(out, flags.words().map(Cow::Borrowed));
    }
}

fn service(out: &mut Vec<u8>, service: &ServiceInfo) {
    object(out, "service", |out| {
        token::optional_text(out, "name", service.name.as_deref());
        token::optional_text(out, "version", service.version.as_deref());
        token::optional_text(out, "instance", service.instance.as_deref());
    });
}

/// Makes the control record of a gap: `count` records that were lost, and when.
pub(crate) fn gap(record: &mut Record, count: u64, reason: &str, from: Timestamp, to: Timestamp) {
    record.clear();
    let out = record.core_mut(Kind::Control);
    object(out, "control", |out| {
        token::text_member(out, "op", "gap");
        token::number_member(out, "count", count);
        token::text_member(out, "reason", reason);
        token::text_member(out, "from", &from.to_string());
        token::text_member(out, "to", &to.to_string());
    });
    token::text_member(out, "id", &new_id());
    token::text_member(out, "time", &Timestamp::now().to_string());
    token::text_member(out, "level", Level::Error.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_tells_times_before_and_after_its_own() {
        // A pass of the writer can take seconds, in which more requests are lost: their gap began
        // and ended after the pass did.
        let clock = Clock { wall: Timestamp::from_micros(1_000_000), nanos: 5_000_000 };
        assert_eq!(clock.at(5_000_000).as_micros(), 1_000_000);
        assert_eq!(clock.at(4_000_000).as_micros(), 999_000);
        assert_eq!(clock.at(7_000_000).as_micros(), 1_002_000);
    }
}
