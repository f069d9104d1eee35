//! Redacting groups of records.

use std::{collections::HashMap, path::PathBuf};

use audit_core::Group;
use rustix::fs::FileType;

use super::{
    Held, MaintainError, Maintenance,
    rewrite::{clean, rewrite},
    scan::{grants, records, segments},
};
use crate::{
    Line, TrailError,
    directory::Directory,
    line::{self, Event},
    segment::file_name,
    tree::Hash,
    verify::Grant,
};

/// Every group a record can have, in stored order.
pub const ALL_GROUPS: [Group; 7] = [
    Group::Actor,
    Group::Request,
    Group::Response,
    Group::Event,
    Group::Change,
    Group::Metadata,
    Group::Error,
];

/// How to redact.
#[derive(Clone, Debug, Default)]
pub struct Redact {
    /// Why, for ever on record: a text of at most 200 characters. Put nothing personal into it.
    pub reason: Option<String>,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// What was redacted in a writer directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Redacted {
    /// The directory.
    pub directory: PathBuf,
    /// How many records have lost groups; in a dry run, would lose some.
    pub records: u64,
    /// The records that a hold keeps, by seq, and the name of one that does.
    pub held: Vec<(u64, String)>,
    /// Files with what was once moved away from damaged segments, and how many records in each have lost
    /// groups.
    pub moved_away: Vec<(String, u64)>,
}

/// What a record is to lose.
struct Target {
    groups: u8,
    /// Which record it is, so that another one of this number is left alone.
    leaf: Hash,
}

/// What was found in a directory.
#[derive(Default)]
struct Found {
    targets: HashMap<u64, Target>,
    /// The segments that hold one.
    segments: Vec<u64>,
    moved_away: Vec<String>,
    held: Vec<(u64, String)>,
}

impl Maintenance {
    /// Redacts the groups that `pick` names of each record, where they are there: their values are replaced by
    /// commitments, so that the trail still proves the rest, and that there was something. That they
    /// may be is a record of its own. `pick` is called for every record, control records too, and more than
    /// once; what it names and is not there does not count. Records that are
    /// written meanwhile may be missed.
    ///
    /// Gives for each directory what was done, or why it was not.
    ///
    /// # Errors
    ///
    /// When the reason is too long, or the holds cannot be read.
    pub fn redact(
        &self,
        how: &Redact,
        pick: &mut dyn FnMut(&Line) -> Vec<Group>,
    ) -> Result<Vec<Result<Redacted, MaintainError>>, MaintainError> {
        check_reason(how.reason.as_deref())?;
        let holds = self.holds()?;
        let chosen = self.chosen();
        Ok(chosen.map(|directory| self.redact_in(directory, how, &holds, pick)).collect())
    }

    fn redact_in(
        &self,
        directory: &Directory,
        how: &Redact,
        holds: &[Held],
        pick: &mut dyn FnMut(&Line) -> Vec<Group>,
    ) -> Result<Redacted, MaintainError> {
        let mut pick = |line: &Line| line::bits(&pick(line));
        if !how.dry_run {
            clean(directory)?;
        }
        let found = look(directory, holds, &mut pick)?;
        let mut done = Redacted {
            directory: directory.path().to_owned(),
            records: found.targets.len() as u64,
            held: found.held,
            moved_away: Vec::new(),
        };
        if how.dry_run {
            return Ok(done);
        }
        if !found.targets.is_empty() {
            self.have_granted(directory, &found.targets, how.reason.as_ref())?;
        }
        for from in found.segments {
            rewrite(directory, &file_name(from), &mut |line| {
                let target = found.targets.get(&line.seq())?;
                let text = line.text().as_bytes();
                let same = line::leaf(text).is_ok_and(|leaf| leaf == target.leaf);
                if same { without(text, target.groups) } else { None }
            })?;
        }
        for name in found.moved_away {
            let count = rewrite(directory, &name, &mut |line| {
                let held = holds.iter().any(|hold| hold.covers(line.time()));
                let groups = if held { 0 } else { pick(line) };
                without(line.text().as_bytes(), groups)
            })?;
            done.moved_away.push((name, count));
        }
        Ok(done)
    }

    /// Returns when signed and published records allow all of it.
    fn have_granted(
        &self,
        directory: &Directory,
        targets: &HashMap<u64, Target>,
        reason: Option<&String>,
    ) -> Result<(), MaintainError> {
        // A run that was killed has had them granted already.
        let missing = self.not_granted(directory, targets)?;
        let events = missing.iter().map(|(seq, groups)| Event::Redact {
            seq: *seq,
            groups: *groups,
            reason: reason.cloned(),
        });
        let events: Vec<_> = events.collect();
        let signed = self.signed(directory)?;
        self.have_written(directory, &signed, &events)?;
        let still: HashMap<u64, u8> = self.not_granted(directory, targets)?.into_iter().collect();
        match missing.iter().any(|(seq, _)| still.contains_key(seq)) {
            true => Err(MaintainError::Refused { directory: directory.path().to_owned() }),
            false => Ok(()),
        }
    }

    /// What of it no signed record below the published size grants.
    fn not_granted(
        &self,
        directory: &Directory,
        targets: &HashMap<u64, Target>,
    ) -> Result<Vec<(u64, u8)>, MaintainError> {
        let size = self.signed(directory)?.size;
        let mut missing: HashMap<u64, u8> =
            targets.iter().map(|(seq, target)| (*seq, target.groups)).collect();
        // What grants comes later.
        let from = targets.keys().min().copied().unwrap_or(0);
        for (by, grant) in grants(directory, from)? {
            if let Grant::Redact { seq, groups } = grant
                && by < size
                && let Some(left) = missing.get_mut(&seq)
            {
                *left &= !groups;
            }
        }
        let mut missing: Vec<_> = missing.into_iter().filter(|(_, groups)| *groups != 0).collect();
        missing.sort_unstable();
        Ok(missing)
    }
}

/// Finds what is to be redacted.
fn look(
    directory: &Directory,
    holds: &[Held],
    pick: &mut dyn FnMut(&Line) -> u8,
) -> Result<Found, MaintainError> {
    let mut found = Found::default();
    for from in segments(directory)? {
        let mut here = false;
        records(directory, &file_name(from), &mut |line, _, _| {
            let (groups, text) = (pick(line), line.text().as_bytes());
            let groups = if groups == 0 { 0 } else { groups & open(line) };
            let (false, Ok(leaf)) = (groups == 0, line::leaf(text)) else { return };
            match holds.iter().find(|hold| hold.covers(line.time())) {
                Some(hold) => found.held.push((line.seq(), hold.name.clone())),
                None => {
                    here = true;
                    found.targets.insert(line.seq(), Target { groups, leaf });
                }
            }
        })?;
        if here {
            found.segments.push(from);
        }
    }
    let names = directory.names();
    let mut names = names.map_err(|error| TrailError::io("list", directory.path(), error))?;
    let regular = |name: &String| {
        let stat = directory.stat(name);
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    };
    names.retain(|name| name.ends_with(".bad") && regular(name));
    names.sort_unstable();
    for name in names {
        let mut here = false;
        records(directory, &name, &mut |line, _, _| {
            here |= pick(line) & open(line) != 0;
        })?;
        if here {
            found.moved_away.push(name);
        }
    }
    Ok(found)
}

/// The line without these groups, if it has one of them.
fn without(line: &[u8], groups: u8) -> Option<Vec<u8>> {
    line::redact(line, groups).ok().filter(|new| new != line)
}

/// The groups of a record that are there and open.
fn open(line: &Line) -> u8 {
    line.groups().fold(0, |all, (group, _)| all | line::bits(&[group]))
}

/// A reason stands in the core of a record, where nothing can be redacted.
pub(super) fn check_reason(reason: Option<&str>) -> Result<(), MaintainError> {
    let fits = |reason: &str| {
        (1..=200).contains(&reason.chars().count()) && !reason.chars().any(char::is_control)
    };
    match reason.is_none_or(fits) {
        true => Ok(()),
        false => Err(MaintainError::Wrong(
            "a reason is one line of 1 to 200 characters; a case number says most".to_owned(),
        )),
    }
}
