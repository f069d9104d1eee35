//! The auditor: what an application makes once and hands to its layers.

use std::{
    fmt,
    future::Future,
    hash::Hasher as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use siphasher::sip::SipHasher13;

use crate::{
    Begin, CloseError, Counters, Explanation, FlushError, Question, RequestHead, Secret, Settings,
    Sink,
    builder::AuditorBuilder,
    exchange::{self, Hooks},
    pipeline::{Pipe, Reload},
    policy::Config,
    settings::{Code, compile, fixed},
    waiting::Waiting,
};

/// How long `close` waits for the sink.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Makes one record for each request and sees it to its sink.
///
/// Made once; clones are handles to the same auditor. When the last handle is gone, what was
/// accepted is still written, but nobody waits for it: call [`close`](Self::close) before the
/// program ends.
#[derive(Clone)]
pub struct Auditor {
    pub(crate) core: Arc<Core>,
}

pub(crate) struct Core {
    /// What counts for requests that begin now. Each keeps what it began with.
    pub(crate) config: ArcSwap<Config>,
    pub(crate) pipe: Arc<Pipe>,
    response_id_header: Option<String>,
    /// Keys the lots that are drawn for sampling.
    lots: SipHasher13,
    pub(crate) hooks: Hooks,
    code: Code,
    /// The settings in force; held while they are replaced.
    settings: Mutex<Settings>,
}

impl Core {
    pub(crate) fn new(
        config: Arc<Config>,
        pipe: Arc<Pipe>,
        settings: Settings,
        (code, hooks): (Code, Hooks),
        secret: &Secret,
    ) -> Self {
        Self {
            response_id_header: config.ids.outbound.clone(),
            config: ArcSwap::new(config),
            pipe,
            lots: SipHasher13::new_with_key(&secret.pseudonym("sampling", b"")),
            hooks,
            code,
            settings: Mutex::new(settings),
        }
    }

    /// Draws the lot that decides whether a request is among those that leave a record. The
    /// numbers drawn are those of which request ids are made, which clients see; so the secret
    /// stands between the two.
    pub(crate) fn draw(&self) -> u64 {
        let mut lots = self.lots;
        lots.write_u64(fastrand::u64(..));
        lots.finish()
    }
}

impl Auditor {
    /// An auditor with default settings that writes to `sink`.
    ///
    /// # Panics
    ///
    /// If the system cannot start a thread. [`AuditorBuilder::build`] returns that as an error.
    #[must_use]
    pub fn to(sink: impl Sink) -> Self {
        match Self::builder().build(sink) {
            Ok(auditor) => auditor,
            Err(error) => panic!("cannot start the auditor: {error}"),
        }
    }

    /// Settings for an auditor.
    pub fn builder() -> AuditorBuilder {
        AuditorBuilder::default()
    }

    /// Begins the exchange of a request. For adapters.
    pub fn begin(&self, head: &impl RequestHead) -> Begin {
        exchange::begin(self, head)
    }

    /// The header, in lower case, in which the request id is sent with the response.
    #[must_use]
    pub fn response_id_header(&self) -> Option<&str> {
        self.core.response_id_header.as_deref()
    }

    /// What the settings in force make of a request, and why.
    ///
    /// ```
    /// use audit_core::{Auditor, Capture, Question, Rule, sink::Memory};
    ///
    /// let failed = Rule::new("failed").status(["5xx"]).capture(Capture::Full);
    /// let auditor = Auditor::builder().rule(failed).build(Memory::new())?;
    /// let explained = auditor.explain(&Question::new("GET", "/orders").status(503));
    /// assert_eq!(explained.rule, "failed");
    /// assert_eq!(explained.rules[0].conditions, ["status is 5xx"]);
    /// # auditor.close_blocking().unwrap();
    /// # Ok::<(), audit_core::BuildError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, question: &Question) -> Explanation {
        self.core.config.load().explain(question)
    }

    /// Replaces the settings while requests are served, all of them at once: a request that has
    /// begun ends with what it began with, and the next one gets the new ones. Settings that were
    /// not read, or that cannot be, change nothing. Either is told in a control record
    /// (`op: config_change`).
    ///
    /// What is said of the service, `auditor.memory`, `auditor.secret`,
    /// `request_id.response_header` and the trail stays until the next start; the result and the
    /// record name what of it differs.
    ///
    /// ```
    /// use audit_core::{Auditor, BadSetting, Settings, sink::Memory};
    ///
    /// let auditor = Auditor::to(Memory::new());
    /// let mut settings = Settings::default();
    /// settings.exclude.paths.push("/health".into());
    /// auditor.reload::<BadSetting>(Ok(settings))?;
    /// # auditor.close_blocking()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why the settings were not read, or which of them cannot be.
    pub fn reload<E: fmt::Display>(
        &self,
        read: Result<Settings, E>,
    ) -> Result<Reloaded, Unchanged> {
        let core = &*self.core;
        let mut settings = core.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = read.map_err(|error| error.to_string()).and_then(|new| {
            let config = compile(&new, &core.code).map_err(|error| error.to_string())?;
            Ok((new, config))
        });
        match compiled {
            Ok((new, mut config)) => {
                config.generation = core.config.load().generation.wrapping_add(1);
                let config = Arc::new(config);
                let after_restart = fixed(&settings, &new);
                // The writer has to know it before the first frame that was made under it.
                core.pipe.reloads.push(Reload::Applied(config.clone(), after_restart.clone()));
                core.config.store(config);
                *settings = new;
                Ok(Reloaded { after_restart })
            }
            Err(why) => {
                core.pipe.reloads.push(Reload::Refused(why.clone()));
                Err(Unchanged { why })
            }
        }
    }

    /// What became of all requests so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.core.pipe.counters()
    }

    /// Blocks until every record accepted before the call is as safe as the sink can make it;
    /// at most ten seconds. In async code, call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// When the sink fails or takes longer. The records are kept and written later.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.core.pipe.control.flush(CLOSE_WITHIN)
    }

    /// Writes everything accepted so far, then closes the sink; waits at most ten seconds.
    /// Requests that end later are counted as dropped. Needs no particular runtime, and goes on
    /// when the future is dropped.
    pub fn close(&self) -> impl Future<Output = Result<(), CloseError>> + Send + 'static {
        let auditor = self.clone();
        Waiting::start(move || auditor.close_blocking())
    }

    /// Like [`close`](Self::close), for programs without async code.
    ///
    /// # Errors
    ///
    /// When the sink did not take everything within ten seconds, or failed to close.
    pub fn close_blocking(&self) -> Result<(), CloseError> {
        self.core.pipe.control.close(CLOSE_WITHIN, || self.counters().in_memory)
    }

    /// A guard that closes the auditor when it goes out of scope, for `main` of a program
    /// without async code.
    pub fn guard(&self) -> AuditorGuard {
        AuditorGuard(self.clone())
    }
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.pipe.control.order_close(CLOSE_WITHIN);
    }
}

/// The settings were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// Keys whose new values count from the next start on.
    pub after_restart: Vec<&'static str>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings were replaced")?;
        match self.after_restart.is_empty() {
            true => Ok(()),
            false => write!(f, "; after the next start also {}", self.after_restart.join(", ")),
        }
    }
}

/// The settings were not replaced; those before count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings stay as they were: {why}")]
pub struct Unchanged {
    why: String,
}

/// Closes its auditor when dropped, and waits for it: at most ten seconds.
#[must_use = "dropped at once, it closes the auditor at once"]
#[derive(Debug)]
pub struct AuditorGuard(Auditor);

impl Drop for AuditorGuard {
    fn drop(&mut self) {
        // What the writer came to it has told itself; it tells nothing while the sink holds it.
        if let Err(error) = self.0.close_blocking()
            && !self.0.core.pipe.control.is_closed()
        {
            tracing::error!(target: "audit", "{error}");
        }
    }
}
