//! What the testbeds share: flags, policy, parameters of the routes, fixed answers.

use std::{
    error::Error, fmt::Display, future::Future, io::Write as _, net::SocketAddr, path::PathBuf,
    time::Duration,
};

use audit_core::{
    Auditor, BuildError, Capture, Reliability, Settings,
    settings::{ConfigError, Origin, Reading},
    sink::Memory,
};
use audit_trail::{Trail, read_secret};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

/// How long answers that are on their way may hold up the end.
pub(crate) const DRAIN: Duration = Duration::from_secs(7);
/// Largest body of `/limit`.
pub(crate) const LIMIT: usize = 16 * 1024;
/// Largest body of `/echo`.
pub(crate) const ECHO_LIMIT: usize = 64 * 1024 * 1024;
pub(crate) const PANIC: &str = "the handler panicked";
pub(crate) const BODY_PANIC: &str = "the body panicked";
pub(crate) const CSS: &str = "body { margin: 0 }\n";
pub(crate) const COOKIE: &str = "session=8f14e45fceea167a; HttpOnly; Path=/";
/// `{"compressed":true,"password":"squeezed"}`, compressed by gzip without name and time.
pub(crate) const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab, 0x56, 0x4a, 0xce, 0xcf, 0x2d,
    0x28, 0x4a, 0x2d, 0x2e, 0x4e, 0x4d, 0x51, 0xb2, 0x2a, 0x29, 0x2a, 0x4d, 0xd5, 0x51, 0x2a, 0x48,
    0x2c, 0x2e, 0x2e, 0xcf, 0x2f, 0x02, 0xf2, 0x95, 0x8a, 0x0b, 0x4b, 0x53, 0x53, 0xab, 0x80, 0x52,
    0xb5, 0x00, 0xc6, 0x62, 0xec, 0x40, 0x29, 0x00, 0x00, 0x00,
];

/// A small service with an audit layer, for tests
///
/// The same routes exist for every framework that has a layer. Prints `listening on ADDR` when
/// it is ready, reads its configuration again on SIGHUP, and stops on SIGTERM.
#[derive(Parser, Clone, Debug)]
#[command(name = "testbed")]
pub(crate) struct Flags {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// How much to record; `off` serves without the layer [default: as configured, else metadata]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) audit: Option<Level>,
    /// Where records go [default: as configured; else they stay in memory, where nobody sees them]
    #[arg(long, value_name = "ROOT")]
    pub(crate) trail: Option<PathBuf>,
    /// Settings over the testbed's own, and over them the environment; the other flags win
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to leave what was counted, once all has ended, as `/metrics` would tell it
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// What an answer says about its record [default: as configured, else buffered]
    #[arg(long)]
    pub(crate) reliability: Option<Reliable>,
    /// Worker threads; by default one for each processor
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Off,
    None,
    Metadata,
    Headers,
    Request,
    Full,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reliable {
    Buffered,
    Strict,
}

impl Flags {
    /// The auditor with the testbed's policy, and what the flags and the configuration make of it;
    /// none where there is to be no layer. Ends the process with code 2 where they are wrong.
    pub(crate) fn auditor(&self) -> Result<Option<Auditor>, Box<dyn Error>> {
        if self.audit == Some(Level::Off) {
            return Ok(None);
        }
        let reading = self.reading().unwrap_or_else(|error| wrong(&error));
        let on_disk = reading.origin("trail.dir") != Origin::Default || self.trail.is_some();
        let settings = reading.into_settings();
        let builder = Auditor::builder().settings(settings.clone());
        let built = match (on_disk, &settings.auditor.secret) {
            (true, _) => builder.build(Trail::configured(&settings)?),
            (false, Some(file)) => {
                builder.secret(read_secret(file)?).build(Memory::with_most(1_000))
            }
            (false, None) => builder.build(Memory::with_most(1_000)),
        };
        match built {
            Err(BuildError::Setting(error)) => wrong(&error),
            built => Ok(Some(built?)),
        }
    }

    /// The testbed's own policy, under the configuration, under the environment, under the flags.
    fn reading(&self) -> Result<Reading, ConfigError> {
        let mut own = Settings::default();
        own.service.name = "testbed".to_owned();
        own.service.version = env!("CARGO_PKG_VERSION").to_owned();
        own.bodies.content_types = ["json", "form", "text"].map(str::to_owned).into();
        own.exclude.paths.push("/health".to_owned());
        own.exclude.extensions.push("css".to_owned());
        let mut reading = Reading::over(own);
        if let Some(file) = &self.config {
            reading.file(file)?;
        }
        reading.environment()?;
        reading.set(|settings| {
            let capture = &mut settings.auditor.capture;
            match self.audit {
                Some(Level::Off) | None => {}
                Some(Level::None) => *capture = Capture::None,
                Some(Level::Metadata) => *capture = Capture::Metadata,
                Some(Level::Headers) => *capture = Capture::Headers,
                Some(Level::Request) => *capture = Capture::Request,
                Some(Level::Full) => *capture = Capture::Full,
            }
            match self.reliability {
                Some(Reliable::Buffered) => settings.auditor.reliability = Reliability::Buffered,
                Some(Reliable::Strict) => settings.auditor.reliability = Reliability::Strict,
                None => {}
            }
            if let Some(root) = &self.trail {
                settings.trail.dir.clone_from(root);
            }
        });
        Ok(reading)
    }

    /// Closes the auditor when all requests have ended.
    pub(crate) fn close(&self, auditor: Option<Auditor>) -> Result<(), Box<dyn Error>> {
        let Some(auditor) = auditor else { return Ok(()) };
        auditor.close_blocking()?;
        match &self.metrics {
            Some(file) => Ok(std::fs::write(file, auditor.prometheus())?),
            None => Ok(()),
        }
    }

    /// Reads the configuration again whenever it is asked to, for as long as it is polled. Wrong
    /// ones change nothing.
    pub(crate) fn reload_on_hangup(
        &self,
        auditor: Option<&Auditor>,
    ) -> std::io::Result<impl Future<Output = ()> + use<>> {
        let mut hangups = signal(SignalKind::hangup())?;
        let (flags, auditor) = (self.clone(), auditor.cloned());
        Ok(async move {
            while hangups.recv().await.is_some() {
                let Some(auditor) = &auditor else { continue };
                let read = flags.reading().map(Reading::into_settings);
                if let Err(error) = auditor.reload(read) {
                    let _ = writeln!(std::io::stderr(), "testbed: {error}");
                }
            }
        })
    }
}

fn wrong(error: &dyn Display) -> ! {
    let _ = writeln!(std::io::stderr(), "testbed: {error}");
    std::process::exit(2)
}

/// `/stream?chunks=N&size=N&delay_ms=N[&length=1]`
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(default)]
pub(crate) struct Stream {
    pub(crate) chunks: u64,
    pub(crate) size: usize,
    pub(crate) delay_ms: u64,
    length: u8,
}

impl Default for Stream {
    fn default() -> Self {
        Self { chunks: 3, size: 100, delay_ms: 0, length: 0 }
    }
}

impl Stream {
    /// The Content-Length to send, if one is to be sent.
    pub(crate) const fn length(self) -> Option<u64> {
        match self.length {
            0 => None,
            _ => Some(self.chunks.saturating_mul(self.size as u64)),
        }
    }
}

/// `/sse?events=N&delay_ms=N`
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(default)]
pub(crate) struct Events {
    pub(crate) events: u64,
    pub(crate) delay_ms: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { events: 3, delay_ms: 0 }
    }
}

/// `/slow?ms=N`
#[derive(Deserialize, Clone, Copy, Debug)]
pub(crate) struct Slow {
    #[serde(default)]
    pub(crate) ms: u64,
}

/// `/json?bytes=N`
#[derive(Deserialize, Clone, Copy, Debug)]
pub(crate) struct Size {
    #[serde(default)]
    bytes: usize,
}

impl Size {
    /// A JSON object of so many bytes, but at least of the smallest there is.
    pub(crate) fn json(self) -> String {
        let around = r#"{"data":""}"#.len();
        format!(r#"{{"data":"{}"}}"#, "x".repeat(self.bytes.saturating_sub(around)))
    }
}

#[derive(Deserialize)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) tenant: Option<String>,
}

impl Login {
    pub(crate) fn accepted(&self) -> bool {
        self.password != "wrong"
    }
}

#[derive(Serialize)]
pub(crate) struct Token {
    pub(crate) token: &'static str,
}

impl Token {
    pub(crate) const ISSUED: Self = Self { token: "t-5eb63bbbe01eeed0" };
}

/// What `/upload` answers.
#[derive(Serialize)]
pub(crate) struct Uploaded {
    bytes: u64,
    sha256: String,
}

/// Reads an upload without keeping it.
#[derive(Default)]
pub(crate) struct Upload {
    bytes: u64,
    hash: sha2::Sha256,
}

impl Upload {
    pub(crate) fn add(&mut self, chunk: &[u8]) {
        use sha2::Digest as _;
        self.bytes += chunk.len() as u64;
        self.hash.update(chunk);
    }

    pub(crate) fn finish(self) -> Uploaded {
        use sha2::Digest as _;
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Uploaded { bytes: self.bytes, sha256 }
    }
}
