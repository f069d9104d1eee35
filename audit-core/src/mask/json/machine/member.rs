//! The children of a container: what their names and places say of their values.

use std::borrow::Cow;

use serde_json::Value;

use super::Machine;
use crate::mask::{
    how::How,
    json::{
        scan::{self, Quoted, Stop},
        token::push_string,
    },
    names::Says,
    pair::Role,
    part::Of,
    paths::Child,
    rules::Sel,
    value,
};

/// Longest path in pieces that is looked at.
const LONGEST_PATH: usize = 512;

impl Machine<'_, '_, '_> {
    /// Reads the name of a member and its colon; the selector of its value.
    #[inline(always)]
    pub(super) fn member(&mut self, at: &mut usize) -> Result<Option<Sel>, Stop> {
        if self.peek(*at)? != b'"' {
            return Err(Stop::Bad);
        }
        let begin = *at;
        let (end, says) = match self.expected(begin + 1) {
            Some(expected) => expected,
            None => self.other(begin)?,
        };
        if let Some(sel) = says.selected {
            self.member_begins(begin, sel);
        }
        self.level.role = says.role;
        let behind = end + 1;
        let mut colon = behind;
        if self.bytes.get(colon) != Some(&b':') {
            colon += scan::blanks(&self.bytes[colon..]);
            if self.peek(colon)? != b':' {
                return Err(Stop::Bad);
            }
            self.behind_white_space(behind);
        }
        *at = colon + 1;
        self.white_space(at);
        if says.role == Role::Value && says.selected.is_none() {
            return Ok(self.value_of_pair(*at));
        }
        Ok(says.selected)
    }

    /// Where the name ends that begins at `from`, and what it says of its value, if it is the
    /// one that was to be expected.
    #[inline(always)]
    fn expected(&mut self, from: usize) -> Option<(usize, Says)> {
        if self.muted.is_some() {
            return None;
        }
        let mut expected = self.scope.known.expected(self.last, self.bytes.get(from..)?)?;
        self.last = expected.place;
        let end = from + expected.len;
        if self.walks.is_some() {
            let name = self.text.get(from..end)?;
            self.walk(Child::Member(name), &mut expected.says.selected);
        }
        Some((end, expected.says))
    }

    /// The same of any other name.
    #[inline(never)]
    fn other(&mut self, begin: usize) -> Result<(usize, Says), Stop> {
        let quoted = scan::string(self.bytes, begin + 1)?;
        let end = quoted.end();
        if self.muted.is_some() {
            return Ok((end, Says::default()));
        }
        if quoted.escaped() || quoted.telling() {
            return Ok((end, self.odd_says(begin, quoted)));
        }
        let text = &self.text[begin + 1..];
        let len = end - begin - 1;
        let known = self.scope.known;
        let (mut says, place) = known.find(self.scope.rules, Of::Field, text, len);
        if let Some(place) = place {
            known.expect(self.last, place);
            self.last = place;
        }
        self.walk(Child::Member(&text[..len]), &mut says.selected);
        Ok((end, says))
    }

    /// The same of a name with escapes, or one that may hide something itself, as that of
    /// `{"password=x":""}` does.
    #[cold]
    fn odd_says(&mut self, begin: usize, quoted: Quoted) -> Says {
        let raw = &self.text[begin + 1..quoted.end()];
        let (decoded, halved) = match quoted.escaped() {
            true => scan::unescape(raw),
            false => (raw.to_owned(), false),
        };
        self.halved |= halved;
        let mut says = self.scope.says(&decoded, decoded.len());
        self.walk(Child::Member(&decoded), &mut says.selected);
        let removed = |sel| matches!(self.scope.rules.how_of(sel), How::Remove);
        if says.selected.is_none_or(|sel| !removed(sel))
            && let Cow::Owned(masked) = value::inside(&decoded, self.scope)
        {
            self.flush(begin);
            push_string(self.out, &masked);
            self.copied = quoted.end() + 1;
        }
        says
    }

    /// A path in pieces tells what one in one piece does: `{"path":["user","pin"],"value":1}`.
    #[cold]
    pub(super) fn path_in_pieces(&mut self, at: usize) {
        let near = &self.bytes[at..self.bytes.len().min(at + LONGEST_PATH)];
        let Some(end) = memchr::memchr(b']', near) else { return };
        if self.muted.is_some() || !self.scope.spend(end) {
            return;
        }
        let pieces: Result<Vec<Value>, _> = serde_json::from_slice(&near[..=end]);
        let mut path = String::new();
        for piece in pieces.unwrap_or_default() {
            path.push('/');
            match piece {
                Value::String(name) => path.push_str(&name.replace('~', "~0").replace('/', "~1")),
                other => path.push_str(&other.to_string()),
            }
        }
        if !path.is_empty() {
            self.named(Role::Pointer, &path);
        }
    }

    #[inline(always)]
    pub(super) fn element(&mut self, at: usize) -> Option<Sel> {
        if self.muted.is_some() {
            return None;
        }
        let element = self.level.element;
        self.level.element += 1;
        // Of a pair such as `["password","x"]`; its name stays where it is.
        let mut selected = self.level.named.or(self.option.take());
        self.level.member_out = None;
        if self.walks.is_none() {
            return selected;
        }
        self.walk(Child::Element(element), &mut selected);
        if let Some(sel) = selected {
            self.member_begins(at, sel);
        }
        selected
    }

    #[inline(never)]
    fn walk(&mut self, child: Child<'_>, selected: &mut Option<Sel>) {
        if let Some((paths, excepted)) = &mut self.walks {
            let rules = self.scope.rules;
            if let Some(path) = paths.look(rules.paths(), child) {
                *selected = Some(rules.of_path(path));
            }
            if excepted.look(rules.excepted_paths(), child).is_some() {
                *selected = None;
            }
        }
    }

    /// Notes where a member that is to be removed begins.
    #[inline(never)]
    fn member_begins(&mut self, begin: usize, sel: Sel) {
        let removed = matches!(self.scope.rules.how_of(sel), How::Remove);
        if removed {
            self.flush(begin);
        }
        self.level.member_out = removed.then_some(self.out.len());
    }

    #[inline(never)]
    pub(super) fn walk_back(&mut self) {
        if let Some((paths, excepted)) = &mut self.walks
            && self.depth > 0
        {
            paths.leave();
            excepted.leave();
        }
    }
}
