//! Values that stand apart from their names, as in SQL: `(user, password) VALUES ('a', 'x')`,
//! `PASSWORD 'x'`, `password LIKE 'x'`, `the password is x1y2`.

use super::{Scan, name_start, value, words_in};
use crate::mask::{part::Of, rules::Sel};

/// How far before its values a list of columns is looked for.
const NEAR: usize = 1024;
/// Steps of a piece that is masked by itself.
const INSIDE: usize = 12;

impl Scan<'_, '_, '_, '_> {
    /// At a quote with a space before it: what selects what is in it.
    pub(super) fn quoted(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let spaced = at >= self.floor + 2 && bytes[at - 1] == b' ';
        if !spaced || !bytes[at - 2].is_ascii_alphanumeric() {
            return at + 1;
        }
        let Some(sel) = self.told_before(at - 1) else { return at + 1 };
        let value = self.value(at);
        let to = value.end.unwrap_or(self.text.len());
        match to > value.begin {
            true => self.replace(sel, value.begin, to, value.end.is_some()),
            false => at + 1,
        }
    }

    /// What the word that ends at `end` selects of what follows, or the one before it.
    fn told_before(&self, end: usize) -> Option<Sel> {
        const BETWEEN: [&str; 8] = ["as", "eq", "ilike", "in", "is", "like", "to", "was"];
        let (begin, word) = self.word_before(end);
        let spaced = begin > self.floor && self.text.as_bytes()[begin - 1] == b' ';
        let before = || if spaced { self.word_before(begin - 1) } else { (begin, "") };
        let is = |known: &&str| known.eq_ignore_ascii_case(word);
        if BETWEEN.iter().any(&is) {
            return self.scope.find(Of::Field, before().1);
        }
        if is(&"by") && before().1.eq_ignore_ascii_case("identified") {
            return self.scope.find(Of::Field, "password");
        }
        let found = self.scope.find(Of::Field, word)?;
        // What parsers say: `unexpected token '}'`.
        (!before().1.eq_ignore_ascii_case("unexpected")).then_some(found)
    }

    fn word_before(&self, end: usize) -> (usize, &str) {
        let begin = name_start(self.text, self.floor, end);
        (begin, &self.text[begin..end])
    }

    /// At a space behind `is` or `was`: `the password is hunter2`. Only what is more than a word
    /// of prose: letters with digits, or a number of some length.
    pub(super) fn stated(&mut self, at: usize) -> usize {
        let (_, word) = self.word_before(at);
        if !(word.eq_ignore_ascii_case("is") || word.eq_ignore_ascii_case("was")) {
            return at + 1;
        }
        let from = at + self.spaces(at);
        let end = value::word_end(self.text, from);
        let word = self.text[from..end].trim_end_matches(['.', '!', '?', ':', ',']);
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let is_number = digits == word.len() && digits >= 4;
        let mixed = digits > 0 && digits < word.len() && word.len() >= 5;
        if !(is_number || mixed) || word.contains(['=', '[']) {
            return at + 1;
        }
        let to = from + word.len();
        match self.told_before(at) {
            Some(sel) => self.replace(sel, from, to, true),
            None => at + 1,
        }
    }

    /// At a `(`: the values of columns that are named in the brackets before it.
    pub(super) fn tuples(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let near = self.text[..at].trim_end();
        let columns = match near.as_bytes() {
            [.., b')', b'='] => near.strip_suffix('='),
            [.., last] if last.eq_ignore_ascii_case(&b's') => {
                let from = near.len().checked_sub(6)?;
                let values = near.get(from..)?.eq_ignore_ascii_case("values");
                near.get(..from).filter(|_| values)
            }
            [.., b' ', b'i' | b'I', b'n' | b'N'] => {
                let sel = self.told_before(near.len())?;
                let value = self.value(at);
                let to = value.end.unwrap_or(self.text.len());
                return Some(self.replace(sel, value.begin, to, value.end.is_some()));
            }
            _ => None,
        }?;
        let columns = columns.trim_end().strip_suffix(')')?.as_bytes();
        let columns = &columns[columns.len().saturating_sub(NEAR)..];
        let columns = &columns[memchr::memrchr(b'(', columns)? + 1..];
        let mut any = false;
        let selects: Vec<_> = columns
            .split(|b| *b == b',')
            .map(|name| {
                let name = std::str::from_utf8(name).unwrap_or_default();
                let name =
                    name.trim_matches([' ', '\n', '\r', '\t', '"', '\\', '\'', '`', '[', ']']);
                let found = self.scope.find(Of::Field, name);
                any |= found.is_some();
                found
            })
            .collect();
        if !any {
            return None;
        }
        let mut open = at;
        loop {
            let close = self.tuple(open + 1, &selects)?;
            let next = bytes[close..].iter().take_while(|b| b.is_ascii_whitespace() || **b == b',');
            open = close + next.count();
            if bytes.get(open) != Some(&b'(') || open == close || !self.scope.may_go_on() {
                return Some(close);
            }
        }
    }

    /// Writes the values up to the closing bracket; what is behind it.
    fn tuple(&mut self, from: usize, selects: &[Option<Sel>]) -> Option<usize> {
        let mut at = from;
        for column in 0.. {
            at += self.text[at..].len() - self.text[at..].trim_start().len();
            let (end, closed) = field(self.text.as_bytes(), at);
            let value = self.text[at..end].trim_end();
            match selects.get(column).copied().flatten() {
                Some(sel) if !value.is_empty() => {
                    self.replace(sel, at, at + value.len(), closed);
                }
                Some(_) => {}
                None => self.inside(at, end),
            }
            if !closed || self.text.as_bytes().get(end) == Some(&b')') {
                return Some(self.text.len().min(end + 1));
            }
            at = end + 1;
        }
        None
    }

    /// Writes a piece of the text masked by itself.
    pub(super) fn inside(&mut self, from: usize, to: usize) {
        self.scope.spend(INSIDE);
        self.out.push_str(&self.text[self.copied..from]);
        let piece = &self.text[from..to];
        if !words_in(self.out, piece, true, self.scope) {
            self.out.push_str(piece);
        }
        (self.copied, self.floor) = (to, to);
    }
}

/// Where a value ends, before its `,` or `)`. `false`: the text ends first.
fn field(bytes: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b',' | b')' if depth == 0 => return (at, true),
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'\'' | b'"' => loop {
                at += 1;
                match bytes.get(at) {
                    None => return (bytes.len(), false),
                    Some(b'\\') => at += 1,
                    Some(quote) if quote == byte => break,
                    Some(_) => {}
                }
            },
            _ => {}
        }
        at += 1;
    }
    (bytes.len(), false)
}
