//! Names of form fields and of multipart parts: how they are decoded, and what selects them.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    part::Of,
    paths::{Child, Walk},
    rules::Sel,
    scope::Scope,
};

/// What a form's reader makes of a name or value. `false`: it is not UTF-8, and was mended.
pub(super) fn decode(text: &str) -> (Cow<'_, str>, bool) {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return (Cow::Borrowed(text), true);
    }
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
    match String::from_utf8(bytes) {
        Ok(text) => (Cow::Owned(text), true),
        Err(error) => (Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()), false),
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
    !scope.rules.detectors().any() && !text.bytes().any(|b| b"=:/ %+{[>-\"<\t".contains(&b))
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
