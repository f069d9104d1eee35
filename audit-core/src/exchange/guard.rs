//! The guard that sees to one record for one request, whatever happens to it.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::{
    AuditContext, Raw, ResponseHead, Tee,
    end::{self, AtHead, BodyPlan},
    flags::Flag,
    frame::{self, Fixed, Tag},
    head,
    hooks::StatusOnly,
    identity::Identity,
    said::MESSAGE,
    state::Ended,
    strict::Strict,
};
use crate::{
    Auditor, Capture, IdSource, OmitReason, Outcome, Phase, RequestId,
    pipeline::Unrecorded,
    policy::{Checked, Config, Facts, Sampled},
};

/// One request that will leave one record.
///
/// An adapter makes it when the request arrives, keeps it in the response future, moves it into
/// the response body, and tells it what happens. The first thing that ends the request finishes
/// it; whatever comes later changes nothing. If it is dropped unfinished, the end predicate
/// decides: complete if the declared length was produced, else cancelled.
///
/// Finishing never waits, makes no system call and cannot panic.
#[must_use = "dropping the exchange ends it"]
pub struct Exchange {
    pub(super) auditor: Auditor,
    /// The settings that counted when it began.
    pub(super) config: Arc<Config>,
    /// `None` once finished.
    pub(super) raw: Option<Box<Raw>>,
    pub(super) head_at: Option<Instant>,
    pub(super) status: Option<u16>,
    grpc_status: Option<u32>,
    declared: Option<u64>,
    produced: u64,
    size_unknown: bool,
    /// Inside the application's code. Still set when dropped: a panic unwound out of it.
    inside: bool,
    /// What has to be durable before it goes on; nothing for a buffered request.
    pub(super) strict: Option<Box<Strict>>,
    /// The route it will probably match, where the adapter learns it with the response only.
    pub(super) expected: Option<Box<str>>,
}

/// The application panicked. It is recorded; its code must not be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panicked {}

/// The status with which an adapter answers a panic before the response head.
pub const PANICKED_STATUS: u16 = 500;

/// What an adapter does with the response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum BodyAction {
    /// Pass it on as it is: the exchange is finished.
    PassOn,
    /// Wrap it, and tell the exchange about its frames and its end.
    Watch,
}

impl Exchange {
    pub(super) fn new(
        auditor: Auditor,
        config: Arc<Config>,
        raw: Box<Raw>,
        strict: Option<Box<Strict>>,
    ) -> Self {
        Self {
            auditor,
            config,
            raw: Some(raw),
            head_at: None,
            status: None,
            grpc_status: None,
            declared: None,
            produced: 0,
            size_unknown: false,
            inside: false,
            strict,
            expected: None,
        }
    }

    /// The request id to send with the response; nothing once finished.
    #[must_use]
    pub fn id(&self) -> Option<&RequestId> {
        self.raw.as_ref()?.id.as_ref()
    }

    /// The route template, for an adapter that learns it after the request's head. An earlier one
    /// stays.
    pub fn route(&mut self, route: &str) {
        if let Some(raw) = &mut self.raw {
            head::route(raw, route);
        }
    }

    /// Who asks, as an extension of the request or of its response tells it. A later one replaces
    /// an earlier; what the application says through its handle counts more.
    pub fn identity(&mut self, identity: &Identity) {
        if let Some(raw) = &mut self.raw {
            raw.identity = Some(identity.clone());
        }
    }

    /// The application's handle, to be put where handlers find it.
    #[must_use]
    pub fn context(&self) -> AuditContext {
        match &self.raw {
            Some(raw) => AuditContext(raw.context.clone()),
            None => AuditContext::detached(),
        }
    }

    /// What the request's body is to be told to while the application reads it. `None`: pass the
    /// body on as it is. Called once, before the application gets the request.
    #[must_use]
    pub fn tee(&mut self) -> Option<Tee> {
        let raw = self.raw.as_mut().filter(|raw| raw.tee)?;
        raw.tee = false;
        Some(Tee::new(raw.context.clone(), self.auditor.core.pipe.clone()))
    }

    /// The response head is there.
    pub fn head(&mut self, head: &impl ResponseHead) -> BodyAction {
        self.call_hooks(head);
        let Some(raw) = &mut self.raw else {
            return BodyAction::PassOn;
        };
        let (config, pipe) = (&*self.config, &self.auditor.core.pipe);
        let answered = head::answered(raw, config, head);
        let facts = AtHead {
            head_request: raw.head_request,
            connect_request: raw.connect_request,
            status: head.status(),
            end_stream: head.end_stream(),
            exact_size: head.body_size(),
            content_length: answered.content_length,
        };
        self.head_at = Some(Instant::now());
        self.status = Some(head.status());
        self.grpc_status = answered.grpc_status;
        match facts.plan() {
            BodyPlan::Over(outcome) => {
                self.finish(outcome, None, None);
                BodyAction::PassOn
            }
            BodyPlan::Watch { declared } => {
                self.declared = declared;
                if raw.gathered >= Capture::Full {
                    match config.bodies.admit(&answered.body) {
                        Err(reason) => raw.response_body.omit(reason),
                        Ok(coding) => {
                            let kind = (coding, answered.body.content_type.unwrap_or_default());
                            raw.response_body.start(pipe, kind, declared, raw.limit);
                        }
                    }
                }
                BodyAction::Watch
            }
        }
    }

    /// There will be a response of this status, made where the adapter does not see it: actix
    /// makes the answer to an `Err` outside all middleware. Its size stays unknown.
    pub fn answered_elsewhere(&mut self, status: u16) {
        self.call_hooks(&StatusOnly(status));
        self.status = Some(status);
        self.head_at = Some(Instant::now());
        self.size_unknown = true;
        self.finish(Outcome::Completed, None, None);
    }

    /// The body gave `bytes`; `end_stream` if it says that it is at its end now. Copied up to a
    /// limit where the body is recorded, and never held.
    pub fn data(&mut self, bytes: &[u8], end_stream: bool) {
        self.produced = self.produced.saturating_add(bytes.len() as u64);
        if let Some(raw) = &mut self.raw
            && raw.response_body.is_open()
        {
            raw.response_body.data(&self.auditor.core.pipe, bytes);
        }
        if end_stream {
            self.end();
        }
    }

    /// The body gave its trailers, which are its end: a server may drop the body right after
    /// them. `grpc_status` is the value of that trailer.
    pub fn trailers(&mut self, grpc_status: Option<&[u8]>) {
        self.grpc_status = grpc_status.and_then(head::grpc_status).or(self.grpc_status);
        self.end();
    }

    /// The body gave its end.
    pub fn end(&mut self) {
        self.finish(Outcome::Completed, None, None);
    }

    /// The body failed. The message is masked before it is recorded.
    pub fn body_error(&mut self, error: &dyn fmt::Display) {
        self.finish(Outcome::BodyError, Some(Phase::ResponseBody), Some(&|to| message(to, error)));
    }

    /// The inner service failed and there is no response. `error` is masked before it is
    /// recorded; without one only the outcome is known.
    pub fn service_error(&mut self, error: Option<&dyn fmt::Display>) {
        match error {
            Some(error) => {
                let fill = |to: &mut Bounded| message(to, error);
                self.finish(Outcome::ServiceError, Some(Phase::Handler), Some(&fill));
            }
            None => self.finish(Outcome::ServiceError, Some(Phase::Handler), None),
        }
    }

    /// Runs a piece of the application: its call, a poll of its future or of its body.
    ///
    /// A panic in it is recorded. It is caught, if the settings say so: then the adapter drops
    /// what panicked ([`drop_caught`](Self::drop_caught)) and answers with [`PANICKED_STATUS`],
    /// or, after the head, fails the body. Else it unwinds on.
    pub fn run<T>(&mut self, application: impl FnOnce() -> T) -> Result<T, Panicked> {
        let Some(raw) = &self.raw else { return Ok(application()) };
        let _entered = AuditContext(raw.context.clone()).enter();
        if !self.config.catch_panics {
            self.inside = true;
            let result = application();
            self.inside = false;
            return Ok(result);
        }
        catch_unwind(AssertUnwindSafe(application)).map_err(|payload| {
            self.panicked(&*payload);
            super::drop_quietly(payload);
            Panicked {}
        })
    }

    /// Drops what panicked. Its own drop may panic again, which is not worth a second record.
    pub fn drop_caught(drop: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(drop)) {
            super::drop_quietly(payload);
        }
    }

    /// A message that is text is recorded, after it passed the masker.
    fn panicked(&mut self, payload: &(dyn Any + Send)) {
        let phase = self.phase();
        if phase == Phase::Handler {
            self.status = Some(PANICKED_STATUS);
            self.head_at = Some(Instant::now());
        }
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        match text {
            Some(text) => {
                let fill = |to: &mut Bounded| message(to, &text);
                self.finish(Outcome::Panicked, Some(phase), Some(&fill));
            }
            None => self.finish(Outcome::Panicked, Some(phase), None),
        }
    }

    fn call_hooks(&self, head: &impl ResponseHead) {
        if self.raw.is_some() {
            self.auditor.core.hooks.response(head, || self.context());
        }
    }

    fn phase(&self) -> Phase {
        if self.head_at.is_none() { Phase::Handler } else { Phase::ResponseBody }
    }

    pub(super) fn finish(
        &mut self,
        outcome: Outcome,
        phase: Option<Phase>,
        message: Option<&dyn Fn(&mut Bounded)>,
    ) {
        let Some(mut raw) = self.raw.take() else {
            return;
        };
        let pipe = &self.auditor.core.pipe;
        let Raw { context, arena, request_body, identity, .. } = &mut *raw;
        let mut ended = context.end(arena, request_body, identity.as_ref());
        // Without a response it is known of no route: it is then the one that was to be expected,
        // so that the parameters of the path are masked.
        if let Some(route) = self.expected.take()
            && self.masks_parameters()
            && !frame::fields(&raw.arena).any(|field| field.tag == Tag::Route)
        {
            head::route(&mut raw, &route);
        }
        let now = Instant::now();
        let (rule, sample_rate) = match self.decide(&raw, &mut ended, outcome, now) {
            Ok(decided) => decided,
            Err(why) => {
                pipe.count_unrecorded(why, raw.held());
                return pipe.give_raw(raw);
            }
        };
        let capture = self.settle_bodies(&mut raw, self.config.rules.get(rule), ended, outcome);
        raw.flags.add(ended.flags);
        if let Some(fill) = message {
            let mut text = Bounded::default();
            fill(&mut text);
            if text.full {
                raw.flags.set(Flag::ErrorTruncated);
            }
            frame::push(&mut raw.arena, Tag::Message, b"", text.text.as_bytes());
        }
        let nanos = |at: Instant| pipe.nanos(at);
        let has_body = self.head_at.is_some() && outcome != Outcome::Upgraded && !self.size_unknown;
        let mut fixed = Fixed {
            start: nanos(raw.start),
            head: self.head_at.map(nanos),
            end: nanos(now),
            request_size: raw.request_size.or(raw.request_body.size()),
            response_size: has_body.then_some(self.produced),
            grpc_status: self.grpc_status,
            reserved: 0,
            status: self.status,
            flags: raw.flags,
            outcome,
            phase,
            id_source: raw.id.as_ref().map_or(IdSource::Generated, RequestId::source),
            capture,
            // At most 255 of them.
            rule: rule as u16,
            generation: self.config.generation,
            sample_rate,
        };
        pipe.append(raw, &mut fixed, self.strict.is_some());
    }

    /// The rule that counts, by its place, and the share of requests that it records; or why there
    /// is no record.
    fn decide(
        &self,
        raw: &Raw,
        ended: &mut Ended,
        outcome: Outcome,
        now: Instant,
    ) -> Result<(usize, f64), Unrecorded> {
        let strict = self.strict.is_some();
        if ended.discard && !strict {
            return Err(Unrecorded::Discarded);
        }
        let rules = &self.config.rules;
        let nanos = now.saturating_duration_since(raw.start).as_nanos();
        let mut facts = Facts {
            route: None,
            status: self.status,
            outcome,
            nanos: u64::try_from(nanos).unwrap_or(u64::MAX),
            size: self.produced.max(raw.request_size.or(raw.request_body.size()).unwrap_or(0)),
            user: None,
            user_id: None,
            tenant: None,
        };
        if rules.are_several() {
            for field in frame::fields(&raw.arena) {
                let fact = match field.tag {
                    Tag::Route => &mut facts.route,
                    Tag::User => &mut facts.user,
                    Tag::UserId => &mut facts.user_id,
                    Tag::Tenant => &mut facts.tenant,
                    _ => continue,
                };
                *fact = fact.or(std::str::from_utf8(field.value).ok());
            }
        }
        let at = rules.at_end(raw.candidates, &facts);
        let says = &rules.get(at).says;
        let none = ended.capture.unwrap_or(says.capture) == Capture::None;
        if strict {
            // It was announced that there would be a record.
            if ended.discard || none {
                ended.capture = Some(Capture::Metadata);
                ended.flags.set(Flag::KeptByStrict);
            }
            return Ok((at, 1.0));
        }
        if none {
            return Err(Unrecorded::Excluded);
        }
        match says.sampled(raw.lot, &facts) {
            Sampled::In(rate) => Ok((at, rate)),
            Sampled::Out => Err(Unrecorded::SampledOut),
        }
    }

    /// Decides what the record says of the bodies. Gives how much of the request is recorded.
    fn settle_bodies(
        &self,
        raw: &mut Raw,
        rule: &Checked,
        ended: Ended,
        outcome: Outcome,
    ) -> Capture {
        let capture = ended.capture.unwrap_or(rule.says.capture).min(raw.gathered);
        raw.request_body.settle(raw.body_told);
        if outcome == Outcome::Completed {
            raw.response_body.at_end();
        }
        // Passed on at the head, or made by the adapter after a panic.
        let unwatched = self.head_at.is_some() && !self.size_unknown && raw.response_body.is_off();
        if unwatched && raw.gathered >= Capture::Full {
            raw.response_body.omit(OmitReason::Empty);
        }
        raw.response_body.settle(true);
        for (body, level) in
            [(&mut raw.request_body, Capture::Request), (&mut raw.response_body, Capture::Full)]
        {
            if rule.says.capture < level && capture < level {
                body.forget();
            } else if capture < level {
                body.leave_out(OmitReason::Policy);
            } else {
                body.cut(rule.says.limit);
            }
        }
        capture
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.raw.is_none() {
            return;
        }
        if self.inside {
            let phase = self.phase();
            return self.finish(Outcome::Panicked, Some(phase), None);
        }
        let body = self.head_at.map(|_| (self.declared, self.produced));
        let (outcome, phase) = end::when_dropped(body);
        self.finish(outcome, phase, None);
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("id", &self.id())
            .field("status", &self.status)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// Text up to a limit.
#[derive(Default)]
pub(super) struct Bounded {
    pub(super) text: String,
    pub(super) full: bool,
}

impl Bounded {
    pub(super) fn of(text: &dyn fmt::Display) -> Self {
        let mut bounded = Self::default();
        message(&mut bounded, text);
        bounded
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = MESSAGE - self.text.len();
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        self.full |= more.len() > room;
        if self.full { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Writes an error's text. `Display` is somebody else's code: it may fail, and it may panic,
/// which in a `Drop` while unwinding would abort the process.
fn message(to: &mut Bounded, error: &dyn fmt::Display) {
    let write = AssertUnwindSafe(|| fmt::Write::write_fmt(to, format_args!("{error}")));
    if let Err(payload) = catch_unwind(write) {
        super::drop_quietly(payload);
    }
}
