//! Values behind a name, where another name may stand first: `credentials: password: x`.

use super::{
    REDACTED, Scan,
    value::{self, Found, is_quote},
};
use crate::mask::part::Of;

/// Steps of a name that stands where a value is looked for.
const NAMED: usize = 15;

impl Scan<'_, '_, '_, '_> {
    /// The value behind a name that ends at `at`. Where it is a name itself, what is behind that
    /// one goes too.
    pub(super) fn value(&self, at: usize) -> Found {
        self.further(value::after(self.text, at))
    }

    /// A value and, where it is a name, what is behind it.
    pub(super) fn further(&self, value: Found) -> Found {
        let bytes = self.text.as_bytes();
        let (mut all, mut last) = (value, value);
        while let Some(next) = last.end.and_then(|end| self.behind_name(last.begin, end)) {
            last = value::after(self.text, next);
            if last.end == Some(last.begin) || !self.scope.spend(NAMED) {
                break;
            }
            // Of quotes both stay, or none.
            let opened = quote_before(bytes, all.begin);
            let closed = last.end.and_then(|end| quote_behind(bytes, end));
            let closed = closed.filter(|_| quote_before(bytes, last.begin).is_some());
            all.end = last.end;
            match (opened, closed) {
                (Some(open), None) => all.begin = open,
                (None, Some(close)) => all.end = Some(close),
                _ => {}
            }
        }
        all
    }

    /// Behind the `:` or `=` of a name which stands where a value should, or behind an option.
    fn behind_name(&self, begin: usize, end: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        // Behind a type or a mark, the last word is it.
        let word = &self.text[begin..end];
        let word = word.rsplit(|c: char| c.is_ascii_whitespace()).next()?;
        // `String "x"` ends behind its quote.
        let inner = word.trim_end_matches(['"', '\'', '`']);
        let opened = inner.bytes().rposition(is_quote);
        let quoted = opened.is_some() || quote_before(bytes, begin).is_some();
        let closed = match inner.len() < word.len() {
            true => Some(end),
            false => quote_behind(bytes, end),
        };
        let closed = closed.filter(|_| quoted);
        let found = |name| {
            self.scope.find(Of::Field, name).or_else(|| self.scope.find(Of::Query, name)).is_some()
        };
        if let Some(close) = closed {
            let sign = close + self.spaces(close);
            let next = sign + 1 + self.spaces((sign + 1).min(bytes.len()));
            let is_value = || {
                next == sign + 1
                    || bytes.get(next).is_some_and(|b| {
                        is_quote(*b) || b.is_ascii_digit() || matches!(b, b'[' | b'{' | b'\\')
                    })
            };
            // `token "x": not found` is a sentence.
            let name = &inner[opened.map_or(0, |at| at + 1)..];
            return (is_sign(bytes, sign) && (is_value() || found(name))).then_some(sign + 1);
        }
        let signs = word.bytes().rev().take_while(|b| matches!(b, b':' | b'=')).count();
        let before = &word[..word.len() - signs];
        let name = before.rsplit(|c: char| c.is_ascii() && !is_name(c as u8)).next()?;
        let is_padded = || word.len().is_multiple_of(4) && !found(name);
        match signs {
            _ if name.is_empty() => None,
            0 if name.len() < word.len() => None,
            0 if word.starts_with("--") => {
                let next = end + self.spaces(end);
                (next > end && bytes.get(next).is_some_and(|b| *b != b'-')).then_some(end)
            }
            0 => {
                let sign = end + self.spaces(end);
                is_sign(bytes, sign).then_some(sign + 1)
            }
            // Base64 ends so, too.
            1 if word.ends_with('=') && is_padded() => None,
            1 => Some(end),
            _ => None,
        }
    }

    /// The word that begins here, or what is in quotes or brackets, up to where it ends; and what is behind
    /// it, where it is a name.
    pub(super) fn word(&self, from: usize) -> (usize, usize) {
        let value = match self.text.as_bytes().get(from) {
            Some(b'{' | b'[') => self.value(from),
            Some(quote) if is_quote(*quote) => self.value(from),
            _ => self.further(Found { begin: from, end: Some(value::word_end(self.text, from)) }),
        };
        (value.begin, value.end.unwrap_or(self.text.len()))
    }

    /// Where the credential ends that a header's value begins with, where it is one word behind
    /// its scheme: what follows is none of it.
    pub(super) fn one_credential(&self, at: usize) -> Option<usize> {
        const ONE: [&str; 2] = ["bearer", "basic"];
        let from = at + self.spaces(at);
        let value = &self.text[from..];
        if value.starts_with(REDACTED) {
            return Some(from + REDACTED.len());
        }
        // No longer than the longest, and one more: there may be no white space at all.
        let near = value.get(..7).unwrap_or(value);
        let scheme = near.split([' ', '\t']).next()?;
        if !ONE.iter().any(|one| one.eq_ignore_ascii_case(scheme)) {
            return None;
        }
        let behind = from + scheme.len();
        let from = behind + self.spaces(behind);
        let quoted = self.text.as_bytes().get(from).is_some_and(|b| is_quote(*b));
        let (_, end) = self.word(from);
        (end > from && !quoted).then_some(end)
    }
}

/// Where the quote before a place stands, with the backslashes before it.
fn quote_before(bytes: &[u8], begin: usize) -> Option<usize> {
    let quote = begin.checked_sub(1).filter(|at| is_quote(bytes[*at]))?;
    Some(quote - bytes[..quote].iter().rev().take_while(|b| **b == b'\\').count())
}

/// Behind the quote at a place, which may be escaped.
fn quote_behind(bytes: &[u8], end: usize) -> Option<usize> {
    let quote = end + bytes[end..].iter().take_while(|b| **b == b'\\').count();
    bytes.get(quote).is_some_and(|b| is_quote(*b)).then_some(quote + 1)
}

/// Whether a `:` or `=` stands here, alone.
fn is_sign(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at), Some(b':' | b'='))
        && !matches!(bytes.get(at + 1), Some(b':' | b'=' | b'>' | b'~'))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-.[]%$".contains(&byte)
}
