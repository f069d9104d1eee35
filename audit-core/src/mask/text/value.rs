//! Where the value after a name in free text begins and ends.

use super::block;

/// A value in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) begin: usize,
    /// `None`: its quote or bracket is never closed.
    pub(super) end: Option<usize>,
}

impl Found {
    const fn nothing(at: usize) -> Self {
        Self { begin: at, end: Some(at) }
    }
}

pub(super) const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// The value after a `=` or `:` that ends at `at`.
pub(super) fn after(text: &str, at: usize) -> Found {
    let bytes = text.as_bytes();
    let mut begin = at;
    // `:=`, `==`, `=>`, `::`, and the end of `**password:**`.
    while matches!(bytes.get(begin), Some(b'=' | b'>' | b':')) {
        begin += 1;
    }
    if bytes[begin..].starts_with(b"**") {
        begin += 2;
    }
    let operator = begin;
    begin = blank(text, begin);
    if bytes[begin..].starts_with(b"-----BEGIN") {
        return Found { begin, end: block::armour(text, begin) };
    }
    // On a line of its own stands rather the next name.
    if bytes[operator..begin].contains(&b'\n') && is_named(bytes, begin) {
        return Found::nothing(begin);
    }
    if let Some(typed) = behind_type(bytes, begin) {
        let next = blank(text, typed);
        let value = one(text, next);
        let named = bytes[typed..next].contains(&b'\n') && is_named(bytes, next);
        if value.end != Some(value.begin) && !named {
            return Found { begin, ..value };
        }
    }
    let mut from = begin;
    // `!!str x`, `&anchor x`.
    while matches!(bytes.get(from), Some(b'!' | b'&')) && begin > at {
        // No further than a name is long: what is behind may be looked at again and again.
        let near = bytes[from..].iter().take(MARK);
        let len = near.take_while(|b| !b.is_ascii_whitespace()).count();
        if len < 2 || !matches!(bytes.get(from + len), Some(b' ' | b'\t')) {
            break;
        }
        from += len;
        from += bytes[from..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    }
    let value = one(text, from);
    match value.end {
        // The mark alone was the value.
        Some(end) if from > begin => Found { begin, end: Some(end.max(from)) },
        _ if from > begin => Found { begin, ..value },
        _ => value,
    }
}

/// Longest type or anchor of a value in YAML.
const MARK: usize = 128;

/// Behind white space, colour codes and comments, and what readers take for them.
fn blank(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = at;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &bytes[at..];
        let near = &rest[..rest.len().min(256)];
        let quoted = |from: usize| {
            near[from..].iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| is_quote(*b))
        };
        at += match rest {
            [0x1b, b'[', ..] => {
                let codes = near[2..].iter().take_while(|b| b.is_ascii_digit() || **b == b';');
                match codes.count() {
                    len if near.get(2 + len) == Some(&b'm') => 3 + len,
                    _ => return at,
                }
            }
            [b'/', b'*', ..] => match memchr::memmem::find(near, b"*/") {
                Some(end) => end + 2,
                None => return at,
            },
            [b'#', ..] => match memchr::memchr(b'\n', near) {
                Some(end) if quoted(end) => end,
                _ => return at,
            },
            [b',', ..] if quoted(1) => 1,
            [b'=', b' ', ..] => 1,
            _ => return at,
        };
    }
}

/// Whether a name with a `:` or `=` begins here.
pub(super) fn is_named(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..];
    let len = rest.iter().take_while(|b| is_word(**b) || matches!(b, b'_' | b'-' | b'.')).count();
    let spaces = rest[len..].iter().take_while(|b| **b == b' ').count();
    len > 0 && matches!(rest.get(len + spaces), Some(b'=' | b':'))
}

/// Behind the `=` of `String = "x"`, after a type.
fn behind_type(bytes: &[u8], at: usize) -> Option<usize> {
    let near = &bytes[at..bytes.len().min(at + 80)];
    let first = near.first()?;
    if !first.is_ascii_alphabetic() && !matches!(first, b'[' | b'&' | b'_') {
        return None;
    }
    // Before the first one there is nothing but the type, or no type.
    let equals = memchr::memchr(b'=', near)?;
    let reference = usize::from(*first == b'&');
    let of_type = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'!' | b'[' | b']' | b'<' | b'>' | b'?' | b'.' | b':')
    };
    let typed = &near[reference..equals.max(reference)];
    let spaces = typed.iter().rev().take_while(|b| **b == b' ').count();
    if spaces == 0 && is_padded(typed, &near[equals..]) {
        return None;
    }
    typed[..typed.len() - spaces].iter().all(of_type).then_some(at + equals + 1)
}

/// Whether the signs behind a word are the end of its Base64, rather than one before a value.
fn is_padded(word: &[u8], behind: &[u8]) -> bool {
    let signs = behind.iter().take_while(|b| **b == b'=').count();
    signs <= 2
        && (word.len() + signs).is_multiple_of(4)
        && behind.get(signs).is_none_or(u8::is_ascii_whitespace)
        && word.iter().skip(1).any(|b| matches!(b, b'0'..=b'9' | b'A'..=b'Z'))
}

/// The value that begins here.
fn one(text: &str, at: usize) -> Found {
    let bytes = text.as_bytes();
    let mut at = at;
    if bytes[at..].starts_with(b"Some(") {
        at = blank(text, at + 5);
    }
    let get = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    // `b"x"`, `$'x'`.
    let prefix = bytes[at..]
        .iter()
        .take(3)
        .take_while(|b| b.is_ascii_alphabetic() || **b == b'$' || **b == b'@');
    let prefix = prefix.count();
    if prefix < 3 && is_quote(get(at + prefix)) {
        at += prefix;
    }
    if let Some(found) = careted(bytes, at).or_else(|| referred(bytes, at)) {
        return found;
    }
    let escapes = bytes[at..].iter().take_while(|b| **b == b'\\').count();
    match bytes.get(at + escapes) {
        Some(quote) if is_quote(*quote) => {
            let quoted = Quoted::read(bytes, at + escapes + 1, *quote, escapes);
            let end = quoted.end.and_then(|(end, next)| {
                let own = Some(*quote).filter(|_| escapes == 0);
                more(bytes, next, own).map(|on| if on > next { on } else { end })
            });
            Found { begin: quoted.begin, end }
        }
        Some(b'[' | b'{' | b'(') if escapes == 0 => grouped(bytes, at, at),
        Some(b'$') if matches!(get(at + 1), b'(' | b'{') => grouped(bytes, at, at + 1),
        Some(byte) if !ends_always(*byte) => word(bytes, at, at),
        // A password may begin with anything.
        Some(b')' | b'}' | b']') if is_word(get(at + 1)) => word(bytes, at, at + 1),
        Some(b',' | b';' | b'&') if !begins_something(bytes, at + 1) => word(bytes, at, at + 1),
        _ => Found::nothing(at),
    }
}

/// `^\^"x^\^"`, as a command for Windows has it.
fn careted(bytes: &[u8], at: usize) -> Option<Found> {
    let signs = bytes[at..].iter().take(16).take_while(|b| matches!(b, b'^' | b'\\')).count();
    let open = bytes.get(at..=at + signs)?;
    if !open.starts_with(b"^") || !open.ends_with(b"\"") {
        return None;
    }
    let begin = at + open.len();
    Some(Found { begin, end: memchr::memmem::find(&bytes[begin..], open).map(|len| begin + len) })
}

/// Quotes, as HTML has them in attributes.
pub(super) const REFERENCES: [&[u8]; 6] =
    [b"&quot;", b"&#34;", b"&#x22;", b"&apos;", b"&#39;", b"&#x27;"];

/// `&quot;x&quot;`.
fn referred(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = bytes[at..].strip_prefix(b"&").map(|_| &bytes[at..])?;
    let quote = REFERENCES.into_iter().find(|quote| rest.starts_with(quote))?;
    let begin = at + quote.len();
    Some(Found { begin, end: memchr::memmem::find(&bytes[begin..], quote).map(|len| begin + len) })
}

fn word(bytes: &[u8], begin: usize, from: usize) -> Found {
    let end = unquoted(bytes, from);
    // `Secret("x")`: the word is a constructor.
    match bytes.get(end) {
        Some(b'(' | b'[' | b'{') => grouped(bytes, begin, end),
        // `Secret { inner: "x" }`, `Just "x"`.
        Some(b' ') if bytes[begin].is_ascii_uppercase() => match bytes.get(end + 1) {
            Some(b'{') => grouped(bytes, begin, end + 1),
            Some(b'"') => {
                let quoted = Quoted::read(bytes, end + 2, b'"', 0);
                Found { begin, end: quoted.end.map(|(_, next)| next) }
            }
            _ => Found { begin, end: Some(end) },
        },
        _ => Found { begin, end: Some(digit_groups(bytes, begin, end)) },
    }
}

/// The end of a word: an unquoted value.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(byte) if !ends_always(*byte) && !is_quote(*byte) => unquoted(bytes, at).max(at),
        _ => at,
    }
}

/// Where what is written directly behind a closing quote or bracket ends: it belongs to the
/// value, as in `"a""b"`, `'a'\''b'`, `{SSHA}x`. `None`: it does not end.
fn more(bytes: &[u8], at: usize, own: Option<u8>) -> Option<usize> {
    let mut at = at;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        at = match byte {
            byte if is_word(*byte) => unquoted(bytes, at).max(at + 1),
            b'!' | b'#' | b'$' | b'%' | b'^' | b'~' | b'?' | b'/' if is_word(next) => {
                unquoted(bytes, at).max(at + 1)
            }
            b'\\' if own == Some(next) => at + 2,
            quote
                if is_quote(*quote)
                    && (is_word(next)
                        || (own == Some(*quote) && !ends_always(next) && !is_quote(next))) =>
            {
                Quoted::read(bytes, at + 1, *quote, 0).end?.1
            }
            _ => break,
        };
    }
    Some(at)
}

/// What stands in quotes.
struct Quoted {
    begin: usize,
    /// Where it ends, and what follows its closing quote. `None`: it has none.
    end: Option<(usize, usize)>,
}

impl Quoted {
    /// Behind an opening quote before which there are this many backslashes; a quote behind more
    /// of them is an escaped one inside.
    fn read(bytes: &[u8], begin: usize, quote: u8, escapes: usize) -> Self {
        let triple = escapes == 0 && bytes[begin..].starts_with(&[quote; 2]);
        // An empty text, and something behind it: `""x"`.
        let triple = triple && bytes.get(begin + 2).is_some();
        let begin = if triple { begin + 2 } else { begin };
        let mut at = begin;
        while let Some(found) = memchr::memchr(quote, &bytes[at..]) {
            let close = at + found;
            // Never before the value's begin: those backslashes are the opening's.
            let slashes = bytes[begin..close].iter().rev().take_while(|b| **b == b'\\').count();
            at = close + 1;
            if triple && !bytes[at..].starts_with(&[quote; 2]) {
                continue;
            }
            // A shell's `'` in `'…'`.
            if quote == b'"' && bytes[..close].ends_with(b"'") && bytes[at..].starts_with(b"'\"'") {
                at += 3;
                continue;
            }
            // An even number of them escapes each other.
            let is_escaped = slashes > escapes && !(escapes == 0 && slashes % 2 == 0);
            if is_escaped {
                continue;
            }
            let end = close - slashes.min(escapes);
            // SQL writes a quote inside as two.
            if !triple && quote == b'\'' && end > begin && bytes.get(at) == Some(&quote) {
                at += 1;
                continue;
            }
            return Self { begin, end: Some((end, if triple { at + 2 } else { at })) };
        }
        Self { begin, end: None }
    }
}

/// From an opening bracket to its closing one, quoted text inside left aside.
fn grouped(bytes: &[u8], begin: usize, from: usize) -> Found {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Found { begin, end: more(bytes, at + 1, None) };
                }
            }
            // `'` only where a text begins: `it's`.
            b'"' | b'\'' if *byte == b'"' || !bytes.get(at - 1).is_some_and(|b| is_word(*b)) => {
                let escapes = bytes[from..at].iter().rev().take_while(|b| **b == b'\\').count();
                match Quoted::read(bytes, at + 1, *byte, escapes).end {
                    Some((_, next)) => at = next - 1,
                    None => break,
                }
            }
            _ => {}
        }
        at += 1;
    }
    Found { begin, end: None }
}

/// Ends every unquoted value.
fn ends_always(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b',' | b';' | b'&' | b')' | b'}' | b']'
    )
}

/// An unquoted value ends at white space; and at a separator or quote if what follows looks like
/// something else: passwords hold them too.
pub(super) fn unquoted(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin;
    while let Some(byte) = bytes.get(at) {
        let over = match byte {
            // A shell's escaped space.
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                at == begin || bytes[at - 1] != b'\\' || bytes.get(at + 1).is_none()
            }
            b'(' | b'[' | b'{' => at > begin && next_is_quote(bytes, at + 1),
            b',' | b';' | b'&' => begins_something(bytes, at + 1),
            b')' | b'}' | b']' | b'"' | b'\'' | b'`' => {
                let slashes = bytes[begin..at].iter().rev().take_while(|b| **b == b'\\').count();
                if is_quote(*byte) && slashes > 0 {
                    return at - slashes;
                }
                // All brackets at once, so that none is looked at twice.
                let closes = |b: &u8| matches!(b, b')' | b'}' | b']');
                let run = bytes[at + 1..].iter().take_while(|b| closes(b)).count();
                let behind = at + 1 + run;
                let next = bytes.get(behind).copied().unwrap_or(b' ');
                let second = bytes.get(behind + 1).copied().unwrap_or(b' ');
                let goes_on = is_word(next) || (is_sign(next) && is_word(second));
                if goes_on {
                    at = behind - 1;
                }
                !goes_on
            }
            _ => false,
        };
        if over {
            break;
        }
        at += 1;
    }
    at
}

/// What goes on in a password behind a bracket or quote.
fn is_sign(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#' | b'$' | b'%' | b'^' | b'*' | b'~' | b'?' | b'@' | b'/' | b'+' | b'=' | b'-'
    )
}

fn next_is_quote(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|b| is_quote(*b))
}

/// Whether behind a separator there is white space, a quote, a bracket, or a name with a `=` or
/// `:`. Looks no further than to the next separator.
fn begins_something(bytes: &[u8], at: usize) -> bool {
    let Some(first) = bytes.get(at) else { return true };
    if !first.is_ascii_alphanumeric() && first.is_ascii() && *first != b'_' {
        return true;
    }
    let rest = &bytes[at..];
    let name = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
            || !b.is_ascii()
    };
    let len = rest.iter().take_while(|b| name(b)).count();
    matches!(rest.get(len), Some(b'=' | b':'))
}

/// `4012 8888 8888 1881` is one value.
fn digit_groups(bytes: &[u8], begin: usize, end: usize) -> usize {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let over = rest.get(len).is_none_or(|b| !b.is_ascii_alphanumeric());
        (over && len >= 2).then_some(from + len)
    };
    if digits(begin) != Some(end) {
        return end;
    }
    let mut end = end;
    while bytes.get(end) == Some(&b' ')
        && let Some(next) = digits(end + 1)
    {
        end = next;
    }
    end
}
