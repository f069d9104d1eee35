//! Names of form fields and of multipart parts: how they are decoded, and what selects them.

use std::{borrow::Cow, string::FromUtf8Error};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    part::Of,
    paths::{Child, Walk},
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
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

/// What a form's reader makes of a name or value. `false`: it is not UTF-8, and was mended.
pub(super) fn decode(text: &str) -> (Cow<'_, str>, bool) {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return (Cow::Borrowed(text), true);
    }
    let mut decoded = String::new();
    let valid = decode_to(&mut decoded, text);
    (Cow::Owned(decoded), valid)
}

/// The same, in place of what a buffer holds.
fn decode_to(buffer: &mut String, text: &str) -> bool {
    let mut bytes = std::mem::take(buffer).into_bytes();
    bytes.clear();
    bytes.reserve(text.len());
    let text = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let code = match (byte, text.get(at + 1), text.get(at + 2)) {
            (b'%', Some(high), Some(low)) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => bytes.push(high << 4 | low),
            None => bytes.push(if *byte == b'+' { b' ' } else { *byte }),
        }
        at += if code.is_some() { 3 } else { 1 };
    }
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
        for times in 0..TIMES {
            let before = if times == 0 { text } else { &self.before };
            if !scope.spend(DECODED + before.len() / 4) {
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

/// Steps of a decoding, a quarter of its bytes aside.
const DECODED: usize = 15;

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' | b'A'..=b'F' => Some((digit | 0x20) - b'a' + 10),
        _ => None,
    }
}

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
    text.len() < SHORTEST || all_of(text) & TELLING == 0 && !scope.rules.detectors().may_find(text)
}

/// Shortest text in which something can hide.
pub(super) const SHORTEST: usize = 3;

/// May tell of something inside of a value.
pub(super) const TELLING: u8 = 1;
/// Stands for something else in a name, or ends it for some readers.
pub(super) const CODED: u8 = 2;
/// Is in no name of a form.
pub(super) const FOREIGN: u8 = 4;

/// What each byte may mean, so that one look at each is enough.
const MEANINGS: [u8; 256] = {
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
    table
};
const TELLS: &[u8] = b"=:/ %+{[>-\"<\t";
const CODES: &[u8] = b"%+[\0";
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
const WALKED: usize = 3;
const SEGMENT: usize = 3;

impl Fields {
    /// The selector of the field that is named so, decoded. Errs when there were too many.
    pub(super) fn find(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
    ) -> Result<Option<Sel>, Unparsable> {
        if let Some(found) = one(scope, name) {
            return Ok(Some(found));
        }
        // What reads a name up to its NUL, or without them, reads another one.
        if name.contains('\0') {
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
                let digits = segment.starts_with(|c: char| c.is_ascii_digit() || c == '+');
                let index = if digits { segment.parse().ok().map(Child::Element) } else { None };
                let found = self.walk.look(paths, index.unwrap_or(Child::Member(segment)));
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

/// Whether as many names are in a name as the shortest path has.
pub(super) fn may_be_path(name: &str, scope: &Scope<'_>) -> bool {
    let rules = scope.rules;
    rules.has_paths()
        && (rules.fewest_steps() <= 1
            || name.bytes().any(|b| matches!(b, b'.' | b'[' | b']'))
                && segments(name).take(rules.fewest_steps()).count() == rules.fewest_steps())
}

fn one(scope: &Scope<'_>, name: &str) -> Option<Sel> {
    scope.find(Of::Form, name).or_else(|| {
        // Everything below a selected name goes with it: `card[number]`.
        let (first, rest) = name.split_once('[')?;
        let inner = rest.split(['[', ']']).filter(|s| !s.is_empty()).take(16);
        std::iter::once(first).chain(inner).find_map(|segment| scope.find(Of::Form, segment))
    })
}

fn segments(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '[', ']']).filter(|segment| !segment.is_empty())
}

fn old_escapes(name: &str) -> Option<String> {
    if !memchr::memchr_iter(b'%', name.as_bytes()).any(|at| name[at + 1..].starts_with('u')) {
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
