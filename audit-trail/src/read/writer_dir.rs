//! Reading one writer directory.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use audit_core::{Entry, Timestamp};
use uuid::Uuid;

use super::{
    Damaged, Item, Line, ReadError,
    seen::{Seen, fingerprint},
    segment::{Replay, Segment},
};
use crate::{
    files::{file_name, is_foreign, numbers},
    line::{self, Lines, Next},
    note::from_line,
    segment::{Header, parse_header},
};

/// The names in a folder.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, ReadError> {
    let entries = fs::read_dir(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NoTrail(path.into()),
        _ => ReadError::io(path, error),
    })?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| ReadError::io(path, error))?;
        // One that is no text is shown as well as it can be, and is none of ours.
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// The state of reading one writer directory.
#[derive(Debug)]
pub(super) struct WriterDir {
    pub(super) path: PathBuf,
    name: Arc<str>,
    /// Where reading is; absent before the first segment.
    pub(super) current: Option<Segment>,
    /// The segments up to this one are read.
    finished: Option<u64>,
    /// The seq that comes next, once a line was read.
    expected: Option<u64>,
    seen: Seen,
    ready: VecDeque<Item>,
    since: Option<Timestamp>,
    /// Files with other names were reported.
    foreign_reported: bool,
    /// Nothing new was there at the last look: the file may change before the next.
    was_at_end: bool,
}

impl WriterDir {
    pub(super) fn new(path: PathBuf, name: &str, since: Option<Timestamp>) -> Self {
        Self {
            path,
            name: name.into(),
            current: None,
            finished: None,
            expected: None,
            seen: Seen::default(),
            ready: VecDeque::new(),
            since,
            foreign_reported: false,
            was_at_end: false,
        }
    }

    /// The next item; `None` at the present end.
    pub(super) fn next(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            if self.current.is_none() {
                match self.following(self.finished)? {
                    Some(from) => self.enter(from)?,
                    None => return Ok(None),
                }
            } else if !self.step()? {
                return Ok(None);
            }
        }
    }

    /// The seqs in the names of the segments, in order.
    pub(super) fn segments(&mut self) -> Result<Vec<u64>, ReadError> {
        let names = match names(&self.path) {
            Ok(names) => names,
            // The folder itself can vanish under a follower.
            Err(ReadError::NoTrail(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let found = numbers(&names);
        let foreign = names.iter().filter(|name| is_foreign(name)).count();
        if foreign > 0 && !std::mem::replace(&mut self.foreign_reported, true) {
            let reason = format!("{foreign} files end in .jsonl but have no segment's name");
            self.ready.push_back(damaged(&self.path, 0, reason));
        }
        Ok(found)
    }

    /// The first segment after `finished`.
    fn following(&mut self, finished: Option<u64>) -> Result<Option<u64>, ReadError> {
        let mut all = self.segments()?;
        all.retain(|from| finished.is_none_or(|f| *from > f));
        if finished.is_none()
            && let Some(since) = self.since
        {
            // What a segment holds was written, and so began, before the next one's first record
            // was written.
            let next_begun = |from: &u64| begun(&self.path.join(file_name(*from)));
            let old = |next: &&u64| next_begun(next).is_some_and(|time| time < since);
            let skip = all.iter().skip(1).take_while(old).count();
            return Ok(all.get(skip).copied());
        }
        Ok(all.first().copied())
    }

    /// Opens a segment.
    pub(super) fn enter(&mut self, from: u64) -> Result<(), ReadError> {
        let path = self.path.join(file_name(from));
        match Segment::open(path.clone(), from) {
            Ok(mut segment) => {
                segment.successor = self.following(Some(from))?;
                self.current = Some(segment);
                self.was_at_end = false;
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ReadError::io(&path, error));
            }
            Err(error) => {
                // Pruned between listing and opening; or a link, a folder, a pipe.
                if error.kind() != io::ErrorKind::NotFound {
                    self.ready.push_back(damaged(&path, 0, format!("cannot be read: {error}")));
                }
                self.finished = Some(from);
            }
        }
        Ok(())
    }

    /// Reads one line of the current segment; false at the present end.
    fn step(&mut self) -> Result<bool, ReadError> {
        let Some(segment) = &mut self.current else { return Ok(false) };
        if std::mem::take(&mut self.was_at_end)
            && let Err(error) = segment.start_over_if_changed()
        {
            if error.kind() == io::ErrorKind::PermissionDenied {
                return Err(ReadError::io(&segment.path, error));
            }
            segment.dead = true;
            let reason = format!("cannot be read any more: {error}");
            self.ready.push_back(damaged(&segment.path, 0, reason));
        }
        let start = segment.lines.offset();
        let next = if segment.dead { Ok(Next::End(0)) } else { segment.lines.next(&segment.file) };
        match next {
            Ok(Next::Line(bytes)) => {
                let (fingerprint, at_start) = (fingerprint(bytes), segment.at_start);
                let judged = if at_start { Err("") } else { read_line(&self.name, bytes) };
                let is_note = !at_start && judged.is_err() && from_line(bytes).is_some();
                let header = at_start.then(|| parse_header(bytes));
                segment.passed(start, fingerprint);
                segment.at_start = false;
                match (header, judged) {
                    (Some(header), _) => self.take_header(header),
                    (None, Ok(line)) => self.take_line(line, fingerprint),
                    // A checkpoint: whether it is true is the verifier's affair.
                    (None, Err(_)) if is_note => {}
                    (None, Err(why)) => self.report(why.to_owned()),
                }
            }
            Ok(Next::TooLong) => {
                segment.passed(start, 0);
                segment.at_start = false;
                self.report("a line longer than 1 MiB".to_owned());
            }
            Ok(Next::End(rest)) => return self.at_end(rest),
            Err(error) => {
                segment.dead = true;
                let reason = format!("the rest cannot be read: {error}");
                self.ready.push_back(damaged(&segment.path, 0, reason));
            }
        }
        Ok(true)
    }

    /// At the end of a segment: on to the next, or wait.
    fn at_end(&mut self, rest: u64) -> Result<bool, ReadError> {
        let Some(from) = self.current.as_ref().map(|s| s.from) else { return Ok(false) };
        let next = self.following(Some(from))?;
        let Some(segment) = &mut self.current else { return Ok(false) };
        segment.lines.forget_ahead();
        if next.is_some() && segment.successor.is_none() {
            // The last lines may have come between reading to the end and seeing the next
            // segment: read on once more, now that nobody appends here.
            segment.successor = next;
            self.was_at_end = true;
            return Ok(true);
        }
        if next.is_none() {
            segment.successor = None;
            self.was_at_end = true;
            return Ok(false);
        }
        if rest > 0 && !segment.dead {
            let line = segment.number.map_or(0, |n| n + 1);
            let reason = format!("the last line is cut off after {rest} bytes");
            self.ready.push_back(damaged(&segment.path, line, reason));
        }
        self.finished = Some(from);
        self.current = None;
        Ok(true)
    }

    fn take_header(&mut self, header: Option<Header>) {
        let Some(segment) = &mut self.current else { return };
        match header {
            Some(Header::Known { before, .. }) if before.size() == segment.from => {
                let from = segment.from;
                let before = self.expected.filter(|expected| from < *expected);
                if let Some(expected) = before {
                    let last = expected - 1;
                    self.report(format!(
                        "begins at {from}, but the segment before it goes to {last}"
                    ));
                    self.expect_repeats();
                }
                // An empty trail that was pruned begins anywhere.
                self.expected = self.expected.or(Some(from));
                self.missing_before(from);
            }
            Some(Header::Known { before, .. }) => {
                let from = before.size();
                self.report(format!("the header says it begins at {from}, the name does not"));
            }
            Some(Header::Other(format)) => {
                let known = crate::segment::FORMAT;
                self.report(format!("is of version {format}; this program reads {known}"));
            }
            None => self.report("the first line is no header".to_owned()),
        }
    }

    fn expect_repeats(&mut self) {
        if let Some(segment) = &mut self.current
            && segment.replay == Replay::No
        {
            segment.replay = Replay::Repeats;
        }
    }

    fn take_line(&mut self, line: Line, fingerprint: u64) {
        let seq = line.seq;
        let again = self.expected.is_some_and(|expected| seq < expected);
        if again {
            let replay = self.current.as_ref().map_or(Replay::No, |s| s.replay);
            let known = self.seen.has(seq, fingerprint);
            if match replay {
                Replay::No => false,
                Replay::Rewound => known || self.seen.is_older(seq),
                Replay::Repeats => known,
            } {
                return;
            }
            if replay == Replay::No {
                self.report(format!("the count goes back to {seq}"));
            }
        } else if let Some(segment) = &mut self.current
            && self.expected.is_some()
        {
            segment.replay = Replay::No;
        }
        self.missing_before(seq);
        self.seen.add(seq, fingerprint);
        self.expected = Some(seq + 1);
        self.ready.push_back(Item::Line(line));
    }

    /// Reports the records between what was expected and `seq`.
    fn missing_before(&mut self, seq: u64) {
        if let Some(expected) = self.expected.filter(|expected| seq > *expected) {
            let last = seq - 1;
            self.expected = Some(seq);
            if expected == last {
                self.report(format!("record {last} is missing before this line"));
            } else {
                self.report(format!("records {expected} to {last} are missing before this line"));
            }
        }
    }

    /// Reports damage at the current line, unless it was reported when it was read before.
    fn report(&mut self, reason: String) {
        if let Some(segment) = &self.current {
            let number = segment.line_number();
            if segment.replay != Replay::Rewound {
                self.ready.push_back(damaged(&segment.path, number, reason));
            }
        }
    }
}

pub(crate) fn read_line(writer: &Arc<str>, bytes: &[u8]) -> Result<Line, &'static str> {
    let parts = line::record(bytes)?;
    // `record` has found it to be UTF-8.
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?.to_owned();
    let time = parts.time.and_then(|time| time.parse().ok());
    Ok(Line { writer: Arc::clone(writer), seq: parts.seq, kind: parts.kind.into(), time, text })
}

fn damaged(path: &Path, line: u64, reason: String) -> Item {
    Item::Damaged(Damaged { path: path.to_owned(), line, reason })
}

/// When a segment's first record was written: its id tells, to the millisecond. A record's `time`
/// is that of its beginning, which may lie long before.
fn begun(path: &Path) -> Option<Timestamp> {
    // Not a pipe, which would not open before somebody writes to it.
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let file = fs::File::open(path).ok()?;
    let mut lines = Lines::at(0);
    let Next::Line(_header) = lines.next(&file).ok()? else { return None };
    let mut first = Vec::new();
    // A checkpoint of what came before may stand first.
    for _ in 0..2 {
        let Next::Line(line) = lines.next(&file).ok()? else { return None };
        if from_line(line).is_none() {
            first.extend_from_slice(line);
            break;
        }
    }
    let entry = Entry::parse(std::str::from_utf8(&first).ok()?).ok()?;
    let (seconds, nanos) = Uuid::parse_str(&entry.id?).ok()?.get_timestamp()?.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros + i64::from(nanos / 1_000)))
}
