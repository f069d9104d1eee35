//! Names that are told apart from their values, or in several words: `password("x")`,
//! `name=password value=x`, `api key: x`.

use super::{Scan, name_start, value};
use crate::mask::{pair::Role, part::Of, rules::Sel};

impl Scan<'_, '_, '_, '_> {
    /// What a name before this one selects, where they are told as a pair.
    pub(super) fn of_pair(&mut self, role: Role, at: usize) -> Option<Sel> {
        match role {
            Role::Name => {
                self.scope.spend(TOLD);
                let value = value::after(self.text, at + 1);
                let name = self.text.get(value.begin..value.end?)?;
                let sel = self.scope.find_told(name);
                self.told = sel.map(|sel| (sel, at)).or(self.told);
                None
            }
            Role::Value => {
                let (sel, named) = self.told?;
                let between = self.text.as_bytes().get(named..at).filter(|b| b.len() <= NEAR)?;
                (!between.contains(&b'\n')).then_some(sel)
            }
            Role::None | Role::Pointer | Role::Text => None,
        }
    }

    /// `api key: x` is a name of two words.
    pub(super) fn two_words(&self, floor: usize, begin: usize, end: usize) -> Option<Sel> {
        let before = begin.checked_sub(1).filter(|at| *at > floor)?;
        if self.text.as_bytes()[before] != b' ' || !is_second(&self.text[begin..end]) {
            return None;
        }
        let first = name_start(self.text, floor, before);
        let alone = &self.text[first..before];
        if alone.is_empty() || end - first > 64 {
            return None;
        }
        // `password id`: the first word alone is no name of what follows the second.
        let found = self.scope.find(Of::Field, &self.text[first..end])?;
        (self.scope.find(Of::Field, alone) != Some(found)).then_some(found)
    }

    /// Configured names may have more words.
    pub(super) fn many_words(&self, floor: usize, begin: usize, end: usize) -> Option<Sel> {
        let mut first = begin;
        for _ in 1..self.scope.rules.words() {
            let before = first.checked_sub(1).filter(|at| *at > floor)?;
            if self.text.as_bytes()[before] != b' ' {
                return None;
            }
            first = name_start(self.text, floor, before);
            if let Some(found) = self.scope.find(Of::Field, &self.text[first..end]) {
                return Some(found);
            }
        }
        None
    }

    /// At a `(`, `,` or `|`: `password("x")`, `("password", "x")`, `| password | x |`.
    pub(super) fn pair(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let floor = self.floor;
        let spaced = |b: &u8| matches!(b, b' ' | b'\t');
        let (end, opens) = match bytes[at] {
            b'(' => (at, None),
            b',' => match at.checked_sub(1).map(|end| (end, bytes[end])) {
                Some((end, quote @ (b'"' | b'\''))) => (end, Some(quote)),
                _ => return at + 1,
            },
            _ => {
                let near = &bytes[floor.max(at.saturating_sub(64))..at];
                (at - near.iter().rev().take_while(|b| spaced(b)).count(), None)
            }
        };
        if bytes[at] == b'('
            && !self.is_value
            && let Some(next) = self.tuples(at)
        {
            return next;
        }
        let begin = if end > floor { name_start(self.text, floor, end) } else { end };
        if begin == end {
            return at + 1;
        }
        let before = &bytes[floor..begin];
        let from = at + 1 + self.spaces(at + 1);
        let quoted = bytes[from..].iter().find(|b| **b != b'\\');
        let quoted = quoted.is_some_and(|b| matches!(b, b'"' | b'\'' | b'`'));
        let shaped = match (bytes[at], opens) {
            (b'(', _) => quoted,
            (_, Some(quote)) => quoted && matches!(before, [.., b'(' | b'[', q] if *q == quote),
            _ => before.iter().rev().find(|b| !spaced(b)) == Some(&b'|'),
        };
        if !shaped {
            return at + 1;
        }
        let Some(sel) = self.scope.find(Of::Field, &self.text[begin..end]) else { return at + 1 };
        if bytes[at] == b'|' {
            let len = memchr::memchr2(b'|', b'\n', &bytes[from..]).unwrap_or(bytes.len() - from);
            let value = self.text[from..from + len].trim_end();
            let end = from + value.len();
            return if value.is_empty() { at + 1 } else { self.replace(sel, from, end, true) };
        }
        let value = self.value(at + 1);
        let to = value.end.unwrap_or(self.text.len());
        match to > value.begin {
            true => self.replace(sel, value.begin, to, value.end.is_some()),
            false => at + 1,
        }
    }
}

/// Steps of a name that a value tells.
const TOLD: usize = 26;
/// How far behind its name the value of a pair may be.
const NEAR: usize = 256;

/// Whether a name of two words ends so; most names have no need to be looked up again.
fn is_second(word: &str) -> bool {
    const SECOND: [&str; 9] =
        ["assertion", "card", "code", "id", "key", "number", "password", "security", "verifier"];
    matches!(word.len(), 2..=9) && SECOND.iter().any(|second| second.eq_ignore_ascii_case(word))
}
