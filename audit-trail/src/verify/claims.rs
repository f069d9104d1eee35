//! What must be there: the published checkpoint, and those that were kept elsewhere.

use super::{
    Anchor, Known, Verdict, odd,
    walk::{Place, Walk},
};
use crate::{
    files::CHECKPOINT,
    note::{Checkpoint, VerifyingKey},
};

/// What a note says first, whether it is one or not.
pub(super) fn origin_of(note: &str) -> &str {
    note.split('\n').next().unwrap_or_default()
}

impl Walk {
    /// What the tree must come to.
    pub(super) fn expect(&mut self, published: Option<String>, known: &Known, key: &VerifyingKey) {
        if let Some(note) = published {
            match Checkpoint::verify(&note, key) {
                Some(checkpoint) => self.claims.push((checkpoint, false)),
                None => self.fail(
                    CHECKPOINT,
                    0,
                    None,
                    "is no checkpoint that this key has signed".into(),
                ),
            }
        }
        for note in &known.anchors {
            // Those of other directories are looked at there.
            match Checkpoint::verify(note, key) {
                Some(checkpoint) => self.claims.push((checkpoint, true)),
                None => self.no_anchors.push(origin_of(note).to_owned()),
            }
        }
    }

    /// The origin is known: which claims are of this directory.
    pub(super) fn adopt_claims(&mut self) {
        if self.no_anchors.contains(&self.verdict.origin) {
            let what = "an anchor is no checkpoint that this key has signed".to_owned();
            self.fail("", 0, None, what);
        }
        for (claim, is_anchor) in std::mem::take(&mut self.claims) {
            if claim.origin != self.verdict.origin {
                if !is_anchor {
                    self.fail(
                        CHECKPOINT,
                        0,
                        None,
                        format!("is of another directory, {}", claim.origin),
                    );
                }
                continue;
            }
            let anchor = is_anchor.then(|| {
                self.verdict.anchors.push(Anchor { size: claim.size, holds: None });
                self.verdict.anchors.len() - 1
            });
            self.expected.entry(claim.size).or_default().push((claim.root, anchor));
        }
    }

    /// The tree has grown: is it what was kept elsewhere?
    pub(super) fn reached(&mut self, place: &Place<'_>) {
        let size = self.tree.size();
        while let Some(entry) = self.expected.first_entry().filter(|next| *next.key() <= size) {
            let (at, claims) = entry.remove_entry();
            for (root, anchor) in claims {
                // Of what was pruned nothing can be told.
                let holds = (at == size).then(|| root == self.tree.root());
                if let Some(anchor) = anchor.and_then(|anchor| self.verdict.anchors.get_mut(anchor))
                {
                    anchor.holds = holds;
                }
                match (holds, anchor) {
                    (Some(true), _) => self.sign(size),
                    (None, Some(_)) => {}
                    (_, Some(_)) => self.fail(place.file, 0, None, format!("an anchor of size {at} is of other records: some before record {at} were changed")),
                    (_, None) => self.fail(CHECKPOINT, 0, None, format!("is of other records: some before record {at} were changed")),
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Verdict {
        if self.begun.is_none() {
            // Not one segment: whatever was claimed is not there.
            self.adopt_claims_of_nothing();
        }
        for (size, claims) in std::mem::take(&mut self.expected) {
            for (_, anchor) in claims {
                if let Some(anchor) = anchor.and_then(|anchor| self.verdict.anchors.get_mut(anchor))
                {
                    anchor.holds = Some(false);
                }
                let count = self.tree.size();
                let (file, of) =
                    if anchor.is_some() { ("", "an anchor") } else { (CHECKPOINT, "it") };
                let what = format!(
                    "{of} covers {size} records, and {count} are there: the trail was cut or rolled back"
                );
                match &self.stopped {
                    // The line says more, unless more was said already.
                    Some(stopped) if self.verdict.broken.is_empty() => {
                        let stopped = stopped.clone();
                        self.verdict.broken.push(stopped);
                    }
                    Some(_) => {}
                    None => self.fail(file, 0, Some(count), what),
                }
            }
        }
        let size = self.verdict.size;
        // A start that was cut off leaves no more; nor does who puts the trail back to its beginning.
        let begun = !self.others && self.begun.unwrap_or(0) == 0;
        if self.verdict.root.is_empty() && self.verdict.broken.is_empty() && !begun {
            self.fail(
                "",
                0,
                None,
                "there is no checkpoint: nothing shows that it is what was written".into(),
            );
        }
        if let Some(seq) = self.grants.not_granted(size) {
            self.fail(
                "",
                0,
                Some(seq),
                "was redacted, and no signed record says that it may be".into(),
            );
        }
        let begun = self.begun.unwrap_or(0);
        if !self.grants.pruned_to(begun) {
            self.fail("", 0, Some(begun.saturating_sub(1)), format!("the records before {begun} are gone, and no signed record says that they may be"));
        }
        self.verdict.pruned = begun;
        self.verdict.redacted = self.grants.redacted(size);
        if self.verdict.broken.is_empty() {
            self.verdict.tail = self.tree.size().saturating_sub(size);
            let odd = self.times.odd("the tail", self.verdict.tail);
            odd::add(&mut self.verdict.warnings, odd);
        }
        if let Some(stopped) = self.stopped.take()
            && self.verdict.broken.is_empty()
        {
            self.verdict.tail_damage = Some(stopped);
        }
        self.verdict.fresh = self.signed_time.as_ref().and_then(|time| time.parse().ok());
        self.verdict
    }

    fn adopt_claims_of_nothing(&mut self) {
        if let Some((claim, _)) = self.claims.first() {
            self.verdict.origin.clone_from(&claim.origin);
        }
        self.adopt_claims();
    }
}
