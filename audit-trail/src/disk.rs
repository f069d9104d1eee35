//! The system calls that can fail in ways the trail has an answer to, behind a trait so that
//! tests can make each of them fail.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{self, Mode, OFlags, SeekFrom},
    io::{Errno, Result},
};

use crate::directory::size;

/// Flags every file is opened with: no link is followed, no FIFO blocks, no child inherits it.
pub(crate) const SAFE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Mode of files: nobody but the owner.
pub(crate) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

pub(crate) trait Disk: Send + Sync {
    fn open(&self, dir: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd>;
    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize>;
    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()>;
    fn sync(&self, file_or_folder: BorrowedFd<'_>) -> Result<()>;
    fn rename(&self, dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<()>;
    fn truncate(&self, file: BorrowedFd<'_>, len: u64) -> Result<()>;
    fn unlink(&self, dir: BorrowedFd<'_>, name: &str) -> Result<()>;
}

/// The real one.
pub(crate) struct Os;

impl Disk for Os {
    fn open(&self, dir: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd> {
        again(|| fs::openat(dir, name, flags | SAFE, FILE_MODE))
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        rustix::io::write(file, bytes)
    }

    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
        fs::fdatasync(file)
    }

    fn sync(&self, file_or_folder: BorrowedFd<'_>) -> Result<()> {
        fs::fsync(file_or_folder)
    }

    fn rename(&self, dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<()> {
        fs::renameat(dir, from, dir, to)
    }

    fn truncate(&self, file: BorrowedFd<'_>, len: u64) -> Result<()> {
        again(|| fs::ftruncate(file, len))
    }

    fn unlink(&self, dir: BorrowedFd<'_>, name: &str) -> Result<()> {
        fs::unlinkat(dir, name, fs::AtFlags::empty())
    }
}

/// Repeats what a signal interrupted.
fn again<T>(call: impl Fn() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Writes all of `bytes`; on an error also says how many were written. A `write` may take less
/// than it was given (a full disk, a signal), and that is no error by itself.
pub(crate) fn write_all(disk: &dyn Disk, file: impl AsFd, bytes: &[u8]) -> (usize, Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        match disk.write(file.as_fd(), &bytes[done..]) {
            Ok(0) => return (done, Err(Errno::IO)),
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

/// Where the next data lies from `at` on, past a hole; the end of the file where none does.
pub(crate) fn next_data(file: impl AsFd, at: u64) -> Result<u64> {
    match fs::seek(&file, SeekFrom::Data(at)) {
        Ok(data) => Ok(data),
        Err(Errno::NXIO) => Ok(size(&fs::fstat(&file)?).max(at)),
        // A file system without holes.
        Err(_) => Ok(at),
    }
}

/// A disk whose failures a test chooses.
#[cfg(test)]
pub(crate) mod faulty {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A call that is about to be made.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Call {
        Open(String),
        Write(usize),
        SyncData,
        Sync,
        Rename,
        Truncate,
        Unlink,
    }

    /// What becomes of it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fate {
        Done,
        Fails(Errno),
        /// Only so many bytes are written.
        Short(usize),
        /// It is not made, for tests that do it thousands of times.
        Skipped,
    }

    type Plan = Box<dyn FnMut(&Call) -> Fate + Send>;

    #[derive(Clone)]
    pub(crate) struct Faulty(Arc<Mutex<Plan>>);

    impl Faulty {
        pub(crate) fn new(plan: impl FnMut(&Call) -> Fate + Send + 'static) -> Self {
            Self(Arc::new(Mutex::new(Box::new(plan))))
        }

        pub(crate) fn healthy() -> Self {
            Self::new(|_| Fate::Done)
        }

        /// Does not wait for the disk.
        pub(crate) fn fast() -> Self {
            Self::new(|call| match call {
                Call::Sync | Call::SyncData => Fate::Skipped,
                _ => Fate::Done,
            })
        }

        pub(crate) fn plan(&self, plan: impl FnMut(&Call) -> Fate + Send + 'static) {
            *self.0.lock().unwrap() = Box::new(plan);
        }

        /// What it would make of a call.
        pub(crate) fn fate(&self, call: &Call) -> Fate {
            (self.0.lock().unwrap())(call)
        }

        fn ask(&self, call: &Call) -> Result<Option<usize>> {
            match self.fate(call) {
                Fate::Done => Ok(None),
                Fate::Fails(error) => Err(error),
                Fate::Short(n) => Ok(Some(n)),
                Fate::Skipped => Ok(Some(0)),
            }
        }
    }

    impl Disk for Faulty {
        fn open(&self, dir: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd> {
            self.ask(&Call::Open(name.to_owned()))?;
            Os.open(dir, name, flags)
        }

        fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
            match self.ask(&Call::Write(bytes.len()))? {
                Some(n) => Os.write(file, &bytes[..n.min(bytes.len())]),
                None => Os.write(file, bytes),
            }
        }

        fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
            self.ask(&Call::SyncData)?.map_or_else(|| Os.sync_data(file), |_| Ok(()))
        }

        fn sync(&self, file_or_folder: BorrowedFd<'_>) -> Result<()> {
            self.ask(&Call::Sync)?.map_or_else(|| Os.sync(file_or_folder), |_| Ok(()))
        }

        fn rename(&self, dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<()> {
            self.ask(&Call::Rename)?;
            Os.rename(dir, from, to)
        }

        fn truncate(&self, file: BorrowedFd<'_>, len: u64) -> Result<()> {
            self.ask(&Call::Truncate)?;
            Os.truncate(file, len)
        }

        fn unlink(&self, dir: BorrowedFd<'_>, name: &str) -> Result<()> {
            self.ask(&Call::Unlink)?;
            Os.unlink(dir, name)
        }
    }
}
