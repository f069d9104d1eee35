//! Reading a segment up to the first line that is not whole.

use std::{fs::File, io};

use crate::{
    announced::Unrecorded,
    line::{self, Lines, Next},
    segment::{Header, parse_header},
};

/// What a segment is.
pub(super) enum Verdict {
    /// Of this version, whole or not.
    Segment(Scan),
    /// Of a version that this program must not touch.
    OtherVersion,
}

/// What was found in a segment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The origin in the header, if there is one and it fits the name.
    pub(super) header: Option<String>,
    /// The seq after the last whole line.
    pub(super) next: u64,
    /// Where the whole lines end, in bytes.
    pub(super) len: u64,
    /// Why what comes after `len` is not a line; absent where nothing comes.
    pub(super) torn: Option<&'static str>,
    /// The last record is `close`.
    pub(super) closed: bool,
    /// The time of the first record.
    pub(super) first_time: Option<audit_core::Timestamp>,
}

/// Reads the segment named `from`, line by line, with flat memory but for the requests that have
/// no record.
pub(super) fn scan(file: &File, from: u64, requests: &mut Unrecorded) -> io::Result<Verdict> {
    let mut lines = Lines::at(0);
    let mut scan = Scan { next: from, ..Scan::default() };
    match lines.next(file)? {
        Next::Line(line) => match parse_header(line) {
            Some(Header::Known { origin, from: told }) if told == from => {
                scan.header = Some(origin);
            }
            Some(Header::Known { .. }) => scan.torn = Some("has another segment's header"),
            Some(Header::Other(_)) => return Ok(Verdict::OtherVersion),
            None => scan.torn = Some("has no header"),
        },
        Next::TooLong => scan.torn = Some("has no header"),
        Next::End(_) => scan.torn = Some("has a header that is cut off"),
    }
    if scan.header.is_none() {
        return Ok(Verdict::Segment(scan));
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
        match line::record(line) {
            Ok(parts) if parts.seq == scan.next => {
                scan.closed = parts.is_control("close");
                if scan.next == from {
                    scan.first_time = parts.time.and_then(|time| time.parse().ok());
                }
                requests.see(line, parts.seq);
                scan.next += 1;
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
    Ok(Verdict::Segment(scan))
}
