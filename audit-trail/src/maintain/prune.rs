//! Removing whole segments from the beginning.

use std::path::PathBuf;

use audit_core::Timestamp;

use super::{
    Held, MaintainError, Maintenance,
    age::{self, Ages},
    redact::check_reason,
    rewrite::clean,
    scan::{moved_away, names},
    trusted::{Judged, Trusted},
};
use crate::{
    TrailError, Verdict,
    announced::{Note, noted},
    directory::{Directory, size},
    files::{CURSORS, file_name, is_new, moved_from},
    line::Event,
    lock::is_held,
    verify::{Anchor, Grant},
};

/// What to remove.
#[derive(Clone, Debug, Default)]
pub struct Prune {
    /// Segments all of whose records began before this time.
    pub before: Option<Timestamp>,
    /// Checkpoints that were kept elsewhere: the notes, as in the file `checkpoint`. One must cover what
    /// is removed: else nobody could tell afterwards whether the trail was cut.
    pub anchors: Vec<String>,
    /// Without such a checkpoint, too.
    pub force: bool,
    /// Why, for ever on record: a text of at most 200 characters. Put nothing personal into it.
    pub reason: Option<String>,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// What was removed from a writer directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pruned {
    /// The directory.
    pub directory: PathBuf,
    /// The first record that was there before, and the first that is there now; in a dry run, would be.
    pub from: u64,
    /// See `from`.
    pub to: u64,
    /// How many segments were removed; in a dry run, would be.
    pub segments: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Why not more of what is old enough.
    pub kept: Option<String>,
}

impl Maintenance {
    /// Removes segments all of whose records began before a time, oldest first, after a signed record
    /// says so; what the trail says of itself goes with what it is about. The last segment stays, unless nobody
    /// writes there: then a new one begins first. Held back by holds, by the cursors of forwarders, and by strict
    /// requests that have no record yet. What does not verify is never removed.
    ///
    /// Gives for each directory what was done, or why it was not.
    ///
    /// # Errors
    ///
    /// When there is no time, the reason is too long, or a directory of the root is not what was signed: a hold
    /// could be hidden in it.
    pub fn prune(&self, what: &Prune) -> Result<Vec<Result<Pruned, MaintainError>>, MaintainError> {
        check_reason(what.reason.as_deref())?;
        let before = what.before.ok_or_else(|| {
            MaintainError::Wrong("say how old the records are that are to go".to_owned())
        })?;
        let (all, holds) = self.all_trusted(&what.anchors, &mut age::look)?;
        let one = |(directory, trusted): Judged<'_, _>| {
            self.prune_in(directory, trusted?, what, before, &holds)
        };
        Ok(all.into_iter().map(one).collect())
    }

    fn prune_in(
        &self,
        directory: &Directory,
        mut trusted: Trusted<Vec<Ages>>,
        what: &Prune,
        before: Timestamp,
        holds: &[Held],
    ) -> Result<Pruned, MaintainError> {
        if !what.dry_run {
            clean(directory)?;
        }
        // The last segment of a directory that nobody writes any more never ends by itself.
        let is_old = |ages: &Ages| {
            !ages.are_of_the_trail_only()
                && ages.are_before(before)
                && !holds.iter().any(|hold| ages.met_by(hold))
        };
        let left = trusted.found.last().is_some_and(is_old) && !is_held(directory.path());
        if left && !what.dry_run {
            self.begin_segment_if_free(directory)?;
            trusted = self.trusted_with(directory, &what.anchors, &mut age::look)?;
        }
        // What is behind the checkpoint could be other records in the end.
        let is_signed = |(_, next): &(&Ages, u64)| *next <= trusted.verdict.size;
        let pairs = trusted.found.windows(2).map(|pair| (&pair[0], pair[1].from));
        let mut ended: Vec<_> = pairs.take_while(is_signed).collect();
        if what.dry_run && left {
            ended.extend(trusted.found.last().map(|ages| (ages, ages.end)));
        }
        let (to, kept) = limit(directory, &ended, before, holds)?;
        let gone: Vec<u64> =
            trusted.found.iter().map(|ages| ages.from).filter(|from| *from < to).collect();
        let from = trusted.verdict.pruned;
        let mut done = Pruned {
            directory: directory.path().to_owned(),
            from,
            to: to.max(from),
            segments: gone.len() as u64,
            bytes: 0,
            kept,
        };
        for from in &gone {
            done.bytes += directory.stat(&file_name(*from)).map_or(0, |stat| size(&stat));
        }
        if gone.is_empty() {
            // A run that was killed may have left them.
            if !what.dry_run {
                remove_moved_away(directory, from)?;
            }
            return Ok(done);
        }
        check_anchors(&trusted.verdict, directory, what, to)?;
        if what.dry_run {
            return Ok(done);
        }
        if !is_granted(&trusted.grants, to) {
            let mut events = Vec::new();
            let own =
                holds.iter().filter(|held| held.directory == directory.path() && held.seq < to);
            // A hold whose record goes is placed again.
            events.extend(own.map(|held| Event::Hold {
                name: held.name.clone(),
                since: held.since,
                until: held.until,
                reason: held.reason.clone(),
            }));
            events.push(Event::Prune { to, reason: what.reason.clone() });
            self.have_written(directory, &events)?;
            if !is_granted(&self.trusted(directory)?.grants, to) {
                return Err(MaintainError::Refused { directory: directory.path().to_owned() });
            }
        }
        for from in gone {
            let path = directory.file_path(&file_name(from));
            let removed = directory.unlink(&file_name(from));
            // One after the other: a later one that is gone while an earlier one is there is a hole.
            removed
                .and_then(|()| directory.sync())
                .map_err(|error| TrailError::io("remove", &path, error))?;
        }
        remove_moved_away(directory, to)?;
        Ok(done)
    }
}

/// Removes what was once moved away from segments that begin before `to`: it is as old as they are.
fn remove_moved_away(directory: &Directory, to: u64) -> Result<(), MaintainError> {
    for name in of_before(directory, to)? {
        let removed = directory.unlink(&name);
        removed.map_err(|error| TrailError::io("remove", &directory.file_path(&name), error))?;
    }
    Ok(())
}

/// The files with what was moved away from segments that begin before `to`.
fn of_before(directory: &Directory, to: u64) -> Result<Vec<String>, MaintainError> {
    let mut names = moved_away(directory)?;
    names.retain(|name| moved_from(name).is_some_and(|from| from < to));
    Ok(names)
}

/// Without a checkpoint that was kept elsewhere nobody could tell afterwards whether the trail was cut.
fn check_anchors(
    verdict: &Verdict,
    directory: &Directory,
    what: &Prune,
    to: u64,
) -> Result<(), MaintainError> {
    let covers = |anchor: &Anchor| anchor.holds == Some(true) && anchor.size >= to;
    if what.force || verdict.anchors.iter().any(covers) {
        return Ok(());
    }
    Err(MaintainError::Evidence {
        directory: directory.path().to_owned(),
        why: format!(
            "nothing is removed: no checkpoint that was kept elsewhere covers the records before \
             {to}. Copy its file `checkpoint` to another machine, and give the copy with --anchor; \
             or say --force"
        ),
    })
}

/// Does a signed record allow it?
fn is_granted(grants: &[(u64, Grant)], to: u64) -> bool {
    let allows = |grant: &Grant| matches!(grant, Grant::Prune { to: up_to } if *up_to >= to);
    grants.iter().any(|(_, grant)| allows(grant))
}

/// Up to where segments may go, and what holds back more.
fn limit(
    directory: &Directory,
    ended: &[(&Ages, u64)],
    before: Timestamp,
    holds: &[Held],
) -> Result<(u64, Option<String>), MaintainError> {
    let mut limits: Vec<(u64, String)> = Vec::new();
    for (name, seq) in cursors(directory)? {
        limits.push((seq, format!("the forwarder {name} has passed on what is before {seq}")));
    }
    match noted(directory)? {
        Note::Missing => {}
        Note::At(seq) => {
            let why = format!("the strict request announced by record {seq} has no record");
            limits.push((seq, why));
        }
        Note::Damaged => {
            let why =
                "its file `announced` is none that a writer has left, and the next start mends it";
            limits.push((0, why.to_owned()));
        }
    }
    let mut to = 0;
    for (at, (ages, next)) in ended.iter().enumerate() {
        if !ages.are_before(before) {
            let later = ended[at..].iter().find(|(ages, _)| ages.are_before(before));
            let why = later.map(|(later, _)| {
                format!(
                    "records from {} on say that they began later than those from {} on: the clock was set \
                     back meanwhile, or requests took long",
                    ages.from, later.from
                )
            });
            return Ok((to, why));
        }
        if let Some((_, why)) = limits.iter().find(|(limit, _)| limit < next) {
            return Ok((to, Some(why.clone())));
        }
        if let Some(hold) = holds.iter().find(|hold| ages.met_by(hold)) {
            let why = format!("the hold {} keeps record {} and later", hold.name, ages.from);
            return Ok((to, Some(why)));
        }
        to = *next;
    }
    Ok((to, None))
}

/// The forwarders, and the first record that each has not passed on.
fn cursors(directory: &Directory) -> Result<Vec<(String, u64)>, MaintainError> {
    if directory.stat(CURSORS).is_err() {
        return Ok(Vec::new());
    }
    let folder = directory.existing(CURSORS)?;
    let mut names = names(&folder)?;
    names.retain(|name| !is_new(name));
    let mut found = Vec::new();
    for name in names {
        let text = folder.read_small(&name, 64)?;
        let seq = text.as_deref().and_then(|text| text.trim_end().parse().ok());
        let seq = seq.ok_or_else(|| MaintainError::Evidence {
            directory: folder.file_path(&name),
            why: "is no cursor (a seq of 20 digits): nothing is removed that a forwarder may not \
                  have passed on; remove the file if there is no such forwarder"
                .to_owned(),
        })?;
        found.push((name, seq));
    }
    Ok(found)
}
