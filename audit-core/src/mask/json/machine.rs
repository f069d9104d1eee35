//! The one pass over a document.

use std::borrow::Cow;

use super::{
    level::{EARLY, Early, Level},
    scan::{self, Quoted, Stop},
    token::{self, QUOTED, comma_behind, push_string, value_of},
};
use crate::mask::{
    REDACTED,
    how::{How, Value},
    names::Says,
    pair::Role,
    part::Of,
    paths::{Child, Walk},
    rules::Sel,
    scope::Scope,
    value,
};

/// Deepest nesting that is followed; a bracket bomb ends here.
const DEEPEST: usize = 64;

/// A hidden value that is being passed over.
struct Muted {
    begin: usize,
    depth: usize,
    sel: Sel,
}

/// A walk over the text of one document. What is not selected is copied in runs as long as can
/// be; only white space and masked values interrupt one.
pub(super) struct Machine<'t, 's, 'r> {
    text: &'t str,
    bytes: &'t [u8],
    cut: bool,
    /// The token that comes next. When the text ends, the one that is not whole.
    pub(super) at: usize,
    /// What is before it is written, or masked.
    copied: usize,
    out: &'s mut String,
    scope: &'s mut Scope<'r>,
    /// The container that the walk is in, which is asked for all the time; those around it; and
    /// how many that are together.
    level: Level,
    around: Vec<Level>,
    depth: usize,
    /// The values of all open containers whose names are still to come.
    early: Vec<Early>,
    muted: Option<Muted>,
    walks: Option<(Walk, Walk)>,
    pub(super) deepest: usize,
    pub(super) halved: bool,
}

impl<'t, 's, 'r> Machine<'t, 's, 'r> {
    pub(super) fn new(
        text: &'t str,
        cut: bool,
        out: &'s mut String,
        scope: &'s mut Scope<'r>,
    ) -> Self {
        let walks = scope.rules.has_paths().then(|| {
            let mut walks = (Walk::default(), Walk::default());
            walks.0.begin(scope.rules.paths());
            walks.1.begin(scope.rules.excepted_paths());
            walks
        });
        Self {
            text,
            bytes: text.as_bytes(),
            cut,
            at: 0,
            copied: 0,
            out,
            scope,
            // Outside of all containers, what is there is like an element.
            level: Level::new(false, 0),
            around: Vec::new(),
            depth: 0,
            early: Vec::new(),
            muted: None,
            walks,
            deepest: 0,
            halved: false,
        }
    }

    /// Masks one document, from its first token. When the text ends before the document does,
    /// what can be shown of it is written.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        let end = self.document();
        match end {
            Ok(()) => self.flush(self.at),
            Err(Stop::End) if self.cut => self.cut_off(),
            Err(_) => {}
        }
        end
    }

    fn document(&mut self) -> Result<(), Stop> {
        let mut selected = None;
        loop {
            if let Some(sel) = selected.take() {
                self.muted = Some(Muted { begin: self.at, depth: self.depth, sel });
            }
            match self.peek()? {
                b'"' => self.string()?,
                b'{' => {
                    self.open(true)?;
                    if self.peek()? != b'}' {
                        selected = self.member()?;
                        continue;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(false)?;
                    if self.peek()? != b']' {
                        selected = self.element();
                        continue;
                    }
                    self.close();
                }
                _ => self.scalar()?,
            }
            // A value is over, and with it perhaps the containers that it ends.
            loop {
                self.value_ends();
                if self.depth == 0 {
                    return Ok(());
                }
                let object = self.level.object;
                self.white_space();
                match (self.peek()?, object) {
                    (b',', _) => {
                        self.at += 1;
                        self.white_space();
                        selected = if object { self.member()? } else { self.element() };
                        break;
                    }
                    (b'}', true) | (b']', false) => self.close(),
                    _ => return Err(Stop::Bad),
                }
            }
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    /// Skips white space, which is not copied.
    #[inline]
    fn white_space(&mut self) {
        if self.bytes.get(self.at).is_some_and(|byte| *byte <= b' ') {
            self.white_space_there();
        }
    }

    #[cold]
    fn white_space_there(&mut self) {
        self.flush(self.at);
        self.at += scan::blanks(&self.bytes[self.at..]);
        if self.muted.is_none() {
            self.copied = self.at;
        }
    }

    /// Writes what was not yet, up to a place. Nothing while a hidden value is passed over.
    fn flush(&mut self, to: usize) {
        if self.muted.is_none() {
            self.out.push_str(&self.text[self.copied..to]);
            self.copied = to;
        }
    }

    #[inline]
    fn open(&mut self, object: bool) -> Result<(), Stop> {
        if self.depth == DEEPEST {
            return Err(Stop::Bad);
        }
        // Most JSON in strings is flat: nothing is allocated for it.
        if self.depth > 0 {
            self.around.push(self.level);
        }
        self.level = Level::new(object, self.early.len());
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        self.at += 1;
        self.white_space();
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.early.truncate(self.level.early);
        self.level = self.around.pop().unwrap_or(Level::new(false, 0));
        self.depth -= 1;
        self.at += 1;
    }

    /// Reads the name of a member and its colon; the selector of its value.
    fn member(&mut self) -> Result<Option<Sel>, Stop> {
        if self.peek()? != b'"' {
            return Err(Stop::Bad);
        }
        let begin = self.at;
        let name = scan::string::<false>(self.bytes, begin + 1)?;
        let says = match self.muted {
            None => self.says(begin, name),
            Some(_) => Says::default(),
        };
        if let Some(sel) = says.selected {
            self.member_begins(begin, sel);
        }
        self.level.role = says.role;
        let mut colon = name.end() + 1;
        colon += scan::blanks(&self.bytes[colon..]);
        match self.bytes.get(colon) {
            Some(b':') => {}
            Some(_) => return Err(Stop::Bad),
            None => return Err(Stop::End),
        }
        self.at = name.end() + 1;
        self.white_space();
        self.at = colon + 1;
        self.white_space();
        if says.role == Role::Value && says.selected.is_none() {
            return Ok(self.value_of_pair());
        }
        Ok(says.selected)
    }

    /// What the name between these quotes says of its value.
    fn says(&mut self, begin: usize, name: Quoted) -> Says {
        if name.escaped() {
            let (decoded, halved) = scan::unescape(&self.text[begin + 1..name.end()]);
            self.halved |= halved;
            let mut says = self.scope.says(&decoded, decoded.len());
            self.walk(Child::Member(&decoded), &mut says.selected);
            return says;
        }
        let text = &self.text[begin + 1..];
        let len = name.end() - begin - 1;
        // Here and not through the scope, so that no call is made for a name that is known.
        let mut says = self.scope.known.says(self.scope.rules, Of::Field, text, len);
        if self.walks.is_some() {
            self.walk(Child::Member(&text[..len]), &mut says.selected);
        }
        says
    }

    #[inline]
    fn element(&mut self) -> Option<Sel> {
        if self.muted.is_some() {
            return None;
        }
        let element = self.level.element;
        self.level.element += 1;
        // Of a pair such as `["password","x"]`; its name stays where it is.
        let mut selected = self.level.named;
        self.level.member_out = None;
        if self.walks.is_none() {
            return selected;
        }
        self.walk(Child::Element(element), &mut selected);
        if let Some(sel) = selected {
            self.member_begins(self.at, sel);
        }
        selected
    }

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
    fn member_begins(&mut self, begin: usize, sel: Sel) {
        let removed = matches!(self.scope.rules.how_of(sel), How::Remove);
        if removed {
            self.flush(begin);
        }
        self.level.member_out = removed.then_some(self.out.len());
    }

    /// The value of a pair begins: its name is known, or is still to come.
    fn value_of_pair(&mut self) -> Option<Sel> {
        let begin = self.at;
        let named = self.level.named;
        if self.muted.is_some() {
            return None;
        }
        if named.is_none() {
            self.flush(begin);
        }
        let out = self.out.len();
        self.level.member_out = None;
        if named.is_none() {
            if self.early.len() - self.level.early == EARLY {
                return Some(Sel::SENSITIVE);
            }
            self.early.push(Early { input: begin..begin, output: out..out });
        }
        named
    }

    fn string(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        let quoted = scan::string::<true>(self.bytes, begin + 1)?;
        self.at = quoted.end() + 1;
        if self.muted.is_some() {
            return Ok(());
        }
        let raw = &self.text[begin + 1..quoted.end()];
        if self.level.element == 1 {
            self.pair_begins(begin, raw);
        }
        let role = self.level.role;
        let names = matches!(role, Role::Name | Role::Pointer);
        let plain = !quoted.telling()
            && !quoted.escaped()
            && !raw.starts_with('%')
            && !self.scope.rules.detectors().may_find(raw);
        if plain && !names && (!quoted.spaced() || !value::may_hide(raw)) {
            return Ok(());
        }
        let text = match quoted.escaped() {
            false => Cow::Borrowed(raw),
            true => {
                let (text, halved) = scan::unescape(raw);
                self.halved |= halved;
                Cow::Owned(text)
            }
        };
        if names {
            self.named(role, &text);
        }
        if let Cow::Owned(masked) = value::inside(&text, self.scope) {
            self.flush(begin);
            push_string(self.out, &masked);
            self.copied = self.at;
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        self.at = scan::scalar(self.bytes, begin, !self.cut)?;
        let number = &self.text[begin..self.at];
        // The number of a card may be written as one.
        if self.muted.is_none() && self.scope.rules.detectors().may_find(number) {
            let rules = self.scope.rules;
            if let Cow::Owned(masked) = rules.detectors().mask(number, self.scope) {
                self.flush(begin);
                push_string(self.out, &masked);
                self.copied = self.at;
            }
        }
        Ok(())
    }

    /// The first text of an array is there: it may be the name of what follows.
    fn pair_begins(&mut self, begin: usize, raw: &str) {
        let Some(comma) = comma_behind(&self.bytes[self.at..]) else { return };
        let name = match raw.contains('\\') {
            true => Cow::Owned(scan::unescape(raw).0),
            false => Cow::Borrowed(raw),
        };
        let Some(sel) = self.scope.find_told(&name) else { return };
        let in_list = self.depth > 1 && self.around.last().is_some_and(|level| !level.object);
        let (before, rest) = (&self.text[..begin], &self.text[self.at + comma..]);
        if in_list || token::is_pair(before, rest, self.cut) {
            self.level.named = Some(sel);
        }
    }

    /// The name of a pair is there. Its value is hidden when it comes, or now.
    fn named(&mut self, role: Role, name: &str) {
        let sel = match role {
            Role::Pointer => self.scope.find_pointer(name),
            _ => self.scope.find_told(name),
        };
        let Some(sel) = sel else { return };
        self.level.named = Some(sel);
        // From the last one, so that the places of the others stay.
        while self.early.len() > self.level.early
            && let Some(early) = self.early.pop()
        {
            let value = value_of(&self.text[early.input]);
            let instead = self.scope.in_place(sel, value.borrowed());
            let mut quoted = String::new();
            push_string(&mut quoted, &instead);
            self.out.replace_range(early.output, &quoted);
        }
    }

    #[inline]
    fn value_ends(&mut self) {
        let depth = self.depth;
        if self.muted.is_some() {
            let Some(muted) = self.muted.take_if(|muted| muted.depth == depth) else { return };
            self.hide(&muted);
        }
        if let Some((paths, excepted)) = &mut self.walks
            && depth > 0
        {
            paths.leave();
            excepted.leave();
        }
        if self.level.role != Role::None {
            let has_early = self.early.len() > self.level.early && self.level.named.is_none();
            if self.level.role == Role::Value && has_early {
                self.early_value_ends();
            }
            self.level.role = Role::None;
        }
    }

    fn early_value_ends(&mut self) {
        self.flush(self.at);
        if let Some(early) = self.early.last_mut() {
            (early.input.end, early.output.end) = (self.at, self.out.len());
        }
    }

    /// Writes what stands for a hidden value that is over.
    fn hide(&mut self, muted: &Muted) {
        let rules = self.scope.rules;
        if matches!(rules.how_of(muted.sel), How::Redact) && !rules.finds_echoes() {
            self.scope.redacted(muted.sel);
            self.flush(muted.begin);
            self.out.push_str(QUOTED);
            self.copied = self.at;
            return;
        }
        let value = value_of(&self.text[muted.begin..self.at]);
        let instead = self.scope.instead(muted.sel, value.borrowed());
        self.replace(muted, instead);
    }

    fn replace(&mut self, muted: &Muted, instead: Option<Cow<'_, str>>) {
        self.flush(muted.begin);
        match (instead, self.level.member_out) {
            (Some(instead), _) => push_string(self.out, &instead),
            // The value of a pair does not go with its name.
            (None, None) => push_string(self.out, REDACTED),
            (None, Some(member_out)) => {
                self.out.truncate(member_out);
                // The comma before it goes, or else the one behind it.
                if self.out.ends_with(',') {
                    self.out.pop();
                } else if let Some(comma) = comma_behind(&self.bytes[self.at..]) {
                    self.copied = self.at + comma;
                    self.at += comma - 1;
                    return;
                }
            }
        }
        self.copied = self.at;
    }

    /// The text is over in the middle of the document.
    fn cut_off(&mut self) {
        if let Some(muted) = self.muted.take() {
            let instead = self.scope.in_place(muted.sel, Value::Other);
            self.replace(&muted, Some(instead));
            self.copied = self.bytes.len();
        } else {
            self.flush(self.at);
            self.part_of_string();
        }
        // Values whose names are still to come could be anything, also where there is a name that
        // selects nothing: another one may follow.
        let mut hidden = Vec::new();
        for early in self.early.drain(..) {
            let is_open = early.input.is_empty();
            if is_open {
                self.out.truncate(early.output.start);
            }
            hidden.push(early.output);
            if is_open {
                break;
            }
        }
        for value in hidden.into_iter().rev() {
            self.scope.redacted(Sel::SENSITIVE);
            self.out.replace_range(value, QUOTED);
        }
    }

    /// Keeps the whole words of a string that was cut off, where nothing can hide in it.
    fn part_of_string(&mut self) {
        let Some(rest) = self.text.get(self.at..) else { return };
        let Some(inside) = rest.strip_prefix('"') else { return };
        let in_value = !self.level.object || self.out.ends_with(':');
        let harmless = in_value
            && !inside.contains([':', '=', '\\', '@', '{', '[', '/'])
            && !self.scope.detects()
            && !value::may_hide(inside)
            && matches!(self.level.role, Role::None | Role::Text);
        if harmless && let Some(words) = inside.rfind(' ') {
            self.out.push_str(&rest[..=words]);
        }
    }
}
