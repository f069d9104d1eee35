//! The commands that read a configuration.

use std::{path::PathBuf, time::Duration};

use audit_core::Outcome;
use clap::{Args, Subcommand};

/// Where settings come from: a file, and over it the environment.
#[derive(Args, Clone, Debug)]
pub(crate) struct Source {
    /// Read settings from this file; the environment (`AUDIT_CAPTURE`, …) counts more
    /// [default: no file]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Tell what would be recorded of a request, and why
///
/// Takes the settings that an application with this file has, and says which rule decides on a
/// request, why those before it do not, what is recorded of it, what is masked, and whether it is
/// sampled. What is not said of the request is taken to be an answer with status 200 at once, with
/// no body, to nobody in particular. What an application decides in code is not known here.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit explain GET /health
  audit explain --config audit.toml POST /orders --status 500
  audit explain --config audit.toml GET /slow --duration-ms 1500 --user ann
  audit explain --config audit.toml GET /orders --json | jq .rule")]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The request's method
    #[arg(value_name = "METHOD", value_parser = method)]
    pub(crate) method: String,
    /// Its path as it is received: percent-encoded; a query is left out
    #[arg(value_name = "PATH", value_parser = path)]
    pub(crate) path: String,
    /// The template of the route that matched, as the framework writes it: `/orders/{id}`
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) route: Option<String>,
    /// The response's status [default: 200; 500 for `panicked`, 101 for `upgraded`,
    /// none for `cancelled`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=999))]
    pub(crate) status: Option<u16>,
    /// How the request ended: `completed`, `upgraded`, `cancelled`, `panicked`, `service_error`,
    /// `body_error` or `interrupted`
    #[arg(long, value_name = "OUTCOME", default_value = "completed")]
    pub(crate) outcome: Outcome,
    /// How long it took, in milliseconds
    #[arg(long, value_name = "N", default_value = "0", value_parser = milliseconds)]
    pub(crate) duration_ms: Duration,
    /// How many bytes its larger body has
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) size: u64,
    /// The user, by name or id
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// The tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Look for mistakes in a configuration file
///
/// Prints what is wrong in it, and what is likely not meant: rules that are never reached,
/// patterns that match nothing, bodies that are recorded unmasked, and the like. Looks at the file
/// alone, not at the environment.
///
/// The exit code is 1 if something is wrong, so that an application would not start with it; what
/// is only unlikely does not change it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit lint audit.toml
  audit lint audit.toml --json | jq -r .key")]
pub(crate) struct Lint {
    /// The configuration file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON object for each finding
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show settings
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit config show                                the defaults, and what the environment says
  audit config show --config audit.toml --origin   what counts, and where it comes from")]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    Show(ConfigShow),
}

/// Print all settings as they count: defaults, a file over them, the environment over that
///
/// The output is a configuration file that says the same.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit config show > audit.toml
  audit config show --config audit.toml --origin
  AUDIT_CAPTURE=full audit config show --json | jq .auditor.capture")]
pub(crate) struct ConfigShow {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Say for each value where it comes from
    #[arg(long)]
    pub(crate) origin: bool,
    /// Print one JSON object; with --origin, a list of keys, values and origins
    #[arg(long)]
    pub(crate) json: bool,
}

/// A method as a request would have it.
fn method(text: &str) -> Result<String, String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if text.is_empty() || !text.bytes().all(token) {
        return Err("this is no method such as GET".to_owned());
    }
    Ok(text.to_ascii_uppercase())
}

/// A path without what follows it.
fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("a path begins with `/`, such as /orders/7".to_owned());
    }
    Ok(text.split(['?', '#']).next().unwrap_or_default().to_owned())
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "this is no number of milliseconds".to_owned())?;
    Duration::try_from_secs_f64(number / 1000.0)
        .map_err(|_| "a duration is 0 or more milliseconds".to_owned())
}
