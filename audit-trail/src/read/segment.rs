//! A segment that is being read.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::seen::fingerprint;
use crate::{disk::SAFE, line::Lines};

/// One open segment and the place reading has come to.
#[derive(Debug)]
pub(super) struct Segment {
    /// The seq its name tells.
    pub(super) from: u64,
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) lines: Lines,
    /// The number of the line read last, from 1; unknown when reading began in the middle.
    pub(super) number: Option<u64>,
    /// The header has not been read yet.
    pub(super) at_start: bool,
    /// The segment that comes after, once it is known.
    pub(super) successor: Option<u64>,
    /// Whether lines may come that were already given out.
    pub(super) replay: Replay,
    /// Nothing more is read here: the disk failed.
    pub(super) dead: bool,
    /// Where the last complete line begins, and what it is known by.
    last: Option<(u64, u64)>,
}

/// Whether lines may come that were already given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    No,
    /// The file was cut or replaced, and is read from its beginning again.
    Rewound,
    /// It begins before the end of the one before it, and may repeat what was there.
    Repeats,
}

impl Segment {
    pub(super) fn open(path: PathBuf, from: u64) -> io::Result<Self> {
        let file = open_file(&path)?;
        Ok(Self {
            from,
            path,
            file,
            lines: Lines::at(0),
            number: Some(0),
            at_start: true,
            successor: None,
            replay: Replay::No,
            dead: false,
            last: None,
        })
    }

    /// Goes on at `offset`, the beginning of a line that is not the first.
    pub(super) fn go_to(&mut self, offset: u64) {
        self.lines = Lines::at(offset);
        self.number = None;
        self.at_start = false;
    }

    /// Notes that a line was read which begins at `start`.
    pub(super) fn passed(&mut self, start: u64, line: u64) {
        self.number = self.number.map(|n| n + 1);
        self.last = Some((start, line));
    }

    /// The number of the line read last, or 0 where it is not known.
    pub(super) fn line_number(&self) -> u64 {
        self.number.unwrap_or(0)
    }

    /// Before reading on after the end: if the file was cut and written again below the place
    /// reading had come to, starts over. A writer that recovers cuts a torn end, and appends.
    pub(super) fn start_over_if_changed(&mut self) -> io::Result<()> {
        let Ok(now) = self.path.symlink_metadata() else {
            // Renamed or removed: what is open is read to its end, and then comes the next.
            return Ok(());
        };
        let held = self.file.metadata()?;
        let same_file = (now.dev(), now.ino()) == (held.dev(), held.ino());
        if same_file && held.len() >= self.lines.offset() && self.last_line_is_intact() {
            return Ok(());
        }
        if !same_file {
            self.file = open_file(&self.path)?;
        }
        self.lines = Lines::at(0);
        self.number = Some(0);
        self.at_start = true;
        self.replay = Replay::Rewound;
        self.last = None;
        Ok(())
    }

    fn last_line_is_intact(&self) -> bool {
        let Some((start, line)) = self.last else { return true };
        let len = self.lines.offset().saturating_sub(start);
        let Ok(len) = usize::try_from(len) else { return false };
        if len == 0 || len > crate::line::MAX_LINE {
            return true;
        }
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, start).is_ok()
            && bytes.pop() == Some(b'\n')
            && fingerprint(&bytes) == line
    }
}

/// Opens a regular file without following a link or waiting for the other end of a pipe.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let file = File::from(rustix::fs::open(path, OFlags::RDONLY | SAFE, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}
