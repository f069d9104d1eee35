//! A file with some of its lines replaced.

use std::{
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use rustix::{fs::OFlags, io::Errno};

use super::{
    MaintainError,
    scan::{names, records},
};
use crate::{
    Line, TrailError,
    directory::{Directory, file_id, size},
    disk::write_all,
    files::{is_rewritten, rewritten},
};

const CHUNK: u64 = 256 << 10;

/// Removes what maintenance that was killed has left: it holds what is to be removed.
pub(super) fn clean(directory: &Directory) -> Result<(), MaintainError> {
    for name in names(directory)?.iter().filter(|name| is_rewritten(name)) {
        match directory.unlink(name) {
            // Nothing that we have left.
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => {}
            Err(error) => {
                return Err(TrailError::io("remove", &directory.file_path(name), error).into());
            }
        }
    }
    Ok(())
}

/// Replaces the records for which `change` gives something else, and leaves every other byte as it is. A
/// kill leaves the old file or the new one. Gives how many were replaced.
pub(super) fn rewrite(
    directory: &Directory,
    name: &str,
    change: &mut dyn FnMut(&Line) -> Option<Vec<u8>>,
) -> Result<u64, MaintainError> {
    let path = directory.file_path(name);
    let failed = |doing, error: Errno| MaintainError::Trail(TrailError::io(doing, &path, error));
    let file = directory.open(name, OFlags::RDONLY)?;
    let was = rustix::fs::fstat(&file).map_err(|error| failed("inspect", error))?;
    let mut copy = Copy { directory, from: File::from(file), copied: 0, to: None, name };
    let (mut count, mut problem) = (0, None);
    records(directory, name, &mut |line, start, end| {
        if problem.is_none()
            && let Some(new) = change(line)
        {
            count += 1;
            problem = copy.replace(start, end, &new).err();
        }
    })?;
    let done = match problem {
        Some(error) => Err(error),
        None if count == 0 => return Ok(0),
        None => copy.finish(&was),
    };
    if let Err(error) = done {
        copy.give_up();
        return Err(failed("rewrite", error));
    }
    Ok(count)
}

struct Copy<'a> {
    directory: &'a Directory,
    name: &'a str,
    from: File,
    /// So much of the old file is dealt with, in bytes.
    copied: u64,
    /// The new file and its name, once there is something to change.
    to: Option<(OwnedFd, String)>,
}

impl Copy<'_> {
    fn replace(&mut self, start: u64, end: u64, line: &[u8]) -> Result<(), Errno> {
        self.copy_to(start)?;
        let disk = self.directory.disk();
        write_all(disk, self.to()?.0, &[line, b"\n"].concat()).1?;
        self.copied = end;
        Ok(())
    }

    fn to(&mut self) -> Result<(BorrowedFd<'_>, &str), Errno> {
        if self.to.is_none() {
            let name = rewritten(self.name);
            self.to = Some((self.directory.create(&name, OFlags::WRONLY)?, name));
        }
        let (file, name) = self.to.as_ref().ok_or(Errno::BADF)?;
        Ok((file.as_fd(), name))
    }

    fn copy_to(&mut self, end: u64) -> Result<(), Errno> {
        while self.copied < end {
            let len = usize::try_from((end - self.copied).min(CHUNK)).unwrap_or(0);
            let mut chunk = vec![0; len];
            let read = self.from.read_exact_at(&mut chunk, self.copied);
            read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            let disk = self.directory.disk();
            write_all(disk, self.to()?.0, &chunk).1?;
            self.copied += len as u64;
        }
        Ok(())
    }

    /// Puts the new file in place of the old one.
    fn finish(&mut self, was: &rustix::fs::Stat) -> Result<(), Errno> {
        self.copy_to(size(was))?;
        let (directory, name) = (self.directory, self.name);
        let (to, new) = self.to()?;
        directory.disk().sync(to)?;
        // Nobody writes a segment that is not the last: where somebody did, it is read again.
        let now = directory.stat(name)?;
        if file_id(&now) != file_id(was) || size(&now) != size(was) {
            return Err(Errno::AGAIN);
        }
        directory.rename(new, name)?;
        directory.sync()
    }

    fn give_up(&mut self) {
        if let Some((_, name)) = self.to.take() {
            self.directory.remove(&name);
        }
    }
}
