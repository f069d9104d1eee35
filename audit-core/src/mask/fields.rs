//! Names of form fields and of multipart parts: how they are decoded, and what selects them.

use std::{borrow::Cow, string::FromUtf8Error};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    names::Says,
    part::Of,
    paths::{Child, Reached, Walk},
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
    value::may_hide,
};

/// Where a separator is, or else the end. Most are near, which a search over many bytes at once
/// is slow to find.
pub(super) fn find(separator: u8, text: &str) -> usize {
    let bytes = text.as_bytes();
    let near = bytes.len().min(16);
    match bytes[..near].iter().position(|b| *b == separator) {
        Some(at) => at,
        None if near == bytes.len() => near,
        None => memchr::memchr(separator, &bytes[near..]).map_or(bytes.len(), |at| near + at),
    }
}

/// Whether a byte is in a text.
pub(super) fn has(text: &str, byte: u8) -> bool {
    find(byte, text) < text.len()
}

/// What a form's reader makes of a name or value. `false`: it is not UTF-8, and was mended.
pub(super) fn decode(text: &str) -> (Cow<'_, str>, bool) {
    if !is_coded(text) {
        return (Cow::Borrowed(text), true);
    }
    let mut decoded = String::new();
    let valid = decode_to(&mut decoded, text);
    (Cow::Owned(decoded), valid)
}

/// The same if it is another text.
pub(super) fn decoded(text: &str) -> Option<String> {
    match decode(text).0 {
        Cow::Owned(decoded) => Some(decoded),
        Cow::Borrowed(_) => None,
    }
}

/// The same with the memory of a buffer.
pub(super) fn decode_in<'b>(buffer: &'b mut String, text: &'b str) -> &'b str {
    if !is_coded(text) {
        return text;
    }
    decode_to(buffer, text);
    buffer
}

/// Whether something in a text stands for something else.
fn is_coded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let near = bytes.len().min(16);
    let first = match bytes[..near].iter().position(|b| (*b == b'%') | (*b == b'+')) {
        Some(at) => at,
        None => memchr::memchr2(b'%', b'+', &bytes[near..]).map_or(bytes.len(), |at| near + at),
    };
    (first..bytes.len()).any(|at| match &bytes[at..] {
        [b'+', ..] => true,
        [b'%', high, low, ..] => hex(*high, *low).is_some(),
        _ => false,
    })
}

/// The same as [`decode`], in place of what a buffer holds.
fn decode_to(buffer: &mut String, text: &str) -> bool {
    let mut bytes = std::mem::take(buffer).into_bytes();
    bytes.clear();
    // It gets no longer, and has its room at once.
    bytes.resize(text.len(), 0);
    let (mut rest, mut len) = (text.as_bytes(), 0);
    for slot in &mut bytes {
        let Some((byte, after)) = rest.split_first() else { break };
        (*slot, rest) = match (byte, after) {
            (b'%', [high, low, behind @ ..]) => match hex(*high, *low) {
                Some(code) => (code, behind),
                None => (b'%', after),
            },
            (b'+', _) => (b' ', after),
            _ => (*byte, after),
        };
        len += 1;
    }
    bytes.truncate(len);
    let valid = String::from_utf8(bytes);
    let mend = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    let is_valid = valid.is_ok();
    *buffer = valid.unwrap_or_else(mend);
    is_valid
}

/// What a name or value is at each time of decoding, one after the other: what forwards a form
/// encodes it again.
#[derive(Default)]
pub(super) struct Decodings {
    now: String,
    before: String,
}

/// Most times that a text is decoded.
const TIMES: usize = 4;

impl Decodings {
    /// Looks for something in each decoding of a text, as long as what comes out `goes_on`. Errs
    /// when there were too many.
    pub(super) fn find<T>(
        &mut self,
        text: &str,
        goes_on: fn(&str) -> bool,
        scope: &mut Scope<'_>,
        mut look: impl FnMut(&str, &mut Scope<'_>) -> Result<Option<T>, Unparsable>,
    ) -> Result<Option<T>, Unparsable> {
        // Nothing becomes something else.
        if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
            return match scope.spend(LOOKED_AT + of_length(text)) {
                true => look(text, scope),
                false => Err(Unparsable),
            };
        }
        for times in 0..TIMES {
            let before = if times == 0 { text } else { &self.before };
            if !scope.spend(DECODED + of_length(before)) {
                return Err(Unparsable);
            }
            decode_to(&mut self.now, before);
            let same = self.now == *before;
            if times > 0 && same {
                break;
            }
            if let Some(found) = look(&self.now, scope)? {
                return Ok(Some(found));
            }
            if same || !goes_on(&self.now) {
                break;
            }
            std::mem::swap(&mut self.now, &mut self.before);
        }
        Ok(None)
    }
}

/// Steps of the bytes of a text: a long one has left the caches when it is looked at again.
fn of_length(text: &str) -> usize {
    let len = text.len();
    len / 4 + if len > 256 { len / 2 } else { 0 }
}

/// Steps of a decoding, its bytes aside.
const DECODED: usize = 18;
/// Steps where there is nothing to decode.
const LOOKED_AT: usize = 12;

/// The byte that two digits of an escape stand for.
#[inline]
fn hex(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
    ((high | low) < 16).then_some(high << 4 | low)
}

/// What each digit of an escape stands for; 255 where it is none.
static DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut at = 0;
    while at < 16 {
        digits[b"0123456789abcdef"[at] as usize] = at as u8;
        digits[b"0123456789ABCDEF"[at] as usize] = at as u8;
        at += 1;
    }
    digits
};

/// Encodes as a form's writer does, as much as is needed to read it back.
pub(super) fn encode(out: &mut String, text: &str) {
    const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'*')
        .remove(b'[')
        .remove(b']');
    for (at, piece) in text.split(' ').enumerate() {
        if at > 0 {
            out.push('+');
        }
        out.extend(utf8_percent_encode(piece, KEPT));
    }
}

/// Whether nothing can hide inside of a value, by its bytes alone.
pub(super) fn is_plain(text: &str, scope: &Scope<'_>) -> bool {
    // A name, a sign and a value are three bytes.
    if text.len() < SHORTEST {
        return true;
    }
    let all = all_of(text);
    let quiet = all & TELLING == 0 || (all & SIGN == 0 && !may_hide(text));
    quiet && !scope.rules.detectors().may_find(text)
}

/// Shortest text in which something can hide.
pub(super) const SHORTEST: usize = 3;

/// May tell of something inside of a value.
pub(super) const TELLING: u8 = 1;
/// Stands for something else in a name, or ends it for some readers.
pub(super) const CODED: u8 = 2;
/// Is in no name of a form.
pub(super) const FOREIGN: u8 = 4;
/// Begins a name in a name.
pub(super) const NESTED: u8 = 8;
/// Is more than words of prose are made of.
const SIGN: u8 = 16;

/// What each byte may mean, so that one look at each is enough.
pub(super) static MEANINGS: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < TELLS.len() {
        table[TELLS[at] as usize] |= TELLING;
        at += 1;
    }
    at = 0;
    while at < CODES.len() {
        table[CODES[at] as usize] |= CODED;
        at += 1;
    }
    at = 0;
    while at < STRANGE.len() {
        table[STRANGE[at] as usize] |= FOREIGN;
        at += 1;
    }
    table[b'[' as usize] |= NESTED;
    at = 0;
    while at < 0x80 {
        let byte = at as u8;
        let prose =
            byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.' | b',' | b'!' | b'?');
        table[at] |= if prose { 0 } else { SIGN };
        at += 1;
    }
    table
};
const TELLS: &[u8] = b"=:/ %+{[>-\"<\t|'";
const CODES: &[u8] = b"%+\0";
const STRANGE: &[u8] = b"\"{}<>\\";

/// What the bytes of a text may mean, together.
#[inline]
pub(super) fn all_of(text: &str) -> u8 {
    text.bytes().fold(0, |all, byte| all | MEANINGS[usize::from(byte)])
}

/// Finds what selects fields, by name and by path.
#[derive(Default)]
pub(super) struct Fields {
    walk: Walk,
}

/// Steps of a name that paths are looked for in, and of each of its segments.
const WALKED: usize = 2;
const SEGMENT: usize = 2;

impl Fields {
    /// What the name of a field says which has no escapes; it may hold other names, `nested`.
    /// Errs when there were too many.
    #[inline]
    pub(super) fn says(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
        nested: bool,
    ) -> Result<Says, Unparsable> {
        let mut says = scope.known.says(scope.rules, Of::Form, name, name.len());
        if says.selected.is_none() && nested {
            says.selected = inner(scope, name);
        }
        if says.selected.is_none() && may_be_path(name, scope) {
            says.selected = self.by_path(scope, name)?;
        }
        Ok(says)
    }

    /// The selector of the field that is named so, decoded. Errs when there were too many.
    pub(super) fn find(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
    ) -> Result<Option<Sel>, Unparsable> {
        match scope.find(Of::Form, name) {
            Some(found) => Ok(Some(found)),
            None => self.find_otherwise(scope, name),
        }
    }

    /// The same where the name itself selects nothing.
    pub(super) fn find_otherwise(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
    ) -> Result<Option<Sel>, Unparsable> {
        if let Some(found) = inner(scope, name) {
            return Ok(Some(found));
        }
        // What reads a name up to its NUL, or without them, reads another one.
        if has(name, b'\0') {
            let found = name.split('\0').next().and_then(|first| one(scope, first));
            let found = found.or_else(|| one(scope, &name.replace('\0', "")));
            if found.is_some() {
                return Ok(found);
            }
        }
        // `%u0070assword`, which some servers decode.
        if let Some(decoded) = old_escapes(name)
            && let Some(found) = one(scope, &decoded)
        {
            return Ok(Some(found));
        }
        if may_be_path(name, scope) { self.by_path(scope, name) } else { Ok(None) }
    }

    /// Where the field of this name lies in paths, for a document that its value may hold.
    pub(super) fn reached(&mut self, scope: &Scope<'_>, name: &str) -> (Reached, Reached) {
        let mut of = |paths: &[_]| {
            self.walk.begin(paths);
            for segment in segments(name).take(64) {
                self.walk.look(paths, child(segment));
            }
            self.walk.reached()
        };
        match scope.rules.has_paths() && scope.spend(WALKED) {
            true => (of(scope.rules.paths()), of(scope.rules.excepted_paths())),
            false => Default::default(),
        }
    }

    fn by_path(&mut self, scope: &Scope<'_>, name: &str) -> Result<Option<Sel>, Unparsable> {
        if !scope.spend(WALKED) {
            return Err(Unparsable);
        }
        let mut selected = None;
        for (paths, excepted) in
            [(scope.rules.paths(), false), (scope.rules.excepted_paths(), true)]
        {
            if paths.is_empty() {
                continue;
            }
            self.walk.begin(paths);
            for segment in segments(name).take(64) {
                if !scope.spend(SEGMENT) {
                    return Err(Unparsable);
                }
                let found = self.walk.look(paths, child(segment));
                match (found, excepted) {
                    (Some(_), true) => return Ok(None),
                    (Some(at), false) => selected = selected.or(Some(scope.rules.of_path(at))),
                    (None, _) => {}
                }
            }
        }
        Ok(selected)
    }
}

/// What one of the names in a name leads to.
fn child(segment: &str) -> Child<'_> {
    let digits = segment.starts_with(|c: char| c.is_ascii_digit() || c == '+');
    match segment {
        "" => Child::SomeElement,
        _ if !digits => Child::Member(segment),
        _ => segment.parse().map_or(Child::Member(segment), Child::Element),
    }
}

/// Whether as many names are in a name as the shortest path has.
pub(super) fn may_be_path(name: &str, scope: &Scope<'_>) -> bool {
    let rules = scope.rules;
    rules.has_paths()
        && (rules.fewest_steps() <= 1
            || name.bytes().any(|b| matches!(b, b'.' | b'[' | b']'))
                && segments(name).take(rules.fewest_steps()).count() == rules.fewest_steps())
}

fn one(scope: &Scope<'_>, name: &str) -> Option<Sel> {
    scope.find(Of::Form, name).or_else(|| inner(scope, name))
}

/// Everything below a selected name goes with it: `card[number]`.
fn inner(scope: &Scope<'_>, name: &str) -> Option<Sel> {
    let (first, mut rest) = split(name, |b| b == b'[');
    rest?;
    if let Some(found) = scope.find(Of::Form, first) {
        return Some(found);
    }
    let mut looked = 0;
    while let Some(names) = rest
        && looked < MOST_INNER
    {
        let (segment, behind) = split(names, |b| matches!(b, b'[' | b']'));
        rest = behind;
        if !segment.is_empty() {
            looked += 1;
            if let Some(found) = scope.find(Of::Form, segment) {
                return Some(found);
            }
        }
    }
    None
}

/// Most names in a name that are looked at.
const MOST_INNER: usize = 16;

/// What is before the first byte that separates, and what is behind it if there is one.
pub(super) fn split(text: &str, separates: impl Fn(u8) -> bool) -> (&str, Option<&str>) {
    match text.bytes().position(separates) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The names in a name; an empty one for each `[]`.
fn segments(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '[']).flat_map(|piece| {
        let names = piece.split(']').filter(|name| !name.is_empty());
        names.chain((piece == "]").then_some(""))
    })
}

fn old_escapes(name: &str) -> Option<String> {
    if !has(name, b'%') || !name.contains("%u") {
        return None;
    }
    let mut pieces = name.split("%u");
    let mut out = pieces.next()?.to_owned();
    let mut any = false;
    for piece in pieces {
        let code = piece.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                out.push_str(&piece[4..]);
                any = true;
            }
            None => out.push_str(piece),
        }
    }
    any.then_some(out)
}
