//! Reading a segment up to the first line that is not whole.

use std::{fs::File, io};

use crate::{
    announced::Unrecorded,
    files::file_name,
    line::{self, Lines, Next},
    note::{Checkpoint, VerifyingKey, from_line},
    segment::{Header, parse_header},
    tree::Tree,
};

/// What a segment is.
pub(super) enum Verdict {
    /// Of this version, whole or not.
    Segment(Box<Scan>),
    /// It must not be touched: what was signed is not there, or is another thing, or it is of
    /// another version.
    Left(String),
}

/// What was found in a segment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The origin in the header, if there is one and it fits the name.
    pub(super) header: Option<String>,
    /// The header's length, in bytes.
    pub(super) header_len: u64,
    /// The tree of all whole lines; its size is the seq after the last.
    pub(super) tree: Tree,
    /// The size of the last checkpoint in it.
    pub(super) signed: Option<u64>,
    /// Where the whole lines end, in bytes.
    pub(super) len: u64,
    /// Why what comes after `len` is not a line; absent where nothing comes.
    pub(super) torn: Option<&'static str>,
    /// It holds records that are written behind a checkpoint only.
    pub(super) others: bool,
    /// The last record is `close`.
    pub(super) closed: bool,
    /// The time of the first record.
    pub(super) first_time: Option<audit_core::Timestamp>,
}

/// How the checkpoints of a directory are judged.
pub(super) struct Judge<'a> {
    pub(super) key: &'a VerifyingKey,
    /// The one that was published.
    pub(super) published: Option<&'a Checkpoint>,
    /// There is no file that names the key.
    pub(super) unnamed: bool,
}

impl Judge<'_> {
    /// Why this tree is not the one that was published, if it should be.
    fn differs(&self, tree: &Tree) -> Option<String> {
        let published = self.published.filter(|published| published.size == tree.size())?;
        let size = published.size;
        (published.root != tree.root())
            .then(|| format!("its records before {size} are not those of its file `checkpoint`"))
    }
}

/// Reads the segment named `from`, line by line, with flat memory but for the requests that have
/// no record.
pub(super) fn scan(
    file: &File,
    from: u64,
    judge: &Judge<'_>,
    requests: &mut Unrecorded,
) -> io::Result<Verdict> {
    let mut lines = Lines::at(0);
    let mut scan = Scan::default();
    match lines.next(file)? {
        Next::Line(line) => match parse_header(line) {
            Some(Header::Known { origin, before }) if before.size() == from => {
                scan.header = Some(origin);
                scan.tree = before;
            }
            Some(Header::Known { .. }) => scan.torn = Some("has another segment's header"),
            Some(Header::Other(version)) => {
                let why = format!("its segment {} is of version {version}", file_name(from));
                return Ok(Verdict::Left(why));
            }
            None => scan.torn = Some("has no header"),
        },
        Next::TooLong => scan.torn = Some("has no header"),
        Next::End(_) => scan.torn = Some("has a header that is cut off"),
    }
    let Some(origin) = scan.header.clone() else { return Ok(Verdict::Segment(Box::new(scan))) };
    scan.header_len = lines.offset();
    if let Some(why) = judge.differs(&scan.tree) {
        return Ok(Verdict::Left(why));
    }
    loop {
        scan.len = lines.offset();
        let line = match lines.next(file)? {
            Next::Line(line) => line,
            Next::TooLong => {
                scan.torn = Some("a line longer than 1 MiB");
                break;
            }
            Next::End(0) => break,
            Next::End(_) => {
                scan.torn = Some("the last line is cut off");
                break;
            }
        };
        if let Some(note) = from_line(line) {
            let Some(checkpoint) = Checkpoint::verify(&note, judge.key) else {
                if judge.unnamed && note.contains("\n\n\u{2014} ") {
                    let why = "another key has signed it, and its file verifier.key is missing";
                    return Ok(Verdict::Left(why.to_owned()));
                }
                scan.torn = Some("a checkpoint that is not signed by this key");
                break;
            };
            let (size, root) = (scan.tree.size(), scan.tree.root());
            if checkpoint.size < size || scan.signed == Some(checkpoint.size) {
                scan.torn = Some("a copy of an older checkpoint");
                break;
            }
            if checkpoint != (Checkpoint { origin: origin.clone(), size, root }) {
                return Ok(Verdict::Left(format!(
                    "its records are not those it signed before {size}"
                )));
            }
            if size == from {
                scan.header_len = lines.offset();
            }
            scan.signed = Some(size);
            continue;
        }
        let whole = line::record(line).and_then(|parts| Ok((line::leaf(line)?, parts)));
        match whole {
            Ok((leaf, parts)) if parts.seq == scan.tree.size() => {
                scan.others |= !line::is_of_a_start(line);
                scan.closed = parts.is_control("close");
                if parts.seq == from {
                    scan.first_time = parts.time.and_then(|time| time.parse().ok());
                }
                requests.see(line, parts.seq);
                scan.tree.push(leaf);
                if let Some(why) = judge.differs(&scan.tree) {
                    return Ok(Verdict::Left(why));
                }
            }
            Ok(_) => {
                scan.torn = Some("a record that is not the next");
                break;
            }
            Err(why) => {
                scan.torn = Some(why);
                break;
            }
        }
    }
    let size = scan.tree.size();
    if let Some(why) = scan.torn
        && signed_after(file, lines, Some(&origin), size, judge.key)?
    {
        return Ok(Verdict::Left(format!("its record {size} was signed, and is no more: {why}")));
    }
    Ok(Verdict::Segment(Box::new(scan)))
}

/// Whether a checkpoint further down, of this origin or of any, has signed more than `size` records.
pub(super) fn signed_after(
    file: &File,
    mut lines: Lines,
    origin: Option<&str>,
    size: u64,
    key: &VerifyingKey,
) -> io::Result<bool> {
    loop {
        let note = match lines.next(file)? {
            Next::Line(line) => from_line(line),
            Next::TooLong => None,
            Next::End(_) => return Ok(false),
        };
        let checkpoint = note.and_then(|note| Checkpoint::verify(&note, key));
        if checkpoint
            .is_some_and(|one| one.size > size && origin.is_none_or(|origin| one.origin == origin))
        {
            return Ok(true);
        }
    }
}
