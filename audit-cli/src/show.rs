//! One record as one line for people.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use audit_core::{Entry, Kind, Level, Outcome, Redactable};

use crate::escape::{Cell, Escaped};

/// What stands where there is nothing to show.
const NONE: &str = "-";
/// What stands for a value that was redacted in the trail.
const REDACTED: &str = "[redacted]";

/// Writes time, status, method, path, duration, user, address and request id, and last what went
/// wrong. The columns do not depend on the terminal; the first 80 hold all up to the user. The
/// colour follows the level and says nothing the text does not.
pub(crate) fn line(out: &mut impl Write, entry: &Entry, colour: bool) -> io::Result<()> {
    let paint = |style: Style| if colour { style } else { Style::new() };
    let (dim, level) = (paint(Style::new().dimmed()), paint(level_style(entry)));
    let status = entry.status().map_or_else(|| NONE.to_owned(), |status| status.to_string());
    write!(out, "{dim}{:<24}{dim:#} {level}{status:>3}{level:#} ", time(entry))?;
    let (what, subject) = subject(entry);
    write!(out, "{what:<6} {subject:<24} {:>7}", duration(entry.duration_ms))?;
    let user = actor(entry, entry.actor().and_then(|a| a.user.as_ref().or(a.user_id.as_ref())));
    let ip = actor(entry, entry.actor().and_then(|a| a.ip.as_ref()));
    let id = cell(entry.request().and_then(|r| r.id.as_ref()));
    write!(out, " {user:<8} {ip} {dim}{id}{dim:#}")?;
    if let Some(trouble) = trouble(entry) {
        write!(out, " {level}! {trouble}{level:#}")?;
    }
    out.write_all(b"\n")
}

fn level_style(entry: &Entry) -> Style {
    match entry.level {
        Some(Level::Critical) => AnsiColor::Red.on_default().bold(),
        Some(Level::Error) => AnsiColor::Red.on_default(),
        Some(Level::Warning) => AnsiColor::Yellow.on_default(),
        Some(Level::Notice) => AnsiColor::Cyan.on_default(),
        Some(Level::Debug) => Style::new().dimmed(),
        _ => AnsiColor::Green.on_default(),
    }
}

/// Milliseconds are enough to look at; the record holds microseconds.
fn time(entry: &Entry) -> String {
    let Some(time) = entry.time else {
        return NONE.to_owned();
    };
    let text = time.to_string();
    match text.get(..23) {
        Some(short) if text.len() == 27 => format!("{short}Z"),
        _ => text,
    }
}

/// Method and path of a request; kind and name of anything else.
fn subject(entry: &Entry) -> (String, String) {
    if entry.kind == Kind::Request {
        if matches!(entry.request, Some(Redactable::Redacted(_))) {
            return (NONE.to_owned(), REDACTED.to_owned());
        }
        let request = entry.request();
        let method = cell(request.and_then(|r| r.method.as_ref()));
        return (method, cell(request.and_then(|r| r.path.as_ref())));
    }
    let name = match (&entry.control, &entry.module, &entry.action) {
        (Some(control), ..) => {
            let mut name = Cell(&control.op).to_string();
            let mut add = |key: &str, value: &dyn Display| name += &format!(" {key}={value}");
            if let Some(count) = control.count {
                add("count", &count);
            }
            if let Some(reason) = &control.reason {
                add("reason", &Cell(reason));
            }
            if control.unclean == Some(true) {
                add("unclean", &true);
            }
            name
        }
        (_, Some(module), Some(action)) => format!("{}:{}", Cell(module), Cell(action)),
        (_, one, other) => cell(one.as_ref().or(other.as_ref())),
    };
    (entry.kind.to_string(), name)
}

fn cell(value: Option<&String>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| Cell(value).to_string())
}

fn actor(entry: &Entry, value: Option<&String>) -> String {
    match entry.actor {
        Some(Redactable::Redacted(_)) => REDACTED.to_owned(),
        _ => cell(value),
    }
}

/// Three digits and a unit.
fn duration(ms: Option<f64>) -> String {
    match ms {
        None => NONE.to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.2}ms"),
        Some(ms) if ms < 100.0 => format!("{ms:.1}ms"),
        Some(ms) if ms < 1_000.0 => format!("{ms:.0}ms"),
        Some(ms) if ms < 100_000.0 => format!("{:.2}s", ms / 1_000.0),
        Some(ms) if ms < 1e12 => format!("{:.0}s", ms / 1_000.0),
        Some(ms) => format!("{:.0e}s", ms / 1_000.0),
    }
}

/// `panicked in handler: message`, for whatever did not simply complete.
fn trouble(entry: &Entry) -> Option<String> {
    let outcome = entry
        .outcome
        .filter(|outcome| !matches!(outcome, Outcome::Completed | Outcome::Upgraded))
        .map(Outcome::as_str);
    let fault = entry.error();
    let grpc = entry.response().and_then(|r| r.grpc_status).filter(|status| *status != 0);
    let mut text = match (outcome, fault, grpc) {
        (Some(outcome), ..) => outcome.to_owned(),
        (None, Some(fault), _) => Escaped(&fault.kind).to_string(),
        (None, None, Some(status)) => return Some(format!("grpc-status {status}")),
        (None, None, None) => return None,
    };
    if let Some(phase) = fault.and_then(|fault| fault.phase) {
        text += &format!(" in {phase}");
    }
    match (fault.and_then(|fault| fault.message.as_ref()), &entry.error) {
        (Some(message), _) => text += &format!(": {}", Escaped(message)),
        (None, Some(Redactable::Redacted(_))) => text += &format!(": {REDACTED}"),
        (None, _) => {}
    }
    Some(text)
}

#[cfg(test)]
mod tests;
