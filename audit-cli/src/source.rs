//! Records as they come out of a trail, with what is damaged said aside.

use std::path::Path;

use audit_core::{Entry, Timestamp};
use audit_trail::{Item, Line, Reader};

use crate::{
    exit::Failure,
    talk::{plural, say},
};

/// How many reports of damage are held back at most; the others are only counted.
const HELD: usize = 1_000;

/// A line of a trail and what it says.
pub(crate) struct Record {
    pub(crate) line: Line,
    pub(crate) entry: Entry,
}

/// A trail being read.
pub(crate) struct Source {
    reader: Reader,
    /// What a record's time must lie in to be looked at; without a bound, anything does.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    damaged: u64,
    /// Reports held back until it is certain that this reading counts.
    held: Option<Vec<String>>,
}

impl Source {
    /// Reads from the beginning what began in this range.
    pub(crate) fn range(
        path: &Path,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, Failure> {
        let reader = match since {
            Some(since) => Reader::since(path, since)?,
            None => Reader::open(path)?,
        };
        Ok(Self { reader, since, until, damaged: 0, held: None })
    }

    /// Reads at least the newest `lines` lines of each writer. Damage is held back until
    /// [`Source::release`].
    pub(crate) fn tail(path: &Path, lines: usize) -> Result<Self, Failure> {
        let reader = Reader::tail(path, lines)?;
        Ok(Self { reader, since: None, until: None, damaged: 0, held: Some(Vec::new()) })
    }

    /// The next record; `None` at the present end, after which there may be more later.
    pub(crate) fn next(&mut self) -> Result<Option<Box<Record>>, Failure> {
        loop {
            match self.reader.next()? {
                None => return Ok(None),
                // Cheaper than reading all of the record to find the same.
                Some(Item::Line(line)) if self.is_outside(&line) => {}
                Some(Item::Line(line)) => match line.entry() {
                    Ok(entry) => return Ok(Some(Box::new(Record { line, entry }))),
                    Err(error) => {
                        self.report(format!(
                            "writer {}, seq {}: {error}",
                            line.writer(),
                            line.seq()
                        ));
                    }
                },
                Some(Item::Damaged(damaged)) => self.report(damaged.to_string()),
                // What a newer reader may add is not a record.
                Some(_) => {}
            }
        }
    }

    fn is_outside(&self, line: &Line) -> bool {
        line.time().is_some_and(|time| {
            self.since.is_some_and(|since| time < since)
                || self.until.is_some_and(|until| time >= until)
        })
    }

    fn report(&mut self, report: String) {
        self.damaged += 1;
        match &mut self.held {
            None => say(format_args!("damaged: {report}")),
            Some(held) if held.len() < HELD => held.push(report),
            Some(_) => {}
        }
    }

    /// From now on damage is said as it is met.
    pub(crate) fn release(&mut self) {
        for report in self.held.take().into_iter().flatten() {
            say(format_args!("damaged: {report}"));
        }
    }

    /// In how many places damage was met.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Says how much damage was met, if any.
    pub(crate) fn summary(&self) {
        if self.damaged > 0 {
            let places = plural(self.damaged, "place");
            say(format_args!("the trail is damaged in {places}; all that can be read was read"));
        }
    }
}
