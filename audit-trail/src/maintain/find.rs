//! Finding records among those that were signed.

use audit_core::Timestamp;

use super::{
    MaintainError, Maintenance,
    trusted::{Met, Trusted},
};
use crate::{Line, directory::Directory, line, tree::Hash};

/// A record that was looked for.
pub(super) struct Picked<W> {
    pub(super) seq: u64,
    /// What is wanted of it.
    pub(super) what: W,
    /// Which record it is, so that another one of this number is left alone.
    pub(super) leaf: Hash,
    pub(super) time: Option<Timestamp>,
}

/// A directory that verifies, and the records that were looked for in it.
pub(super) type Searched<W> = Trusted<Vec<Picked<W>>>;

/// Looks for records: what is wanted of each.
pub(super) type Pick<'a, W> = &'a mut dyn FnMut(&Line) -> Option<W>;

/// Gathers them in order.
pub(super) fn picking<W>(pick: Pick<'_, W>) -> impl FnMut(&mut Vec<Picked<W>>, Met<'_>) {
    move |found, met| {
        if let Met::Record(whole) = met
            && let Some(what) = pick(whole)
            && let Ok(leaf) = line::leaf(whole.text().as_bytes())
        {
            found.push(Picked { seq: whole.seq(), what, leaf, time: whole.time() });
        }
    }
}

/// What was found of a signed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed<W> {
    /// What was wanted of it.
    pub what: W,
    /// A start has taken the record over as the file was: anybody with the files could have written it.
    pub adopted: bool,
}

impl Maintenance {
    /// What `pick` makes of the records, in the order of the directories and of the records in each. Only what is
    /// signed counts, since anybody with the files can write the rest: so it is waited until what is there is signed
    /// (in a dry run, what is not signed yet is given too). What a directory holds that another key signs, or in
    /// which nothing is signed, does not count.
    ///
    /// # Errors
    ///
    /// When a directory of the root is not what was signed, or nothing in any counts.
    pub fn find<W>(
        &self,
        dry_run: bool,
        pick: &mut dyn FnMut(&Line) -> Option<W>,
    ) -> Result<Vec<Signed<W>>, MaintainError> {
        let (all, _) = self.all_trusted(&[], &mut picking(pick))?;
        let (mut found, mut failed, mut counts) = (Vec::new(), None, false);
        for (directory, trusted) in all {
            let mut trusted = match trusted {
                Ok(trusted) => trusted,
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            counts = true;
            if !dry_run {
                trusted = self.signed(directory, trusted, pick)?.0;
            }
            let adopted = |seq| trusted.adopted.iter().any(|range| range.contains(&seq));
            let told = |one: Picked<W>| Signed { adopted: adopted(one.seq), what: one.what };
            found.extend(trusted.found.into_iter().map(told));
        }
        failed.filter(|_| !counts).map_or(Ok(found), Err)
    }

    /// What was found, when it is signed; and how many of those that there were then are not.
    pub(super) fn signed<W>(
        &self,
        directory: &Directory,
        mut trusted: Searched<W>,
        pick: Pick<'_, W>,
    ) -> Result<(Searched<W>, u64), MaintainError> {
        let last = trusted.found.last().map(|picked| picked.seq);
        if let Some(last) = last.filter(|last| *last >= trusted.verdict.size) {
            self.have_signed(directory, last + 1)?;
            trusted = self.trusted_with(directory, &[], &mut picking(pick))?;
        }
        // What is not signed could be another record in the end, which nobody has asked for.
        let size = trusted.verdict.size;
        let late = |one: &&Picked<W>| one.seq >= size && last.is_some_and(|last| one.seq <= last);
        let unsigned = trusted.found.iter().filter(late).count() as u64;
        trusted.found.retain(|picked| picked.seq < size);
        Ok((trusted, unsigned))
    }
}
