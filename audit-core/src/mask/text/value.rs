//! Where the value after a name in free text begins and ends.

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

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The value after a `=` or `:` that ends at `at`.
pub(super) fn after(text: &str, at: usize) -> Found {
    let bytes = text.as_bytes();
    let get = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let mut at = at;
    // `:=`, `==`, `=>`.
    while matches!(get(at), b'=' | b'>') && at < bytes.len() {
        at += 1;
    }
    at += text[at..].len() - text[at..].trim_start().len();
    if bytes[at..].starts_with(b"Some(") {
        at += 5;
    }
    // `b"x"`, `$'x'`.
    let prefix = bytes[at..]
        .iter()
        .take(3)
        .take_while(|b| b.is_ascii_alphabetic() || **b == b'$' || **b == b'@');
    let prefix = prefix.count();
    if prefix < 3 && is_quote(get(at + prefix)) && at + prefix < bytes.len() {
        at += prefix;
    }
    let escapes = bytes[at..].iter().take_while(|b| **b == b'\\').count();
    match bytes.get(at + escapes) {
        Some(quote) if is_quote(*quote) => quoted(bytes, at + escapes + 1, *quote, escapes),
        Some(b'[' | b'{' | b'(') if escapes == 0 => grouped(bytes, at),
        Some(byte) if !ends_always(*byte) => {
            let end = unquoted(bytes, at);
            // `Secret("x")`: the word is a constructor.
            match bytes.get(end) {
                Some(b'(' | b'[' | b'{') => Found { begin: at, ..grouped(bytes, end) },
                _ => Found { begin: at, end: Some(digit_groups(bytes, at, end)) },
            }
        }
        _ => Found::nothing(at),
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

/// Behind an opening quote before which there are this many backslashes; a quote behind more of
/// them is an escaped one inside.
fn quoted(bytes: &[u8], begin: usize, quote: u8, escapes: usize) -> Found {
    let triple = escapes == 0 && bytes[begin..].starts_with(&[quote; 2]);
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
        return Found { begin, end: Some(end) };
    }
    Found { begin, end: None }
}

/// From an opening bracket to its closing one, quoted text inside left aside.
fn grouped(bytes: &[u8], begin: usize) -> Found {
    let mut depth = 0_usize;
    let mut at = begin;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Found { begin, end: Some(at + 1) };
                }
            }
            b'"' => {
                let Some(end) = quoted(bytes, at + 1, b'"', 0).end else { break };
                at = end.max(at + 1);
                // `end` is at the closing quote, or behind a value that is empty.
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
fn unquoted(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let over = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => true,
            b'(' | b'[' | b'{' => at > begin && next_is_quote(bytes, at + 1),
            b',' | b';' | b'&' => begins_something(bytes, at + 1),
            b')' | b'}' | b']' | b'"' | b'\'' | b'`' => {
                let slashes = bytes[begin..at].iter().rev().take_while(|b| **b == b'\\').count();
                if is_quote(*byte) && slashes > 0 {
                    return at - slashes;
                }
                !next.is_ascii_alphanumeric() && next.is_ascii()
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
