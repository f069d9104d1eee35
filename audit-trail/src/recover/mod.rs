//! What a new writer finds in its directory, and how it is made fit to be written again.

mod back;
mod given_up;
mod quarantine;
mod scan;

use std::{
    fs::File,
    ops::Range,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use audit_core::Timestamp;
use rustix::{fs::OFlags, io::Errno};

use self::{
    given_up::given_up,
    scan::{Judge, Scan, Verdict, scan},
};
use crate::{
    TrailError,
    announced::{Interrupted, Note, Unrecorded, noted},
    directory::Directory,
    files::{CHECKPOINT, VERIFIER, file_name, numbers},
    line::{Event, MAX_SEQ},
    note::{Checkpoint, VerifyingKey},
    tree::Tree,
};

pub(crate) use self::quarantine::{move_tail, set_aside};

/// How many sequence numbers must be left for a directory to be of use.
const ROOM: u64 = 1 << 40;

/// What becomes of a directory.
pub(crate) enum Fitness {
    /// It can be written.
    Fit(Box<Found>),
    /// It is left as it is, for this reason.
    Left(String),
}

/// A directory that can be written.
pub(crate) struct Found {
    /// The segment to go on with; absent where a new one has to be made.
    pub(crate) segment: Option<Last>,
    /// The tree of all records; its size is the seq of the next.
    pub(crate) tree: Tree,
    /// How many of them a checkpoint covers; absent where there is no checkpoint.
    pub(crate) signed: Option<u64>,
    /// Records are there, and the last of them is not `close`.
    pub(crate) unclean: bool,
    /// What was repaired, in this order.
    pub(crate) repairs: Vec<Event>,
    /// Requests that were announced and have no record, oldest first.
    pub(crate) interrupted: Vec<Interrupted>,
    /// There is a note of such requests.
    pub(crate) noted: bool,
}

/// The last segment, all of whose lines are whole.
pub(crate) struct Last {
    pub(crate) file: OwnedFd,
    pub(crate) from: u64,
    pub(crate) len: u64,
    pub(crate) header: u64,
    pub(crate) origin: String,
    /// How long ago its first record was written.
    pub(crate) age: Duration,
}

/// Makes a directory fit to be written. It is left as it is where this version cannot go on in it,
/// since its records are of another version or its numbers are used up; where another key signs
/// it; and where what was signed is not there any more, since then it is evidence.
///
/// What stands under one of its names and is not provably ours (a pipe, a folder, a link, a file with
/// a second name or that others can write) is an error, for which the caller leaves it too.
///
/// Only the last segment that has a header is read, and those before it from the one on in which a
/// request was noted to have been announced: old damage does not stop the log. Killed at
/// any point, the next call comes to the same end: what is moved away is copied and made
/// durable before it is cut.
pub(crate) fn recover(directory: &Directory, key: &VerifyingKey) -> Result<Fitness, TrailError> {
    let failed = |doing, error: Errno| TrailError::io(doing, directory.path(), error);
    let text = directory.read_small(VERIFIER, 1024)?;
    let unnamed = text.is_none();
    if text.is_some_and(|text| VerifyingKey::parse(&text).ok().as_ref() != Some(key)) {
        let why = "another key signs it (its file verifier.key is not this key's)";
        return Ok(Fitness::Left(why.to_owned()));
    }
    let published = directory.read_small(CHECKPOINT, 4096)?;
    let was_told = published.is_some();
    let published = published.and_then(|note| Checkpoint::verify(&note, key));
    let judge = Judge { key, published: published.as_ref(), unnamed };
    let names = directory.names().map_err(|error| failed("list", error))?;
    let mut segments = numbers(&names);
    let mut found = Found {
        segment: None,
        tree: Tree::default(),
        signed: published.as_ref().map(|published| published.size),
        unclean: false,
        repairs: Vec::new(),
        interrupted: Vec::new(),
        noted: false,
    };
    if was_told && published.is_none() {
        let reason = "its file `checkpoint` was none that this key has signed".to_owned();
        found.repairs.push(Event::Repair { file: None, bytes: 0, reason });
    }
    let (all, mut note) = (segments.clone(), noted(directory)?);
    found.noted = note != Note::Missing;
    let mut first = back::first(directory, &all, note);
    let mut requests = Unrecorded::default();
    let before_last = all.len().saturating_sub(1);
    back::look(directory, all.get(first..before_last).unwrap_or_default(), &mut requests)?;
    while let Some(from) = segments.pop() {
        let name = file_name(from);
        let path = directory.file_path(&name);
        let io = |doing, error: Errno| TrailError::io(doing, &path, error);
        let file = File::from(directory.open(&name, OFlags::RDWR | OFlags::APPEND)?);
        let size = file.metadata().map_err(|e| TrailError::io("inspect", &path, e))?.len();
        let scanned = scan(&file, from, &judge, &mut requests)
            .map_err(|e| TrailError::io("read", &path, e))?;
        let Scan { header, header_len, tree, signed, others, len, torn, closed, first_time } =
            match scanned {
                Verdict::Left(why) => return Ok(Fitness::Left(why)),
                Verdict::Segment(scan) => *scan,
            };
        let Some(origin) = header else {
            if published.as_ref().is_some_and(|published| published.size > from) {
                let why = format!("its segment {name} has no header, and held what was signed");
                return Ok(Fitness::Left(why));
            }
            // Without a header nothing in it can be placed. The segment before it goes on.
            if size == 0 {
                // Made just before a crash, and holds nothing.
                directory.remove(&name);
                continue;
            }
            let moved = set_aside(directory, &name).map_err(|e| io("quarantine", e))?;
            let reason = format!("{name} {}", torn.unwrap_or("has no header"));
            found.repairs.insert(0, Event::Repair { file: Some(moved), bytes: size, reason });
            found.unclean = true;
            continue;
        };
        let next = tree.size();
        let vouched = found.signed.max(signed).is_some() || !others;
        if let Some(why) = doubt(published.as_ref(), &origin, from..next, vouched) {
            return Ok(Fitness::Left(why));
        }
        if let Some(why) = torn {
            let moved = move_tail(directory, &name, &file, len, size);
            let (moved, bytes) = moved.map_err(|error| io("quarantine the torn end of", error))?;
            let reason = format!("{name} was cut at byte {len}: {why}");
            found.repairs.push(Event::Repair { file: Some(moved), bytes, reason });
        }
        // Its lines may never have reached the disk: what follows must not stand without them.
        directory.disk().sync(file.as_fd()).map_err(|error| io("sync", error))?;
        // An empty first segment is a trail that has just begun.
        found.unclean |= !closed && (next > from || from > 0 || torn.is_some());
        if let Some(before) = segments.last() {
            found.repairs.extend(given_up(directory, *before, from, key)?);
        }
        found.tree = tree;
        found.signed = found.signed.max(signed);
        let age = age(first_time);
        found.segment =
            Some(Last { file: file.into(), from, len, header: header_len, origin, age });
        break;
    }
    directory.sync().map_err(|error| failed("sync", error))?;
    if matches!(note, Note::At(oldest) if oldest >= found.tree.size()) {
        // Of a record that is not there.
        note = Note::Damaged;
        first = back::first(directory, &all, note);
        requests = Unrecorded::default();
        back::look(directory, &all[first..], &mut requests)?;
    }
    if note == Note::Damaged {
        found.repairs.push(back::told(&all, first));
    }
    let (interrupted, too_many) = requests.finish();
    found.interrupted = interrupted;
    if too_many > 0 {
        let reason = format!(
            "{too_many} requests were announced while too many others had no record: they may \
             have none"
        );
        found.repairs.push(Event::Repair { file: None, bytes: 0, reason });
    }
    if found.segment.is_none() && published.is_some() {
        // Nothing that could be gone on with, though something was signed.
        let why = "none of its segments can be gone on with";
        return Ok(Fitness::Left(why.to_owned()));
    }
    directory.sweep().map_err(|error| failed("list", error))?;
    Ok(Fitness::Fit(Box::new(found)))
}

/// Why a last segment that holds these records is not gone on with. `vouched`: a checkpoint covers some
/// of the directory, or there is nothing in it that wants one, since a writer signs before it takes
/// the first record of somebody else.
fn doubt(
    published: Option<&Checkpoint>,
    origin: &str,
    records: Range<u64>,
    vouched: bool,
) -> Option<String> {
    let Range { start: from, end: next } = records;
    if next > MAX_SEQ - ROOM {
        return Some("its numbers are used up".to_owned());
    }
    if let Some(other) = published.filter(|published| published.origin != origin) {
        return Some(format!("its file `checkpoint` is of another directory, {}", other.origin));
    }
    let size = published.map(|published| published.size);
    // Before a segment begins, what it states is signed and published.
    if from > 0 && size.is_none_or(|size| size < from) {
        let name = file_name(from);
        return Some(format!("no checkpoint vouches for what its segment {name} states"));
    }
    if size.is_some_and(|size| size > next) {
        return Some(format!("it ends before record {next}, and more was signed"));
    }
    (!vouched).then(|| "no checkpoint vouches for any of it".to_owned())
}

fn age(first: Option<Timestamp>) -> Duration {
    let micros =
        first.map_or(0, |first| Timestamp::now().as_micros().saturating_sub(first.as_micros()));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
