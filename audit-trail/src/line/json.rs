//! A walk over JSON text that judges and builds nothing.
//!
//! The grammar of the trail is narrower than JSON's: no white space but 0x20, and only inside
//! values; bounded nesting. A walk is a few instructions a byte, so every line can be judged
//! both when it is written and when it is read.

/// A position in a piece of a line.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// Why a piece is refused, in words for a person.
pub(super) type Why = &'static str;

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) const fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Steps over exactly `word`.
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    /// Steps over the longest run of bytes that `keep`.
    pub(super) fn run(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let len = rest.iter().position(|b| !keep(*b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// A whole number without leading zeros, at most [`MAX_SEQ`](super::MAX_SEQ).
    pub(super) fn uint(&mut self) -> Option<u64> {
        let digits = self.run(|b| b.is_ascii_digit());
        if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && digits.len() > 1) {
            return None;
        }
        let value = digits.iter().fold(0_u64, |n, d| n * 10 + u64::from(d - b'0'));
        (value <= super::MAX_SEQ).then_some(value)
    }

    /// A member's or group's name with quotes and colon: `"name":`.
    pub(super) fn name(&mut self) -> Option<&'a [u8]> {
        self.word(b"\"")?;
        let name = self.run(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        self.word(b"\":")?;
        name.first().is_some_and(u8::is_ascii_lowercase).then_some(name)
    }

    /// `"` and a run of hex digits in lower case and `"`.
    pub(super) fn hex(&mut self, len: usize) -> Option<()> {
        self.word(b"\"")?;
        let run = self.run(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (run.len() == len).then_some(())?;
        self.word(b"\"")
    }

    /// Any value, with at most `depth` levels, and its text.
    pub(super) fn value(&mut self, depth: u8) -> Result<&'a [u8], Why> {
        let start = self.at;
        self.skip(depth)?;
        Ok(&self.text[start..self.at])
    }

    fn skip(&mut self, depth: u8) -> Result<(), Why> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.container(depth, b'}', true),
            Some(b'[') => self.container(depth, b']', false),
            Some(b'-' | b'0'..=b'9') => self.number().ok_or("a number that is not JSON"),
            Some(b't') => self.word(b"true").ok_or("a word that is not JSON"),
            Some(b'f') => self.word(b"false").ok_or("a word that is not JSON"),
            Some(b'n') => self.word(b"null").ok_or("a word that is not JSON"),
            _ => Err("a value is missing"),
        }
    }

    fn container(&mut self, depth: u8, close: u8, object: bool) -> Result<(), Why> {
        let Some(depth) = depth.checked_sub(1) else { return Err("nested too deeply") };
        self.at += 1;
        self.spaces();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if object {
                if self.peek() != Some(b'"') {
                    return Err("a member without a name");
                }
                self.string()?;
                self.spaces();
                self.word(b":").ok_or("a member without a colon")?;
                self.spaces();
            }
            self.skip(depth)?;
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b) if b == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err("an object or array that does not close"),
            }
            self.spaces();
        }
    }

    fn spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<(), Why> {
        self.at += 1;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 1;
                        }
                        Some(b'u') => {
                            let hex = self.text.get(self.at + 1..self.at + 5);
                            if !hex.is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) {
                                return Err("an escape that is not JSON");
                            }
                            self.at += 5;
                        }
                        _ => return Err("an escape that is not JSON"),
                    }
                }
                _ => return Err("a string that does not close"),
            }
        }
    }

    /// Steps over bytes that stand for themselves in a string.
    fn plain(&mut self) {
        // Most of a record is this: eight bytes at a step, as long as none of them is special.
        while let Some(eight) = self.text[self.at..].first_chunk::<8>() {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        self.run(|b| b != b'"' && b != b'\\' && b >= b' ');
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.word(b"-");
        match self.run(|b| b.is_ascii_digit()) {
            [b'0', _, ..] | [] => return None,
            _ => {}
        }
        if self.word(b".").is_some() && self.run(|b| b.is_ascii_digit()).is_empty() {
            return None;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.run(|b| b.is_ascii_digit()).is_empty() {
                return None;
            }
        }
        Some(())
    }
}

/// Which of the eight bytes, the first one lowest, are a quote, a backslash or below 0x20: the lowest bit that
/// is set stands in the first of them. Behind it others may be set, too, since a borrow goes up.
const fn special(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const fn has_less(bytes: u64, than: u64) -> u64 {
        bytes.wrapping_sub(ONES * than) & !bytes & (ONES * 0x80)
    }
    let quote = bytes ^ (ONES * b'"' as u64);
    let backslash = bytes ^ (ONES * b'\\' as u64);
    has_less(bytes, 0x20) | has_less(quote, 1) | has_less(backslash, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.value(64).is_ok() && cursor.at_end()
    }

    #[test]
    fn json_is_taken_and_what_is_not_is_refused() {
        for text in [
            "0",
            "-0.5e+9",
            "1e999",
            "\"\\ud800\"",
            "\"é\\n\"",
            "[]",
            "{ }",
            "[ 1 , {\"a\": [ ]} ]",
            "true",
            "false",
            "null",
            "{\"a\":1,\"a\":2}",
        ] {
            assert!(good(text), "{text}");
        }
        for text in [
            "",
            " 1",
            "1 ",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "NaN",
            "tru",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "{,}",
            "[",
            "{\"a\":1",
            "\"\t\"",
            "[\t]",
        ] {
            assert!(!good(text), "{text}");
        }
    }

    #[test]
    fn special_bytes_are_found_wherever_they_are() {
        let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        for (one, two) in
            (0..=u8::MAX).flat_map(|one| [0, b' ', b'"', b'\\', 0xff].map(|two| (one, two)))
        {
            for (at, other) in (0..8).flat_map(|at| (0..8).map(move |other| (at, other))) {
                let mut eight = *b"\x7f\x80\xff #[]!";
                (eight[other], eight[at]) = (two, one);
                let found = special(u64::from_le_bytes(eight));
                let first = (found != 0).then(|| found.trailing_zeros() as usize / 8);
                assert_eq!(first, eight.iter().position(is_special), "{eight:?}");
            }
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(good(&("[".repeat(64) + &"]".repeat(64))));
        assert!(!good(&("[".repeat(65) + &"]".repeat(65))));
        assert!(!good(&"[".repeat(1_000_000)));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_serde_json(text in "[\\[\\]{}\",:0-9eE.+tfnrualse\\\\-]{0,12}") {
            let ours = good(&text);
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
