//! What a directory says of itself, as far as it is what was signed.
//!
//! Whoever has the files can append a line that says it stands among the signed ones, or change a line
//! for the moment in which it is looked for. So what allows something, ends a hold, or says how old something is
//! and whose, is only believed where a walk as that of `audit verify` has come by it.

use std::{collections::BTreeMap, ops::Range};

use super::{
    Held, MaintainError, Maintenance, hold,
    scan::{check_key, is_signed_by, writer_of},
};
use crate::{
    Known, Line, Verdict,
    directory::Directory,
    read::read_line,
    verify::{self, Grant, Seen, grant},
};

/// What was found in a directory that verifies.
pub(super) struct Trusted<T = ()> {
    pub(super) verdict: Verdict,
    /// What signed records grant, each with its seq.
    pub(super) grants: Vec<(u64, Grant)>,
    /// The holds in force.
    pub(super) holds: Vec<Held>,
    /// What a start has taken over as the file was.
    pub(super) adopted: Vec<Range<u64>>,
    /// What was looked for, also in what is not signed yet.
    pub(super) found: T,
}

/// What whoever looks for something comes by.
#[derive(Clone, Copy)]
pub(super) enum Met<'a> {
    /// A segment begins, with this number.
    Segment(u64),
    /// A record.
    Record(&'a Line),
}

/// Gathers what is looked for. Where the walk begins again, so does what was gathered.
pub(super) type Look<'a, T> = &'a mut dyn FnMut(&mut T, Met<'_>);

/// A directory, and what it says of itself; or why nothing can be taken out of it.
pub(super) type Judged<'a, T> = (&'a Directory, Result<Trusted<T>, MaintainError>);

impl Maintenance {
    /// Reads all of a directory. The inner error concerns only this one.
    ///
    /// # Errors
    ///
    /// When it is not what was signed: then a hold in it may be hidden.
    fn judged<T: Default>(
        &self,
        directory: &Directory,
        anchors: &[String],
        mut look: Option<Look<'_, T>>,
    ) -> Result<Result<Trusted<T>, MaintainError>, MaintainError> {
        let key = self.key.verifying_key();
        if let Err(error) = check_key(directory, &key)
            && !is_signed_by(directory, &key)?
        {
            return Ok(Err(error));
        }
        let known = Known { key: Some(key), anchors: anchors.to_vec() };
        let (mut grants, mut adopted, mut found) = (Vec::new(), Vec::new(), T::default());
        let mut told: Vec<(Vec<u8>, u64)> = Vec::new();
        let writer = writer_of(directory);
        let mut passed = self.passing(directory);
        let verdict = verify::directory(directory.path(), &known, &mut |seen| match seen {
            Seen::Anew => {
                grants.clear();
                told.clear();
                adopted.clear();
                found = T::default();
            }
            Seen::Bytes(bytes) => passed(bytes),
            Seen::Segment(from) => {
                if let Some(look) = &mut look {
                    look(&mut found, Met::Segment(from));
                }
            }
            Seen::Adopted(range) => {
                grants.retain(|(by, _)| *by < range.start);
                told.retain(|(line, seq)| *seq < range.start || !hold::is_release(line));
                adopted.push(range);
            }
            Seen::Record(line, seq) => {
                grants.extend(grant(line, seq).map(|grant| (seq, grant)));
                if hold::is_told(line) {
                    told.push((line.to_vec(), seq));
                }
                if let Some(look) = &mut look
                    && let Ok(line) = read_line(&writer, line)
                {
                    look(&mut found, Met::Record(&line));
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
        Ok(Ok(Trusted { verdict, grants, holds, adopted, found }))
    }

    /// What a directory says of itself.
    ///
    /// # Errors
    ///
    /// When another key signs it, nothing in it is signed, or it is not what was signed.
    pub(super) fn trusted(&self, directory: &Directory) -> Result<Trusted, MaintainError> {
        self.judged(directory, &[], None).flatten()
    }

    /// The same, and what is looked for.
    pub(super) fn trusted_with<T: Default>(
        &self,
        directory: &Directory,
        anchors: &[String],
        look: Look<'_, T>,
    ) -> Result<Trusted<T>, MaintainError> {
        self.judged(directory, anchors, Some(look)).flatten()
    }

    /// Each directory that is meant, with what it says; and the holds of all, which count for each.
    ///
    /// # Errors
    ///
    /// When one of them is not what was signed: then a hold in it may be hidden.
    pub(super) fn all_trusted<T: Default>(
        &self,
        anchors: &[String],
        look: Look<'_, T>,
    ) -> Result<(Vec<Judged<'_, T>>, Vec<Held>), MaintainError> {
        let (mut all, mut holds) = (Vec::new(), Vec::new());
        for directory in &self.writers {
            let chosen = self.is_chosen(directory);
            let look: Option<Look<'_, T>> = if chosen { Some(&mut *look) } else { None };
            let judged = self.judged(directory, anchors, look)?;
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
