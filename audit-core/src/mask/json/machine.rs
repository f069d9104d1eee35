//! The one pass over a document.

mod cut;
mod member;

use std::borrow::Cow;

use super::{
    level::{EARLY, Early, Level},
    scan::{self, Quoted, Stop},
    token::{self, QUOTED, comma_behind, push_string, value_of},
};
use crate::mask::{
    REDACTED, fields, how::How, known::Place, pair::Role, paths::Walk, rules::Sel, scope::Scope,
    value,
};

/// Deepest nesting that is followed; a bracket bomb ends here.
const DEEPEST: usize = 64;
/// Steps of a string with escapes that is looked into.
const ESCAPED: usize = 13;

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
    /// Where the last name is remembered.
    last: Place,
    around: Vec<Level>,
    depth: usize,
    /// The values of all open containers whose names are still to come.
    early: Vec<Early>,
    muted: Option<Muted>,
    /// What an element such as `"--password"` selects: the one behind it.
    option: Option<Sel>,
    walks: Option<(Walk, Walk)>,
    /// Whether detectors look at what is not selected.
    detects: bool,
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
        // A text or number alone has no path.
        let walks = (scope.rules.has_paths() && text.starts_with(['{', '['])).then(|| {
            let mut walks = scope.walks();
            walks.0.begin_at(scope.rules.paths(), &scope.reached.0);
            walks.1.begin_at(scope.rules.excepted_paths(), &scope.reached.1);
            walks
        });
        let detects = scope.detects();
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
            last: Place::default(),
            around: Vec::new(),
            depth: 0,
            early: Vec::new(),
            muted: None,
            option: None,
            walks,
            detects,
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
        if let Some(walks) = self.walks.take() {
            self.scope.walked(walks);
        }
        end
    }

    /// One loop with one place for each kind of token, and the place of the next token in a
    /// variable of its own, which may so stay in a register. What a document asks for all the
    /// time is inlined here; what is rare is called, since it would take the registers.
    fn document(&mut self) -> Result<(), Stop> {
        let mut at = self.at;
        let end = self.tokens(&mut at);
        self.at = at;
        end
    }

    #[inline(always)]
    fn tokens(&mut self, at: &mut usize) -> Result<(), Stop> {
        loop {
            'child: {
                match self.peek(*at)? {
                    b'"' => *at = self.string(*at)?,
                    open @ (b'{' | b'[') => {
                        // Its closing bracket is two behind it.
                        self.open(open == b'{', at)?;
                        if self.peek(*at)? != open + 2 {
                            break 'child;
                        }
                        *at += 1;
                        self.close();
                    }
                    _ => *at = self.scalar(*at)?,
                }
                // A value is over, and with it perhaps the containers that it ends.
                loop {
                    self.value_ends(at);
                    if self.depth == 0 {
                        return Ok(());
                    }
                    self.white_space(at);
                    match (self.peek(*at)?, self.level.object) {
                        (b',', _) => {
                            *at += 1;
                            self.white_space(at);
                            break;
                        }
                        (b'}', true) | (b']', false) => {
                            *at += 1;
                            self.close();
                        }
                        _ => return Err(Stop::Bad),
                    }
                }
            }
            let selected = match self.level.object {
                true => self.member(at)?,
                false => self.element(*at),
            };
            if let Some(sel) = selected {
                self.muted = Some(Muted { begin: *at, depth: self.depth, sel });
            }
        }
    }

    #[inline(always)]
    fn peek(&self, at: usize) -> Result<u8, Stop> {
        self.bytes.get(at).copied().ok_or(Stop::End)
    }

    /// Skips white space, which is not copied.
    #[inline(always)]
    fn white_space(&mut self, at: &mut usize) {
        if self.bytes.get(*at).is_some_and(|byte| *byte <= b' ') {
            *at = self.behind_white_space(*at);
        }
    }

    #[cold]
    fn behind_white_space(&mut self, at: usize) -> usize {
        self.flush(at);
        let behind = at + scan::blanks(&self.bytes[at..]);
        if self.muted.is_none() {
            self.copied = behind;
        }
        behind
    }

    /// Writes what was not yet, up to a place. Nothing while a hidden value is passed over.
    fn flush(&mut self, to: usize) {
        if self.muted.is_none() {
            self.out.push_str(&self.text[self.copied..to]);
            self.copied = to;
        }
    }

    #[inline(always)]
    fn open(&mut self, object: bool, at: &mut usize) -> Result<(), Stop> {
        if self.depth == DEEPEST {
            return Err(Stop::Bad);
        }
        if self.level.role == Role::Pointer && !object {
            self.path_in_pieces(*at);
        }
        // Most JSON in strings is flat: nothing is allocated for it.
        if self.depth > 0 {
            self.around.push(self.level);
        }
        self.level = Level::new(object, self.early.len());
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        *at += 1;
        self.white_space(at);
        Ok(())
    }

    #[inline(always)]
    fn close(&mut self) {
        self.early.truncate(self.level.early);
        self.level = self.around.pop().unwrap_or(Level::new(false, 0));
        self.depth -= 1;
    }

    /// The value of a pair begins: its name is known, or is still to come.
    #[inline(never)]
    fn value_of_pair(&mut self, begin: usize) -> Option<Sel> {
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

    /// Reads a string that is a value, or an element; the place behind it.
    #[inline(always)]
    fn string(&mut self, begin: usize) -> Result<usize, Stop> {
        let quoted = scan::string(self.bytes, begin + 1)?;
        let role = self.level.role;
        let plain = !quoted.telling()
            && !quoted.escaped()
            && !quoted.spaced()
            && !self.detects
            && self.walks.is_none()
            && self.level.element != 1
            && self.bytes[begin + 1] != b'-'
            && !matches!(role, Role::Name | Role::Pointer);
        if !plain && self.muted.is_none() {
            self.look_inside(begin, quoted)?;
        }
        Ok(quoted.end() + 1)
    }

    /// Masks inside of a string that may hide something, and tells what its pair is named.
    #[inline(never)]
    fn look_inside(&mut self, begin: usize, quoted: Quoted) -> Result<(), Stop> {
        let raw = &self.text[begin + 1..quoted.end()];
        if self.level.element == 1 {
            self.pair_begins(begin, raw);
        }
        let one_follows = || comma_behind(&self.bytes[quoted.end() + 1..]).is_some();
        if raw.starts_with('-') && !self.level.object && !fields::has(raw, b'=') && one_follows() {
            self.option = self.scope.find_told(raw.trim_start_matches('-'));
        }
        let role = self.level.role;
        let names = matches!(role, Role::Name | Role::Pointer);
        let plain =
            !quoted.telling() && !quoted.escaped() && !self.scope.rules.detectors().may_find(raw);
        let spaced = || quoted.spaced() && value::may_hide(raw);
        let hides = !plain || self.walks.is_some() || spaced();
        if !hides && !names {
            return Ok(());
        }
        if !self.scope.spend(if quoted.escaped() { ESCAPED } else { 0 }) || !self.scope.may_go_on()
        {
            return Err(Stop::Bad);
        }
        let mut decoded = String::new();
        let text = match quoted.escaped() {
            false => raw,
            true => {
                decoded = self.scope.empty_text();
                self.halved |= scan::unescape_to(&mut decoded, raw);
                &decoded
            }
        };
        if names {
            self.named(role, text);
        }
        if !hides {
            return Ok(());
        }
        // Paths go on in a document that it holds.
        let reached = self.walks.as_ref().map(|(walk, other)| (walk.reached(), other.reached()));
        let reached = reached.unwrap_or_default();
        let masked = self.scope.at(reached, |scope| value::inside(text, scope));
        if let Cow::Owned(masked) = masked {
            self.flush(begin);
            push_string(self.out, &masked);
            self.copied = quoted.end() + 1;
        }
        if quoted.escaped() {
            self.scope.text_over(decoded);
        }
        Ok(())
    }

    /// Reads a number or a literal; the place behind it.
    #[inline(always)]
    fn scalar(&mut self, begin: usize) -> Result<usize, Stop> {
        let end = scan::scalar(self.bytes, begin, !self.cut)?;
        // The number of a card may be written as one.
        if self.detects && self.muted.is_none() {
            self.look_at_number(begin, end);
        }
        Ok(end)
    }

    fn look_at_number(&mut self, begin: usize, end: usize) {
        let rules = self.scope.rules;
        let number = &self.text[begin..end];
        if let Cow::Owned(masked) = rules.detectors().mask(number, self.scope) {
            self.flush(begin);
            push_string(self.out, &masked);
            self.copied = end;
        }
    }

    /// The first text of an array is there: it may be the name of what follows.
    fn pair_begins(&mut self, begin: usize, raw: &str) {
        let end = begin + raw.len() + 2;
        let Some(comma) = comma_behind(&self.bytes[end..]) else { return };
        let name = match raw.contains('\\') {
            true => Cow::Owned(scan::unescape(raw).0),
            false => Cow::Borrowed(raw),
        };
        let Some(sel) = self.scope.find_told(&name) else { return };
        let in_list = self.depth > 1 && self.around.last().is_some_and(|level| !level.object);
        let (before, rest) = (&self.text[..begin], &self.text[end + comma..]);
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

    #[inline(always)]
    fn value_ends(&mut self, at: &mut usize) {
        if self.muted.is_some() {
            let depth = self.depth;
            let Some(muted) = self.muted.take_if(|muted| muted.depth == depth) else { return };
            *at = self.hide(&muted, *at);
        }
        if self.walks.is_some() {
            self.walk_back();
        }
        if self.level.role != Role::None {
            let has_early = self.early.len() > self.level.early && self.level.named.is_none();
            if self.level.role == Role::Value && has_early {
                self.early_value_ends(*at);
            }
            self.level.role = Role::None;
        }
    }

    #[inline(never)]
    fn early_value_ends(&mut self, at: usize) {
        self.flush(at);
        if let Some(early) = self.early.last_mut() {
            (early.input.end, early.output.end) = (at, self.out.len());
        }
    }

    /// Writes what stands for a hidden value that ends at `at`; where the text goes on.
    #[inline(never)]
    fn hide(&mut self, muted: &Muted, at: usize) -> usize {
        let rules = self.scope.rules;
        if matches!(rules.how_of(muted.sel), How::Redact) && !rules.finds_echoes() {
            self.scope.redacted(muted.sel);
            self.flush(muted.begin);
            self.out.push_str(QUOTED);
            self.copied = at;
            return at;
        }
        let value = value_of(&self.text[muted.begin..at]);
        let instead = self.scope.instead(muted.sel, value.borrowed());
        self.replace(muted, instead, at)
    }

    fn replace(&mut self, muted: &Muted, instead: Option<Cow<'_, str>>, at: usize) -> usize {
        self.flush(muted.begin);
        self.copied = at;
        match (instead, self.level.member_out) {
            (Some(instead), _) => push_string(self.out, &instead),
            // The value of a pair does not go with its name.
            (None, None) => push_string(self.out, REDACTED),
            (None, Some(member_out)) => {
                self.out.truncate(member_out);
                // The comma before it goes, or else the one behind it.
                if self.out.ends_with(',') {
                    self.out.pop();
                } else if let Some(comma) = comma_behind(&self.bytes[at..]) {
                    self.copied = at + comma;
                    return at + comma - 1;
                }
            }
        }
        at
    }
}
