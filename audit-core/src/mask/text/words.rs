//! Values of more than one word, up to the end of a line or to a quote: `'password: a b'`.

use super::{
    Scan,
    value::{Found, is_named, is_quote, unquoted},
};

impl Scan<'_, '_, '_, '_> {
    /// Where the value ends of a name that stands at the begin of a line or directly behind a
    /// quote, of the sign at a place.
    pub(super) fn words_end(
        &self,
        floor: usize,
        name: (usize, usize),
        at: usize,
        value: Found,
    ) -> usize {
        let bytes = self.text.as_bytes();
        let Some(end) = value.end else { return bytes.len() };
        let quoted = |at: usize| bytes.get(at).is_some_and(|b| is_quote(*b));
        let bracket = matches!(bytes.get(value.begin), Some(b'[' | b'{' | b'(' | b'<'));
        if !matches!(bytes.get(end), Some(b' ' | b'\t')) || quoted(value.begin - 1) || bracket {
            return end;
        }
        let before = &bytes[floor..name.0];
        let open = before.last().copied().filter(|b| is_quote(*b));
        let open = open.filter(|_| !bytes[name.1..at].iter().any(|b| is_quote(*b)));
        let header = bytes[at] == b':';
        let begins = match before.last() {
            Some(last) => *last == b'\n',
            None => floor == 0 && !self.is_value,
        };
        if open.is_none() && !(header && begins) {
            return end;
        }
        let rest = &bytes[end..];
        let len = memchr::memchr3(b'\n', b'\r', open.unwrap_or(b'\n'), rest).unwrap_or(rest.len());
        if header && open.is_some() {
            let slashes = rest[..len].iter().rev().take_while(|b| **b == b'\\').count();
            return end + len - slashes;
        }
        let near = &bytes[..end + len];
        let mut end = end;
        // Up to what is another pair, an option, or something in quotes or brackets.
        while matches!(near.get(end), Some(b' ' | b'\t')) {
            let next = end + self.spaces(end);
            let word = near.get(next).is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii());
            if !word || is_named(near, next) {
                break;
            }
            end = unquoted(near, next);
        }
        end
    }
}
