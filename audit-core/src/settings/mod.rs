//! What a deployment decides, as plain values.
//!
//! [`Settings`] are what a configuration file says, key by key; the builder's methods set the same
//! values from code. They are checked when an auditor is built or reloaded, not before.

use std::path::PathBuf;

use crate::{Capture, ClientIp, Detector, ForwardedHeader, How, Reliability, Rule, SessionAs};

mod ask;
mod compile;
#[cfg(feature = "config")]
mod document;
mod fixed;
#[cfg(feature = "config")]
mod forms;
#[cfg(feature = "config")]
mod keys;
#[cfg(feature = "config")]
mod lint;
#[cfg(feature = "config")]
mod probe;
#[cfg(feature = "config")]
mod problem;
#[cfg(feature = "config")]
mod reader;
#[cfg(feature = "config")]
mod reading;
#[cfg(feature = "config")]
mod show;
#[cfg(feature = "config")]
mod syntax;
mod trail;
#[cfg(feature = "config")]
mod units;
#[cfg(feature = "config")]
mod value;

#[cfg(feature = "config")]
use self::value::Value;
pub use self::{compile::BadSetting, trail::Trail};
pub(crate) use self::{
    compile::{Code, compile},
    fixed::fixed,
};
#[cfg(feature = "config")]
pub use self::{
    lint::Warning,
    problem::{ConfigError, Problem},
    reading::{Origin, Reading},
};

/// Default memory budget.
const MEMORY: usize = 64 * 1024 * 1024;
/// Kept of each body, in bytes, unless set.
const BODY_LIMIT: usize = 8 * 1024;

/// All settings of an auditor and of its trail.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// What is told of the program in each record. Fixed once the auditor is built.
    pub service: Service,
    /// How much is recorded, and how safely, where no rule says otherwise.
    pub auditor: Recording,
    /// Request ids.
    pub request_id: RequestIds,
    /// The client's address.
    pub client: Client,
    /// The session id.
    pub session: Session,
    /// Captured bodies.
    pub bodies: Bodies,
    /// Which values are masked, and how.
    pub mask: Mask,
    /// Requests that leave no record.
    pub exclude: Exclude,
    /// What is recorded of some requests; the first that matches counts. At most 255.
    pub rules: Vec<Rule>,
    /// The trail, for whoever opens one. Fixed once it is open.
    pub trail: Trail,
}

/// What is told of the program in each record; identifiers of 1 to 128 of
/// `[A-Za-z0-9._:/-]`. Empty: nothing, and for the instance host name and process id.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which of its processes.
    pub instance: String,
}

/// How much is recorded, and how safely.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recording {
    /// How much of each request is recorded.
    pub capture: Capture,
    /// How much is gathered, so that the application can still ask for it; code only.
    pub capture_up_to: Capture,
    /// What a response says about its record.
    pub reliability: Reliability,
    /// The file with the secret that keys sampling and pseudonyms. `None`: the sink's own. Fixed
    /// once the auditor is built.
    pub secret: Option<PathBuf>,
    /// The memory budget, in bytes; at least 1 MiB. Fixed once the auditor is built.
    pub memory: usize,
    /// Whether a panic of the application is answered with status 500.
    pub catch_panics: bool,
    /// Whether `action` is filled from the method.
    pub action_from_method: bool,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            capture: Capture::default(),
            capture_up_to: Capture::None,
            reliability: Reliability::default(),
            secret: None,
            memory: MEMORY,
            catch_panics: true,
            action_from_method: false,
        }
    }
}

/// Request ids. An empty header name stands for none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestIds {
    /// The header they are read from.
    pub header: String,
    /// The header they are sent in. Fixed once the auditor is built.
    pub response_header: String,
    /// Whether excluded requests get one too.
    pub on_excluded: bool,
}

impl Default for RequestIds {
    fn default() -> Self {
        let header = || "x-request-id".to_owned();
        Self { header: header(), response_header: header(), on_excluded: true }
    }
}

/// The client's address.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Client {
    /// Addresses and networks of the proxies whose forwarded header is believed.
    pub trusted_proxies: Vec<String>,
    /// The header that they write.
    pub forwarded: ForwardedHeader,
    /// How much of the address is recorded.
    pub ip: ClientIp,
}

/// The session id: a cookie or a header, not both. Empty names stand for none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Session {
    /// The cookie that holds it.
    pub cookie: String,
    /// The header that holds it.
    pub header: String,
    /// How it is recorded.
    pub form: SessionAs,
}

/// Captured bodies.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bodies {
    /// Kept of each body, in bytes; at most 16 MiB.
    pub limit: usize,
    /// `json`, `form`, `multipart`, `xml`, `text`, `ndjson`, `sse`, or media types.
    pub content_types: Vec<String>,
    /// Whether compressed bodies are captured too.
    pub decode: bool,
}

impl Default for Bodies {
    fn default() -> Self {
        let content_types = vec!["json".to_owned(), "form".to_owned()];
        Self { limit: BODY_LIMIT, content_types, decode: false }
    }
}

/// Which values are masked, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mask {
    /// Whether the built-in names are.
    pub built_in: bool,
    /// Selectors of what is masked too.
    pub fields: Vec<String>,
    /// Selectors of what is not.
    pub except: Vec<String>,
    /// How.
    pub how: How,
    /// What is found by its look.
    pub detectors: Vec<Detector>,
}

impl Default for Mask {
    fn default() -> Self {
        Self {
            built_in: true,
            fields: Vec::new(),
            except: Vec::new(),
            how: How::default(),
            detectors: Vec::new(),
        }
    }
}

/// Requests that leave no record.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Exclude {
    /// Path globs.
    pub paths: Vec<String>,
    /// Extensions of paths, such as `css`.
    pub extensions: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
}

#[cfg(test)]
mod tests;
