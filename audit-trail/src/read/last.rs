//! Finding the last lines without reading what comes before them.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::{ReadError, segment::Segment, writer_dir::WriterDir};
use crate::files::file_name;

const CHUNK: usize = 64 << 10;
/// Begins a line that is a checkpoint, and no record.
const NOTE: &[u8] = b"{\"checkpoint\":\"";

impl WriterDir {
    /// Goes to a place after which at least the last `n` complete lines follow.
    pub(super) fn go_to_last(&mut self, n: usize) -> Result<(), ReadError> {
        let mut wanted = n as u64;
        let mut place = None;
        for from in self.segments()?.into_iter().rev() {
            let path = self.path.join(file_name(from));
            let found = match Segment::open(path.clone(), from) {
                Ok(segment) => back(&segment.file, wanted),
                Err(error) => Err(error),
            };
            match found {
                Ok((offset, lines)) => {
                    place = Some((from, offset));
                    if offset > 0 {
                        break;
                    }
                    // The first line is the header.
                    wanted = wanted.saturating_sub(lines.saturating_sub(1));
                    if wanted == 0 && lines > 1 {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(ReadError::io(&path, error));
                }
                // Reported when it is its turn to be read.
                Err(_) => place = Some((from, 0)),
            }
        }
        if let Some((from, offset)) = place {
            self.enter(from)?;
            if let Some(segment) = &mut self.current
                && offset > 0
            {
                segment.go_to(offset);
            }
        }
        Ok(())
    }
}

/// Where the last `n` complete records begin, and how many lie from there on; 0 and all complete
/// lines but checkpoints where the file has not more than `n`.
fn back(file: &File, n: u64) -> io::Result<(u64, u64)> {
    let mut at = file.metadata()?.len();
    // What follows a chunk tells whether the line that begins there is a checkpoint.
    let mut chunk = vec![0; CHUNK + NOTE.len()];
    let mut ahead = 0;
    let mut feeds: u64 = 0;
    while at > 0 {
        let len = CHUNK.min(usize::try_from(at).unwrap_or(CHUNK));
        let start = at - len as u64;
        match file.read_exact_at(&mut chunk[..len + ahead], start) {
            Ok(()) => {}
            // Cut while it was read: from its new end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                (at, feeds, ahead) = (at.min(file.metadata()?.len()), 0, 0);
                continue;
            }
            Err(error) => return Err(error),
        }
        for i in (0..len).rev().filter(|i| chunk[*i] == b'\n') {
            if chunk[i + 1..len + ahead].starts_with(NOTE) {
                // Its own end was counted.
                feeds = feeds.saturating_sub(1);
            }
            if feeds == n {
                return Ok((start + i as u64 + 1, n));
            }
            feeds += 1;
        }
        (at, ahead) = (start, NOTE.len().min(len));
    }
    Ok((0, feeds))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn counts_complete_lines_from_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(back(&file, 3).unwrap(), (0, 0));
        let line = "x".repeat(999) + "\n";
        file.write_all(line.repeat(300).as_bytes()).unwrap();
        file.write_all(b"torn").unwrap();
        assert_eq!(back(&file, 0).unwrap(), (300_000, 0));
        assert_eq!(back(&file, 1).unwrap(), (299_000, 1));
        assert_eq!(back(&file, 299).unwrap(), (1_000, 299));
        assert_eq!(back(&file, 300).unwrap(), (0, 300));
        assert_eq!(back(&file, u64::MAX).unwrap(), (0, 300));
    }

    #[test]
    fn checkpoints_do_not_count() {
        let record = "{\"seq\":1,\"m\":{\"checkpoint\":\"x\"}}\n";
        let note = "{\"checkpoint\":\"x\"}\n";
        for filler in (CHUNK - 200..CHUNK + 200).step_by(7) {
            let mut file = tempfile::tempfile().unwrap();
            let text = format!("{record}{note}{}\n{record}{note}{record}", "x".repeat(filler));
            file.write_all(text.as_bytes()).unwrap();
            let len = text.len() as u64;
            let (record, note) = (record.len() as u64, note.len() as u64);
            assert_eq!(back(&file, 1).unwrap(), (len - record, 1));
            assert_eq!(back(&file, 2).unwrap(), (len - 2 * record - note, 2));
            assert_eq!(back(&file, 3).unwrap(), (record + note, 3), "{filler}");
            assert_eq!(back(&file, 4).unwrap(), (0, 4));
            file.write_all(b"{\"checkpoint\":\"torn").unwrap();
            assert_eq!(back(&file, 1).unwrap(), (len - record, 1));
        }
    }
}
