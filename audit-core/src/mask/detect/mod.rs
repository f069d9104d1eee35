//! Detectors: what is a secret by its own look, whatever it is called.

mod begin;
mod card;
mod prefix;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use aho_corasick::{
    Anchored,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

use super::{REDACTED, rules::Sel, scope::Scope};
use begin::next_begin;
use prefix::{Form, PREFIXES, url_safe};

/// Finds secrets inside of texts by their own look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Detector {
    /// JSON web tokens: three parts of base64url, the first of which is a JSON object.
    Jwt,
    /// PEM blocks: keys and certificates.
    Pem,
    /// Numbers of payment cards: 12 to 19 digits, spaces and dashes between them allowed, whose
    /// check digit is right.
    Card,
    /// Keys of well-known services, told by their prefix.
    Key,
}

impl Detector {
    /// Every detector.
    pub const ALL: [Self; 4] = [Self::Jwt, Self::Pem, Self::Card, Self::Key];

    /// The spelling used in settings and in `masked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Pem => "pem",
            Self::Card => "card",
            Self::Key => "key",
        }
    }
}

/// A text that is no detector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of: jwt, pem, card, key")]
pub struct UnknownDetector(String);

impl std::str::FromStr for Detector {
    type Err = UnknownDetector;

    fn from_str(text: &str) -> Result<Self, UnknownDetector> {
        let named = Self::ALL.into_iter().find(|detector| detector.as_str() == text);
        named.ok_or_else(|| UnknownDetector(text.to_owned()))
    }
}

/// A set of detectors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detectors {
    on: [bool; Detector::ALL.len()],
}

impl Detectors {
    pub(super) fn extend(&mut self, detectors: impl IntoIterator<Item = Detector>) {
        detectors.into_iter().for_each(|detector| self.on[detector as usize] = true);
    }

    pub(super) fn any(&self) -> bool {
        self.on.contains(&true)
    }

    pub(super) fn has(&self, detector: Detector) -> bool {
        self.on[detector as usize]
    }

    /// Whether something can be found in a text that is whole: most values are too short.
    #[inline]
    pub(super) fn may_find(&self, text: &str) -> bool {
        text.len() >= SHORTEST && self.any()
    }
}

/// Length of the shortest text in which something is found: a token's ten characters and a dot,
/// or what begins a block.
const SHORTEST: usize = 11;

impl Detectors {
    /// The text with what the detectors find redacted; the rest stays to the byte.
    pub(super) fn mask<'t>(&self, text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
        if !self.may_find(text) {
            return Cow::Borrowed(text);
        }
        self.search(text, false, scope)
    }

    /// The same for a text that goes on beyond what was captured: what may be the beginning of a
    /// secret at its end is dropped.
    pub(super) fn mask_cut<'t>(&self, text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
        self.search(text, true, scope)
    }

    fn search<'t>(&self, text: &'t str, cut: bool, scope: &mut Scope<'_>) -> Cow<'t, str> {
        let Some(machine) = MACHINE.as_ref().filter(|_| self.any()) else {
            return Cow::Borrowed(text);
        };
        let Ok(start) = machine.start_state(Anchored::No) else { return Cow::Borrowed(text) };
        let bytes = text.as_bytes();
        let cards = self.has(Detector::Card);
        let mut out = String::new();
        let (mut at, mut copied, mut digits) = (0, 0, 0);
        let mut state = start;
        let mut seen = Parts::default();
        // How far the text is looked through for what may begin.
        let mut looked = 0;
        loop {
            if state == start && at >= looked {
                let Some((begin, mark)) = next_begin(bytes, at) else { break };
                // Where one is near, so may be others: it is faster to go on byte by byte.
                looked = mark + if mark - at < NEAR { NEAR } else { 1 };
                at = begin;
            }
            let Some(byte) = bytes.get(at) else { break };
            let mut found = None;
            if byte.is_ascii_digit() && cards && at >= digits {
                let run = card::run(bytes, at);
                digits = run.end;
                // No prefix begins in it, or ends behind it.
                if state == start && run.card.is_none() {
                    at = run.end;
                    continue;
                }
                found = run.card.map(|card| (Detector::Card, card));
            }
            if found.is_none() {
                let far = looked.saturating_sub(at);
                let steps;
                (steps, state) = step(machine, &bytes[at..], state, start, far);
                at += steps;
                if machine.is_match(state) {
                    let pattern = machine.match_pattern(state, 0);
                    let begin = at - machine.pattern_len(pattern);
                    found = self.look(bytes, pattern.as_usize(), begin, copied, &mut seen);
                }
            }
            if let Some((detector, span)) = found {
                // Cards that overlap what is masked already are gone with it.
                out.push_str(text.get(copied..span.start).unwrap_or_default());
                out.push_str(REDACTED);
                scope.redacted(Sel::of_detector(detector));
                (at, copied, state) = (span.end, span.end, start);
                digits = digits.min(at);
            }
        }
        let end = if cut { copied + torn(&bytes[copied..]) } else { bytes.len() };
        if copied == 0 && end == bytes.len() {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(copied..end).unwrap_or_default());
        Cow::Owned(out)
    }

    /// What the prefix at `begin` belongs to.
    #[inline(never)]
    fn look(
        &self,
        bytes: &[u8],
        pattern: usize,
        begin: usize,
        floor: usize,
        seen: &mut Parts,
    ) -> Option<(Detector, Range<usize>)> {
        let (prefix, form) = &PREFIXES[pattern];
        if begin < floor {
            return None;
        }
        let (detector, end) = match form {
            Form::Jwt => (Detector::Jwt, jwt(bytes, begin, seen)?),
            Form::Pem => (Detector::Pem, pem(bytes, begin)),
            Form::Key { least, rest } => {
                let key = &bytes[begin + prefix.len()..];
                let word = begin.checked_sub(1).is_some_and(|b| bytes[b].is_ascii_alphanumeric());
                // Two letters and a sign also end a word.
                if word && prefix.len() <= 4 || !key.get(..*least)?.iter().all(|b| rest(*b)) {
                    return None;
                }
                let len = key.iter().position(|b| !rest(*b)).unwrap_or(key.len());
                (Detector::Key, begin + prefix.len() + len)
            }
        };
        self.has(detector).then_some((detector, begin..end))
    }
}

/// How far it is at least to what does not look for the next one byte by byte.
const NEAR: usize = 12;

/// Steps over a byte and those behind it, until a prefix is found, a card may begin, or nothing
/// has begun at a place `far` or farther. By itself, since what is rare would take its registers.
#[inline(never)]
fn step(
    machine: &DFA,
    bytes: &[u8],
    from: StateID,
    start: StateID,
    far: usize,
) -> (usize, StateID) {
    let (mut state, mut steps) = (from, 0);
    for byte in bytes {
        if steps > 0 && byte.is_ascii_digit() {
            break;
        }
        state = machine.next_state(Anchored::No, state, *byte);
        steps += 1;
        if machine.is_special(state) || (state == start && steps >= far) {
            break;
        }
    }
    (steps, state)
}

static MACHINE: LazyLock<Option<DFA>> =
    LazyLock::new(|| DFA::new(PREFIXES.iter().map(|(prefix, _)| prefix)).ok());

/// The parts of what may be a token, so that no more than its beginnings is looked at again
/// when many of them are in one first part.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    first: usize,
    second: usize,
    count: usize,
    end: usize,
}

impl Parts {
    /// Three parts with dots between, five of an encrypted token, two of one without a signature.
    fn look(bytes: &[u8], begin: usize) -> Self {
        let part = |from: usize| {
            let rest = bytes.get(from..).unwrap_or_default();
            from + rest.iter().take_while(|b| url_safe(**b)).count()
        };
        let first = part(begin);
        let mut parts = Self { first, second: 0, count: 1, end: first };
        while parts.count < 5 && bytes.get(parts.end) == Some(&b'.') {
            let next = part(parts.end + 1);
            // The dot of a sentence is none of the token's.
            if next == parts.end + 1 && parts.count != 1 && bytes.get(next) != Some(&b'.') {
                break;
            }
            if parts.count == 1 {
                parts.second = next - first - 1;
            }
            parts.end = next;
            parts.count += 1;
        }
        parts
    }
}

/// Where the token at `begin` ends.
fn jwt(bytes: &[u8], begin: usize, seen: &mut Parts) -> Option<usize> {
    if begin >= seen.first {
        let first = begin + bytes[begin..].iter().take_while(|b| url_safe(**b)).count();
        *seen = match first - begin {
            // Too short, whatever follows.
            ..10 => Parts { first, count: 1, ..Parts::default() },
            _ => Parts::look(bytes, begin),
        };
    }
    if seen.first - begin < 10 || seen.count < 2 {
        return None;
    }
    // Other objects than `{"` are known for tokens only by more parts.
    let plain = bytes[begin..].starts_with(b"eyJ") && seen.second >= 4;
    (plain || (seen.count > 2 && seen.end - seen.first > 12)).then_some(seen.end)
}

/// Where the block that begins at `begin` ends; without an end, with the text.
fn pem(bytes: &[u8], begin: usize) -> usize {
    let Some(at) = memchr::memmem::find(&bytes[begin..], b"-----END") else {
        let old = memchr::memmem::find(&bytes[begin..], b"---- END");
        return old.map_or(bytes.len(), |at| line_end(bytes, begin + at + 8));
    };
    line_end(bytes, begin + at + 8)
}

/// Behind the dashes that end a line such as `-----END KEY-----`.
fn line_end(bytes: &[u8], label: usize) -> usize {
    let rest = &bytes[label..];
    let len = rest.iter().position(|b| matches!(b, b'-' | b'\n' | b'\r' | b'"' | b'\\'));
    let len = len.unwrap_or(rest.len());
    label + len + rest[len..].iter().take_while(|b| **b == b'-').count()
}

/// How much of the end of a cut text cannot be the beginning of a secret: up to its last word.
fn torn(bytes: &[u8]) -> usize {
    let joins =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'+' | b' ');
    let tail = bytes.iter().rev().take_while(|b| joins(b)).count();
    let begin = bytes.len() - tail;
    // Words stay unless they are digits with spaces between, or the last one.
    let last = bytes[begin..].iter().rposition(|b| *b == b' ').map_or(begin, |at| begin + at + 1);
    let digits = bytes[begin..last].iter().rev();
    let digits = digits.take_while(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-')).count();
    last - digits
}

#[cfg(test)]
mod tests {
    use super::{
        super::{MaskRules, part::Part, scope::tests::with_rules},
        *,
    };

    fn mask(text: &str, cut: bool) -> (String, Vec<String>) {
        let rules = MaskRules::new().detect(Detector::ALL);
        with_rules(&rules, Part::RequestBody, |scope| {
            rules.detectors().search(text, cut, scope).into_owned()
        })
    }

    fn masked(text: &str) -> String {
        mask(text, false).0
    }

    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIzMyJ9.c2lnLTMzMDE";

    #[test]
    fn secrets_are_found_by_their_look() {
        for (text, expected) in [
            ("call me, card 4012 8888 8888 1881 ok", "call me, card [redacted] ok"),
            ("4012888888881882-pt02", "4012888888881882-pt02"),
            ("4012-8888-8888-1881", "[redacted]"),
            ("card4012888888881881x", "card[redacted]x"),
            ("3782 822463 10005.", "[redacted]."),
            ("12 4012 8888 8888 1881 7", "12 [redacted] 7"),
            ("4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1", "[redacted]"),
            ("94012888888881881", "94012888888881881"),
            ("4012  8888 8888 1881", "4012  8888 8888 1881"),
            ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
            ("at 2026-11-22 02:43:58", "at 2026-11-22 02:43:58"),
            ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
            ("tok eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIzMyJ9.c2ln end", "tok [redacted] end"),
            ("xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIzMyJ9.c2ln.", "x[redacted]."),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIzMyJ9", "[redacted]"),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIzMyJ9.", "[redacted]."),
            ("eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn,", "[redacted],"),
            ("eyJhbGciOiJub25lIn0", "eyJhbGciOiJub25lIn0"),
            ("eyJ.foo.bar", "eyJ.foo.bar"),
            ("a -----BEGIN RSA KEY-----\nMII\n-----END RSA KEY----- b", "a [redacted] b"),
            ("-----BEGIN KEY-----\\nMII\\n-----END KEY-----\\n", "[redacted]\\n"),
            ("-----BEGIN KEY-----\nMII", "[redacted]"),
            ("id AKIAIOSFODNN7EXAMPLE.", "id [redacted]."),
            ("ghp_0123456789abcdefghij0123456789abcdef", "[redacted]"),
            ("xoxb-1234567890-abc", "[redacted]"),
            ("SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbb", "[redacted]"),
            ("https://hooks.slack.com/services/T0/B0/xyz", "https://[redacted]"),
            ("task-force sk-learn ask_test_x", "task-force sk-learn ask_test_x"),
            ("é", "é"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
        assert_eq!(mask(JWT, false).1, ["jwt"]);
        let none = MaskRules::new().detect([Detector::Card]);
        let kept =
            with_rules(&none, Part::Error, |scope| none.detectors().mask(JWT, scope).into_owned());
        assert_eq!(kept.0, JWT);
    }

    #[test]
    fn no_cut_shows_a_piece_of_a_secret() {
        let key = "ghp_0123456789abcdefghij0123456789abcdef";
        for secret in ["4012 8888 8888 1881", "4012-8888-8888-1881", JWT, key] {
            let text = format!("some é text {secret}");
            for end in 0..text.len() {
                let Some(cut) = text.get(..end) else { continue };
                let out = mask(cut, true).0;
                let rest = out.strip_prefix("some é text ").unwrap_or_default();
                assert!(["", REDACTED].contains(&rest) || out.len() <= 13, "{out}");
            }
        }
        assert_eq!(mask("a b. c", true).0, "a b.");
    }

    #[test]
    fn a_hostile_text_is_linear() {
        for piece in [
            "eyJ",
            "eyJa.",
            "eyJhbGciOiJ.",
            "1 ",
            "12 ",
            "123 ",
            "1-",
            "4",
            "SG.",
            "sk-",
            "-----BEGIN ",
            "-----BEGIN X-----END",
            "4000 0000 0000 000",
            "AKIA",
            "é",
            "a",
            "ghp_aaaa",
            "-",
        ] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            masked(&text);
            mask(&text, true);
            let took = began.elapsed();
            assert!(took.as_millis() < 500, "{piece} {took:?}");
        }
    }
}
