//! Settings, and the way to an open trail.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    Trail, TrailError,
    directory::Directory,
    disk::{Disk, Os},
    key,
    note::SigningKey,
    opening::Opening,
    secret,
    take::{Place, take},
};

/// Settings of a trail. Made by [`Trail::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `open` is called"]
pub struct Builder {
    root: PathBuf,
    secret_file: Option<PathBuf>,
    key: Option<SigningKey>,
    said: audit_core::settings::Trail,
    heartbeat: Duration,
    disk: DebugDisk,
}

/// The disk, which has nothing to show.
pub(crate) struct DebugDisk(pub(crate) Arc<dyn Disk>);

impl std::fmt::Debug for DebugDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Builder {
    pub(crate) fn new(root: &Path) -> Self {
        let disk = DebugDisk(Arc::new(Os));
        Self {
            root: root.to_owned(),
            secret_file: None,
            key: None,
            said: audit_core::settings::Trail::default(),
            heartbeat: Duration::from_secs(60),
            disk,
        }
    }

    /// Takes all that a configuration says of the trail but its root. What is said afterwards
    /// counts more.
    pub fn settings(mut self, settings: &audit_core::settings::Trail) -> Self {
        self.said = settings.clone();
        self
    }

    /// How large a segment grows before the next begins, in bytes. Default 64 MiB; 1 to 1 TiB.
    /// A segment holds at least one record, so it can exceed this by one record of up to 1 MiB.
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        self.said.segment_bytes = bytes;
        self
    }

    /// How long after its first record a segment takes records. Default 24 hours; more than 0.
    pub const fn segment_age(mut self, age: Duration) -> Self {
        self.said.segment_age = age;
        self
    }

    /// How long a record waits at most before a sync to the disk begins that covers it, so that
    /// many share one. Default 10 ms; at most 60 s. A power cut can lose what this window held.
    pub const fn commit_interval(mut self, interval: Duration) -> Self {
        self.said.commit_interval = interval;
        self
    }

    /// How long after a record a checkpoint is signed at the latest. Default 1 s; more than 0, at
    /// most 60 s. What no checkpoint covers can be changed unseen.
    pub const fn checkpoint_interval(mut self, interval: Duration) -> Self {
        self.said.checkpoint_interval = interval;
        self
    }

    /// How many records a checkpoint waits for at most. Default 4,096; 1 to 1,048,576. Each makes
    /// the writer wait for the disk once.
    pub const fn checkpoint_records(mut self, records: u64) -> Self {
        self.said.checkpoint_records = records;
        self
    }

    /// The file with the private key that signs checkpoints: one line, as `audit keygen` prints,
    /// which other users can neither read nor write. Default: what the environment variable
    /// `AUDIT_SIGNING_KEY` holds, else the file beside the root, its name with `.key` added, which
    /// is made when it is missing.
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.said.key = Some(path.into());
        self
    }

    /// The private key itself, for those who keep it elsewhere. It counts more than a file.
    pub fn key(mut self, key: SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The file with the secret that keys pseudonyms and sampling. Default: beside the root,
    /// its name with `.secret` added. It is made when it is missing.
    pub fn secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secret_file = Some(path.into());
        self
    }

    #[cfg(test)]
    pub(crate) fn disk(mut self, disk: impl Disk + 'static) -> Self {
        self.disk = DebugDisk(Arc::new(disk));
        self
    }

    #[cfg(test)]
    pub(crate) const fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Opens the trail: creates what is missing, takes the first writer directory that no
    /// living process holds, repairs what a crash has left in it, and starts the thread that
    /// syncs. The trail's `open` record is durable when this returns.
    ///
    /// It waits for a second where a directory has segments and no `LOCK`: whoever wrote there, and
    /// lives, leaves it meanwhile.
    ///
    /// # Errors
    ///
    /// When the root cannot be written, could be written by other users, or is no folder; when
    /// the secret file is not one or others can read it; when a setting is out of bounds; when
    /// the disk is full; when all 100 writer directories are in use or were left. Never because
    /// of what stands in one of them: a directory in which something is damaged, or is a link, a
    /// pipe or not ours, is left as it is, and a record in the next one says so.
    pub fn open(self) -> Result<Trail, TrailError> {
        self.said.check()?;
        let disk = self.disk.0;
        let (path, name) = named(&self.root)?;
        let root = Directory::root(&path, Arc::clone(&disk))?;
        let beside = |end: &str| path.with_file_name(format!("{name}.{end}"));
        let file = self.secret_file.unwrap_or_else(|| beside("secret"));
        let secret = secret::load_or_make(&file, &disk)?;
        let key = match self.key {
            Some(key) => key,
            None => key::of_trail(self.said.key.as_deref(), &beside("key"), &name, &disk)?,
        };
        let verifier = key.verifying_key();
        let opening =
            Opening { root: &path, name: &name, key, said: &self.said, heartbeat: self.heartbeat };
        let Place { directory, lock, found } = take(&root, &verifier)?;
        let path = directory.path().to_owned();
        let shared = Arc::new(opening.begin(directory, lock, found)?);
        let thread =
            shared.start().map_err(|error| TrailError::io("start the thread for", &path, error))?;
        Ok(Trail::new(shared, thread, secret, path))
    }
}

/// The root as an absolute path, and its name.
pub(crate) fn named(root: &Path) -> Result<(PathBuf, String), TrailError> {
    let failed = |error| TrailError::io("find", root, error);
    let mut path = std::path::absolute(root).map_err(failed)?;
    if path.file_name().is_none() {
        // It ends in `..`: only the file system knows its name.
        path = path.canonicalize().map_err(failed)?;
    }
    let Some(name) = path.file_name() else {
        return Err(TrailError::unsafe_path(root, "cannot be a trail root: name a folder in it"));
    };
    let name = name.to_string_lossy().into_owned();
    Ok((path, name))
}
