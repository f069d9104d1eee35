//! Redacting groups of records.

use std::{collections::HashMap, path::PathBuf};

use audit_core::Group;

use super::{
    Held, MaintainError, Maintenance,
    find::{Pick, Picked, Searched, picking},
    rewrite::{clean, rewrite},
    scan::{self, moved_away, records, segments},
    trusted::Judged,
};
use crate::{
    Line,
    directory::Directory,
    files::file_name,
    line::{self, Event},
    tree::Hash,
    verify::Grant,
};

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
    /// How many more there are that were not signed in time, so that nothing could be done: run it again.
    pub unsigned: u64,
    /// Files with what was once moved away from damaged segments, and how many records in each have lost
    /// groups.
    pub moved_away: Vec<(String, u64)>,
}

/// What records are to lose, by seq.
type Targets = HashMap<u64, Target>;

struct Target {
    groups: u8,
    /// Which record it is, so that another one of this number is left alone.
    leaf: Hash,
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
    /// When the reason is too long, or a directory of the root is not what was signed: a hold could be hidden in it.
    pub fn redact(
        &self,
        how: &Redact,
        pick: &mut dyn FnMut(&Line) -> Vec<Group>,
    ) -> Result<Vec<Result<Redacted, MaintainError>>, MaintainError> {
        check_reason(how.reason.as_deref())?;
        let mut pick = |line: &Line| {
            let groups = open_in(line, line::bits(&pick(line)));
            (groups != 0).then_some(groups)
        };
        let (all, holds) = self.all_trusted(&[], &mut picking(&mut pick))?;
        let one = |(directory, trusted): Judged<'_, _>| {
            self.redact_in(directory, trusted?, how, &holds, &mut pick)
        };
        Ok(all.into_iter().map(one).collect())
    }

    fn redact_in(
        &self,
        directory: &Directory,
        mut trusted: Searched<u8>,
        how: &Redact,
        holds: &[Held],
        pick: Pick<'_, u8>,
    ) -> Result<Redacted, MaintainError> {
        let mut unsigned = 0;
        if !how.dry_run {
            clean(directory)?;
            if trusted.verdict.tail_damage.is_some() {
                // What is no record of the trail is moved away, and redacted there.
                self.begin_segment_if_free(directory)?;
            }
            (trusted, unsigned) = self.signed(directory, trusted, pick)?;
        }
        let (mut targets, mut held) = (Targets::new(), Vec::new());
        for Picked { seq, what: groups, leaf, time } in std::mem::take(&mut trusted.found) {
            match holds.iter().find(|hold| hold.covers(time)) {
                Some(hold) => held.push((seq, hold.name.clone())),
                None => drop(targets.insert(seq, Target { groups, leaf })),
            }
        }
        let records = targets.len() as u64;
        let directory_path = directory.path().to_owned();
        let mut done =
            Redacted { directory: directory_path, records, held, unsigned, moved_away: Vec::new() };
        if how.dry_run {
            return Ok(done);
        }
        let segments = self.granted(directory, trusted.grants, &targets, how)?;
        for from in segments {
            rewrite(directory, &file_name(from), &mut |line| {
                let groups = groups_of(&targets, line);
                if groups == 0 { None } else { without(line.text().as_bytes(), groups) }
            })?;
        }
        // Only now: what stands in the way of a writer is moved away when it begins.
        for name in moved_away(directory)? {
            let count = rewrite(directory, &name, &mut |line| {
                let held = holds.iter().any(|hold| hold.covers(line.time()));
                let groups = if held { 0 } else { pick(line).unwrap_or(0) };
                without(line.text().as_bytes(), groups)
            })?;
            if count > 0 {
                done.moved_away.push((name, count));
            }
        }
        Ok(done)
    }

    /// Returns when signed records allow all of it, and nobody writes any more to a segment that holds one.
    /// Gives these segments.
    fn granted(
        &self,
        directory: &Directory,
        mut grants: Vec<(u64, Grant)>,
        targets: &Targets,
        how: &Redact,
    ) -> Result<Vec<u64>, MaintainError> {
        for _ in 0..TRIES {
            // A disk that fails makes a writer give up a segment, and repeat its end in the next.
            let segments = look_for(directory, targets)?;
            // A run that was killed has had them granted already; but if its writer was killed, too, the
            // segment may still be the last one. Then they are asked for again: a new one begins with that.
            let last = scan::segments(directory)?.pop().unwrap_or(0);
            let mut missing = not_granted(&grants, targets);
            if segments.contains(&last)
                && !missing.iter().any(|(seq, _)| *seq >= last)
                && let Some((seq, target)) = targets.iter().max_by_key(|(seq, _)| **seq)
            {
                missing.push((*seq, target.groups));
            }
            if missing.is_empty() {
                return Ok(segments);
            }
            let event = |(seq, groups)| Event::Redact { seq, groups, reason: how.reason.clone() };
            self.have_written(directory, &missing.into_iter().map(event).collect::<Vec<_>>())?;
            grants = self.trusted(directory)?.grants;
        }
        Err(MaintainError::Refused { directory: directory.path().to_owned() })
    }
}

/// How often records are asked for.
const TRIES: u32 = 3;

/// What of it no signed record grants.
fn not_granted(grants: &[(u64, Grant)], targets: &Targets) -> Vec<(u64, u8)> {
    let mut missing: HashMap<u64, u8> =
        targets.iter().map(|(seq, target)| (*seq, target.groups)).collect();
    for (_, grant) in grants {
        if let Grant::Redact { seq, groups } = grant
            && let Some(left) = missing.get_mut(seq)
        {
            *left &= !groups;
        }
    }
    let mut missing: Vec<_> = missing.into_iter().filter(|(_, groups)| *groups != 0).collect();
    missing.sort_unstable();
    missing
}

/// The groups that a record is to lose, where it is one of these.
fn groups_of(targets: &Targets, line: &Line) -> u8 {
    let same = |target: &&Target| line::leaf(line.text().as_bytes()).ok() == Some(target.leaf);
    targets.get(&line.seq()).filter(same).map_or(0, |target| target.groups)
}

/// The segments that hold one of these.
fn look_for(directory: &Directory, targets: &Targets) -> Result<Vec<u64>, MaintainError> {
    let mut found = Vec::new();
    for from in segments(directory)? {
        let mut here = false;
        records(directory, &file_name(from), &mut |line, _, _| {
            here = here || open_in(line, groups_of(targets, line)) != 0;
        })?;
        found.extend(here.then_some(from));
    }
    Ok(found)
}

/// The line without these groups, if it has one of them.
fn without(line: &[u8], groups: u8) -> Option<Vec<u8>> {
    line::redact(line, groups).ok().filter(|new| new != line)
}

/// Those of these groups that are there and open.
fn open_in(line: &Line, groups: u8) -> u8 {
    match groups {
        0 => 0,
        _ => groups & line.groups().fold(0, |all, (group, _)| all | line::bits(&[group])),
    }
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
