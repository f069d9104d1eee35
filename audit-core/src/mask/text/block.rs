//! Values on lines of their own, as in YAML.

/// How long a line is whose only value is below it.
const HEAD: usize = 128;

/// Where the lines begin and end that belong to the name before the `:` that ends at `at`: those
/// that are indented deeper, and lists. `None`: something stands on its own line.
pub(super) fn after(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let head = &bytes[at..bytes.len().min(at + HEAD)];
    let first = head.iter().find(|b| !matches!(b, b' ' | b'\t'))?;
    if !matches!(first, b'\n' | b'\r' | b'|' | b'>' | b'!' | b'&' | b'#') {
        return None;
    }
    let head = &head[..memchr::memchr(b'\n', head)?];
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let marks = |word: &[u8]| match word {
        [b'!' | b'&', ..] => true,
        [b'|' | b'>', rest @ ..] => rest.iter().all(|b| b.is_ascii_digit() || b"+-".contains(b)),
        _ => false,
    };
    if !words.by_ref().take_while(|word| word.first() != Some(&b'#')).all(marks) {
        return None;
    }
    let line = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    let depth = bytes[line..at].iter().take_while(|b| matches!(b, b' ' | b'\t' | b'-')).count();
    let mut next = at + head.len() + 1;
    let mut found = None;
    while next < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[next..]).map_or(bytes.len(), |len| next + len);
        let indent = bytes[next..end].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let rest = &bytes[next + indent..end];
        let listed = rest.starts_with(b"- ") && indent + 2 > depth;
        if found.is_none() && rest.starts_with(b"-----BEGIN") {
            let begin = next + indent;
            return Some((begin, armour(text, begin).unwrap_or(bytes.len())));
        }
        if !rest.trim_ascii().is_empty() {
            if indent <= depth && !listed {
                break;
            }
            let begin = found.map_or(next + indent, |(begin, _)| begin);
            found = Some((begin, end - usize::from(rest.ends_with(b"\r"))));
        }
        next = end + 1;
    }
    found
}

/// Where a key in its armour ends that begins at `at`; `None`: it does not end.
pub(super) fn armour(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let last = at + memchr::memmem::find(&bytes[at..], b"-----END")? + 8;
    Some(last + memchr::memmem::find(&bytes[last..], b"-----")? + 5)
}
