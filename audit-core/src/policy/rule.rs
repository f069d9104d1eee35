//! A rule: which requests it is for, and what is recorded of them.

use std::time::Duration;

use crate::{Capture, How, Outcome};

/// What a response says about its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reliability {
    /// Nothing: records are written shortly after, in groups. A kill or a power cut can lose what
    /// the last commit window held.
    #[default]
    Buffered,
    /// That it is on record: it fails closed. Before the application's future is polled, a control
    /// record `intent` (who asks, and what for) is as safe as the sink can make it; before the
    /// head of the response is sent, one `head` with its status; the record itself comes at the
    /// end. After a crash the next start of a trail makes the record of a request whose intent has
    /// none, with outcome `interrupted`.
    ///
    /// A request that cannot be recorded so is answered with status 503, an empty body and its
    /// id, and does not run: the sink fails or hangs for longer than
    /// [`strict_within`](crate::AuditorBuilder::strict_within), refuses the control record, the
    /// memory budget is used up, or the auditor is closed. A `head` that cannot be recorded makes
    /// it a 503 too, but what the application did by then cannot be undone.
    ///
    /// What a service does in its `call` itself, before its future is polled, it does without
    /// waiting. Where the inner service gives an error and no response, there is no `head`. Such
    /// requests always leave a record: they are not sampled, and where the application discards
    /// one, or a rule records nothing of it, it is kept at the level of metadata (flag
    /// `kept_by_strict`). An intent is masked by what any rule masks that may still decide, and
    /// has headers where all of them record headers.
    ///
    /// It costs each such request two waits for the disk, shared with those that wait at the same
    /// time.
    Strict,
}

impl Reliability {
    /// Every kind, from the least to the most.
    pub const ALL: &'static [Self] = &[Self::Buffered, Self::Strict];

    /// The spelling used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buffered => "buffered",
            Self::Strict => "strict",
        }
    }
}

/// What is recorded of some requests.
///
/// Every condition that is set has to hold; of a list, one entry. Of all rules the first that
/// matches counts, and the settings stand for what it does not say. The conditions on the
/// response, the time and the user are decided when the request has ended; until then as much is
/// gathered as the rules that may still match ask for.
///
/// ```
/// use audit_core::{Auditor, Capture, Rule, sink::Memory};
///
/// let auditor = Auditor::builder()
///     .rule(Rule::new("health").path("/health/**").capture(Capture::None))
///     .rule(Rule::new("failed").status(["4xx", "5xx"]).capture(Capture::Full))
///     .rule(Rule::new("reads").methods(["GET"]).sample(0.1))
///     .build(Memory::new())?;
/// # auditor.close_blocking().unwrap();
/// # Ok::<(), audit_core::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a rule does nothing until the settings have it"]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) methods: Vec<String>,
    pub(crate) path: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) status: Vec<String>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) min_duration: Option<Duration>,
    pub(crate) min_size: Option<u64>,
    pub(crate) users: Vec<String>,
    pub(crate) tenants: Vec<String>,
    pub(crate) capture: Option<Capture>,
    pub(crate) reliability: Option<Reliability>,
    pub(crate) limit: Option<usize>,
    pub(crate) mask_fields: Vec<String>,
    pub(crate) mask_except: Vec<String>,
    pub(crate) mask_how: Option<How>,
    pub(crate) sample: Option<f64>,
    pub(crate) keep_errors: Option<bool>,
    pub(crate) slow: Option<Duration>,
}

impl Rule {
    /// A rule for every request. Its name is told in each record that it decides on: an identifier
    /// of 1 to 128 of `[A-Za-z0-9._:/-]`, of no other rule, and not `default`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For these methods.
    pub fn methods<T: AsRef<str>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.methods = owned(methods);
        self
    }

    /// For paths that match this glob: `*` stands for a segment or a part of one, `**` for any
    /// number of segments. `/orders/**` is `/orders` and everything below. A path is compared as
    /// it was received, and once more with its percent escapes decoded; a rule that records
    /// nothing is only for paths that match as received and that lead nowhere else.
    pub fn path(mut self, glob: impl Into<String>) -> Self {
        self.path = Some(glob.into());
        self
    }

    /// For the route with this template, as the framework writes it: `/orders/{id}`.
    pub fn route(mut self, template: impl Into<String>) -> Self {
        self.route = Some(template.into());
        self
    }

    /// For responses of these statuses: `404`, `4xx`, `500-503`.
    pub fn status<T: AsRef<str>>(mut self, statuses: impl IntoIterator<Item = T>) -> Self {
        self.status = owned(statuses);
        self
    }

    /// For requests that ended so.
    pub fn outcome(mut self, outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        self.outcomes = outcomes.into_iter().collect();
        self
    }

    /// For requests that took at least this long, from head to end.
    pub const fn min_duration(mut self, duration: Duration) -> Self {
        self.min_duration = Some(duration);
        self
    }

    /// For requests with a body of at least so many bytes, on one of the two sides.
    pub const fn min_size(mut self, bytes: u64) -> Self {
        self.min_size = Some(bytes);
        self
    }

    /// For these users, by name or by id.
    pub fn user<T: AsRef<str>>(mut self, users: impl IntoIterator<Item = T>) -> Self {
        self.users = owned(users);
        self
    }

    /// For these tenants.
    pub fn tenant<T: AsRef<str>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.tenants = owned(tenants);
        self
    }

    /// How much is recorded. [`Capture::None`]: nothing, and the request is counted as excluded.
    pub const fn capture(mut self, capture: Capture) -> Self {
        self.capture = Some(capture);
        self
    }

    /// What a response says about its record. Decided at the request's head: it is strict where
    /// one of the rules that may still match then says so.
    pub const fn reliability(mut self, reliability: Reliability) -> Self {
        self.reliability = Some(reliability);
        self
    }

    /// Bytes kept of each body; at most 16 MiB.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Masks these too, beside what the settings say: selectors, as for
    /// [`MaskRules::fields`](crate::MaskRules::fields).
    pub fn mask<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.mask_fields = owned(fields);
        self
    }

    /// How [`mask`](Self::mask) masks. Default: as the settings say.
    pub fn mask_how(mut self, how: How) -> Self {
        self.mask_how = Some(how);
        self
    }

    /// Does not mask these, though the settings say so.
    pub fn mask_except<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.mask_except = owned(fields);
        self
    }

    /// The share of requests that leave a record, from 0 to 1, of those that are neither errors
    /// nor slow. Each record tells it as `sample_rate`, so that counts can be weighted. Which
    /// requests these are, no client can choose or foresee.
    pub const fn sample(mut self, share: f64) -> Self {
        self.sample = Some(share);
        self
    }

    /// Whether requests that fail (`success: false`) are always recorded. Default: yes.
    pub const fn keep_errors(mut self, keep: bool) -> Self {
        self.keep_errors = Some(keep);
        self
    }

    /// Requests that take at least this long are always recorded.
    pub const fn slow(mut self, duration: Duration) -> Self {
        self.slow = Some(duration);
        self
    }
}

fn owned<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect()
}
