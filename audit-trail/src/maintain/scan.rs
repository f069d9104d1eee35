//! Reading a directory for what is to be taken out of it.

use std::{fs::File, sync::Arc};

use rustix::fs::OFlags;

use super::MaintainError;
use crate::{
    Line, TrailError,
    directory::Directory,
    line::{Lines, Next},
    note::{Checkpoint, VerifyingKey},
    read::read_line,
    recover::VERIFIER,
    segment::{file_name, parse_name},
    verify::{Grant, grant},
    write::PUBLISHED,
};

/// What was published of a directory.
pub(super) struct Signed {
    pub(super) origin: String,
    /// Records below this are signed.
    pub(super) size: u64,
}

impl Signed {
    pub(super) fn of(directory: &Directory, key: &VerifyingKey) -> Result<Self, MaintainError> {
        let path = || directory.path().to_owned();
        let verifier = directory.read_small(VERIFIER, 1024)?;
        let own = verifier.and_then(|text| VerifyingKey::parse(&text).ok());
        if own.is_some_and(|own| own != *key) {
            return Err(MaintainError::OtherKey { directory: path() });
        }
        let note = directory.read_small(PUBLISHED, 4096)?;
        let checkpoint = note.and_then(|note| Checkpoint::verify(&note, key));
        let Checkpoint { origin, size, .. } = checkpoint.ok_or_else(|| {
            MaintainError::Evidence {
            directory: path(),
            why: "its file `checkpoint` is missing, or not signed by this key: see `audit verify`"
                .to_owned(),
        }
        })?;
        Ok(Self { origin, size })
    }
}

/// The numbers in the names of the segments, in order.
pub(super) fn segments(directory: &Directory) -> Result<Vec<u64>, MaintainError> {
    let names = directory.names();
    let names = names.map_err(|error| TrailError::io("list", directory.path(), error))?;
    let mut found: Vec<u64> = names.iter().filter_map(|name| parse_name(name)).collect();
    found.sort_unstable();
    Ok(found)
}

/// Reads a segment, or a file with what was moved away from one, line by line. What is no record is
/// passed. `see` is told where each begins and ends, in bytes.
pub(super) fn records(
    directory: &Directory,
    name: &str,
    see: &mut dyn FnMut(&Line, u64, u64),
) -> Result<(), MaintainError> {
    let path = directory.file_path(name);
    let file = File::from(directory.open(name, OFlags::RDONLY)?);
    let writer = directory.path().file_name().map(|name| name.to_string_lossy());
    let writer: Arc<str> = writer.unwrap_or_default().into();
    let mut lines = Lines::at(0);
    loop {
        let start = lines.offset();
        let read = lines.next(&file).map_err(|error| TrailError::io("read", &path, error))?;
        let line = match read {
            Next::Line(line) => read_line(&writer, line),
            Next::TooLong => continue,
            Next::End(_) => return Ok(()),
        };
        if let Ok(line) = line {
            see(&line, start, lines.offset());
        }
    }
}

/// Grants among the records from `from` on, each with its seq.
pub(super) fn grants(directory: &Directory, from: u64) -> Result<Vec<(u64, Grant)>, MaintainError> {
    let segments = segments(directory)?;
    let first = segments.partition_point(|begin| *begin <= from).saturating_sub(1);
    let mut found = Vec::new();
    for begin in segments.get(first..).unwrap_or_default() {
        records(directory, &file_name(*begin), &mut |line, _, _| {
            found
                .extend(grant(line.text().as_bytes(), line.seq()).map(|grant| (line.seq(), grant)));
        })?;
    }
    found.retain(|(seq, _)| *seq >= from);
    Ok(found)
}
