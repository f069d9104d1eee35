//! From a raw frame to the record of a request: a pure function of the frame and the settings.

use std::{borrow::Cow, sync::Arc};

use super::{
    MaskRules, draft::Draft, echo, how::Keys, list::MaskedList, part::Part, policies::Policies,
    scope::Scope, text,
};
use crate::{
    Group, Kind, Level, Outcome, Record, Secret, Timestamp,
    exchange::{
        flags::{Flag, Flags},
        frame::{self, Fixed, Tag},
    },
    identify::trace_ids,
    pipeline::Reload,
    policy::Config,
    record::json as token,
};

/// Largest record, in bytes of JSON.
pub(super) const LARGEST: usize = 256 * 1024;
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
    pub(super) policies: Policies,
    pub(super) secret: Secret,
    service: ServiceInfo,
    /// Of the record that is made.
    tenant: String,
    pub(super) list: MaskedList,
}

impl Masker {
    pub(crate) fn new(config: Arc<Config>, secret: Secret, service: ServiceInfo) -> Self {
        Self {
            policies: Policies::new(config),
            secret,
            service,
            tenant: String::new(),
            list: MaskedList::default(),
        }
    }

    /// Takes settings that newer frames will name.
    pub(crate) fn learn(&mut self, config: Arc<Config>) {
        self.policies.add(config);
    }

    /// Before the log is read: which settings will not be named after it.
    pub(crate) fn mark_old(&mut self) {
        self.policies.mark();
    }

    /// After the log was read: forgets those.
    pub(crate) fn forget_old(&mut self) {
        self.policies.forget();
    }

    /// Makes the record of a request in `record`.
    pub(crate) fn request(
        &mut self,
        record: &mut Record,
        fixed: &Fixed,
        arena: &[u8],
        clock: Clock,
    ) {
        self.policies.turn_to(fixed.generation, fixed.rule);
        // A record over the limit is made again with less, never cut.
        for keep in Keep::EACH {
            // What takes no room makes none: hostile headers are not masked again for bodies that
            // are not there.
            let there = |tag| frame::fields(arena).any(|field| field.tag == tag);
            let useless = match keep {
                Keep::NoResponseBody => !there(Tag::ResponseBody),
                Keep::NoBodies => !there(Tag::RequestBody),
                _ => false,
            };
            if useless {
                continue;
            }
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
        self.of_tenant(&of);
        if keep > Keep::All {
            of.flags.set(Flag::RecordTruncated);
        }
        record.group(Group::Actor, |out| self.actor(out, &mut of));
        record.group(Group::Request, |out| self.request_group(out, &mut of, keep));
        record.group(Group::Response, |out| self.response_group(out, &mut of, keep));
        record.group(Group::Event, |out| self.event(out, &mut of));
        if keep < Keep::NoChange {
            record.group(Group::Change, |out| self.change(out, &mut of));
        }
        if keep < Keep::NoMetadata {
            record.group(Group::Metadata, |out| self.metadata(out, &of));
        }
        record.group(Group::Error, |out| self.error(out, &mut of));
        self.settle(record, &mut of);
        self.core(record.core_mut(Kind::Request), &of, clock);
    }

    pub(super) fn of_tenant(&mut self, of: &Draft<'_>) {
        let tenant = of.one(Tag::Tenant).and_then(|tenant| str::from_utf8(tenant).ok());
        self.tenant.clear();
        self.tenant.push_str(tenant.unwrap_or(""));
    }

    /// What is to do when all groups are there, and before the core is.
    pub(super) fn settle(&self, record: &mut Record, of: &mut Draft<'_>) {
        if !self.list.texts().is_empty() {
            record.rewrite(|group| echo::without(group, self.list.texts()));
        }
        if self.list.truncated {
            of.flags.set(Flag::MaskedTruncated);
        }
    }

    fn core(&self, out: &mut Vec<u8>, of: &Draft<'_>, clock: Clock) {
        let fixed = of.fixed;
        match of.one(Tag::RecordId).and_then(|id| str::from_utf8(id).ok()) {
            Some(announced) => token::text_member(out, "id", announced),
            None => token::text_member(out, "id", &new_id()),
        }
        token::text_member(out, "time", &clock.at(fixed.start).to_string());
        token::text_member(out, "level", level(fixed).as_str());
        token::text_member(out, "outcome", fixed.outcome.as_str());
        token::name(out, "success");
        out.extend_from_slice(if fixed.outcome.succeeded(fixed.status) {
            b"true"
        } else {
            b"false"
        });
        token::millis_member(out, "duration_ms", fixed.end.saturating_sub(fixed.start));
        if let Some(head) = fixed.head {
            token::millis_member(out, "ttfb_ms", head.saturating_sub(fixed.start));
        }
        self.placed(out, of);
        trace(out, of);
        object(out, "policy", |out| {
            token::text_member(out, "rule", &self.policies.rule().name);
            token::text_member(out, "capture", fixed.capture.as_str());
            token::share_member(out, "sample_rate", fixed.sample_rate);
        });
        self.made(out, of);
    }

    /// Whose it is, and of which part of the application.
    pub(super) fn placed(&self, out: &mut Vec<u8>, of: &Draft<'_>) {
        for (name, tag) in
            [("tenant", Tag::Tenant), ("module", Tag::Module), ("action", Tag::Action)]
        {
            let from_method =
                || match self.policies.config().action_from_method && tag == Tag::Action {
                    true => action(of.one(Tag::Method)?),
                    false => None,
                };
            let given = of.one(tag).and_then(|value| std::str::from_utf8(value).ok());
            token::optional_text(out, name, given.or_else(from_method));
        }
    }

    /// What was masked, which limits bit, and who says so.
    pub(super) fn made(&self, out: &mut Vec<u8>, of: &Draft<'_>) {
        masked(out, &self.list, self.policies.mask().0);
        flags(out, of.flags);
        service(out, &self.service);
    }

    pub(super) fn text(&mut self, text: &str, part: Part) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut scope = self.scope(part);
        scope.allow_value(text.len());
        text::text(&mut kept, text, &mut scope);
        kept
    }

    pub(super) fn scope(&mut self, part: Part) -> Scope<'_> {
        let keys = Keys { secret: Some(&self.secret), tenant: &self.tenant };
        let (rules, known) = self.policies.mask();
        Scope::new(rules, part, &mut self.list, keys, known)
    }
}

/// How much of a record is kept when it is too large.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keep {
    All,
    NoResponseBody,
    NoBodies,
    NoHeaders,
    NoMetadata,
    NoChange,
}

impl Keep {
    /// In the order in which more and more is left out.
    const EACH: [Self; 6] = [
        Self::All,
        Self::NoResponseBody,
        Self::NoBodies,
        Self::NoHeaders,
        Self::NoMetadata,
        Self::NoChange,
    ];
}

fn level(fixed: &Fixed) -> Level {
    match (fixed.outcome, fixed.status) {
        (Outcome::Completed | Outcome::Upgraded, Some(..400)) => Level::Info,
        (Outcome::Completed, Some(400..500)) | (Outcome::Cancelled, _) => Level::Warning,
        _ => Level::Error,
    }
}

pub(super) fn trace(out: &mut Vec<u8>, of: &Draft<'_>) {
    if let Some((trace_id, parent_id)) = of.one(Tag::TraceParent).and_then(trace_ids) {
        object(out, "trace", |out| {
            token::text_member(out, "trace_id", trace_id);
            token::text_member(out, "parent_id", parent_id);
        });
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

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

pub(super) fn object(out: &mut Vec<u8>, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
    token::name(out, name);
    out.push(b'{');
    fill(out);
    out.push(b'}');
}

pub(super) fn list<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = Cow<'a, str>>) {
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
    if places.is_empty() {
        return;
    }
    token::name(out, "masked");
    let known =
        places.iter().map(|(part, sel)| (part, rules.shown(sel), rules.how_of(sel).as_str()));
    for (at, (part, selector, how)) in known.chain(places.told()).enumerate() {
        out.extend_from_slice(if at == 0 { b"[{" } else { b",{" });
        token::text_member(out, "part", part.as_str());
        token::text_member(out, "field", selector);
        token::text_member(out, "how", how);
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
    control(record, Level::Error, "gap", |out| {
        token::number_member(out, "count", count);
        token::text_member(out, "reason", reason);
        token::text_member(out, "from", &from.to_string());
        token::text_member(out, "to", &to.to_string());
    });
}

/// Makes the control record of settings that were to replace others.
pub(crate) fn config_change(masker: &mut Masker, record: &mut Record, reload: &Reload) {
    record.clear();
    match reload {
        Reload::Applied(config, after_restart) => {
            control(record, Level::Notice, "config_change", |out| {
                token::text_member(out, "result", "applied");
                token::number_member(out, "generation", config.generation.into());
                if !after_restart.is_empty() {
                    token::name(out, "after_restart");
                    list(out, after_restart.iter().map(|key| Cow::Borrowed(*key)));
                }
            });
        }
        Reload::Refused(why) => {
            // Somebody typed it, so it may be anything.
            masker.list.clear();
            let why = masker.text(why, Part::Error);
            record.group(Group::Error, |out| {
                token::text_member(out, "kind", "config");
                token::text_member(out, "message", &why[..why.floor_char_boundary(REFUSAL)]);
            });
            control(record, Level::Error, "config_change", |out| {
                token::text_member(out, "result", "refused");
            });
        }
    }
}

/// Longest reason why settings were refused, in bytes.
const REFUSAL: usize = 4 * 1024;

fn control(record: &mut Record, level: Level, op: &str, fill: impl FnOnce(&mut Vec<u8>)) {
    control_at(record, level, op, Timestamp::now(), fill);
}

/// The core of a control record, of which members may follow.
pub(super) fn control_at<'r>(
    record: &'r mut Record,
    level: Level,
    op: &str,
    time: Timestamp,
    fill: impl FnOnce(&mut Vec<u8>),
) -> &'r mut Vec<u8> {
    let out = record.core_mut(Kind::Control);
    object(out, "control", |out| {
        token::text_member(out, "op", op);
        fill(out);
    });
    token::text_member(out, "id", &new_id());
    token::text_member(out, "time", &time.to_string());
    token::text_member(out, "level", level.as_str());
    out
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
