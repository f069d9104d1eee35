//! `audit query`.

use crate::{
    args::Query,
    exit::Failure,
    output::Output,
    source::{Next, Source},
    talk::{Tally, say},
};

/// Prints every record that matches, up to the limit, and then says what may be missing.
pub(crate) fn run(args: &Query, out: &mut Output) -> Result<(), Failure> {
    args.filter.check().map_err(Failure::Usage)?;
    let mut source = Source::open(&args.source)?;
    let mut tally = Tally::default();
    let mut left = args.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let record = match source.next()? {
            Next::Record(record) => record,
            Next::Unreadable => continue,
            Next::End => break,
        };
        if args.filter.matches(&record.entry) {
            out.record(&record)?;
            left -= 1;
        } else if args.filter.takes_time(&record.entry) {
            tally.add(&record.entry);
        }
    }
    out.flush()?;
    if let Some(summary) = tally.summary() {
        say(summary);
    }
    source.summary();
    Ok(())
}
