//! The core of the audit layer: what a record is, what to capture, how to mask it, and how it
//! leaves the request path. Adapters such as `audit-tower` drive it; applications take what they
//! need from an adapter's re-exports.
//!
//! # The way of one request
//!
//! An adapter calls [`Auditor::begin`] with the request's head and gets an [`Exchange`], a guard
//! that it keeps in the response future and then in the response body. Whatever happens to the
//! request, the exchange ends exactly once: with the end of the body, an error, a panic, or by
//! being dropped. Then one raw frame is appended to a sharded byte log. A single writer thread
//! takes the frames, masks them, and gives the finished [`Record`]s to the [`Sink`].
//!
//! The request path does no I/O, makes no system call, takes no lock that a sink can hold, and
//! wakes nobody.
//!
//! # What is promised
//!
//! - **Nothing gets out unmasked.** A sink takes only a [`Record`], and only the masker makes one.
//! - **Nothing is lost silently.** [`Counters`] add up, and lost records are themselves recorded.
//! - **The application never notices.** A sink that fails or is stuck costs records, counted, and
//!   never a request.

mod auditor;
mod builder;
mod exchange;
pub mod hook;
mod identify;
mod mask;
mod metrics;
mod pipeline;
mod policy;
mod record;
pub mod settings;
pub mod sink;
mod sixteen;
pub mod testing;
mod waiting;

pub use self::{
    auditor::{Auditor, AuditorGuard, Reloaded, Unchanged},
    builder::{AuditorBuilder, BuildError},
    exchange::{
        AuditContext, Begin, BodyAction, Exchange, Identity, InAuditContext, PANICKED_STATUS,
        Panicked, REFUSED_STATUS, Refused, RequestHead, ResponseHead, Tee, WithAuditContext,
        in_audit_context,
    },
    identify::{BadProxy, ClientIp, ForwardedHeader, RequestId, Secret, TrustedProxies},
    mask::{
        BadSelector, BodyMasker, Detector, How, MaskRules, MaskedBody, UnknownDetector, UnknownHow,
    },
    pipeline::{CloseError, Counters, FlushError},
    policy::{
        BadBodyType, BadPattern, Capture, Exclusions, Explanation, Question, Reliability, Rule,
        SessionAs, Tried, UnknownCapture,
    },
    record::{
        Actor, BodyCapture, CaptureState, Change, Control, Difference, Entry, EntryError, Event,
        Fault, Group, IdSource, Kind, Level, Masked, OmitReason, Outcome, Phase, Policy, Record,
        Redactable, RequestEntry, ResponseEntry, Service, Timestamp, TraceIds,
    },
    settings::{BadSetting, Settings},
    sink::Sink,
};
