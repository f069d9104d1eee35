//! The groups of a request's record, each of which can be redacted by itself.

use std::borrow::Cow;

use super::{
    REDACTED,
    draft::Draft,
    headers,
    how::Value,
    json,
    part::{Of, Part},
    query,
    request::{Keep, Masker, list, object},
    rules::Sel,
    text,
};
use crate::{
    Capture, ClientIp, Outcome, SessionAs,
    exchange::{
        HEADER_VALUE,
        flags::Flag,
        frame::{self, Field, Tag},
        is_identifier,
    },
    identify::tells_address,
    record::json as token,
};

/// Most forwarded hops kept.
const HOPS: usize = 10;
/// Longest role that is taken for a name; a token is longer.
const LONGEST_NAME: usize = 64;

impl Masker {
    pub(super) fn actor(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        self.said(out, of, "user", Tag::User);
        self.said(out, of, "user_id", Tag::UserId);
        let roles: Vec<_> = of.all(Tag::Role).map(|field| self.role(field.value)).collect();
        if !roles.is_empty() {
            token::name(out, "roles");
            list(out, roles.into_iter());
        }
        self.said(out, of, "company_id", Tag::Company);
        self.said(out, of, "branch_id", Tag::Branch);
        // What the application says comes after what the head says.
        if let Some(Field { value: session, .. }) = of.all(Tag::Session).last() {
            let session = match self.policies.config().session_as {
                SessionAs::Clear => Some(of.readable(session).into_owned()),
                SessionAs::Pseudonym => {
                    let hash = u128::from_be_bytes(self.secret.pseudonym("session", session));
                    Some(format!("s_{hash:032x}"))
                }
                SessionAs::None => None,
            };
            token::optional_text(out, "session", session.as_deref());
        }
        let lines: Vec<_> =
            of.all(Tag::Forwarded).map(|f| String::from_utf8_lossy(f.value).into_owned()).collect();
        let nearest_first = || lines.iter().rev().flat_map(|line| line.rsplit(',')).take(HOPS);
        if let Some(peer) = of.peer() {
            let config = self.policies.config();
            let client = match config.proxies.is_empty() {
                true => peer.to_canonical(),
                false => config.proxies.client(peer, nearest_first(), config.forwarded),
            };
            token::optional_text(
                out,
                "ip",
                self.policies.config().client_ip.shown(client).as_deref(),
            );
        }
        if !lines.is_empty() && self.policies.config().client_ip != ClientIp::None {
            // As claimed, in the order of the header; never taken for the address itself.
            let mut hops: Vec<_> =
                nearest_first().map(|hop| Cow::Owned(self.hop(hop.trim()))).collect();
            hops.reverse();
            token::name(out, "forwarded");
            list(out, hops.into_iter());
        }
        if let Some(agent) = of.one(Tag::UserAgent) {
            let agent = of.readable(agent);
            let torn = of.flags.has(Flag::UserAgentTruncated);
            let agent = if torn { text::untorn(&agent) } else { &agent };
            token::text_member(out, "user_agent", &self.text(agent, Part::Actor));
        }
    }

    /// A text that the application set.
    fn said(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, name: &str, tag: Tag) {
        let (part, truncated) = match tag {
            Tag::Message | Tag::Failure => (Part::Error, Flag::ErrorTruncated),
            Tag::Description | Tag::Reference | Tag::EntityType | Tag::EntityId => {
                (Part::Event, Flag::EventTruncated)
            }
            _ => (Part::Actor, Flag::ActorTruncated),
        };
        if let Some(text) = of.one(tag) {
            let text = of.readable(text);
            let text = if of.flags.has(truncated) { text::untorn(&text) } else { &text };
            token::text_member(out, name, &self.text(text, part));
        }
    }

    /// A forwarded hop. What cannot be shortened may be a whole address in words.
    fn hop(&mut self, hop: &str) -> String {
        match self.policies.config().client_ip {
            ClientIp::Full => self.text(hop, Part::Actor),
            form => {
                let address = self.policies.config().forwarded.address(hop);
                address.and_then(|ip| form.shown(ip)).unwrap_or_else(|| "unknown".to_owned())
            }
        }
    }

    /// A role such as `token:write` is a name, and hides nothing.
    fn role<'r>(&mut self, role: &'r [u8]) -> Cow<'r, str> {
        let role = String::from_utf8_lossy(role);
        match role.len() <= LONGEST_NAME && is_identifier(&role) {
            true => role,
            false => Cow::Owned(self.text(&role, Part::Actor)),
        }
    }

    pub(super) fn event(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        self.said(out, of, "description", Tag::Description);
        self.said(out, of, "reference_no", Tag::Reference);
        self.said(out, of, "entity_type", Tag::EntityType);
        self.said(out, of, "entity_id", Tag::EntityId);
        // Digits, and a code.
        of.text(out, "amount", Tag::Amount);
        of.text(out, "currency", Tag::Currency);
    }

    pub(super) fn request_group(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, keep: Keep) {
        of.text(out, "id", Tag::RequestId);
        token::text_member(out, "id_source", of.fixed.id_source.as_str());
        of.text(out, "method", Tag::Method);
        let mut kept = String::new();
        if let Some(path) = of.one(Tag::Path) {
            let route = of.one(Tag::Route).and_then(|route| str::from_utf8(route).ok());
            let path = of.readable(path);
            let path = if of.flags.has(Flag::PathTruncated) { query::untorn(&path) } else { &path };
            query::path_with_route(&mut kept, path, route, &mut self.scope(Part::Path));
            token::text_member(out, "path", &kept);
        }
        of.text(out, "route", Tag::Route);
        if let Some(asked) = of.one(Tag::Query) {
            kept.clear();
            let asked = of.readable(asked);
            let torn = of.flags.has(Flag::QueryTruncated);
            let asked = if torn { query::untorn(&asked) } else { &asked };
            if !query::query(&mut kept, asked, &mut self.scope(Part::Query)) {
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
        if of.fixed.capture >= Capture::Headers && keep < Keep::NoHeaders {
            let tags = (Tag::RequestHeader, Tag::RequestHeaderHidden);
            self.headers(out, of, tags, Part::RequestHeaders);
        }
        if let Some(size) = of.fixed.request_size {
            token::number_member(out, "size", size);
        }
        self.body(out, of, Tag::RequestBody, Part::RequestBody, keep >= Keep::NoBodies);
    }

    pub(super) fn response_group(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, keep: Keep) {
        let Some(status) = of.fixed.status else {
            return;
        };
        token::number_member(out, "status", status.into());
        if let Some(status) = of.fixed.grpc_status {
            token::number_member(out, "grpc_status", status.into());
        }
        if of.fixed.capture >= Capture::Headers && keep < Keep::NoHeaders {
            let tags = (Tag::ResponseHeader, Tag::ResponseHeaderHidden);
            self.headers(out, of, tags, Part::ResponseHeaders);
        }
        if let Some(size) = of.fixed.response_size {
            token::number_member(out, "size", size);
        }
        self.body(out, of, Tag::ResponseBody, Part::ResponseBody, keep >= Keep::NoResponseBody);
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
                    let told = self.policies.config().client_ip != ClientIp::Full
                        && tells_address(&name_text);
                    if field.tag == hidden || told {
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
                // Where all lines go the name does, too.
                if values.is_empty() {
                    continue;
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

    pub(super) fn metadata(&mut self, out: &mut Vec<u8>, of: &Draft<'_>) {
        for place in of.all(Tag::MaskedPlace) {
            let [selector, how] = [place.value, place.name].map(String::from_utf8_lossy);
            self.list.tell(Part::Metadata, &selector, &how);
        }
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
                    scope.allow(text.len());
                    let mut masked = String::with_capacity(text.len());
                    match json::documents(&mut masked, &text, false, &mut scope) {
                        Ok(_) => out.extend_from_slice(masked.as_bytes()),
                        Err(_) => token::string(out, REDACTED),
                    }
                }
            }
        }
    }

    pub(super) fn error(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>) {
        let kind = match of.fixed.outcome {
            Outcome::Panicked => "panic",
            Outcome::Cancelled => "cancelled",
            Outcome::ServiceError => "service_error",
            Outcome::BodyError => "body_error",
            _ if of.one(Tag::Failure).is_some() => "application",
            _ => return,
        };
        token::text_member(out, "kind", kind);
        token::optional_text(out, "phase", of.fixed.phase.map(crate::Phase::as_str));
        let told = if of.one(Tag::Message).is_some() { Tag::Message } else { Tag::Failure };
        self.said(out, of, "message", told);
    }
}
