//! An auditor with a memory sink, and what must hold of every record it leaves.

use std::time::{Duration, Instant};

use audit_core::{
    Auditor, AuditorBuilder, Capture, Counters, Entry, Kind, Level, Outcome, Phase, sink::Memory,
};

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// An auditor whose records are kept in memory.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The auditor, for layers.
    pub auditor: Auditor,
    memory: Memory,
}

impl Audited {
    /// With default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|settings| settings)
    }

    /// With the bodies of both sides recorded, and otherwise default settings.
    #[must_use]
    pub fn full() -> Self {
        Self::with(|settings| settings.capture(Capture::Full))
    }

    /// With other settings.
    #[must_use]
    pub fn with(settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder) -> Self {
        let memory = Memory::new();
        let auditor =
            settings(Auditor::builder()).build(memory.clone()).expect("settings that can be");
        Self { auditor, memory }
    }

    /// The layer for axum.
    #[must_use]
    pub fn axum(&self) -> audit_tower::axum::AuditLayer {
        audit_tower::axum::AuditLayer::new(&self.auditor)
    }

    /// The layer for hyper.
    #[must_use]
    pub fn hyper(&self) -> audit_tower::hyper::AuditLayer {
        audit_tower::hyper::AuditLayer::new(&self.auditor)
    }

    /// The layer for tonic.
    #[must_use]
    pub fn tonic(&self) -> audit_tower::tonic::AuditLayer {
        audit_tower::tonic::AuditLayer::new(&self.auditor)
    }

    /// The middleware for actix-web.
    #[must_use]
    pub fn actix(&self) -> audit_actix::Audit {
        audit_actix::Audit::new(&self.auditor)
    }

    /// Waits until so many requests have reached the layer.
    pub async fn started(&self, requests: u64) {
        self.until(|counters| counters.started >= requests).await;
    }

    async fn until(&self, met: impl Fn(Counters) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !met(self.auditor.counters()) {
            assert!(Instant::now() < deadline, "waited in vain: {:?}", self.auditor);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// All records, once no request is in flight. Control records are left out.
    pub async fn records(&self) -> Vec<Entry> {
        self.until(|counters| counters.in_flight == 0).await;
        self.records_now()
    }

    /// All records, when no request is in flight.
    #[must_use]
    pub fn records_now(&self) -> Vec<Entry> {
        let counters = self.settled();
        let mut entries = self.memory.entries();
        entries.retain(|entry| entry.kind == Kind::Request);
        assert_eq!(entries.len() as u64, counters.written, "{entries:#?}");
        entries.iter().for_each(assert_sound);
        entries
    }

    /// The records so far, while others may be in flight.
    #[must_use]
    pub fn records_so_far(&self) -> Vec<Entry> {
        self.auditor.flush().expect("a flush into memory");
        self.memory.entries()
    }

    /// The one record, once no request is in flight.
    pub async fn one(&self) -> Entry {
        only(self.records().await)
    }

    /// The one record, when no request is in flight.
    #[must_use]
    pub fn one_now(&self) -> Entry {
        only(self.records_now())
    }

    /// The counters after a flush, which must add up, with nothing left anywhere.
    #[must_use]
    pub fn settled(&self) -> Counters {
        settled(&self.auditor)
    }
}

impl Default for Audited {
    fn default() -> Self {
        Self::new()
    }
}

/// Flushes, then checks that the counters add up and nothing is left in flight or in memory.
///
/// # Panics
///
/// If they do not.
#[must_use]
pub fn settled(auditor: &Auditor) -> Counters {
    auditor.flush().expect("a flush");
    let c = auditor.counters();
    assert_eq!(c.started, c.excluded + c.discarded + c.dropped + c.accepted + c.in_flight, "{c:?}");
    assert_eq!(c.accepted, c.written + c.in_memory, "{c:?}");
    assert_eq!((c.in_flight, c.in_memory, c.memory_bytes), (0, 0, 0), "{c:?}");
    c
}

fn only(mut entries: Vec<Entry>) -> Entry {
    assert_eq!(entries.len(), 1, "{entries:#?}");
    entries.remove(0)
}

/// How a request is expected to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// Where, unless it completed.
    pub phase: Option<Phase>,
    /// The response's status.
    pub status: Option<u16>,
    /// The response's size.
    pub size: Option<u64>,
}

impl Ending {
    /// Completed with a status and a number of bytes.
    #[must_use]
    pub const fn completed(status: u16, size: u64) -> Self {
        Self { outcome: Outcome::Completed, phase: None, status: Some(status), size: Some(size) }
    }

    /// Ended without a response.
    #[must_use]
    pub const fn headless(outcome: Outcome) -> Self {
        Self { outcome, phase: Some(Phase::Handler), status: None, size: None }
    }

    /// Ended in a response body of status 200, after a number of bytes.
    #[must_use]
    pub const fn in_body(outcome: Outcome, size: u64) -> Self {
        let phase = Some(Phase::ResponseBody);
        Self { outcome, phase, status: Some(200), size: Some(size) }
    }

    /// Panicked before the head, and the panic was caught: the client got an empty 500.
    #[must_use]
    pub const fn answered_panic() -> Self {
        let phase = Some(Phase::Handler);
        Self { outcome: Outcome::Panicked, phase, status: Some(500), size: Some(0) }
    }

    /// What a record says.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            outcome: entry.outcome.expect("an outcome"),
            phase: entry.error().and_then(|error| error.phase),
            status: entry.status(),
            size: entry.response().and_then(|response| response.size),
        }
    }
}

/// What a record says of the request's and of the response's body: its state, or why it was
/// omitted; nothing where it does not mention it.
#[must_use]
pub fn captured(entry: &Entry) -> [Option<&str>; 2] {
    let request = entry.request().and_then(|request| request.capture.as_ref());
    let response = entry.response().and_then(|response| response.capture.as_ref());
    [request, response]
        .map(|capture| capture.map(|capture| capture.reason.as_deref().unwrap_or(&capture.state)))
}

/// What holds of every record of a request, derived from its outcome and status.
fn assert_sound(entry: &Entry) {
    let (outcome, status) = (entry.outcome.expect("an outcome"), entry.status());
    let complete = matches!(outcome, Outcome::Completed | Outcome::Upgraded);
    let level = match (outcome, status) {
        (Outcome::Cancelled, _) | (Outcome::Completed, Some(400..500)) => Level::Warning,
        (Outcome::Completed | Outcome::Upgraded, Some(..400)) => Level::Info,
        _ => Level::Error,
    };
    assert_eq!(entry.level, Some(level), "{entry:#?}");
    assert_eq!(entry.success, Some(complete && status.is_some_and(|s| s < 400)), "{entry:#?}");

    let kind = entry.error().map(|error| error.kind.as_str());
    let expected = match outcome {
        Outcome::Cancelled => Some("cancelled"),
        Outcome::Panicked => Some("panic"),
        Outcome::ServiceError => Some("service_error"),
        Outcome::BodyError => Some("body_error"),
        _ => None,
    };
    // What the application says went wrong, it may say of any request.
    let kind = kind.filter(|kind| *kind != "application");
    assert_eq!(kind, expected, "{entry:#?}");
    assert_eq!(entry.error().and_then(|error| error.phase).is_some(), !complete, "{entry:#?}");

    let duration = entry.duration_ms.expect("a duration");
    assert!((0.0..60_000.0).contains(&duration), "{duration}");
    assert_eq!(entry.ttfb_ms.is_some(), status.is_some(), "{entry:#?}");
    assert!(entry.ttfb_ms.is_none_or(|ttfb| (0.0..=duration).contains(&ttfb)), "{entry:#?}");
    assert!(entry.id.is_some() && entry.time.is_some());
    assert!(entry.request().is_some_and(|request| request.id.is_some()));
}
