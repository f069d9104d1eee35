//! Names of form fields and of multipart parts: how they are decoded, and what selects them.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    part::Of,
    paths::{Child, Walk},
    rules::Sel,
    scope::Scope,
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
    let Some(first) = text.bytes().position(|b| matches!(b, b'%' | b'+')) else {
        return (Cow::Borrowed(text), true);
    };
    let text = text.as_bytes();
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text[..first]);
    let mut at = first;
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
    match String::from_utf8(bytes) {
        Ok(text) => (Cow::Owned(text), true),
        Err(error) => (Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()), false),
    }
}

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
    text.len() < 3 || all_of(text) & TELLING == 0 && !scope.rules.detectors().may_find(text)
}

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
    walked: usize,
}

/// Most fields that paths are looked for in: each costs a step for every path.
const WALKED: usize = 20_000;

impl Fields {
    /// The selector of the field that is named so, decoded. Errs on too many fields.
    pub(super) fn find(&mut self, scope: &Scope<'_>, name: &str) -> Result<Option<Sel>, ()> {
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
        if scope.rules.has_paths() { self.by_path(scope, name) } else { Ok(None) }
    }

    fn by_path(&mut self, scope: &Scope<'_>, name: &str) -> Result<Option<Sel>, ()> {
        self.walked += 1;
        if self.walked > WALKED {
            return Err(());
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
                let index = segment.parse().ok().map(Child::Element);
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
    if !name.as_bytes().windows(2).any(|two| two == b"%u") {
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
