//! What a directory says of itself, as far as it is what was signed.
//!
//! Whoever has the files can append a line that says it stands among the signed ones, or change a hold
//! for the moment in which it is looked for. So what allows something, or ends a hold, is only believed
//! where a walk as that of `audit verify` has come by it.

use std::collections::BTreeMap;

use audit_core::Timestamp;

use super::{
    Held, MaintainError, Maintenance, hold,
    redact::open_in,
    scan::{check_key, is_signed_by, writer_of},
};
use crate::{
    Known, Line, Verdict,
    directory::Directory,
    line,
    read::read_line,
    tree::Hash,
    verify::{self, Grant, Seen, grant},
};

/// What was found in a directory that verifies.
pub(super) struct Trusted {
    pub(super) verdict: Verdict,
    /// What signed records grant, each with its seq.
    pub(super) grants: Vec<(u64, Grant)>,
    /// The holds in force.
    pub(super) holds: Vec<Held>,
    /// The records that were looked for, in order, also those that are not signed yet.
    pub(super) picked: Vec<Picked>,
}

/// A record that was looked for.
pub(super) struct Picked {
    pub(super) seq: u64,
    /// What it is to lose, a bit each.
    pub(super) groups: u8,
    /// Which record it is.
    pub(super) leaf: Hash,
    pub(super) time: Option<Timestamp>,
}

/// Looks for records: what each is to lose.
pub(super) type Pick<'a> = &'a mut dyn FnMut(&Line) -> u8;

/// A directory, and what it says of itself; or why nothing can be taken out of it.
pub(super) type Found<'a> = (&'a Directory, Result<Trusted, MaintainError>);

impl Maintenance {
    /// Reads all of a directory. The inner error concerns only this one.
    ///
    /// # Errors
    ///
    /// When it is not what was signed: then a hold in it may be hidden.
    fn judged(
        &self,
        directory: &Directory,
        anchors: &[String],
        mut pick: Option<Pick<'_>>,
    ) -> Result<Result<Trusted, MaintainError>, MaintainError> {
        let key = self.key.verifying_key();
        if let Err(error) = check_key(directory, &key)
            && !is_signed_by(directory, &key)?
        {
            return Ok(Err(error));
        }
        let known = Known { key: Some(key), anchors: anchors.to_vec() };
        let (mut grants, mut picked) = (Vec::new(), Vec::new());
        let mut told: Vec<(Vec<u8>, u64)> = Vec::new();
        let writer = writer_of(directory);
        let verdict = verify::directory(directory.path(), &known, &mut |seen| match seen {
            Seen::Anew => {
                grants.clear();
                told.clear();
                picked.clear();
            }
            Seen::Bytes(_) => {}
            Seen::Adopted(from) => {
                grants.retain(|(by, _)| *by < from);
                told.retain(|(line, seq)| *seq < from || !hold::is_release(line));
            }
            Seen::Record(line, seq) => {
                grants.extend(grant(line, seq).map(|grant| (seq, grant)));
                if hold::is_told(line) {
                    told.push((line.to_vec(), seq));
                }
                if let Some(pick) = &mut pick
                    && let (Ok(whole), Ok(leaf)) = (read_line(&writer, line), line::leaf(line))
                {
                    let groups = open_in(&whole, pick(&whole));
                    let one = Picked { seq, groups, leaf, time: whole.time() };
                    picked.extend((groups != 0).then_some(one));
                }
            }
        })?;
        let evidence =
            |why| MaintainError::Evidence { directory: directory.path().to_owned(), why };
        if let Some(finding) = verdict.broken.first() {
            return Err(evidence(format!(
                "nothing is taken out, since it does not verify, and what a hold keeps cannot be told: \
                 {finding}. It is evidence: see `audit verify`, and move the directory to another place \
                 before you run this again"
            )));
        }
        if verdict.root.is_empty() {
            let why =
                "nothing in it is signed yet, and nothing can be taken out: see `audit verify`";
            return Ok(Err(evidence(why.to_owned())));
        }
        grants.retain(|(by, _)| *by < verdict.size);
        let mut holds = BTreeMap::new();
        for (line, seq) in &told {
            hold::see(&mut holds, directory, line, *seq, verdict.size);
        }
        let holds = holds.into_values().flatten().collect();
        Ok(Ok(Trusted { verdict, grants, holds, picked }))
    }

    /// What a directory says of itself.
    ///
    /// # Errors
    ///
    /// When another key signs it, nothing in it is signed, or it is not what was signed.
    pub(super) fn trusted(
        &self,
        directory: &Directory,
        anchors: &[String],
    ) -> Result<Trusted, MaintainError> {
        self.judged(directory, anchors, None).flatten()
    }

    /// The same, and the records that are looked for.
    pub(super) fn trusted_with(
        &self,
        directory: &Directory,
        pick: Pick<'_>,
    ) -> Result<Trusted, MaintainError> {
        self.judged(directory, &[], Some(pick)).flatten()
    }

    /// Each directory that is meant, with what it says; and the holds of all, which count for each.
    ///
    /// # Errors
    ///
    /// When one of them is not what was signed: then a hold in it may be hidden.
    pub(super) fn all_trusted(
        &self,
        pick: Pick<'_>,
    ) -> Result<(Vec<Found<'_>>, Vec<Held>), MaintainError> {
        let (mut all, mut holds) = (Vec::new(), Vec::new());
        for directory in &self.writers {
            let chosen = self.is_chosen(directory);
            let pick: Option<Pick<'_>> = if chosen { Some(&mut *pick) } else { None };
            let judged = self.judged(directory, &[], pick)?;
            match &judged {
                Ok(trusted) => holds.extend(trusted.holds.iter().cloned()),
                Err(_) => holds.extend(hold::unreleased(directory)?),
            }
            if chosen {
                all.push((directory, judged));
            }
        }
        Ok((all, holds))
    }
}
