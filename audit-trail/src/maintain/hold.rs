//! Holds: records that stay, whatever is asked for.
//!
//! A hold is a record of the trail, and so is its release: a file could be removed unseen, and the next
//! prune would do the damage.

use std::{collections::BTreeMap, path::PathBuf};

use audit_core::Timestamp;
use serde::Deserialize;

use super::{
    MaintainError, Maintenance,
    redact::check_reason,
    scan::{records, segments},
};
use crate::{
    directory::Directory,
    files::file_name,
    line::{self, Event, control_op},
    lock::is_held,
};

/// Keeps records from being removed and redacted, in all of the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// What it is called: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// Holds records that began at this time or later; without it, all before `until`.
    pub since: Option<Timestamp>,
    /// Holds records that began before this time; without it, all from `since` on, also those to come.
    pub until: Option<Timestamp>,
    /// Why, for ever on record: a text of at most 200 characters. Put nothing personal into it.
    pub reason: Option<String>,
}

/// A hold that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Its name.
    pub name: String,
    /// As in [`Hold::since`].
    pub since: Option<Timestamp>,
    /// As in [`Hold::until`].
    pub until: Option<Timestamp>,
    /// As in [`Hold::reason`].
    pub reason: Option<String>,
    /// The writer directory whose record says so, and the record's seq.
    pub directory: PathBuf,
    /// The record's place.
    pub seq: u64,
    /// When it was placed, or last confirmed by a prune.
    pub time: Option<Timestamp>,
}

impl Held {
    pub(super) fn is_in(&self, directory: &Directory) -> bool {
        self.directory == directory.path()
    }

    /// Whether it keeps a record of this time. One without a time is kept.
    pub(super) fn covers(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.meets(time, time)
    }

    /// Whether it keeps a record that began between these times, both included.
    pub(super) fn meets(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until)
    }
}

#[derive(Deserialize)]
struct Told {
    op: String,
    name: String,
    since: Option<String>,
    until: Option<String>,
    reason: Option<String>,
}

impl Maintenance {
    /// The holds in force, by directory and name.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read.
    pub fn holds(&self) -> Result<Vec<Held>, MaintainError> {
        let mut all = Vec::new();
        for directory in &self.writers {
            match self.trusted(directory) {
                Ok(trusted) => all.extend(trusted.holds),
                // Nothing that is not signed releases one.
                Err(_) => all.extend(unreleased(directory)?),
            }
        }
        Ok(all)
    }

    /// Places a hold. Gives the directory that has it on record.
    ///
    /// # Errors
    ///
    /// When it is none, when one of this name is in force, or when it cannot be written.
    pub fn hold(&self, hold: &Hold) -> Result<PathBuf, MaintainError> {
        let Hold { name, since, until, reason } = hold.clone();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            let why = "the name of a hold is 1 to 64 of A-Z a-z 0-9 . _ -";
            return Err(MaintainError::Wrong(why.to_owned()));
        }
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            let why = "a hold must begin before it ends (--until is itself excluded)";
            return Err(MaintainError::Wrong(why.to_owned()));
        }
        check_reason(reason.as_deref())?;
        if self.holds()?.iter().any(|held| held.name == name) {
            let why = format!(
                "a hold called {name} is in force: release it first, or choose another name"
            );
            return Err(MaintainError::Wrong(why));
        }
        // Where the application writes at the moment, if it does.
        let living = self.writers.iter().find(|directory| is_held(directory.path()));
        let directory = living.or_else(|| self.writers.first()).ok_or_else(|| {
            MaintainError::Wrong("there is no writer directory to write it to".to_owned())
        })?;
        self.write(directory, Event::Hold { name: name.clone(), since, until, reason })?;
        let is_this = |held: &Held| {
            held.name == name && held.since == since && held.until == until && held.is_in(directory)
        };
        match self.holds()?.iter().any(is_this) {
            true => Ok(directory.path().to_owned()),
            false => Err(MaintainError::Refused { directory: directory.path().to_owned() }),
        }
    }

    /// Ends a hold.
    ///
    /// # Errors
    ///
    /// When there is none of this name, or it cannot be written.
    pub fn release(&self, name: &str, reason: Option<&str>) -> Result<(), MaintainError> {
        check_reason(reason)?;
        let holds = self.holds()?;
        let of_name: Vec<_> = holds.iter().filter(|held| held.name == name).collect();
        if of_name.is_empty() {
            return Err(MaintainError::Wrong(format!("no hold called {name} is in force")));
        }
        for directory in &self.writers {
            if !of_name.iter().any(|held| held.is_in(directory)) {
                continue;
            }
            // Of what does not verify no release would count.
            self.trusted(directory)?;
            let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
            self.write(directory, Event::Release { name: name.clone(), reason })?;
            if self.trusted(directory)?.holds.iter().any(|held| held.name == name) {
                return Err(MaintainError::Refused { directory: directory.path().to_owned() });
            }
        }
        Ok(())
    }

    fn write(&self, directory: &Directory, event: Event) -> Result<(), MaintainError> {
        self.have_written(directory, &[event])
    }
}

/// Whether a record places or ends a hold.
pub(super) fn is_told(line: &[u8]) -> bool {
    let op = control_op(line);
    is_release(line) || op.is_some_and(|op| op.starts_with(b"hold\""))
}

/// Whether a record ends a hold.
pub(super) fn is_release(line: &[u8]) -> bool {
    control_op(line).is_some_and(|op| op.starts_with(b"release\""))
}

/// Sees a record of which that is so. A release counts where it is below `size`, for
/// all holds of its name before it; a hold in any case, beside another of its name.
pub(super) fn see(
    holds: &mut BTreeMap<String, Vec<Held>>,
    directory: &Directory,
    line: &[u8],
    seq: u64,
    size: u64,
) {
    let text = String::from_utf8_lossy(line);
    let Some(Told { op, name, since, until, reason }) = told(&text) else { return };
    if op == "release" {
        if seq < size {
            holds.remove(&name);
        }
        return;
    }
    let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let (since, until) = (time(since), time(until));
    let placed = line::record(line).ok().and_then(|parts| parts.time?.parse().ok());
    let directory = directory.path().to_owned();
    let held = Held { name: name.clone(), since, until, reason, directory, seq, time: placed };
    holds.entry(name).or_default().push(held);
}

/// All holds of a directory of which nothing can be trusted: none of them ends.
pub(super) fn unreleased(directory: &Directory) -> Result<Vec<Held>, MaintainError> {
    let mut holds = BTreeMap::new();
    for from in segments(directory)? {
        records(directory, &file_name(from), &mut |line, _, _| {
            if is_told(line.text().as_bytes()) {
                see(&mut holds, directory, line.text().as_bytes(), line.seq(), 0);
            }
        })?;
    }
    Ok(holds.into_values().flatten().collect())
}

fn told(line: &str) -> Option<Told> {
    let (_, rest) = line.split_once(",\"control\":")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Told>();
    values.next()?.ok()
}
