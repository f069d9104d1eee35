//! Settings from code, checked once.

use std::{fmt, io, sync::Arc, time::Duration};

use crate::{
    Auditor, Capture, ClientIp, ForwardedHeader, Reliability, Rule, Secret, SessionAs, Settings,
    Sink,
    auditor::Core,
    exchange::Hooks,
    hook::{AuditContext, RequestView, ResponseView},
    mask::{MaskRules, Masker, ServiceInfo},
    pipeline::{Further, Pipe, Strict, Writer},
    settings::{BadSetting, Code, compile},
};

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
#[derive(Default)]
pub struct AuditorBuilder {
    settings: Settings,
    code: Code,
    secret: Option<Secret>,
    further: Vec<Box<dyn Sink>>,
    hooks: Hooks,
    strict_within: Option<Duration>,
}

/// Why an auditor was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting that cannot be.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The system started no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

impl AuditorBuilder {
    /// Takes all of these settings in place of those so far. What is said afterwards counts more.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    #[cfg(all(test, feature = "config"))]
    pub(crate) const fn settings_so_far(&self) -> &Settings {
        &self.settings
    }

    /// The name and version of the program, told in each record.
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.settings.service.name = name.into();
        self.settings.service.version = version.into();
        self
    }

    /// The instance of the program, told in each record. Default: host name and process id.
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.settings.service.instance = instance.into();
        self
    }

    /// How much of each request is recorded. Default: [`Capture::Metadata`].
    pub const fn capture(mut self, capture: Capture) -> Self {
        self.settings.auditor.capture = capture;
        self
    }

    /// How much of each request is gathered, so that
    /// [`AuditContext::capture`](crate::AuditContext::capture) can still raise what is recorded of
    /// it to this level. What is gathered and not asked for is dropped at the end of the request.
    /// Default: what [`capture`](Self::capture) says, so it can only be lowered. Requests that are
    /// excluded, or of which `capture` records nothing, are not gathered.
    pub const fn capture_up_to(mut self, level: Capture) -> Self {
        self.settings.auditor.capture_up_to = level;
        self
    }

    /// Bytes kept of each body, from its beginning. Default: 8 KiB; at most 16 MiB. A longer body
    /// is `truncated` in its record, and whole for the application and the client.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.bodies.limit = bytes;
        self
    }

    /// The types of bodies that are captured: of `json`, `form`, `multipart`, `xml`, `text`,
    /// `ndjson`, `sse`, or media types such as `image/svg+xml`. Default: `json` and `form`. A body
    /// without a Content-Type is captured too: what it is shows when it is masked.
    pub fn body_types<T: AsRef<str>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.settings.bodies.content_types = owned(types);
        self
    }

    /// Whether bodies with a Content-Encoding (gzip, deflate, br, zstd) are captured too; they are
    /// decoded to be masked, never on the request's thread. Default: no. Needs the feature
    /// `decode`.
    pub const fn decode_bodies(mut self, decode: bool) -> Self {
        self.settings.bodies.decode = decode;
        self
    }

    /// Bytes that requests in flight and records on their way may hold. Default: 64 MiB. When
    /// half of them are used, bodies are left out of further records; when all are, records are
    /// dropped, counted, and told in a gap record.
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.settings.auditor.memory = bytes;
        self
    }

    /// What a response says about its record, where no rule says otherwise. Default:
    /// [`Reliability::Buffered`].
    pub const fn reliability(mut self, reliability: Reliability) -> Self {
        self.settings.auditor.reliability = reliability;
        self
    }

    /// How long a [strict](Reliability::Strict) request waits for its records before it is
    /// refused, each time. Default: 5 seconds.
    pub const fn strict_within(mut self, limit: Duration) -> Self {
        self.strict_within = Some(limit);
        self
    }

    /// Whether a panic of the application is answered with status 500 (after the head: with a
    /// body error). Default: yes. If not, it is recorded and goes on. Those of excluded requests
    /// always go on. Needs `panic = "unwind"`.
    pub const fn catch_panics(mut self, catch: bool) -> Self {
        self.settings.auditor.catch_panics = catch;
        self
    }

    /// Whether `action` is filled from the method (create, read, update, delete) where the
    /// application says nothing. Default: no.
    pub const fn action_from_method(mut self, fill: bool) -> Self {
        self.settings.auditor.action_from_method = fill;
        self
    }

    /// The header from which a request id is taken. Default: `x-request-id`. `None`: every
    /// request gets a fresh one.
    pub fn request_id_header(mut self, name: Option<&str>) -> Self {
        self.settings.request_id.header = name.unwrap_or_default().to_owned();
        self
    }

    /// The header in which the request id is sent with the response, unless the application set
    /// it itself. Default: `x-request-id`. `None`: it is not sent.
    pub fn response_id_header(mut self, name: Option<&str>) -> Self {
        self.settings.request_id.response_header = name.unwrap_or_default().to_owned();
        self
    }

    /// Whether excluded requests get an id with their response too. Default: yes.
    pub const fn id_on_excluded(mut self, send: bool) -> Self {
        self.settings.request_id.on_excluded = send;
        self
    }

    /// The proxies whose forwarded header is believed: addresses or networks. Default: none, so
    /// the client is the socket's peer.
    pub fn trusted_proxies<T: AsRef<str>>(mut self, nets: impl IntoIterator<Item = T>) -> Self {
        self.settings.client.trusted_proxies = owned(nets);
        self
    }

    /// The header that the trusted proxies write. Default: `X-Forwarded-For`.
    pub const fn forwarded_header(mut self, header: ForwardedHeader) -> Self {
        self.settings.client.forwarded = header;
        self
    }

    /// The cookie that holds the session id.
    pub fn session_cookie(mut self, name: impl Into<String>) -> Self {
        self.settings.session.cookie = name.into();
        self.settings.session.header.clear();
        self
    }

    /// The header that holds the session id.
    pub fn session_header(mut self, name: &str) -> Self {
        self.settings.session.header = name.to_owned();
        self.settings.session.cookie.clear();
        self
    }

    /// How the session id is recorded. Default: as a keyed pseudonym.
    pub const fn session_as(mut self, form: SessionAs) -> Self {
        self.settings.session.form = form;
        self
    }

    /// How much of the client's address is recorded. Default: all of it.
    pub const fn client_ip(mut self, form: ClientIp) -> Self {
        self.settings.client.ip = form;
        self
    }

    /// Looks at the head of each request that is recorded and may add to its record: who asks, as
    /// a header from a trusted proxy tells it, or anything else.
    ///
    /// Called once for a request, on its thread, before the application gets it; several hooks are
    /// called in the order in which they were set. What the application says later of the same
    /// thing replaces what the hook says. It must not wait: the request does. If it panics, the
    /// panic is caught, the record is flagged `hook_failed`, and the first time it is told on the
    /// tracing target `audit`; after ten panics the hook is not called again.
    ///
    /// ```
    /// # use audit_core::{Auditor, sink::Memory};
    /// let auditor = Auditor::builder()
    ///     .on_request(|head, audit| {
    ///         if let Some(user) = head.header("x-authenticated-user") {
    ///             audit.user(user);
    ///         }
    ///     })
    ///     .on_response(|head, audit| {
    ///         audit.metadata("cache", head.header("x-cache"));
    ///     })
    ///     .build(Memory::new())?;
    /// # auditor.close_blocking().unwrap();
    /// # Ok::<(), audit_core::BuildError>(())
    /// ```
    pub fn on_request(
        mut self,
        hook: impl Fn(&RequestView<'_>, &AuditContext) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_request(Box::new(hook));
        self
    }

    /// Looks at the head of each response that is recorded and may add to its record; see
    /// [`on_request`](Self::on_request).
    ///
    /// Called when the response's head is there, on the thread that has it, before the body is
    /// read. Not called where there is none: the application panicked or failed, or the request
    /// was dropped. What it says replaces what the application said before.
    pub fn on_response(
        mut self,
        hook: impl Fn(&ResponseView<'_>, &AuditContext) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_response(Box::new(hook));
        self
    }

    /// Leaves no record of a path. `*` stands for a segment or part of one, `**` for any number;
    /// `/health` excludes `/health` and `/health/`, not `/health-secret`. Paths are compared as
    /// received, still percent-encoded.
    pub fn exclude_path(mut self, pattern: impl AsRef<str>) -> Self {
        self.settings.exclude.paths.push(pattern.as_ref().to_owned());
        self
    }

    /// Leaves no record of paths that end in a dot and this extension, such as `css`.
    pub fn exclude_extension(mut self, extension: impl AsRef<str>) -> Self {
        self.settings.exclude.extensions.push(extension.as_ref().to_owned());
        self
    }

    /// Leaves no record of a method, such as `OPTIONS`.
    pub fn exclude_method(mut self, method: impl AsRef<str>) -> Self {
        self.settings.exclude.methods.push(method.as_ref().to_owned());
        self
    }

    /// Adds a rule for some requests, behind those so far: the first that matches counts.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.settings.rules.push(rule);
        self
    }

    /// Masks values under these names too: [`MaskRules::fields`].
    pub fn mask<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.settings.mask.fields.extend(owned(fields));
        self
    }

    /// Which values are masked, and how. Default: the built-in names, redacted. What the
    /// [`settings`](Self::settings) and [`mask`](Self::mask) say is added to it, also when they
    /// are reloaded.
    pub fn mask_rules(mut self, rules: MaskRules) -> Self {
        self.code.mask = rules;
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
    pub fn build(self, sink: impl Sink) -> Result<Auditor, BuildError> {
        let config = Arc::new(compile(&self.settings, &self.code)?);
        let secret = self.secret.or_else(|| sink.secret());
        if secret.is_none() && self.settings.auditor.secret.is_some() {
            let why = "this sink reads no file with a secret: read it and give it to the builder";
            return Err(BadSetting::new("auditor.secret", why).into());
        }
        let secret = secret.unwrap_or_else(Secret::random);
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let service = ServiceInfo {
            name: said(&self.settings.service.name),
            version: said(&self.settings.service.version),
            instance: Some(said(&self.settings.service.instance).unwrap_or_else(default_instance)),
        };
        let within = self.strict_within.unwrap_or(Strict::WITHIN);
        let pipe = Arc::new(Pipe::new(self.settings.auditor.memory, within));
        let masker = Masker::new(config.clone(), secret.clone(), service);
        let further = self.further.into_iter().map(Further::start).collect::<Result<_, _>>()?;
        Writer::start(pipe.clone(), Box::new(sink), masker, further)?;
        let core = Core::new(config, pipe, self.settings, (self.code, self.hooks), &secret);
        Ok(Auditor { core: Arc::new(core) })
    }
}

fn owned<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect()
}

fn default_instance() -> String {
    let host = gethostname::gethostname();
    let mut instance = format!("{}-{}", host.to_string_lossy(), std::process::id());
    instance.retain(|c| crate::exchange::is_identifier(c.encode_utf8(&mut [0; 4])));
    instance.truncate(instance.floor_char_boundary(128));
    instance
}

impl fmt::Debug for AuditorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditorBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
