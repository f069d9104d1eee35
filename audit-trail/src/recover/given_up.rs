//! A segment that was given up, and goes on with what the next one begins with.

use std::{fs::File, io};

use rustix::fs::OFlags;

use super::{quarantine::move_tail, scan::signed_after};
use crate::{
    TrailError,
    directory::Directory,
    files::file_name,
    line::{self, Event, Lines, MAX_LINE, Next},
    note::{Checkpoint, VerifyingKey, from_line},
};

/// Moves away what a segment repeats of the one after it: the last process died, or the disk failed,
/// before it was cut. What a checkpoint covers is not touched.
pub(super) fn given_up(
    directory: &Directory,
    before: u64,
    from: u64,
    key: &VerifyingKey,
) -> Result<Option<Event>, TrailError> {
    let name = file_name(before);
    let path = directory.file_path(&name);
    // What cannot be opened is told by the verifier.
    let Ok(file) = directory.open(&name, OFlags::RDWR | OFlags::APPEND) else { return Ok(None) };
    let file = File::from(file);
    let read = |error| TrailError::io("read", &path, error);
    let size = file.metadata().map_err(read)?.len();
    let Some(keep) = repeated(&file, from, size, key).map_err(read)? else { return Ok(None) };
    let moved = move_tail(directory, &name, &file, keep, size);
    let (moved, bytes) = moved.map_err(|e| TrailError::io("quarantine the end of", &path, e))?;
    let reason = format!("{name} was given up at byte {keep}, and repeated the next");
    Ok(Some(Event::Repair { file: Some(moved), bytes, reason }))
}

/// Where a segment begins to repeat the one that begins with `from`, if it does and nothing of that
/// was signed there: told by its end, so that most are not read.
fn repeated(file: &File, from: u64, size: u64, key: &VerifyingKey) -> io::Result<Option<u64>> {
    if ends_before(file, from, size, key)? {
        return Ok(None);
    }
    let mut lines = Lines::at(0);
    // Where the record before ends, and then where a line begins that is not of this segment.
    let mut end = None;
    loop {
        let at = lines.offset();
        match lines.next(file)? {
            Next::Line(line) => match line::record(line) {
                Ok(parts) if parts.seq >= from => {
                    let signed = signed_after(file, lines, None, from, key)?;
                    return Ok((!signed).then_some(at));
                }
                Ok(parts) if parts.seq + 1 == from => end = Some(lines.offset()),
                // A checkpoint may stand behind the last record.
                Err(_) if end.is_some() && from_line(line).is_some() => end = Some(lines.offset()),
                Ok(_) | Err(_) => {}
            },
            Next::TooLong => {}
            // Half a line behind the last record.
            Next::End(rest) => return Ok(end.filter(|end| rest > 0 && *end == at)),
        }
    }
}

/// Whether the last line is the record before `from`, or a checkpoint of that size.
fn ends_before(file: &File, from: u64, size: u64, key: &VerifyingKey) -> io::Result<bool> {
    let is_last = |line: &[u8]| match line::record(line) {
        Ok(parts) => parts.seq + 1 == from,
        Err(_) => from_line(line)
            .and_then(|note| Checkpoint::verify(&note, key))
            .is_some_and(|checkpoint| checkpoint.size == from),
    };
    // Two lines of any length; what is before the first line feed in it is passed.
    let mut lines = Lines::at(size.saturating_sub(2 * MAX_LINE as u64));
    let mut last = false;
    loop {
        match lines.next(file)? {
            Next::Line(line) => last = is_last(line),
            Next::TooLong => last = false,
            Next::End(rest) => return Ok(last && rest == 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{SigningKey, note::to_line};

    #[test]
    fn only_what_the_next_segment_has_too() {
        let key = SigningKey::generate("k").unwrap();
        let public = key.verifying_key();
        let record = |seq: u64| format!("{{\"seq\":{seq},\"kind\":\"event\"}}\n");
        let note = |size: u64| {
            let note = Checkpoint { origin: "x".into(), size, root: [0; 32] }.sign(&key);
            String::from_utf8(to_line(&note)).unwrap()
        };
        let (one, two, three) = (record(1), record(2), record(3));
        let end = one.len() as u64;
        for (content, from, expected) in [
            (format!("{one}{two}"), 3, None),
            (format!("{one}{two}{}", note(3)), 3, None),
            (format!("{one}{two}{three}"), 2, Some(end)),
            (format!("{one}{two}{three}half"), 2, Some(end)),
            (format!("{one}half"), 2, Some(end)),
            (format!("{one}{}half", note(2)), 2, Some(end + note(2).len() as u64)),
            (format!("{one}{two}{}", note(3)), 2, None),
            (format!("{one}rubbish\n"), 2, None),
            (String::new(), 2, None),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let found = repeated(&file, from, content.len() as u64, &public).unwrap();
            assert_eq!(found, expected, "{from}: {content}");
        }
    }
}
