//! What the trail itself allows to be taken out of it.

use crate::line::{GROUPS, MAX_SEQ, control_op};

/// What a control record allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Groups of a record, which is an earlier one, may be redacted: a bit each, in stored order.
    Redact { seq: u64, groups: u8 },
    /// Segments may go whose records all have a seq below this.
    Prune { to: u64 },
}

/// What the record of this seq grants: by exactly these bytes, so that no other spelling can hide a
/// grant. The number is the one that the record was found to have.
pub(crate) fn grant(line: &[u8], seq: u64) -> Option<Grant> {
    let rest = control_op(line)?;
    match redact(rest).filter(|(of, _)| *of < seq) {
        Some((seq, groups)) => Some(Grant::Redact { seq, groups }),
        None => prune(rest).map(|to| Grant::Prune { to }),
    }
}

/// Redactions that were found, and what was granted. A grant comes after its record, so of all others
/// nothing is kept: ten bytes for each record with redacted groups, and as many for each grant of one
/// since the last checkpoint.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// The records with redacted groups, in order.
    found: Vec<u64>,
    /// Which groups of each no signed record grants; and which of these a record grants that no
    /// checkpoint covers yet.
    missing: Vec<u8>,
    unsigned: Vec<u8>,
    /// The places of those with such groups.
    waiting: Vec<usize>,
    /// What may be pruned: below which seq, as signed records say; and as all say.
    prune: Option<u64>,
    prune_unsigned: Option<u64>,
}

impl Grants {
    /// Sees a record that has joined the tree.
    pub(super) fn see(&mut self, line: &[u8], seq: u64, redacted: u8) {
        if redacted != 0 {
            self.found.push(seq);
            self.missing.push(redacted);
            self.unsigned.push(0);
        }
        if is_open(line) {
            self.forget_unsigned();
        }
        match grant(line, seq) {
            Some(Grant::Redact { seq: of, groups }) => {
                let Ok(at) = self.found.binary_search(&of) else { return };
                if self.unsigned[at] == 0 {
                    self.waiting.push(at);
                }
                self.unsigned[at] |= groups;
            }
            Some(Grant::Prune { to }) => self.prune_unsigned = self.prune_unsigned.max(Some(to)),
            None => {}
        }
    }

    /// Where a writer begins, what no checkpoint covers was taken over as the file was: anybody with the
    /// files could have written it, so it grants nothing, also when it is signed now.
    fn forget_unsigned(&mut self) {
        for at in self.waiting.drain(..) {
            self.unsigned[at] = 0;
        }
        self.prune_unsigned = self.prune;
    }

    /// What was seen so far is signed.
    pub(super) fn sign(&mut self) {
        for at in self.waiting.drain(..) {
            self.missing[at] &= !std::mem::take(&mut self.unsigned[at]);
        }
        self.prune = self.prune_unsigned;
    }

    /// The first record below `size` with a redacted group that no signed record grants.
    pub(super) fn not_granted(&self, size: u64) -> Option<u64> {
        let below = self.found.iter().zip(&self.missing).take_while(|(seq, _)| **seq < size);
        below.filter(|(_, missing)| **missing != 0).map(|(seq, _)| *seq).next()
    }

    /// How many records below `size` have redacted groups.
    pub(super) fn redacted(&self, size: u64) -> u64 {
        self.found.partition_point(|seq| *seq < size) as u64
    }

    /// Whether a signed record grants that all before `from` are gone.
    pub(super) fn pruned_to(&self, from: u64) -> bool {
        from == 0 || self.prune.is_some_and(|to| to >= from)
    }
}

/// `redact","seq":S,"groups":["actor",…]`.
fn redact(rest: &[u8]) -> Option<(u64, u8)> {
    let (seq, rest) = number(rest.strip_prefix(b"redact\",\"seq\":")?)?;
    let rest = rest.strip_prefix(b",\"groups\":[")?;
    let end = rest.iter().position(|b| *b == b']')?;
    if !matches!(rest.get(end + 1), Some(b',' | b'}')) {
        return None;
    }
    let mut groups = 0;
    for name in rest[..end].split(|b| *b == b',') {
        let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        groups |= 1 << GROUPS.iter().position(|group| *group == name)?;
    }
    Some((seq, groups))
}

/// `prune","to":T` and then `,` or `}`.
fn prune(rest: &[u8]) -> Option<u64> {
    let (to, rest) = number(rest.strip_prefix(b"prune\",\"to\":")?)?;
    matches!(rest.first(), Some(b',' | b'}')).then_some(to)
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let number: u64 = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    let plain = digits == 1 || text[0] != b'0';
    (plain && number <= MAX_SEQ).then_some((number, &text[digits..]))
}

/// Is it the record with which a writer begins?
pub(crate) fn is_open(line: &[u8]) -> bool {
    control_op(line).is_some_and(|op| op.starts_with(b"open\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(seq: u64, rest: &str) -> String {
        format!("{{\"seq\":{seq},\"kind\":\"control\",\"control\":{{\"op\":\"{rest}")
    }

    fn see(grants: &mut Grants, seq: u64, rest: &str) {
        grants.see(control(seq, rest).as_bytes(), seq, 0);
    }

    #[test]
    fn what_signed_records_grant_and_nothing_else() {
        let mut grants = Grants::default();
        grants.see(b"{}", 3, 0b101);
        grants.see(b"{}", 4, 0b1);
        grants.sign();
        assert_eq!((grants.not_granted(10), grants.redacted(10)), (Some(3), 2));
        assert_eq!((grants.not_granted(3), grants.redacted(4)), (None, 1), "not below it");
        see(&mut grants, 5, "redact\",\"seq\":3,\"groups\":[\"actor\"],\"reason\":\"x\"}}");
        see(&mut grants, 6, "redact\",\"seq\":2,\"groups\":[\"actor\"]}}");
        grants.sign();
        assert_eq!(grants.not_granted(10), Some(3), "one of two");
        see(&mut grants, 7, "redact\",\"seq\":3,\"groups\":[\"response\"]}}");
        assert_eq!(grants.not_granted(7), Some(3), "the second grant is not signed");
        grants.sign();
        assert_eq!((grants.not_granted(4), grants.not_granted(8)), (None, Some(4)));
        for wrong in [
            "redact\",\"seq\": 9,\"groups\":[\"actor\"]}}",
            "redact\",\"seq\":09,\"groups\":[\"actor\"]}}",
            "redact\",\"seq\":9,\"groups\":[]}}",
            "redact\",\"seq\":9,\"groups\":[\"actors\"]}}",
            "redact\",\"groups\":[\"actor\"],\"seq\":9}}",
        ] {
            let mut grants = Grants::default();
            grants.see(b"{}", 9, 1);
            see(&mut grants, 12, wrong);
            grants.sign();
            assert_eq!(grants.not_granted(20), Some(9), "{wrong}");
        }
        let mut own = Grants::default();
        own.see(control(9, "redact\",\"seq\":9,\"groups\":[\"actor\"]}}").as_bytes(), 9, 1);
        own.sign();
        assert_eq!(own.not_granted(20), Some(9), "nothing grants its own redaction");
    }

    #[test]
    fn prunes() {
        let mut grants = Grants::default();
        assert!(grants.pruned_to(0) && !grants.pruned_to(1));
        see(&mut grants, 8, "prune\",\"to\":4,\"x\":1}}");
        assert!(!grants.pruned_to(4), "it is not signed");
        grants.sign();
        see(&mut grants, 9, "prune\",\"to\":70x}}");
        see(&mut grants, 10, "prune\",\"to\":3}}");
        grants.sign();
        assert!(grants.pruned_to(4) && !grants.pruned_to(5));
    }
}
