//! Reading a directory for what is to be taken out of it.

use std::{fs::File, sync::Arc};

use rustix::fs::{FileType, OFlags};

use super::MaintainError;
use crate::{
    Line, TrailError,
    directory::Directory,
    files::{CHECKPOINT, VERIFIER, file_name, is_moved_away, numbers},
    line::{Lines, Next},
    note::{Checkpoint, VerifyingKey, from_line},
    read::read_line,
};

/// Refuses a directory that another key signs.
pub(super) fn check_key(directory: &Directory, key: &VerifyingKey) -> Result<(), MaintainError> {
    let verifier = directory.read_small(VERIFIER, 1024)?;
    match verifier.and_then(|text| VerifyingKey::parse(&text).ok()).is_some_and(|own| own != *key) {
        true => Err(MaintainError::OtherKey { directory: directory.path().to_owned() }),
        false => Ok(()),
    }
}

/// Whether a checkpoint in a directory is signed by this key, wherever it stands: then it is of this key, whatever
/// its file `verifier.key` says, which anybody with the files can change.
pub(super) fn is_signed_by(
    directory: &Directory,
    key: &VerifyingKey,
) -> Result<bool, MaintainError> {
    if published_note(directory, key)?.is_some() {
        return Ok(true);
    }
    for from in segments(directory)? {
        let path = directory.file_path(&file_name(from));
        let file = File::from(directory.open(&file_name(from), OFlags::RDONLY)?);
        let mut lines = Lines::at(0);
        loop {
            let line = lines.next(&file).map_err(|error| TrailError::io("read", &path, error))?;
            let note = match line {
                Next::Line(line) => from_line(line),
                Next::TooLong => continue,
                Next::End(_) => break,
            };
            if note.is_some_and(|note| Checkpoint::verify(&note, key).is_some()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn published_note(
    directory: &Directory,
    key: &VerifyingKey,
) -> Result<Option<Checkpoint>, MaintainError> {
    let note = directory.read_small(CHECKPOINT, 4096)?;
    Ok(note.and_then(|note| Checkpoint::verify(&note, key)))
}

/// The published checkpoint of a directory.
pub(super) fn published(
    directory: &Directory,
    key: &VerifyingKey,
) -> Result<Checkpoint, MaintainError> {
    check_key(directory, key)?;
    let missing = || MaintainError::Evidence {
        directory: directory.path().to_owned(),
        why: "its file `checkpoint` is missing, or not signed by this key: see `audit verify`"
            .to_owned(),
    };
    published_note(directory, key)?.ok_or_else(missing)
}

/// The numbers in the names of the segments, in order.
pub(super) fn segments(directory: &Directory) -> Result<Vec<u64>, MaintainError> {
    Ok(numbers(&names(directory)?))
}

/// The names in a directory.
pub(super) fn names(directory: &Directory) -> Result<Vec<String>, MaintainError> {
    let names = directory.names();
    names.map_err(|error| TrailError::io("list", directory.path(), error).into())
}

/// The name of a directory, as lines have it.
pub(super) fn writer_of(directory: &Directory) -> Arc<str> {
    let name = directory.path().file_name().map(|name| name.to_string_lossy());
    name.unwrap_or_default().into()
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
    let writer = writer_of(directory);
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

/// The files that hold what was moved away.
pub(super) fn moved_away(directory: &Directory) -> Result<Vec<String>, MaintainError> {
    let mut names = names(directory)?;
    let regular = |name: &String| {
        let stat = directory.stat(name);
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    };
    names.retain(|name| is_moved_away(name) && regular(name));
    names.sort_unstable();
    Ok(names)
}
