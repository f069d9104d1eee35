//! Lines of a file, with memory for one of them.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::{MAX_LINE, find};
use crate::disk::next_data;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Reads a file line by line from a place in it. Memory: 64 KiB, up to 1 MiB while a line is
/// longer than that.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// What was read and not given out: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// The place in the file of `buffer[start]`, in bytes.
    offset: u64,
    /// Within an over-long line that was already reported.
    skipping: bool,
}

/// What comes next in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A line, without its line feed.
    Line(&'a [u8]),
    /// A line that does not end within 1 MiB. It is skipped.
    TooLong,
    /// The end, for now; what is left is the given number of bytes of an unfinished line.
    End(u64),
}

impl Lines {
    /// From `offset` on, which is the beginning of a line.
    pub(crate) const fn at(offset: u64) -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, offset, skipping: false }
    }

    /// The place in the file of what comes next, in bytes.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets what was read beyond the last line that was given out.
    pub(crate) fn forget_ahead(&mut self) {
        self.start = 0;
        self.end = 0;
        if !self.skipping {
            self.buffer = Vec::new();
        }
    }

    pub(crate) fn next(&mut self, file: &File) -> io::Result<Next<'_>> {
        let mut looked = 0;
        loop {
            let seen = &self.buffer[self.start..self.end];
            if let Some(at) = find(&seen[looked..], b'\n') {
                let line = self.start..self.start + looked + at;
                self.take(line.len() + 1);
                if std::mem::take(&mut self.skipping) {
                    looked = 0;
                    continue;
                }
                return Ok(Next::Line(&self.buffer[line]));
            }
            looked = seen.len();
            if self.skipping {
                self.take(looked);
                looked = 0;
            } else if looked >= MAX_LINE {
                self.take(looked);
                self.skipping = true;
                return Ok(Next::TooLong);
            }
            if !self.fill(file)? {
                return Ok(Next::End((self.end - self.start) as u64));
            }
        }
    }

    fn take(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
    }

    /// Reads more; false at the end of the file.
    fn fill(&mut self, file: &File) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK {
            self.buffer.resize((self.end * 2).clamp(CHUNK, MAX_LINE).max(self.end + CHUNK), 0);
        }
        if self.skipping && self.end == 0 {
            // What is skipped may be a hole: a tail of 64 GiB of nothing takes no time.
            self.offset = next_data(file, self.offset)?;
        }
        let from = self.offset + self.end as u64;
        loop {
            match file.read_at(&mut self.buffer[self.end..], from) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all(content: &[u8]) -> Vec<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::at(0);
        let mut found = Vec::new();
        loop {
            match lines.next(&file).unwrap() {
                Next::Line(line) => {
                    found.push(format!("{}:{}", line.len(), line.first().map_or(0, |b| *b)));
                }
                Next::TooLong => found.push("long".into()),
                Next::End(rest) => {
                    found.push(format!("end {rest}"));
                    assert!(lines.buffer.len() <= MAX_LINE + 2 * CHUNK);
                    return found;
                }
            }
        }
    }

    #[test]
    fn lines_of_any_length() {
        assert_eq!(all(b""), ["end 0"]);
        assert_eq!(all(b"a\n\nbb\nrest"), ["1:97", "0:0", "2:98", "end 4"]);
        let mut big = vec![b'x'; MAX_LINE - 1];
        big.extend(b"\nyy\n");
        assert_eq!(all(&big), ["1048575:120", "2:121", "end 0"]);
    }

    #[test]
    fn what_does_not_end_is_skipped_with_flat_memory() {
        let mut content = b"a\n".to_vec();
        content.resize(5 << 20, 0);
        content.extend(b"\nb\n");
        assert_eq!(all(&content), ["1:97", "long", "1:98", "end 0"]);
    }

    #[test]
    fn what_is_appended_later_is_found() {
        let mut file = tempfile::tempfile().unwrap();
        let mut lines = Lines::at(0);
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(lines.next(&file).unwrap(), Next::Line(b"one"));
        assert_eq!(lines.next(&file).unwrap(), Next::End(2));
        lines.forget_ahead();
        file.write_all(b"o\n").unwrap();
        assert_eq!(lines.next(&file).unwrap(), Next::Line(b"two"));
        assert_eq!(lines.offset(), 8);
    }
}
