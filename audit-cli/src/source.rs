//! Records as they come out of a trail, with what is damaged said aside.

use std::path::Path;

use audit_core::Entry;
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

/// What came next.
pub(crate) enum Next {
    Record(Box<Record>),
    /// A line that cannot be read. It is reported already.
    Unreadable,
    /// Nothing more at present.
    End,
}

/// A trail being read.
pub(crate) struct Source {
    reader: Reader,
    unreadable: u64,
    /// Reports held back until it is certain that this reading counts.
    held: Option<Vec<String>>,
}

impl Source {
    /// Reads from the beginning.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            reader: Reader::open(path)?,
            unreadable: 0,
            held: None,
        })
    }

    /// Reads at least the newest `lines` lines of each writer. Damage is held back until
    /// [`Source::release`].
    pub(crate) fn tail(path: &Path, lines: usize) -> Result<Self, Failure> {
        let reader = Reader::tail(path, lines)?;
        Ok(Self {
            reader,
            unreadable: 0,
            held: Some(Vec::new()),
        })
    }

    pub(crate) fn next(&mut self) -> Result<Next, Failure> {
        let report = match self.reader.next()? {
            None => return Ok(Next::End),
            Some(Item::Line(line)) => match line.entry() {
                Ok(entry) => return Ok(Next::Record(Box::new(Record { line, entry }))),
                Err(error) => format!("writer {}, seq {}: {error}", line.writer(), line.seq()),
            },
            Some(Item::Damaged(damaged)) => damaged.to_string(),
            // What a newer reader may add is not a record.
            Some(_) => return Ok(Next::Unreadable),
        };
        self.unreadable += 1;
        match &mut self.held {
            None => say(format_args!("damaged: {report}")),
            Some(held) if held.len() < HELD => held.push(report),
            Some(_) => {}
        }
        Ok(Next::Unreadable)
    }

    /// From now on damage is said as it is met.
    pub(crate) fn release(&mut self) {
        for report in self.held.take().into_iter().flatten() {
            say(format_args!("damaged: {report}"));
        }
    }

    /// How many lines could not be read, if any.
    pub(crate) fn summary(&self) {
        if self.unreadable > 0 {
            say(format_args!(
                "{} left out; every other record was read",
                plural(self.unreadable, "damaged line")
            ));
        }
    }
}
