//! `audit tail`.

use std::{collections::HashMap, time::Duration};

use crate::{
    args::Tail,
    exit::Failure,
    filter::Filter,
    output::Output,
    ring::{Piece, Ring},
    source::{Record, Source},
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
        while let Some(record) = source.next()? {
            if let Some(piece) = piece(filter, record) {
                print(piece, out)?;
            }
        }
        out.flush()?;
        out.wait(POLL)?;
    }
}

/// What a record is to somebody who watches: one that matches, one to tell of, or nothing.
fn piece(filter: &Filter, record: Box<Record>) -> Option<Piece<Record>> {
    if filter.matches(&record.entry) {
        return Some(Piece::Record(record));
    }
    let told = !filter.takes_kind(record.entry.kind) && filter.takes_time(&record.entry);
    told.then(|| notice(&record.entry)).flatten().map(Piece::Notice)
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

/// What was seen of one writer.
#[derive(Clone, Copy)]
struct Seen {
    /// The earliest seq.
    first: u64,
    /// How many records match.
    matching: usize,
}

/// Takes the last lines of each writer, and more of them until enough match or there are no
/// more. What follows is read on from the same source, so nothing falls between the two.
fn newest(args: &Tail) -> Result<(Source, Ring<Record>), Failure> {
    let spare = if args.lines == 0 { 0 } else { 50 };
    let mut lines = args.lines.saturating_mul(2).saturating_add(spare);
    let mut before: (HashMap<String, Seen>, u64) = (HashMap::new(), 0);
    loop {
        let mut source = Source::tail(&args.source, lines)?;
        let mut ring = Ring::new(args.lines);
        let mut writers = HashMap::new();
        while let Some(record) = source.next()? {
            let writer = record.line.writer().to_owned();
            let seq = record.line.seq();
            let seen = writers.entry(writer).or_insert(Seen { first: seq, matching: 0 });
            if let Some(piece) = piece(&args.filter, record) {
                seen.matching += usize::from(matches!(piece, Piece::Record(_)));
                ring.push(piece);
            }
        }
        // All was read where asking for more lines did not bring an earlier one.
        let stuck = before.1 == source.damaged();
        let done = |(writer, seen): (&String, &Seen)| {
            let no_more = before.0.get(writer).is_some_and(|b| b.first <= seen.first) && stuck;
            seen.matching >= args.lines || seen.first == 0 || no_more
        };
        if writers.iter().all(done) {
            return Ok((source, ring));
        }
        before = (writers, source.damaged());
        lines = lines.saturating_mul(8);
    }
}
