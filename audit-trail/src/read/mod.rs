//! Reading a trail, finished or live.

mod error;
mod item;
mod last;
mod seen;
mod segment;
mod writer_dir;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use audit_core::Timestamp;

use self::writer_dir::WriterDir;
use crate::files::{is_directory, is_writer};

pub use self::{
    error::ReadError,
    item::{Damaged, Item, Line},
};
pub(crate) use self::{
    segment::open_file,
    writer_dir::{names, read_line},
};

/// How many items are given out before writers that had come to their end are asked again.
const PATIENCE: u32 = 256;

/// Reads the lines of a trail: by seq within a writer directory, writers merged by time.
///
/// Reading takes no lock, writes nothing, and needs little memory whatever the size of the
/// trail: about 64 KiB a writer directory, up to 1 MiB while a line is that long.
///
/// A reader follows a live trail: [`next`](Self::next) gives `None` at the present end, and what
/// was appended meanwhile when it is called again.
///
/// ```no_run
/// use audit_trail::{Item, Reader};
/// # fn main() -> Result<(), audit_trail::ReadError> {
/// let mut reader = Reader::open("./audit")?;
/// while let Some(item) = reader.next()? {
///     match item {
///         Item::Line(line) => assert!(line.text().starts_with("{\"seq\":")),
///         Item::Damaged(damage) => assert!(damage.line > 0),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    /// Where new writer directories appear; absent when one directory was named.
    root: Option<PathBuf>,
    known: BTreeSet<String>,
    writers: Vec<Source>,
    /// Items given out since every writer was asked.
    given: u32,
    /// Leave out segments that were last written before this.
    since: Option<Timestamp>,
}

/// One writer directory, and the line it offers.
#[derive(Debug)]
struct Source {
    directory: WriterDir,
    offer: Option<Item>,
    /// The latest time seen here: a record that ends late has an early time, and must not jump
    /// before what was written before it.
    latest: Timestamp,
    at_end: bool,
}

impl Reader {
    /// Reads from the beginning. `source` is a trail root or one writer directory in it.
    ///
    /// # Errors
    ///
    /// When there is no trail, or it may not be read.
    pub fn open(source: impl AsRef<Path>) -> Result<Self, ReadError> {
        Self::start(source.as_ref(), None)
    }

    /// Reads from the beginning, but may leave out what lies before `time`: whole segments, where
    /// the next one's first record was written before it (its id tells). Other older records
    /// still come; and where the wall clock was set back, later records may be left out.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn since(source: impl AsRef<Path>, time: Timestamp) -> Result<Self, ReadError> {
        Self::start(source.as_ref(), Some(time))
    }

    /// Begins so far before the end that at least the newest `n` lines of each writer directory
    /// follow (fewer where it holds fewer). Reads backwards, so the cost does not depend on the
    /// size of the trail.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn tail(source: impl AsRef<Path>, n: usize) -> Result<Self, ReadError> {
        let mut reader = Self::open(source)?;
        for writer in &mut reader.writers {
            writer.directory.go_to_last(n)?;
        }
        Ok(reader)
    }

    fn start(source: &Path, since: Option<Timestamp>) -> Result<Self, ReadError> {
        let names = names(source)?;
        let mut reader =
            Self { root: None, known: BTreeSet::new(), writers: Vec::new(), given: 0, since };
        if is_directory(&names) {
            let path = source.canonicalize().unwrap_or_else(|_| source.to_owned());
            let name = path.file_name().map_or("00".into(), |n| n.to_string_lossy().into_owned());
            reader.add(source.to_owned(), &name);
        } else if names.iter().any(|name| is_writer(name)) {
            reader.root = Some(source.to_owned());
            reader.find_writers()?;
        } else {
            return Err(ReadError::NoTrail(source.to_owned()));
        }
        Ok(reader)
    }

    fn add(&mut self, path: PathBuf, name: &str) {
        self.known.insert(name.to_owned());
        let directory = WriterDir::new(path, name, self.since);
        let latest = Timestamp::from_micros(i64::MIN);
        self.writers.push(Source { directory, offer: None, latest, at_end: false });
    }

    /// Writer directories that appeared.
    fn find_writers(&mut self) -> Result<(), ReadError> {
        let Some(root) = self.root.clone() else { return Ok(()) };
        let mut names = match names(&root) {
            Ok(names) => names,
            // Moved away while it is followed: perhaps it comes back.
            Err(ReadError::NoTrail(_)) if !self.writers.is_empty() => return Ok(()),
            Err(error) => return Err(error),
        };
        names.sort_unstable();
        for name in names {
            let is_new = is_writer(&name) && !self.known.contains(&name);
            // No link is followed.
            if is_new && !root.join(&name).is_symlink() {
                self.add(root.join(&name), &name);
            }
        }
        Ok(())
    }

    /// The next line or damage; `None` at the present end. After `None`, another call looks for
    /// what was appended meanwhile, so a follower is a loop with a sleep of about 100 ms.
    ///
    /// A line that is not complete yet is not given; neither is one given twice because its
    /// segment was rolled, cut or repaired while it was read.
    ///
    /// # Errors
    ///
    /// When a file or folder may not be read. Damage is no error: it is an [`Item`].
    #[allow(clippy::should_implement_trait)] // Not an iterator: it goes on after `None`.
    pub fn next(&mut self) -> Result<Option<Item>, ReadError> {
        if self.given >= PATIENCE {
            self.ask_all_again()?;
        }
        for source in &mut self.writers {
            source.look()?;
        }
        let earliest = self.writers.iter_mut().filter(|source| source.offer.is_some());
        // The first of equals: `min_by_key` keeps the order of the directories.
        if let Some(source) = earliest.min_by_key(|source| source.latest) {
            self.given += 1;
            return Ok(source.offer.take());
        }
        // Nobody waits for a silent writer, but each gets a fresh look before the next round.
        self.ask_all_again()?;
        Ok(None)
    }

    fn ask_all_again(&mut self) -> Result<(), ReadError> {
        self.given = 0;
        self.writers.iter_mut().for_each(|source| source.at_end = false);
        self.find_writers()
    }
}

impl Source {
    fn look(&mut self) -> Result<(), ReadError> {
        if self.offer.is_none() && !self.at_end {
            self.offer = self.directory.next()?;
            self.at_end = self.offer.is_none();
            if let Some(Item::Line(line)) = &self.offer {
                self.latest = self.latest.max(line.time().unwrap_or(self.latest));
            }
        }
        Ok(())
    }
}
