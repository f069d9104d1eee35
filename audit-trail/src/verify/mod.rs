//! Whether a trail still is what was signed.

mod claims;
mod grants;
mod odd;
mod report;
mod told;
mod walk;

use std::path::{Path, PathBuf};

use crate::{
    ReadError,
    files::{is_directory, is_writer},
    note::VerifyingKey,
    read::names,
};

pub use self::report::{Anchor, Finding, Verdict};
pub(crate) use self::{
    grants::{Grant, grant},
    walk::{Seen, directory, small},
};

/// What a trail is compared with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Known {
    /// The key that signs it, kept elsewhere. `None`: that in each directory, which tells only
    /// that the directory is consistent in itself.
    pub key: Option<VerifyingKey>,
    /// Checkpoints that were kept elsewhere: the notes, as in the file `checkpoint`.
    pub anchors: Vec<String>,
}

/// Verifies a writer directory, or all of a trail root, also while it is written. Reads every
/// line once, writes nothing, and needs little memory: 64 KiB, up to 1 MiB for a long line, and
/// some ten bytes for each record with redacted groups. `progress` is called now and then with how
/// many bytes were read, and how many there are.
///
/// ```no_run
/// use audit_trail::{Known, verify};
///
/// for verdict in verify("./audit", &Known::default(), &mut |_, _| {})? {
///     assert!(verdict.is_good(), "{verdict}");
/// }
/// # Ok::<(), audit_trail::ReadError>(())
/// ```
///
/// # Errors
///
/// When there is no trail, or a file of it may not be read. What is wrong with its content is in
/// the verdicts.
pub fn verify(
    source: impl AsRef<Path>,
    known: &Known,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Verdict>, ReadError> {
    // Where something is known that should be here, an empty folder is an answer.
    let known_of = known.key.is_some() || !known.anchors.is_empty();
    let directories = directories(source.as_ref(), known_of)?;
    let bytes = |path: &PathBuf| {
        let files = std::fs::read_dir(path).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>()
    };
    let all = directories.iter().map(bytes).sum();
    let (mut done, mut verdicts) = (0, Vec::new());
    for path in &directories {
        let mut see = |seen: Seen<'_>| {
            if let Seen::Bytes(bytes) = seen {
                done += bytes;
                progress(done, all);
            }
        };
        verdicts.push(directory(path, known, &mut see)?);
    }
    report::match_all(&mut verdicts, known);
    Ok(verdicts)
}

/// The writer directories of a trail: all of a root, or the one that was named. Without one an
/// error, or the path itself where an empty folder may be one.
pub(crate) fn directories(source: &Path, empty: bool) -> Result<Vec<PathBuf>, ReadError> {
    let found = names(source)?;
    let mut directories: Vec<PathBuf> =
        found.iter().filter(|name| is_writer(name)).map(|name| source.join(name)).collect();
    directories.sort_unstable();
    let one = is_directory(&found);
    if one || directories.is_empty() {
        if !one && !empty {
            return Err(ReadError::NoTrail(source.to_owned()));
        }
        directories = vec![source.to_owned()];
    }
    Ok(directories)
}
