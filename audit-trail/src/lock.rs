//! One writer a directory.

use std::{
    fmt::Write as _,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, FlockOperation, OFlags},
    io::Errno,
};

use crate::{
    TrailError,
    directory::{Directory, FileId, check_file, file_id},
    disk::write_all,
    files::LOCK,
    read::open_file,
};

/// Held while the writer lives. The system frees it when the process ends, however it ends: it
/// belongs to the open file, so a second trail in the same process does not get it either.
pub(crate) struct Lock {
    file: OwnedFd,
    id: FileId,
    /// There was none before.
    pub(crate) is_new: bool,
}

/// A child that was forked and has not come to its own program yet has the same open file: closing
/// ours would leave it locked for that long.
impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = fs::flock(&self.file, FlockOperation::Unlock) {
            tracing::warn!(target: "audit", %error, "cannot unlock");
        }
    }
}

impl Lock {
    /// Takes the directory, unless a living process holds it.
    pub(crate) fn take(directory: &Directory) -> Result<Option<Self>, TrailError> {
        let path = directory.file_path(LOCK);
        let failed = |error: Errno| TrailError::io("lock", &path, error);
        loop {
            let open = |flags| directory.disk().open(directory.as_fd(), LOCK, flags | OFlags::RDWR);
            let made = open(OFlags::CREATE | OFlags::EXCL);
            let is_new = made.is_ok();
            let opened = match made {
                Err(Errno::EXIST) => match open(OFlags::empty()) {
                    // Removed between the two.
                    Err(Errno::NOENT) => continue,
                    opened => opened,
                },
                made => made,
            };
            let file = opened.map_err(|error| TrailError::open("open", &path, error))?;
            check_file(&file, &path)?;
            match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(failed(error)),
            }
            // Somebody may have removed the file between opening and locking: then another
            // process can hold a lock on a new file of this name.
            let held = fs::fstat(&file).map_err(failed)?;
            if !directory.stat(LOCK).is_ok_and(|now| file_id(&now) == file_id(&held)) {
                continue;
            }
            let mut pid = String::new();
            let _ = writeln!(pid, "{}", std::process::id());
            // The pid is for people. A full disk must not keep the service from starting.
            let named = fs::fchmod(&file, crate::disk::FILE_MODE)
                .and_then(|()| fs::ftruncate(&file, 0))
                .and_then(|()| write_all(directory.disk(), &file, pid.as_bytes()).1);
            if let Err(error) = named {
                tracing::warn!(target: "audit", file = %path.display(), %error, "cannot write the pid");
            }
            return Ok(Some(Self { file, id: file_id(&held), is_new }));
        }
    }
}

impl Lock {
    /// Is its file still found under its name? If not, another writer may take the directory.
    pub(crate) fn is_in_place(&self, directory: &Directory) -> bool {
        match directory.stat(LOCK) {
            Ok(stat) => file_id(&stat) == self.id,
            // Not to be told now, say for want of rights.
            Err(error) => error != Errno::NOENT,
        }
    }
}

/// Whether a living process writes in a directory: by a shared lock, given back at once.
pub(crate) fn is_held(directory: &Path) -> bool {
    let Ok(file) = open_file(&directory.join(LOCK)) else { return false };
    fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::Os;

    #[test]
    fn held_once_and_free_again() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::root(&temp.path().join("00"), Arc::new(Os)).unwrap();
        let first = Lock::take(&directory).unwrap().unwrap();
        assert!(Lock::take(&directory).unwrap().is_none());
        let pid = std::fs::read_to_string(directory.path().join(LOCK)).unwrap();
        assert_eq!(pid.trim().parse(), Ok(std::process::id()));
        drop(first);
        assert!(Lock::take(&directory).unwrap().is_some());
    }

    #[test]
    fn a_copy_of_its_file_does_not_hold_it() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::root(&temp.path().join("00"), Arc::new(Os)).unwrap();
        let first = Lock::take(&directory).unwrap().unwrap();
        // As a child has it between fork and exec.
        let copy = first.file.try_clone().unwrap();
        drop(first);
        assert!(Lock::take(&directory).unwrap().is_some());
        drop(copy);
    }

    #[test]
    fn a_removed_lock_file_is_not_trusted() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::root(&temp.path().join("00"), Arc::new(Os)).unwrap();
        let first = Lock::take(&directory).unwrap();
        std::fs::remove_file(directory.path().join(LOCK)).unwrap();
        assert!(Lock::take(&directory).unwrap().is_some());
        drop(first);
    }
}
