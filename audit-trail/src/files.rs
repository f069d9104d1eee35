//! The names of files and folders in a trail (`docs/trail-format.md`, Files).

use uuid::Uuid;

use crate::line::MAX_SEQ;

/// Held while a writer lives.
pub(crate) const LOCK: &str = "LOCK";
/// The latest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The public key.
pub(crate) const VERIFIER: &str = "verifier.key";
/// What an operator asks of a living writer.
pub(crate) const ORDER: &str = "order";
/// The seq of the oldest strict request before the last segment that has no record.
pub(crate) const ANNOUNCED: &str = "announced";
/// The folder with one file for each forwarder: the seq of the first record it has not passed on, 20 digits and
/// a line feed.
pub(crate) const CURSORS: &str = "cursors";

const SEGMENT: &str = ".jsonl";
const MOVED_AWAY: &str = ".bad";
const NEW: &str = ".new";
/// Begins the names of files that maintenance writes anew while a writer may start: it removes them itself.
const REWRITTEN: &str = ".rewritten.";

/// Two digits: a writer directory in a root.
pub(crate) fn is_writer(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|b| b.is_ascii_digit())
}

/// Whether these are the names in a writer directory. A root holds none of them: so nobody turns a directory into
/// a root by making folders in it.
pub(crate) fn is_directory(names: &[String]) -> bool {
    let files = [LOCK, VERIFIER, CHECKPOINT];
    names.iter().any(|name| files.contains(&&**name) || name.ends_with(SEGMENT))
}

/// The segment whose first record is `from`.
pub(crate) fn file_name(from: u64) -> String {
    format!("{from:020}{SEGMENT}")
}

/// The first record's seq, if this is the name of a segment.
pub(crate) fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SEGMENT)?;
    if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|from| *from <= MAX_SEQ)
}

/// The first records' seqs of all segments among these names, in order.
pub(crate) fn numbers(names: &[String]) -> Vec<u64> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| parse_name(name)).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether it looks like a segment's name, and is none.
pub(crate) fn is_foreign(name: &str) -> bool {
    name.ends_with(SEGMENT) && parse_name(name).is_none()
}

/// Where what lies in a segment from an offset on is moved; `number` is 0 unless that is there already.
pub(crate) fn moved_away(segment: &str, offset: u64, number: u32) -> String {
    match number {
        0 => format!("{segment}.{offset}{MOVED_AWAY}"),
        _ => format!("{segment}.{offset}.{number}{MOVED_AWAY}"),
    }
}

/// Where something is moved that was in the way.
pub(crate) fn out_of_the_way(name: &str) -> String {
    format!("{name}.{}{MOVED_AWAY}", Uuid::now_v7())
}

/// Whether it was moved away.
pub(crate) fn is_moved_away(name: &str) -> bool {
    name.ends_with(MOVED_AWAY)
}

/// The segment that something was moved away from.
pub(crate) fn moved_from(name: &str) -> Option<u64> {
    parse_name(name.get(..file_name(0).len())?)
}

/// A file that is to be this one when it is whole: a name that nothing can be in the way of.
pub(crate) fn temporary(name: &str) -> String {
    format!(".{name}.{}{NEW}", Uuid::now_v7())
}

/// Whether it is one of [`temporary`].
pub(crate) fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(NEW));
    let id = inner.and_then(|inner| inner.rsplit_once('.')).map(|(_, id)| id);
    !is_rewritten(name) && id.is_some_and(|id| id.len() == 36 && Uuid::parse_str(id).is_ok())
}

/// A segment that is written anew.
pub(crate) fn rewritten(name: &str) -> String {
    format!("{REWRITTEN}{name}.{}{NEW}", Uuid::now_v7())
}

/// Whether it is one of [`rewritten`].
pub(crate) fn is_rewritten(name: &str) -> bool {
    name.starts_with(REWRITTEN) && name.ends_with(NEW)
}

/// Whether it is not whole yet.
pub(crate) fn is_new(name: &str) -> bool {
    name.ends_with(NEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_twenty_digits() {
        assert_eq!(file_name(7), "00000000000000000007.jsonl");
        assert_eq!(parse_name(&file_name(7)), Some(7));
        assert_eq!(parse_name(&file_name(MAX_SEQ)), Some(MAX_SEQ));
        for name in [
            "7.jsonl",
            "0000000000000000000x.jsonl",
            "+0000000000000000007.jsonl",
            "99999999999999999999.jsonl",
            "00000000000000000007.jsonl.0.bad",
            "00000000000000000007",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
