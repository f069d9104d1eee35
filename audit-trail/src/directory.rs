//! Folders held open, and files in them that are provably ours.

use std::{
    io::{self, Read as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use crate::{
    TrailError,
    disk::{Disk, FILE_MODE, SAFE, write_all},
    files::{is_temporary, out_of_the_way, temporary},
};

/// Mode of folders: nobody but the owner.
const FOLDER_MODE: Mode = Mode::RWXU;
/// The write bits of everybody else.
const FOREIGN_WRITE: u32 = 0o022;

/// A folder held open. Every file in it is opened relative to this handle, so that swapping a
/// part of the path for a link afterwards leads nowhere.
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

/// Which file it is, whatever its name.
pub(crate) type FileId = (u64, u64);

pub(crate) fn file_id(stat: &Stat) -> FileId {
    (stat.st_dev, stat.st_ino)
}

pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

impl Directory {
    /// Opens the folder, creating it and its parents where they are missing.
    pub(crate) fn root(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, TrailError> {
        make_with_parents(path)?;
        let fd = fs::openat(CWD, path, OFlags::DIRECTORY | OFlags::RDONLY | SAFE, Mode::empty())
            .map_err(|error| refused(path, error))?;
        let this = Self { fd, path: path.to_owned(), disk };
        this.check("open")?;
        Ok(this)
    }

    /// Opens a folder that others may use too.
    pub(crate) fn unchecked(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, TrailError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|error| TrailError::open("open", path, error))?;
        Ok(Self { fd, path: path.to_owned(), disk })
    }

    /// Opens a folder in this one, creating it where it is missing.
    pub(crate) fn child(&self, name: &str) -> Result<Self, TrailError> {
        let path = self.path.join(name);
        let made = match fs::mkdirat(&self.fd, name, FOLDER_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(TrailError::io("create", &path, error)),
        };
        let this = self.existing(name)?;
        if made {
            // The umask may have taken bits away.
            fs::fchmod(&this.fd, FOLDER_MODE)
                .and_then(|()| self.sync())
                .map_err(|error| TrailError::io("create", &this.path, error))?;
        }
        Ok(this)
    }

    /// Opens a folder in this one that is there.
    pub(crate) fn existing(&self, name: &str) -> Result<Self, TrailError> {
        let path = self.path.join(name);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | SAFE;
        let fd = fs::openat(&self.fd, name, flags, Mode::empty())
            .map_err(|error| refused(&path, error))?;
        let this = Self { fd, path, disk: Arc::clone(&self.disk) };
        this.check("open")?;
        Ok(this)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn shared_disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    pub(crate) fn file_path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Is the folder still found under its path?
    pub(crate) fn is_in_place(&self) -> bool {
        let at_path = fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        match (at_path, fs::fstat(&self.fd)) {
            (Ok(there), Ok(held)) => file_id(&there) == file_id(&held),
            // Not to be told now, say for want of rights on a parent: leave it as it is.
            (Err(error), _) => error != Errno::NOENT && error != Errno::NOTDIR,
            (_, Err(_)) => true,
        }
    }

    fn check(&self, doing: &'static str) -> Result<(), TrailError> {
        let stat = fs::fstat(&self.fd).map_err(|error| TrailError::io(doing, &self.path, error))?;
        let ours = stat.st_uid == rustix::process::geteuid().as_raw();
        if !ours && stat.st_uid != 0 {
            let why = "belongs to another user: give it to the user the service runs as (chown)";
            return Err(TrailError::unsafe_path(&self.path, why));
        }
        if stat.st_mode & FOREIGN_WRITE != 0 {
            let why = "can be written by other users: take that right away (chmod go-w), or name a new folder inside it";
            return Err(TrailError::unsafe_path(&self.path, why));
        }
        Ok(())
    }

    /// The names in the folder, in no order. Names that are not UTF-8 are none of ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, Errno> {
        names(&self.fd)
    }

    /// What is found under a name, without following a link.
    pub(crate) fn stat(&self, name: &str) -> Result<Stat, Errno> {
        fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Creates a file that does not exist, with mode 0600 whatever the umask.
    pub(crate) fn create(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let fd = self.disk.open(self.fd.as_fd(), name, flags | OFlags::CREATE | OFlags::EXCL)?;
        fs::fchmod(&fd, FILE_MODE)?;
        Ok(fd)
    }

    /// Opens a file that exists, if it is a regular file of ours under one name only.
    pub(crate) fn open(&self, name: &str, flags: OFlags) -> Result<OwnedFd, TrailError> {
        let path = self.file_path(name);
        let fd = self
            .disk
            .open(self.fd.as_fd(), name, flags)
            .map_err(|error| TrailError::open("open", &path, error))?;
        check_file(&fd, &path)?;
        Ok(fd)
    }

    /// Makes created, renamed and removed names survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), Errno> {
        self.disk.sync(self.fd.as_fd())
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        self.disk.rename(self.fd.as_fd(), from, to)
    }

    /// Removes a file that is meant to go.
    pub(crate) fn unlink(&self, name: &str) -> Result<(), Errno> {
        self.disk.unlink(self.fd.as_fd(), name)
    }

    /// Removes a file that this process has made and that holds nothing.
    pub(crate) fn remove(&self, name: &str) {
        if let Err(error) = fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            let file = self.file_path(name);
            tracing::warn!(target: "audit", file = %file.display(), %error, "cannot remove");
        }
    }

    /// A new file under a name that nothing can be in the way of. What a killed writer has left of
    /// these goes with [`sweep`](Self::sweep).
    pub(crate) fn temporary(&self, name: &str, flags: OFlags) -> Result<(String, OwnedFd), Errno> {
        let temporary = temporary(name);
        let file = self.create(&temporary, flags)?;
        Ok((temporary, file))
    }

    /// Removes the temporary files of writers that were killed.
    pub(crate) fn sweep(&self) -> Result<(), Errno> {
        let regular = |stat: Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        for name in self.names()?.into_iter().filter(|name| is_temporary(name)) {
            if self.stat(&name).is_ok_and(regular) {
                self.remove(&name);
            }
        }
        Ok(())
    }

    /// Writes a small file, whole or not at all, in place of what may be there.
    pub(crate) fn replace_whole(&self, name: &str, content: &[u8]) -> Result<(), Errno> {
        let (temporary, file) = self.temporary(name, OFlags::WRONLY)?;
        let filled = write_all(&*self.disk, &file, content)
            .1
            .and_then(|()| self.disk.sync(file.as_fd()))
            .and_then(|()| self.rename_over(&temporary, name));
        if let Err(error) = filled {
            self.remove(&temporary);
            return Err(error);
        }
        self.sync()
    }

    /// Renames over what may be there. A folder, which nothing can be renamed over, is moved away.
    fn rename_over(&self, from: &str, to: &str) -> Result<(), Errno> {
        match self.rename(from, to) {
            Err(Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY) => {
                let moved = out_of_the_way(to);
                self.rename(to, &moved)?;
                let folder = self.file_path(to);
                tracing::warn!(target: "audit", folder = %folder.display(), moved, "a folder was in the way");
                self.rename(from, to)
            }
            done => done,
        }
    }

    /// Reads the beginning of a small file, at most so many bytes; `None` where there is none. What
    /// is not UTF-8, or longer, is not what a writer has left: it is given so that it shows.
    pub(crate) fn read_small(&self, name: &str, most: u64) -> Result<Option<String>, TrailError> {
        let file = match self.open(name, OFlags::RDONLY) {
            Ok(file) => std::fs::File::from(file),
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        let read = file.take(most + 1).read_to_end(&mut bytes);
        read.map_err(|error| TrailError::io("read", &self.file_path(name), error))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Creates a small file, whole or not at all, and never over one that exists.
    pub(crate) fn create_whole(&self, name: &str, content: &[u8]) -> Result<(), Errno> {
        // Unique, so that threads and what killed processes left do not meet.
        let (temporary, file) = self.temporary(name, OFlags::WRONLY)?;
        // A rename would replace what another process made meanwhile; a link does not.
        let filled = write_all(&*self.disk, &file, content)
            .1
            .and_then(|()| self.disk.sync(file.as_fd()))
            .and_then(|()| fs::linkat(&self.fd, &temporary, &self.fd, name, AtFlags::empty()));
        self.remove(&temporary);
        filled?;
        self.sync()
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A regular file of ours under one name only: else writing to it could write somewhere else,
/// or somebody else could write to it.
pub(crate) fn check_file(fd: &OwnedFd, path: &Path) -> Result<(), TrailError> {
    let stat = fs::fstat(fd).map_err(|error| TrailError::io("inspect", path, error))?;
    let refuse = |why| Err(TrailError::unsafe_path(path, why));
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("is not a regular file: move it away");
    }
    if stat.st_nlink > 1 {
        return refuse("has a second name (a hard link): remove that name, or move the file away");
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return refuse("belongs to another user: give it to the user the service runs as (chown)");
    }
    if stat.st_mode & FOREIGN_WRITE != 0 {
        return refuse("can be written by other users: take that right away (chmod go-w)");
    }
    Ok(())
}

/// The names in a folder held open.
pub(crate) fn names(folder: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        if let Ok(name) = entry?.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn refused(path: &Path, error: Errno) -> TrailError {
    // For a link, the system says "not a directory" when both flags are given.
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => TrailError::link(path),
        _ => TrailError::open("open", path, error),
    }
}

/// Creates missing folders, each durable in its parent before the next.
fn make_with_parents(path: &Path) -> Result<(), TrailError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|p| !p.as_os_str().is_empty() && p.symlink_metadata().is_err())
        .collect();
    for folder in missing.into_iter().rev() {
        let failed = |error: io::Error| TrailError::io("create", folder, error);
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            // Another process starts at the same moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(failed(error)),
        }
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).map_err(failed)?;
        if let Some(parent) = folder.parent() {
            std::fs::File::open(parent).and_then(|p| p.sync_all()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::disk::Os;

    fn refusal<T>(result: Result<T, TrailError>) -> String {
        result.err().expect("refused").to_string()
    }

    #[test]
    fn folders_others_could_change_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let open = |name: &str| Directory::root(&temp.path().join(name), Arc::new(Os));
        let root = open("a/b/c").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(root.path()), 0o700);
        assert_eq!(mode(&temp.path().join("a")), 0o700);
        assert_eq!(mode(root.child("00").unwrap().path()), 0o700);

        symlink(temp.path().join("a"), temp.path().join("link")).unwrap();
        assert!(refusal(open("link")).contains("link is a symbolic link"));
        std::fs::write(temp.path().join("file"), "").unwrap();
        assert!(refusal(open("file")).contains("cannot open"));
        assert!(refusal(open("file/x")).contains("cannot create"));
        std::fs::set_permissions(temp.path().join("a"), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(refusal(open("a")).contains("chmod go-w"));
    }

    #[test]
    fn files_that_are_not_provably_ours_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let root = Directory::root(&temp.path().join("r"), Arc::new(Os)).unwrap();
        let at = |name: &str| root.path().join(name);
        drop(root.create("plain", OFlags::RDWR).unwrap());
        assert_eq!(at("plain").metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        root.open("plain", OFlags::RDWR).unwrap();
        symlink(at("plain"), at("link")).unwrap();
        assert!(refusal(root.open("link", OFlags::RDWR)).contains("symbolic link"));
        fs::mknodat(&root, "pipe", FileType::Fifo, FILE_MODE, 0).unwrap();
        assert!(refusal(root.open("pipe", OFlags::RDWR)).contains("not a regular file"));
        assert!(refusal(root.open("pipe", OFlags::WRONLY)).contains("not a regular file"));
        std::fs::hard_link(at("plain"), at("second")).unwrap();
        assert!(refusal(root.open("plain", OFlags::RDWR)).contains("hard link"));
        assert!(!at("plain").metadata().unwrap().is_dir());
    }
}
