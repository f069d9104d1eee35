//! Names in free text.

pub(super) fn is_ascii_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Where the name that ends at `end` begins.
pub(super) fn name_start(text: &str, floor: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut begin = end;
    while begin > floor {
        let byte = bytes[begin - 1];
        if byte.is_ascii() {
            if !is_ascii_name(byte) {
                break;
            }
            begin -= 1;
        } else {
            match text[floor..begin].chars().next_back() {
                Some(c) if is_letter(c) => begin -= c.len_utf8(),
                _ => break,
            }
        }
    }
    begin
}

/// Whether a character that is not ASCII may be in a name. Most are in the first block, for which
/// there is no need to search through tables.
fn is_letter(c: char) -> bool {
    match c {
        '\u{c0}'..='\u{ff}' => !matches!(c, '\u{d7}' | '\u{f7}'),
        _ => c.is_alphanumeric(),
    }
}
