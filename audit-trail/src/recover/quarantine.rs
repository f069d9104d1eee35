//! Moving away what is not a line. Nothing is ever deleted. It is told with the `repair` record
//! that every caller makes of it.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use rustix::{
    fs::{self, OFlags, SeekFrom},
    io::Errno,
};

use crate::{
    directory::Directory,
    disk::{next_data, write_all},
    files::moved_away,
};

const CHUNK: usize = 256 << 10;

/// Moves what lies from `keep` to `end` to a file of its own, and cuts the segment there. The
/// order makes it safe to be killed at any point: the copy is durable before the cut. Gives the
/// copy's name and its length in bytes.
pub(crate) fn move_tail(
    directory: &Directory,
    segment: &str,
    file: &File,
    keep: u64,
    end: u64,
) -> Result<(String, u64), Errno> {
    let name = save_tail(directory, segment, file, keep, end)?;
    directory.disk().truncate(file.as_fd(), keep)?;
    directory.disk().sync(file.as_fd())?;
    Ok((name, end - keep))
}

/// Copies what lies from `keep` to `end` to a file of its own.
pub(crate) fn save_tail(
    directory: &Directory,
    segment: &str,
    file: &File,
    keep: u64,
    end: u64,
) -> Result<String, Errno> {
    for number in 0_u32.. {
        let name = moved_away(segment, keep, number);
        match directory.stat(&name) {
            Err(Errno::NOENT) => {
                copy_tail(directory, &name, file, keep, end)?;
                return Ok(name);
            }
            // A writer that was killed between the copy and the cut has left it.
            Ok(_) if is_copy(directory, &name, file, keep, end) => return Ok(name),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::EXIST)
}

/// Renames a file that is no segment. Gives its new name.
pub(crate) fn set_aside(directory: &Directory, segment: &str) -> Result<String, Errno> {
    for number in 0_u32.. {
        let name = moved_away(segment, 0, number);
        match directory.stat(&name) {
            Err(Errno::NOENT) => {
                directory.rename(segment, &name)?;
                directory.sync()?;
                return Ok(name);
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::EXIST)
}

/// The copy appears under its name only when it is whole and durable.
fn copy_tail(
    directory: &Directory,
    name: &str,
    file: &File,
    keep: u64,
    end: u64,
) -> Result<(), Errno> {
    let (temporary, copy) = directory.temporary(name, OFlags::RDWR)?;
    let filled = fill(directory, &copy, file, keep, end)
        .and_then(|()| directory.disk().sync(copy.as_fd()))
        .and_then(|()| directory.rename(&temporary, name));
    if let Err(error) = filled {
        directory.remove(&temporary);
        return Err(error);
    }
    directory.sync()
}

fn fill(
    directory: &Directory,
    copy: &OwnedFd,
    file: &File,
    keep: u64,
    end: u64,
) -> Result<(), Errno> {
    let mut at = keep;
    while let Some((start, chunk)) = data_after(file, at, end)? {
        // A hole stays a hole: a tail of 2 GiB of nothing takes no space and no time.
        fs::seek(copy, SeekFrom::Start(start - keep))?;
        write_all(directory.disk(), copy, &chunk).1?;
        at = start + chunk.len() as u64;
    }
    directory.disk().truncate(copy.as_fd(), end - keep)
}

/// The next chunk of data that is not all zero.
fn data_after(file: &File, mut at: u64, end: u64) -> Result<Option<(u64, Vec<u8>)>, Errno> {
    while at < end {
        at = next_data(file, at)?;
        if at >= end {
            return Ok(None);
        }
        let len = CHUNK.min(usize::try_from(end - at).unwrap_or(CHUNK));
        let mut chunk = vec![0; len];
        let n = read_at(file, &mut chunk, at)?;
        if n == 0 {
            return Ok(None);
        }
        chunk.truncate(n);
        if chunk.iter().any(|b| *b != 0) {
            return Ok(Some((at, chunk)));
        }
        at += n as u64;
    }
    Ok(None)
}

/// Does the file hold the tail already?
fn is_copy(directory: &Directory, name: &str, file: &File, keep: u64, end: u64) -> bool {
    let Ok(copy) = directory.open(name, OFlags::RDONLY) else { return false };
    let copy = File::from(copy);
    if !copy.metadata().is_ok_and(|meta| meta.len() == end - keep) {
        return false;
    }
    let (mut at, mut one, mut other) = (keep, vec![0; CHUNK], vec![0; CHUNK]);
    while at < end {
        // Where both have a hole, both have zeros.
        let data = next_data(file, at).ok().zip(next_data(&copy, at - keep).ok());
        at = data.map_or(at, |(one, other)| one.min(keep + other)).min(end);
        let (Ok(a), Ok(b)) = (read_at(file, &mut one, at), read_at(&copy, &mut other, at - keep))
        else {
            return false;
        };
        let n = a.min(b);
        if (at < end && n == 0) || one[..n] != other[..n] {
            return false;
        }
        at += n as u64;
    }
    true
}

fn read_at(file: &File, buffer: &mut [u8], at: u64) -> Result<usize, Errno> {
    loop {
        match file.read_at(buffer, at) {
            Ok(n) => return Ok(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }
}
