//! Requests that do not run, and are not answered, before that is on record.

use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

use uuid::Uuid;

use super::{
    Exchange, Raw,
    flags::{Flag, Flags},
    frame::{self, Fixed, Tag},
    said::ROUTE,
};
use crate::{
    Capture, IdSource, MaskRules, Outcome, RequestId,
    identify::fresh_uuid,
    pipeline::{Announced, Lost, Pipe, Wait},
};

/// The status with which an adapter answers what cannot be recorded.
pub const REFUSED_STATUS: u16 = 503;

/// What was to be recorded first could not be. The exchange is finished: drop what the application
/// has made, and answer with [`REFUSED_STATUS`] and an empty body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {}

/// How far a strict request has come.
pub(super) struct Strict {
    /// The id of its record.
    record: Uuid,
    stage: Stage,
}

enum Stage {
    New,
    /// Waits for its intent.
    Intent(Wait),
    Runs,
    /// Waits for its head.
    Head(Wait),
    Answered,
}

impl Strict {
    /// Draws the id of the record, which is announced before it is made.
    pub(super) fn begin(raw: &mut Raw, pipe: &Pipe) -> Box<Self> {
        let record = fresh_uuid(pipe.unix_millis(raw.start));
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = record.hyphenated().encode_lower(&mut text);
        frame::push(&mut raw.arena, Tag::RecordId, b"", text.as_bytes());
        Box::new(Self { record, stage: Stage::New })
    }
}

impl Exchange {
    /// Whether the request may run. At once for a buffered one; a strict one waits until it is
    /// durable that it is about to. The adapter polls this before it polls the application's
    /// future for the first time, and not again once it was ready.
    pub fn poll_intent(&mut self, cx: &Context<'_>) -> Poll<Result<(), Refused>> {
        // Over already: the application panicked in its call.
        let over = self.raw.is_none();
        if let Some(Strict { stage: Stage::New, .. }) = self.strict.as_deref()
            && !over
        {
            match self.intend() {
                Ok(wait) => self.set_stage(Stage::Intent(wait)),
                Err(Lost) => return self.refuse(Flag::IntentUnrecorded),
            }
        }
        let heard = match self.strict.as_deref() {
            Some(Strict { stage: Stage::Intent(wait), .. }) => ready!(wait.poll(cx)),
            _ => return Poll::Ready(Ok(())),
        };
        self.go_on(heard, Stage::Runs, Flag::IntentUnrecorded)
    }

    /// Whether a response with this status may be sent. At once for a buffered request; for a
    /// strict one the adapter holds the response, without its [`head`](Self::head) being told,
    /// until its status is durable.
    pub fn poll_head(&mut self, cx: &Context<'_>, status: u16) -> Poll<Result<(), Refused>> {
        if let Some(Strict { stage: Stage::New | Stage::Runs, record, .. }) = self.strict.as_deref()
        {
            let head = Announced::Head { record: *record, status };
            match self.auditor.core.pipe.announce(head) {
                Ok(wait) => self.set_stage(Stage::Head(wait)),
                Err(Lost) => return self.refuse(Flag::HeadUnrecorded),
            }
        }
        let heard = match self.strict.as_deref() {
            Some(Strict { stage: Stage::Head(wait), .. }) => ready!(wait.poll(cx)),
            _ => return Poll::Ready(Ok(())),
        };
        self.go_on(heard, Stage::Answered, Flag::HeadUnrecorded)
    }

    /// Whether it has to be on record that the request runs and is answered.
    #[must_use]
    pub const fn is_strict(&self) -> bool {
        self.strict.is_some()
    }

    /// Whether the route that it will probably match has to be told before there is a response,
    /// with [`expect_route`](Self::expect_route): it is strict, or names are configured by which
    /// parameters of its path may be masked.
    #[must_use]
    pub fn wants_route(&self) -> bool {
        self.is_strict() || self.masks_parameters()
    }

    /// Whether names are configured by which parameters of its path may be masked.
    pub(super) fn masks_parameters(&self) -> bool {
        self.config.masks.iter().any(MaskRules::has_configured)
    }

    /// The route template that the request will probably match, for an adapter that learns with
    /// the response which one it was: it tells what of the path is masked in the intent of a
    /// strict request, and in the record of one that has no response.
    pub fn expect_route(&mut self, route: &str) {
        self.expected = Some(route[..route.floor_char_boundary(ROUTE)].into());
    }

    fn go_on(&mut self, heard: Result<(), Lost>, to: Stage, or: Flag) -> Poll<Result<(), Refused>> {
        match heard {
            Ok(()) => {
                self.set_stage(to);
                Poll::Ready(Ok(()))
            }
            Err(Lost) => self.refuse(or),
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(strict) = &mut self.strict {
            strict.stage = stage;
        }
    }

    /// Asks for the intent: what is known so far, at the least level that may come of it.
    fn intend(&self) -> Result<Wait, Lost> {
        let (Some(raw), Some(strict)) = (&self.raw, &self.strict) else { return Err(Lost) };
        let (config, pipe) = (&*self.config, &self.auditor.core.pipe);
        let mut arena = raw.arena.clone();
        if let Some(route) = &self.expected {
            frame::push(&mut arena, Tag::Route, b"", route.as_bytes());
        }
        let mut flags: Flags = raw.flags;
        flags.add(raw.context.so_far(&mut arena, raw.identity.as_ref()));
        let (capture, mask) = config.rules.agreed(raw.candidates);
        let fixed = Fixed {
            start: pipe.nanos(raw.start),
            head: None,
            end: 0,
            request_size: raw.request_size,
            response_size: None,
            grpc_status: None,
            reserved: 0,
            status: None,
            flags,
            outcome: Outcome::Interrupted,
            phase: None,
            id_source: raw.id.as_ref().map_or(IdSource::Generated, RequestId::source),
            capture: capture.clamp(Capture::Metadata, Capture::Headers),
            rule: 0,
            generation: config.generation,
            sample_rate: 1.0,
        };
        let mask = mask.unwrap_or(config.intent_mask);
        pipe.announce(Announced::Intent { record: strict.record, fixed, arena, mask })
    }

    /// Ends it with the answer that the adapter gives in the application's place.
    fn refuse(&mut self, why: Flag) -> Poll<Result<(), Refused>> {
        self.auditor.core.pipe.strict.count_refused();
        self.set_stage(Stage::Answered);
        if let Some(raw) = &mut self.raw {
            raw.flags.set(why);
            self.status = Some(REFUSED_STATUS);
            self.head_at = Some(Instant::now());
            self.finish(Outcome::Completed, None, None);
        }
        Poll::Ready(Err(Refused {}))
    }
}
