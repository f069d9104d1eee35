//! `audit redact`, `audit erase`, `audit prune`, `audit hold`: what is taken out of a trail, and what stays.

mod erase;
mod hold;
mod prune;
mod redact;

use std::{
    io::{self, Write},
    path::Path,
};

use audit_trail::{MaintainError, Maintenance, Redacted};
use serde_json::{Value, json};

pub(crate) use self::{
    erase::run as erase, hold::run as hold, prune::run as prune, redact::run as redact,
};
use crate::{
    args::Signing,
    escape::Escaped,
    exit::Failure,
    progress::Progress,
    talk::{plural, say},
};

/// The most holds or records that are listed one by one.
const LISTED: usize = 10;

impl From<MaintainError> for Failure {
    fn from(error: MaintainError) -> Self {
        let text = error.to_string();
        match error {
            MaintainError::Wrong(_) | MaintainError::OtherKey { .. } => Self::Usage(text),
            MaintainError::Busy { .. } | MaintainError::NotTaken { .. } => Self::Locked(text),
            MaintainError::Evidence { .. } => Self::Refused(text),
            _ => Self::Io(text),
        }
    }
}

/// Tells on a terminal how far it is; what is printed comes after it was dropped.
fn open(source: &Path, signing: &Signing) -> Result<Maintenance, Failure> {
    let mut progress = Progress::new("reading");
    let trail = Maintenance::open(source, signing.signing_key.as_deref())?;
    Ok(trail.progress(move |done, all| progress.tell(done, all)))
}

/// A path as somebody who stands here would write it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let path = here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    match path.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => path.display().to_string(),
    }
}

/// Tells what was done in each directory, and gives the worst that went wrong in one; `no`: nothing
/// did, and still not all of it was done.
fn tell<T>(
    done: Vec<Result<T, MaintainError>>,
    json: bool,
    told: impl Fn(&T) -> Value,
    show: impl Fn(&mut dyn Write, &T) -> io::Result<()>,
    mut no: impl FnMut(&T) -> bool,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let (mut failed, mut refused) = (None, false);
    for one in done {
        match one {
            Ok(done) => {
                refused |= no(&done);
                match json {
                    true => writeln!(out, "{}", told(&done))?,
                    false => show(&mut out, &done)?,
                }
            }
            // All but the last are said here.
            Err(error) => {
                if let Some(before) = failed.replace(Failure::from(error)) {
                    say(before.message().unwrap_or_default());
                }
            }
        }
    }
    out.flush()?;
    match failed {
        Some(failure) => Err(failure),
        None if refused => Err(Failure::No),
        None => Ok(()),
    }
}

/// What was redacted, for programs.
fn redacted_json(done: &Redacted, dry_run: bool) -> Value {
    let held = done.held.iter().map(|(seq, hold)| json!({ "seq": seq, "hold": hold }));
    let moved =
        done.moved_away.iter().map(|(file, count)| json!({ "file": file, "records": count }));
    json!({
        "directory": done.directory,
        "dry_run": dry_run,
        "records": done.records,
        "held": held.collect::<Vec<_>>(),
        "unsigned": done.unsigned,
        "moved_away": moved.collect::<Vec<_>>(),
    })
}

/// The same for people.
fn show_redacted(out: &mut dyn Write, done: &Redacted, dry_run: bool) -> io::Result<()> {
    let mut line = |text: String| writeln!(out, "{}", Escaped(&text));
    let directory = shown(&done.directory);
    let records = plural(done.records, "record");
    line(match (done.records, dry_run) {
        (0, _) => format!("{directory}: nothing to redact"),
        (_, true) => format!("{directory}: would redact groups of {records}"),
        (_, false) => format!("{directory}: redacted groups of {records}"),
    })?;
    for (file, count) in &done.moved_away {
        let count = plural(*count, "record");
        line(format!("  and of {count} in {file}, which was moved away from a damaged segment"))?;
    }
    if done.unsigned > 0 {
        let count = plural(done.unsigned, "more record");
        line(format!("  {count} could not be redacted, not being signed yet: run it again"))?;
    }
    for (seq, hold) in done.held.iter().take(LISTED) {
        line(format!("  record {seq} stays: the hold {hold} keeps it"))?;
    }
    if done.held.len() > LISTED {
        line(format!("  and {} more", done.held.len() - LISTED))?;
    }
    Ok(())
}
