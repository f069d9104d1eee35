//! Settings, checked once.

use std::{fmt, io};

use crate::{
    Auditor, BadBodyType, BadPattern, BadProxy, Capture, ForwardedHeader, Secret, SessionAs, Sink,
    TrustedProxies,
    auditor::Core,
    mask::{BadSelector, MaskRules, Masker, ServiceInfo},
    pipeline::{Further, Pipe, Writer},
    policy::{Config, LARGEST_LIMIT, Session},
};

/// Default memory budget.
const MEMORY: usize = 64 * 1024 * 1024;
/// A budget below this could not hold one full record of each thread.
const LEAST_MEMORY: usize = 1024 * 1024;

/// Settings for an [`Auditor`]. Made by [`Auditor::builder`]; wrong values are reported by
/// [`build`](Self::build).
///
/// ```
/// use audit_core::{Auditor, Capture, sink::Memory};
///
/// let auditor = Auditor::builder()
///     .service("shop", "1.4.0")
///     .capture(Capture::Headers)
///     .exclude_path("/health")
///     .exclude_extension("css")
///     .trusted_proxies(["10.0.0.0/8"])
///     .session_cookie("sid")
///     .build(Memory::new())?;
/// # auditor.close_blocking().unwrap();
/// # Ok::<(), audit_core::BuildError>(())
/// ```
#[must_use = "settings do nothing until `build` is called"]
pub struct AuditorBuilder {
    config: Config,
    service: ServiceInfo,
    memory: usize,
    rules: MaskRules,
    secret: Option<Secret>,
    further: Vec<Box<dyn Sink>>,
    wrong: Option<BuildError>,
}

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An exclusion that matches nothing.
    #[error("exclusion: {0}")]
    Exclusion(#[from] BadPattern),
    /// A trusted proxy that is no network.
    #[error("trusted_proxies: {0}")]
    Proxy(#[from] BadProxy),
    /// A type of bodies that is not known.
    #[error("body_types: {0}")]
    BodyType(#[from] BadBodyType),
    /// A limit of bodies that is too large.
    #[error("body_limit: {0} bytes are too many; allow at most {LARGEST_LIMIT}")]
    BodyLimit(usize),
    /// A name that no header can have.
    #[error("{setting}: `{value}` is not a header name; use letters, digits and dashes")]
    HeaderName {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// A service name or the like that is no identifier.
    #[error("{setting}: `{value}` is not 1 to 128 of the characters A-Z a-z 0-9 . _ : / -")]
    Identifier {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// Bodies are to be decoded, which this build cannot.
    #[error("decode_bodies: build with the feature `decode` of audit-core, or leave it off")]
    Decode,
    /// A selector of values to mask that can select nothing.
    #[error("mask: {0}")]
    Mask(#[from] BadSelector),
    /// A memory budget that is too small to work with.
    #[error("memory: {0} bytes are too few; allow at least {LEAST_MEMORY}")]
    Memory(usize),
    /// The system started no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

impl AuditorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::default(),
            service: ServiceInfo::default(),
            memory: MEMORY,
            rules: MaskRules::new(),
            secret: None,
            further: Vec::new(),
            wrong: None,
        }
    }

    /// The name and version of the program, told in each record.
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.service.name = Some(name.into());
        self.service.version = Some(version.into());
        self
    }

    /// The instance of the program, told in each record. Default: host name and process id.
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.service.instance = Some(instance.into());
        self
    }

    /// How much of each request is recorded. Default: [`Capture::Metadata`].
    pub const fn capture(mut self, capture: Capture) -> Self {
        self.config.capture = capture;
        self
    }

    /// How much of each request is gathered, so that
    /// [`AuditContext::capture`](crate::AuditContext::capture) can still raise what is recorded of
    /// it to this level. What is gathered and not asked for is dropped at the end of the request.
    /// Default: what [`capture`](Self::capture) says, so it can only be lowered. Requests that are
    /// excluded, or of which `capture` records nothing, are not gathered.
    pub const fn capture_up_to(mut self, level: Capture) -> Self {
        self.config.capture_up_to = level;
        self
    }

    /// Bytes kept of each body, from its beginning. Default: 8 KiB; at most 16 MiB. A longer body
    /// is `truncated` in its record, and whole for the application and the client.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.config.bodies.limit = bytes;
        self
    }

    /// The types of bodies that are captured: of `json`, `form`, `multipart`, `xml`, `text`,
    /// `ndjson`, `sse`, or media types such as `image/svg+xml`. Default: `json` and `form`. A body
    /// without a Content-Type is captured too: what it is shows when it is masked.
    pub fn body_types<T: AsRef<str>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        if let Err(error) = self.config.bodies.set_types(types) {
            self.remember(error.into());
        }
        self
    }

    /// Whether bodies with a Content-Encoding (gzip, deflate, br, zstd) are captured too; they are
    /// decoded to be masked, never on the request's thread. Default: no. Needs the feature
    /// `decode`.
    pub const fn decode_bodies(mut self, decode: bool) -> Self {
        self.config.bodies.decode = decode;
        self
    }

    /// Bytes that requests in flight and records on their way may hold. Default: 64 MiB. When
    /// half of them are used, bodies are left out of further records; when all are, records are
    /// dropped, counted, and told in a gap record.
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Whether a panic of the application is answered with status 500 (after the head: with a
    /// body error). Default: yes. If not, it is recorded and goes on. Needs `panic = "unwind"`.
    pub const fn catch_panics(mut self, catch: bool) -> Self {
        self.config.catch_panics = catch;
        self
    }

    /// Whether `action` is filled from the method (create, read, update, delete) where the
    /// application says nothing. Default: no.
    pub const fn action_from_method(mut self, fill: bool) -> Self {
        self.config.action_from_method = fill;
        self
    }

    /// The header from which a request id is taken. Default: `x-request-id`. `None`: every
    /// request gets a fresh one.
    pub fn request_id_header(mut self, name: Option<&str>) -> Self {
        self.config.ids.inbound = self.header("request_id_header", name);
        self
    }

    /// The header in which the request id is sent with the response, unless the application set
    /// it itself. Default: `x-request-id`. `None`: it is not sent.
    pub fn response_id_header(mut self, name: Option<&str>) -> Self {
        self.config.ids.outbound = self.header("response_id_header", name);
        self
    }

    /// Whether excluded requests get an id with their response too. Default: yes.
    pub const fn id_on_excluded(mut self, send: bool) -> Self {
        self.config.ids.on_excluded = send;
        self
    }

    /// The proxies whose forwarded header is believed: addresses or networks. Default: none, so
    /// the client is the socket's peer.
    pub fn trusted_proxies<T: AsRef<str>>(mut self, nets: impl IntoIterator<Item = T>) -> Self {
        match TrustedProxies::new(nets) {
            Ok(proxies) => self.config.proxies = proxies,
            Err(error) => self.remember(error.into()),
        }
        self
    }

    /// The header that the trusted proxies write. Default: `X-Forwarded-For`.
    pub const fn forwarded_header(mut self, header: ForwardedHeader) -> Self {
        self.config.forwarded = header;
        self
    }

    /// The cookie that holds the session id.
    pub fn session_cookie(mut self, name: impl Into<String>) -> Self {
        self.config.session = Some(Session::Cookie(name.into()));
        self
    }

    /// The header that holds the session id.
    pub fn session_header(mut self, name: &str) -> Self {
        self.config.session = self.header("session_header", Some(name)).map(Session::Header);
        self
    }

    /// How the session id is recorded. Default: as a keyed pseudonym.
    pub const fn session_as(mut self, form: SessionAs) -> Self {
        self.config.session_as = form;
        self
    }

    /// Leaves no record of a path. `*` stands for a segment or part of one, `**` for any number;
    /// `/health` excludes `/health` and `/health/`, not `/health-secret`. Paths are compared as
    /// received, still percent-encoded.
    pub fn exclude_path(mut self, pattern: impl AsRef<str>) -> Self {
        if let Err(error) = self.config.exclusions.path(pattern.as_ref()) {
            self.remember(error.into());
        }
        self
    }

    /// Leaves no record of paths that end in a dot and this extension, such as `css`.
    pub fn exclude_extension(mut self, extension: impl AsRef<str>) -> Self {
        if let Err(error) = self.config.exclusions.extension(extension.as_ref()) {
            self.remember(error.into());
        }
        self
    }

    /// Leaves no record of a method, such as `OPTIONS`.
    pub fn exclude_method(mut self, method: impl AsRef<str>) -> Self {
        self.config.exclusions.method(method.as_ref());
        self
    }

    /// Masks values under these names too: [`MaskRules::fields`] on the rules so far.
    pub fn mask<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        match self.rules.clone().fields(fields) {
            Ok(rules) => self.rules = rules,
            Err(error) => self.remember(error.into()),
        }
        self
    }

    /// Which values are masked, and how. Default: the built-in names, redacted.
    pub fn mask_rules(mut self, rules: MaskRules) -> Self {
        self.rules = rules;
        self
    }

    /// The secret that keys pseudonyms. Default: the sink's (a trail keeps one beside its root),
    /// else a fresh one for this run.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// A further sink, with a bounded queue and a thread of its own. It gets what the primary
    /// sink took; what it is too slow for is counted and not told.
    pub fn also(mut self, sink: impl Sink) -> Self {
        self.further.push(Box::new(sink));
        self
    }

    /// Starts the auditor with `sink` as its primary sink.
    ///
    /// # Errors
    ///
    /// The first wrong setting, or a thread that the system does not start.
    pub fn build(mut self, sink: impl Sink) -> Result<Auditor, BuildError> {
        self.check()?;
        let instance = self.service.instance.get_or_insert_with(default_instance);
        instance.retain(|c| crate::exchange::is_identifier(c.encode_utf8(&mut [0; 4])));
        let secret = self.secret.or_else(|| sink.secret()).unwrap_or_else(Secret::random);
        let mut masker = Masker::new(self.rules, secret, self.service);
        masker.proxies = self.config.proxies.clone();
        masker.forwarded = self.config.forwarded;
        masker.session_as = self.config.session_as;
        masker.action_from_method = self.config.action_from_method;
        masker.body_limit = self.config.bodies.limit;
        let pipe = std::sync::Arc::new(Pipe::new(self.memory));
        let further = self.further.into_iter().map(Further::start).collect::<Result<_, _>>()?;
        Writer::start(pipe.clone(), Box::new(sink), masker, further)?;
        Ok(Auditor { core: std::sync::Arc::new(Core { config: self.config, pipe }) })
    }

    fn check(&mut self) -> Result<(), BuildError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        for (setting, value) in [
            ("service name", &self.service.name),
            ("service version", &self.service.version),
            ("instance", &self.service.instance),
        ] {
            if let Some(value) = value
                && !crate::exchange::is_identifier(value)
            {
                return Err(BuildError::Identifier { setting, value: value.clone() });
            }
        }
        if self.memory < LEAST_MEMORY {
            return Err(BuildError::Memory(self.memory));
        }
        if self.config.bodies.decode && !cfg!(feature = "decode") {
            return Err(BuildError::Decode);
        }
        if self.config.bodies.limit > LARGEST_LIMIT {
            return Err(BuildError::BodyLimit(self.config.bodies.limit));
        }
        Ok(())
    }

    fn header(&mut self, setting: &'static str, name: Option<&str>) -> Option<String> {
        let name = name?.to_ascii_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            self.remember(BuildError::HeaderName { setting, value: name });
            return None;
        }
        Some(name)
    }

    fn remember(&mut self, error: BuildError) {
        self.wrong.get_or_insert(error);
    }
}

fn default_instance() -> String {
    let host = gethostname::gethostname();
    let mut instance = format!("{}-{}", host.to_string_lossy(), std::process::id());
    instance.truncate(instance.floor_char_boundary(128));
    instance
}

impl fmt::Debug for AuditorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditorBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
