//! Free text: error messages, panic messages, header values, values inside of documents.

mod name;
mod value;

use std::borrow::Cow;

use super::{
    REDACTED,
    how::{How, Value},
    part::Of,
    rules::Sel,
    scope::Scope,
};
use name::{is_ascii_name, name_start};

/// Appends text with what looks like a secret replaced: the value after a hidden name and `=` or
/// `:`, what follows `Bearer` or `Basic`, an option such as `--password`, an element such as
/// `<password>`, and the user info of a URL. Text has no structure to rely on, so this finds what
/// is written as people and libraries write it, and no more; and what the detectors find.
///
/// It runs from one byte that can mean something to the next, and looks back for the name: most
/// text has few of them.
pub(super) fn text(out: &mut String, text: &str, scope: &mut Scope<'_>) {
    let rules = scope.rules;
    let detected = rules.detectors().mask(text, scope);
    if !words(out, &detected, scope) {
        out.push_str(&detected);
    }
}

/// The same; owned exactly if something was masked.
pub(super) fn inside<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    let rules = scope.rules;
    match rules.detectors().mask(text, scope) {
        Cow::Borrowed(text) => {
            let mut out = String::new();
            if words(&mut out, text, scope) { Cow::Owned(out) } else { Cow::Borrowed(text) }
        }
        Cow::Owned(text) => {
            let mut out = String::new();
            Cow::Owned(if words(&mut out, &text, scope) { out } else { text })
        }
    }
}

/// Appends a text if something in it is masked; `false`: nothing is, and nothing is copied.
fn words(out: &mut String, text: &str, scope: &mut Scope<'_>) -> bool {
    let begin = out.len();
    let mut scan = Scan { text, out, copied: 0, floor: 0, scope };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = match TRIGGERS[usize::from(*byte)] {
            NONE => at + 1,
            SEPARATOR => scan.separator(at),
            SLASH => scan.user_info(at),
            SPACE => scan.scheme(at),
            DASH => scan.option(at),
            _ => scan.element(at),
        };
        at = next.max(at + 1);
    }
    let copied = scan.copied;
    if copied == 0 && out.len() == begin {
        return false;
    }
    out.push_str(&text[copied..]);
    true
}

/// The same for a text that goes on beyond what was captured: its last word is dropped, since it
/// may be the beginning of something that only its end would show to be a secret.
pub(super) fn text_cut(out: &mut String, cut: &str, scope: &mut Scope<'_>) {
    let rules = scope.rules;
    let end = cut.rfind(char::is_whitespace).unwrap_or(0);
    let detected = rules.detectors().mask_cut(&cut[..end], scope);
    if !words(out, &detected, scope) {
        out.push_str(&detected);
    }
}

const NONE: u8 = 0;
const SEPARATOR: u8 = 1;
const SLASH: u8 = 2;
const SPACE: u8 = 3;
const DASH: u8 = 4;
const CLOSES: u8 = 5;

const TRIGGERS: [u8; 256] = {
    let mut table = [NONE; 256];
    table[b'=' as usize] = SEPARATOR;
    table[b':' as usize] = SEPARATOR;
    table[b'/' as usize] = SLASH;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'-' as usize] = DASH;
    table[b'>' as usize] = CLOSES;
    table
};

struct Scan<'t, 'o, 's, 'a> {
    text: &'t str,
    out: &'o mut String,
    /// How much of the text is copied or replaced.
    copied: usize,
    /// No name begins before this.
    floor: usize,
    scope: &'s mut Scope<'a>,
}

impl<'t> Scan<'t, '_, '_, '_> {
    /// Replaces the value; what follows is looked at again.
    fn replace(&mut self, sel: Sel, from: usize, to: usize, whole: bool) -> usize {
        if matches!(self.scope.rules.how_of(sel), How::Redact) {
            self.scope.redacted(sel);
            return self.put(REDACTED, from, to);
        }
        let word = &self.text[from..to];
        // What is cut off, or masked already, is not the value.
        let value = match whole && !word.contains(REDACTED) {
            true => Value::Text(word),
            false => Value::Other,
        };
        let instead = self.scope.in_place(sel, value);
        self.put(&instead, from, to)
    }

    fn put(&mut self, instead: &str, from: usize, to: usize) -> usize {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(instead);
        self.copied = to;
        self.floor = to;
        to
    }

    /// At a `=` or `:`.
    fn separator(&mut self, at: usize) -> usize {
        let (floor, bytes) = (self.floor, self.text.as_bytes());
        self.floor = at + 1;
        let mut end = at;
        while end > floor && is_space(bytes[end - 1]) {
            end -= 1;
        }
        while end > floor && matches!(bytes[end - 1], b'"' | b'\'' | b'`' | b'\\' | b']') {
            end -= 1;
        }
        let begin = name_start(self.text, floor, end);
        if begin == end {
            return at + 1;
        }
        let name = &self.text[begin..end];
        let before = &self.text.as_bytes()[floor..begin];
        // In a query plain words such as `code` carry secrets too.
        let asked = matches!(before.last(), Some(b'?' | b'&'));
        let found = match asked {
            true => self.scope.find(Of::Query, name),
            false => self.scope.says(&self.text[begin..], end - begin).selected,
        };
        let found = found.or_else(|| self.two_words(floor, begin, end));
        let Some(sel) = found else { return at + 1 };
        if bytes[at] == b':' && whole_line(name) {
            return self.header_line(sel, at + 1, before.last().copied());
        }
        let value = value::after(self.text, at + 1);
        let Some(end) = value.end else {
            return self.replace(sel, value.begin, self.text.len(), false);
        };
        if end == value.begin {
            return at + 1;
        }
        let word = &self.text[value.begin..end];
        let done = self.replace(sel, value.begin, end, true);
        // `authorization: Bearer x` hides two words.
        if is_scheme(word) && matches!(bytes.get(end), Some(b' ' | b'\t')) {
            let from = end + self.spaces(end);
            self.copied = value::word_end(self.text, from).max(end);
            self.floor = self.copied;
            return self.copied;
        }
        done
    }

    /// `api key: x` is a name of two words.
    fn two_words(&self, floor: usize, begin: usize, end: usize) -> Option<Sel> {
        let before = begin.checked_sub(1).filter(|at| *at > floor)?;
        if self.text.as_bytes()[before] != b' ' || !is_second(&self.text[begin..end]) {
            return None;
        }
        let first = name_start(self.text, floor, before);
        let alone = &self.text[first..before];
        // `pass code`: the first word alone is no name of what follows the second.
        if alone.is_empty() || end - first > 64 || self.scope.find(Of::Field, alone).is_some() {
            return None;
        }
        self.scope.find(Of::Field, &self.text[first..end])
    }

    /// `Cookie: a=b; c=d` goes to the end of its line, or to the quote that it is in.
    fn header_line(&mut self, sel: Sel, at: usize, before: Option<u8>) -> usize {
        let rest = &self.text.as_bytes()[at..];
        let from = at + rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let rest = &self.text.as_bytes()[from..];
        let quote = before.filter(|b| matches!(b, b'"' | b'\'' | b'`'));
        let end = match (quote, rest.first()) {
            // `"cookie": "a=b"` is no header line.
            (Some(_), Some(b'"' | b'\'' | b'`' | b'\\' | b'[' | b'{')) => {
                let value = value::after(self.text, at);
                let end = value.end.unwrap_or(self.text.len());
                return match end > value.begin {
                    true => self.replace(sel, value.begin, end, value.end.is_some()),
                    false => at,
                };
            }
            (Some(quote), _) => memchr::memchr3(b'\n', b'\r', quote, rest),
            (None, _) => memchr::memchr2(b'\n', b'\r', rest),
        };
        let end = end.map_or(self.text.len(), |len| from + len);
        if end == from { at } else { self.replace(sel, from, end, true) }
    }

    fn spaces(&self, at: usize) -> usize {
        self.text.as_bytes()[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// At white space, behind what may be `Bearer`.
    fn scheme(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if at < self.floor + 5 || !matches!(bytes[at - 1] | 0x20, b'r' | b'c' | b't' | b'n') {
            return at + 1;
        }
        let Some(scheme) = scheme_before(&bytes[self.floor..at]) else { return at + 1 };
        let from = at + self.spaces(at);
        let end = value::word_end(self.text, from);
        if !is_credential(scheme, &self.text[from..end]) {
            return at + 1;
        }
        self.scope.redacted(Sel::AUTHORIZATION);
        self.put(REDACTED, from, end)
    }

    /// At a `/`: `//user:password@host`.
    fn user_info(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if bytes.get(at + 1) != Some(&b'/') {
            return at + 1;
        }
        let from = at + 2;
        match user_info(&self.text[from..]) {
            Some(0) | None => from,
            Some(len) => {
                self.scope.redacted(Sel::USER_INFO);
                self.put(REDACTED, from, from + len)
            }
        }
    }

    /// At a `-`: `--password x`.
    fn option(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if bytes.get(at + 1) != Some(&b'-')
            || at
                .checked_sub(1)
                .is_some_and(|b| bytes[b].is_ascii_alphanumeric() || bytes[b] == b'-')
        {
            return at + 1;
        }
        let name = &bytes[at + 2..];
        let len = name.iter().position(|b| !is_ascii_name(*b)).unwrap_or(name.len());
        let end = at + 2 + len;
        let spaces = self.spaces(end);
        if spaces == 0 || matches!(bytes.get(end + spaces), None | Some(b'-' | b'=' | b':')) {
            return end;
        }
        let Some(sel) = self.scope.find(Of::Field, &self.text[at + 2..end]) else { return end };
        let value = value::after(self.text, end);
        let to = value.end.unwrap_or(self.text.len());
        match to > value.begin {
            true => self.replace(sel, value.begin, to, value.end.is_some()),
            false => end,
        }
    }

    /// At a `>`: `<password>x</password>`, in a text that is no XML.
    fn element(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let begin = name_start(self.text, self.floor, at);
        let opens = begin > 0 && matches!(bytes[begin - 1], b'<' | b':');
        if begin == at || !opens || matches!(bytes.get(at + 1), None | Some(b'<')) {
            return at + 1;
        }
        let Some(sel) = self.scope.find(Of::Field, &self.text[begin..at]) else { return at + 1 };
        let end = memchr::memchr(b'<', &bytes[at + 1..]).map_or(bytes.len(), |len| at + 1 + len);
        self.replace(sel, at + 1, end, end < bytes.len())
    }
}

/// Whether a name of two words ends so; most names have no need to be looked up again.
fn is_second(word: &str) -> bool {
    const SECOND: [&str; 9] =
        ["assertion", "card", "code", "id", "key", "number", "password", "security", "verifier"];
    matches!(word.len(), 2..=9) && SECOND.iter().any(|second| second.eq_ignore_ascii_case(word))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Whether everything up to the end of the line is the header's value.
fn whole_line(name: &str) -> bool {
    matches!(name.len(), 6 | 10 | 11)
        && ["cookie", "set-cookie", "set-cookie2"].iter().any(|h| h.eq_ignore_ascii_case(name))
}

const SCHEMES: [&str; 4] = ["bearer", "basic", "digest", "token"];

fn is_scheme(word: &str) -> bool {
    matches!(word.len(), 5 | 6) && SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(word))
}

/// The scheme that a text ends in.
fn scheme_before(text: &[u8]) -> Option<&'static str> {
    SCHEMES.into_iter().find(|scheme| {
        let from = text.len().wrapping_sub(scheme.len());
        text.get(from..).is_some_and(|word| word.eq_ignore_ascii_case(scheme.as_bytes()))
            && from.checked_sub(1).is_none_or(|b| !text[b].is_ascii_alphanumeric())
    })
}

/// Whether a credential follows the scheme, not a word of prose as in `Basic training`.
fn is_credential(scheme: &str, word: &str) -> bool {
    let random = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"=+/_".contains(&b);
    match word.bytes().skip(1).any(random) {
        true => word.len() >= 4,
        false => scheme == "bearer" && word.len() >= 6,
    }
}

/// How long the user info is in what follows `//`, if there is any.
fn user_info(after: &str) -> Option<usize> {
    let bytes = after.as_bytes();
    let end = bytes
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'\''));
    let authority = &bytes[..end.unwrap_or(bytes.len())];
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return Some(at);
    }
    if authority.len() > LONGEST_HOST {
        return Some(authority.len());
    }
    // A password with a slash in it that nobody encoded: what looks like a port is none.
    let colon = memchr::memchr(b':', authority)?;
    if authority[colon + 1..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let near = &bytes[..bytes.len().min(LONGEST_HOST)];
    let at = memchr::memchr(b'@', near)?;
    (!near[..at].iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\''))).then_some(at)
}

/// The longest host with a port. What is longer and has no `@` is user info that was cut off.
pub(super) const LONGEST_HOST: usize = 253 + 6;

/// A text that was cut, without what may be user info whose `@` was cut off.
pub(super) fn untorn(text: &str) -> &str {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    match word.rfind("//") {
        Some(at) if !word[at + 2..].contains(['/', '?', '#', '"', '\'', '@']) => {
            &text[..text.len() - word.len() + at + 2]
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn masked(message: &str) -> String {
        let mut out = String::new();
        with_fields(&[], Part::Error, |scope| text(&mut out, message, scope));
        out
    }

    #[test]
    fn what_people_and_libraries_write() {
        for (message, expected) in [
            ("password=hunter2", "password=[redacted]"),
            ("bad password: hunter2, sorry", "bad password: [redacted], sorry"),
            (
                r#"Auth { user: "ann", password: "x y" }"#,
                r#"Auth { user: "ann", password: "[redacted]" }"#,
            ),
            (r#"{"api_key": "abc"}"#, r#"{"api_key": "[redacted]"}"#),
            (r#"token: Some("abc")"#, r#"token: Some("[redacted]")"#),
            ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
            ("got Bearer abcdef123 here", "got Bearer [redacted] here"),
            ("postgres://u:p@ss@db/x failed", "postgres://[redacted]@db/x failed"),
            ("see https://h/a?token=abc&b=1", "see https://h/a?token=[redacted]&b=1"),
            ("see https://h/a?code=abc&sig=x", "see https://h/a?code=[redacted]&sig=[redacted]"),
            ("code=7, key: 8", "code=7, key: 8"),
            (r#"{"password":"a\"b c","n":"d"}"#, r#"{"password":"[redacted]","n":"d"}"#),
            (
                r#""{\"password\":\"a\\\"b c\",\"n\":\"d\"}""#,
                r#""{\"password\":\"[redacted]\",\"n\":\"d\"}""#,
            ),
            ("password=", "password="),
            ("Basic Training, basic tutorial", "Basic Training, basic tutorial"),
            ("Basic dXNlcjpw", "Basic [redacted]"),
            ("index 7 out of range: 3", "index 7 out of range: 3"),
            ("shipping: none", "shipping: none"),
            ("", ""),
            ("é=ü //", "é=ü //"),
        ] {
            assert_eq!(masked(message), expected);
        }
    }

    #[test]
    fn no_spelling_shows_the_value() {
        for message in [
            "login(password: \"Secret-1 x\", pin: 1234)",
            "{'password': u'Secret-1'}",
            "{:password=>\"Secret-1\"}",
            "password := b\"Secret-1\"",
            "password: Secret(\"Secret-1\")",
            "password: [\"Secret-0\", \"Secret-1\"]",
            "cmd --password Secret-1 -v",
            "cmd --password='a Secret-1'",
            "Authorization: Basic Secret-1",
            "curl -H 'Cookie: sid=Secret-0; a=Secret-1' x",
            "Cookie: sid=\"a Secret-1\"; b=Secret-2\nHost: x",
            "where password='it''s Secret-1'",
            "<password>Secret-1</password>",
            "API key: Secret-1",
            "password=a,Secret-1",
            "password=a)Secret-1",
            "password=a\"Secret-1",
            "password=\"\" token=\"Secret-1\"",
            "password='''a 'b' Secret-1'''",
            "postgres://u:p/Secret-1@h/db",
            "params[\"password\"] = \"Secret-1\"",
            "got bearer Secret-1",
            "{\"a\":\"{\\\"password\\\":\\\"Secret-1\\\"}\"}",
        ] {
            assert!(!masked(message).contains("Secret-"), "{message} {}", masked(message));
            for end in 0..=message.len() {
                let mut out = String::new();
                with_fields(&[], Part::Error, |s| text_cut(&mut out, &message[..end], s));
                assert!(!out.contains("Secr") || out.contains("Secret("), "{message} {out}");
            }
        }
        assert_eq!(masked("credit card: 4012 8888 8888 1881 ok"), "credit card: [redacted] ok");
        let kept = "use: -- a --b=c, see http://h:80/x 12:30 it's a > b \u{a0}";
        assert_eq!(masked(kept), kept);
    }

    #[test]
    fn user_info_that_was_cut_off_is_hidden() {
        let cut = format!("see https://u:{}", "x".repeat(LONGEST_HOST));
        assert_eq!(masked(&cut), "see https://[redacted]");
        for (text, kept) in [
            ("postgres://u:hun", "postgres://"),
            ("a postgres://u:hun", "a postgres://"),
            ("postgres://h/x", "postgres://h/x"),
            ("postgres://h failed", "postgres://h failed"),
            ("é\u{a0}//é", "é\u{a0}//"),
            ("", ""),
        ] {
            assert_eq!(untorn(text), kept);
        }
    }

    #[test]
    fn a_hostile_text_is_linear() {
        // `a=a=a=…` was quadratic: each name looked for the end of its value.
        for piece in ["a=", "a:", "é=", "a='", "a=\"\\\"", "a\\", "//a", "a.b=1 ", "bearer "] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            assert!(masked(&text).len() >= text.len());
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
