//! The name before a separator in free text.

use std::borrow::Cow;

use super::{
    super::{fields, part::Of, rules::Sel, scope::Scope},
    is_letter, name_start,
    value::REFERENCES,
};

/// Where the name before a separator ends: behind it may be white space, quotes, marks, colour
/// codes, a comment, and the first signs of an operator such as `+=`.
pub(super) fn end(text: &str, floor: usize, at: usize) -> usize {
    let bytes = text.as_bytes();
    // Most names: a colour code ends in an `m`.
    match bytes.get(floor..at).and_then(<[u8]>::last) {
        Some(last) if last.is_ascii_alphanumeric() && *last != b'm' => return at,
        Some(last) if !last.is_ascii() && text[floor..at].ends_with(is_letter) => return at,
        _ => {}
    }
    let mut end = at;
    while end > floor && at - end < 3 && is_operator(bytes[end - 1]) {
        end -= 1;
    }
    while let Some(last) = bytes.get(floor..end).and_then(<[u8]>::last) {
        let before = end;
        match last {
            b'"' | b'\'' | b'`' | b'\\' | b']' | b'*' | b'^' | 0 => end -= 1,
            b';' => {
                let before = &bytes[floor..end];
                let quote = REFERENCES.into_iter().find(|quote| before.ends_with(quote));
                end -= quote.map_or(0, <[u8]>::len);
            }
            b'/' => end = comment(&bytes[floor..end]).map_or(end, |from| floor + from),
            b'm' => end = colour(&bytes[floor..end]).map_or(end, |from| floor + from),
            last if *last <= b' ' || !last.is_ascii() => {
                end = floor + text[floor..end].trim_end().len();
            }
            _ => {}
        }
        if end == before {
            break;
        }
    }
    end
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'+' | b'|' | b'?' | b'!' | b'~' | b'*' | b'%' | b'<' | b'-')
}

/// Where the colour code begins that a text ends in.
fn colour(bytes: &[u8]) -> Option<usize> {
    let codes = bytes.strip_suffix(b"m")?;
    let len = codes.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    codes[..codes.len() - len].strip_suffix(b"\x1b[").map(<[u8]>::len)
}

/// Where the comment begins that a text ends in.
fn comment(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_suffix(b"*/")?;
    let near = inner.len().saturating_sub(256);
    inner[near..].windows(2).rposition(|two| two == b"/*").map(|from| near + from)
}

/// Where the name begins; a colour code before it is none of it.
pub(super) fn start(text: &str, floor: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    let begin = name_start(text, floor, end);
    if begin > floor && matches!(bytes[begin - 1], b'[' | b';') {
        let digits = bytes[begin..end].iter().take_while(|b| b.is_ascii_digit()).count();
        let near = &bytes[begin.saturating_sub(12)..begin];
        if bytes[begin..end].get(digits) == Some(&b'm') && near.contains(&0x1b) {
            return begin + digits + 1;
        }
    }
    begin
}

/// What selects a name that is written in another way: `db.password`, `-Dpassword`,
/// `user[password][]`, `pass%77ord`, `pass\u0077ord`. Errs when there have been too many.
pub(super) fn written_otherwise(
    text: &str,
    floor: usize,
    (begin, end): (usize, usize),
    scope: &Scope<'_>,
) -> Result<Option<Sel>, ()> {
    let bytes = text.as_bytes();
    let name = &bytes[begin..end];
    let plain = is_plain(name);
    if !plain {
        if !scope.spend(SPELLED) {
            return Err(());
        }
        if let Some(found) = spelled(&text[begin..end], true, scope) {
            return Ok(Some(found));
        }
    }
    // It says what the other one says.
    if name.len() == PROXY.len() && name.eq_ignore_ascii_case(PROXY) {
        return Ok(scope.find(Of::Field, "authorization"));
    }
    let bracket = bytes.get(end) == Some(&b']');
    let before = begin.checked_sub(1).filter(|at| *at >= floor).map(|at| bytes[at]);
    if !bracket && !matches!(before, Some(b'\\' | b'%' | b'[' | b']')) {
        return Ok(None);
    }
    let mut from = begin;
    let (mut slashed, mut coded) = (false, false);
    while from > floor && matches!(bytes[from - 1], b'\\' | b'%' | b'[' | b']') {
        slashed |= bytes[from - 1] == b'\\';
        coded |= bytes[from - 1] == b'%';
        from = name_start(text, floor, from - 1);
    }
    // `[name]` alone was looked up: signs are none of a name, unless the settings say so.
    let alone = bytes[from..begin].iter().all(|b| matches!(b, b'[' | b']'));
    let asked = matches!(before, Some(b'?' | b'&'));
    if alone && plain && !asked && !scope.rules.names_have_brackets() {
        return Ok(None);
    }
    let escapes = match (slashed, coded) {
        (true, _) => UNESCAPED,
        // No longer than one.
        (_, true) if end - from <= 4 => DECODED / 3,
        (_, true) => DECODED,
        _ => 0,
    };
    if !scope.spend(SEGMENTS + escapes + (end - from) / 2) {
        return Err(());
    }
    let raw = &text[from..end];
    let mut decoded = if slashed { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) };
    coded |= slashed && decoded.contains('%');
    for _ in 0..2 {
        // A `%` alone stands for itself.
        let Some(other) = Some(&decoded).filter(|_| coded).and_then(|text| fields::decoded(text))
        else {
            break;
        };
        coded = other.contains('%');
        decoded = Cow::Owned(other);
    }
    Ok(segments(&decoded, bracket, scope))
}

/// Whether a name is written in no other way, and no word is before it that may be one of it.
pub(super) fn is_alone(bytes: &[u8], floor: usize, (begin, end): (usize, usize)) -> bool {
    let name = &bytes[begin..end];
    let joined = |byte: &u8| matches!(byte, b' ' | b'\\' | b'%' | b'[' | b']');
    is_plain(name)
        && name.len() != PROXY.len()
        && bytes.get(end) != Some(&b']')
        && !bytes[floor..begin].last().is_some_and(joined)
}

const PROXY: &[u8] = b"proxy-authorization";
/// Steps of a name that is looked at in other spellings, and of one in brackets or with escapes.
const SPELLED: usize = 18;
const SEGMENTS: usize = 30;
/// Steps of one whose escapes are decoded.
const DECODED: usize = 45;
const UNESCAPED: usize = 20;

/// Whether nothing is in a name that it could be looked up without.
fn is_plain(name: &[u8]) -> bool {
    let edge = |b: Option<&u8>| matches!(b, Some(b'-' | b'_' | b'.'));
    !edge(name.first()) && !edge(name.last()) && name.iter().all(|byte| *byte != b'.')
}

fn segments(name: &str, bracket: bool, scope: &Scope<'_>) -> Option<Sel> {
    // A bracket behind it counts for names that the settings write so, and for no others.
    let whole = bracket.then(|| match scope.rules.names_have_brackets() {
        true => scope.find(Of::Field, &format!("{name}]")),
        false => scope.find(Of::Field, name),
    });
    let whole = whole.flatten();
    let looked = bracket && !scope.rules.names_have_brackets();
    let mut rest = Some(name).filter(|_| whole.is_none());
    while let Some(names) = rest {
        let (segment, behind) = fields::split(names, |b| matches!(b, b'[' | b']'));
        rest = behind;
        let segment = without(segment, |b| matches!(b, b' ' | b'"' | b'\'' | b':' | 0));
        if !segment.is_empty()
            && let Some(found) = spelled(segment, looked && segment.len() == name.len(), scope)
        {
            return Some(found);
        }
    }
    whole
}

/// What selects a name by another spelling, or by its own unless that was looked up before.
fn spelled(name: &str, looked: bool, scope: &Scope<'_>) -> Option<Sel> {
    let trimmed = without(name, |b| matches!(b, b'-' | b'_' | b'.'));
    if trimmed.is_empty() {
        return None;
    }
    if !(looked && trimmed.len() == name.len())
        && let Some(found) = scope.find(Of::Field, trimmed)
    {
        return Some(found);
    }
    // `-Dname`, and what commands take as `-d name=x`, `-F`, `-H`.
    let glued = name.strip_prefix('-').and_then(|rest| rest.strip_prefix(['D', 'd', 'F', 'H']));
    let defined = glued.filter(|rest| !rest.is_empty());
    let last = trimmed
        .bytes()
        .any(|b| b == b'.')
        .then(|| trimmed.rsplit('.').find(|s| !s.bytes().all(|b| b.is_ascii_digit())));
    let last = last.flatten().filter(|last| last.len() < trimmed.len());
    [defined, last].into_iter().flatten().find_map(|n| scope.find(Of::Field, n))
}

/// A name without the signs around it, which are ASCII.
fn without(name: &str, sign: impl Fn(u8) -> bool) -> &str {
    let bytes = name.as_bytes();
    let begin = bytes.iter().take_while(|b| sign(**b)).count();
    let behind = bytes[begin..].iter().rev().take_while(|b| sign(**b)).count();
    &name[begin..name.len() - behind]
}

/// Without escapes, however often they were escaped.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let (first, mut rest) = fields::split(raw, |b| b == b'\\');
    out.push_str(first);
    while let Some(after) = rest {
        let (piece, behind) = fields::split(after, |b| b == b'\\');
        rest = behind;
        let len = match piece.as_bytes().first() {
            Some(b'u') => 5,
            Some(b'x') => 3,
            _ => 0,
        };
        let code = piece.get(1..len).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                out.push_str(&piece[len..]);
            }
            None => out.push_str(piece),
        }
    }
    out
}
