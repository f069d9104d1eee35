//! Pairs in what was encoded for a URL: `next=%2Fcb%3Ftoken%3Dx`.

use super::{Scan, name_start};
use crate::mask::part::Of;

impl Scan<'_, '_, '_, '_> {
    /// At a `%`: a sign that is encoded, once or twice, as `%3D` or `%253D`.
    pub(super) fn encoded(&mut self, at: usize) -> usize {
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
