//! What was encoded for a URL: `next=%2Fcb%3Ftoken%3Dx`, `filter=%7B%22token%22%3A%22x%22%7D`.

use std::borrow::Cow;

use super::{MASKED, REDACTED, Scan, name_start, value::after as find};
use crate::mask::{fields, how::Value, part::Of, rules::Sel, value};

/// Steps of something encoded, a quarter of its bytes aside.
const DECODED: usize = 13;
/// And of a name in it.
const NAMED: usize = 6;

impl Scan<'_, '_, '_, '_> {
    /// At a `%`: something encoded is looked at as what it stands for.
    pub(super) fn encoded(&mut self, at: usize) -> usize {
        match self.decoded(at) {
            Some(end) => end,
            None => self.encoded_sign(at),
        }
    }

    /// Masks the word at a `%` as what it was encoded from. It is a part of a query, or of a
    /// sentence, and each is looked at once: what is in it may be encoded again.
    fn decoded(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let is_escape = bytes.get(at + 1..at + 3)?.iter().all(u8::is_ascii_hexdigit);
        if at < self.looked || !is_escape {
            return None;
        }
        let begins = |b: &u8| matches!(b, b'=' | b'?' | b'#' | b'\'') || ends(*b);
        let before = bytes[self.copied..at].iter().rposition(begins);
        let begin = before.map_or(self.copied, |last| self.copied + last + 1);
        // Nobody has to encode a `'`.
        let quoted = bytes[..begin].last() == Some(&b'\'');
        let len = bytes[at..].iter().position(|b| ends(*b) || (quoted && *b == b'\''));
        let mut end = len.map_or(bytes.len(), |len| at + len);
        // A `&` that nobody encoded, within quotes which are.
        if bytes.get(end) == Some(&b'&') && is_open(&self.text[begin..end]) {
            let len = bytes[end..].iter().position(|b| *b != b'&' && ends(*b));
            end = len.map_or(bytes.len(), |len| end + len);
        }
        // One that was opened before.
        let word = &self.text[begin..end];
        let closed = word.trim_end_matches([',', ';', '.', ')', ']', '}']);
        if closed.ends_with('\'') && word.matches('\'').count() % 2 == 1 {
            end = begin + closed.len() - 1;
        }
        // `\"` ends a text in a text.
        let end = end - bytes[at..end].iter().rev().take_while(|b| **b == b'\\').count();
        self.looked = end;
        let word = &self.text[begin..end];
        if !self.scope.spend(DECODED + word.len() / 4) {
            self.scope.redacted(Sel::SENSITIVE);
            return Some(self.put(REDACTED, at, bytes.len()));
        }
        let (decoded, valid) = fields::decode(word);
        let told = decoded.contains([':', '=', '<', '%', '"', '\\']) || value::may_hide(&decoded);
        if !told && !self.scope.rules.detectors().may_find(&decoded) {
            return None;
        }
        let Some(strings) = self.scope.strings.checked_sub(1) else {
            return value::tells(&decoded).then(|| {
                self.scope.redacted(Sel::SENSITIVE);
                self.put(REDACTED, begin, end)
            });
        };
        let text = self.values(&decoded);
        self.scope.strings = strings;
        let masked = value::inside(&text, self.scope);
        self.scope.strings = strings + 1;
        if matches!((&text, &masked), (Cow::Borrowed(_), Cow::Borrowed(_))) {
            return None;
        }
        // What did not change stays as it was encoded.
        let (from, to) = if valid { changed(&decoded, &masked) } else { (0, 0) };
        let mut instead = String::new();
        fields::encode(&mut instead, &masked[from..masked.len() - to]);
        let (from, to) = (encoded_len(word, from), encoded_len(word, decoded.len() - to));
        self.put(&instead, begin + from, if valid { begin + to } else { end });
        Some(end)
    }

    /// What is decoded, with the values of a query's names replaced up to the next `&`: they may
    /// have white space in them.
    fn values<'d>(&mut self, decoded: &'d str) -> Cow<'d, str> {
        let mut out = String::new();
        let (mut copied, mut at) = (0, 0);
        if decoded.trim_start().starts_with(['{', '[', '"', '<']) {
            return Cow::Borrowed(decoded);
        }
        while let Some(len) = memchr::memchr2(b'=', b':', &decoded.as_bytes()[at..]) {
            let sign = at + len;
            let begin = name_start(decoded, at, sign);
            at = sign + 1;
            self.scope.spend(NAMED);
            if begin == sign {
                continue;
            }
            let Some(sel) = self.scope.find_first(Of::Query, &decoded[begin..], sign - begin)
            else {
                continue;
            };
            let mut end = at + fields::find(b'&', &decoded[at..]);
            // One may be in a value that is quoted.
            if matches!(decoded.as_bytes().get(at), Some(b'"' | b'\'' | b'{' | b'[')) {
                end = end.max(find(decoded, at).end.unwrap_or(decoded.len()));
            }
            if end > at {
                self.scope.spend(MASKED);
                out.push_str(&decoded[copied..at]);
                out.push_str(&self.scope.in_place(sel, Value::Text(&decoded[at..end])));
                (copied, at) = (end, end);
            }
        }
        if copied == 0 {
            return Cow::Borrowed(decoded);
        }
        out.push_str(&decoded[copied..]);
        Cow::Owned(out)
    }

    /// A sign that is encoded, once or twice, as `%3D` or `%253D`, behind a name.
    fn encoded_sign(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let twice = bytes[at..].starts_with(b"%25");
        let sign = at + if twice { 3 } else { 1 };
        let Some(code) = bytes.get(sign..sign + 2) else { return at + 1 };
        if !code.eq_ignore_ascii_case(b"3d") && !code.eq_ignore_ascii_case(b"3a") {
            return at + 1;
        }
        let mut begin = name_start(self.text, self.floor, at);
        // The code before it is none of it: `%3Ftoken%3D`, `%22token%22%3A`.
        let quoted =
            begin + 2 == at && bytes[..begin].ends_with(b"%") && &bytes[begin..at] == b"22";
        let end = if quoted { begin - 1 } else { at };
        if quoted {
            begin = name_start(self.text, self.floor.min(end), end);
        }
        let is_code = begin > 0 && bytes[begin - 1] == b'%';
        let code = if is_code { 2 + 2 * usize::from(bytes[begin..].starts_with(b"25")) } else { 0 };
        let Some(name) = self.text.get(begin + code..end).filter(|name| !name.is_empty()) else {
            return at + 1;
        };
        let Some(sel) = self.scope.find(Of::Query, name) else { return at + 1 };
        let from = sign + 2;
        let ends = |b: &u8| b.is_ascii_whitespace() || b"&\"'<>`,;)".contains(b);
        let rest = &bytes[from..];
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        let separator: &[u8] = if twice { b"%2526" } else { b"%26" };
        let len = memchr::memmem::find(&rest[..len], separator).unwrap_or(len);
        match len > 0 {
            true => self.replace(sel, from, from + len, true),
            false => at + 1,
        }
    }
}

/// Ends something encoded, which stands in a query or in a sentence.
fn ends(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'`' | b'<' | b'>')
}

/// Whether a quote is opened and not closed.
fn is_open(encoded: &str) -> bool {
    let quotes = encoded.matches("%22").count() + encoded.matches("%2522").count();
    !quotes.is_multiple_of(2)
}

/// How many bytes two texts have in common at their begin, and how many of the rest at their end.
fn changed(one: &str, other: &str) -> (usize, usize) {
    let same = |(a, b): &(u8, u8)| a == b;
    let from = one.bytes().zip(other.bytes()).take_while(same).count();
    let from = one.floor_char_boundary(from);
    let (one, other) = (&one[from..], &other[from..]);
    let mut to = one.bytes().rev().zip(other.bytes().rev()).take_while(same).count();
    while !one.is_char_boundary(one.len() - to) {
        to -= 1;
    }
    (from, to)
}

/// How long the beginning is that stands for this many bytes.
fn encoded_len(text: &str, decoded: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    for _ in 0..decoded {
        at += match bytes.get(at + 1..at + 3) {
            Some(code) if bytes[at] == b'%' && code.iter().all(u8::is_ascii_hexdigit) => 3,
            _ => 1,
        };
    }
    at
}
