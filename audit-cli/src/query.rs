//! `audit query`.

use crate::{
    args::Query,
    exit::Failure,
    output::Output,
    source::Source,
    talk::{Tally, say},
};

/// Prints every record that matches, up to the limit, and then says what may be missing.
pub(crate) fn run(args: &Query, out: &mut Output) -> Result<(), Failure> {
    args.filter.check().map_err(Failure::Usage)?;
    let mut source = Source::range(&args.source, args.filter.since, args.filter.until)?;
    let mut tally = Tally::default();
    let mut left = args.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(record) = source.next()? else { break };
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
