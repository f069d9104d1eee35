//! `audit tail`.

use std::{collections::HashMap, time::Duration};

use crate::{
    args::Tail,
    exit::Failure,
    filter::Filter,
    output::Output,
    ring::{Piece, Ring},
    source::{Next, Record, Source},
    talk::{notice, say},
};

/// How often a follower looks for what is new.
const POLL: Duration = Duration::from_millis(100);

/// Prints the newest records that match and, if asked, those that follow.
pub(crate) fn run(args: &Tail, out: &mut Output) -> Result<(), Failure> {
    args.filter.check().map_err(Failure::Usage)?;
    let (mut source, newest) = newest(args)?;
    for piece in newest {
        print(piece, out)?;
    }
    out.flush()?;
    source.release();
    if args.follow {
        return follow(&args.filter, source, out);
    }
    source.summary();
    Ok(())
}

/// Prints what is written from now on. Ends only by a failure, such as a reader that is gone.
fn follow(filter: &Filter, mut source: Source, out: &mut Output) -> Result<(), Failure> {
    loop {
        match source.next()? {
            Next::Record(record) => {
                if let Some(piece) = piece(filter, record) {
                    print(piece, out)?;
                }
            }
            Next::Unreadable => {}
            Next::End => {
                out.flush()?;
                out.wait(POLL)?;
            }
        }
    }
}

/// What a record is to somebody who watches: one that matches, one to tell of, or nothing.
fn piece(filter: &Filter, record: Box<Record>) -> Option<Piece<Record>> {
    if filter.matches(&record.entry) {
        return Some(Piece::Record(record));
    }
    let told = !filter.takes_kind(record.entry.kind) && filter.takes_time(&record.entry);
    told.then(|| notice(&record.entry))
        .flatten()
        .map(Piece::Notice)
}

fn print(piece: Piece<Record>, out: &mut Output) -> Result<(), Failure> {
    match piece {
        Piece::Record(record) => out.record(&record),
        Piece::Notice(text) => {
            out.flush()?;
            say(text);
            Ok(())
        }
    }
}

/// Takes the last lines of each writer, and more of them until enough match or there are no
/// more. What follows is read on from the same source, so nothing falls between the two.
fn newest(args: &Tail) -> Result<(Source, Ring<Record>), Failure> {
    let spare = if args.lines == 0 { 0 } else { 50 };
    let mut lines = args.lines.saturating_mul(2).saturating_add(spare);
    loop {
        let mut source = Source::tail(&args.source, lines)?;
        let mut ring = Ring::new(args.lines);
        // Of each writer: lines read, and how many of them match.
        let mut writers: HashMap<String, (usize, usize)> = HashMap::new();
        let mut unreadable = 0;
        loop {
            let record = match source.next()? {
                Next::Record(record) => record,
                Next::Unreadable => {
                    unreadable += 1;
                    continue;
                }
                Next::End => break,
            };
            let writer = record.line.writer().to_owned();
            let piece = piece(&args.filter, record);
            let (read, matching) = writers.entry(writer).or_default();
            *read += 1;
            *matching += usize::from(matches!(piece, Some(Piece::Record(_))));
            if let Some(piece) = piece {
                ring.push(piece);
            }
        }
        // A writer that gave fewer lines than asked for has no more.
        let done = |&(read, matching): &(usize, usize)| {
            matching >= args.lines || read.saturating_add(unreadable) < lines
        };
        if writers.values().all(done) {
            return Ok((source, ring));
        }
        lines = lines.saturating_mul(8);
    }
}
