//! What the trail itself allows to be taken out of it.

use std::collections::HashMap;

use crate::line::{GROUPS, control_op};

/// Redactions and prunes that control records have granted, and redactions that were found.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// By the record's seq: the seq of the granting record, and the groups.
    redactions: HashMap<u64, Vec<(u64, u8)>>,
    /// The seq of the granting record, and the seq below which segments may go.
    prunes: Vec<(u64, u64)>,
    /// Records with redacted groups, in order.
    found: Vec<(u64, u8)>,
}

impl Grants {
    /// Sees a record that has joined the tree.
    pub(super) fn see(&mut self, line: &[u8], seq: u64, redacted: u8) {
        if redacted != 0 {
            self.found.push((seq, redacted));
        }
        // The number is the one that the record was found to have.
        let Some(rest) = control_op(line) else { return };
        if let Some((of, groups)) = redact(rest).filter(|(of, _)| *of < seq) {
            self.redactions.entry(of).or_default().push((seq, groups));
        } else if let Some(to) = prune(rest) {
            self.prunes.push((seq, to));
        }
    }

    /// The first record below `size` with a redacted group that no record below `size` grants.
    pub(super) fn not_granted(&self, size: u64) -> Option<u64> {
        let granted = |seq| {
            let of = self.redactions.get(&seq).into_iter().flatten();
            of.filter(|(by, _)| *by < size).fold(0, |all, (_, groups)| all | groups)
        };
        let below = self.found.iter().filter(|(seq, _)| *seq < size);
        below.copied().find(|(seq, groups)| groups & !granted(*seq) != 0).map(|(seq, _)| seq)
    }

    /// How many records below `size` have redacted groups.
    pub(super) fn redacted(&self, size: u64) -> u64 {
        self.found.iter().filter(|(seq, _)| *seq < size).count() as u64
    }

    /// Whether a record below `size` grants that all before `from` are gone.
    pub(super) fn pruned_to(&self, from: u64, size: u64) -> bool {
        from == 0 || self.prunes.iter().any(|(by, to)| *by < size && *to >= from)
    }
}

/// `redact","seq":S,"groups":["actor",…]`.
fn redact(rest: &[u8]) -> Option<(u64, u8)> {
    let (seq, rest) = number(rest.strip_prefix(b"redact\",\"seq\":")?)?;
    let rest = rest.strip_prefix(b",\"groups\":[")?;
    let end = rest.iter().position(|b| *b == b']')?;
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
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    (digits == 1 || text[0] != b'0').then_some((number, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(seq: u64, rest: &str) -> String {
        format!("{{\"seq\":{seq},\"kind\":\"control\",\"control\":{{\"op\":\"{rest}")
    }

    #[test]
    fn what_is_granted_below_the_size_and_nothing_else() {
        let mut grants = Grants::default();
        grants.see(b"{}", 3, 0b101);
        assert_eq!(grants.not_granted(10), Some(3));
        assert_eq!(grants.not_granted(3), None, "not below it");
        let see = |grants: &mut Grants, seq, rest: &str| {
            grants.see(control(seq, rest).as_bytes(), seq, 0);
        };
        see(&mut grants, 5, "redact\",\"seq\":3,\"groups\":[\"actor\"],\"reason\":\"x\"}}");
        assert_eq!(grants.not_granted(10), Some(3), "one of two");
        see(&mut grants, 7, "redact\",\"seq\":3,\"groups\":[\"response\"]}}");
        assert_eq!(grants.not_granted(10), None);
        assert_eq!(grants.not_granted(7), Some(3), "the second grant is not signed");
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
            assert_eq!(grants.not_granted(20), Some(9), "{wrong}");
        }
        let mut late = Grants::default();
        late.see(b"{}", 9, 1);
        see(&mut late, 9, "redact\",\"seq\":9,\"groups\":[\"actor\"]}}");
        assert_eq!(late.not_granted(20), Some(9), "nothing grants its own redaction");
    }

    #[test]
    fn prunes() {
        let mut grants = Grants::default();
        assert!(grants.pruned_to(0, 5) && !grants.pruned_to(1, 5));
        grants.see(control(8, "prune\",\"to\":4,\"x\":1}}").as_bytes(), 8, 0);
        assert!(grants.pruned_to(4, 9) && !grants.pruned_to(5, 9) && !grants.pruned_to(4, 8));
        grants.see(control(9, "prune\",\"to\":70x}}").as_bytes(), 9, 0);
        assert!(!grants.pruned_to(5, 20));
    }
}
