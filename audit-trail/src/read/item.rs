//! What a reader gives.

use std::{fmt, path::PathBuf, sync::Arc};

use audit_core::{Entry, EntryError, Group, Timestamp};

/// A line, or the place where none could be read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A record.
    Line(Line),
    /// Something that is no record, or records that are not there. Reading goes on after it.
    Damaged(Damaged),
}

/// A record's line, as it is stored.
#[derive(Clone, Debug)]
pub struct Line {
    pub(super) writer: Arc<str>,
    pub(super) seq: u64,
    pub(super) kind: Box<str>,
    pub(super) time: Option<Timestamp>,
    pub(super) text: String,
}

impl Line {
    /// The name of the writer directory: `00`, `01`, …
    #[must_use]
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// The place in the writer directory, counted from 0.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The record's kind, as it is spelled in the line: `request`, `control`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When it began; absent in lines that do not say it.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The line as it is stored, one JSON object, without its line feed. Groups are set off by
    /// `,` TAB.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The groups that are there and not redacted, each with its JSON object as it is stored.
    pub fn groups(&self) -> impl Iterator<Item = (Group, &str)> {
        let pieces = self.text.split(",\t").skip(1);
        pieces.filter_map(|piece| {
            let (name, value) = piece.strip_prefix('"')?.split_once("\":")?;
            // Behind an open one there is always a salt, so it is never cut short by the line's end.
            Some((name.parse().ok()?, value)).filter(|(_, value)| value.starts_with('{'))
        })
    }

    /// The record.
    ///
    /// # Errors
    ///
    /// When the line has the form of a record but members of other types than this version
    /// knows, such as a new `kind`.
    pub fn entry(&self) -> Result<Entry, EntryError> {
        Entry::parse(&self.text)
    }
}

/// Something in a trail that is no record, or records that are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The segment, or its folder.
    pub path: PathBuf,
    /// The line in it, counted from 1; 0 where it concerns no line, or where reading began in
    /// the middle of the file.
    pub line: u64,
    /// What was found.
    pub reason: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
        }
        write!(f, ": {}", self.reason)
    }
}
