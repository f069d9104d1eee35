//! The user info of URLs.

/// How long the user info is in what follows `//`, if there is any.
pub(in crate::mask) fn user_info(after: &str) -> Option<usize> {
    let bytes = after.as_bytes();
    let end = bytes
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'\''));
    let authority = &bytes[..end.unwrap_or(bytes.len())];
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return Some(at);
    }
    if authority.len() > LONGEST_HOST {
        return Some(authority.len());
    }
    // A password with a slash in it that nobody encoded: what looks like a port is none.
    let colon = memchr::memchr(b':', authority)?;
    let after = bytes.get(authority.len()).copied();
    if after != Some(b'#') && authority[colon + 1..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let near = &bytes[..bytes.len().min(LONGEST_HOST)];
    let at = memchr::memchr(b'@', near)?;
    // A quote is one of the password only in the middle of it.
    let inner = |i: usize| near.get(i).is_some_and(u8::is_ascii_alphanumeric);
    let over = |(i, b): (usize, &u8)| {
        b.is_ascii_whitespace()
            || (matches!(b, b'"' | b'\'') && !(i > colon + 1 && inner(i - 1) && inner(i + 1)))
    };
    (!near[..at].iter().enumerate().any(over)).then_some(at)
}

/// The longest host with a port. What is longer and has no `@` is user info that was cut off.
pub(in crate::mask) const LONGEST_HOST: usize = 253 + 6;

/// A text that was cut, without what may be user info whose `@` was cut off.
pub(in crate::mask) fn untorn(text: &str) -> &str {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    match word.rfind("//") {
        Some(at) if !word[at + 2..].contains(['/', '?', '#', '"', '\'', '@']) => {
            &text[..text.len() - word.len() + at + 2]
        }
        _ => text,
    }
}

/// The same for what follows `https:/`, one slash being lost: only with a password.
pub(super) fn of_one_slash(after: &str) -> Option<usize> {
    let at = user_info(after)?;
    (at < LONGEST_HOST && after[..at].contains(':')).then_some(at)
}
