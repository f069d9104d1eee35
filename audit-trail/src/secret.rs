//! The secret beside the trail.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use audit_core::Secret;
use rustix::{
    fs::{self, FileType, OFlags},
    io::Errno,
};

use crate::{
    TrailError,
    disk::{Disk, FILE_MODE, SAFE},
    tree::hex,
};

/// No such file is larger, in bytes.
const LARGEST: u64 = 1024;

/// Reads the secret, or makes one where the file is missing.
pub(crate) fn load_or_make(path: &Path, disk: &Arc<dyn Disk>) -> Result<Secret, TrailError> {
    loop {
        if let Some(secret) = load(path)? {
            return Ok(secret);
        }
        let secret = Secret::random();
        match make(path, &secret, disk)? {
            true => return Ok(secret),
            // Another process made one meanwhile: there is only one secret.
            false => continue,
        }
    }
}

/// Reads a service's secret: the file that a trail keeps beside its root.
///
/// # Errors
///
/// When it is missing, is not what a trail wrote, or can be read by other users.
pub fn read_secret(path: impl AsRef<Path>) -> Result<Secret, TrailError> {
    let path = path.as_ref();
    load(path)?.ok_or_else(|| TrailError::open("open", path, Errno::NOENT))
}

fn load(path: &Path) -> Result<Option<Secret>, TrailError> {
    let Some(text) = load_private(path)? else { return Ok(None) };
    let bytes = parse(&text).ok_or_else(|| TrailError::Secret { path: path.to_owned() })?;
    Ok(Some(Secret::new(bytes)))
}

/// Reads a small file that nobody else can read or write; `None` where there is none.
pub(crate) fn load_private(path: &Path) -> Result<Option<Vec<u8>>, TrailError> {
    let fd = match fs::open(path, OFlags::RDONLY | SAFE, FILE_MODE) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(TrailError::open("open", path, error)),
    };
    let stat = fs::fstat(&fd).map_err(|error| TrailError::io("inspect", path, error))?;
    let refuse = |why| Err(TrailError::unsafe_path(path, why));
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("is not a regular file: move it away");
    }
    let me = rustix::process::geteuid().as_raw();
    if stat.st_uid != me && stat.st_uid != 0 {
        return refuse("belongs to another user: give it to the user the service runs as (chown)");
    }
    if stat.st_mode & 0o077 != 0 {
        return refuse("can be read or written by other users, so it is no secret: chmod 600 it");
    }
    let mut text = Vec::new();
    File::from(fd)
        .take(LARGEST)
        .read_to_end(&mut text)
        .map_err(|error| TrailError::io("read", path, error))?;
    Ok(Some(text))
}

fn parse(text: &[u8]) -> Option<[u8; 32]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn make(path: &Path, secret: &Secret, disk: &Arc<dyn Disk>) -> Result<bool, TrailError> {
    make_private(path, &format!("{}\n", hex(secret.expose())), disk)
}

/// Whole or not at all, and never over another: false when there is one already.
pub(crate) fn make_private(
    path: &Path,
    text: &str,
    disk: &Arc<dyn Disk>,
) -> Result<bool, TrailError> {
    let failed = |error: Errno| TrailError::io("create", path, error);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(Errno::INVAL));
    };
    let name = name.to_str().ok_or_else(|| failed(Errno::ILSEQ))?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let folder = crate::directory::Directory::unchecked(parent, Arc::clone(disk))?;
    match folder.create_whole(name, text.as_bytes()) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::disk::Os;

    fn get(path: &Path) -> Result<Secret, String> {
        load_or_make(path, &(Arc::new(Os) as Arc<dyn Disk>)).map_err(|error| error.to_string())
    }

    #[test]
    fn made_once_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("audit.secret");
        let first = get(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() == 65 && text.ends_with('\n'));
        assert_eq!(get(&path).unwrap().expose(), first.expose());
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn threads_that_start_together_agree() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("audit.secret");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || *get(&path).unwrap().expose())
            })
            .collect();
        let mut all: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        all.dedup();
        assert_eq!(all.len(), 1);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("s");
        let with = |content: &str, mode| {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            get(&path)
        };
        let good = "0123456789abcdef".repeat(4);
        assert!(with(&good, 0o600).is_ok());
        assert!(with(&good, 0o400).is_ok());
        assert!(with(&good, 0o640).unwrap_err().contains("chmod 600"));
        std::fs::remove_file(&path).unwrap();
        for bad in [String::new(), "x".repeat(64), good.clone() + "0", good.clone() + "\n\n"] {
            assert!(with(&bad, 0o600).unwrap_err().contains("64 hex digits"), "{bad}");
        }
        std::fs::remove_file(&path).unwrap();
        symlink(temp.path().join("t"), &path).unwrap();
        assert!(get(&path).unwrap_err().contains("symbolic link"));
        assert!(get(&temp.path().join("no/s")).unwrap_err().contains("cannot"));
    }
}
