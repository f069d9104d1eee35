//! The tokens of JSON, one at a time.

use crate::mask::fields::find;

/// Why a scan ended without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not JSON.
    Bad,
    /// The text ended first.
    End,
}

/// What was found out about a string on the way to its closing quote. One word, since a pair of
/// `bool`s went through memory, written by the byte and read by the word, which stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoted(usize);

impl Quoted {
    const ESCAPED: usize = 1 << (usize::BITS - 1);
    const TELLING: usize = 1 << (usize::BITS - 2);
    const SPACED: usize = 1 << (usize::BITS - 3);

    /// The place of the closing quote.
    pub(super) const fn end(self) -> usize {
        self.0 & !(Self::ESCAPED | Self::TELLING | Self::SPACED)
    }

    /// It has escapes, so it stands for another text.
    pub(super) const fn escaped(self) -> bool {
        self.0 & Self::ESCAPED != 0
    }

    /// It holds a `:`, a `=` or another sign of most that names a secret inside.
    pub(super) const fn telling(self) -> bool {
        self.0 & Self::TELLING != 0
    }

    /// It holds a space or an apostrophe, as the rest of it does.
    pub(super) const fn spaced(self) -> bool {
        self.0 & Self::SPACED != 0
    }
}

/// What a byte is to a string: it stops the scan, it tells of a secret, it is a space or an
/// apostrophe, of which others tell. One bit
/// each, so that the classes of sixteen bytes are one number.
const STOPS: u8 = 1;
const TELLS: u8 = 2;
const SPACES: u8 = 4;

const fn all(class: u8) -> u128 {
    u128::MAX / 255 * class as u128
}

/// The classes of sixteen bytes at once. Without a branch and each byte alike, which compilers
/// turn into a few instructions for all of them.
#[inline(always)]
fn classes(sixteen: &[u8; 16]) -> u128 {
    let mut classes = [0; 16];
    for (class, byte) in classes.iter_mut().zip(sixteen) {
        let is = |wanted: u8, class: u8| u8::from(*byte == wanted).wrapping_neg() & class;
        *class = (is(b'"', STOPS) | is(b'\\', STOPS)) | u8::from(*byte < 0x20) & STOPS;
        // `:`, `<`, `=` and `>`, with the `;` among them; `%` and `&`.
        let among = |first: u8, n: u8| u8::from(byte.wrapping_sub(first) < n).wrapping_neg();
        *class |= (among(b':', 5) | among(b'%', 2) | is(b'|', TELLS)) & TELLS;
        *class |= is(b' ', SPACES) | is(b'\'', SPACES);
    }
    u128::from_le_bytes(classes)
}

/// Scans a string whose opening quote is before `at`. Sixteen bytes at a time: most of a body is
/// strings. Inlined: what it returns would go through memory, byte by byte.
#[inline(always)]
pub(super) fn string(bytes: &[u8], mut at: usize) -> Result<Quoted, Stop> {
    let (mut escaped, mut seen) = (0, 0);
    // Where one escape is, others are near: up to there it is faster to go byte by byte.
    let mut near = at;
    loop {
        while at >= near
            && let Some(sixteen) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>())
        {
            let classes = classes(sixteen);
            let stops = classes & all(STOPS);
            // Of the bytes before the first that stops; of all if none does.
            seen |= classes & stops.wrapping_sub(1) & !stops;
            if stops != 0 {
                at += stops.trailing_zeros() as usize / 8;
                break;
            }
            at += 16;
        }
        match bytes.get(at) {
            None => return Err(Stop::End),
            Some(b'"') => {
                let telling = if seen & all(TELLS) == 0 { 0 } else { Quoted::TELLING };
                let spaced = if seen & all(SPACES) == 0 { 0 } else { Quoted::SPACED };
                return Ok(Quoted(at | escaped | telling | spaced));
            }
            Some(b'\\') => {
                escaped = Quoted::ESCAPED;
                at += escape(bytes, at)?;
                near = at + 8;
            }
            Some(..0x20) => return Err(Stop::Bad),
            Some(byte) => {
                seen |= match byte {
                    byte if tells(*byte) => u128::from(TELLS),
                    b' ' | b'\'' => u128::from(SPACES),
                    _ => 0,
                };
                at += 1;
            }
        }
    }
}

/// Whether a byte tells of a secret in the string that it is in.
pub(in crate::mask) const fn tells(byte: u8) -> bool {
    matches!(byte, b':'..=b'>' | b'%' | b'&' | b'|')
}

/// How long the escape is that begins at `at`.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    match bytes.get(at + 1) {
        None => Err(Stop::End),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            for digit in at + 2..at + 6 {
                match bytes.get(digit) {
                    None => return Err(Stop::End),
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Stop::Bad),
                }
            }
            Ok(6)
        }
        Some(_) => Err(Stop::Bad),
    }
}

/// How much white space a text begins with.
#[inline]
pub(super) fn blanks(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// Scans what is neither a string nor a container; the place behind it.
#[inline]
pub(super) fn scalar(bytes: &[u8], at: usize, whole: bool) -> Result<usize, Stop> {
    match bytes.get(at) {
        Some(b'-' | b'0'..=b'9') => number(bytes, at, whole),
        _ => literal(bytes, at),
    }
}

/// Scans a number from its first byte; the place behind it. At the end of the text it is over
/// only if the text is `whole`.
#[inline]
pub(super) fn number(bytes: &[u8], from: usize, whole: bool) -> Result<usize, Stop> {
    let byte = |at: usize| bytes.get(at).copied();
    let digits = |mut at: usize| {
        match byte(at) {
            Some(b'0'..=b'9') => at += 1,
            Some(_) => return Err(Stop::Bad),
            None => return Err(Stop::End),
        }
        while let Some(b'0'..=b'9') = byte(at) {
            at += 1;
        }
        Ok(at)
    };
    let mut at = from + usize::from(byte(from) == Some(b'-'));
    at = match byte(at) {
        Some(b'0') => at + 1,
        _ => digits(at)?,
    };
    if byte(at) == Some(b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = byte(at) {
        let signed = matches!(byte(at + 1), Some(b'+' | b'-'));
        at = digits(at + 1 + usize::from(signed))?;
    }
    match byte(at) {
        None if !whole => Err(Stop::End),
        _ => Ok(at),
    }
}

/// Scans `true`, `false` or `null`; the place behind it.
#[inline]
pub(super) fn literal(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    let rest = &bytes[at..];
    let word: &[u8] = match rest.first() {
        Some(b't') => b"true",
        Some(b'f') => b"false",
        Some(b'n') => b"null",
        Some(_) => return Err(Stop::Bad),
        None => return Err(Stop::End),
    };
    match rest.get(..word.len()) {
        Some(whole) if whole == word => Ok(at + word.len()),
        None if word.starts_with(rest) => Err(Stop::End),
        _ => Err(Stop::Bad),
    }
}

/// What the inside of a scanned string stands for, and whether it has an escape of half a
/// character: that becomes U+FFFD, and many readers refuse it.
pub(super) fn unescape(raw: &str) -> (String, bool) {
    let mut text = String::new();
    let halved = unescape_to(&mut text, raw);
    (text, halved)
}

/// The same, behind what a buffer holds.
pub(super) fn unescape_to(text: &mut String, raw: &str) -> bool {
    text.reserve(raw.len());
    let (mut rest, mut halved) = (raw, false);
    loop {
        let end = find(b'\\', rest);
        let Some(escape) = rest.get(end + 1..) else { break };
        let plain = &rest[..end];
        text.push_str(plain);
        let (c, len) = match escape.as_bytes().first() {
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => unit_pair(escape).unwrap_or_else(|| {
                halved = true;
                (char::REPLACEMENT_CHARACTER, 5)
            }),
            Some(other) => (char::from(*other), 1),
            None => ('\\', 0),
        };
        text.push(c);
        rest = escape.get(len..).unwrap_or_default();
    }
    text.push_str(rest);
    halved
}

/// The character of an escape without its backslash, such as `u00e9`, or of a pair of them, such as
/// `ud83d\ude00`; and how long that is.
fn unit_pair(escape: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 5)?.strip_prefix('u')?;
        u16::from_str_radix(digits, 16).ok()
    };
    let second = escape.get(5..6).filter(|s| *s == "\\").and_then(|_| unit(6));
    let units = [unit(0)?].into_iter().chain(second);
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((c, if c.len_utf16() == 2 { 11 } else { 5 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<(usize, bool, bool), Stop> {
        string(text.as_bytes(), 0).map(|q| (q.end(), q.escaped(), q.telling()))
    }

    #[test]
    fn strings_end_at_their_quote() {
        for (text, expected) in [
            ("\"", Ok((0, false, false))),
            ("abc\" : 1", Ok((3, false, false))),
            ("abcdefgh\"", Ok((8, false, false))),
            ("abcdefghijk=\"", Ok((12, false, true))),
            ("abcdefghijk <\"", Ok((13, false, true))),
            ("a:cdefghijklmnop\":", Ok((16, false, true))),
            ("abcdefg\":\"=", Ok((7, false, false))),
            (r#"a\"b\\""#, Ok((6, true, false))),
            (r#"a\u00e9bcdefgh""#, Ok((14, true, false))),
            ("größe und mehr\"", Ok((16, false, false))),
            ("abc", Err(Stop::End)),
            ("abcdefgh", Err(Stop::End)),
            ("abc\\", Err(Stop::End)),
            ("abc\\u12", Err(Stop::End)),
            ("abc\\u12\"", Err(Stop::Bad)),
            ("abc\\x\"", Err(Stop::Bad)),
            ("abc\n\"", Err(Stop::Bad)),
            ("abcdefghi\u{1f}jklmnopq\"", Err(Stop::Bad)),
        ] {
            assert_eq!(scan(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        for (text, end) in [
            ("0", Ok(1)),
            ("-0,", Ok(2)),
            ("12.50]", Ok(5)),
            ("1e400 ", Ok(5)),
            ("-7.31455129e+05}", Ok(15)),
            ("01", Ok(1)),
            ("-", Err(Stop::End)),
            ("1.", Err(Stop::End)),
            ("1.x", Err(Stop::Bad)),
            ("1e+", Err(Stop::End)),
            ("-a", Err(Stop::Bad)),
            (".5", Err(Stop::Bad)),
        ] {
            assert_eq!(number(text.as_bytes(), 0, true), end, "{text}");
        }
        assert_eq!(number(b"12", 0, false), Err(Stop::End));
        assert_eq!(number(b"12 ", 0, false), Ok(2));
    }

    #[test]
    fn literals_are_three() {
        assert_eq!(literal(b"true,", 0), Ok(4));
        assert_eq!(literal(b"[null", 1), Ok(5));
        assert_eq!(literal(b"fal", 0), Err(Stop::End));
        assert_eq!(literal(b"nan", 0), Err(Stop::Bad));
        assert_eq!(literal(b"NaN", 0), Err(Stop::Bad));
    }

    #[test]
    fn escapes_stand_for_what_they_say() {
        for (raw, text, half) in [
            (r#"pass\u0077ord"#, "password", false),
            (r#"\ud83d\ude00x"#, "😀x", false),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t", false),
            (r#"a\ud800b"#, "a\u{fffd}b", true),
            (r#"\ud800\u0041"#, "\u{fffd}A", true),
            (r#"\ud800\ud800"#, "\u{fffd}\u{fffd}", true),
            (r#"\ufffd\uFFFD"#, "\u{fffd}\u{fffd}", false),
            (r#"\\ufffd\ud800"#, "\\ufffd\u{fffd}", true),
            ("\u{fffd}é", "\u{fffd}é", false),
        ] {
            assert_eq!(unescape(raw), (text.to_owned(), half), "{raw}");
        }
    }
}
