//! Taking things out of a trail that was signed, so that it still proves what is left.
//!
//! ```text
//! look for it ──> have it granted ──────────────────────> rewrite, or remove
//!                 (a control record, signed, published)
//! ```
//! The control record is written by whoever holds the directory: a living writer finds a signed
//! order beside its segments, and a directory that nobody holds is opened here. Files are only touched
//! when the grant is signed and published, so that a kill at any point leaves a trail that verifies, and
//! what was not done yet is done by the next run.

mod age;
mod ask;
mod error;
mod find;
mod hold;
mod passed;
mod prune;
mod redact;
mod rewrite;
mod scan;
mod trusted;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::{
    fs::{self, FlockOperation},
    io::Errno,
};

use self::passed::Progress;
pub use self::{
    error::MaintainError,
    find::Signed,
    hold::{Held, Hold},
    prune::{Prune, Pruned},
    redact::{Redact, Redacted},
};
use crate::{
    ReadError, SigningKey, TrailError,
    builder::named,
    directory::Directory,
    disk::{Disk, Os},
    files::{LOCK, is_writer, parse_name},
    key,
    read::names,
};

/// How long a living writer may take to carry out an order.
const PATIENCE: Duration = Duration::from_secs(30);

/// A trail that things are taken out of. Holds the root against other maintenance until it is dropped;
/// the application goes on meanwhile.
///
/// ```no_run
/// use audit_trail::{Maintenance, Redact};
///
/// # fn main() -> Result<(), audit_trail::MaintainError> {
/// let trail = Maintenance::open("./audit", None)?;
/// let of_ann = |line: &audit_trail::Line| {
///     let entry = line.entry().ok()?;
///     (entry.actor()?.user.as_deref() == Some("ann")).then_some(audit_core::Group::ALL.to_vec())
/// };
/// for done in trail.redact(&Redact::default(), &mut |line| of_ann(line).unwrap_or_default())? {
///     assert!(done?.held.is_empty());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Maintenance {
    root: PathBuf,
    /// Locked, so that there is one of these at a time.
    root_directory: Directory,
    /// All writer directories, in order: a hold in any of them counts for all.
    writers: Vec<Directory>,
    /// The one that was named.
    only: Option<String>,
    key: SigningKey,
    patience: Duration,
    progress: Progress,
}

/// A child that was forked and has not come to its own program yet has the same open folder: closing ours would
/// leave it locked for that long.
impl Drop for Maintenance {
    fn drop(&mut self) {
        if let Err(error) = fs::flock(&self.root_directory, FlockOperation::Unlock) {
            tracing::warn!(target: "audit", %error, "cannot unlock");
        }
    }
}

impl std::fmt::Debug for Maintenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maintenance").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Maintenance {
    /// The trail at `source`: its root, or one writer's directory in it. `key` is the file with the
    /// private key that signs it; without one it is found as [`Builder::key_file`](crate::Builder::key_file)
    /// tells, but never made.
    ///
    /// # Errors
    ///
    /// When there is no trail or no key, when a part of it could be under somebody else's control, or
    /// when another process maintains it at this moment.
    pub fn open(source: impl AsRef<Path>, key: Option<&Path>) -> Result<Self, MaintainError> {
        let disk: Arc<dyn Disk> = Arc::new(Os);
        Self::with_disk(source.as_ref(), key, &disk)
    }

    pub(crate) fn with_disk(
        source: &Path,
        key: Option<&Path>,
        disk: &Arc<dyn Disk>,
    ) -> Result<Self, MaintainError> {
        let (path, only) = find(&named(source)?.0)?;
        let (path, name) = named(&path)?;
        let root = Directory::root(&path, Arc::clone(disk))?;
        let key = key::existing(key, &path.with_file_name(format!("{name}.key")))?;
        match fs::flock(&root, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(MaintainError::Busy { root: path }),
            Err(error) => return Err(TrailError::io("lock", &path, error).into()),
        }
        let mut listed = scan::names(&root)?;
        listed.retain(|name| is_writer(name));
        listed.sort_unstable();
        let writers = listed.iter().map(|name| root.existing(name)).collect::<Result<_, _>>()?;
        let progress = Progress::default();
        Ok(Self {
            root: path,
            root_directory: root,
            writers,
            only,
            key,
            patience: PATIENCE,
            progress,
        })
    }

    #[cfg(test)]
    pub(crate) const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether a directory is meant.
    fn is_chosen(&self, directory: &Directory) -> bool {
        let only = self.only.as_deref();
        only.is_none_or(|only| directory.path().file_name().is_some_and(|name| name == only))
    }
}

/// The root of what was named, and which writer directory of it, if it was one.
fn find(source: &Path) -> Result<(PathBuf, Option<String>), ReadError> {
    let found = names(source)?;
    let name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let one = found.iter().any(|name| name == LOCK || parse_name(name).is_some());
    if let Some(root) = source.parent().filter(|_| one && is_writer(name)) {
        return Ok((root.to_owned(), Some(name.to_owned())));
    }
    match found.iter().any(|name| is_writer(name)) {
        true => Ok((source.to_owned(), None)),
        false => Err(ReadError::NoTrail(source.to_owned())),
    }
}
